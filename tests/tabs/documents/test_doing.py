"""The documents' parts on a real project: files come in, are listed, tagged, opened and deleted; passages are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from backend.documents.embedding.embedders import guessed
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.retrieving.retrieval import Retrieval
from backend.documents.shelf.store import Document, Told
from backend.documents.splitting.passages import split
from backend.documents.splitting.settings import SplitSettings
from backend.documents.values import Block, Parsed, lay
from backend.errors import BadInput
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tabs.documents import files_doing, map_doing, passages_doing
from tabs.documents.files_settings import MODELS, form_values, length_of, read_form, settings_view, suggested
from tabs.documents.files_state import Listed
from tabs.documents.passages_state import Reading, open_passage
from tabs.session import OWNER
from tabs.text import Words
from tests.fakes import Resting

KO = Words("ko")
REQUEST = gr.Request(username=None, session_hash="page")
FILES = ("listed", "standing", "listing", "brought", "filter", "text", "state", "folder", "tag", "language", "since",
         "until", "detail", "tags",
         "facts", "files", "kept")  # fmt: skip
MAP = ("drawn", "empty", "body", "standing", "plot", "warning", "nearest")
PASSAGES = ("reading", "empty", "body", "picker", "about", "turn", "page", "back")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Any]:
    """The real thing but for the workers: nothing here reads a file or loads a model."""
    settings = Settings(home=tmp_path, open_browser=False)
    projects = Projects(tmp_path / "projects")
    project = projects.open(OWNER, projects.create(OWNER, "시험").id)
    runs = Resting(project.runs_folder, settings)
    endpoints = Endpoints(tmp_path, offline=True)
    retrieval = Retrieval(settings, endpoints)
    yield SimpleNamespace(
        projects=projects, project=project, runs=lambda project: runs, retrieval=retrieval, endpoints=endpoints
    )
    retrieval.close()
    projects.close()


@pytest.fixture
def files(services: Any) -> files_doing.Doing:
    return files_doing.Doing(services, KO, SimpleNamespace(**{name: name for name in FILES}), "parts")  # type: ignore[arg-type]


@pytest.fixture
def passages(services: Any) -> passages_doing.Doing:
    view = SimpleNamespace(**{name: name for name in PASSAGES})
    return passages_doing.Doing(services, KO, view, "parts")  # type: ignore[arg-type]


def press(doing: Any, state: Any, do: str, what: str = "") -> Any:
    with gr.Blocks():
        event = gr.EventData(None, {"do": do, "what": what})
        return doing.press(doing.services.project.id, state, REQUEST, event)


def handed(tmp_path: Path, name: str, text: str) -> str:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return str(file)


def bring(files: files_doing.Doing, tmp_path: Path, **texts: str) -> Any:
    given = [handed(tmp_path, f"{name}.txt", text) for name, text in texts.items()]
    return files.hand_over(files.services.project.id, Listed(), given, "", REQUEST)


def indexed(project: Project, parsed: Parsed, document: Document) -> None:
    """As a run leaves it: the text kept, the passages in the index."""
    project.documents.kept.keep_parsed(document.sha256, parsed)
    settings = active(project)
    found = split(parsed, lay(parsed), SplitSettings(size=32, overlap=8), guessed, document.id)
    points = np.eye(len(found), 8, dtype=np.float32)
    index = Index(project.folder, settings)
    index.put(document.id, found, points)
    index.close()
    project.documents.set_state(document, "indexed", Told(pages=parsed.pages, characters=99, language="ko"))


# --- files ------------------------------------------------------------------------------------------------------------


def test_an_empty_project_says_what_to_do(files: files_doing.Doing) -> None:
    shown = files.restore(files.services.project.id, Listed(), REQUEST)
    assert KO.t("docs.empty") in shown["listing"] and shown["standing"] == "" and shown["filter"]["visible"] is False


def test_files_that_come_in_are_listed_and_begin_to_be_read(files: files_doing.Doing, tmp_path: Path) -> None:
    shown = bring(files, tmp_path, 약관="누수를 보상한다.", 사본="누수를 보상한다.", 지침="다른 글")
    assert "약관.txt" in shown["listing"] and "지침.txt" in shown["listing"] and "사본.txt" not in shown["listing"]
    assert "사본.txt" in shown["brought"] and shown["files"] is None
    runs = files.services.runs(files.services.project).list()
    assert [run.kind for run in runs] == ["indexing"] and shown["filter"]["visible"] is True


def test_a_refused_file_is_told_and_the_rest_goes_on(files: files_doing.Doing, tmp_path: Path) -> None:
    bad = tmp_path / "보고서.pdf"
    bad.write_bytes(b"MZ\x90\x00" + bytes(300))
    good = handed(tmp_path, "지침.txt", "글")
    shown = files.hand_over(files.services.project.id, Listed(), [str(bad), good], "규정", REQUEST)
    assert "보고서.pdf" in shown["brought"] and "dc-bad" in shown["brought"]
    assert "지침.txt" in shown["listing"] and KO.t("docs.in_folder", folder="규정") in shown["listing"]


def test_the_list_is_narrowed_opened_tagged_and_emptied(files: files_doing.Doing, tmp_path: Path) -> None:
    listed = bring(files, tmp_path, 약관="하나", 지침="둘")["listed"]
    project: Project = files.services.project
    one = next(document for document in project.documents.list() if document.name == "지침.txt")
    opened = press(files, listed, "open", str(one.id))
    assert opened["detail"]["visible"] is True and "지침.txt" in opened["facts"]
    with gr.Blocks():
        tagged = files.tag(project.id, opened["listed"], "#규정, 2024", REQUEST)
    assert project.documents.get(one.id).tags == ("규정", "2024") and "규정" in tagged["listing"]
    narrow = files.seek(project.id, opened["listed"], "", "", "", "규정", "", None, None, REQUEST)["listing"]
    assert "지침.txt" in narrow and "약관.txt" not in narrow
    assert (
        KO.t("docs.nothing_found")
        in files.seek(project.id, listed, "없음", "", "", "", "", None, None, REQUEST)["listing"]
    )
    early = files.seek(project.id, listed, "", "", "", "", "", None, "1999.12.31", REQUEST)["listing"]
    assert KO.t("docs.nothing_found") in early
    late = files.seek(project.id, listed, "", "", "", "", "", "1999-12-31", None, REQUEST)["listing"]
    assert "지침.txt" in late and "약관.txt" in late
    gone = press(files, tagged["listed"], "remove", str(one.id))
    assert "지침.txt" not in gone["listing"] and gone["detail"]["visible"] is False
    assert [document.name for document in project.documents.list()] == ["약관.txt"]


def test_a_failed_file_is_tried_again(files: files_doing.Doing, tmp_path: Path) -> None:
    bring(files, tmp_path, 약관="하나")
    project: Project = files.services.project
    one = project.documents.list()[0]
    project.documents.set_state(one, "failed", None, "error.document_password", {"name": one.name})
    shown = files.restore(project.id, Listed(), REQUEST)
    assert "암호로 잠겨" in shown["listing"]
    press(files, shown["listed"], "retry", str(one.id))
    assert project.documents.get(one.id).state == "queued"


def test_a_poll_draws_only_what_changed(files: files_doing.Doing, tmp_path: Path) -> None:
    listed = bring(files, tmp_path, 약관="하나")["listed"]
    project: Project = files.services.project
    assert files.follow(project.id, listed, REQUEST) == gr.skip()
    project.documents.set_state(project.documents.list()[0], "reading")
    assert set(files.follow(project.id, listed, REQUEST)) == {"listed", "standing", "listing"}


@pytest.mark.parametrize(("do", "what"), [("open", "x"), ("burn", "1"), ("read", "-1"), ("page", "9" * 30)])
def test_what_no_button_of_ours_sends_is_refused(files: files_doing.Doing, do: str, what: str) -> None:
    with pytest.raises(BadInput) as told:
        press(files, Listed(), do, what)
    assert told.value.key == "error.page_action"


# --- passages ---------------------------------------------------------------------------------------------------------

TEXT = Parsed(
    blocks=(
        Block(kind="heading", text="제1조", level=1, page=1),
        Block(kind="paragraph", text="누수로 생긴 손해를 보상한다. " * 6, page=1),
        Block(kind="paragraph", text="둘째 쪽에는 면책 조항이 있다. " * 6, page=2),
    ),
    page_kind="page",
    pages=2,
)


@pytest.fixture
def read(files: files_doing.Doing, tmp_path: Path) -> Document:
    bring(files, tmp_path, 약관="하나")
    project: Project = files.services.project
    indexed(project, TEXT, project.documents.list()[0])
    return project.documents.list()[0]


def test_without_a_document_the_way_to_the_files_is_shown(passages: passages_doing.Doing) -> None:
    shown = passages.restore(passages.services.project.id, Reading(), REQUEST)
    assert 'data-do="to_files"' in shown["empty"] and shown["body"]["visible"] is False
    assert press(passages, shown["reading"], "to_files")["parts"].selected == "files"


def test_a_document_is_read_page_by_page(passages: passages_doing.Doing, read: Document) -> None:
    shown = passages.restore(passages.services.project.id, Reading(), REQUEST)
    assert "누수로 생긴" in shown["page"] and "면책" not in shown["page"] and 'class="dc-no"' in shown["page"]
    assert shown["picker"]["value"] == read.id and KO.t("docs.leaf_page", number=1, of=2) in shown["turn"]
    second = press(passages, shown["reading"], "leaf", "1")
    assert "면책" in second["page"] and "누수" not in second["page"]
    assert press(passages, shown["reading"], "leaf", "99")["page"] == second["page"]


def test_another_part_opens_a_passage_marked_once(passages: passages_doing.Doing, read: Document) -> None:
    project: Project = passages.services.project
    last = passages.services.retrieval.index(project).passages(read.id)[-1]
    open_passage(project, read.id, last.number)
    shown = passages.restore(project.id, Reading(), REQUEST)
    assert "dc-here" in shown["page"] and "면책" in shown["page"] and shown["reading"].passage == last.number
    assert "dc-here" not in passages.restore(project.id, Reading(), REQUEST)["page"]


def test_another_size_is_only_looked_at(passages: passages_doing.Doing, read: Document) -> None:
    project: Project = passages.services.project
    small = passages.attempt(project.id, Reading(), 16, 400, REQUEST)
    large = passages.attempt(project.id, small["reading"], 512, 0, REQUEST)
    assert small["page"].count('class="dc-no"') > large["page"].count('class="dc-no"')
    assert "dc-tried" in small["about"] and small["back"]["visible"] is True
    back = passages.give_up(project.id, large["reading"], REQUEST)
    assert "dc-tried" not in back["about"] and back["back"]["visible"] is False


def test_of_a_long_document_only_the_leaf_is_cut(
    passages: passages_doing.Doing, read: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    project: Project = passages.services.project
    whole = press(passages, passages.attempt(project.id, Reading(), 16, 0, REQUEST)["reading"], "leaf", "1")
    monkeypatch.setattr(passages_doing, "TRIED_AT_ONCE", 10)
    part = press(passages, passages.attempt(project.id, Reading(), 16, 0, REQUEST)["reading"], "leaf", "1")
    assert KO.t("docs.passages_tried_leaf") in part["about"] and KO.t("docs.passages_tried_leaf") not in whole["about"]
    assert part["page"].count('class="dc-no"') == whole["page"].count('class="dc-no"') > 1


def test_what_other_files_do_leaves_the_page_alone(
    passages: passages_doing.Doing, read: Document, files: files_doing.Doing, tmp_path: Path
) -> None:
    project: Project = passages.services.project
    here = passages.restore(project.id, Reading(), REQUEST)["reading"]
    assert passages.follow(project.id, here, REQUEST) == gr.skip()
    bring(files, tmp_path, 둘째="다른 글")
    assert passages.follow(project.id, here, REQUEST) == gr.skip()
    indexed(project, TEXT, next(one for one in project.documents.list() if one.name == "둘째.txt"))
    offered = passages.follow(project.id, here, REQUEST)
    assert set(offered) == {"reading", "picker"} and len(offered["picker"]["choices"]) == 2
    assert passages.follow(project.id, offered["reading"], REQUEST) == gr.skip()
    project.documents.set_state(read, "queued")
    assert "page" in passages.follow(project.id, offered["reading"], REQUEST), "the open one is another now"


def test_the_name_of_an_imported_model_is_text_on_the_map(services: Any, read: Document) -> None:
    view = SimpleNamespace(**{name: name for name in MAP})
    doing = map_doing.Doing(services, KO, view, "parts")  # type: ignore[arg-type]
    named = EmbeddingModel(name="<img src=x onerror=alert(1)>")
    activate(services.project, IndexSettings(embedding=named))
    shown = doing._drawn(services.project, services.retrieval.index(services.project), None, None, "누수는 보상합니까")
    assert "<img" not in shown["warning"] and "&lt;img" in shown["warning"]


# --- settings ---------------------------------------------------------------------------------------------------------

FORM: dict[str, Any] = {
    "length": "middle", "kind": "minilm", "name": None, "endpoint": None, "size": 300, "overlap": 20, "query": "",
    "passage": "", "max_tokens": 256, "languages": "en", "analysis": "morphemes",
    "chroma": "embedded",
}  # fmt: skip


def test_the_form_and_the_settings_say_the_same() -> None:
    usual = read_form(**FORM)
    assert usual.split == SplitSettings() and usual.embedding.kind == "minilm" and length_of(256, 32) == "middle"
    hub = read_form(**FORM | {"length": "own", "kind": "hub", "name": " BAAI/bge-m3 ", "languages": "multi"})
    assert hub.split.size == 300 and hub.embedding.name == "BAAI/bge-m3" and hub.key != usual.key
    shown = form_values(hub, [("서버", "s1")])
    assert shown[0] == "own" and shown[2]["value"] == "BAAI/bge-m3" and shown[2]["visible"] is True
    assert KO.t("docs.settings_multi") in settings_view(KO, hub) and suggested(MODELS[2].name).query == "query: "  # type: ignore[union-attr]
    assert KO.t("docs.settings_words") in settings_view(KO, read_form(**FORM | {"kind": "none"}))
    syllables = read_form(**FORM | {"analysis": "syllables"})
    assert (
        syllables.analysis == "syllables" and syllables.key != usual.key and "syllables" in form_values(syllables, [])
    )
    assert KO.t("retrieval.by_syllables") in settings_view(KO, syllables)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"kind": "hub", "name": " "}, "error.docs_no_model"),
        ({"kind": "endpoint", "name": "m", "endpoint": None}, "error.docs_no_model"),
        ({"kind": "burn"}, "error.page_action"),
        ({"length": "own", "size": 100, "overlap": 90}, "error.index_settings"),
        ({"length": "own", "size": None}, "error.index_settings"),
        ({"chroma": "file:///etc/passwd"}, "error.index_settings"),
        ({"analysis": "letters"}, "error.index_settings"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed: dict[str, Any], key: str) -> None:
    with pytest.raises(BadInput) as told:
        read_form(**FORM | changed)
    assert told.value.key == key
