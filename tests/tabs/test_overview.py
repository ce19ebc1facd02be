"""The overview's views are pure functions, and its sentences are for people."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from backend.assistants import Assistant, Decoding, Instructions
from backend.jobs.run import Run
from backend.projects.folder import Project
from backend.projects.projects import Projects
from tabs import overview_views as views
from tabs.text import LANGUAGES, Words

KO, EN = Words("ko"), Words("en")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    projects = Projects(tmp_path / "projects")
    return projects.open("owner", projects.create("owner", "<b>Reviews</b>").id)


def run(**fields: object) -> Run:
    told = {
        "id": "x",
        "kind": "download",
        "title": "Qwen/Qwen3-0.6B",
        "state": "running",
        "folder": Path(),
        "created": 1.0,
    }
    return Run(**{**told, **fields})  # type: ignore[arg-type]


def test_names_are_shown_as_they_were_typed_and_never_as_html(project: Project) -> None:
    shown = views.projects_view(KO, [project.info], "")
    assert "&lt;b&gt;Reviews" in shown
    assert "<b>Reviews" not in shown


def test_the_open_project_cannot_be_opened_again(project: Project) -> None:
    assert 'data-do="open"' not in views.projects_view(KO, [project.info], project.id)
    assert 'data-do="open"' in views.projects_view(KO, [project.info], "other")


def test_two_versions_differ_field_by_field_in_words(project: Project) -> None:
    first = project.assistants.save("reviews", Assistant(instructions=Instructions(system="Be kind.\nBe short.")))
    second = project.assistants.save(
        "reviews", Assistant(instructions=Instructions(system="Be kind.\nBe <brief>."), decoding=Decoding(seed=7))
    )
    shown = views.difference_view(KO, first, second)
    assert KO.t("overview.field.instructions.system") in shown
    assert KO.t("overview.field.decoding.seed") in shown
    assert "Be &lt;brief&gt;." in shown
    assert "temperature" not in shown
    assert KO.t("overview.one_version") in views.difference_view(KO, first, first)
    again = project.assistants.save("reviews", second.assistant)
    assert KO.t("overview.same") in views.difference_view(KO, second, again)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_an_assistant_has_a_name(language: str) -> None:
    from backend.assistants import changes

    words = Words("ko" if language == "ko" else "en")
    other = Assistant.model_validate(
        {
            "name": "x",
            "model": {"kind": "hub", "name": "a/b", "revision": "r", "endpoint": "e"},
            "instructions": {"system": "s", "template": "t"},
            "examples": {"shots": [{"variables": {"input": "i"}, "output": "o"}]},
            "decoding": {"temperature": 1, "top_p": 0.5, "top_k": 3, "min_p": 0.1, "repetition_penalty": 1.1}
            | {"max_new_tokens": 5, "stop": ["x"], "seed": 9},
            "chat_template": "c",
        }
    )
    for change in changes(Assistant(), other):
        assert views.field_name(words, change.field) != change.field, change.field


def test_a_run_tells_how_far_it_is_and_what_can_be_done() -> None:
    listed = views.runs_view(
        EN, [("house", run(done=310_000_000, total=1_200_000_000, unit="bytes", rate=4.1e6, seconds_left=200.0))]
    )
    assert "26 %" in listed
    assert "3 min 20 s left" in listed
    assert "310 MB / 1.2 GB" in listed
    assert 'data-do="stop" data-what="house/x"' in listed
    assert 'data-do="resume"' not in listed
    stopped = views.runs_view(EN, [("project", run(state="interrupted", ended=time.time()))])
    assert 'data-do="resume" data-what="project/x"' in stopped
    assert 'data-do="remove"' in stopped


def test_a_failed_run_says_why_in_both_languages() -> None:
    failed = run(state="failed", error_key="error.no_network")
    assert KO.t("error.no_network") in views.runs_view(KO, [("house", failed)])
    assert EN.t("error.no_network") in views.runs_view(EN, [("house", failed)])


def test_empty_lists_say_what_to_do() -> None:
    assert KO.t("overview.no_runs_hint") in views.runs_view(KO, [])
    assert EN.t("overview.no_assistants_hint") in views.assistants_view(EN, [])
