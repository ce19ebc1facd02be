"""How many of the passages a model can hold beside the question and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from backend.documents.grounding.values import Quoted

ANSWER_SHARE: Final = 4
"""An answer gets the room it asks for, but never more than a fourth of the model's context is kept free for it."""
LEAST_CHARACTERS: Final = 40
"""A first passage is shortened rather than left out, as long as so much of it is left."""

Length = Callable[[Sequence[Quoted]], int | None]
"""Tokens of the whole prompt with these passages; None where the model does not tell."""


def room(context: int | None, answer_tokens: int) -> int | None:
    """Tokens that a prompt may take; None where the model does not tell."""
    return None if context is None else context - max(1, min(answer_tokens, context // ANSWER_SHARE))


def fitted(
    quoted: Sequence[Quoted], limit: int | None, length: Length
) -> tuple[tuple[Quoted, ...], tuple[Quoted, ...]]:
    """(passages that fit, passages cut), the best first. Of several the last goes first; a lone one is shortened.

    Numbers stay as they are, since what is cut stands behind what is kept. `length` is asked some ten times at most.
    """
    if limit is None or not quoted:
        return tuple(quoted), ()
    whole = length(quoted)
    if whole is None or whole <= limit:
        return tuple(quoted), ()
    low, high = 0, len(quoted) - 1  # the most that fit lie in low..high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(quoted[:middle], limit, length) else (low, middle - 1)
    if low:
        return tuple(quoted[:low]), tuple(quoted[low:])
    first = _shortened(quoted[0], limit, length)
    return ((), tuple(quoted)) if first is None else ((first,), tuple(quoted[1:]))


def _fits(some: Sequence[Quoted], limit: int, length: Length) -> bool:
    tokens = length(some)
    return tokens is None or tokens <= limit


def _shortened(one: Quoted, limit: int, length: Length) -> Quoted | None:
    """The passage with as much of its beginning as fits, ending at a word; None when nothing worth it is left."""
    size = len(one.passage.text)
    low, high = 0, size
    while high - low > max(8, size // 64):
        middle = (low + high) // 2
        part = one.model_copy(update={"shortened": size - middle})
        low, high = (middle, high) if _fits([part], limit, length) else (low, middle)
    kept = len(one.passage.text[:low].rsplit(maxsplit=1)[0]) if low else 0
    return None if kept < LEAST_CHARACTERS else one.model_copy(update={"shortened": size - kept})
