"""Runs with real child processes: progress, stop, resume, kills at any moment, two studios at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from backend.errors import BadInput, Busy, NotFound, StorageProblem
from backend.jobs import runs as runs_module
from backend.jobs.child import environment
from backend.jobs.folder import RunFolder, read_lines
from backend.jobs.run import Run, RunState
from backend.jobs.runs import ID, Runs, end_processes, new_id
from backend.settings import Settings


@pytest.fixture
def runs(tmp_path: Path) -> object:
    service = Runs(tmp_path / "runs", Settings(home=tmp_path))
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def ended(runs: Runs, run_id: str) -> Run:
    until(lambda: not runs.get(run_id).active)
    return runs.get(run_id)


def working(runs: Runs, run_id: str, steps: int = 1) -> Run:
    until(lambda: len(steps_of(runs.get(run_id))) >= steps)
    return runs.get(run_id)


def steps_of(run: Run) -> list[int]:
    file = run.output / "steps.txt"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def kill_worker(run: Run) -> None:
    process = RunFolder(run.folder).process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: process.found() is None)


def test_a_run_works_in_a_child_and_succeeds(runs: Runs) -> None:
    started = time.monotonic()
    run = runs.submit("rehearsal", {"steps": 8, "seconds": 0.1}, "Try it")
    assert time.monotonic() - started < 2
    assert run.active and run.title == "Try it" and ID.fullmatch(run.id)
    until(lambda: runs.get(run.id).rate is not None)
    middle = runs.get(run.id)
    assert middle.state == "running" and middle.total == 8 and middle.unit == "steps"
    assert middle.seconds_left is not None and middle.rate is not None and 1 < middle.rate < 20
    over = ended(runs, run.id)
    assert (over.state, over.done, over.result) == ("succeeded", 8, {"steps": 8})
    assert steps_of(over) == list(range(8))
    assert [point["step"] for point in read_lines(over.folder / "metrics.jsonl")] == list(range(8))
    assert over.started and over.ended and over.created <= over.started <= over.ended
    assert not over.resumable
    with pytest.raises(Busy, match="run_finished"):
        runs.resume(run.id)


def test_a_stop_finishes_the_step_and_resume_goes_on(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 12, "seconds": 0.15})
    working(runs, run.id, 2)
    assert runs.stop(run.id).state == "stopping"
    over = ended(runs, run.id)
    assert over.state == "stopped" and over.resumable and 0 < len(steps_of(over)) < 12
    runs.resume(run.id)
    over = ended(runs, run.id)
    assert over.state == "succeeded" and steps_of(over) == list(range(12))
    runs.stop(run.id)
    assert runs.get(run.id).state == "succeeded"


def test_a_killed_worker_is_interrupted_and_resumable(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 15, "seconds": 0.1})
    kill_worker(working(runs, run.id, 3))
    [dead] = runs.list()
    assert dead.state == "interrupted" and dead.resumable and dead.seconds_left is None
    runs.resume(run.id)
    assert steps_of(ended(runs, run.id)) == list(range(15))


def test_kills_at_any_moment_never_leave_half_a_state(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 400, "seconds": 0.01})
    for pause in (0.0, 0.1, 0.35, 0.6, 0.9):
        time.sleep(pause)
        kill_worker(run)
        assert json.loads((run.folder / "state.json").read_text())["state"] in {"queued", "running"}
        assert runs.get(run.id).state == "interrupted"
        runs.resume(run.id)
    runs.stop(run.id)
    steps = steps_of(ended(runs, run.id))
    assert steps == list(range(len(steps)))
    assert not [path for path in run.folder.iterdir() if path.name.startswith(".state")]


def test_two_resumes_at_once_make_one_worker(runs: Runs, tmp_path: Path) -> None:
    run = runs.submit("rehearsal", {"steps": 10, "seconds": 0.1})
    kill_worker(working(runs, run.id, 2))
    other = Runs(runs.folder, Settings(home=tmp_path))
    threads = [threading.Thread(target=service.resume, args=(run.id,)) for service in (runs, other) * 3]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    workers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(run.folder) in (process.info["cmdline"] or []) and process.status() != psutil.STATUS_ZOMBIE
    ]
    assert len(workers) == 1
    assert steps_of(ended(runs, run.id)) == list(range(10))


def test_a_second_worker_on_the_same_folder_gives_way(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.jobs import worker

    monkeypatch.setattr(worker, "HANDOVER_S", 0.1)
    run = runs.submit("rehearsal", {"steps": 10, "seconds": 0.2})
    working(runs, run.id)
    before = RunFolder(run.folder).process()
    assert worker.work_in(run.folder) == 3
    assert RunFolder(run.folder).process() == before and runs.get(run.id).active


def test_a_run_outlives_the_studio_and_is_found_again(runs: Runs, tmp_path: Path) -> None:
    code = f"""
        from pathlib import Path
        from backend.jobs.runs import Runs
        from backend.settings import Settings
        runs = Runs(Path({str(runs.folder)!r}), Settings(home=Path({str(tmp_path)!r})))
        print(runs.submit("rehearsal", {{"steps": 20, "seconds": 0.1}}).id, flush=True)
        input()
    """
    studio = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, env=environment(os.environ),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with studio:
        assert studio.stdout is not None
        run_id = studio.stdout.readline().strip()
        os.killpg(studio.pid, signal.SIGKILL)
    assert runs.get(run_id).active
    assert ended(runs, run_id).state == "succeeded"


def test_known_faults_are_told_and_bugs_keep_their_traceback(runs: Runs) -> None:
    known = runs.submit("rehearsal", {"steps": 3, "fail_at": 1})
    bug = runs.submit("rehearsal", {"steps": 3, "fail_at": 1, "fault": "bug"})
    gone = runs.submit("rehearsal", {"steps": 3, "fail_at": 1, "fault": "exit"})
    over = ended(runs, known.id)
    assert (over.state, over.error_key) == ("failed", "error.no_network") and over.resumable
    over = ended(runs, bug.id)
    assert (over.state, over.error_key) == ("failed", "error.run_bug")
    assert over.error_details == {"log": f"runs/{over.id}/log.txt", "fault": "ZeroDivisionError: on demand"}
    assert "Traceback" in runs.log(bug.id)
    assert ended(runs, gone.id).state == "interrupted"
    for run in (known, bug, gone):
        runs.resume(run.id)
        over = ended(runs, run.id)
        assert over.state == "succeeded" and over.error_key is None and steps_of(over) == [0, 1, 2]


def test_one_lane_goes_one_after_another(runs: Runs, tmp_path: Path) -> None:
    first = runs.submit("rehearsal_in_line", {"steps": 60, "seconds": 0.1})
    working(runs, first.id)
    elsewhere = Runs(tmp_path / "other", Settings(home=tmp_path))
    second = elsewhere.submit("rehearsal_in_line", {"steps": 2})
    third = elsewhere.submit("rehearsal_in_line", {"steps": 2})
    until(lambda: elsewhere.get(second.id).message_key == "run.message.waiting")
    assert elsewhere.get(second.id).state == "queued"
    elsewhere.stop(third.id)
    assert ended(elsewhere, third.id).state == "stopped"
    assert runs.get(first.id).state == "running"
    kill_worker(runs.get(first.id))
    assert ended(elsewhere, second.id).state == "succeeded"


def test_the_system_going_down_is_a_stop(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 100, "seconds": 0.1})
    working(runs, run.id)
    process = RunFolder(run.folder).process()
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    assert ended(runs, run.id).state == "stopped"


def test_a_forced_stop_ends_the_process_now(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 2, "seconds": 60})
    until(lambda: runs.get(run.id).state == "running")
    assert runs.stop(run.id, force=True).state == "stopped"
    assert RunFolder(run.folder).process() is not None and not RunFolder(run.folder).alive()


def test_removing_can_be_undone_and_waits_for_the_end(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 50, "seconds": 0.1})
    working(runs, run.id)
    with pytest.raises(Busy, match="run_active"):
        runs.remove(run.id)
    runs.stop(run.id)
    ended(runs, run.id)
    runs.remove(run.id)
    assert runs.list() == []
    with pytest.raises(NotFound):
        runs.get(run.id)
    assert runs.undo_remove(run.id).id == run.id
    assert [found.id for found in runs.list()] == [run.id]


def test_what_was_removed_a_week_ago_is_gone_at_the_next_look(tmp_path: Path) -> None:
    settings, folder = Settings(home=tmp_path), tmp_path / "runs"
    for name, days in (("old", 8), ("new", 6)):
        place = folder / ".removed" / name
        place.mkdir(parents=True)
        (place / "big").write_bytes(b"x")
        os.utime(place, (time.time() - days * 86_400,) * 2)
    assert Runs(folder, settings).list() == []
    assert [place.name for place in (folder / ".removed").iterdir()] == ["new"]


@pytest.mark.parametrize(
    "run_id", ["", "..", "../../etc", "x", "20260101-000000000000-0123456", "20260101-000000000000-01234567"]
)
def test_ids_stay_inside(runs: Runs, run_id: str) -> None:
    for ask in (runs.get, runs.stop, runs.resume, runs.remove, runs.undo_remove, runs.log):
        with pytest.raises(NotFound, match="run_missing"):
            ask(run_id)


def test_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids) and len(set(ids)) == 100


def test_unknown_kinds_are_refused_here_and_in_the_worker(runs: Runs) -> None:
    with pytest.raises(BadInput, match="run_kind"):
        runs.submit("os:system", {})
    assert runs.list() == []
    run = runs.submit("rehearsal", {"steps": 1})
    ended(runs, run.id)
    folder = RunFolder(run.folder)
    folder.write_config(folder.read_config().model_copy(update={"kind": "os:system"}))
    folder.write_state(folder.read_state().model_copy(update={"state": "stopped"}))
    runs.resume(run.id)
    assert ended(runs, run.id).error_key == "error.run_kind"


def test_broken_files_are_told_and_hurt_nobody_else(runs: Runs) -> None:
    good, bad = runs.submit("rehearsal", {"steps": 1}), runs.submit("rehearsal", {"steps": 1})
    ended(runs, good.id), ended(runs, bad.id)
    (bad.folder / "state.json").write_bytes(b"\x00\xff{")
    (runs.folder / "stray").mkdir()
    assert [(run.id, run.error_key) for run in runs.list()] == [(bad.id, "error.run_broken"), (good.id, None)]
    with pytest.raises(StorageProblem, match="run_broken"):
        runs.resume(bad.id)
    runs.remove(bad.id)


def test_a_full_disk_and_no_process_leave_nothing_half(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(runs_module.shutil, "copyfile", full)
        with pytest.raises(StorageProblem, match="disk_full"):
            runs.submit("rehearsal", {}, files={"table.csv": Path(__file__)})
    with monkeypatch.context() as patch:
        patch.setattr(runs_module, "start_worker", full)
        with pytest.raises(StorageProblem, match="run_not_started"):
            runs.submit("rehearsal", {})
    assert runs.list() == [] and list(runs.folder.iterdir()) == []


def test_files_are_copied_into_the_input(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 1}, files={"../table.py": Path(__file__)})
    assert (run.folder / "input" / "table.py").read_bytes() == Path(__file__).read_bytes()


def test_the_settings_travel_and_follow_on_resume(runs: Runs, tmp_path: Path) -> None:
    run = runs.submit("rehearsal", {"steps": 3, "fail_at": 1})
    ended(runs, run.id)
    moved = Runs(runs.folder, Settings(home=tmp_path, offline=True))
    moved.resume(run.id)
    assert RunFolder(run.folder).read_config().settings == {
        "home": str(tmp_path), "offline": True, "memory_limit_mb": None,
    }  # fmt: skip
    ended(moved, run.id)


def test_polling_a_long_list_is_cheap(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 1})
    ended(runs, run.id)
    for _ in range(200):
        folder = runs.folder / new_id()
        folder.mkdir()
        for name in ("config.json", "state.json"):
            (folder / name).write_bytes((run.folder / name).read_bytes())
    assert len(runs.list()) == 201
    started = time.monotonic()
    for _ in range(5):
        runs.list()
    assert (time.monotonic() - started) / 5 < 0.1


def test_a_worker_of_another_machine_is_judged_by_its_heartbeat(runs: Runs) -> None:
    run = runs.submit("rehearsal", {"steps": 1})
    ended(runs, run.id)
    folder = RunFolder(run.folder)
    folder.write_state(folder.read_state().model_copy(update={"state": "running"}))
    process = folder.process()
    assert process is not None
    (run.folder / "process.json").write_text(process.model_copy(update={"host": "another"}).model_dump_json())
    folder.heartbeat_file.touch()
    assert runs.get(run.id).state == "running"
    os.utime(folder.heartbeat_file, (1, 1))
    assert runs.get(run.id).state == "interrupted"


def test_the_end_is_told_on_a_full_disk(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.jobs import worker
    from backend.jobs.progress import Progress

    run = runs.submit("rehearsal", {"steps": 1})
    ended(runs, run.id)
    folder = RunFolder(run.folder)
    assert not folder.reserve.exists()
    folder.reserve.write_bytes(bytes(10))
    write = RunFolder.write_state

    def on_a_full_disk(self: RunFolder, state: RunState) -> None:
        if self.reserve.exists():
            raise StorageProblem("error.disk_full", path="state.json")
        write(self, state)

    monkeypatch.setattr(RunFolder, "write_state", on_a_full_disk)
    progress = Progress(folder, folder.read_state())
    assert worker._end(folder, progress, 1, state="failed", error_key="error.disk_full") == 1
    assert runs.get(run.id).error_key == "error.disk_full"
