"""Packed rows are blind to each other, measured; a model of which that is not true is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from datasets import Dataset
from trl import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from backend.errors import BadInput
from backend.models.tokenizing import Tokenizing
from backend.settings import Settings
from backend.training.methods.building import build
from backend.training.rows.lengths import packs_blind
from backend.training.rows.making import make_rows
from backend.training.values import IGNORED, Row
from tests.tiny import tiny_model
from tests.training.data_cases import config, labelled, new_project

library: Any = transformers


def loss_by_rows(model: Any, rows: tuple[Row, ...]) -> float:
    """Mean over the tokens that count, each row read by itself."""
    total, count = 0.0, 0
    for row in rows:
        counts = sum(label != IGNORED for label in row.labels)
        out = model(input_ids=torch.tensor([row.input_ids]), labels=torch.tensor([row.labels]), use_cache=False)
        total, count = total + float(out.loss) * counts, count + counts
    return total / count


def packed(rows: tuple[Row, ...], length: int) -> list[dict[str, Any]]:
    """Batches of two packs, as TRL's trainer makes them."""
    data = Dataset.from_dict(
        {"input_ids": [list(row.input_ids) for row in rows], "labels": [list(r.labels) for r in rows]}
    )
    packs = pack_dataset(data, length, "bfd")
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    assert len(packs) < len(rows)
    return [
        collate([packs[at] for at in range(start, min(start + 2, len(packs)))]) for start in range(0, len(packs), 2)
    ]


@torch.no_grad()
def test_packed_rows_are_blind_to_each_other(tmp_path: Path) -> None:
    starter = Settings(home=tmp_path).starter
    rows = make_rows(labelled(new_project(tmp_path)), config(), Tokenizing.open(starter)).train
    model = library.AutoModelForCausalLM.from_pretrained(starter, dtype=torch.float32).eval()
    assert model.config._attn_implementation == "sdpa"
    wanted = loss_by_rows(model, rows)
    for use_cache, same in ((False, True), (True, False)):
        total, count = 0.0, 0
        for batch in packed(rows, 200):
            counts = int((batch["labels"][:, 1:] != IGNORED).sum())
            total += float(model(**batch, use_cache=use_cache).loss) * counts
            count += counts
        assert count == sum(label != IGNORED for row in rows for label in row.labels)
        # With a cache transformers does not look at the positions, and the rows see each other.
        assert (abs(total / count - wanted) < 1e-5) == same


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mamba"])
def test_whether_a_model_packs_blind_is_measured(kind: str, tmp_path: Path) -> None:
    configs = {
        "llama": None,
        "gpt2": library.GPT2Config(n_embd=32, n_layer=2, n_head=4),
        "mamba": library.MambaConfig(hidden_size=32, num_hidden_layers=2, state_size=8),
    }
    folder = tiny_model(tmp_path / kind, config=configs[kind])
    model = library.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    assert packs_blind(model) == (kind != "mamba")
    assert model.training
    if kind == "llama":
        assert packs_blind(model.to(torch.bfloat16))
    packing = config(objective="answers", method="full", packing=True, max_length=64, dtype="float32")
    if kind == "mamba":
        with pytest.raises(BadInput, match="training_packing_model"):
            build(packing, folder)
        packing = packing.model_copy(update={"packing": False})
    assert build(packing, folder).model.training
