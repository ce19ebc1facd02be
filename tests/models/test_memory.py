"""What a model takes is known before it is loaded, and roughly right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.assistants import Quantization
from backend.models.loading import Loaded
from backend.models.memory import OVERHEAD, machine, needed_bytes, read_header, readable
from tests.tiny import tiny_model


def test_the_header_tells_what_the_weights_are(tiny: Path, loaded: Loaded) -> None:
    header = read_header(tiny / "model.safetensors")
    stored = sum(parameter.numel() for parameter in loaded.model.parameters())
    assert header.numbers == stored and header.stored_bytes == stored * 4


def test_the_estimate_is_near_what_is_taken(tiny: Path, loaded: Loaded) -> None:
    taken = loaded.model.get_memory_footprint()
    assert taken <= needed_bytes(tiny, 4) <= taken * OVERHEAD * 1.01
    assert needed_bytes(tiny, 2) == pytest.approx(needed_bytes(tiny, 4) / 2, abs=2)


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_the_estimate_of_small_weights_is_near_too(tmp_path: Path, quantization: Quantization) -> None:
    import torch
    import transformers

    from backend.models.loading import load
    from backend.models.quantizing import loaded_bytes

    library: Any = transformers
    config = library.LlamaConfig(
        hidden_size=256, intermediate_size=768, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4
    )
    folder = tiny_model(tmp_path / "wide", config=config)
    taken = load(folder, torch.device("cpu"), torch.float32, quantization).model.get_memory_footprint()
    needed = loaded_bytes(folder, quantization, 4)
    assert taken <= needed <= taken * OVERHEAD * 1.06
    assert needed < loaded_bytes(folder, None, 4) / 2


def test_this_machine() -> None:
    here = machine()
    assert here.cores >= 1 and 0 < here.memory_used_bytes < here.memory_bytes
    assert here.memory_used_bytes + here.memory_available_bytes == here.memory_bytes
    assert isinstance(here.gpus, tuple)


def test_sizes_as_people_write_them() -> None:
    assert [readable(size) for size in (630 * 2**20, int(4.2 * 2**30), 0)] == ["630 MB", "4.2 GB", "0 MB"]
