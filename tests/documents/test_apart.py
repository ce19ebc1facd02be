"""Files and passages of one project are never visible to another: not by id, by path, by search or over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backend.assistants import Documents
from backend.documents.grounding.library import ProjectPassages
from backend.documents.index.settings import IndexSettings, activate, active, index_folder
from backend.documents.shelf.intake import bring
from backend.documents.shelf.store import Document, Told
from backend.documents.splitting.passages import split
from backend.documents.splitting.settings import SplitSettings
from backend.documents.values import Block, Parsed, lay
from backend.errors import NotFound
from backend.projects.folder import Project
from backend.services import Services, create_services
from backend.settings import Settings
from studio.serve import create_app
from tabs.documents import files_doing, passages_doing, search_doing
from tabs.documents.files_state import Listed
from tabs.documents.passages_state import Reading
from tabs.text import Words
from tests.documents.making import LETTERS, LetterEmbedder
from tests.studio.conftest import Ask, asker
from tests.studio.test_access import signed_in

SECRET = "미나의비밀계약금액"
COMMON = "보증 기간은 두 해이다."


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Ask]]:
    """A studio with the accounts of mina and jun."""
    services = create_services(Settings(home=tmp_path_factory.mktemp("home"), host="0.0.0.0", open_browser=False))
    services.accounts.add("mina", "mina's long secret")
    services.accounts.add("jun", "jun's long secret")
    yield services, asker(create_app(services), "http://studio.test:7860")
    services.close()


def filled(services: Services, who: str, folder: Path, text: str) -> tuple[Project, Document]:
    """A project of theirs with one indexed document; its points count letters."""
    project = services.projects.open(who, services.projects.create(who, "문서").id)
    activate(project, IndexSettings(embedding=LETTERS))
    path = folder / f"{who}.txt"
    path.write_text(text, "utf-8")
    (document,) = bring(project, [(path, "계약.txt")]).added
    parsed = Parsed(blocks=(Block(kind="paragraph", text=text),))
    project.documents.kept.keep_parsed(document.sha256, parsed)
    embedder = LetterEmbedder()
    passages = [
        passage.model_copy(update={"document_id": document.id})
        for passage in split(parsed, lay(parsed), SplitSettings(), embedder.count)
    ]
    vectors = embedder.passages([passage.text for passage in passages])
    services.retrieval.index(project).put(document.id, passages, vectors)
    project.documents.set_state(document, "indexed", Told(characters=len(text)))
    return project, project.documents.get(document.id)


@pytest.fixture(scope="module")
def two(
    shared: tuple[Services, Ask], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, Document, Project, Document]:
    services, folder = shared[0], tmp_path_factory.mktemp("uploads")
    mina = filled(services, "mina", folder, f"{SECRET}은 백만 원이다. {COMMON}")
    return *mina, *filled(services, "jun", folder, COMMON)


def holding(folder: Path, word: str) -> list[Path]:
    """Files below the folder that hold the word."""
    marks = [word.encode("utf-8"), word.encode("utf-16-le"), json.dumps(word).strip('"').encode()]
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if any(mark in path.read_bytes() for mark in marks)]


def test_the_same_number_is_another_document_in_another_project(two: Any) -> None:
    mina, hers, jun, his = two
    assert hers.id == his.id  # what somebody would guess first
    assert jun.documents.laid(jun.documents.get(hers.id)).text == COMMON
    with pytest.raises(NotFound):
        jun.documents.get(hers.id + 1)
    assert jun.documents.find(hers.sha256) == [] and mina.documents.find(his.sha256) == []
    assert not jun.documents.original(his).is_relative_to(mina.folder)


def test_nothing_of_one_lies_in_the_folder_of_the_other(two: Any) -> None:
    mina, _, jun, _ = two
    assert holding(mina.folder, SECRET) and not holding(jun.folder, SECRET)
    folders = [index_folder(project.folder, active(project)) for project in (mina, jun)]
    assert folders[0].name == folders[1].name and folders[0] != folders[1]  # the same settings, each in its project
    for project, folder in zip((mina, jun), folders, strict=True):
        assert folder.is_relative_to(project.folder)
        assert (folder / "passages.db").is_file() and list((folder / "words").iterdir())


@pytest.mark.parametrize("retriever", ["keyword", "bm25"])
def test_a_search_finds_its_own_project_only(shared: tuple[Services, Ask], two: Any, retriever: str) -> None:
    services, _ = shared
    mina, _, jun, _ = two
    wanted = Documents(retriever=retriever)  # type: ignore[arg-type]
    found = {
        project.id: ProjectPassages(project, lambda: services.retrieval).find(wanted, f"{SECRET} 보증 기간")
        for project in (mina, jun)
    }
    texts = {name: " ".join(one.passage.text for one in answer.found) for name, answer in found.items() if answer}
    assert SECRET in texts[mina.id] and SECRET not in texts[jun.id] and COMMON in texts[jun.id]


def test_points_of_one_are_not_near_in_the_other(shared: tuple[Services, Ask], two: Any) -> None:
    services, _ = shared
    for project, count in ((two[0], 1), (two[2], 1)):
        index = services.retrieval.index(project)
        assert index.vectors is not None and len(index.nearest(LetterEmbedder().query(SECRET), 10)) == count
        assert index.count() == count


def test_no_part_opens_the_project_of_somebody_else(shared: tuple[Services, Ask], two: Any) -> None:
    services, _ = shared
    mina, hers = two[:2]
    request, view = gr.Request(username="jun", session_hash="page"), SimpleNamespace()
    files = files_doing.Doing(services, Words("ko"), view, None)
    passages = passages_doing.Doing(services, Words("ko"), view, None)
    search = search_doing.Doing(services, Words("ko"), view, None)
    for ask in (
        lambda: files.restore(mina.id, Listed(), request),
        lambda: files.hand_over(mina.id, Listed(), ["x"], "", request),
        lambda: passages.restore(mina.id, Reading(), request),
        lambda: passages.choose(mina.id, Reading(), hers.id, request),
        lambda: search.project(mina.id, request),
    ):
        with pytest.raises(NotFound):
            ask()


def test_no_address_serves_a_document(shared: tuple[Services, Ask], two: Any) -> None:
    services, ask = shared
    mina, hers = two[:2]
    original = mina.documents.original(hers)
    below = original.relative_to(services.settings.home)
    jun = signed_in(services, ask, "jun", "jun's long secret")
    own = signed_in(services, ask)
    for cookies in (jun, own):
        for path in (original, below, mina.folder / "project.db", f"{original.parent}/../{hers.sha256}/original"):
            for base in ("/ko/gradio_api/file=", "/en/file=", "/assets/", "/ko/gradio_api/stream/"):
                answer = ask("GET", f"{base}{path}", cookies=cookies)
                assert answer.status_code in {403, 404} and SECRET not in answer.text, (base, path)
