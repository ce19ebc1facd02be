"""A project's task: what kind it is, its labels, what a good answer is, and the metric that follows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from pydantic import Field

from backend.assistants import Part

TaskKind = Literal[
    "classification", "sentiment", "entities", "question_answering", "summarising", "translation", "free_writing"
]
Metric = Literal[
    "accuracy", "macro_f1", "span_f1", "exact_match", "token_f1", "char_f1", "chrf", "bleu", "rouge_l", "judge"
]

KINDS: Final[tuple[TaskKind, ...]] = get_args(TaskKind)
METRICS: Final[Mapping[TaskKind, tuple[Metric, ...]]] = MappingProxyType(
    {
        "classification": ("accuracy", "macro_f1"),
        "sentiment": ("accuracy", "macro_f1"),
        "entities": ("span_f1", "exact_match"),
        "question_answering": ("char_f1", "token_f1", "exact_match"),
        "summarising": ("rouge_l", "chrf", "judge"),
        "translation": ("chrf", "bleu", "judge"),
        "free_writing": ("chrf", "rouge_l", "judge"),
    }
)
"""The metrics that make sense for a kind; the first is the one that is proposed."""

LABELLED: Final[frozenset[TaskKind]] = frozenset({"classification", "sentiment"})
"""Kinds whose answer is one of the task's labels."""

MAX_LABELS: Final = 5_000


class Task(Part):
    """What the project's assistants shall do.

    labels   of a classification the possible answers, of entities the kinds of span; () for the others
    good     what a good answer is, in the person's words; a judge reads it too
    inputs   the variables of an example's input, as an assistant's template names them
    """

    kind: TaskKind = "free_writing"
    labels: tuple[str, ...] = Field((), max_length=MAX_LABELS)
    good: str = Field("", max_length=4_000)
    metric: Metric = "chrf"
    inputs: tuple[str, ...] = ("input",)

    @property
    def labelled(self) -> bool:
        return self.kind in LABELLED
