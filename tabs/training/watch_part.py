"""The watch part of the training tab: a run as it learns, what it came to, and what to do with it.

The page only reads. Everything it shows lies in the run's folder, so that a reload, a second browser and a run that
ended yesterday show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.inner import Inside
from tabs.plots import FRAMED
from tabs.session import QUIET
from tabs.text import Words
from tabs.training.plots import SMALL
from tabs.training.watch_desk import Desk
from tabs.training.watch_doing import Doing
from tabs.training.watch_state import Looked


@dataclass(frozen=True)
class WatchPart:
    """The components. `body` is hidden until something was trained; `waiting` stands where no curve is yet."""

    looked: gr.State
    head: gr.HTML
    body: gr.Column
    which: gr.Dropdown
    over: gr.Dropdown
    axis: gr.Radio
    waiting: gr.HTML
    plots: dict[str, gr.Plot]
    samples: gr.HTML


def layout(words: Words) -> WatchPart:
    t = words.t
    looked = gr.State(Looked())
    head = widgets.clickable(elem_id="tw-head")
    with gr.Column(visible=False, elem_id="tw-body") as body:
        with gr.Row(elem_id="tw-choice"):
            which = gr.Dropdown(
                [],
                label=t("train_watch.which"),
                info=t("train_watch.which_info"),
                elem_id="tw-which",
                scale=4,
                min_width=260,
            )
            over = gr.Dropdown(
                [],
                multiselect=True,
                label=t("train_watch.over"),
                info=t("train_watch.over_info"),
                elem_id="tw-over",
                scale=4,
                min_width=260,
            )
            axis = gr.Radio(
                [(t("train_watch.axis_by_step"), "step"), (t("train_watch.axis_by_time"), "time")],
                value="step",
                label=t("train_watch.axis"),
                info=t("train_watch.axis_info"),
                elem_id="tw-axis",
                scale=2,
                min_width=180,
            )
        waiting = gr.HTML(visible=False, elem_classes="empty", apply_default_css=False, js_on_load=None)
        plots = {"losses": _plot("losses")}
        with gr.Row(elem_id="tw-small"):
            plots |= {name: _plot(name) for name in SMALL}
        widgets.heading(t("train_watch.samples"), t("train_watch.samples_note"))
        samples = gr.HTML(elem_id="tw-answers", apply_default_css=False, js_on_load=None)
    return WatchPart(looked, head, body, which, over, axis, waiting, plots, samples)


def _plot(name: str) -> gr.Plot:
    return gr.Plot(
        show_label=False, container=False, visible=False, elem_id=f"tw-plot-{name}", elem_classes=[FRAMED, "tw-plot"]
    )


def wire(services: Services, words: Words, inside: Inside, view: WatchPart) -> None:
    doing, show, current = Doing(Desk(services, words, view, inside.parts)), shown(words), inside.project_id
    drawn = [
        view.looked, view.head, view.body, view.which, view.over, view.axis, view.waiting, *view.plots.values(),
        view.samples,
    ]  # fmt: skip
    looking = [current, view.looked]
    inside.on_project(show(doing.restore), [view.looked], drawn)
    inside.seen.change(show(doing.follow), looking, drawn, **QUIET)
    view.which.input(show(doing.pick), [*looking, view.which], drawn, **QUIET)
    view.over.input(show(doing.overlay), [*looking, view.over], drawn, **QUIET)
    view.axis.input(show(doing.turn), [*looking, view.axis], drawn, **QUIET)
    view.head.click(show(doing.press), looking, [*drawn, inside.parts], **QUIET)
