"""Results label by label, and the confusion matrix, as HTML. Pure functions.

A matrix of thousands of labels says nothing: the most frequent ones are drawn, and what they are confused with
outside of them is gathered in one column.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from backend.evaluation.metrics import Confusion, LabelScore
from tabs import widgets
from tabs.evaluation import marks
from tabs.text import Words

MATRIX: Final = 15
LISTED: Final = 60


def labels_view(words: Words, confusion: Confusion | None, scores: Mapping[str, LabelScore]) -> str:
    """Both, or what to do for a task without labels."""
    if not scores:
        return widgets.empty(words.t("compare.no_labels"), words.t("compare.no_labels_hint"))
    matrix = matrix_view(words, confusion)
    return f'<div class="cp-two"><div>{matrix}</div><div>{per_label_view(words, scores)}</div></div>'


def matrix_view(words: Words, confusion: Confusion | None) -> str:
    """Rows are expected labels. Each cell holds its count and is shaded by its share of the row."""
    if confusion is None or not confusion.labels:
        return ""
    t = words.t
    chosen = frequent(confusion)
    rest = len(confusion.labels) - len(chosen)
    heads = [confusion.labels[place] for place in chosen]
    heads += [t("compare.matrix_others")] if rest else []
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in [*heads, t("compare.unreadable_mark")])
    body = "".join(_row(confusion, place, chosen, bool(rest)) for place in chosen)
    more = marks.note(t("compare.confusion_more", shown=len(chosen), rest=rest)) if rest else ""
    return (
        f"<h3>{escape(t('compare.confusion'))}</h3>{marks.note(t('compare.confusion_note'))}"
        f'<div class="scroll"><table class="cp-matrix"><thead><tr><th>{escape(t("compare.confusion_corner"))}</th>{top}'
        f"</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def frequent(confusion: Confusion) -> list[int]:
    """Places of the labels that are drawn: the ones with most examples, in the matrix' own order."""
    size = [sum(row) for row in confusion.matrix]
    largest = sorted(range(len(size)), key=lambda place: -size[place])[:MATRIX]
    return sorted(largest)


def _row(confusion: Confusion, place: int, chosen: list[int], others: bool) -> str:
    row = confusion.matrix[place]
    whole = sum(row) or 1
    counts = [row[column] for column in chosen]
    if others:
        counts.append(sum(row[:-1]) - sum(counts))
    counts.append(row[-1])
    columns = [*chosen, *([-1] if others else []), -1]
    told = zip(counts, columns, strict=True)
    cells = "".join(_cell(count, count / whole, column == place) for count, column in told)
    return f'<tr><th scope="row">{escape(confusion.labels[place])}</th>{cells}</tr>'


def _cell(count: int, share: float, right: bool) -> str:
    """`right` marks the diagonal by its edge too, so that the shade is not all that tells it."""
    shade = f' style="--share:{share:.2f}"' if count else ""
    mark = " cp-right" if right else ""
    return f'<td class="cp-cell{mark}"{shade}>{count:,}</td>' if count else f'<td class="cp-cell{mark}">·</td>'


def per_label_view(words: Words, scores: Mapping[str, LabelScore]) -> str:
    t = words.t
    largest = sorted(scores.items(), key=lambda item: -item[1].n)
    heads = [
        (t("compare.col_label"), ""),
        (t("compare.col_n"), t("compare.about_label_n")),
        (t("compare.precision"), t("compare.about_precision")),
        (t("compare.recall"), t("compare.about_recall")),
        (t("compare.f1"), t("compare.about_f1")),
    ]
    rows = [
        [
            f"<b>{escape(name)}</b>",
            f"{one.n:,}",
            *(_share(value) for value in (one.precision, one.recall)),
            _bar(one.f1),
        ]
        for name, one in largest[:LISTED]
    ]
    more = ""
    if len(largest) > LISTED:
        more = marks.note(t("compare.labels_more", shown=LISTED, total=len(largest)))
    about = marks.glossary(t("compare.meanings"), heads)
    return f"<h3>{escape(t('compare.per_label'))}</h3>{marks.grid(heads, rows)}{more}{about}"


def _share(value: float | None) -> str:
    return "–" if value is None else marks.hundred(value)


def _bar(value: float | None) -> str:
    return "–" if value is None else f'<span class="cp-figure">{marks.hundred(value)}</span>{widgets.bar(value)}'
