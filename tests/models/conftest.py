"""One tiny model for all tests of this folder, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.models.loading import Loaded, load
from backend.models.transformers_engine import TransformersEngine
from tests.tiny import tiny_model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """For a tiny model a second thread is only in the way."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with a chat template; copy it before changing it."""
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def loaded(tiny: Path) -> Loaded:
    import torch

    return load(tiny, torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def engine(loaded: Loaded) -> Iterator[TransformersEngine]:
    running = TransformersEngine(loaded)
    yield running
    running.close()
