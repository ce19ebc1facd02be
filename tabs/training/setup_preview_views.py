"""Exactly what is trained on, drawn: which tokens count for the loss, and the special tokens that nobody sees else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import Final, Protocol

from tabs import widgets
from tabs.text import Words

LONGEST: Final = 6_000
"""Characters of one example that are drawn; a document goes on for pages."""
LINE: Final = "↵"


class Shown(Protocol):
    """What `rows.preview` makes of a row: pieces are (text, whether it counts, whether it is special)."""

    @property
    def pieces(self) -> Sequence[tuple[str, bool, bool]]: ...
    @property
    def tokens(self) -> int: ...
    @property
    def loss_tokens(self) -> int: ...


def preview_view(words: Words, rows: Sequence[Shown]) -> str:
    if not rows:
        return widgets.empty(words.t("train.preview_empty"), words.t("train.preview_empty_hint"))
    return legend(words) + "".join(row_view(words, row) for row in rows)


def legend(words: Words) -> str:
    """What the marks mean, each drawn as it stands below."""
    t = words.t
    marks = (
        f"<mark>{escape(t('train.mark_counts'))}</mark>",
        f'<span class="ts-read">{escape(t("train.mark_read"))}</span>',
        f"<code>&lt;|…|&gt;</code> {escape(t('train.mark_special'))}",
    )
    return f'<p class="ts-legend">{"".join(f"<span>{one}</span>" for one in marks)}</p>'


def row_view(words: Words, row: Shown) -> str:
    told = words.t("train.preview_tokens", tokens=row.tokens, counted=row.loss_tokens)
    text = "".join(_drawn(row.pieces))
    return f'<figure class="ts-row"><pre>{text}</pre><figcaption>{escape(told)}</figcaption></figure>'


def _drawn(pieces: Iterable[tuple[str, bool, bool]]) -> Iterable[str]:
    """Neighbours of one sort are drawn as one, so that a reader and a search find whole words."""
    left = LONGEST
    for (counts, special), some in groupby(pieces, key=lambda piece: (piece[1], piece[2])):
        texts = [piece[0] for piece in some]
        if left <= 0:
            yield " …"
            return
        if special:
            drawn = "".join(f"<code>{escape(_visible(text))}</code>" for text in texts)
        else:
            drawn = escape("".join(texts)[:left])
        left -= sum(map(len, texts))
        yield f"<mark>{drawn}</mark>" if counts else drawn


def _visible(text: str) -> str:
    """A special token that is nothing but a line's end would not be seen."""
    return text.replace("\n", LINE) or "∅"
