"""What moves, where it is put, and what a model says that a method does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import BadInput
from backend.training.methods.bases import weights_dtype
from backend.training.methods.building import build, trainable_parameters
from backend.training.methods.modules import blocks, last_layers, target_modules
from backend.training.methods.optimizers import optimizer_for
from tests.tiny import tiny_model
from tests.training.learning import config_for, logits, moved, rows_for, start, state_of, train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base") / "tiny")


def architecture(name: str) -> Any:
    import transformers

    library: Any = transformers
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    if name == "gpt2":
        return library.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_inner=64)
    if name == "opt":
        return library.OPTConfig(
            hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4, word_embed_proj_dim=32
        )
    if name == "phi3":
        return library.Phi3Config(**small, num_key_value_heads=2)
    if name == "qwen3":
        return library.Qwen3Config(**small, num_key_value_heads=2, head_dim=8)
    return library.Gemma2Config(**small, num_key_value_heads=2, head_dim=8)


EXPECTED = {
    "gpt2": ["c_attn", "c_fc", "c_proj"],
    "opt": ["fc1", "fc2", "k_proj", "out_proj", "q_proj", "v_proj"],
    "phi3": ["down_proj", "gate_up_proj", "o_proj", "qkv_proj"],
    "qwen3": ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"],
    "gemma2": ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_target_modules_are_found_in_every_architecture_and_the_head_is_none(name: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / name, config=architecture(name))
    built = start(config_for("lora"), folder)
    assert target_modules(config_for("lora"), start(config_for("full"), folder).model) == EXPECTED[name]
    found = {name.split(".lora_")[0].rpartition(".")[2] for name in trainable_parameters(built)}
    assert sorted(found) == EXPECTED[name]
    plain = start(config_for("last_layers"), folder)
    names = list(trainable_parameters(plain))
    assert all(".1." in name or "norm" in name or "ln_f" in name for name in names), names
    assert any("norm" in name or "ln_f" in name for name in names if ".1." not in name)


def test_named_modules_are_changed_and_unknown_ones_are_told(base: Path) -> None:
    built = start(config_for("lora", target_modules=("q_proj",)), base)
    assert {name.split(".lora_")[0].rpartition(".")[2] for name in trainable_parameters(built)} == {"q_proj"}
    with pytest.raises(BadInput) as caught:
        start(config_for("lora", target_modules=("q_proj", "query")), base)
    assert caught.value.key == "error.training_target_modules"
    assert caught.value.details["unknown"] == "query" and "q_proj" in str(caught.value.details["known"])


def test_an_architecture_that_a_method_does_not_know_is_told(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "phi3", config=architecture("phi3"))
    with pytest.raises(BadInput) as caught:
        start(config_for("ia3"), folder)
    assert caught.value.key == "error.training_architecture" and caught.value.details["kind"] == "phi3"


def test_a_layer_that_a_method_cannot_change_is_told_and_others_are_turned(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "gpt2", config=architecture("gpt2"))
    for method in ("lora", "vera", "ia3", "dora"):
        built = start(config_for(method), folder)
        assert built.model.active_peft_config.fan_in_fan_out is True
    for method in ("loha", "oft"):
        with pytest.raises(BadInput) as caught:
            start(config_for(method), folder)
        assert caught.value.key == "error.training_method_model" and "Conv1D" in str(caught.value.details["why"])


def test_a_method_is_put_on_modules_that_a_person_names(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "phi3", config=architecture("phi3"))
    built = start(config_for("ia3", target_modules=("qkv_proj", "down_proj")), folder)
    assert len(trainable_parameters(built)) == 4


@pytest.mark.parametrize(
    ("method", "objective"), [("lora", "answers"), ("prefix_tuning", "answers"), ("frozen", "head")]
)
def test_a_base_in_half_precision_learns_with_numbers_in_full(
    method: Any, objective: Any, base: Path, tmp_path: Path
) -> None:
    config = config_for(method, objective, dtype="bfloat16")
    built = start(config, base)
    assert built.model.get_input_embeddings().weight.dtype is torch.bfloat16
    assert {one.dtype for one in trainable_parameters(built).values()} == {torch.float32}
    losses = train(config, built, tmp_path / "run")
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("optim", ["adamw_torch", "adamw_bnb_8bit", "adafactor", "sgd"])
def test_lora_plus_has_its_two_speeds_with_every_optimizer(optim: Any, base: Path, tmp_path: Path) -> None:
    config = config_for("lora_plus", optim=optim, loraplus_lr_ratio=8.0, max_steps=3, weight_decay=0.1)
    built = start(config, base)
    made = optimizer_for(config, built.model)
    assert made is not None and optimizer_for(config_for("lora"), built.model) is None
    speeds = {name: group["lr"] for group in made.param_groups for name in _names(group, built.model)}
    assert {speed for name, speed in speeds.items() if "lora_B" in name} == {8 * config.learning_rate}
    assert {speed for name, speed in speeds.items() if "lora_A" in name} == {config.learning_rate}
    assert {group["weight_decay"] for group in made.param_groups if group["params"]} == {0.1}
    losses = train(config, built, tmp_path / "run")
    assert losses[-1] < losses[0]


def _names(group: dict[str, Any], model: Any) -> list[str]:
    inside = {id(parameter) for parameter in group["params"]}
    return [name for name, parameter in model.named_parameters() if id(parameter) in inside]


def test_adalora_takes_ranks_away_by_the_runs_own_steps(base: Path, tmp_path: Path) -> None:
    config = config_for("adalora", max_steps=20, r=2)
    built = start(config, base)
    layers = [one for name, one in trainable_parameters(built).items() if "lora_E" in name]
    assert sum(len(one) for one in layers) == 3 * len(layers)
    train(config, built, tmp_path / "run")
    assert sum(int((one != 0).sum()) for one in layers) == 2 * len(layers)
    assert built.model.active_peft_config.total_step == 20


def test_more_layers_than_there_are_is_told(base: Path) -> None:
    with pytest.raises(BadInput) as caught:
        start(config_for("last_layers", last_layers=3), base)
    assert caught.value.key == "error.training_last_layers" and caught.value.details["blocks"] == 2


def test_pissa_cannot_have_more_ranks_than_a_layer_is_wide(base: Path) -> None:
    with pytest.raises(BadInput) as caught:
        start(config_for("lora", init_lora_weights="pissa", r=24), base)
    assert caught.value.key == "error.training_pissa_rank" and caught.value.details["most"] == 16


@pytest.mark.parametrize("method", ["lora", "adalora", "vera", "p_tuning"])
def test_the_same_config_gives_the_same_start(method: Any, base: Path) -> None:
    first, torch_moved = start(config_for(method, seed=3), base), torch.rand(3)
    second = start(config_for(method, seed=3), base)
    other = start(config_for(method, seed=4), base)
    assert torch_moved.shape == (3,)
    assert moved(state_of(first.model), second.model) == set()
    assert moved(state_of(first.model), other.model) != set()


@pytest.mark.parametrize(("method", "quantization"), [("lora", None), ("full", None), ("lora", "nf4")])
def test_gradient_checkpointing_gives_the_same_loss(method: Any, quantization: Any, base: Path, tmp_path: Path) -> None:
    curves = []
    for checkpointing in (False, True):
        config = config_for(method, gradient_checkpointing=checkpointing, quantization=quantization, max_steps=4)
        built = start(config, base)
        curves.append(train(config, built, tmp_path / str(checkpointing)))
        used = any(getattr(module, "gradient_checkpointing", False) for module in built.model.modules())
        assert used is checkpointing
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)


def test_gradients_reach_every_number_that_is_to_move(base: Path) -> None:
    built = start(config_for("full"), base)
    row = rows_for(config_for("full"))[0]
    batch = {name: torch.tensor([values]) for name, values in row.items()}
    built.model(**batch).loss.backward()
    assert all(parameter.grad is not None for parameter in trainable_parameters(built).values())
    assert built.trainable == built.total


def test_a_head_reads_a_rows_last_token_whatever_is_padded_behind_it(base: Path) -> None:
    built = start(config_for("frozen", "head"), base)
    alone = logits(built.model, [(7, 60, 120)])
    together = logits(built.model, [(7, 60, 120, 0, 0), (9, 10, 11, 12, 13)])
    torch.testing.assert_close(together[0], alone[0])
    assert built.model.config.pad_token_id == built.tokenizer.pad_token_id == 0
    assert built.model.config.id2label == {0: "bad", 1: "good"}


def test_an_architecture_without_a_head_is_told(tmp_path: Path) -> None:
    import transformers

    library: Any = transformers
    small = library.CohereConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    folder = tiny_model(tmp_path / "cohere", config=small)
    with pytest.raises(BadInput) as caught:
        build(config_for("lora", "head"), folder, ("a", "b"), device=CPU)
    assert caught.value.key == "error.training_head_model" and caught.value.details["kind"] == "cohere"


def test_half_precision_is_for_weights_that_do_not_move() -> None:
    large, cuda = 2_000_000_000, torch.device("cuda")
    assert weights_dtype(config_for("lora"), CPU, 1_000) is torch.float32
    assert weights_dtype(config_for("lora"), CPU, large) is torch.bfloat16
    assert weights_dtype(config_for("full"), cuda, large) is torch.float32
    assert weights_dtype(config_for("full", dtype="bfloat16"), cuda, large) is torch.bfloat16


def test_blocks_are_found_as_many_as_the_model_is_deep(base: Path) -> None:
    model = start(config_for("full"), base).model
    assert len(blocks(model)) == 2
    assert {id(one) for one in last_layers(model, 2)} == {
        id(one) for name, one in model.named_parameters() if "layers" in name or name == "model.norm.weight"
    }
