"""One studio per home folder, and files that are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.errors import Busy, StorageProblem
from backend.files import write_atomic
from backend.home import HomeLock

ROOT = Path(__file__).resolve().parent.parent

HOLD = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from backend.home import HomeLock
lock = HomeLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_the_second_studio_is_told_who_has_the_home(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", HOLD, str(tmp_path / "home")]
    child = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        with pytest.raises(Busy) as taken:
            HomeLock(tmp_path / "home").acquire()
        assert taken.value.key == "error.home_in_use"
        assert taken.value.details == {"home": str(tmp_path / "home"), "pid": str(child.pid)}
    finally:
        child.kill()
        child.communicate()
    with HomeLock(tmp_path / "home"):  # a killed studio leaves no lock behind
        assert (tmp_path / "home" / "studio.pid").read_text().strip() == str(os.getpid())


def test_two_locks_in_one_process(tmp_path: Path) -> None:
    with HomeLock(tmp_path):
        with pytest.raises(Busy):
            HomeLock(tmp_path).acquire()
        with ThreadPoolExecutor() as pool, pytest.raises(Busy):
            pool.submit(HomeLock(tmp_path).acquire).result()
    with HomeLock(tmp_path):
        pass
    assert not (tmp_path / "studio.pid").exists()


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageProblem) as problem:
        HomeLock(tmp_path / "file" / "home").acquire()
    assert problem.value.key == "error.cannot_write"


# --- files


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "state.json"
    write_atomic(path, "첫째\n")
    write_atomic(path, b"second\n")
    assert path.read_bytes() == b"second\n"
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_a_private_file_is_for_its_owner_only(tmp_path: Path) -> None:
    write_atomic(tmp_path / "secrets.json", "{}", private=True)
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("code", "key"),
    [(errno.ENOSPC, "error.disk_full"), (errno.EACCES, "error.cannot_write"), (errno.EROFS, "error.cannot_write")],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_fault_while_writing_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, key: str
) -> None:
    path = tmp_path / "answers.json"
    write_atomic(path, "old")

    def fail(*_args: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(StorageProblem) as problem:
            write_atomic(path, "new")
    assert problem.value.key == key
    assert problem.value.details["path"] == "answers.json"
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["answers.json"]


LIMITED = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from backend.errors import StorageProblem
from backend.files import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(Path(sys.argv[1]), "x" * 100_000)
except StorageProblem as problem:
    print(problem.key)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on file sizes to simulate a full disk with")
def test_a_real_write_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    write_atomic(path, "old")
    asked = [sys.executable, "-c", LIMITED, str(path)]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert told.stdout == "error.disk_full\n", told.stderr
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["answers.json"]


def test_a_reader_in_the_way_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, tries = os.replace, iter([True, True, False])

    def sometimes(source: Path, target: Path) -> None:
        if next(tries):
            raise PermissionError(errno.EACCES, "in use")
        replace(source, target)

    monkeypatch.setattr(os, "replace", sometimes)
    write_atomic(tmp_path / "state.json", "{}")
    assert (tmp_path / "state.json").read_text() == "{}"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, ended = tmp_path / "state.json", threading.Event()
    write_atomic(path, "0" * 50_000)

    def write() -> None:
        for digit in "123456789":
            write_atomic(path, digit * 50_000)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not ended.is_set():
        text = path.read_text()
        assert len(text) == 50_000
        assert len(set(text)) == 1
        seen.add(text[0])
    writer.join()
    assert seen
