"""A project as one zip: what goes out, what comes back, and what is refused."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.assistants import Assistant, Instructions
from backend.errors import BadInput, NotFound, Refused, StorageProblem, StudioError
from backend.examples.example import NewExample, Span
from backend.examples.splits import make_splits, plan_splits, splits_made
from backend.examples.task import Task
from backend.jobs.runs import Runs
from backend.projects import archive, unpacking
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.projects.tables import AnswerRow, RatingRow, ScoreRow
from backend.projects.unpacking import Limits
from backend.settings import Settings
from tests.projects.test_database import older_file


@pytest.fixture
def full(project: Project) -> Project:
    """A project with something in every place."""
    return filled(project)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export, for those who only read it."""
    projects = Projects(tmp_path_factory.mktemp("exported") / "projects")
    project = filled(projects.open("owner", projects.create("owner", "영화평 분류").id))
    path = projects.export_zip("owner", project.id)
    projects.close()
    return path


def filled(project: Project) -> Project:
    made = project.assistants.save("감성", Assistant(instructions=Instructions(system="둘 중 하나")))
    project.prompts.save("p", Instructions(system="한글 👋"))
    chat = project.chats.create()
    project.chats.add_user(chat.id, "안녕")
    project.chats.add_answer(chat.id, "네", {"total_s": 0.5}, made.assistant)
    project.keep_draft(made.assistant)
    task_data(project)
    (project.files / "하위 폴더").mkdir()
    (project.files / "하위 폴더" / "영화평.csv").write_text("평\n좋다\n", encoding="utf-8")
    run_folder(project, "ended", "succeeded")
    run_folder(project, "going", "running")
    return project


def task_data(project: Project) -> None:
    store = project.examples
    store.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    span = Span(start=0, end=2, label="x")
    texts = [("좋다", "긍정"), ("나쁘다", "부정"), ("재미있다", "긍정"), ("지루하다", "부정")]
    store.add([NewExample(variables={"input": text}, output=label, spans=(span,)) for text, label in texts])
    make_splits(store, plan_splits(store))
    key = store.page()[0].input_key
    with project.database.write() as session:
        answer = AnswerRow(assistant="a", input_key=key, text="긍정", trace="{}", error_details="{}", created=1.0)
        session.add(answer)
        session.flush()
        session.add(ScoreRow(answer_id=answer.id, rule="r", scores="a stranger says: all right"))
        session.add(RatingRow(rater="kim", rule="r", first_id=answer.id, verdict="tie", detail="{}", created=1.0))


def run_folder(project: Project, name: str, state: str) -> None:
    folder = project.runs_folder / name
    (folder / "output").mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"state": state}))
    (folder / "output" / "answers.jsonl").write_text('{"row": 1}\n')
    (folder / "process.json").write_text('{"pid": 1}')


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as opened:
        return set(opened.namelist())


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same export after somebody worked on it."""
    with zipfile.ZipFile(source) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return target


def note(key: str, value: str) -> str:
    """The statement that leaves a note."""
    return f"INSERT OR REPLACE INTO notes (key, value, changed) VALUES ('{key}', '{value}', 1.0)"


def judged(verdict: str) -> str:
    return (
        "INSERT INTO judgements (judge, rule, first_id, verdict, detail, created) "
        f"SELECT 'j', 'rubric:', id, '{verdict}', '{{}}', 1.0 FROM answers"
    )


WITHOUT_UNIQUE = (
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
    "replace(sql, 'UNIQUE (assistant, input_key)', 'CHECK (1)') WHERE name = 'answers'; "
    "DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_answers_1'; PRAGMA writable_schema = OFF; VACUUM"
)


def refused(projects: Projects, home: Path, path: Path) -> StudioError:
    """The error of an import; nothing of it may stay."""
    before = projects.list("lee")
    with pytest.raises(StudioError) as problem:
        projects.import_zip("lee", path)
    assert projects.list("lee") == before
    assert not [left for left in (home / "tmp").iterdir() if not left.name.startswith("export-")]
    return problem.value


# --- out and in again


def test_what_is_imported_elsewhere_is_what_was_exported(full: Project, projects: Projects, tmp_path: Path) -> None:
    exported = projects.export_zip("owner", full.id)
    assert exported.name == "영화평 분류.zip"
    elsewhere = Projects(tmp_path / "elsewhere" / "projects")
    info = elsewhere.import_zip("lee", exported)
    copy = elsewhere.open("lee", info.id)
    assert info.name == "영화평 분류" and info.id != full.id
    assert copy.assistants.list() == full.assistants.list()
    assert copy.prompts.list() == full.prompts.list()
    assert copy.chats.list() == full.chats.list()
    assert copy.chats.turns(1) == full.chats.turns(1)
    assert copy.draft() == full.draft()
    assert copy.examples.page() == full.examples.page() and copy.examples.task() == full.examples.task()
    assert splits_made(copy.examples) == splits_made(full.examples) is not None
    with copy.database.read() as session:
        assert session.scalars(select(AnswerRow.text)).all() == ["긍정"]
        assert session.scalars(select(RatingRow.verdict)).all() == ["tie"]
        assert session.scalars(select(ScoreRow.scores)).all() == [], "they are made again, not taken on trust"
    assert (copy.files / "하위 폴더" / "영화평.csv").read_text(encoding="utf-8") == "평\n좋다\n"
    assert elsewhere.import_zip("lee", exported).name == "영화평 분류 2"
    elsewhere.close()


def test_an_export_holds_ended_runs_and_nothing_of_this_machine(full: Project, projects: Projects) -> None:
    (full.files / ".x.json.12ab.part").write_text("half")
    (full.folder / "stray.txt").write_text("not ours")
    (full.folder.parent.parent.parent / "secrets.json").write_text('{"key": "sk-secret"}')
    assert names(projects.export_zip("owner", full.id)) == {
        "manifest.json",
        "project.db",
        "files/하위 폴더/영화평.csv",
        "runs/ended/state.json",
        "runs/ended/output/answers.jsonl",
    }


def test_a_link_out_of_the_project_is_not_followed(full: Project, projects: Projects, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("sk-secret")
    try:
        (full.files / "link").symlink_to(tmp_path / "private" / "key")
        (full.files / "folder").symlink_to(tmp_path / "private", target_is_directory=True)
    except OSError:
        pytest.skip("this system lets nobody make links")
    exported = projects.export_zip("owner", full.id)
    assert not {name for name in names(exported) if "link" in name or "key" in name}
    copied = projects.open("owner", projects.duplicate("owner", full.id).id)
    assert sorted(path.name for path in copied.files.iterdir()) == ["하위 폴더"]


def test_what_was_removed_is_not_handed_on(full: Project, projects: Projects, tmp_path: Path) -> None:
    chat = full.chats.create()
    full.chats.add_user(chat.id, "SECRET-ONE")
    full.chats.remove(chat.id)
    full.chats.add_user(1, "SECRET-TWO")
    full.chats.remove_last(1)
    parent = full.assistants.save("weg", Assistant(instructions=Instructions(system="SECRET-THREE")))
    child = full.assistants.save("kind", Assistant(), parent=parent.id)
    full.assistants.remove("weg")
    store = full.examples
    made = store.add([NewExample(variables={"input": f"SECRET-{n}"}, output="SECRET") for n in (4, 5, 6)], "import")
    masked, removed, tagged = store.page(offset=store.counts().total - 3)
    with full.database.write() as session:
        for one in (masked, removed):
            trace = json.dumps({"prompt": one.text()})
            session.add(
                AnswerRow(assistant="a", input_key=one.input_key, text="", trace=trace, error_details="{}", created=1.0)
            )
    assert made.count == 3
    store.rewrite([one.model_copy(update={"variables": {"input": "***"}, "output": "x"}) for one in (masked, tagged)])
    store.remove([removed.id])
    exported = projects.export_zip("owner", full.id)
    with zipfile.ZipFile(exported) as opened:
        assert b"SECRET" not in opened.read("project.db")
    copy = projects.open("lee", projects.import_zip("lee", exported).id)
    assert copy.assistants.get(child.id).parent_id is None
    assert copy.assistants.undo_remove() is None and copy.chats.undo_remove() is None
    assert [edit.kind for edit in copy.examples.edits()] == ["splits"]
    with pytest.raises(Refused, match="undo_splits"):
        copy.examples.undo()
    assert full.assistants.undo_remove() == parent, "here it is still in the bin"


def test_an_export_is_one_state_while_others_write(full: Project, projects: Projects) -> None:
    chat, ended = full.chats.create("bewegt"), threading.Event()

    def write() -> None:
        while not ended.is_set():
            with full.database.write():
                pass
            full.chats.add_user(chat.id, "x" * 5_000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            projects.import_zip("lee", projects.export_zip("owner", full.id))
    finally:
        ended.set()
        writer.join()


def test_an_older_export_comes_in_upgraded(projects: Projects, home: Path, tmp_path: Path) -> None:
    older_file(home / "projects" / "kim" / "00000000000a")
    made = tmp_path / "old.zip"
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr("manifest.json", json.dumps({"format": 1, "schema": "0001", "name": "오래된\n것" + "!" * 200}))
        opened.write(home / "projects" / "kim" / "00000000000a" / "project.db", "project.db")
        opened.writestr("files/", "")
    info = projects.import_zip("lee", made)
    assert info.name == "오래된것" + "!" * 76
    assert [chat.title for chat in projects.open("lee", info.id).chats.list()] == ["제목"]


# --- what is refused


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "files/../../evil.txt",
        "/etc/evil.txt",
        "files//evil.txt",
        "files/./evil.txt",
        "C:/evil.txt",
        "files/C:evil.txt",
        "files/..\\..\\evil.txt",
        "files/con.txt",
        "files/evil.txt.",
        "files/evil\n.txt",
        "files/" + "x" * 201,
        "evil.txt",
        "elsewhere/evil.txt",
        "runs",
        "files/하위 폴더/영화평.CSV",
        "project.db/evil.txt",
        "owner.json",
    ],
)
def test_an_entry_out_of_place_is_refused(
    exported: Path, projects: Projects, home: Path, tmp_path: Path, name: str
) -> None:
    def add(entries: dict[str, bytes]) -> None:
        entries[name] = b"evil"

    path = rewritten(exported, tmp_path / "evil.zip", add)
    problem = refused(projects, home, path)
    assert isinstance(problem, BadInput) and problem.key == "error.import_unsafe"
    assert not [found for found in tmp_path.rglob("evil*") if found != path]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_is_refused(exported: Path, projects: Projects, home: Path, tmp_path: Path, kind: int) -> None:
    path = rewritten(exported, tmp_path / "link.zip", lambda entries: None)
    with zipfile.ZipFile(path, "a") as opened:
        entry = zipfile.ZipInfo("files/link")
        entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
        opened.writestr(entry, "/etc/passwd")
    assert refused(projects, home, path).key == "error.import_unsafe"


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_the_same_entry_twice_is_refused(exported: Path, projects: Projects, home: Path, tmp_path: Path) -> None:
    path = rewritten(exported, tmp_path / "twice.zip", lambda entries: None)
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("manifest.json", "{}")
    assert refused(projects, home, path).key == "error.import_unsafe"


def test_a_bomb_is_refused_before_it_is_unpacked(
    exported: Path, projects: Projects, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extracted(*_args: object) -> None:
        raise AssertionError("unpacked")

    def add(entries: dict[str, bytes]) -> None:
        entries["files/zeros"] = bytes(80 << 20)

    path = rewritten(exported, tmp_path / "bomb.zip", add)
    monkeypatch.setattr(unpacking, "_extract", extracted)
    assert refused(projects, home, path).key == "error.import_too_large"


@pytest.mark.parametrize("limits", [Limits(total_bytes=1000), Limits(files=3), Limits(ratio=1, ratio_from=1000)])
def test_each_limit_holds(exported: Path, projects: Projects, tmp_path: Path, limits: Limits) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(BadInput, match="import_too_large"):
        archive.import_project(exported, folder, threading.Lock(), limits)
    assert not list(folder.iterdir())


def test_sizes_that_lie_are_caught(exported: Path, projects: Projects, home: Path, tmp_path: Path) -> None:
    def add(entries: dict[str, bytes]) -> None:
        entries["files/grown"] = b"x" * 7_777_777

    path = rewritten(exported, tmp_path / "lie.zip", add)
    raw = path.read_bytes()
    claim, truth = (77).to_bytes(4, "little"), (7_777_777).to_bytes(4, "little")
    assert raw.count(truth) == 2
    path.write_bytes(raw.replace(truth, claim))
    assert refused(projects, home, path).key == "error.import_not_zip"


def test_a_disk_without_room_says_so_first(
    exported: Path, projects: Projects, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "RESERVE", 1 << 60)
    assert refused(projects, home, exported).key == "error.disk_full"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"<html>", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_or_an_empty_one(projects: Projects, home: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert refused(projects, home, tmp_path / "x.zip").key in {"error.import_not_zip", "error.import_not_export"}


def test_a_cut_or_flipped_zip(exported: Path, projects: Projects, home: Path, tmp_path: Path) -> None:
    raw = exported.read_bytes()
    (tmp_path / "cut.zip").write_bytes(raw[: len(raw) // 2])
    assert refused(projects, home, tmp_path / "cut.zip").key == "error.import_not_zip"
    middle = raw.index(b"project.db") + 400
    (tmp_path / "flipped.zip").write_bytes(raw[:middle] + bytes([raw[middle] ^ 0xFF]) + raw[middle + 1 :])
    assert refused(projects, home, tmp_path / "flipped.zip").key == "error.import_not_zip"


@pytest.mark.parametrize(
    ("manifest", "key"),
    [
        (None, "error.import_not_export"),
        (b"[]", "error.import_not_export"),
        (b"{}", "error.import_not_export"),
        (b"\xff\xfe", "error.import_not_export"),
        (b"[" * 100_000, "error.import_not_export"),
        (b'{"format": 1e999, "name": "x"}', "error.import_not_export"),
        (b'{"format": 2, "name": "x"}', "error.project_newer"),
    ],
)
def test_the_manifest_is_asked_for(
    exported: Path, projects: Projects, home: Path, tmp_path: Path, manifest: bytes | None, key: str
) -> None:
    def change(entries: dict[str, bytes]) -> None:
        if manifest is None:
            del entries["manifest.json"]
        else:
            entries["manifest.json"] = manifest

    path = rewritten(exported, tmp_path / "m.zip", change)
    assert refused(projects, home, path).key == key


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON chats BEGIN DELETE FROM turns; END", "error.import_damaged"),
        ("CREATE VIEW v AS SELECT 1", "error.import_damaged"),
        ("CREATE TABLE extra (x)", "error.import_damaged"),
        ("CREATE VIRTUAL TABLE f USING fts5(x)", "error.import_damaged"),
        ("ALTER TABLE chats ADD COLUMN g GENERATED ALWAYS AS (1)", "error.import_damaged"),
        ("ALTER TABLE chats DROP COLUMN title", "error.import_damaged"),
        ("UPDATE alembic_version SET version_num = '9999'", "error.project_newer"),
        ("DELETE FROM alembic_version", "error.import_damaged"),
        ("DROP TABLE alembic_version", "error.import_damaged"),
        ("DELETE FROM project", "error.import_damaged"),
        ("UPDATE project SET id = 2", "error.import_damaged"),
        ("UPDATE turns SET chat_id = 77", "error.import_damaged"),
        ("UPDATE turns SET role = 'system'", "error.import_damaged"),
        ("DELETE FROM turn_versions", "error.import_damaged"),
        ("UPDATE turn_versions SET trace = '['", "error.import_damaged"),
        ("UPDATE turn_versions SET trace = '[1]'", "error.import_damaged"),
        ('UPDATE turn_versions SET trace = \'{"total_s": "long"}\'', "error.import_damaged"),
        ("UPDATE turn_versions SET text = x'ff00'", "error.import_damaged"),
        ("UPDATE turn_versions SET text = CAST(x'ff' AS TEXT)", "error.import_damaged"),
        ("UPDATE chats SET created = 1e300", "error.import_damaged"),
        ("UPDATE chats SET created = 'never'", "error.import_damaged"),
        ("UPDATE assistants SET body = '{}' || body", "error.saved_assistant"),
        ("UPDATE assistants SET body = '{\"surprise\": 1}'", "error.saved_assistant"),
        ("UPDATE notes SET value = ''", "error.import_damaged"),
        ("UPDATE examples SET variables = '[]'", "error.import_damaged"),
        ("UPDATE examples SET variables = '{\"input\": 1}'", "error.import_damaged"),
        ("UPDATE examples SET output = char(0)", "error.import_damaged"),
        ("UPDATE examples SET output = printf('%.*c', 300000, 'x')", "error.import_damaged"),
        ("UPDATE examples SET input_key = 'x'", "error.import_damaged"),
        ("UPDATE examples SET split = 'exam'", "error.import_damaged"),
        ("UPDATE examples SET tags = '{}'", "error.import_damaged"),
        ("UPDATE examples SET groups = '[\"a\"]'", "error.import_damaged"),
        ('UPDATE examples SET spans = \'[{"start": 0, "end": 99, "label": "x"}]\'', "error.import_damaged"),
        ("UPDATE examples SET spans = '[1]'", "error.import_damaged"),
        ("UPDATE examples SET changed = 1e300", "error.import_damaged"),
        ("UPDATE example_edits SET kind = 'surprise'", "error.import_damaged"),
        ("UPDATE example_edits SET before = '{'", "error.import_damaged"),
        ('UPDATE example_edits SET before = \'{"column":"split","was":[["x",[1]]]}\'', "error.import_damaged"),
        ("UPDATE example_edits SET before = '{\"added\":[1,99999999999999999999]}'", "error.import_damaged"),
        ("UPDATE notes SET value = '{}' WHERE key = 'splits'", "error.splits_note"),
        ("UPDATE answers SET finish = 'surprise'", "error.import_damaged"),
        ("UPDATE answers SET seconds = 9e999", "error.import_damaged"),
        ("UPDATE answers SET seconds = -1", "error.import_damaged"),
        ("UPDATE answers SET prompt_tokens = -1", "error.import_damaged"),
        ("UPDATE answers SET trace = '[]'", "error.import_damaged"),
        ("UPDATE answers SET trace = '{\"prompt\": 1}'", "error.import_damaged"),
        ("UPDATE answers SET error_details = '7'", "error.import_damaged"),
        ("UPDATE answers SET error_key = 'chat.title'", "error.import_damaged"),
        ("UPDATE answers SET created = 1e300", "error.import_damaged"),
        ("UPDATE ratings SET detail = '{'", "error.import_damaged"),
        ("UPDATE ratings SET verdict = printf('%.*c', 300000, 'x')", "error.import_damaged"),
        ("UPDATE ratings SET first_id = 77", "error.import_damaged"),
        ("UPDATE ratings SET verdict = '99'", "error.import_damaged"),
        (judged("99"), "error.import_damaged"),
        (judged("both_bad"), "error.import_damaged"),
        ("UPDATE answers SET error_details = '{\"a_seconds\":NaN}'", "error.import_damaged"),
        ("UPDATE answers SET error_details = '{\"a_seconds\":1e999}'", "error.import_damaged"),
        ("UPDATE examples SET id = 9223372036854775807 WHERE id = 1", "error.import_damaged"),
        ("UPDATE examples SET id = -1 WHERE id = 1", "error.import_damaged"),
        (WITHOUT_UNIQUE, "error.import_damaged"),
        (note("compare.swaps", "5"), "error.import_damaged"),
        (note("compare.swaps", "[[1]]"), "error.import_damaged"),
        (note("compare.choice", '{"assistants":5}'), "error.import_damaged"),
        (note("evaluation.pace.x", "Infinity"), "error.import_damaged"),
        (note("evaluation.made.x", '"long"'), "error.import_damaged"),
        (note("evaluation.perplexity.x", '{"value": 1e999}'), "error.import_damaged"),
        (note("fewshot.curve.x", '{"points":[]}'), "error.import_damaged"),
        (note("anything", '{"a":[NaN]}'), "error.import_damaged"),
        (note("task", '{"kind":"sentiment","metric":"bleu"}'), "error.import_damaged"),
    ],
)
def test_a_database_with_something_wrong_in_it(
    exported: Path, projects: Projects, home: Path, tmp_path: Path, statement: str, key: str
) -> None:
    def change(entries: dict[str, bytes]) -> None:
        file = tmp_path / "changed.db"
        file.write_bytes(entries["project.db"])
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(statement)
            connection.commit()
        entries["project.db"] = file.read_bytes()

    path = rewritten(exported, tmp_path / "db.zip", change)
    problem = refused(projects, home, path)
    assert isinstance(problem, StorageProblem) and problem.key == key
    assert key != "error.project_newer" or problem.details == {"project": "영화평 분류", "format": "9999"}


@pytest.mark.parametrize("damage", ["gone", "text", "cut", "scrambled"])
def test_a_database_that_is_none(exported: Path, projects: Projects, home: Path, tmp_path: Path, damage: str) -> None:
    def change(entries: dict[str, bytes]) -> None:
        whole = entries["project.db"]
        made = {"text": b"no", "cut": whole[: len(whole) // 2], "scrambled": whole[:100] + bytes(len(whole) - 100)}
        if damage == "gone":
            del entries["project.db"]
        else:
            entries["project.db"] = made[damage]

    path = rewritten(exported, tmp_path / "none.zip", change)
    assert refused(projects, home, path).key in {"error.import_damaged", "error.import_not_export"}


def test_only_the_owner_exports(full: Project, projects: Projects) -> None:
    with pytest.raises(NotFound):
        projects.export_zip("lee", full.id)


def test_an_import_names_no_process_of_this_machine(projects: Projects, exported: Path, tmp_path: Path) -> None:
    def change(entries: dict[str, bytes]) -> None:
        entries["runs/ended/process.json"] = b'{"pid": 1, "born": 1.0, "host": "here"}'
        entries["runs/ended/Heartbeat"] = b""
        entries["runs/ended/stop"] = b""
        entries["runs/ended/control.lock/x"] = b""
        entries["runs/ended/output/stop"] = b"stays"

    info = projects.import_zip("owner", rewritten(exported, tmp_path / "changed.zip", change))
    run = projects.open("owner", info.id).runs_folder / "ended"
    assert {path.name for path in run.iterdir()} == {"state.json", "output"}
    assert (run / "output" / "stop").read_bytes() == b"stays"


SURPRISE: dict[str, object] = {
    "value": 12.5,
    "low": 9.0,
    "high": 17.0,
    "n": 40,
    "tokens": 300,
    "left_out": 0,
    "split": "test",
    "basis": "0f" * 16,
    "end": True,
}


def test_what_people_leave_in_a_project_comes_in(projects: Projects, full: Project) -> None:
    kept = {
        "compare.swaps": [["그", "그녀"]],
        "compare.choice": {"assistants": [1], "split": "test", "limit": None, "metric": None, "cost": "latency"},
        "evaluation.pace.x": 0.5,
        "evaluation.cost.x": {"answers": 3, "seconds": 1.5, "load_s": None, "memory_bytes": 5_000_000_000},
        "evaluation.perplexity.x": SURPRISE,
        "fewshot.speed.x": 2.0,
        "playground.values": {"input": "가"},
    }
    for key, value in kept.items():
        full.set_note(key, value)
    copy = projects.open("lee", projects.import_zip("lee", projects.export_zip("owner", full.id)).id)
    assert {key: copy.get_note(key) for key in kept} == kept


def test_copies_of_examples_in_searches_and_drafts_stay_here(full: Project, projects: Projects) -> None:
    for name in ("plan.json", "proposed.jsonl", "tried.jsonl", "outcome.json"):
        (full.runs_folder / "ended" / "output" / name).write_text("{}")
    drafts = ("fewshot.draft", "training.setup", "training.draft")
    for name in drafts:
        full.set_note(name, {"examples": {"shots": [{"output": "SECRET"}]}})
    path = projects.export_zip("owner", full.id)
    there = {name.rsplit("/", 1)[1] for name in names(path) if name.startswith("runs/ended/output/")}
    assert there == {"answers.jsonl", "tried.jsonl", "outcome.json"}
    copy = projects.open("lee", projects.import_zip("lee", path).id)
    assert all(copy.get_note(name) is None and full.get_note(name) is not None for name in drafts)
    assert (full.runs_folder / "ended" / "output" / "plan.json").is_file()


def test_what_another_machine_measured_of_itself_is_not_taken_for_this_one(full: Project, projects: Projects) -> None:
    full.set_note("training.probe.0f", {"peak_bytes": 5})
    full.set_note("training.probed", 1)
    copy = projects.open("lee", projects.import_zip("lee", projects.export_zip("owner", full.id)).id)
    assert copy.get_note("training.probe.0f") is None and copy.get_note("training.probed") == 1
    assert full.get_note("training.probe.0f") is not None


def test_a_deleted_run_is_not_handed_on(full: Project, projects: Projects) -> None:
    for name in (".removed/20260101-000000000000-0123abcd", ".new-20260101-000000000000-0123abce"):
        run_folder(full, name, "stopped")
        (full.runs_folder / name / "output" / "tried.jsonl").write_text("SECRET")
    assert not any("/." in name for name in names(projects.export_zip("owner", full.id)))


def test_a_strangers_deleted_run_does_not_come_back(projects: Projects, exported: Path, tmp_path: Path) -> None:
    run = "20260101-000000000000-0123abcd"

    def change(entries: dict[str, bytes]) -> None:
        for name in ("state.json", "process.json", "checkpoints/checkpoint-1/optimizer.pt"):
            entries[f"runs/.removed/{run}/{name}"] = b"{}"
        entries["runs/.removed2"] = b""

    info = projects.import_zip("owner", rewritten(exported, tmp_path / "changed.zip", change))
    runs = Runs(projects.open("owner", info.id).runs_folder, Settings(home=tmp_path))
    assert {path.name for path in runs.folder.iterdir()} == {"ended"}
    with pytest.raises(NotFound):
        runs.undo_remove(run)
