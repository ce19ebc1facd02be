"""Collecting what advice stands on, from what was stored: asks no model and loads none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.advice.facts import Facts, Measured
from backend.assistants import PER_INPUT, Assistant, ModelRef
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.identity import known_fingerprint
from backend.evaluation.run import LIMIT
from backend.evaluation.statistics import paired
from backend.evaluation.values import Verdict
from backend.evaluation.verdicts import verdict
from backend.examples.example import Split
from backend.examples.splits import splits_made
from backend.examples.task import Task
from backend.fewshot.curve import Curve, curve_of
from backend.models.catalog import CATALOG
from backend.models.memory import machine
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.prompts.templates import variables

STARTER_PARAMETERS: Final = 4_500_000
COMPARED: Final = 12
"""Of many assistants the ones saved last."""


def gather(project: Project) -> Facts:
    """Everything known now. A project without a task or assistants gives the facts that there are."""
    store = project.examples
    task, counts, saved = store.task(), store.counts(), project.assistants.list()
    labels = store.labels("train") if task is not None and task.labelled else {}
    fits = [one for one in saved if task is not None and takes(one.assistant, task)]
    where, comparison = _measured(project, fits) if task is not None else ("test", None)
    rows = ranked(comparison) if comparison is not None else ()
    gpus = machine().gpus
    return Facts(
        task=task,
        train=counts.train,
        dev=counts.dev,
        test=counts.test,
        unsplit=counts.unsplit,
        labels=len(task.labels or labels) if task is not None and task.labelled else 0,
        rarest=min(labels.values(), default=0),
        split=splits_made(store) is not None,
        assistants=len(saved),
        fits=len(fits),
        measured=rows,
        where=where,
        verdict=_shots_verdict(comparison, rows) if comparison is not None else None,
        curve=_curve(project, fits, rows),
        gpu_bytes=max((gpu.memory_bytes for gpu in gpus), default=None),
        parameters=_parameters(fits, rows),
    )


def takes(assistant: Assistant, task: Task) -> bool:
    """Whether the assistant's template asks for nothing that the task's examples do not have."""
    return set(variables(assistant.instructions.template)) <= set(task.inputs)


def shots_shown(assistant: Assistant) -> int:
    """Examples shown for one question."""
    chosen, shots = assistant.examples.selection, assistant.examples.shots
    return min(chosen.count, len(shots)) if chosen is not None and chosen.method in PER_INPUT else len(shots)


def ranked(comparison: Comparison) -> tuple[Measured, ...]:
    """The compared rows, best first."""
    return tuple(
        Measured(row.saved.id, row.name, row.saved.number, shots_shown(row.saved.assistant), row.score)
        for row in comparison.rows
        if row.score is not None
    )


def _measured(project: Project, fits: Sequence[SavedAssistant]) -> tuple[str, Comparison | None]:
    """What was answered of the test split; of dev as long as nothing of test was."""
    ids = [one.id for one in fits[:COMPARED]]
    splits: tuple[Split, ...] = ("test", "dev")
    for split in splits if ids else ():
        found = compare(project, ids, split, limit=LIMIT)
        if found.n:
            return split, found
    return "test", None


def _shots_verdict(comparison: Comparison, rows: Sequence[Measured]) -> Verdict | None:
    """The best that shows examples against the best that shows none: a family of one comparison, chosen as the best of
    each kind, so it serves advice and is no finding of its own."""
    zero = next((one for one in rows if not one.shots), None)
    shown = next((one for one in rows if one.shots), None)
    if zero is None or shown is None:
        return None
    a, b = comparison.scores[comparison.row(zero.id)], comparison.scores[comparison.row(shown.id)]
    return verdict(paired(comparison.metric, a, b), (zero.name, shown.name))


def _curve(project: Project, fits: Sequence[SavedAssistant], rows: Sequence[Measured]) -> Curve | None:
    """The learning curve of the best assistant that has one."""
    order = [one.id for one in rows] or [one.id for one in fits[:COMPARED]]
    by_id = {one.id: one.assistant for one in fits}
    for number in order:
        known = known_fingerprint(project, by_id[number])
        found = curve_of(project, known) if known else None
        if found is not None:
            return found
    return None


def _parameters(fits: Sequence[SavedAssistant], rows: Sequence[Measured]) -> int | None:
    best = next((one.id for one in rows), None)
    chosen = next((one.assistant.model for one in fits if one.id == best), None)
    return None if chosen is None else parameters_of(chosen)


def parameters_of(ref: ModelRef) -> int | None:
    """How many parameters a model has, where the catalog knows it."""
    if ref.kind == "starter":
        return STARTER_PARAMETERS
    return next((one.parameters for one in CATALOG if one.id == ref.name), None)
