"""Of several tabs the open one is told: the functions that Gradio calls, called here with what it hands them."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from tabs.session import Session, one_of_several, tell_the_open_tab


class Page:
    """Two tabs, and what their States hold in a visitor's page."""

    def __init__(self) -> None:
        with gr.Blocks() as self.blocks:
            self.session = Session(gr.State(""), gr.Dropdown(), gr.Timer(5), gr.State(""), gr.State(0))
            self.own = {name: one_of_several(self.session) for name in ("first", "second")}
            with gr.Tabs():
                self.places = {name: gr.Tab(name, id=name) for name in self.own}
            tell_the_open_tab(self.session, self.places, self.own, "first")
        self.held: dict[Any, Any] = {one: one.value for one in self.blocks.blocks.values() if isinstance(one, gr.State)}

    def fire(self, source: Any, event: str) -> None:
        (called,) = [one for one in self.blocks.fns.values() if (source._id, event) in one.targets]
        told = called.fn(*[self.held[one] for one in called.inputs])
        answers = list(told) if isinstance(told, (list, tuple)) else [told] * len(called.outputs)
        for output, answer in zip(called.outputs, answers, strict=True):
            if answer != gr.skip():
                self.held[output] = answer

    def told(self, name: str) -> tuple[int, str]:
        return self.held[self.own[name].opened], self.held[self.own[name].seen]


@pytest.fixture
def page() -> Page:
    return Page()


def test_only_the_open_tab_hears_of_a_switch_and_of_running_work(page: Page) -> None:
    page.fire(page.session.opened, "change")
    page.held[page.session.seen] = "one run"
    page.fire(page.session.seen, "change")
    assert page.told("first") == (1, "one run") and page.told("second") == (0, "")


def test_a_tab_hears_of_what_it_missed_when_it_is_opened(page: Page) -> None:
    page.held[page.session.seen] = "one run"
    page.fire(page.places["second"], "select")
    assert page.told("second") == (1, "one run")
    page.fire(page.session.opened, "change")
    assert page.told("second")[0] == 2 and page.told("first") == (0, "")


def test_a_tab_that_is_open_already_is_not_drawn_once_more(page: Page) -> None:
    page.fire(page.places["first"], "select")
    assert page.told("first") == (0, "")
