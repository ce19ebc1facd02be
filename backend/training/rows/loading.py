"""The rows of a run: made by its first attempt, and read as they were by every later one."""

from __future__ import annotations

from pathlib import Path

from backend.errors import BadInput
from backend.training.rows import seen, snapshot
from backend.training.running.attempt import Attempt
from backend.training.values import Rows


def rows_of(attempt: Attempt) -> Rows:
    """Raises StorageProblem, BadInput("error.training_no_rows"), and what making them raises."""
    folder = attempt.job.folder / "data"
    if snapshot.there(folder):
        return snapshot.read(folder)
    from backend.models.tokenizing import Tokenizing
    from backend.training.rows.making import make_rows

    attempt.progress.message("run.message.training_rows")
    documents = [attempt.job.input / Path(name).name for name in attempt.config.documents]
    rows = make_rows(attempt.project, attempt.config, Tokenizing.open(attempt.base_folder), documents)
    if not rows.train:
        raise BadInput("error.training_no_rows")
    if attempt.leads:
        seen.write(folder, attempt.project, rows)
        snapshot.write(folder, rows)
    return rows
