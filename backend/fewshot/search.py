"""Find good examples: many draws of shots tried on the dev split, the worse half dropped round by round.

Sequential halving (see `halving`) over random draws (see `candidates`). The best of many on one set of examples looks
better there than it is (the winner's curse): the difference from the base is corrected for every candidate that was
tried, and only a comparison on the test split decides.
"""

from __future__ import annotations

from backend.assistants import Assistant, Part
from backend.fewshot.candidates import Budget
from backend.fewshot.halving import plan_halving
from backend.fewshot.outcome import SearchOutcome, outcome_of, save_candidate
from backend.fewshot.planning import MOST_EXAMPLES, SearchPlan, plan_of, task_of
from backend.fewshot.tried import Tell, Tried, tried_of
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project

__all__ = [
    "Budget",
    "SearchConfig",
    "SearchOutcome",
    "SearchPlan",
    "Tried",
    "outcome_of",
    "plan_search",
    "save_best",
    "start_search",
    "tried_of",
]

KIND = "fewshot_search"


class SearchConfig(Part):
    """What is in the config of a search run; `parent` is the saved version that the assistant is."""

    assistant: Assistant
    budget: Budget
    parent: int | None = None


def plan_search(project: Project, assistant: Assistant, budget: Budget | None = None) -> SearchPlan:
    """What the search would cost, for showing before it starts. Raises as `task_of`."""
    task_of(project, assistant)
    spend, available = budget or Budget(), min(project.examples.counts().dev, MOST_EXAMPLES)
    return plan_of(project, assistant, plan_halving(spend.candidates, available, spend.answers))


def start_search(
    runs: Runs,
    project: Project,
    assistant: Assistant,
    budget: Budget | None = None,
    parent: int | None = None,
    title: str = "",
) -> Run:
    """Search as a run. Raises as `task_of`, StorageProblem.

    parent  id of the saved version that `assistant` is, which the result will come from
    """
    task_of(project, assistant)
    config = SearchConfig(assistant=assistant, budget=budget or Budget(), parent=parent)
    return runs.submit(KIND, config.model_dump(mode="json"), title or assistant.name or assistant.model.label())


def save_best(project: Project, run: Run, tell: Tell, name: str = "") -> SavedAssistant:
    """The best as a new version; see `save_candidate`."""
    return save_candidate(project, run, tell, name)
