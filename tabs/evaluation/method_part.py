"""Which method next: what the person needs, and the methods weighed with it and with what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from backend.advice.gathering import gather
from backend.advice.methods import methods
from backend.advice.needs import Needs, keep_needs, read_needs
from backend.errors import BadInput
from backend.services import Services
from tabs import widgets
from tabs.advice_views import methods_view
from tabs.errors import shown
from tabs.session import QUIET, Session, owner
from tabs.text import Words

ASKED: Final = ("sources", "changes", "private", "quick")


@dataclass(frozen=True)
class MethodPart:
    needs: gr.CheckboxGroup
    target: gr.Slider
    methods: gr.HTML


def layout(words: Words) -> MethodPart:
    t = words.t
    widgets.heading(t("advice.which"), t("advice.which_note"))
    with gr.Row(equal_height=False):
        needs = gr.CheckboxGroup(
            [(t(f"advice.need_{name}"), name) for name in ASKED],
            label=t("advice.needs"),
            info=t("advice.needs_info"),
            elem_id="cp-needs",
            min_width=300,
        )
        target = gr.Slider(0, 100, 0, step=1, label=t("advice.target"), info=t("advice.target_info"), min_width=300)
    return MethodPart(needs, target, widgets.clickable(elem_id="cp-methods"))


def wire(services: Services, words: Words, session: Session, part: MethodPart) -> None:
    show, current = shown(words), session.project_id

    def weigh(project_id: str, request: gr.Request) -> Any:
        if not project_id:
            return gr.skip()
        project = services.projects.open(owner(request), project_id)
        needs = read_needs(project)
        return {
            part.needs: [name for name in ASKED if getattr(needs, name)],
            part.target: round(100 * needs.target) if needs.target else 0,
            part.methods: methods_view(words, methods(gather(project), needs)),
        }

    def need(project_id: str, ticked: list[str], target: float, request: gr.Request) -> Any:
        project = services.projects.open(owner(request), project_id)
        if not set(ticked) <= set(ASKED) or not 0 <= (target or 0) <= 100:
            raise BadInput("error.page_action")
        said = dict.fromkeys(ticked, True)
        keep_needs(project, Needs(**said, target=target / 100 if target else None))
        return methods_view(words, methods(gather(project), read_needs(project)))

    drawn = [part.needs, part.target, part.methods]
    session.on_project(show(weigh), outputs=drawn)
    session.seen.change(show(weigh), current, drawn, **QUIET)
    chosen = [current, part.needs, part.target]
    part.needs.input(show(need), chosen, part.methods, **QUIET)
    part.target.release(show(need), chosen, part.methods, **QUIET)
