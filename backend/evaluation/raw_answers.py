"""The raw answers of a comparison as a file: one line per example and assistant, for a spreadsheet or a script."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from backend.batch.results import harmless
from backend.evaluation.comparison import Comparison
from backend.evaluation.values import ExampleScore
from backend.files import make_folder, storing

Form = Literal["csv", "jsonl"]


def export_answers(comparison: Comparison, form: Form, path: Path) -> Path:
    """Write the compared answers with what they were taken to say and their scores. Raises StorageProblem.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it; JSONL holds it as it is.
    """
    beside = make_folder(path.parent) / f".{path.name}.part"
    with storing(path):
        {"csv": _csv, "jsonl": _jsonl}[form](beside, comparison)
        beside.replace(path)
    return path


def _records(comparison: Comparison) -> Iterator[dict[str, Any]]:
    measures = [comparison.metric, *comparison.rows[0].others] if comparison.rows else []
    for place, example in enumerate(comparison.examples):
        for number, scores in enumerate(comparison.scores):
            answer, score, row = comparison.answers[number][place], scores[place], comparison.rows[number]
            yield {
                "example": example.id,
                "split": example.split,
                **{f"input.{name}": text for name, text in example.variables.items()},
                "expected": example.output,
                **{f"group.{name}": text for name, text in example.groups.items()},
                "tags": list(example.tags),
                "assistant": row.name,
                "version": row.saved.number,
                "fingerprint": row.fingerprint,
                "answer": answer.answer,
                "error": answer.error_key,
                "read_as": _read_as(score),
                "rule": score.parsed.rule,
                **{name: score.values.get(name) for name in measures},
                "seconds": answer.seconds,
                "prompt_tokens": answer.prompt_tokens,
                "answer_tokens": answer.answer_tokens,
            }


def _read_as(score: ExampleScore) -> object:
    value = score.parsed.value
    return [list(span) for span in value] if isinstance(value, tuple) else value


def _csv(path: Path, comparison: Comparison) -> None:
    columns = list(dict.fromkeys(name for record in _records(comparison) for name in record))
    # With a byte order mark, or Excel takes Korean for Latin.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([harmless(name) for name in columns])
        for record in _records(comparison):
            writer.writerow([harmless(_flat(record.get(name))) for name in columns])


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _jsonl(path: Path, comparison: Comparison) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in _records(comparison):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
