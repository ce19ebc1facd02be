"""The page: a header and one line per tab. One page per language is built, from the same code."""

from __future__ import annotations

import gradio as gr

from backend.services import Services
from studio.header import build_header
from tabs import documents, evaluation, fewshot, models, overview, playground, training
from tabs.session import one_of_several, tell_the_open_tab
from tabs.text import Language, Words

TABS = {
    "overview": overview,
    "playground": playground,
    "fewshot": fewshot,
    "documents": documents,
    "training": training,
    "evaluation": evaluation,
    "models": models,
}
FIRST = "playground"
"""The tab that a page opens with."""


def build_app(services: Services, language: Language) -> gr.Blocks:
    """The whole studio in one language; Gradio keeps what it caches for a day at most."""
    words = Words(language)
    with gr.Blocks(title=words.t("header.title"), analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        session = build_header(services, words, page)
        own = {name: one_of_several(session) for name in TABS}
        places = {}
        with gr.Tabs(elem_id="tabs", selected=FIRST, overflow_behavior="wrap"):
            for name, tab in TABS.items():
                with gr.Tab(words.t(f"header.tab_{name}"), id=name, elem_id=f"tab-{name}") as places[name]:
                    tab.build(services, words, own[name])
        tell_the_open_tab(session, places, own, FIRST)
    page.queue(api_open=False, default_concurrency_limit=None, max_size=512)
    made: gr.Blocks = page
    return made
