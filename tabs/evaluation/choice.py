"""What is compared, as a plain value: which assistants, on which examples, by which metric. No Gradio in here.

It is kept in the project, so that another page, or the same one tomorrow, shows the same comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, get_args

from backend.errors import NotFound
from backend.evaluation.run import LIMIT
from backend.examples.task import METRICS, Metric
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project

NOTE: Final = "compare.choice"
MOST: Final = 40
"""Versions that are offered at most; the older ones of the longest histories fall out first."""

MOST_DIGITS: Final = 18
"""Of an id: what a database can hold."""

Measured = Literal["test", "dev"]
Cost = Literal["latency", "tokens", "memory", "making"]


@dataclass(frozen=True)
class Choice:
    """`assistants` are ids of saved versions; `limit` None is all examples; `metric` None is the task's own.

    `perplexity`: whether an evaluation shall measure that too.
    """

    assistants: tuple[int, ...] = ()
    split: Measured = "test"
    limit: int | None = None
    metric: Metric | None = None
    cost: Cost = "latency"
    perplexity: bool = False


def read(form: Mapping[str, Any]) -> Choice:
    """What stands in the widgets. Whatever no widget of ours can hold falls back to its default."""
    told = form.get("assistants")
    listed = told if isinstance(told, list | tuple) else ()
    ids = tuple(int(one) for one in listed if str(one).isdecimal() and len(str(one)) <= MOST_DIGITS)
    limit = form.get("limit")
    return Choice(
        assistants=ids[:MOST],
        split=form["split"] if form.get("split") in get_args(Measured) else "test",
        limit=int(limit) if isinstance(limit, int | float) and 1 <= limit < 1e9 else None,
        metric=form["metric"] if form.get("metric") in get_args(Metric) else None,
        cost=form["cost"] if form.get("cost") in get_args(Cost) else "latency",
        perplexity=form.get("perplexity") is True,
    )


def keep(project: Project, choice: Choice) -> None:
    if kept(project) != choice:
        project.set_note(NOTE, asdict(choice))


def kept(project: Project) -> Choice | None:
    """As it was left; None when nothing was chosen yet."""
    told = project.get_note(NOTE)
    return read(told) if isinstance(told, dict) else None


def offered(project: Project, older: bool, chosen: Sequence[int] = ()) -> list[SavedAssistant]:
    """The latest version of every name, with all versions where `older`; what is chosen is always among them."""
    newest = project.assistants.list()
    found = [one for latest in newest for one in project.assistants.versions(latest.name)] if older else list(newest)
    if len(found) > MOST:
        found = sorted(found, key=lambda one: (one.id not in chosen, -one.id))[:MOST]
    known = {one.id for one in found}
    return found + [one for one in saved_of(project, chosen) if one.id not in known]


def saved_of(project: Project, ids: Sequence[int]) -> list[SavedAssistant]:
    """The chosen versions that are there."""
    found = []
    for one in ids:
        try:
            found.append(project.assistants.get(one))
        except NotFound:
            continue
    return found


def sensible(project: Project) -> Choice:
    """What stands there when a person comes: as it was left, else the latest of each name on the test examples.

    Where there are none of those, but dev examples, on these.
    """
    choice = kept(project)
    there = tuple(one.id for one in saved_of(project, choice.assistants)) if choice else ()
    if choice is None:
        counts = project.examples.counts()
        split: Measured = "test" if counts.test or not counts.dev else "dev"
        choice = Choice(split=split, limit=LIMIT if getattr(counts, split) > LIMIT else None)
    elif there == choice.assistants:
        return fitting(project, choice)
    return fitting(project, replace(choice, assistants=there or tuple(one.id for one in project.assistants.list()[:8])))


def fitting(project: Project, choice: Choice) -> Choice:
    """With a metric that can be counted: a judge's grades are shown with the judge, and a task may have changed."""
    task = project.examples.task()
    if task is None:
        return replace(choice, metric=None)
    counted = [name for name in METRICS[task.kind] if name != "judge"]
    wanted = choice.metric or task.metric
    return replace(choice, metric=wanted if wanted in counted else counted[0])
