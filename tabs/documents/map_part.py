"""The map part: all passages as dots, near where their meaning is near, and the question among them."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.documents.map_doing import Doing
from tabs.errors import shown
from tabs.inner import Inside
from tabs.plots import FRAMED
from tabs.session import QUIET
from tabs.text import Words


@dataclass(frozen=True)
class MapPart:
    """The components. `drawn` says of which state of which index the map on the page is."""

    drawn: gr.State
    empty: gr.HTML
    body: gr.Column
    standing: gr.HTML
    question: gr.Textbox
    ask: gr.Button
    plot: gr.Plot
    warning: gr.HTML
    nearest: gr.HTML


def layout(words: Words) -> MapPart:
    t = words.t
    drawn = gr.State("")
    widgets.heading(t("docs.map_title"), t("docs.map_note"))
    empty = widgets.clickable(elem_id="dm-empty")
    with gr.Column(visible=False, elem_id="dm-body") as body:
        standing = widgets.clickable(elem_id="dm-standing")
        with gr.Row(equal_height=False, elem_id="dm-asking"):
            question = gr.Textbox(
                label=t("docs.map_ask_label"),
                info=t("docs.map_ask_info"),
                max_length=2_000,
                max_lines=2,
                elem_id="dm-question",
                scale=6,
            )
            ask = gr.Button(t("docs.map_ask"), variant="primary", elem_id="dm-ask", scale=1, min_width=120)
        warning = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dm-warning")
        with gr.Row(equal_height=False, elem_id="dm-pair"):
            plot = gr.Plot(
                show_label=False, container=False, visible=False, elem_id="dm-plot", elem_classes=[FRAMED], scale=5
            )
            with gr.Column(scale=3, min_width=260):
                nearest = widgets.clickable(elem_id="dm-nearest")
    return MapPart(drawn, empty, body, standing, question, ask, plot, warning, nearest)


def wire(services: Services, words: Words, inside: Inside, view: MapPart) -> None:
    doing, show, current = Doing(services, words, view, inside.parts), shown(words), inside.project_id
    drawn = [view.drawn, view.empty, view.body, view.standing, view.plot, view.warning, view.nearest]
    inside.on_project(show(doing.restore), [view.drawn], drawn)
    busy = QUIET | {"show_progress": "minimal"}
    view.standing.click(show(doing.draw), current, drawn, **busy)
    gr.on([view.ask.click, view.question.submit], show(doing.ask), [current, view.question], drawn, **busy)
    for pressed in (view.empty, view.nearest):
        pressed.click(show(doing.press), current, inside.parts, **QUIET)
