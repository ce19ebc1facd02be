"""Batched rows against the model alone: the same tokens, whoever joins and leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.models.loading import Loaded
from backend.models.rows import Rows, SeparateRows, SlotRows, rows_for, slots_agree
from tests.tiny import tiny_model

CPU = torch.device("cpu")
PROMPTS = [[3, 9, 20, 31], [7] * 17, [5, 6], [40, 41, 42, 43, 44, 45, 46, 47, 48]]


def alone(model: Any, prompt: Sequence[int], count: int) -> list[int]:
    """What `generate` makes of one prompt, greedily, without an end."""
    with torch.inference_mode():
        ids = torch.tensor([list(prompt)])
        made = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=count, eos_token_id=None
        )
    return list(made[0, len(prompt) :].tolist())


def read(rows: Rows, prompts: Sequence[Sequence[int]], chunk: int = 512) -> list[int]:
    """Read prompts to their end, join them, and return each one's likeliest next token."""
    prefill = rows.start(prompts, chunk)
    while (logits := prefill.advance()) is None:
        pass
    rows.join(prefill)
    return list(logits.argmax(-1).tolist())


@torch.inference_mode()
def run(rows: Rows, made: list[list[int]], steps: int) -> None:
    for _ in range(steps):
        tokens = rows.step([row[-1] for row in made]).argmax(-1).tolist()
        for row, token in zip(made, tokens, strict=True):
            row.append(token)


@torch.inference_mode()
def start(rows: Rows, prompts: Sequence[Sequence[int]], chunk: int = 512) -> list[list[int]]:
    return [[token] for token in read(rows, prompts, chunk)]


@pytest.fixture(params=[SlotRows, SeparateRows])
def rows(request: pytest.FixtureRequest, loaded: Loaded) -> Rows:
    made: Rows = request.param(loaded.model)
    return made


def test_rows_together_make_what_each_makes_alone(rows: Rows, loaded: Loaded) -> None:
    made = start(rows, PROMPTS)
    run(rows, made, 29)
    assert made == [alone(loaded.model, prompt, 30) for prompt in PROMPTS]


def test_rows_of_one_length_need_no_mask_and_are_right(rows: Rows, loaded: Loaded) -> None:
    prompts = [[token] * 6 for token in (4, 8, 15)]
    made = start(rows, prompts)
    run(rows, made, 9)
    assert made == [alone(loaded.model, prompt, 10) for prompt in prompts]


@torch.inference_mode()
def test_joining_and_leaving_change_nothing_for_the_others(
    rows: Rows, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.models.rows.GROWTH", 3)  # so that the slab grows often
    wanted = [alone(loaded.model, prompt, 34) for prompt in PROMPTS]
    made = start(rows, PROMPTS[:2])
    run(rows, made, 5)
    made += start(rows, PROMPTS[2:3])
    run(rows, made, 5)
    made += start(rows, PROMPTS[3:])
    run(rows, made, 3)
    rows.leave(0)  # the last row takes its place
    first, made[0] = made[0], made.pop()
    run(rows, made, 20)
    order = [3, 1, 2]
    assert first == wanted[0][:14]
    assert [len(row) for row in made] == [24, 34, 29]
    assert all(row == wanted[place][: len(row)] for row, place in zip(made, order, strict=True))
    for _ in order:
        rows.leave(0)
    rows.clear()
    again = start(rows, PROMPTS[:1])
    run(rows, again, 4)
    assert again[0] == wanted[0][:5]


@pytest.mark.parametrize("chunk", [1, 5, 16, 17, 512])
def test_a_prompt_read_in_pieces_is_the_same_prompt(loaded: Loaded, chunk: int) -> None:
    rows = SlotRows(loaded.model)
    made = start(rows, [PROMPTS[1]], chunk)
    run(rows, made, 5)
    assert made == [alone(loaded.model, PROMPTS[1], 6)]


def test_a_plain_model_runs_in_slots(loaded: Loaded) -> None:
    assert slots_agree(loaded.model) and isinstance(rows_for(loaded.model), SlotRows)


def windowed() -> Any:
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, sliding_window=8, layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    )  # fmt: skip


def all_windowed() -> Any:
    from transformers import MistralConfig

    return MistralConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        sliding_window=8,
    )  # fmt: skip


def linear() -> Any:
    from transformers import Mamba2Config

    return Mamba2Config(
        hidden_size=32, num_hidden_layers=2, num_heads=4, head_dim=16, n_groups=1, state_size=16, chunk_size=8
    )


def learned_places() -> Any:
    from transformers import GPT2Config

    return GPT2Config(n_embd=32, n_layer=2, n_head=4)


def slopes() -> Any:
    from transformers import BloomConfig

    return BloomConfig(hidden_size=32, n_layer=2, n_head=4)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (windowed, SlotRows),
        (all_windowed, SlotRows),
        (learned_places, None),
        (slopes, SeparateRows),
        (linear, SeparateRows),
    ],
)
def test_other_architectures_are_right_too(tmp_path: Path, config: Any, kind: type | None) -> None:
    """Windows of 8 tokens are passed by every row here; which way a model is run is decided by looking at it."""
    from backend.models.loading import load

    model = load(tiny_model(tmp_path / "other", config=config()), CPU, torch.float32).model
    rows = rows_for(model)
    assert kind is None or isinstance(rows, kind)
    made = start(rows, PROMPTS[:2], chunk=6)
    run(rows, made, 4)
    made += start(rows, PROMPTS[3:], chunk=6)
    run(rows, made, 10)
    wanted = [alone(model, prompt, 20) for prompt in (PROMPTS[0], PROMPTS[1], PROMPTS[3])]
    assert all(row == expected[: len(row)] for row, expected in zip(made, wanted, strict=True))
