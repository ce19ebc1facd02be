"""A tab that is made of several parts, each on an inner tab of its own: layouts first, then the wiring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import gradio as gr

from backend.services import Services
from tabs.session import QUIET, Session
from tabs.text import Words


@dataclass(frozen=True)
class Inside(Session):
    """The page as a part sees it: it is drawn anew when the person comes to it from another part too.

    `parts` are the inner tabs, so that a button of one part can open another: gr.Tabs(selected=name).
    """

    part: gr.Tab = field(kw_only=True)
    parts: gr.Tabs = field(kw_only=True)

    def on_project(
        self,
        handler: Callable[..., Any],
        inputs: Sequence[gr.components.Component] = (),
        outputs: Sequence[Any] = (),
        *,
        again: bool = True,
    ) -> None:
        super().on_project(handler, inputs, outputs, again=again)
        if again:
            self.part.select(handler, [self.project_id, *inputs], list(outputs), **QUIET)


def build_parts(
    parts: Mapping[str, ModuleType], elem_id: str, titles: str, services: Services, words: Words, session: Session
) -> None:
    """Each part has layout(words) -> view and wire(services, words, inside, view); its title is words `<titles><name>`.

    elem_id  the tabs are "<elem_id>s", each of them "<elem_id>-<name>"
    """
    laid = {}
    with gr.Tabs(elem_id=f"{elem_id}s", overflow_behavior="wrap") as tabs:
        for name, part in parts.items():
            with gr.Tab(words.t(titles + name), id=name, elem_id=f"{elem_id}-{name}") as place:
                laid[name] = part.layout(words), place
    for name, part in parts.items():
        view, place = laid[name]
        part.wire(
            services,
            words,
            Inside(
                session.project_id, session.project, session.tray, session.seen, session.tab, part=place, parts=tabs
            ),
            view,
        )
