"""A report to hand to others: one HTML file that opens offline, without scripts and without anything from elsewhere.

It holds figures, intervals, verdicts, method, versions and seeds; texts of examples and answers only when asked for.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from backend.assistants import PER_INPUT, Assistant
from backend.evaluation.comparison import Comparison, Row
from backend.evaluation.values import Interval, Score
from backend.fewshot.curve import Curve
from backend.fewshot.sensitivity import Band
from backend.files import write_atomic
from backend.models.memory import machine
from backend.settings import ASSETS

TEMPLATE: Final = ASSETS / "report" / "report.html.j2"
LIBRARIES: Final = (
    "matchum",
    "torch",
    "transformers",
    "scipy",
    "statsmodels",
    "scikit-learn",
    "sacrebleu",
    "seqeval",
    "rouge-score",
    "kiwipiepy",
)
LABELS: Final = 40
"""More labels than this make a confusion matrix that nobody reads; the table per label is there all the same."""

Tell = Callable[[str, Mapping[str, Any]], str]
"""Makes a sentence of a words key and its details."""


@dataclass(frozen=True)
class Extras:
    """What was measured besides: bands by assistant id, and a learning curve. `texts` examples are quoted per pair."""

    bands: Mapping[int, Band]
    curve: Curve | None = None
    texts: int = 0


def write_report(
    path: Path, project_name: str, comparison: Comparison, tell: Tell, language: str, made: str, extras: Extras
) -> Path:
    """Write the report of a comparison that has compared something.

    tell  the words of the page's language; made  the date and time to print. Raises StorageProblem.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    told = lambda key, **details: tell(key, details)  # noqa: E731  the template's own `t`
    page = template.render(
        t=told, language=language, project=project_name, made=made, **contents(comparison, tell, extras)
    )
    write_atomic(path, page)
    return path


def contents(comparison: Comparison, tell: Tell, extras: Extras) -> dict[str, Any]:
    """What the template prints, as plain values."""
    rows = comparison.rows[: len(comparison.scores)]
    return {
        "task": comparison.task,
        "split": comparison.split,
        "metric": comparison.metric,
        "n": comparison.n,
        "asked": comparison.asked,
        "seed": comparison.seed,
        "rows": [_row(place, row, comparison, extras) for place, row in enumerate(rows)],
        "left_out": [row.name for row in comparison.rows[len(rows) :]],
        "pairs": [_pair(rows, places, verdict, tell) for places, verdict in comparison.pairs.items()],
        "confusion": _confusion(comparison),
        "curve": [asdict_point(point) for point in extras.curve.points] if extras.curve else [],
        "curve_metric": extras.curve.metric if extras.curve else None,
        "quotes": _quotes(comparison, extras.texts),
        "libraries": libraries(),
        "machine": _machine(),
    }


def _row(place: int, row: Row, comparison: Comparison, extras: Extras) -> dict[str, Any]:
    band = extras.bands.get(row.saved.id)
    return {
        "row": row,
        "score": _score(row.score),
        "others": {name: _score(score) for name, score in row.others.items()},
        "band": None if band is None else {"low": _hundred(band.low), "high": _hundred(band.high), "n": band.n},
        "labels": comparison.per_label(place),
        "how": how(row.saved.assistant),
    }


def how(assistant: Assistant) -> dict[str, Any]:
    """Everything that decides how it answers, but for the texts of its examples."""
    chosen, shots = assistant.examples.selection, assistant.examples.shots
    per_input = chosen is not None and chosen.method in PER_INPUT
    return {
        "model": assistant.model.label(),
        "revision": assistant.model.revision,
        "adapter": assistant.adapter.model_dump() if assistant.adapter else None,
        "quantization": assistant.quantization,
        "system": assistant.instructions.system,
        "template": assistant.instructions.template,
        "shots": chosen.count if per_input and chosen else len(shots),
        "pool": len(shots) if per_input else None,
        "selection": chosen.model_dump() if chosen else None,
        "decoding": assistant.decoding.model_dump(),
    }


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {"value": _hundred(score.value), "n": score.n, "unreadable": score.unreadable, **_interval(score.interval)}


def _interval(interval: Interval) -> dict[str, Any]:
    return {"low": _hundred(interval.low), "high": _hundred(interval.high), "method": interval.method}


def _pair(rows: Sequence[Row], places: tuple[int, int], verdict: Any, tell: Tell) -> dict[str, Any]:
    first, second = (rows[place].name for place in places)
    found = verdict.difference
    return {
        "first": first,
        "second": second,
        "told": tell(verdict.key, verdict.details),
        "value": _hundred(found.value),
        "low": _hundred(found.low),
        "high": _hundred(found.high),
        **{
            name: value
            for name, value in asdict(found).items()
            if name in ("p", "p_corrected", "test", "a_only", "b_only")
        },
    }


def _confusion(comparison: Comparison) -> dict[str, Any] | None:
    """The best one's, as long as it can be read."""
    found = comparison.confusion(0) if comparison.scores else None
    if found is None or len(found.labels) > LABELS:
        return None
    most = max((max(row, default=0) for row in found.matrix), default=0) or 1
    shaded = [[(count, round(100 * count / most)) for count in row] for row in found.matrix]
    return {"labels": found.labels, "rows": shaded}


def asdict_point(point: Any) -> dict[str, Any]:
    return {"shots": point.shots, **{name: _hundred(getattr(point, name)) for name in ("value", "low", "high")}}


def _quotes(comparison: Comparison, count: int) -> list[dict[str, Any]]:
    """Examples on which the two best differ, first come first; none when no texts were asked for."""
    if len(comparison.scores) < 2:
        return []
    told: list[dict[str, Any]] = []
    for place, example in enumerate(comparison.examples):
        first, second = comparison.scores[0][place], comparison.scores[1][place]
        if len(told) < count and first.right != second.right:
            answers = [answers[place].answer or "" for answers in comparison.answers[:2]]
            told.append({"input": example.text(), "expected": example.output, "answers": answers})
    return told


def libraries(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Versions of what measures and answers; those that are not installed are left out."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"Python": platform.python_version(), **found}


def _machine() -> dict[str, Any]:
    here = machine()
    cards = ", ".join(gpu.name for gpu in here.gpus)
    return {"cores": here.cores, "memory_bytes": here.memory_bytes, "gpu": cards, "system": platform.system()}


def _hundred(value: float) -> float:
    return round(100 * value, 1)
