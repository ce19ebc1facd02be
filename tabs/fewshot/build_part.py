"""The builder: which examples an assistant is shown, in three forms side by side, with advice; saved as a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr

from backend.assistants import Method
from backend.fewshot.choosing import orders_for
from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.fewshot.building import Building
from tabs.session import QUIET, Session
from tabs.text import Words

WIDE = 240
"""Pixels below which a field takes a row of its own: a phone shows two beside each other cut."""


@dataclass(frozen=True)
class BuildPart:
    """The components of the part. `form` is keyed by Selection's field names."""

    empty: gr.HTML
    body: gr.Column
    base: gr.Dropdown
    form: dict[str, Any]
    choose: gr.Button
    search: gr.Textbox
    picking: gr.HTML
    by_hand: gr.Column
    shots: gr.HTML
    advice: gr.HTML
    another: gr.Button
    forms: gr.HTML
    name: gr.Textbox
    note: gr.Textbox
    save: gr.Button
    saved: gr.HTML


def layout(words: Words) -> BuildPart:
    t = words.t
    empty = widgets.clickable(elem_id="bd-empty")
    with gr.Column(visible=False, elem_id="bd-body") as body:
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=330):
                widgets.heading(t("build.choose_title"), t("build.choose_note"))
                base = gr.Dropdown([], label=t("build.base"), info=t("build.base_info"), elem_id="bd-base")
                form = choosing(words)
                choose = gr.Button(t("build.choose"), variant="primary", elem_id="bd-choose")
            with gr.Column(scale=7, min_width=330):
                widgets.heading(t("build.shots_title"), t("build.shots_note"))
                shots = widgets.clickable(elem_id="bd-shots")
                with gr.Column(visible=False, elem_id="bd-by-hand") as by_hand:
                    search = gr.Textbox(
                        label=t("build.search"), placeholder=t("build.search_hint"), max_lines=1, elem_id="bd-search"
                    )
                    picking = widgets.clickable(elem_id="bd-picking")
                advice = widgets.clickable(elem_id="bd-advice")
        widgets.heading(t("build.forms_title"), t("build.forms_note"))
        another = gr.Button(t("build.another"), size="sm", elem_id="bd-another", scale=0)
        forms = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="bd-forms")
        widgets.heading(t("build.save_title"), t("build.save_note"))
        with gr.Row(equal_height=False):
            name = gr.Textbox(
                label=t("build.name"), info=t("build.name_info"), max_length=120, elem_id="bd-name", min_width=WIDE
            )
            note = gr.Textbox(label=t("build.note"), info=t("build.note_info"), max_length=2000, min_width=WIDE)
        save = gr.Button(t("build.save"), variant="primary", elem_id="bd-save")
        saved = widgets.clickable(elem_id="bd-saved")
    found = locals()
    return BuildPart(**{key: found[key] for key in BuildPart.__dataclass_fields__})


def choosing(words: Words) -> dict[str, Any]:
    """How the examples are chosen: the three questions that matter, and the seed for whoever asks."""
    t = words.t
    form: dict[str, Any] = {}
    form["method"] = gr.Radio(
        [(t(f"build.method_{one}"), one) for one in get_args(Method)],
        value="balanced",
        label=t("build.method"),
        info=t("build.method_info"),
        elem_id="bd-method",
    )
    with gr.Row():
        form["count"] = gr.Slider(
            0, 32, 4, step=1, label=t("build.count"), info=t("build.count_info"), elem_id="bd-count", min_width=WIDE
        )
        form["order"] = gr.Dropdown(
            [(t(f"build.order_{one}"), one) for one in orders_for("balanced")],
            value="as_listed",
            label=t("build.order"),
            info=t("build.order_info"),
            elem_id="bd-order",
            min_width=WIDE,
        )
    with gr.Accordion(t("build.expert"), open=False):
        form["seed"] = gr.Number(0, precision=0, minimum=0, label=t("build.seed"), info=t("build.seed_info"))
    return form


def wire(services: Services, words: Words, session: Session, part: BuildPart) -> None:
    building, show, current = Building(services, words, part), shown(words), session.project_id
    drawn = [part.empty, part.body, part.base, *part.form.values(), *building.drawn, part.name]

    def with_forms(event: Any) -> None:
        """The forms need the model, which may have to be loaded first: the rest of the page does not wait for it."""
        event.then(show(building.show_forms), current, [part.forms, part.advice], **QUIET)

    with_forms(session.on_project(show(building.emptied), outputs=drawn))
    with_forms(part.choose.click(show(building.choose), [current], building.drawn, inputs_kwargs=part.form, **QUIET))
    with_forms(part.base.input(show(building.rebase), [current, part.base], drawn, **QUIET))
    listing = [part.by_hand, part.picking, part.form["order"]]
    part.form["method"].input(show(building.method), [current, part.form["method"]], listing, **QUIET)
    part.search.change(show(building.find), [current, part.search], part.picking, trigger_mode="always_last", **QUIET)
    for listed in (part.shots, part.picking, part.advice):
        with_forms(listed.click(show(building.press), [current, part.search], building.drawn, **QUIET))
    with_forms(part.another.click(show(building.another), current, building.drawn, **QUIET))
    part.save.click(show(building.save), [current, part.name, part.note], [part.saved, part.base, part.note], **QUIET)
