"""From token ids to rows: what of them counts for the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.models.tokenizing import Forced
from backend.training.rows.turns import Asked
from backend.training.values import IGNORED, Row

Cut = tuple[tuple[str, str], Forced]
"""A (prompt, output) as text, and as token ids with the end token behind the output."""


def answer_rows(asked: Sequence[Asked], cuts: Sequence[Cut]) -> Iterator[Row]:
    """One row for an example; every answer of its conversation counts.

    An earlier answer is marked where it stands within the last prompt, if it stands there just as it would have been
    written in its own turn. A template that shows earlier answers otherwise (without their thoughts, say) gets a row of
    its own for each: what is trained is always what is asked.
    """
    (prompt, output), last = cuts[-1]
    labels = [IGNORED] * len(last.prompt) + list(last.output)
    for one, ((before, said), turn) in zip(asked[:-1], cuts[:-1], strict=True):
        start, end = len(turn.prompt), len(turn.ids)
        if turn.output and last.prompt[:end] == turn.ids:
            labels[start:end] = turn.output
        else:
            yield _row(turn, one, before, said)
    yield Row(last.ids, tuple(labels), prompt, output, asked[-1].example.id)


def head_row(asked: Asked, cut: Cut, label: str, number: int) -> Row:
    """The prompt as it is asked, and the number of its class."""
    (prompt, _), forced = cut
    return Row(forced.prompt, (), prompt, label, asked.example.id, number)


def _row(turn: Forced, asked: Asked, prompt: str, output: str) -> Row:
    return Row(turn.ids, (*([IGNORED] * len(turn.prompt)), *turn.output), prompt, output, asked.example.id)
