"""Twelve documents that are read and indexed, and a question about each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from backend.documents.index.index import Index
from backend.documents.index.settings import active
from backend.documents.measuring.importing import import_questions
from backend.documents.shelf.intake import bring
from backend.documents.shelf.store import Document
from backend.documents.splitting.passages import split
from backend.documents.values import Block, Parsed
from backend.projects.folder import Project
from tests.documents.test_intake import texts

THINGS = {
    "펌프": "윤활유는 여섯 달마다 갈아 줍니다",
    "보일러": "물 온도는 팔십 도를 넘기지 않습니다",
    "승강기": "정원은 열세 명입니다",
    "소화기": "분말의 유효 기간은 십 년입니다",
    "발전기": "경유 탱크는 사백 리터입니다",
    "창고": "습도는 절반 아래로 지킵니다",
    "금고": "비밀번호는 분기마다 바꿉니다",
    "차량": "타이어는 오만 킬로미터마다 바꿉니다",
    "회의실": "예약은 이틀 전까지 합니다",
    "식당": "점심은 열두 시에 시작합니다",
    "도서": "대출은 두 주 동안입니다",
    "출입증": "잃어버리면 총무부에 알립니다",
}


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    """Twelve documents that are read and indexed, each with a fact among much else."""
    contents = {name: f"{name} 안내" for name in THINGS}
    documents = bring(project, texts(tmp_path, **contents)).added
    with closing(Index(project.folder, active(project))) as index:
        for document in documents:
            thing = document.name.removesuffix(".txt")
            filler = "이 시설은 모두가 함께 쓰는 곳이므로 늘 깨끗이 합니다. " * 12
            told = (f"{thing} 관리", filler, f"{thing}에 대하여 말하면 {THINGS[thing]}.", filler)
            parsed = Parsed(blocks=tuple(Block(kind="paragraph", text=text, page=at) for at, text in enumerate(told)))
            project.documents.kept.keep_parsed(document.sha256, parsed)
            project.documents.set_state(document, "indexed")
            laid = project.documents.laid(document)
            cut = split(parsed, laid, active(project).split, lambda text: len(text) // 2 + 1, document.id)
            index.put(document.id, cut)
    return project


def document(project: Project, thing: str) -> Document:
    return next(one for one in project.documents.list() if one.name == f"{thing}.txt")


def table(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "questions.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


@pytest.fixture
def asked(filled: Project, tmp_path: Path) -> Project:
    lines = [f"{thing} 규정은 무엇입니까?,{thing}.txt,{fact},{fact}" for thing, fact in THINGS.items()]
    done = import_questions(filled, table(tmp_path, "질문,문서,인용,답", *lines))
    assert (done.added, done.refused) == (len(THINGS), [])
    return filled


def reread(project: Project, thing: str, *told: str) -> Document:
    """The document's text is another one by now."""
    changed = document(project, thing)
    project.documents.kept.keep_parsed(
        changed.sha256, Parsed(blocks=tuple(Block(kind="paragraph", text=text) for text in told))
    )
    return changed
