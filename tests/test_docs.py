"""The README and CONTRIBUTING say what is there: the files they name exist, and the example of a tab builds."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from tabs.errors import shown
from tabs.session import Session, owner
from tabs.text import Words

ROOT = Path(__file__).resolve().parent.parent


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    named = set(re.findall(r"`((?:studio|tabs|backend|tests|assets)/[\w/.-]*)`", text_of(page)))
    assert not [path for path in named if "glossary" not in path and not (ROOT / path).exists()]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", text_of(page))
    assert not [link for link in links if not link.startswith("http") and not (ROOT / link).exists()]


def test_the_readme_stays_one_read_long() -> None:
    assert len(text_of("README.md").splitlines()) <= 150


def test_the_example_of_a_tab_builds() -> None:
    found = re.search(r"^       def build\(.*?(?=\n\n   `show)", text_of("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)
    assert found is not None
    names = {"gr": gr, "Services": object, "Session": Session, "Words": Words, "shown": shown, "owner": owner}
    exec(textwrap.dedent(found[0]), names)
    with gr.Blocks() as page:
        session = SimpleNamespace(project_id=gr.State(""))
        names["build"](object(), SimpleNamespace(t=lambda key, **details: key), session)  # type: ignore[operator]
    (event,) = page.fns.values()
    assert [type(one).__name__ for one in event.inputs] == ["State", "Textbox"]
