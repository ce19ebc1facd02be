"""Which inputs an adapter has seen while it was trained: told when they turn up in a test split that was made later.

A run keeps them beside its data (seen.json), its end hands them to the project under the adapter's id, so that they
outlive the run. They are named by `input_key`; dev examples count, since the best step was chosen by them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sqlalchemy import select

from backend.assistants import AdapterRef, Assistant
from backend.files import write_atomic
from backend.projects.folder import Project
from backend.projects.tables import ExampleRow
from backend.training.values import Rows

FILE: Final = "seen.json"
NOTE: Final = "training.seen."


def write(folder: Path, project: Project, rows: Rows) -> None:
    """Keep in `folder` (a run's data/) what these rows were made of. Raises StorageProblem."""
    ids = {row.example_id for row in (*rows.train, *rows.dev) if row.example_id is not None}
    write_atomic(folder / FILE, json.dumps(sorted(_inputs(project, ids)) if ids else []))


def keep(project: Project, folder: Path, made: AdapterRef, trained_further: AdapterRef | None) -> None:
    """Remember for the adapter `made` what was written into `folder`, and what the one that it began as had seen."""
    before = seen_by(project, trained_further) if trained_further is not None else frozenset[str]()
    keys = before | _read(folder / FILE)
    if keys:
        project.set_note(NOTE + made.id, sorted(keys))


def seen_by(project: Project, adapter: AdapterRef) -> frozenset[str]:
    """Input keys; empty where nothing is known, as of an adapter that came alone from elsewhere."""
    return _keys(project.get_note(NOTE + adapter.id))


def seen_in_test(project: Project, assistant: Assistant) -> int:
    """How many of today's test examples the assistant's adapter, or what that was trained from, has seen."""
    keys = seen_by(project, assistant.adapter) if assistant.adapter is not None else frozenset[str]()
    if not keys:
        return 0
    test = select(ExampleRow.input_key).where(ExampleRow.split == "test", ExampleRow.removed_at.is_(None))
    with project.database.read() as session:
        return sum(key in keys for key in session.scalars(test))


def _inputs(project: Project, ids: set[int]) -> set[str]:
    learnt = select(ExampleRow.id, ExampleRow.input_key).where(
        ExampleRow.split.in_(("train", "dev")), ExampleRow.removed_at.is_(None)
    )
    with project.database.read() as session:
        return {key for number, key in session.execute(learnt) if number in ids}


def _read(file: Path) -> frozenset[str]:
    """Empty for a run of an older studio, which kept none."""
    try:
        return _keys(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError):
        return frozenset()


def _keys(kept: object) -> frozenset[str]:
    """What is not in this form comes from elsewhere and says nothing."""
    return frozenset(key for key in kept if isinstance(key, str)) if isinstance(kept, list) else frozenset()
