"""What every run that tries assistants on the dev split needs before it starts: data that is there, and its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from backend.assistants import Assistant
from backend.errors import BadInput, Refused
from backend.examples.example import Example
from backend.examples.task import METRICS, Metric, Task
from backend.fewshot.choosing import considered
from backend.fewshot.halving import Halving, Round, spread_over
from backend.fewshot.speed import seconds_for
from backend.projects.folder import Project
from backend.prompts.templates import variables

MOST_EXAMPLES: Final = 5_000
"""Dev examples that are considered; of more, so many are drawn."""


LONGEST: Final = 100_000
"""Characters of an input that is tried: far beyond the windows here, and so many may be held in memory."""
DRAWN_FROM: Final = 2_000
"""Train examples that sets are drawn from, besides one of each answer."""


@dataclass(frozen=True)
class SearchPlan:
    """The cost of a run, known before it starts: at most so much is asked.

    dev, train  examples there are of each split
    seconds     about how long, from what was measured in this project before; None when nothing was
    """

    halving: Halving
    dev: int
    train: int
    seconds: float | None

    @property
    def candidates(self) -> int:
        """Besides the assistant as it is, which is tried with them."""
        return self.halving.candidates

    @property
    def rounds(self) -> tuple[Round, ...]:
        return self.halving.rounds

    @property
    def examples(self) -> int:
        """Dev examples that the last ones have answered at the end."""
        return self.halving.examples

    @property
    def answers(self) -> int:
        return self.halving.answers


def plan_of(project: Project, assistant: Assistant, halving: Halving) -> SearchPlan:
    counts = project.examples.counts()
    return SearchPlan(halving, counts.dev, counts.train, seconds_for(project, assistant, halving.answers))


def task_of(project: Project, assistant: Assistant, shots: bool = True) -> Task:
    """The task, after a look whether there is what a search needs; `shots`: whether it takes examples of train.

    Raises Refused("error.search_no_task" | "error.search_no_dev" | "error.search_no_train"),
    BadInput("error.search_variables", missing=, known=).
    """
    task, counts = project.examples.task(), project.examples.counts()
    if task is None:
        raise Refused("error.search_no_task")
    if not counts.dev:
        raise Refused("error.search_no_dev")
    if shots and not counts.train:
        raise Refused("error.search_no_train")
    missing = [name for name in variables(assistant.instructions.template) if name not in task.inputs]
    if missing:
        raise BadInput("error.search_variables", missing=_braced(missing), known=_braced(task.inputs))
    return task


def metric_of(task: Task) -> Metric:
    """What a search goes by: the task's metric, or the first of its kind when that one needs a judge."""
    return task.metric if task.metric != "judge" else METRICS[task.kind][0]


def dev_examples(project: Project, task: Task, count: int, seed: int) -> tuple[Example, ...]:
    """`count` dev examples, drawn evenly, each input once; of a labelled task any first few hold the labels evenly.

    Those longer than LONGEST are left out. Raises BadInput("error.fewshot_too_long") when none is shorter.
    """
    short = (one for one in project.examples.each("dev", "tune") if len(one.text()) <= LONGEST)
    drawn = considered(short, seed, MOST_EXAMPLES)
    once = list({one.input_key: one for one in drawn if isinstance(one, Example)}.values())
    if not once:
        raise BadInput("error.fewshot_too_long", limit=f"{LONGEST:,}")
    Random(f"dev {seed}").shuffle(once)
    spread: Sequence[Example] = spread_over((one.output, one) for one in once) if task.labelled else once
    return tuple(spread[:count])


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
