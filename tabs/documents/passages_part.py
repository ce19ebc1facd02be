"""The passages part: a document's text as it was read, with the passages drawn into it, and other ways to cut it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.documents.passages_doing import Doing
from tabs.documents.passages_state import Reading
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET
from tabs.text import Words

SHOW_MARKED: Final = (
    "() => { const at = document.querySelector('#dp-page .dc-here');"
    " if (at && at.offsetParent) at.scrollIntoView({block: 'center'}); }"
)
SHOW_TOP: Final = "() => { document.getElementById('dp-turn')?.scrollIntoView({block: 'nearest'}); }"


@dataclass(frozen=True)
class PassagesPart:
    """The components. `back` is shown while another way to cut is looked at."""

    reading: gr.State
    empty: gr.HTML
    body: gr.Row
    picker: gr.Dropdown
    about: gr.HTML
    turn: gr.HTML
    page: gr.HTML
    size: gr.Slider
    overlap: gr.Slider
    attempt: gr.Button
    back: gr.Button


def layout(words: Words) -> PassagesPart:
    t = words.t
    reading = gr.State(Reading())
    widgets.heading(t("docs.passages_title"), t("docs.passages_note"))
    empty = widgets.clickable(elem_id="dp-empty")
    with gr.Row(visible=False, equal_height=False, elem_id="dp-body") as body:
        with gr.Column(scale=2, min_width=260, elem_id="dp-side"):
            picker = gr.Dropdown(
                [], label=t("docs.picker"), info=t("docs.picker_info"), filterable=True, elem_id="dp-picker"
            )
            about = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dp-about")
            with gr.Accordion(t("docs.try_title"), open=False, elem_id="dp-try"):
                gr.HTML(f'<p class="note">{t("docs.try_note")}</p>', apply_default_css=False, js_on_load=None)
                size = gr.Slider(
                    32, 1024, 256, step=16, label=t("docs.size"), info=t("docs.size_info"), elem_id="dp-size"
                )
                overlap = gr.Slider(
                    0, 256, 32, step=8, label=t("docs.overlap"), info=t("docs.overlap_info"), elem_id="dp-overlap"
                )
                attempt = gr.Button(t("docs.try_show"), size="sm", elem_id="dp-attempt")
                back = gr.Button(t("docs.try_back"), size="sm", visible=False, elem_id="dp-back")
        with gr.Column(scale=5, min_width=300):
            turn = widgets.clickable(elem_id="dp-turn")
            page = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dp-page")
    return PassagesPart(reading, empty, body, picker, about, turn, page, size, overlap, attempt, back)


def wire(services: Services, words: Words, inside: Inside, view: PassagesPart) -> None:
    doing, show, current = Doing(services, words, view, inside.parts), shown(words), inside.project_id
    looking = [current, view.reading]
    drawn = [view.reading, view.empty, view.body, view.picker, view.about, view.turn, view.page, view.back]
    opened = inside.on_project(show(doing.restore), [view.reading], drawn)
    opened.success(None, js=SHOW_MARKED, api_visibility="private")
    inside.seen.change(show(doing.follow), looking, drawn, **QUIET)
    view.picker.input(show(doing.choose), [*looking, view.picker], drawn, **QUIET)
    turned = view.turn.click(show(doing.press), looking, drawn, **QUIET)
    turned.success(None, js=SHOW_TOP, api_visibility="private")
    view.empty.click(show(doing.press), looking, inside.parts, **QUIET)
    tried = [*looking, view.size, view.overlap]
    view.attempt.click(show(doing.attempt), tried, drawn, **(QUIET | {"show_progress": "minimal"}))
    view.back.click(show(doing.give_up), looking, drawn, **QUIET)
