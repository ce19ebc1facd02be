"""Tokens with tags (IOB, BIOES, CoNLL columns) into texts with spans.

Read are the tags B-, I-, O, E-, S- and the like before or after the label ("B-PER", "PER_B"). An I- that follows
nothing of its label begins a span, as the first form of IOB has it (Ramshaw and Marcus 1995).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from backend.examples.shapes import SPANS, TEXT
from backend.prompts.table import Record

Place = tuple[int, int, str]
"""start, end (not included), label"""
Token = tuple[str, str]
"""A token and its tag."""

OUTSIDE: Final = frozenset({"O", "-", "_", ""})
BEFORE: Final = re.compile(r"([BIESLUM])[-_](\S+)")
AFTER: Final = re.compile(r"(\S+?)[-_]([BIESLUM])")
LOOKED_AT: Final = 5_000
"""Lines from which a file is recognized."""
COMMENT: Final = "## "
DOCUMENT: Final = "-DOCSTART-"


def is_iob(text: str) -> bool:
    """Whether most lines are columns whose last is a tag, and some tag marks something."""
    lines = text[: 40 * LOOKED_AT].split("\n")[:LOOKED_AT]
    rows = [_fields(line) for line in lines if line.strip() and not line.startswith("#")]
    if len(rows) < 2:
        return False
    tagged = sum(len(row) >= 2 and is_tag(row[-1]) for row in rows)
    return tagged >= 0.95 * len(rows) and any(marks(row[-1]) for row in rows if len(row) >= 2)


def is_tag(tag: str) -> bool:
    return tag in OUTSIDE or marks(tag)


def marks(tag: str) -> bool:
    return bool(BEFORE.fullmatch(tag) or AFTER.fullmatch(tag))


def iob_records(text: str) -> tuple[list[str], Iterator[Record]]:
    """The columns text and spans (JSON: [[start, end, label], ...]), a row per sentence, numbered by its first line."""
    return [TEXT, SPANS], (
        (number, list(cells)) for number, tokens in sentences(text) if (cells := sentence_cells(tokens))[0].strip()
    )


def sentences(text: str) -> Iterator[tuple[int, list[Token]]]:
    """Blocks of lines between blank ones, comments left out."""
    tokens: list[Token] = []
    first = 1
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        row = _fields(line)
        if len(row) < 2 or line.startswith(DOCUMENT):
            comment = line.startswith("#") and bool(line.strip("#")) and bool(line.strip())
            if tokens and not comment:
                yield first, tokens
                tokens = []
            continue
        if line.startswith(COMMENT) and not is_tag(row[-1]):
            continue
        if not tokens:
            first = number
        tokens.append((row[1] if len(row) > 2 and row[0].isdigit() else row[0], row[-1]))
    if tokens:
        yield first, tokens


def _fields(line: str) -> list[str]:
    """The columns of a line; a blank may itself be the token of a tabbed line."""
    line = line.rstrip("\r\n")
    if "\t" not in line:
        return line.split()
    fields = line.split("\t")
    return fields if fields[-1].strip() and fields[0] else [field for field in fields if field.strip()]


def sentence_cells(tokens: Sequence[Token]) -> tuple[str, str]:
    """A sentence's text, and its spans as JSON text. Single letters are put together, words with blanks between."""
    letters = any(not token.strip() for token, _ in tokens) or all(len(token) == 1 for token, _ in tokens[:12])
    gap = "" if letters and len(tokens) > 1 else " "
    text = gap.join(token for token, _ in tokens)
    starts, at = [], 0
    for token, _ in tokens:
        starts.append(at)
        at += len(token) + len(gap)
    ends = [start + len(token) for start, (token, _) in zip(starts, tokens, strict=True)]
    return text, json.dumps(places(starts, ends, [tag for _, tag in tokens]), ensure_ascii=False)


def places(starts: Sequence[int], ends: Sequence[int], tags: Iterable[str]) -> list[Place]:
    """Spans from tags; `starts` and `ends` are the tokens' places in the text."""
    found: list[Place] = []
    running: str | None = None
    for start, end, tag in zip(starts, ends, tags, strict=True):
        kind, label = parted(tag)
        if label is None:
            running = None
            continue
        if kind in "BSU" or running != label:
            found.append((start, end, label))
        else:
            found[-1] = (found[-1][0], end, label)
        running = None if kind in "ESLU" else label
    return found


def parted(tag: str) -> tuple[str, str | None]:
    """ "B-PER" into ("B", "PER"); the label is None outside of a span. A tag without a mark is a label by itself."""
    if tag in OUTSIDE:
        return "O", None
    if before := BEFORE.fullmatch(tag):
        return before[1], before[2]
    if after := AFTER.fullmatch(tag):
        return after[2], after[1]
    return "I", tag
