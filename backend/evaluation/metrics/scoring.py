"""From an answer to its score, and from scores to one figure with its interval."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from backend.evaluation.counts import one_value
from backend.evaluation.metrics import generation, overlap
from backend.evaluation.metrics.behaviour import refuses
from backend.evaluation.parsing import GSM8K, expected_label, number_of, parse, spans_of
from backend.evaluation.statistics import score_of, wilson
from backend.evaluation.values import ExampleScore, Interval, Parsed, Score
from backend.examples.example import NewExample
from backend.examples.task import METRICS, Metric, Task

RULE: Final = "2"
"""Version of parsing and metrics: raised whenever an equal answer would be measured differently."""


def rule_key(task: Task, example: NewExample) -> str:
    """Names everything but the answer that its score follows from, for keeping scores: version, task, expectation."""
    told: list[object] = [RULE, task.kind, task.labels, task.inputs, example.output]
    if task.kind == "entities":
        told.append(example.variables)
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def score_example(task: Task, example: NewExample, answer: str | None) -> ExampleScore:
    """Measure one answer; None is an answer that failed. It counts as wrong, like an unreadable one."""
    parsed = parse(task, example, answer)
    text = answer or ""
    behaviour = {
        "refusal": float(refuses(text)),
        "readable": float(parsed.readable),
        "length": float(len(text.strip())),
    }
    expected = expected_label(task, example) if task.labelled else None
    values, counts = _measured(task, example, parsed, expected)
    return ExampleScore(parsed, {**values, **behaviour}, counts, expected)


Measured = tuple[dict[str, float], dict[str, tuple[float, ...]]]


def _measured(task: Task, example: NewExample, parsed: Parsed, expected: str | None) -> Measured:
    if task.labelled:
        right = float(parsed.value is not None and parsed.value == expected)
        return {"accuracy": right, "macro_f1": right}, {}
    if task.kind == "entities":
        return _entities(task, example, parsed)
    text = parsed.value if isinstance(parsed.value, str) else ""
    if task.kind == "question_answering":
        return _question(example.output, text, parsed.readable), {}
    return _free(METRICS[task.kind], example.output, text)


def _entities(task: Task, example: NewExample, parsed: Parsed) -> Measured:
    wanted = set(spans_of(task, example, example.output) or ())
    given = set(parsed.value) if isinstance(parsed.value, tuple) else set()
    same = len(wanted & given)
    # An unreadable answer names nothing and misses what was wanted. Where nothing was, it counts as one invention, or
    # an assistant that always fails would be perfect on inputs without entities.
    named = len(given) if parsed.readable or wanted else 1
    alike = 2 * same / (named + len(wanted)) if named or wanted else 1.0
    values = {"span_f1": alike, "exact_match": float(parsed.readable and wanted == given)}
    return values, {"span_f1": (float(same), float(named), float(len(wanted)))}


def _question(expected: str, text: str, readable: bool) -> dict[str, float]:
    if not readable:
        return {"char_f1": 0.0, "token_f1": 0.0, "exact_match": 0.0}
    number = number_of(expected)
    if number is not None:
        # The answer was read as a number, which is right or wrong: 71 is not half of 72.
        return dict.fromkeys(("char_f1", "token_f1", "exact_match"), float(text == number))
    marked = GSM8K.search(expected)
    wanted = marked[1].strip() if marked else expected
    return {
        "char_f1": overlap.char_f1(wanted, text),
        "token_f1": overlap.token_f1(wanted, text),
        "exact_match": overlap.exact_match(wanted, text),
    }


def _free(metrics: Sequence[Metric], expected: str, text: str) -> Measured:
    values: dict[str, float] = {}
    counts: dict[str, tuple[float, ...]] = {}
    if "chrf" in metrics:
        counts["chrf"] = generation.chrf_counts(expected, text)
        values["chrf"] = one_value("chrf", counts["chrf"])
    if "bleu" in metrics:
        counts["bleu"] = generation.bleu_counts(expected, text)
        values["bleu"] = one_value("bleu", counts["bleu"])
    if "rouge_l" in metrics:
        values["rouge_l"] = generation.rouge_l(expected, text)
    return values, counts


def aggregate(task: Task, metric: Metric, scores: Sequence[ExampleScore], seed: int = 0) -> Score:
    """The figure of all examples together with its 95 % interval; n = 0 gives 0 with the interval 0..1.

    Nothing is drawn for any of today's metrics: equal scores have equal intervals whatever the seed.
    """
    del task, seed
    unreadable = sum(not score.parsed.readable for score in scores)
    value, interval = score_of(metric, scores)
    return Score(metric, value, interval, len(scores), unreadable)


def share(scores: Sequence[ExampleScore], name: str) -> tuple[float, Interval]:
    """Share of the answers for which a yes-or-no value ("refusal", "readable", "exact_match") holds, by Wilson."""
    count = sum(score.values.get(name, 0.0) >= 1.0 for score in scores)
    return (count / len(scores) if scores else 0.0), wilson(count, len(scores))
