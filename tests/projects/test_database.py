"""The file under a project: older and newer formats, kill -9, a full disk, damage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, text

from backend.assistants import Assistant
from backend.errors import Busy, NotFound, StorageProblem
from backend.projects import schema
from backend.projects.database import Database
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.projects.tables import Base

ROOT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def plain_engine(file: Path) -> Iterator[Engine]:
    """As the studio opens a file, without the upgrade."""
    engine = create_engine(f"sqlite:///{file}")

    @event.listens_for(engine, "connect")
    def by_hand(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN")  # type: ignore[attr-defined]

    yield engine
    engine.dispose()


def older_file(folder: Path) -> Path:
    """A project as the first format wrote it, with a row in every table."""
    folder.mkdir(parents=True)
    file = folder / "project.db"
    with plain_engine(file) as engine:
        schema.upgrade(engine, file, to="0001")
        body = Assistant(name="감성").model_dump_json()
        with engine.begin() as connection:
            for statement in (
                "INSERT INTO project VALUES (1, '오래된 프로젝트', 1.5, 2.5)",
                "INSERT INTO prompts VALUES (1, 'p', 1, NULL, '', 1.0, '시스템', '{input}')",
                "INSERT INTO prompts VALUES (2, 'p', 2, 1, '둘째', 2.0, '시스템 2', '{input}')",
                "INSERT INTO chats VALUES (1, '제목', 1.0, 2.0)",
                "INSERT INTO turns VALUES (1, 1, 'user', 0), (2, 1, 'assistant', 1)",
                "INSERT INTO turn_versions VALUES (1, 1, '안녕 👋', '{}', NULL, 1.0)",
            ):
                connection.exec_driver_sql(statement)
            connection.execute(
                text("INSERT INTO assistants VALUES (1, '감성', 1, NULL, '', 1.0, :body)"), {"body": body}
            )
            for number in (2, 3):
                values = {"id": number, "text": f"답 {number}", "body": body}
                insert = "INSERT INTO turn_versions VALUES (:id, 2, :text, '{\"total_s\": 1.0}', :body, 2.0)"
                connection.execute(text(insert), values)
    return file


def test_an_older_file_is_brought_up_and_keeps_every_row(projects: Projects, home: Path) -> None:
    file = older_file(home / "projects" / "owner" / "00000000000a")
    assert [info.name for info in projects.list("owner")] == ["오래된 프로젝트"]
    project = projects.open("owner", "00000000000a")
    assert [saved.assistant for saved in project.assistants.list()] == [Assistant(name="감성")]
    assert [saved.note for saved in project.prompts.versions("p")] == ["둘째", ""]
    (chat,) = project.chats.list()
    asked, answered = project.chats.turns(chat.id)
    assert (chat.title, asked.text, answered.text, answered.chosen) == ("제목", "안녕 👋", "답 3", 1)
    assert project.get_note("anything") is None
    project.set_note("now", "there is a place for it")
    project.chats.remove(chat.id)
    assert project.chats.undo_remove() == project.chats.get(chat.id)
    projects.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.HEAD,)]


def test_the_steps_and_the_models_are_the_same_schema(project: Project) -> None:
    project.get_note("open it")
    file = project.folder / "project.db"
    with plain_engine(file) as engine:
        found = inspect(engine)
        assert set(found.get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        for name, table in Base.metadata.tables.items():
            columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            assert {index["name"] for index in found.get_indexes(name)} == {index.name for index in table.indexes}
            assert len(found.get_foreign_keys(name)) == len(table.foreign_key_constraints)


def test_the_known_formats_are_those_with_a_step() -> None:
    from alembic.script import ScriptDirectory

    steps = ScriptDirectory(str(Path(schema.__file__).parent / "migrations")).walk_revisions()
    assert tuple(step.revision for step in steps)[::-1] == schema.REVISIONS


def test_an_upgrade_that_fails_leaves_the_old_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = older_file(home / "projects" / "owner" / "00000000000a")
    with closing(sqlite3.connect(file)) as connection:  # the last statement of the step will find its place taken
        connection.execute("CREATE TABLE notes (x)")
    before = dump(file)
    with pytest.raises(Exception, match="notes already exists"), Database(file, threading.Lock()).read():
        pass
    assert dump(file) == before


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def test_a_file_of_a_newer_studio_is_not_touched(projects: Projects, project: Project) -> None:
    projects.close()
    file = project.folder / "project.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = dump(file)
    with pytest.raises(StorageProblem) as newer:
        projects.open("owner", project.id).chats.list()
    assert (newer.value.key, newer.value.details) == (
        "error.project_newer",
        {"project": "영화평 분류", "format": "9999"},
    )
    assert dump(file) == before
    assert [info.name for info in projects.list("owner")] == ["영화평 분류"], "it can still be seen"


def test_a_missing_or_cut_file_is_a_sentence(projects: Projects, project: Project) -> None:
    project.chats.create("a")
    projects.close()
    file = project.folder / "project.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageProblem, match="project_damaged"):
        projects.open("owner", project.id).chats.list()
    projects.close()
    file.unlink()
    with pytest.raises(StorageProblem, match="project_damaged"):
        projects.open("owner", project.id).chats.list()
    assert not file.exists(), "an empty project in its place would hide the loss"


# --- the process dies

WRITER = """
import sys
from pathlib import Path
from backend.assistants import Assistant
from backend.projects.projects import Projects
project = Projects(Path(sys.argv[1])).open("owner", sys.argv[2])
chat = project.chats.create("죽을 때까지")
number = 0
while True:
    turn = project.chats.add_user(chat.id, f"{number} " + "가" * (number * 37 % 4000))
    project.chats.add_answer(chat.id, f"answer {number}", {"total_s": 1.0}, Assistant())
    print(number, flush=True)
    number += 1
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("enough", [3, 80])
def test_every_acknowledged_row_survives_kill_9(projects: Projects, project: Project, enough: int) -> None:
    root = project.folder.parent.parent
    asked = [sys.executable, "-c", WRITER, str(root), project.id]
    child = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = -1
    for line in child.stdout:
        acknowledged = int(line)
        if acknowledged >= enough:
            child.send_signal(signal.SIGKILL)
            break
    acknowledged += len(child.communicate()[0].splitlines())
    assert child.returncode == -signal.SIGKILL
    (chat,) = project.chats.list()
    said = [turn.text for turn in project.chats.turns(chat.id)]
    pairs = [(int(said[place].split()[0]), said[place + 1]) for place in range(0, len(said) - 1, 2)]
    assert pairs == [(number, f"answer {number}") for number in range(len(pairs))]
    assert len(pairs) > acknowledged >= enough
    with closing(sqlite3.connect(project.folder / "project.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


# --- the disk is full

FULL = """
import resource, sys
from pathlib import Path
from backend.errors import StorageProblem
from backend.projects.projects import Projects
project = Projects(Path(sys.argv[1])).open("owner", sys.argv[2])
chat = project.chats.create("voll")
size = sum(file.stat().st_size for file in project.folder.iterdir() if file.is_file())
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300_000, size + 300_000))
try:
    while True:
        project.chats.add_user(chat.id, "x" * 50_000)
        print("kept", flush=True)
except StorageProblem as problem:
    print(problem.key, len(project.chats.turns(chat.id)))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on file sizes to simulate a full disk with")
def test_a_write_that_does_not_fit_loses_nothing_that_was_kept(projects: Projects, project: Project) -> None:
    asked = [sys.executable, "-c", FULL, str(project.folder.parent.parent), project.id]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60)
    *kept, last = told.stdout.splitlines()
    assert kept and set(kept) == {"kept"}, told.stderr
    assert last in {f"error.cannot_write {len(kept)}", f"error.disk_full {len(kept)}"}
    (chat,) = project.chats.list()
    assert len(project.chats.turns(chat.id)) == len(kept)
    project.chats.add_user(chat.id, "there is space again")


def test_a_full_database_is_called_so(project: Project) -> None:
    chat = project.chats.create("a")
    with project.database.write() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageProblem) as full:
        project.chats.add_user(chat.id, "x" * 100_000)
    assert (full.value.key, full.value.details) == ("error.disk_full", {"path": "project.db"})
    assert project.chats.turns(chat.id) == []


# --- locks and closing


def test_a_file_that_another_program_keeps_locked_is_busy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.projects.database.PRAGMAS", ("PRAGMA busy_timeout = 50", "PRAGMA journal_mode = WAL"))
    with closing(sqlite3.connect(project.folder / "project.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="project_busy"):
            project.chats.create("a")
        other.execute("ROLLBACK")
    project.chats.create("a")


def test_closing_waits_for_who_is_inside(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.projects.database.CLOSE_WAIT_S", 0.05)
    with project.database.write(), pytest.raises(Busy, match="project_busy"):
        project.close()
    project.chats.create("still open")
    project.close()
    with pytest.raises(NotFound, match="project_missing"):
        project.chats.list()


def test_a_block_that_fails_writes_nothing(project: Project) -> None:
    with pytest.raises(RuntimeError), project.database.write() as session:
        session.execute(text("INSERT INTO notes VALUES ('half', '1', 1.0)"))
        raise RuntimeError
    assert project.get_note("half") is None


def test_the_pragmas_hold_on_every_connection(project: Project) -> None:
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 15000, "trusted_schema": 0}
    with project.database.read() as one, project.database.read() as two:
        for session in (one, two):
            assert {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in wanted} == wanted
