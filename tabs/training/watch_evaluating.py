"""What came out of a run, on the test split against what it was made from: asking for it, and its verdict."""

from __future__ import annotations

from typing import Any, Final

from backend.errors import BadInput, StudioError
from backend.evaluation.comparison import compare
from backend.evaluation.run import LIMIT, start_evaluation
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services
from backend.training.rows.seen import seen_in_test
from tabs.text import Words
from tabs.training.watch_views import Measured

COMPARED: Final = "compare.choice"
"""The note in which the Compare tab keeps what it compares: set, so that it opens with these two."""


def evaluate(runs: Runs, project: Project, saved: SavedAssistant) -> Run:
    """Let the new version and its parent answer the test split. Raises as `start_evaluation`."""
    ids = pair(saved)
    if len(ids) < 2:
        raise BadInput("error.training_no_parent", name=saved.name)
    run = start_evaluation(runs, project, ids, "test", LIMIT)
    kept: Any = project.get_note(COMPARED)
    before = kept if isinstance(kept, dict) else {}
    limit = LIMIT if project.examples.counts().test > LIMIT else None
    project.set_note(COMPARED, {**before, "assistants": list(ids), "split": "test", "limit": limit})
    return run


def pair(saved: SavedAssistant) -> tuple[int, ...]:
    """The ids of the parent and of the version; only its own when it has no parent."""
    return (saved.id,) if saved.parent_id is None else (saved.parent_id, saved.id)


def measured(services: Services, words: Words, project: Project, runs: Runs, saved: SavedAssistant | None) -> Measured:
    """The newest evaluation of the two on the test split, and what it says once it is through."""
    if saved is None or saved.parent_id is None:
        return Measured()
    wanted, seen = set(pair(saved)), seen_in_test(project, saved.assistant)
    run = next((run for run in runs.list() if _measures(run, wanted)), None)
    if run is None or run.state != "succeeded":
        return Measured(run, seen=seen)
    try:
        found = compare(project, pair(saved), "test", limit=LIMIT, where=services.host.where)
    except StudioError:
        # The examples or the task have changed since: the evaluation can be asked for again.
        return Measured(seen=seen)
    verdicts = found.verdicts
    return Measured(run, words.t(verdicts[0].key, **verdicts[0].details) if verdicts else "", seen)


def _measures(run: Run, wanted: set[int]) -> bool:
    told = run.config.get("assistants")
    return (
        run.kind == "evaluation"
        and run.config.get("split") == "test"
        and isinstance(told, list)
        and all(isinstance(one, int) for one in told)
        and wanted <= set(told)
    )
