"""The sample project of the first start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.errors import StorageProblem
from backend.examples.splits import splits_made
from backend.projects import sample
from backend.projects.projects import Projects

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    samples = tmp_path / "assets" / "samples"
    (samples / "faq").mkdir(parents=True)
    (samples / "reviews.csv").write_text("평,감성\n좋다,긍정\n", encoding="utf-8")
    (samples / "faq" / "반납.md").write_text("# 반납", encoding="utf-8")
    (tmp_path / "assets" / "starter").mkdir()
    return samples


def test_it_is_there_once_with_assistants_and_files(projects: Projects, assets: Path) -> None:
    (assets.parent / "starter" / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    projects.ensure_sample("owner", assets)
    (info,) = projects.list("owner")
    assert info.name == "맞춤 연습 · Matchum sample"
    assert projects.last("owner") == info.id
    project = projects.open("owner", info.id)
    saved = {one.name: one.assistant for one in project.assistants.list()}
    assert set(saved) == {"영화평 감성 분류", "Film review sentiment", "일상 대화 · Small talk"}
    korean = saved["영화평 감성 분류"]
    assert korean.instructions.system == "영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오."
    assert korean.instructions.template == "평: {input}\n감성:"
    assert {one.model.kind for one in saved.values()} == {"starter"}
    assert {one.chat_template for one in saved.values()} == {"{{ messages }}"}
    assert project.draft() == saved["일상 대화 · Small talk"]
    assert (project.files / "reviews.csv").is_file() and (project.files / "faq" / "반납.md").is_file()


def test_its_reviews_are_ready_to_learn_from_and_to_measure_on(projects: Projects) -> None:
    projects.ensure_sample("owner", SAMPLES)
    (info,) = projects.list("owner")
    store = projects.open("owner", info.id).examples
    task, made, counts = store.task(), splits_made(store), store.counts()
    assert task is not None and made is not None
    assert (task.kind, task.labels, task.metric) == ("sentiment", ("긍정", "부정"), "accuracy")
    assert (counts.total, counts.train, counts.dev, counts.test, made.seed) == (120, 72, 24, 24, 0)
    assert set(store.labels("test")) == set(store.labels("train")) == {"긍정", "부정"}
    assert {example.origin for example in store.page()} == {"import:reviews.csv"}


def test_it_does_not_come_back_uninvited(projects: Projects, assets: Path, home: Path) -> None:
    projects.ensure_sample("owner", assets)
    (info,) = projects.list("owner")
    projects.delete("owner", info.id)
    projects.empty_trash("owner")
    Projects(home / "projects").ensure_sample("owner", assets)
    assert projects.list("owner") == []
    own = projects.create("other", "내 일")
    projects.ensure_sample("other", assets)
    assert projects.list("other") == [own]


def test_it_needs_no_samples_and_no_model(projects: Projects, tmp_path: Path) -> None:
    projects.ensure_sample("owner", tmp_path / "nothing" / "samples")
    (info,) = projects.list("owner")
    assert len(projects.open("owner", info.id).assistants.list()) == 3


def test_the_chat_template_is_read_as_text(tmp_path: Path) -> None:
    assert sample.chat_template(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert sample.chat_template(tmp_path) is None
    (tmp_path / "chat_template.jinja").write_text("{{ 한글 }}\n", encoding="utf-8")
    assert sample.chat_template(tmp_path) == "{{ 한글 }}\n"
    (tmp_path / "chat_template.jinja").unlink()
    (tmp_path / "tokenizer_config.json").write_text("{broken")
    with pytest.raises(StorageProblem, match="starter_damaged"):
        sample.chat_template(tmp_path)
