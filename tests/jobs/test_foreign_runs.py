"""Run folders that somebody else filled: an import may hold anything, and nothing of it may reach further."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from backend.assistants import Assistant
from backend.batch.results import Results
from backend.batch.rows import BatchConfig, RowAnswer, answers_file, rows_file
from backend.errors import BadInput, StorageProblem
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs, RunsByFolder
from backend.models.download import work
from backend.settings import Settings
from tabs import widgets
from tabs.text import Words

ID = "20260101-000000000000-0123abcd"
COMMIT = "0" * 40


def foreign(folder: Path, state: object, config: object = None, title: str = "t", created: float = 1.0) -> Path:
    place = folder / ID
    (place / "output").mkdir(parents=True)
    kind = {"kind": "download", "title": title, "created": created, "config": config or {"model": "tiny/llama"}}
    (place / "config.json").write_text(json.dumps(kind))
    (place / "state.json").write_text(json.dumps(state))
    return place


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "home" / "projects" / "owner" / "p" / "runs", Settings(home=tmp_path / "home"))


def drawn(run: Run) -> None:
    """Every page draws every run, every two seconds."""
    words = Words("ko")
    assert widgets.run_row(words, run, "project", removable=True)
    assert words.when(run.created)


@pytest.mark.parametrize(
    "state",
    [
        {"state": "stopped", "done": 10**400, "total": 1},
        {"state": "stopped", "rate": float("inf"), "seconds_left": float("nan")},
        {"state": "failed", "error_key": "error.run_bug", "error_details": {"key": 1, "self": 2, "log": ["x"]}},
        {"state": "failed", "error_key": "error.disk_full", "error_details": {"free_bytes": 10**400}},
        {"state": "failed", "error_key": "error.disk_full", "error_details": {"left_seconds": float("inf")}},
        {"state": "running", "seconds_left": float("inf"), "message_key": "run.message.downloading"},
    ],
)
def test_no_state_of_a_foreign_run_breaks_the_page(runs: Runs, state: object) -> None:
    foreign(runs.folder, state)
    drawn(runs.get(ID))


def test_no_date_of_a_foreign_run_breaks_the_page(runs: Runs) -> None:
    foreign(runs.folder, {"state": "stopped"}, created=1e300)
    drawn(runs.get(ID))


def test_a_huge_state_is_not_read(runs: Runs) -> None:
    place = foreign(runs.folder, {"state": "stopped"})
    os.truncate(place / "config.json", 1 << 30)
    assert runs.get(ID).error_key == "error.run_broken"


def test_a_download_among_a_project_s_runs_is_not_resumed(runs: Runs) -> None:
    foreign(runs.folder, {"state": "stopped"})
    with pytest.raises(BadInput) as told:
        runs.resume(ID)
    assert told.value.key == "error.run_kind"
    assert not (runs.folder / ID / "process.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "../../../../elsewhere"},
        {"model": "other/model"},
        {"files": [{"name": "../../../../elsewhere", "size": 1}]},
        {"files": [{"name": "config.json", "size": 1}, {"name": "model.bin", "size": 1}]},
        {"files": 1},
    ],
)
def test_a_plan_that_was_tampered_with_is_refused_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    folder = RunFolder(foreign(tmp_path / "home" / "runs", {"state": "running"}))
    files = [{"name": "config.json", "size": 1}, {"name": "model.safetensors", "size": 1}]
    plan = {"model": "tiny/llama", "revision": COMMIT, "files": files, **change}
    (folder.path / "output" / "plan.json").write_text(json.dumps(plan))
    job = Job(folder.path, {"model": "tiny/llama"}, Settings(home=tmp_path / "home"))
    with pytest.raises(StorageProblem) as told, Progress(folder, folder.read_state()) as progress:
        work(job, progress)
    assert told.value.key == "error.run_broken"
    assert not (tmp_path / "home" / "models").exists() and not (tmp_path / "elsewhere").exists()


def test_rows_that_are_no_texts_are_a_broken_table(tmp_path: Path) -> None:
    config = BatchConfig(assistant=Assistant(), columns=("a",), mapping={"input": "a"}, rows=1)
    rows_file(tmp_path).parent.mkdir()
    for line in ("[1, 5]", '[1, {"a": 1}]', "[" * 100_000):
        rows_file(tmp_path).write_text(line + "\n")
        with pytest.raises(StorageProblem):
            Results(tmp_path, config).page()


def test_an_answer_with_endless_figures_counts_as_not_there(tmp_path: Path) -> None:
    config = BatchConfig(assistant=Assistant(), columns=("a",), mapping={"input": "a"}, rows=1)
    rows_file(tmp_path).parent.mkdir()
    rows_file(tmp_path).write_text('[1, "x"]\n')
    answers_file(tmp_path).parent.mkdir()
    answers_file(tmp_path).write_text(
        '{"row":0, "error_key": "error.disk_full", "error_details": {"a_bytes": 1e999}}\n'
    )
    assert Results(tmp_path, config).page()[0].answer is None
    kept = RowAnswer(row=0, error_key="k", error_details={"a": "b", "n": 3})
    assert RowAnswer.model_validate_json(kept.model_dump_json()) == kept


def test_one_runs_per_folder_keeps_what_it_has_read(tmp_path: Path) -> None:
    kept = RunsByFolder(Settings(home=tmp_path), most=2)
    first = kept.of(tmp_path / "a")
    assert kept.of(tmp_path / "a") is first
    kept.of(tmp_path / "b")
    kept.of(tmp_path / "a")
    kept.of(tmp_path / "c")
    assert kept.of(tmp_path / "a") is first, "the one used longest ago goes"
