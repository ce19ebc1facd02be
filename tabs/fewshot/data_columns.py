"""Columns of new data against the task that a project has: which inputs, which new labels, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.errors import BadInput
from backend.examples.columns import answer_text
from backend.examples.mapping import Mapping, check_mapping
from backend.examples.mapping import variables as inputs_named
from backend.examples.shapes import Source
from backend.examples.store import ExampleStore
from backend.examples.task import Task


def usable(mapping: Mapping) -> bool:
    """Whether there is enough to guess a task from."""
    return bool(mapping.inputs and (mapping.output or mapping.spans))


def inputs_of(store: ExampleStore, mapping: Mapping) -> tuple[str, ...]:
    """What the task asks for: as the examples that are here have it, else as the columns are named."""
    kept = store.task()
    if kept is not None and store.counts().total:
        inputs: tuple[str, ...] = kept.inputs
        return inputs
    return tuple(mapping.inputs)


def check(source: Source, mapping: Mapping, store: ExampleStore) -> None:
    """Raises BadInput for columns that cannot make an example, or none like those that are here."""
    check_mapping(source, mapping)
    if mapping.output in mapping.inputs.values():
        raise BadInput("error.data_same_column", column=mapping.output)
    wanted = inputs_of(store, mapping)
    if not set(wanted) <= set(mapping.inputs):
        found = ", ".join(mapping.inputs)
        key = "error.data_one_input" if len(wanted) == 1 else "error.data_other_inputs"
        raise BadInput(key, wanted=", ".join(wanted), found=found)


def new_labels(kept: Task, guess: Task, source: Source, mapping: Mapping) -> list[str]:
    """The labels that come along with new data and that the project's task does not have."""
    found: Iterable[str] = ()
    if kept.labelled and mapping.output in source.table.columns:
        found = (answer_text(cell).strip() for cell in source.table.column(mapping.output))
    elif kept.kind == guess.kind == "entities":
        found = guess.labels
    known = {label.casefold() for label in kept.labels}
    return [label for label in dict.fromkeys(found) if label and label.casefold() not in known]


def joined(kept: Task, new: Sequence[str], inputs: tuple[str, ...]) -> Task:
    """The project's task with more labels."""
    return kept.model_copy(update={"labels": (*kept.labels, *new), "inputs": inputs or kept.inputs})


def named_inputs(columns: Sequence[str], guess: Mapping, task: Task | None) -> dict[str, str]:
    """A variable for each column: as it was guessed, or as the task calls its only input."""
    as_guessed = sorted(columns) == sorted(guess.inputs.values())
    found = dict(guess.inputs) if as_guessed else inputs_named(columns)
    if len(found) == 1 and task is not None and len(task.inputs) == 1:
        return {task.inputs[0]: columns[0]}
    return found
