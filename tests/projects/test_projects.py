"""The projects of a home: made, named, copied, deleted, brought back, and each one's own."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.assistants import Assistant
from backend.errors import BadInput, Busy, NotFound, StorageProblem, StudioError
from backend.projects.projects import Projects

SAMPLES = Path(__file__).resolve().parent.parent.parent / "assets" / "samples"


def test_a_project_is_made_listed_and_opened(projects: Projects, home: Path) -> None:
    made = projects.create("owner", "  영화평   분류 ")
    assert made.name == "영화평 분류"
    assert projects.list("owner") == [made]
    project = projects.open("owner", made.id)
    assert project.info == made
    assert project.folder == home / "projects" / "owner" / made.id
    assert project.files.is_dir() and project.runs_folder.is_dir()
    assert projects.open("owner", made.id) is project
    assert not list((home / "tmp").iterdir())


def test_a_taken_name_gets_a_number(projects: Projects) -> None:
    names = [projects.create("owner", name).name for name in ("Reviews", "reviews", "Reviews", "가" * 80, "가" * 80)]
    assert names == ["Reviews", "reviews 2", "Reviews 3", "가" * 80, "가" * 78 + " 2"]
    assert projects.create("other", "Reviews").name == "Reviews"
    first = projects.list("owner")[-1]
    assert projects.rename("owner", first.id, "reviews 2").name == "reviews 2 2"
    assert projects.rename("owner", first.id, "REVIEWS 2 2").name == "REVIEWS 2 2", "its own name is not taken"


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\0b", "a\x07b"])
def test_what_cannot_be_a_projects_name(projects: Projects, home: Path, name: str) -> None:
    kept = projects.create("owner", "kept")
    writes: list[Callable[[], object]] = [
        lambda: projects.create("owner", name),
        lambda: projects.rename("owner", kept.id, name),
    ]
    for write in writes:
        with pytest.raises(BadInput) as refused:
            write()
        assert (refused.value.key, refused.value.details) == ("error.project_name", {"limit": 80})
    assert projects.list("owner") == [kept]


def test_the_project_written_to_last_comes_first(projects: Projects) -> None:
    one, two = projects.create("owner", "하나"), projects.create("owner", "둘")
    assert [info.id for info in projects.list("owner")] == [two.id, one.id]
    projects.open("owner", one.id).set_note("x", 1)
    assert [info.id for info in projects.list("owner")] == [one.id, two.id]


def test_others_projects_are_not_there(projects: Projects) -> None:
    mine = projects.create("kim", "비밀")
    assert projects.list("lee") == []
    calls = (projects.open, projects.duplicate, projects.export_zip, projects.delete, projects.remember)
    for owner in ("lee", "Kim", "KIM", "kim ", "kim/", "./kim", "../projects/kim", "~", "", "x/../kim"):
        for call in calls:
            with pytest.raises(NotFound) as missing:
                call(owner, mine.id)
            assert missing.value.key == "error.project_missing"
        with pytest.raises(NotFound):
            projects.rename(owner, mine.id, "meins")
    assert projects.list("kim") == [mine]
    assert projects.undo_delete("lee") is None


@pytest.mark.parametrize(
    "guess",
    ["", ".", "..", "../owner/{id}", "../{id}", "{id}/", "{id}/../{id}", "{ID}", "{id}\n", "{id}\0", "owner.json",
     "/etc", "*", "%2e%2e", "..\\{id}", "0" * 12, "C:", "{path}"],
)  # fmt: skip
def test_an_id_is_an_id_and_not_a_path(projects: Projects, home: Path, guess: str) -> None:
    made = projects.create("owner", "a")
    place = str(home / "projects" / "owner" / made.id)
    guess = guess.replace("{id}", made.id).replace("{ID}", made.id.upper() + "Z").replace("{path}", place)
    for call in (projects.open, projects.delete, projects.export_zip, projects.duplicate, projects.remember):
        with pytest.raises(NotFound, match="project_missing"):
            call("owner", guess)
    assert projects.undo_delete("owner", guess) is None
    assert projects.list("owner") == [made]


def test_a_link_is_not_a_project(projects: Projects, home: Path) -> None:
    made = projects.create("kim", "비밀")
    (home / "projects" / "lee").mkdir()
    try:
        (home / "projects" / "lee" / made.id).symlink_to(home / "projects" / "kim" / made.id)
    except OSError:
        pytest.skip("this system lets nobody make links")
    with pytest.raises(NotFound):
        projects.open("lee", made.id)


def test_any_owner_name_has_a_folder_of_its_own(projects: Projects, home: Path) -> None:
    owners = ["kim", "Kim", "김", "김 철수", "../../etc", "con", "a" * 200, "a.b", "a/b"]
    for owner in owners:
        projects.create(owner, owner[:40])
    for owner in owners:
        assert [info.name for info in projects.list(owner)] == [owner[:40]]
    folders = [place.name for place in (home / "projects").iterdir()]
    assert len({folder.casefold() for folder in folders}) == len(owners)
    assert sorted(path.name for path in home.iterdir()) == ["projects", "tmp"]


def test_a_duplicate_is_independent_and_has_everything(projects: Projects) -> None:
    made = projects.create("owner", "원본")
    source = projects.open("owner", made.id)
    source.assistants.save("a", Assistant())
    source.assistants.remove("a")
    (source.files / "표").mkdir()
    (source.files / "표" / "영화평.csv").write_text("평\n좋다\n", encoding="utf-8")
    copied = projects.duplicate("owner", made.id)
    assert copied.name == "원본 2"
    copy = projects.open("owner", copied.id)
    assert (copy.files / "표" / "영화평.csv").read_text(encoding="utf-8") == "평\n좋다\n"
    assert copy.assistants.undo_remove() is not None
    assert source.assistants.list() == []


def test_delete_and_undo(projects: Projects, home: Path) -> None:
    made = projects.create("owner", "a")
    project = projects.open("owner", made.id)
    (project.files / "x.txt").write_text("kept")
    project.set_note("x", 1)
    before = project.info
    trashed = projects.delete("owner", made.id)
    assert (trashed.id, trashed.name) == (made.id, "a")
    assert projects.list("owner") == []
    with pytest.raises(NotFound):
        project.set_note("x", 2)  # a page that was still open
    assert not (home / "projects" / "owner" / made.id).exists(), "a late write must not bring half of it back"
    assert projects.undo_delete("owner") == before
    again = projects.open("owner", made.id)
    assert (again.get_note("x"), (again.files / "x.txt").read_text()) == (1, "kept")
    assert projects.trash("owner") == [] and projects.undo_delete("owner") is None


def test_undo_after_a_restart_and_in_any_order(projects: Projects, home: Path) -> None:
    one, two, three = (projects.create("owner", name) for name in ("하나", "둘", "셋"))
    for info in (one, two, three):
        projects.delete("owner", info.id)
    projects.close()
    again = Projects(home / "projects")
    assert [info.name for info in again.trash("owner")] == ["셋", "둘", "하나"]
    assert again.create("owner", "하나").name == "하나"
    back = again.undo_delete("owner", one.id)
    assert back is not None and (back.id, back.name) == (one.id, "하나 2")
    assert again.undo_delete("owner") == three
    again.empty_trash("owner")
    assert again.undo_delete("owner") is None and not again.trash("owner")
    again.close()


def test_a_crash_in_the_middle_of_deleting_loses_nothing(projects: Projects, home: Path) -> None:
    made = projects.create("owner", "a")
    place = home / "trash" / "owner" / made.id
    place.mkdir(parents=True)
    (place / "record.json").write_text(json.dumps({"name": "a", "removed": 1.0}))
    assert projects.trash("owner") == [] and projects.list("owner") == [made]
    projects.delete("owner", made.id)
    (place / "record.json").write_text("{")
    assert [info.id for info in projects.trash("owner")] == [made.id]
    back = projects.undo_delete("owner")
    assert back is not None and back.id == made.id


def test_a_project_with_a_run_under_way_is_not_deleted(home: Path) -> None:
    working: set[Path] = set()
    projects = Projects(home / "projects", working=working.__contains__)
    made = projects.create("owner", "a")
    working.add(projects.open("owner", made.id).folder)
    with pytest.raises(Busy) as busy:
        projects.delete("owner", made.id)
    assert (busy.value.key, busy.value.details) == ("error.project_working", {"project": "a"})
    working.clear()
    projects.delete("owner", made.id)
    projects.close()


def test_a_damaged_project_is_listed_can_be_deleted_and_says_so(projects: Projects, home: Path) -> None:
    made = projects.create("owner", "a")
    projects.close()
    for content in (b"not a database" * 100, b""):
        (home / "projects" / "owner" / made.id / "project.db").write_bytes(content)
        assert [(info.id, info.name) for info in projects.list("owner")] == [(made.id, made.id)]
    (home / "projects" / "owner" / made.id / "project.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageProblem) as problem:
        projects.open("owner", made.id).chats.list()
    assert (problem.value.key, problem.value.details) == ("error.project_damaged", {"project": made.id})
    projects.delete("owner", made.id)
    assert projects.list("owner") == []


def test_the_last_project_is_remembered(projects: Projects, home: Path) -> None:
    assert projects.last("owner") is None
    one, two = projects.create("owner", "하나"), projects.create("owner", "둘")
    assert projects.last("owner") == two.id
    projects.remember("owner", one.id)
    assert Projects(home / "projects").last("owner") == one.id
    assert projects.last("other") is None
    projects.delete("owner", one.id)
    assert projects.last("owner") == two.id
    (home / "projects" / "owner" / "owner.json").write_text("{")
    assert projects.last("owner") == two.id


def test_what_a_killed_studio_was_building_is_swept_a_day_later(home: Path) -> None:
    old, young = home / "tmp" / "old", home / "tmp" / "young"
    for place in (old, young):
        place.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    Projects(home / "projects")
    assert not old.exists() and young.exists()


def test_two_pages_that_open_at_once_make_one_sample(projects: Projects) -> None:
    faults: list[BaseException] = []

    def visit() -> None:
        try:
            projects.ensure_sample("owner", SAMPLES)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(projects.list("owner")) == 1


def test_deleting_while_others_write_never_leaves_half(projects: Projects, home: Path) -> None:
    made = projects.create("owner", "a")
    project, ended = projects.open("owner", made.id), []

    def write() -> None:
        try:
            while True:
                project.set_note("x", "y" * 1000)
        except StudioError as told:
            ended.append(told.key)

    writer = threading.Thread(target=write)
    writer.start()
    projects.delete("owner", made.id)
    writer.join(timeout=20)
    assert ended == ["error.project_missing"]
    assert projects.undo_delete("owner") is not None
    assert projects.open("owner", made.id).get_note("x") in (None, "y" * 1000)


def test_what_is_gone_for_good_is_told_before_and_nobody_waits_for_it(home: Path) -> None:
    told: list[Path] = []
    asked, answered = threading.Event(), threading.Event()

    def slow_server(folder: Path) -> None:
        assert (folder / "project.db").is_file()
        told.append(folder)
        asked.set()
        assert answered.wait(30)

    projects = Projects(home / "projects", gone=slow_server)
    first, other = projects.create("owner", "a"), projects.create("owner", "b")
    projects.delete("owner", first.id)
    assert projects.undo_delete("owner", first.id) is not None and not told  # what can come back has lost nothing
    projects.delete("owner", first.id)
    emptying = threading.Thread(target=projects.empty_trash, args=("owner",))
    emptying.start()
    assert asked.wait(30)
    projects.delete("owner", other.id)  # the server has not answered yet
    assert [info.name for info in projects.trash("owner")] == ["b", "a"]
    answered.set()
    emptying.join(30)
    assert [info.id for info in projects.trash("owner")] == [other.id] and len(told) == 1
    projects.close()
