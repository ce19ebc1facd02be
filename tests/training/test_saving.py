"""What is saved answers over the untouched base as the trained model did: quantized, from PiSSA, tied, trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.errors import BadInput
from backend.evaluation.identity import weights_identity
from backend.models.adapter_files import checked
from backend.training.methods.building import trainable_parameters
from backend.training.methods.saving import save
from tests.tiny import tiny_model
from tests.training.learning import answers_alike, card_of, config_for, logits, moved, start, state_of, train


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose output layer is its embedding, as the starter's is."""
    import transformers

    library: Any = transformers
    config = library.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, tie_word_embeddings=True
    )
    return tiny_model(tmp_path_factory.mktemp("tied") / "tied", config=config)


@pytest.mark.parametrize(
    ("method", "quantization", "objective"),
    [
        ("lora", "nf4", "answers"),
        ("dora", "nf4", "answers"),
        ("adalora", "nf4", "answers"),
        ("ia3", "nf4", "answers"),
        ("oft", "nf4", "answers"),
        ("vera", "nf4", "answers"),
        ("prompt_tuning", "nf4", "answers"),
        ("prefix_tuning", "int8", "answers"),
        ("lora", "int8", "answers"),
        ("ia3", "int8", "answers"),
        ("lora", "nf4", "head"),
    ],
)
def test_an_adapter_is_trained_beside_a_quantized_base(
    method: Any, quantization: Any, objective: Any, base: Path, tmp_path: Path
) -> None:
    config = config_for(method, objective, quantization=quantization)
    built = start(config, base)
    before = state_of(built.model)
    kinds = {type(module).__name__ for module in built.model.modules()}
    assert any(("4bit" if quantization == "nf4" else "8bit") in kind for kind in kinds)

    losses = train(config, built, tmp_path / "run")

    assert losses[-1] < 0.9 * losses[0]
    assert moved(before, built.model) <= trainable_parameters(built).keys()
    card = save(built, config, tmp_path / "adapter", card_of(base))
    assert card.quantization == quantization
    answers_alike(built, base, tmp_path / "adapter")


@pytest.mark.parametrize(
    ("method", "objective"), [("lora", "answers"), ("rslora", "answers"), ("lora_plus", "answers"), ("lora", "head")]
)
def test_pissa_is_saved_as_a_lora_over_the_untouched_base(
    method: Any, objective: Any, base: Path, tmp_path: Path
) -> None:
    config = config_for(method, objective, init_lora_weights="pissa")
    plain = start(config_for(method, objective), base)
    built = start(config, base)
    torch.testing.assert_close(logits(built.model), logits(plain.model), atol=1e-3, rtol=1e-3)
    name = "base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight"
    assert not torch.allclose(built.model.get_parameter(name), plain.model.get_parameter(name))

    half = config.model_copy(update={"max_steps": 4})
    first = train(half, built, tmp_path / "half")
    moving = {name: id(one) for name, one in trainable_parameters(built).items()}
    save(built, config, tmp_path / "early", card_of(base))
    answers_alike(built, base, tmp_path / "early", atol=2e-3)
    assert {name: id(one) for name, one in trainable_parameters(built).items()} == moving  # it trains on as it was

    losses = train(config, built, tmp_path / "rest")
    assert losses[-1] < 0.9 * first[0]
    card = save(built, config, tmp_path / "adapter", card_of(base))
    answers_alike(built, base, tmp_path / "adapter", atol=2e-3)
    told = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert told["r"] == 8 and told["init_lora_weights"] is True and card.trainable == built.trainable


def test_a_method_that_pissa_means_nothing_to_starts_and_is_saved_as_ever(base: Path, tmp_path: Path) -> None:
    config = config_for("adalora", init_lora_weights="pissa", max_steps=2)
    built = start(config, base)
    assert moved(state_of(start(config_for("adalora"), base).model), built.model) == set()
    train(config, built, tmp_path / "run")
    save(built, config, tmp_path / "adapter", card_of(base))
    answers_alike(built, base, tmp_path / "adapter")


@pytest.mark.parametrize("method", ["full", "last_layers", "lora"])
def test_tied_embeddings_stay_tied(method: Any, tied: Path, tmp_path: Path) -> None:
    config = config_for(method)
    built = start(config, tied)
    train(config, built, tmp_path / "run")
    if method != "lora":
        assert built.model.lm_head.weight is built.model.model.embed_tokens.weight
    save(built, config, tmp_path / "adapter", card_of(tied))
    answers_alike(built, tied, tmp_path / "adapter")
    if method == "full":
        assert "lm_head.weight" not in load_file(tmp_path / "adapter" / "weights.safetensors")


@pytest.mark.parametrize(
    ("method", "objective"),
    [
        ("lora", "answers"), ("lora", "head"), ("dora", "answers"), ("adalora", "answers"), ("loha", "answers"),
        ("lokr", "answers"), ("ia3", "answers"), ("vera", "answers"), ("oft", "answers"), ("prompt_tuning", "answers"),
        ("prefix_tuning", "answers"), ("full", "answers"), ("last_layers", "head"), ("frozen", "head"),
    ],
)  # fmt: skip
def test_an_adapter_is_trained_further(method: Any, objective: Any, base: Path, tmp_path: Path) -> None:
    config = config_for(method, objective)
    built = start(config, base)
    train(config, built, tmp_path / "first")
    save(built, config, tmp_path / "one", card_of(base))

    again = start(config, base, adapter=tmp_path / "one")
    torch.testing.assert_close(logits(again.model), logits(built.model), atol=2e-4, rtol=1e-3)
    assert trainable_parameters(again).keys() == trainable_parameters(built).keys()
    before = state_of(again.model)
    losses = train(config, again, tmp_path / "second")
    assert losses[-1] < losses[0]
    changed = moved(before, again.model)
    assert changed and changed <= trainable_parameters(again).keys()
    save(again, config, tmp_path / "two", card_of(base))
    answers_alike(again, base, tmp_path / "two")


def test_lora_plus_goes_on_with_loras_adapter_and_its_own_modules(base: Path, tmp_path: Path) -> None:
    config = config_for("lora", r=3, target_modules=("q_proj",))
    built = start(config, base)
    train(config, built, tmp_path / "first")
    save(built, config, tmp_path / "one", card_of(base))
    again = start(config_for("lora_plus", r=8), base, adapter=tmp_path / "one")
    assert trainable_parameters(again).keys() == trainable_parameters(built).keys()


def test_what_an_earlier_training_changed_is_saved_again(base: Path, tmp_path: Path) -> None:
    config = config_for("full")
    built = start(config, base)
    train(config, built, tmp_path / "first")
    save(built, config, tmp_path / "one", card_of(base))
    narrow = config_for("last_layers")
    again = start(narrow, base, adapter=tmp_path / "one")
    train(narrow, again, tmp_path / "second")
    save(again, narrow, tmp_path / "two", card_of(base))
    answers_alike(again, base, tmp_path / "two")


def test_an_adapter_of_another_shape_is_refused(base: Path, tmp_path: Path) -> None:
    config = config_for("full")
    built = start(config, base)
    save(built, config, tmp_path / "one", card_of(base))
    other = tiny_model(tmp_path / "other", words=350)
    with pytest.raises(BadInput) as caught:
        start(config, other, adapter=tmp_path / "one")
    assert caught.value.key == "error.training_adapter_fits"
    import transformers

    library: Any = transformers
    wide = library.LlamaConfig(hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    lora = config_for("lora")
    save(start(lora, base), lora, tmp_path / "lora", card_of(base))
    with pytest.raises(BadInput) as caught:
        start(lora, tiny_model(tmp_path / "wide", config=wide), adapter=tmp_path / "lora")
    assert caught.value.key == "error.training_adapter_fits"


def test_a_folder_holds_what_belongs_there_and_no_place_of_this_machine(base: Path, tmp_path: Path) -> None:
    config = config_for("lora")
    known = weights_identity(base)
    for name in ("one", "two"):
        save(start(config, base), config, tmp_path / name, card_of(base), "run-7")
    assert {file.name for file in (tmp_path / "one").iterdir()} == {
        "matchum_adapter.json",
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    card = checked(tmp_path / "one")
    assert (card.base.label, card.run, card.kind, card.method) == ("tiny", "run-7", "peft", "lora")
    text = (tmp_path / "one" / "adapter_config.json").read_text("utf-8")
    assert str(base) not in text and text == (tmp_path / "two" / "adapter_config.json").read_text("utf-8")
    assert weights_identity(base) == known


@pytest.mark.parametrize("method", ["adalora", "p_tuning", "lora_plus", "prefix_tuning", "oft"])
def test_a_run_that_resumes_goes_on_as_if_it_had_not_stopped(method: Any, base: Path, tmp_path: Path) -> None:
    config = config_for(method, max_steps=14)
    whole = train(config, start(config, base), tmp_path / "run", save_strategy="steps", save_steps=7)
    (tmp_path / "run" / "checkpoint-14").rename(tmp_path / "end")
    rest = train(config, start(config, base), tmp_path / "run", resume=True)
    assert rest[-7:] == pytest.approx(whole[-7:], rel=1e-5)
