"""The page: a header and one line per tab. One page per language is built, from the same code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from backend.services import Services
from studio.header import build_header
from tabs import evaluation, fewshot, models, overview, playground, training
from tabs.session import QUIET, Session
from tabs.text import Language, Words

TABS = {
    "overview": overview,
    "playground": playground,
    "fewshot": fewshot,
    "training": training,
    "evaluation": evaluation,
    "models": models,
}


FIRST = "playground"
"""The tab that a page opens with."""


def tell_the_open_tab(session: Session, places: Mapping[str, gr.Tab], own: Mapping[str, gr.State]) -> None:
    """Running work is told to the tab that is open, and to another when it is opened: what nobody sees is not drawn.

    Every drawing costs the page's only thread some milliseconds per component, each second while something runs.
    """
    here = gr.State(FIRST)

    def opened(name: str) -> Callable[[], str]:
        return lambda: name

    def pass_on(seen: str, name: str) -> Any:
        return [seen if one == name else gr.skip() for one in own]

    for name, place in places.items():
        place.select(opened(name), None, here, **QUIET)
    gr.on([session.seen.change, here.change], pass_on, [session.seen, here], list(own.values()), **QUIET)


def build_app(services: Services, language: Language) -> gr.Blocks:
    """The whole studio in one language; Gradio keeps what it caches for a day at most."""
    words = Words(language)
    with gr.Blocks(title=words.t("header.title"), analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        session = build_header(services, words, page)
        own = {name: gr.State("") for name in TABS}
        places = {}
        with gr.Tabs(elem_id="tabs", selected=FIRST, overflow_behavior="wrap"):
            for name, tab in TABS.items():
                with gr.Tab(words.t(f"header.tab_{name}"), id=name, elem_id=f"tab-{name}") as places[name]:
                    tab.build(services, words, replace(session, tab=places[name], seen=own[name]))
        tell_the_open_tab(session, places, own)
    page.queue(api_open=False, default_concurrency_limit=None, max_size=512)
    made: gr.Blocks = page
    return made
