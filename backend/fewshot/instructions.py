"""Find good instructions: wordings from the library, and ones that a model proposes, tried on the dev split.

The same halving as for examples (see `search`). That a model words the instructions and held-out examples choose among
them is APE (Zhou et al. 2023, "Large language models are human-level prompt engineers"); asking each time for another
manner is from MIPRO (Opsahl-Ong et al. 2024), whose proposer is given such tips.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from backend.assistants import Assistant, Instructions, ModelRef, Part
from backend.examples.task import Task
from backend.fewshot.halving import plan_halving
from backend.fewshot.outcome import SearchOutcome, outcome_of, save_candidate
from backend.fewshot.planning import MOST_EXAMPLES, SearchPlan, plan_of, task_of
from backend.fewshot.tried import Saying, Tell, Tried, prepared_in, tried_of
from backend.fewshot.wordings import language_of, wordings
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project

__all__ = [
    "InstructionBudget",
    "InstructionConfig",
    "SearchOutcome",
    "SearchPlan",
    "Tried",
    "outcome_of",
    "plan_instructions",
    "save_best_instructions",
    "skipped_of",
    "start_instructions",
    "tried_of",
]

KIND: Final = "instruction_search"


class InstructionBudget(Part):
    """What a search may spend.

    answers    model answers in all, at most; the proposer's are not among them
    library    whether the studio's own wordings are tried
    proposals  how many wordings the proposer is asked for
    proposer   the model that is asked; None asks none
    language   of the wordings; None: that of the examples
    """

    answers: int = Field(600, ge=1, le=1_000_000)
    library: bool = True
    proposals: int = Field(6, ge=0, le=64)
    proposer: ModelRef | None = None
    language: Literal["ko", "en"] | None = None
    seed: int = Field(0, ge=0, lt=2**31)


class InstructionConfig(Part):
    """What is in the config of such a run; `parent` is the saved version that the assistant is."""

    assistant: Assistant
    budget: InstructionBudget
    parent: int | None = None


def plan_instructions(project: Project, assistant: Assistant, budget: InstructionBudget | None = None) -> SearchPlan:
    """What it would cost, at most, before it starts. Raises as `task_of`."""
    spend = budget or InstructionBudget()
    task = task_of(project, assistant, shots=False)
    proposals = spend.proposals if spend.proposer is not None else 0
    known = [one for one in own_wordings(project, task, spend) if one != assistant.instructions]
    available = min(project.examples.counts().dev, MOST_EXAMPLES)
    return plan_of(project, assistant, plan_halving(len(known) + proposals, available, spend.answers))


def start_instructions(
    runs: Runs,
    project: Project,
    assistant: Assistant,
    budget: InstructionBudget | None = None,
    parent: int | None = None,
    title: str = "",
) -> Run:
    """Search as a run. Raises as `task_of`, StorageProblem."""
    task_of(project, assistant, shots=False)
    config = InstructionConfig(assistant=assistant, budget=budget or InstructionBudget(), parent=parent)
    return runs.submit(KIND, config.model_dump(mode="json"), title or assistant.name or assistant.model.label())


def save_best_instructions(project: Project, run: Run, tell: Tell, name: str = "") -> SavedAssistant:
    """The best as a new version; see `save_candidate`."""
    return save_candidate(project, run, tell, name)


def skipped_of(run: Run) -> tuple[Saying, ...]:
    """What was proposed and not tried, and why."""
    prepared = prepared_in(run.output)
    return prepared.skipped if prepared else ()


def own_wordings(project: Project, task: Task, budget: InstructionBudget) -> list[Instructions]:
    """The studio's wordings in the language of the examples."""
    if not budget.library:
        return []
    return wordings(task, budget.language or language_of(one.text() for one in project.examples.each("dev", "tune")))
