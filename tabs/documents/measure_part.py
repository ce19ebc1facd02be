"""The measure part: questions with known places, how well each way of searching finds them, and what does better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import gradio as gr

from backend.documents.measuring.sweep import OVERLAPS, SIZES
from backend.services import Services
from tabs import widgets
from tabs.documents.measure_doing import Doing
from tabs.documents.measure_trying import Trying
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET
from tabs.text import Words

COUNTS: Final = (5, 10, 20, 50)
FOLLOW: Final = QUIET | {"trigger_mode": "once", "show_progress": "minimal"}


@dataclass(frozen=True)
class MeasurePart:
    """The components. `place` is the page of the list and the question that is being edited, for one project."""

    place: gr.State
    empty: gr.HTML
    body: gr.Column
    form: gr.Accordion
    question: gr.Textbox
    answer: gr.Textbox
    places: gr.HTML
    document: gr.Dropdown
    quote: gr.Textbox
    page: gr.Textbox
    more: gr.Button
    keep: gr.Button
    table: gr.File
    brought: gr.HTML
    listing: gr.HTML
    writer: gr.Dropdown
    count: gr.Radio
    write: gr.Button
    writing: gr.HTML
    measure: gr.Button
    measuring: gr.HTML
    stale: gr.HTML
    measured: gr.HTML
    sizes: gr.CheckboxGroup
    overlaps: gr.CheckboxGroup
    budget: gr.Slider
    sweep: gr.Button
    swept: gr.HTML
    answers: gr.Button
    answered: gr.HTML


def layout(words: Words) -> MeasurePart:
    t = words.t
    place = gr.State(None)
    widgets.heading(t("measure.title"), t("measure.note"))
    empty = widgets.clickable(elem_id="dr-empty")
    with gr.Column(visible=False, elem_id="dr-body") as body:
        with gr.Column(elem_classes="card", elem_id="dr-questions"):
            widgets.heading(t("measure.questions_title"), t("measure.questions_note"))
            listing = widgets.clickable(elem_id="dr-list")
            form, fields = _form(words)
            table, brought = _table(words)
            writing = _writing(words)
        with gr.Column(elem_classes="card", elem_id="dr-measure-card"):
            widgets.heading(t("measure.table_title"), t("measure.table_note"))
            measure = gr.Button(t("measure.do_measure"), variant="primary", scale=0, elem_id="dr-measure")
            measuring = widgets.clickable(elem_id="dr-measuring")
            stale = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dr-stale")
            measured = widgets.clickable(elem_id="dr-measured")
        with gr.Column(elem_classes="card", elem_id="dr-sweep-card"):
            widgets.heading(t("measure.sweep_title"), t("measure.sweep_note"))
            sizes, overlaps, budget, sweep, swept = _sweep(words)
        with gr.Column(elem_classes="card", elem_id="dr-answers-card"):
            widgets.heading(t("measure.answers_title"), t("measure.answers_note"))
            answers = gr.Button(t("measure.do_answers"), size="sm", scale=0, elem_id="dr-answers")
            answered = widgets.clickable(elem_id="dr-answered")
    return MeasurePart(
        place, empty, body, form, *fields, table, brought, listing, *writing, measure, measuring, stale,
        measured, sizes, overlaps, budget, sweep, swept, answers, answered,
    )  # fmt: skip


Form = tuple[gr.Textbox, gr.Textbox, gr.HTML, gr.Dropdown, gr.Textbox, gr.Textbox, gr.Button, gr.Button]


def _form(words: Words) -> tuple[gr.Accordion, Form]:
    t = words.t
    with gr.Accordion(t("measure.add"), open=False, elem_id="dr-form") as form:
        question = gr.Textbox(
            label=t("measure.question"), info=t("measure.question_info"), max_length=1_000, elem_id="dr-question"
        )
        answer = gr.Textbox(
            label=t("measure.answer"), info=t("measure.answer_info"), max_length=10_000, elem_id="dr-answer"
        )
        places = widgets.clickable(elem_id="dr-places")
        with gr.Row():
            document = gr.Dropdown(
                [], label=t("measure.document"), info=t("measure.document_info"), elem_id="dr-document", scale=3
            )
            page = gr.Textbox(
                label=t("measure.page"), info=t("measure.page_info"), max_length=6, elem_id="dr-page", scale=1
            )
        quote = gr.Textbox(
            label=t("measure.quote"), info=t("measure.quote_info"), max_length=20_000, lines=2, elem_id="dr-quote"
        )
        with gr.Row(elem_classes="dr-buttons"):
            keep = gr.Button(t("common.save"), size="sm", variant="primary", scale=0, elem_id="dr-keep")
            more = gr.Button(t("measure.more"), size="sm", scale=0, elem_id="dr-more")
    return form, (question, answer, places, document, quote, page, more, keep)


def _table(words: Words) -> tuple[gr.File, gr.HTML]:
    t = words.t
    with gr.Accordion(t("measure.bring"), open=False, elem_id="dr-bring"):
        table = gr.File(
            label=t("measure.table_file"), file_count="single", file_types=[".csv", ".tsv", ".txt"], height=150,
            elem_id="dr-table",
        )  # fmt: skip
        gr.HTML(f'<p class="note">{t("measure.table_columns")}</p>', apply_default_css=False, js_on_load=None)
        brought = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dr-brought")
    return table, brought


def _writing(words: Words) -> tuple[gr.Dropdown, gr.Radio, gr.Button, gr.HTML]:
    t = words.t
    with gr.Accordion(t("measure.let_write"), open=False, elem_id="dr-writing"):
        with gr.Row():
            writer = gr.Dropdown(
                [], label=t("measure.writer"), info=t("measure.writer_info"), elem_id="dr-writer", scale=3
            )
            count = gr.Radio(
                list(COUNTS), value=COUNTS[1], label=t("measure.count"), info=t("measure.count_info"), scale=2,
                elem_id="dr-count",
            )  # fmt: skip
        write = gr.Button(t("measure.do_write"), size="sm", scale=0, elem_id="dr-write")
    told = widgets.clickable(elem_id="dr-written")
    return writer, count, write, told


def _sweep(words: Words) -> tuple[gr.CheckboxGroup, gr.CheckboxGroup, gr.Slider, gr.Button, gr.HTML]:
    t = words.t
    with gr.Row():
        sizes = gr.CheckboxGroup(
            list(SIZES), value=list(SIZES), label=t("measure.sizes"), info=t("measure.sizes_info"), elem_id="dr-sizes"
        )
        overlaps = gr.CheckboxGroup(
            [(f"{share * 100:g} %", share) for share in OVERLAPS],
            value=[OVERLAPS[1]],
            label=t("measure.overlaps"),
            info=t("measure.overlaps_info"),
            elem_id="dr-overlaps",
        )
    budget = gr.Slider(
        256, 8192, 2048, step=256, label=t("measure.budget"), info=t("measure.budget_info"), elem_id="dr-budget"
    )
    start = gr.Button(t("measure.do_sweep"), size="sm", scale=0, elem_id="dr-sweep")
    told = widgets.clickable(elem_id="dr-swept")
    return sizes, overlaps, budget, start, told


def wire(services: Services, words: Words, inside: Inside, view: MeasurePart) -> None:
    doing, show, current = Doing(services, words, view, inside.parts), shown(words), inside.project_id
    trying, editing = Trying(services, words, view, doing), doing.editing
    fields = [view.question, view.answer, view.document, view.quote, view.page]
    form = [*fields, view.places, view.form]
    listed = [view.place, view.listing, view.stale]
    runs = [view.writing, view.measuring, view.swept, view.answered]
    drawn = [*listed, *form, view.empty, view.body, view.writer, view.measured, *runs]
    looking = [current, view.place]
    inside.on_project(show(trying.restore), [view.place], [*drawn, view.brought])
    inside.seen.change(show(trying.follow), looking, [*listed, view.measured, *runs], **QUIET)
    view.keep.click(show(doing.keep), [*looking, *fields], [*listed, *form], **FOLLOW)
    placed = [view.document, view.quote, view.page]
    view.more.click(show(editing.more), [*looking, *placed], [view.place, view.places, *placed], **FOLLOW)
    view.places.click(show(editing.press), looking, [view.place, *form], **QUIET)
    view.table.upload(show(doing.bring), [*looking, view.table], [*listed, view.brought, view.table], **FOLLOW)
    view.listing.click(show(doing.press), looking, [*listed, *form, inside.parts], **QUIET)
    view.empty.click(show(doing.press), looking, [inside.parts], **QUIET)
    view.measure.click(show(trying.measure), current, view.measuring, **FOLLOW)
    view.write.click(show(trying.write), [current, view.writer, view.count], view.writing, **FOLLOW)
    sweeping = [current, view.sizes, view.overlaps, view.budget]
    view.sweep.click(show(trying.sweep), sweeping, view.swept, **FOLLOW)
    view.answers.click(show(trying.answer), current, view.answered, **FOLLOW)
    for pressed in (view.writing, view.measuring, view.measured, view.swept, view.answered):
        pressed.click(show(trying.press), looking, [*listed, view.measured, *runs], **QUIET)
