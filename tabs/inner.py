"""A tab that is made of several parts, each on an inner tab of its own: layouts first, then the wiring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType

import gradio as gr

from backend.services import Services
from tabs.session import Session, one_of_several, tell_the_open_tab
from tabs.text import Words


@dataclass(frozen=True)
class Inside(Session):
    """The page as a part sees it. `parts` are the inner tabs, so that a button of one part can open another:
    gr.Tabs(selected=name).
    """

    parts: gr.Tabs = field(kw_only=True)


def build_parts(
    parts: Mapping[str, ModuleType], elem_id: str, titles: str, services: Services, words: Words, session: Session
) -> None:
    """Each part has layout(words) -> view and wire(services, words, inside, view); its title is words `<titles><name>`.

    elem_id  the tabs are "<elem_id>s", each of them "<elem_id>-<name>"
    """
    laid, places = {}, {}
    own = {name: one_of_several(session) for name in parts}
    with gr.Tabs(elem_id=f"{elem_id}s", overflow_behavior="wrap") as tabs:
        for name, part in parts.items():
            with gr.Tab(words.t(titles + name), id=name, elem_id=f"{elem_id}-{name}") as places[name]:
                laid[name] = part.layout(words)
    for name, part in parts.items():
        part.wire(services, words, Inside(**vars(own[name]), parts=tabs), laid[name])
    tell_the_open_tab(session, places, own, next(iter(parts)))
