"""A few of the rows that are really trained on, for a person to look at: never all of them are made for that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.rows.preview import PreviewRow

SHOWN: Final = 3
TRIED: Final = 12
"""Examples that are looked at: some may not be trainable."""
HELD: Final = 60
"""Rows of texts that are held ready to be shown, since finding them takes a pass over all of the texts."""

CUT_BY: Final = ("objective", "max_length", "seed", "method", "num_virtual_tokens")
"""Fields of a config on which the rows of texts depend."""


def few_rows(
    project: Project, config: TrainingConfig, base: Path, documents: Sequence[Path], seed: int
) -> list[PreviewRow]:
    """Up to SHOWN of the rows of this config, drawn by `seed`. Raises as `make_rows`."""
    if config.objective == "documents":
        alone = TrainingConfig.model_validate(config.model_dump(include=set(CUT_BY)))
        held = _of_texts(alone, base, tuple(documents), tuple(map(_stamp, documents)))
        at = sorted(Random(seed).sample(range(len(held)), min(SHOWN, len(held))))
        return [held[one] for one in at]
    from backend.models.tokenizing import Tokenizing
    from backend.training.rows.making import drawn, make_rows
    from backend.training.rows.preview import preview

    tokenizing, ids = Tokenizing.open(base), [one.id for one in drawn(project, config)]
    some = frozenset(Random(seed).sample(ids, min(TRIED, len(ids))))
    rows = make_rows(project, config, tokenizing, watched=False, only=some)
    return preview(rows, tokenizing.tokenizer, SHOWN, seed)


@lru_cache(maxsize=4)
def _of_texts(
    config: TrainingConfig, base: Path, documents: tuple[Path, ...], stamps: tuple[object, ...]
) -> tuple[PreviewRow, ...]:
    """`stamps` change with the files."""
    from backend.models.tokenizing import Tokenizing
    from backend.training.rows.documents import document_rows
    from backend.training.rows.making import longest
    from backend.training.rows.preview import preview

    tokenizing = Tokenizing.open(base)
    rows = document_rows(config, tokenizing, documents, longest(config, tokenizing))
    return tuple(preview(rows, tokenizing.tokenizer, HELD, config.seed))


def _stamp(file: Path) -> object:
    told = file.stat()
    return told.st_mtime_ns, told.st_size
