"""Who is being answered, told between processes, and what a training run makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from backend.assistants import ModelRef, Weights
from backend.jobs.child import ROOT, environment
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.models.presence import FORGOTTEN_S, Presence, Threads
from backend.settings import Settings
from tests.tiny import tiny_model

ANSWERS = """
import sys
from pathlib import Path
from backend.models.presence import Presence
with Presence(Path(sys.argv[1])).answering():
    print("answering", flush=True)
    sys.stdin.readline()
print("done", flush=True)
sys.stdin.readline()
"""


@contextmanager
def somebody_else(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is answering; a line on its stdin ends the answer, another the process."""
    command = [sys.executable, "-c", ANSWERS, str(home)]
    own = environment(os.environ)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=own, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "answering\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_nobody_was_ever_answered(tmp_path: Path) -> None:
    assert not Presence(tmp_path / "missing").somebody()


def test_a_run_gives_half_of_its_threads_while_another_process_answers(tmp_path: Path, two_threads: None) -> None:
    threads = Threads(tmp_path)
    assert threads.give_way() == 2
    with somebody_else(tmp_path) as other:
        assert (threads.give_way(), torch.get_num_threads()) == (1, 1)
        assert other.stdin is not None and other.stdout is not None
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "done\n"
        assert (threads.give_way(), torch.get_num_threads()) == (2, 2)


def test_one_that_was_killed_is_not_answering_any_more(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    with somebody_else(tmp_path) as other:
        assert presence.somebody()
        other.kill()
        other.wait()
        assert list((tmp_path / "answering").iterdir())  # it could not take its mark away
        assert not presence.somebody()


def test_an_answer_that_nobody_reads_to_its_end_is_forgotten(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    with somebody_else(tmp_path):
        (mark,) = (tmp_path / "answering").iterdir()
        long_ago = time.time() - FORGOTTEN_S - 1
        os.utime(mark, (long_ago, long_ago))
        assert not presence.somebody()


def test_a_run_does_not_give_way_to_its_own_sample_answers(tmp_path: Path, two_threads: None) -> None:
    threads = Threads(tmp_path)
    with Presence(tmp_path).answering():
        assert threads.give_way() == 2


def test_of_several_answers_the_last_one_ends_it(tmp_path: Path) -> None:
    presence, mark = Presence(tmp_path), tmp_path / "answering" / str(os.getpid())
    first_done = threading.Event()
    with presence.answering():
        thread = threading.Thread(target=lambda: _answer(presence, first_done))
        thread.start()
        thread.join()
        assert first_done.is_set() and mark.is_file()
    assert not mark.exists()


def _answer(presence: Presence, done: threading.Event) -> None:
    with presence.answering():
        done.set()


def test_a_disk_that_cannot_be_written_keeps_nobody_from_an_answer(tmp_path: Path) -> None:
    (tmp_path / "answering").write_text("a file where the folder should be")
    with Presence(tmp_path).answering():
        assert not Presence(tmp_path).somebody()


def test_the_host_says_so_while_a_model_of_this_machine_is_in_use(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    ref: ModelRef = add_folder(settings, str(tiny_model(tmp_path / "model")))
    host, mark = ModelHost(settings, Endpoints(settings.home, True)), settings.home / "answering" / str(os.getpid())
    with host.engine(Weights(model=ref)):
        assert mark.is_file()
    assert not mark.exists()
    host.close()
