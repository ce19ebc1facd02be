"""The search part: ask the documents without a model, and see what each way of searching finds."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.documents.files_part import day_field
from tabs.documents.search_doing import Doing
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET
from tabs.text import Words


@dataclass(frozen=True)
class SearchPart:
    """The components. `project` is whose answers stand on the page."""

    project: gr.State
    empty: gr.HTML
    body: gr.Column
    question: gr.Textbox
    ask: gr.Button
    files: gr.Dropdown
    folders: gr.Dropdown
    tags: gr.Dropdown
    languages: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    count: gr.Slider
    results: gr.HTML


def layout(words: Words) -> SearchPart:
    t = words.t
    project = gr.State("")
    widgets.heading(t("docs.search_title"), t("docs.search_note"))
    empty = widgets.clickable(elem_id="ds-empty")
    with gr.Column(visible=False, elem_id="ds-body") as body:
        with gr.Row(equal_height=False, elem_id="ds-asking"):
            question = gr.Textbox(
                label=t("docs.question"),
                info=t("docs.question_info"),
                max_length=2_000,
                max_lines=4,
                elem_id="ds-question",
                scale=6,
            )
            ask = gr.Button(t("docs.ask"), variant="primary", elem_id="ds-ask", scale=1, min_width=120)
        with gr.Accordion(t("docs.narrow"), open=False, elem_id="ds-narrow"), gr.Row():
            files, folders, tags, languages = (_many(words, name) for name in ("files", "folders", "tags", "languages"))
            since = day_field(words, "since", "ds-since", info=t("docs.day_info"), min_width=200)
            until = day_field(words, "until", "ds-until", info=t("docs.day_info"), min_width=200)
            count = gr.Slider(
                1, 20, 5, step=1, label=t("docs.count"), info=t("docs.count_info"), elem_id="ds-count", min_width=200
            )
        results = widgets.clickable(elem_id="ds-results")
    return SearchPart(
        project, empty, body, question, ask, files, folders, tags, languages, since, until, count, results
    )


def _many(words: Words, name: str) -> gr.Dropdown:
    """A filter of which several may be chosen; none chosen is all."""
    return gr.Dropdown(
        [],
        multiselect=True,
        label=words.t(f"docs.narrow_{name}"),
        info=words.t(f"docs.narrow_{name}_info"),
        elem_id=f"ds-{name}",
        min_width=200,
    )


def wire(services: Services, words: Words, inside: Inside, view: SearchPart) -> None:
    doing, show, current = Doing(services, words, view, inside.parts), shown(words), inside.project_id
    narrowed = [view.files, view.folders, view.tags, view.languages, view.since, view.until]
    drawn = [view.project, view.empty, view.body, *narrowed, view.results]
    inside.on_project(show(doing.restore), [view.project], drawn)
    gr.on(
        [view.ask.click, view.question.submit],
        show(doing.ask),
        [current, view.question, *narrowed, view.count],
        view.results,
        **(QUIET | {"show_progress": "minimal"}),
    )
    for pressed in (view.empty, view.results):
        pressed.click(show(doing.press), [current, view.question], inside.parts, **QUIET)
