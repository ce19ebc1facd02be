"""What an adapter has seen is known after its run is gone, and told of a test split that was made later."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backend.assistants import AdapterRef
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.rows import seen
from backend.training.rows.seen import seen_in_test
from backend.training.telling.outcome import trained
from tests.training.working import config_for, do, result, submitted

QUICK = {"max_steps": 2, "metric_examples": 0, "sample_inputs": 0}


def test_what_was_seen_outlives_the_run_and_is_handed_on(
    project: Project, resting: Runs, settings: Settings, tiny: Path
) -> None:
    config = config_for(tiny, limit=10, **QUICK)
    run = submitted(resting, config)
    do(run, settings)
    made = trained(config, AdapterRef(id=result(run)["adapter"]))
    assert seen_in_test(project, made) == seen_in_test(project, config.assistant) == 0
    drawn = seen.seen_by(project, made.adapter or pytest.fail("no adapter"))
    assert len(drawn) == 10 + 8  # the training examples that were drawn, and all of dev
    shutil.rmtree(run.folder)
    every = list(project.examples.each(None, "look"))
    moved = [one.id for one in every if one.split != "test"][:5]
    project.examples.set_split(moved, "test")
    assert seen_in_test(project, made) == sum(one.input_key in drawn for one in every if one.id in moved)
    project.examples.set_split([one.id for one in every], "test")
    assert seen_in_test(project, made) == 18
    project.examples.remove([next(one.id for one in every if one.input_key in drawn)])
    assert seen_in_test(project, made) == 17
    later = AdapterRef(id="0" * len(made.adapter.id if made.adapter else ""))
    seen.keep(project, run.folder / "data", later, made.adapter)  # trained further on nothing that is known
    assert seen.seen_by(project, later) == drawn


def test_what_cannot_be_read_says_nothing(project: Project, tmp_path: Path) -> None:
    ref = AdapterRef(id="a" * 32)
    (tmp_path / seen.FILE).write_text('{"not": "a list"}', "utf-8")
    seen.keep(project, tmp_path, ref, None)
    assert seen.seen_by(project, ref) == frozenset()
    project.set_note(seen.NOTE + ref.id, {"not": "a list"})
    assert seen.seen_by(project, ref) == frozenset()
