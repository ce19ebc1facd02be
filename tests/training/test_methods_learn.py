"""Every method with every objective: the loss falls, what was meant to move moved and nothing else did, and what was
saved answers over the untouched base as the trained model did."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from backend.training.config import Method, Objective
from backend.training.methods.building import trainable_parameters
from backend.training.methods.catalog import METHODS
from backend.training.methods.saving import save
from tests.tiny import tiny_model
from tests.training.learning import LABELS, answers_alike, card_of, config_for, logits, moved, start, state_of, train

MOVES: dict[str, str] = {
    "lora": r"lora_[AB]\.default\.weight$",
    "rslora": r"lora_[AB]\.default\.weight$",
    "lora_plus": r"lora_[AB]\.default\.weight$",
    "dora": r"lora_[AB]\.default\.weight$|lora_magnitude_vector\.default\.weight$",
    "adalora": r"lora_[ABE]\.default$",
    "loha": r"hada_w[12]_[ab]\.default$",
    "lokr": r"lokr_w[12](_[ab])?\.default$",
    "ia3": r"ia3_l\.default$",
    "vera": r"vera_lambda_[bd]\.default$",
    "oft": r"oft_R\.default\.weight$",
    "prompt_tuning": r"prompt_encoder\.default\.embedding\.weight$",
    "p_tuning": r"prompt_encoder\.default\.",
    "prefix_tuning": r"prompt_encoder\.default\.embedding\.weight$",
    "frozen": r"^score\.weight$",
    "last_layers": r"^model\.(layers\.1\.|norm\.)",
    "full": r".",
}
HEAD = r"|score\.modules_to_save\.default\.weight$|^score\.weight$"
RAW_TEXT = ("lora", "ia3", "prompt_tuning", "full")
"""One of each group: to a method, raw text differs from answers in which tokens count."""
COMBINATIONS = [
    pytest.param(method, objective, id=f"{method}-{objective}")
    for method, spec in METHODS.items()
    for objective in ("answers", "documents", "head")
    if objective in spec.objectives and (objective != "documents" or method in RAW_TEXT)
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.mark.parametrize(("method", "objective"), COMBINATIONS)
def test_a_method_learns_moves_what_it_should_and_is_saved_whole(
    method: Method, objective: Objective, base: Path, tmp_path: Path
) -> None:
    config = config_for(method, objective)
    built = start(config, base)
    before, said = state_of(built.model), logits(built.model)

    losses = train(config, built, tmp_path / "run")

    assert losses[-1] < 0.9 * losses[0]
    meant = re.compile(MOVES[method] + (HEAD if objective == "head" else ""))
    changed = moved(before, built.model)
    trainable = trainable_parameters(built).keys()
    assert {name for name in trainable if not meant.search(name)} == set()
    # AdaLoRA may take every rank of a module away before it has moved.
    assert trainable - changed == {name for name in trainable - changed if method == "adalora" and "lora_E" in name}
    assert changed <= trainable
    assert built.trainable == sum(before[name].numel() for name in trainable)
    assert not torch.allclose(logits(built.model), said, atol=1e-2)

    card = save(built, config, tmp_path / "adapter", card_of(base), "run-1")
    assert (card.method, card.task, card.labels) == (
        method,
        "head" if objective == "head" else "causal",
        LABELS if objective == "head" else (),
    )
    answers_alike(built, base, tmp_path / "adapter")
