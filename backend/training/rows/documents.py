"""Raw texts -> Rows: continued pre-training, where every token counts.

A text is cut where a token ends and a letter begins, so no Hangul syllable is divided; its last row ends with the end
token. Rows of the end of what was handed in are kept apart to watch by, as there is no other measure for a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from backend.errors import NotFound
from backend.models.tokenizing import Tokenizing
from backend.prompts.decoding_text import decode
from backend.training.config import TrainingConfig
from backend.training.values import Problem, Row, Rows

DEFAULT: Final = 1_024
"""Tokens of a row when neither the person nor the model says."""
BLOCK: Final = 200_000
"""Letters that are cut into tokens at once; a text is divided for that at the end of a line."""
DEV_SHARE: Final = 0.1
LEAST: Final = 10
"""Rows from which on some are kept apart."""


def document_rows(
    config: TrainingConfig, tokenizing: Tokenizing, documents: Sequence[Path], longest: int | None
) -> Rows:
    """`longest` is how many tokens a row may have.

    Raises BadInput (a file that is no text), NotFound("error.training_document", name=).
    """
    length = longest or DEFAULT
    rows: list[Row] = []
    lost = 0
    empty = 0
    for file in documents:
        text, broken = read(file)
        lost += broken
        empty += not text.strip()
        rows += cut(text, tokenizing, length) if text.strip() else ()
    problems = []
    if lost:
        problems.append(Problem("broken_letters", "warn", lost))
    if empty:
        problems.append(Problem("empty_documents", "warn", empty))
    train, dev = apart(rows, config.seed)
    return Rows(train, dev, tuple(problems))


def read(file: Path) -> tuple[str, int]:
    """A document's text, and how many of its letters could not be read."""
    try:
        found = decode(file.read_bytes(), file.name)
    except FileNotFoundError as fault:
        raise NotFound("error.training_document", name=file.name) from fault
    return found.text.replace("\r\n", "\n").replace("\0", ""), found.lost


def cut(text: str, tokenizing: Tokenizing, length: int) -> Iterator[Row]:
    """Rows of at most `length` tokens that follow each other without a gap; the last ends with the end token.

    A tokenizer that begins a text with a token of its own begins the first row with it.
    """
    tokenizer = tokenizing.tokenizer
    ids: list[int] = _first(tokenizer)
    starts: list[bool] = [True] * len(ids)
    for block in blocks(text):
        found = _cut(tokenizer, block)
        ids += found[0]
        starts += found[1]
    end = tokenizer.eos_token_id
    if end is not None:
        ids.append(int(end))
        starts.append(True)
    at = 0
    while at < len(ids):
        after = min(at + length, len(ids))
        while after < len(ids) and after > at + 1 and not starts[after]:
            after -= 1
        some = tuple(ids[at:after])
        yield Row(some, some, "", tokenizer.decode(some, skip_special_tokens=True))
        at = after


def blocks(text: str) -> Iterator[str]:
    """Pieces of at most about BLOCK letters that end with a line where one ends; together they are the text."""
    at = 0
    while at < len(text):
        after = at + BLOCK
        if after < len(text):
            line = text.rfind("\n", at, after)
            after = line + 1 if line > at else after
        yield text[at:after]
        at = after


def apart(rows: Sequence[Row], seed: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Training rows, and a tenth by chance to watch by; none of fewer than LEAST."""
    if len(rows) < LEAST:
        return tuple(rows), ()
    kept = set(Random(seed).sample(range(len(rows)), max(1, int(DEV_SHARE * len(rows)))))
    train = tuple(row for at, row in enumerate(rows) if at not in kept)
    return train, tuple(row for at, row in enumerate(rows) if at in kept)


def _first(tokenizer: Any) -> list[int]:
    """What the tokenizer itself puts before a text (a begin token), if anything."""
    with_its_own = list(tokenizer("x")["input_ids"])
    bare = list(tokenizer("x", add_special_tokens=False)["input_ids"])
    for at in range(len(with_its_own) - len(bare) + 1):
        if with_its_own[at : at + len(bare)] == bare:
            return with_its_own[:at]
    return []


def _cut(tokenizer: Any, text: str) -> tuple[list[int], list[bool]]:
    """Token ids, and of each whether it begins with a letter's beginning."""
    if not getattr(tokenizer, "is_fast", False):
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        return ids, [True] * len(ids)
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    read, starts = 0, []
    for start, end in found["offset_mapping"]:
        starts.append(start >= read)
        read = max(read, end)
    return list(found["input_ids"]), starts
