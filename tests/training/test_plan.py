"""The plan: what the card tells before a start, and how quickly."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path
from weakref import ref

import pytest

from backend.errors import NotFound, StorageProblem
from backend.jobs.folder import RunFolder
from backend.jobs.run import RunState
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.estimating.measured import here
from backend.training.estimating.plan import plan, prefilled
from backend.training.start import start_training
from tests.training.working import config_for, examples, fill, submitted


@pytest.fixture
def host(settings: Settings) -> ModelHost:
    return ModelHost(settings, Endpoints(settings.home, True))


def test_the_card_has_every_number(project: Project, host: ModelHost, tiny: Path) -> None:
    told = plan(project, host, config_for(tiny))
    assert (told.examples, told.dev, told.steps) == (24, 8, 12)
    assert 0 < told.loss_tokens < told.tokens
    assert 0 <= told.waste < 0.5
    assert told.engine == "trl" and told.engine_reason.startswith("engines.reason.")
    assert told.saved_where[0] == project.runs_folder
    assert told.estimate.memory.value > 10**8 and told.estimate.seconds.value > 1


def test_what_is_wrong_with_the_data_is_told_and_a_change_is_seen_at_once(
    project: Project, host: ModelHost, tiny: Path
) -> None:
    config = config_for(tiny)
    before = plan(project, host, config)
    ids = [one.id for one in project.examples.page(limit=30)]
    project.examples.remove(ids[:23])
    after = plan(project, host, config)
    assert after.examples == 1 and before.examples == 24
    assert {problem.name for problem in after.problems} - {problem.name for problem in before.problems}
    project.examples.undo()
    assert plan(project, host, config).examples == 24
    first = project.examples.get(ids[0])
    project.examples.edit(first.id, first.revision, variables={"input": "길어진 글 " * 40})
    assert plan(project, host, config).tokens > before.tokens


def test_a_model_that_is_gone_is_told(project: Project, host: ModelHost, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        plan(project, host, config_for(tmp_path / "nothing"))


def test_a_number_that_changes_nothing_about_the_rows_costs_nothing(
    project: Project, host: ModelHost, tiny: Path
) -> None:
    project.examples.add(examples(2_000)[40:])
    project.examples.set_split([one.id for one in project.examples.page(offset=36, limit=5_000)], "train")
    told = plan(project, host, config_for(tiny))
    assert told.examples > 1_900
    began = time.process_time()
    again = plan(project, host, config_for(tiny, learning_rate=1e-4, num_train_epochs=5.0))
    assert time.process_time() - began < 0.5
    assert again.rows is told.rows and again.steps > told.steps


def test_an_earlier_run_of_the_same_kind_is_what_it_rests_on(
    project: Project, resting: Runs, host: ModelHost, tiny: Path
) -> None:
    config = config_for(tiny)
    told = plan(project, host, config)
    run = submitted(resting, config)
    tokens = told.tokens * 2
    facts = {"peak_bytes": 700_000_000, "tokens": tokens, "seconds": 20.0, "steps": 12, "engine": "trl", **here()}
    RunFolder(run.folder).write_state(RunState(state="succeeded", started=100.0, ended=130.0, result=facts))
    known = plan(project, host, config_for(tiny, learning_rate=1e-4)).estimate
    assert known.basis == "earlier_run" and known.memory_bytes == 700_000_000
    assert known.seconds.value == pytest.approx(30.0, rel=0.05)
    assert plan(project, host, config_for(tiny, r=64)).estimate.basis == "formula"
    for false in (
        {"steps": -5}, {"tokens": 10**400}, {"tokens": True}, {"peak_bytes": -1}, {"seconds": "20"}, {"seconds": -1},
        {"host": "another"}, {"device": "card"}, {"engine": "unsloth"}, {"engine": ["trl"]},
    ):  # fmt: skip
        told_so = {"state": "succeeded", "started": 100.0, "ended": 130.0, "result": {**facts, **false}}
        (run.folder / "state.json").write_text(json.dumps(told_so), "utf-8")
        assert plan(project, host, config).estimate.basis == "formula", false


def test_a_full_disk_is_told_and_nothing_is_started(
    project: Project, resting: Runs, host: ModelHost, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(tiny)
    before = plan(project, host, config).estimate
    assert before.disk_fits is True and (before.disk_free_bytes or 0) > before.disk_bytes
    monkeypatch.setattr("backend.training.estimating.disk.free_bytes", lambda folder: 1_000)
    monkeypatch.setattr("backend.training.estimating.plan.free_bytes", lambda folder: 1_000)
    told = plan(project, host, config).estimate
    assert told.disk_fits is False and told.disk_free_bytes == 1_000
    with pytest.raises(StorageProblem, match="training_disk"):
        start_training(resting, project, host, config)
    assert resting.list() == []


def test_what_is_remembered_of_a_project_does_not_keep_it(settings: Settings, host: ModelHost, tiny: Path) -> None:
    projects = Projects(settings.home / "projects")
    made = projects.open("owner", projects.create("owner", "영화평").id)
    fill(made)
    plan(made, host, config_for(tiny))
    gone = ref(made)
    projects.close()
    del made, projects
    gc.collect()
    assert gone() is None


def test_a_form_is_filled_in_from_the_data(project: Project, host: ModelHost, tiny: Path) -> None:
    base = config_for(tiny, effort="thorough")
    filled = prefilled(project, host, base)
    assert filled.effort == "thorough" and filled.r == 32 and filled.assistant == base.assistant
    assert filled.num_train_epochs > base.num_train_epochs
    own = base.model_copy(update={"effort": "own"})
    assert prefilled(project, host, own) == own
