"""Plots that tabs share, and their frame: quality against cost, and quality against the number of examples.

The colours are the theme's (celadon and stone); which point is which is also told by its marker and its label. Text
and lines of the frame follow light and dark through studio.css, in every gr.Plot of the class FRAMED.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

COLOURS: Final = ("#35866f", "#b0793a", "#6d82b0", "#5aa78d", "#9c6a86", "#78746a", "#276c59", "#a8a396")
MARKERS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "star", "pentagon", "hexagon")
FONT: Final = "Pretendard, Noto Sans KR, Noto Sans CJK KR, Apple SD Gothic Neo, Malgun Gothic, system-ui, sans-serif"
HEIGHT: Final = 340
FRAMED: Final = "framed-plot"
"""The css class of a gr.Plot whose figure stands in `frame`."""


@dataclass(frozen=True)
class Mark:
    """One assistant in the scatter; quality and its interval are of a hundred, the cost is in the axis' unit."""

    name: str
    cost: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Step:
    """One point of a learning curve: so many examples; quality and its band of a hundred."""

    shots: int
    value: float
    low: float
    high: float


def scatter(marks: Sequence[Mark], across: str, up: str) -> Any:
    """A plotly Figure: cost from left to right, quality upwards, 95 % intervals as bars."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    for number, mark in enumerate(marks):
        look = number % len(COLOURS)
        figure.add_trace(
            Scatter(
                x=[mark.cost],
                y=[mark.value],
                error_y=_bars([mark.value], [mark.low], [mark.high], COLOURS[look]),
                mode="markers+text",
                text=[plain(short(mark.name))],
                textposition="middle right",
                marker={"size": 12, "symbol": MARKERS[look], "color": COLOURS[look]},
                hovertemplate="%{y:.1f} · %{x:,.4~g}<extra></extra>",
                name=plain(mark.name),
                cliponaxis=False,
            )
        )
    frame(figure, across, up)
    largest = max((mark.cost for mark in marks), default=1.0)
    # Room at the right for the names, and from nought, so that twice as dear is twice as far.
    figure.update_xaxes(range=[0, (largest or 1.0) * 1.35])
    return figure


def curve(steps: Sequence[Step], across: str, up: str) -> Any:
    """A plotly Figure: quality over the number of examples, each number at its own place, with the band."""
    from plotly.graph_objects import Figure, Scatter

    figure, places = Figure(), [str(step.shots) for step in steps]
    band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_trace(Scatter(x=places, y=[step.low for step in steps], **band))
    figure.add_trace(
        Scatter(x=places, y=[step.high for step in steps], fill="tonexty", fillcolor="rgba(90,167,141,.28)", **band)
    )
    figure.add_trace(
        Scatter(
            x=places,
            y=[step.value for step in steps],
            mode="lines+markers",
            line={"color": COLOURS[0], "width": 2},
            marker={"size": 9, "symbol": "circle", "color": COLOURS[0]},
            hovertemplate="%{x} · %{y:.1f}<extra></extra>",
        )
    )
    frame(figure, across, up)
    figure.update_xaxes(type="category")
    return figure


def plain(name: str) -> str:
    """A name that somebody typed, as text: plotly draws a part of HTML, links included."""
    return escape(name, quote=False)


def short(name: str, longest: int = 22) -> str:
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


def _bars(values: Sequence[float], lows: Sequence[float], highs: Sequence[float], colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - value) for value, high in zip(values, highs, strict=True)],
        "arrayminus": [max(0.0, value - low) for value, low in zip(values, lows, strict=True)],
        "color": colour,
        "thickness": 1.5,
        "width": 6,
    }


def frame(figure: Any, across: str, up: str, height: int = HEIGHT) -> None:
    """Plain axes on the page's own ground."""
    clear = "rgba(0,0,0,0)"
    figure.update_layout(
        template="none",
        showlegend=False,
        height=height,
        margin={"l": 52, "r": 16, "t": 14, "b": 48},
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        font={"family": FONT, "size": 13, "color": "#5c584f"},
        dragmode=False,
    )
    line = {"gridcolor": "#e5e2da", "linecolor": "#cfcbc0", "zeroline": False, "fixedrange": True}
    figure.update_xaxes(title={"text": across}, showline=True, **line)
    figure.update_yaxes(title={"text": up}, **line)
