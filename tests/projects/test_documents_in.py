"""Documents of a project that is handed on: what goes along, what is made again, what of a stranger's is refused."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.shelf.intake import bring
from backend.documents.shelf.store import Told
from backend.documents.values import Block, Note, Parsed
from backend.errors import StudioError
from backend.projects.folder import Project
from backend.projects.projects import Projects

NONE = EmbeddingModel(kind="none", name="")


@pytest.fixture
def project(project: Project, tmp_path: Path) -> Project:
    """With a document that was read, one that failed, and an index folder."""
    for name, text in (("가.txt", "읽은 글"), ("나.txt", "못 읽은 글")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    first, second = bring(project, [(tmp_path / name, name) for name in ("가.txt", "나.txt")], "폴더").added
    project.documents.set_tags(first.id, ["중요"])
    parsed = Parsed(title="제목", blocks=(Block(kind="paragraph", text="읽은 글"),))
    project.documents.kept.keep_parsed(first.sha256, parsed)
    told = Told("제목", 3, 4, "ko", "2026-01-02", (Note(name="hidden_sheets"),))
    project.documents.set_state(first, "indexed", told)
    project.documents.set_state(second, "failed", None, "error.document_empty", {"name": "나.txt"})
    activate(project, IndexSettings(embedding=NONE, chroma="http://elsewhere.example:8000"))
    (project.folder / "index" / "0123").mkdir(parents=True)
    (project.folder / "index" / "0123" / "passages.db").write_bytes(b"x")
    return project


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def imported(projects: Projects, path: Path) -> Project:
    return projects.open("other", projects.import_zip("other", path).id)


def test_documents_travel_and_are_read_anew(projects: Projects, project: Project) -> None:
    path = projects.export_zip("owner", project.id)
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith(("files/documents", "index"))]
    shas = {document.sha256 for document in project.documents.list()}
    assert set(names) == {f"files/documents/{sha256}/original" for sha256 in shas}
    there = imported(projects, path)
    first, second = there.documents.list()
    assert (first.name, first.folder, first.tags, first.state) == ("가.txt", "폴더", ("중요",), "queued")
    assert (second.state, second.error_key, first.title, first.pages, first.notes) == ("queued", None, "", None, ())
    assert there.documents.original(first).read_text(encoding="utf-8") == "읽은 글"
    assert active(there) == IndexSettings(embedding=NONE)  # no server of somebody else's
    assert project.documents.list()[0].state == "indexed"


@pytest.mark.parametrize(
    "model",
    [
        EmbeddingModel(kind="hub", name="stranger/model", languages="multi"),
        EmbeddingModel(kind="local", name="//server/share/model"),
        EmbeddingModel(kind="endpoint", name="m", endpoint="e1"),
        EmbeddingModel(name="<img src=x onerror=alert(1)>", query="q" * 400),
    ],
    ids=lambda model: model.kind,
)
def test_a_strangers_model_is_neither_fetched_nor_looked_for(
    projects: Projects, project: Project, model: EmbeddingModel
) -> None:
    activate(project, IndexSettings(embedding=model, analysis="syllables"))
    there = imported(projects, projects.export_zip("owner", project.id))
    assert active(there) == IndexSettings(analysis="syllables")


def test_a_copy_waits_for_an_index_of_its_own(projects: Projects, project: Project) -> None:
    there = projects.open("owner", projects.duplicate("owner", project.id).id)
    first, second = there.documents.list()
    assert (first.state, second.state) == ("queued", "failed") and there.documents.parsed(first).title == "제목"
    assert not (there.folder / "index").exists()


def changed(path: Path, change: Callable[[zipfile.ZipFile, Path], None], without: str = "?") -> Path:
    """The export with its database patched, without some entries."""
    target, database = path.with_name("changed.zip"), path.with_name("project.db")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        database.write_bytes(old.read("project.db"))
        change(new, database)
        new.write(database, "project.db")
        for name in old.namelist():
            if name != "project.db" and without not in name:
                new.writestr(name, old.read(name))
    return target


def sql(statement: str) -> Callable[[zipfile.ZipFile, Path], None]:
    def change(_archive: zipfile.ZipFile, database: Path) -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute(statement)

    return change


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE documents SET sha256 = '../../../../etc/passwd' WHERE id = 1",
        "UPDATE documents SET sha256 = upper(sha256)",
        "UPDATE documents SET kind = 'exe' WHERE id = 1",
        "UPDATE documents SET kind = 'zip' WHERE id = 1",
        "UPDATE documents SET name = '../나쁜.txt' WHERE id = 1",
        "UPDATE documents SET name = printf('%.*c', 300, 'x') WHERE id = 1",
        "UPDATE documents SET folder = '../..' WHERE id = 1",
        "UPDATE documents SET size = -1 WHERE id = 1",
        "UPDATE documents SET size = 'large' WHERE id = 1",
        "UPDATE documents SET tags = '{}' WHERE id = 1",
        "UPDATE documents SET tags = '[1]' WHERE id = 1",
        "UPDATE documents SET tags = 'x' WHERE id = 1",
        "UPDATE documents SET created = 1e300 WHERE id = 1",
        "INSERT INTO known_questions VALUES (1, 'q', 'a', '[[1, 2]]', '', 'accepted', 1.0, 1.0)",
        "INSERT INTO known_questions VALUES (1, 'q', 'a', '[[1, -2, 3]]', '', 'accepted', 1.0, 1.0)",
        "INSERT OR REPLACE INTO notes VALUES ('documents.next_id', '\"x\"', 1.0)",
    ],
)
def test_rows_with_something_wrong_are_refused(projects: Projects, project: Project, statement: str) -> None:
    path = changed(projects.export_zip("owner", project.id), sql(statement))
    with pytest.raises(StudioError, match="import_damaged"):
        projects.import_zip("other", path)
    assert projects.list("other") == []


def test_bytes_must_be_what_they_say(projects: Projects, project: Project) -> None:
    sha256 = project.documents.list()[0].sha256
    path = projects.export_zip("owner", project.id)

    def other_bytes(archive: zipfile.ZipFile, _database: Path) -> None:
        archive.writestr(f"files/documents/{sha256}/original", "다른글".encode())

    for change in (sql("SELECT 1"), other_bytes):
        with pytest.raises(StudioError, match="documents_import"):
            projects.import_zip("other", changed(path, change, without=sha256))
    assert projects.list("other") == []


def test_what_is_no_document_does_not_come_in(projects: Projects, project: Project) -> None:
    first = project.documents.list()[0]
    path = projects.export_zip("owner", project.id)

    def smuggle(archive: zipfile.ZipFile, _database: Path) -> None:
        archive.writestr(f"files/documents/{'0' * 64}/original", "nobody's")
        archive.writestr("files/documents/loose.txt", "x")
        archive.writestr(f"files/documents/{first.sha256}/parsed.json.gz", b"x")
        archive.writestr(f"files/documents/{first.sha256}/deep/er", b"x")

    there = imported(projects, changed(path, smuggle))
    shas = {document.sha256 for document in there.documents.list()}
    assert files(there.files / "documents") == {f"{sha256}/original" for sha256 in shas}


def test_an_index_does_not_come_in(projects: Projects, project: Project) -> None:
    def smuggle(archive: zipfile.ZipFile, _database: Path) -> None:
        archive.writestr("index/0123456789abcdef/about.json", json.dumps({}))

    with pytest.raises(StudioError, match="import_unsafe"):
        projects.import_zip("other", changed(projects.export_zip("owner", project.id), smuggle))
