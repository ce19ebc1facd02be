"""The history part of the training tab: all runs of the project, compared, named, taken away, cleared up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import gradio as gr

from backend.services import Services
from backend.training.config import Method
from tabs import widgets
from tabs.errors import shown
from tabs.inner import Inside
from tabs.plots import FRAMED
from tabs.session import QUIET
from tabs.text import Words
from tabs.training.history_doing import STATES, Doing
from tabs.training.history_state import Browsed

DOWNLOAD: Final = "th-download"


@dataclass(frozen=True)
class HistoryPart:
    """The components. `detail` is shown for an opened run, `beside` and `overlay` for several that are ticked."""

    browsed: gr.State
    filter: gr.Row
    text: gr.Textbox
    state: gr.Dropdown
    method: gr.Dropdown
    listing: gr.HTML
    detail: gr.Column
    name: gr.Textbox
    note: gr.Textbox
    save: gr.Button
    acts: gr.HTML
    take: gr.HTML
    download: gr.DownloadButton
    beside: gr.HTML
    overlay: gr.Plot


def layout(words: Words) -> HistoryPart:
    t = words.t
    browsed = gr.State(Browsed())
    with gr.Row(visible=False, elem_id="th-filter") as filters:
        text = gr.Textbox(
            label=t("train_history.text"), info=t("train_history.text_info"), max_length=200, elem_id="th-text", scale=4
        )
        states = [(t(f"train_history.state_{name}"), name) for name in STATES]
        state = gr.Dropdown(
            states, value="all", label=t("train_history.state"), info=t("train_history.state_info"), elem_id="th-state"
        )
        methods = [(t("train_history.method_all"), ""), *((t(f"methods.name.{one}"), one) for one in get_args(Method))]
        method = gr.Dropdown(
            methods, value="", label=t("train_history.method"), info=t("train_history.method_info"), elem_id="th-method"
        )
    listing = widgets.clickable(elem_id="th-list")
    with gr.Column(visible=False, elem_classes="card", elem_id="th-detail") as detail:
        with gr.Row(elem_classes="th-about"):
            name = gr.Textbox(
                label=t("train_history.name"),
                info=t("train_history.name_info"),
                max_length=120,
                elem_id="th-name",
                scale=3,
            )
            note = gr.Textbox(
                label=t("train_history.note"),
                info=t("train_history.note_info"),
                max_length=2_000,
                max_lines=6,
                elem_id="th-note",
                scale=6,
            )
            save = gr.Button(t("common.save"), elem_id="th-save", scale=1, min_width=100)
        acts = widgets.clickable(elem_id="th-acts")
        take = widgets.clickable(elem_id="th-take")
    download = widgets.hidden_download(DOWNLOAD)
    beside = gr.HTML(elem_id="th-beside", apply_default_css=False, js_on_load=None)
    overlay = gr.Plot(
        show_label=False, container=False, visible=False, elem_id="th-overlay", elem_classes=[FRAMED, "tw-plot"]
    )
    return HistoryPart(
        browsed, filters, text, state, method, listing, detail, name, note, save, acts, take, download, beside, overlay
    )


def wire(services: Services, words: Words, inside: Inside, view: HistoryPart) -> None:
    doing, show, current = Doing(services, words, view, inside.parts), shown(words), inside.project_id
    looking = [current, view.browsed]
    drawn = [
        view.browsed, view.listing, view.filter, view.detail, view.name, view.note, view.acts, view.take,
        view.beside, view.overlay,
    ]  # fmt: skip
    inside.on_project(show(doing.restore), [view.browsed], drawn)
    inside.seen.change(show(doing.follow), looking, [view.browsed, view.listing], **QUIET)
    gr.on(
        [view.text.submit, view.text.blur, view.state.input, view.method.input],
        show(doing.seek),
        [*looking, view.text, view.state, view.method],
        [view.browsed, view.listing],
        **QUIET,
    )
    for pressed in (view.listing, view.acts):
        pressed.click(show(doing.press), looking, [*drawn, inside.parts], **QUIET)
    view.save.click(show(doing.describe), [*looking, view.name, view.note], drawn, **QUIET)
    made = view.take.click(shown(words, halt=True)(doing.take), looking, view.download, **QUIET)
    made.success(None, view.download, js=widgets.click_download(DOWNLOAD), api_visibility="private")
