"""Classification, label by label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.evaluation.values import ExampleScore
from backend.examples.task import Task

UNREADABLE = "unreadable"
"""Name of the matrix's last column: answers that gave no label (failed ones too)."""


class Confusion(NamedTuple):
    """`matrix[row][column]` examples of labels[row] that were given labels[column]; the last column is unreadable."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


class LabelScore(NamedTuple):
    """`n` examples have this label; precision is None when it was never given, recall and F1 when n is 0."""

    precision: float | None
    recall: float | None
    f1: float | None
    n: int


def _given(score: ExampleScore) -> str | None:
    return score.parsed.value if isinstance(score.parsed.value, str) else None


def confusion(task: Task, scores: Sequence[ExampleScore]) -> Confusion:
    """Labels in the task's order, then others that were expected or given; those that never occur are left out."""
    expected = [score.expected or "" for score in scores]
    given = [_given(score) for score in scores]
    seen = {*expected, *(label for label in given if label is not None)}
    order = [label for label in task.labels if label in seen]
    labels = (*order, *sorted(seen - set(order)))
    at = {label: number for number, label in enumerate(labels)}
    matrix = [[0] * (len(labels) + 1) for _ in labels]
    for wanted, told in zip(expected, given, strict=True):
        matrix[at[wanted]][len(labels) if told is None else at[told]] += 1
    return Confusion(labels, tuple(tuple(row) for row in matrix))


def per_label(task: Task, scores: Sequence[ExampleScore]) -> dict[str, LabelScore]:
    """Each label's precision, recall, F1 (as scikit-learn's `precision_recall_fscore_support`) and examples."""
    labels, matrix = confusion(task, scores)
    columns = [sum(row[number] for row in matrix) for number in range(len(labels))]
    found = {}
    for number, label in enumerate(labels):
        right, n, given = matrix[number][number], sum(matrix[number]), columns[number]
        found[label] = LabelScore(
            right / given if given else None, right / n if n else None, 2 * right / (n + given) if n else None, n
        )
    return found
