"""Teach by example: task data, the few-shot builder, search and sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.services import Services
from tabs.fewshot import build_part, data_part, search_part
from tabs.session import QUIET, Session
from tabs.text import Words

PARTS = {"data": data_part, "build": build_part, "search": search_part}


@dataclass(frozen=True)
class Inside(Session):
    """The page as a part sees it: it is drawn anew when the person comes to it from another part too."""

    part: gr.Tab | None = None

    def on_project(
        self,
        handler: Callable[..., Any],
        inputs: Sequence[gr.components.Component] = (),
        outputs: Sequence[Any] = (),
        *,
        again: bool = True,
    ) -> None:
        super().on_project(handler, inputs, outputs, again=again)
        if again and self.part is not None:
            self.part.select(handler, [self.project_id, *inputs], list(outputs), **QUIET)


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    laid = {}
    with gr.Tabs(elem_id="fs-parts", overflow_behavior="wrap"):
        for name, part in PARTS.items():
            with gr.Tab(words.t(f"data.tab_{name}"), id=name, elem_id=f"fs-part-{name}") as place:
                laid[name] = part.layout(words), place
    for name, part in PARTS.items():
        view, place = laid[name]
        inside = Inside(session.project_id, session.project, session.tray, session.seen, session.tab, place)
        part.wire(services, words, inside, view)
