"""What a person is shown of the rows: every token as text, whether it counts for the loss, whether it is special."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from backend.models.detokenizing import BROKEN, PATIENCE
from backend.training.values import IGNORED, Row, Rows

Piece = tuple[str, bool, bool]
"""Text, whether it counts for the loss, whether it is a special token (then the text is its name)."""


@dataclass(frozen=True)
class PreviewRow:
    """One row. Byte tokens of one letter are one piece, so there may be fewer pieces than tokens.

    Of a head the class stands last, behind an arrow, and `loss_tokens` is 1.
    """

    pieces: list[Piece]
    tokens: int
    loss_tokens: int
    example_id: int | None = None


def preview(rows: Rows, tokenizer: Any, n: int = 3, seed: int = 0) -> list[PreviewRow]:
    """Up to `n` training rows drawn by `seed`, in their order."""
    chosen = sorted(Random(seed).sample(range(len(rows.train)), min(n, len(rows.train))))
    return [preview_row(rows.train[at], tokenizer) for at in chosen]


def preview_row(row: Row, tokenizer: Any) -> PreviewRow:
    counts = [label != IGNORED for label in row.labels] or [False] * len(row.input_ids)
    pieces = list(_pieces(row.input_ids, counts, tokenizer))
    if row.label is not None:
        return PreviewRow([*pieces, (f" → {row.completion}", True, False)], len(row.input_ids), 1, row.example_id)
    return PreviewRow(pieces, len(row.input_ids), sum(counts), row.example_id)


def _pieces(ids: Sequence[int], counts: Sequence[bool], tokenizer: Any) -> Iterator[Piece]:
    special = frozenset(tokenizer.all_special_ids) | frozenset(tokenizer.added_tokens_decoder)
    start = 0
    while start < len(ids):
        if ids[start] in special:
            yield str(tokenizer.convert_ids_to_tokens(ids[start])), counts[start], True
            start += 1
            continue
        end = _run_end(ids, counts, special, start)
        yield from ((text, counts[start], False) for text in _texts(tokenizer, ids[start:end]))
        start = end


def _run_end(ids: Sequence[int], counts: Sequence[bool], special: frozenset[int], start: int) -> int:
    """Where the tokens end that follow `start`, count alike and are not special."""
    end = start
    while end < len(ids) and ids[end] not in special and counts[end] == counts[start]:
        end += 1
    return end


def _texts(tokenizer: Any, ids: Sequence[int]) -> Iterator[str]:
    """Their texts, whole letters only; together they are what the decoder makes of all."""
    before, read = 0, 0
    for end in range(1, len(ids) + 1):
        text = _decode(tokenizer, ids[before:end])
        if text.endswith(BROKEN) and end < len(ids) and end - read < PATIENCE:
            continue
        yield text[len(_decode(tokenizer, ids[before:read])) :]
        before, read = read, end  # the piece before is context: some decoders write a space only between words


def _decode(tokenizer: Any, ids: Sequence[int]) -> str:
    if not ids:
        return ""
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))
