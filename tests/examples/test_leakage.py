"""Leaks of what was learnt into the test split."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.assistants import Shot
from backend.examples.example import Example, NewExample
from backend.examples.leakage import FEW, check_leakage, leaks, near
from backend.examples.near_duplicates import near_to
from backend.examples.splits import make_splits, plan_splits
from backend.projects.folder import Project
from backend.projects.projects import Projects


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    projects = Projects(tmp_path / "home" / "projects")
    yield projects.open("owner", projects.create("owner", "분류").id)
    projects.close()


def new(text: str) -> NewExample:
    return NewExample(variables={"input": text}, output="가")


def test_the_same_and_nearly_the_same_are_found() -> None:
    texts = ["배우들의 연기가 정말 훌륭했던 영화였다", "지루해서 끝까지 보지 못했다", "음악이 좋았다"]
    test = [
        Example(variables={"input": text}, output="나", id=number, split="test") for number, text in enumerate(texts)
    ]
    learnt = [new(texts[0] + "!!"), new("전혀 다른 글이다"), new(texts[2])]
    near_one, exact = leaks(learnt, test)
    assert (near_one.left, near_one.right, near_one.exact) == (learnt[0], test[0], False) and near_one.similarity >= 0.8
    assert (exact.left, exact.right, exact.exact, exact.similarity) == (learnt[2], test[2], True, 1.0)
    assert leaks([], test) == [] and leaks(learnt, []) == []


def test_a_handful_is_compared_as_an_index_would() -> None:
    draw = random.Random(0)
    texts = ["".join(chr(draw.randrange(0xAC00, 0xAC00 + 400)) for _ in range(30)) for _ in range(300)]
    queries = [text[:-2] + "끝" for text in texts[: FEW - 1]] + ["아무 데도 없는 글"]
    few = near(texts, queries, 3)
    assert few == near_to(texts, queries, most=3) and len(few) >= FEW - 1
    assert near(texts, queries * 2, 3) == near_to(texts, queries * 2, most=3)


def test_shots_are_checked_against_the_project_s_test_split(project: Project) -> None:
    store, draw = project.examples, random.Random(1)
    store.add(new("".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(15))) for _ in range(60))
    make_splits(store, plan_splits(store))
    tested, learnt = next(store.each("test", "look")), next(store.each("train", "shots"))
    assert check_leakage(project, [learnt, learnt.shot()]) == []
    (leak,) = check_leakage(project, [learnt.shot(), Shot(variables=tested.variables, output="다른 답")])
    assert leak.right == tested and leak.exact
    assert check_leakage(project, []) == []
