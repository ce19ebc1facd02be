"""The map of the passages as a figure: a dot per passage, coloured by file, the question among them. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from backend.documents.mapping.projecting import PassageMap, Placed
from backend.documents.values import Passage
from tabs.plots import COLOURS, FONT, MARKERS, frame, plain, short
from tabs.text import Words

HEIGHT: Final = 520
NAMED: Final = 7
"""Files with a colour and a sign of their own, those with the most passages; the others share the last."""
HOVER: Final = 220
WIDTH: Final = 46
"""Characters of a passage in the box over a dot, and of one line of it."""
LINE: Final = re.compile(rf"\S(?:.{{0,{WIDTH - 2}}}\S)?(?=\s|$)|\S{{1,{WIDTH}}}")
"""One line at a time, by words where they fit. Of two thousand boxes textwrap takes a fifth of a second."""
REST: Final = -1


def figure_of(words: Words, drawn: PassageMap, names: Mapping[int, str], placed: Placed | None) -> Any:
    """A plotly Figure. `names` are those of the files by their ids."""
    from plotly.graph_objects import Figure

    figure, gone = Figure(), words.t("docs.gone")
    for look, (document, members) in enumerate(groups(drawn).items()):
        name = words.t("docs.other_files") if document == REST else names.get(document, gone)
        boxes = [_box(words, drawn.passages[at], names.get(drawn.passages[at].document_id, gone)) for at in members]
        _dots(figure, drawn, members, boxes, name, look)
    if placed is not None:
        _question(figure, words, drawn, placed)
    frame(figure, "", "", HEIGHT)
    bare = {"showticklabels": False, "showline": False, "showgrid": False, "title": None}
    figure.update_xaxes(**bare)
    figure.update_yaxes(**bare, scaleanchor="x")
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemclick": "toggleothers"},
        hoverlabel={"align": "left", "font": {"family": FONT, "size": 13}},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure


def groups(drawn: PassageMap) -> dict[int, list[int]]:
    """Indexes of the passages by document, those with the most first; REST is what has no colour of its own."""
    counted = Counter(passage.document_id for passage in drawn.passages)
    named = [document for document, _ in counted.most_common(NAMED if len(counted) > NAMED + 1 else NAMED + 1)]
    found: dict[int, list[int]] = {document: [] for document in named}
    for at, passage in enumerate(drawn.passages):
        found.setdefault(passage.document_id if passage.document_id in named else REST, []).append(at)
    return found


def _dots(figure: Any, drawn: PassageMap, members: list[int], boxes: list[str], name: str, look: int) -> None:
    from plotly.graph_objects import Scatter

    figure.add_trace(
        Scatter(
            x=[float(drawn.places[at][0]) for at in members],
            y=[float(drawn.places[at][1]) for at in members],
            mode="markers",
            marker={
                "size": 7 if len(drawn.passages) > 300 else 9,
                "symbol": MARKERS[look % len(MARKERS)],
                "color": COLOURS[look % len(COLOURS)],
                "opacity": 0.75,
                "line": {"width": 0.5, "color": "rgba(255,255,255,.7)"},
            },
            text=boxes,
            hovertemplate="%{text}<extra></extra>",
            name=plain(short(name, 30)),
        )
    )


def _box(words: Words, passage: Passage, name: str) -> str:
    """What stands over a dot: the file, the page, and how the passage begins."""
    page = f" · {words.t('docs.at_page', page=passage.page)}" if passage.page is not None else ""
    text = " ".join(passage.text[: 4 * HOVER].split())
    begun = text if len(text) <= HOVER else text[:HOVER].rstrip() + "…"
    lines = LINE.findall(begun)
    return f"<b>{escape(short(name, 40), quote=False)}</b>{escape(page)}<br>" + "<br>".join(
        escape(line, quote=False) for line in lines
    )


def _question(figure: Any, words: Words, drawn: PassageMap, placed: Placed) -> None:
    from plotly.graph_objects import Scatter

    xs: list[float | None] = []
    ys: list[float | None] = []
    for at, _ in placed.nearest:
        xs += [placed.x, float(drawn.places[at][0]), None]
        ys += [placed.y, float(drawn.places[at][1]), None]
    thin = {"width": 1, "color": "#9a3324", "dash": "dot"}
    figure.add_trace(Scatter(x=xs, y=ys, mode="lines", line=thin, hoverinfo="skip", showlegend=False))
    figure.add_trace(
        Scatter(
            x=[placed.x],
            y=[placed.y],
            mode="markers+text",
            text=[words.t("docs.map_question")],
            textposition="top center",
            marker={"size": 18, "symbol": "star", "color": "#9a3324", "line": {"width": 1.5, "color": "#ffffff"}},
            hoverinfo="skip",
            name=words.t("docs.map_question"),
        )
    )
