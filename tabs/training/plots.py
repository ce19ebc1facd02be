"""The curves of training runs as plotly figures, in the frame that all plots share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from backend.training.telling.curves import Curve, Curves
from backend.training.telling.history import Training
from tabs.plots import COLOURS, MARKERS, frame, plain
from tabs.text import Words

Axis = Literal["step", "time"]

TALL: Final = 320
LOW: Final = 210
SMALL: Final = ("metric", "learning_rate", "grad_norm", "tokens_per_s", "memory", "energy_j")
"""The plots beside that of the losses. "memory" is of the host and of the device in one."""
SCALE: Final = {"metric": 100.0, "host_bytes": 1e-9, "device_bytes": 1e-9}
FORMATS: Final = {"learning_rate": "~e", "energy_j": ",.0f", "tokens_per_s": ",.0f", "metric": ".1f", "memory": ".2f"}
HOURS_FROM: Final = 2 * 3600.0
MINUTES_FROM: Final = 180.0


@dataclass(frozen=True)
class Seen:
    """One run in the plots: what it is called, and its curves."""

    name: str
    curves: Curves


@dataclass(frozen=True)
class Line:
    """One line of a plot. `look` says whose colour and marker it has; `faint` is for what stands behind another."""

    name: str
    curve: Curve
    look: int = 0
    dotted: bool = False
    faint: bool = False
    marked: bool = False
    scale: float = 1.0


def seen(words: Words, runs: Sequence[Training], curves: Sequence[Curves]) -> list[Seen]:
    """The runs with their curves; those of one name are told apart by when they began."""
    names = [one.name for one in runs]
    told = [
        name if names.count(name) == 1 else f"{words.when(one.run.created)[5:]} {name}"
        for name, one in zip(names, runs, strict=True)
    ]
    return [Seen(name, found) for name, found in zip(told, curves, strict=True)]


def brief(name: str, longest: int = 27) -> str:
    """Shortened in its middle: what runs differ in stands at either end."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half].rstrip()}…{name[-half:].lstrip()}"


def losses(words: Words, runs: Sequence[Seen], axis: Axis) -> Any:
    """Training loss (raw and smoothed for one run, smoothed for several) and validation loss; None without any."""
    lines = []
    for look, run in enumerate(runs):
        named = _naming(words, runs, run)
        if len(runs) == 1:
            lines.append(Line(words.t("train_watch.loss_raw"), run.curves["loss"], look, faint=True))
        lines.append(Line(named("loss_smoothed"), run.curves.smoothed, look))
        second = look if len(runs) > 1 else 1
        lines.append(Line(named("eval_loss"), run.curves["eval_loss"], second, dotted=True, marked=True))
    return _figure(words, lines, axis, words.t("train_watch.plot_loss"), TALL)


def small(words: Words, name: str, runs: Sequence[Seen], axis: Axis) -> Any:
    """One of SMALL; None when no run told it."""
    parts = ("host_bytes", "device_bytes") if name == "memory" else (name,)
    lines = []
    for look, run in enumerate(runs):
        named = _naming(words, runs, run)
        for number, part in enumerate(parts):
            curve = run.curves[part]
            lines.append(
                Line(named(part), curve, look, dotted=number > 0, marked=name == "metric", scale=SCALE.get(part, 1.0))
            )
    figure = _figure(words, lines, axis, words.t(f"train_watch.plot_{name}"), LOW, FORMATS.get(name, ".3~g"))
    if figure is not None:
        # From nought: a wobble of a hundredth must not look like a mountain.
        figure.update_yaxes(rangemode="tozero")
    return figure


def _naming(words: Words, runs: Sequence[Seen], run: Seen) -> Any:
    """What a line is called: by its quantity, with the run's name before it when there are several."""

    def named(part: str) -> str:
        told = words.t(f"train_watch.line_{part}")
        return told if len(runs) == 1 else f"{brief(run.name)} · {told}"

    return named


def _figure(words: Words, lines: Sequence[Line], axis: Axis, title: str, height: int, form: str = ".4f") -> Any:
    from plotly.graph_objects import Figure

    drawn = [line for line in lines if len(line.curve)]
    if not drawn:
        return None
    unit, divisor = _unit(max(line.curve.seconds[-1] for line in drawn)) if axis == "time" else ("step", 1.0)
    figure = Figure()
    for line in drawn:
        figure.add_trace(_trace(line, axis, divisor, form))
    frame(figure, words.t(f"train_watch.axis_{unit}"), "", height)
    shows = height == TALL or len(drawn) > 1
    figure.update_layout(
        title={"text": plain(title), "x": 0, "xanchor": "left", "xref": "paper", "y": 0.97, "yanchor": "top"},
        title_font={"size": 14},
        margin={"l": 56, "r": 14, "t": 34, "b": 72 if shows else 44},
        height=height + (28 if shows else 0),
        hovermode="x unified",
        showlegend=shows,
        legend={
            "orientation": "h",
            "x": 0,
            "y": -0.2 if height == TALL else -0.36,
            "yanchor": "top",
            "font": {"size": 12},
        },
        # What a person hides in the legend stays hidden while the run goes on.
        uirevision="stays",
    )
    figure.update_xaxes(rangemode="tozero", hoverformat=",.4~g", title={"font": {"size": 12}, "standoff": 4})
    figure.update_yaxes(automargin=True)
    return figure


def _trace(line: Line, axis: Axis, divisor: float, form: str) -> Any:
    from plotly.graph_objects import Scatter

    look, curve = line.look % len(COLOURS), line.curve
    across = curve.steps if axis == "step" else [second / divisor for second in curve.seconds]
    lone = len(curve) == 1
    return Scatter(
        x=list(across),
        y=[value * line.scale for value in curve.values],
        mode="lines+markers" if line.marked or lone else "lines",
        name=plain(line.name),
        opacity=0.5 if line.faint else 1.0,
        line={"color": COLOURS[look], "width": 1.2 if line.faint else 2.2, "dash": "dot" if line.dotted else "solid"},
        marker={"size": 7, "symbol": MARKERS[look], "color": COLOURS[look]},
        hovertemplate=f"%{{y:{form}}}",
        cliponaxis=False,
    )


def _unit(seconds: float) -> tuple[str, float]:
    """(name of the unit of the time axis, seconds in it)."""
    if seconds >= HOURS_FROM:
        return "hours", 3600.0
    return ("minutes", 60.0) if seconds >= MINUTES_FROM else ("seconds", 1.0)
