"""The widgets of the data part, top to bottom: what stands, bringing data in, looking it over, splitting, the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.examples.task import KINDS, METRICS
from tabs import widgets
from tabs.fewshot.data_marks import marked
from tabs.fewshot.data_views import metric_name
from tabs.text import Words

DOWNLOAD = "fs-download"
HEADER = ("auto", "names", "data")
"""What the first line of a table is; "auto" finds out."""
ENDINGS = [".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".json", ".jsonl", ".ndjson", ".parquet", ".conll", ".iob"]


@dataclass(frozen=True)
class TaskForm:
    """The task in four fields; `labels` one per line."""

    kind: gr.Dropdown
    metric: gr.Dropdown
    labels: gr.Textbox
    good: gr.Textbox

    @property
    def fields(self) -> list[Any]:
        return [self.kind, self.metric, self.labels, self.good]


@dataclass(frozen=True)
class BringView:
    """Bringing data in: the source, what was made of it, its columns, the task, and the first rows."""

    box: gr.Accordion
    file: gr.File
    pasted: gr.Textbox
    header: gr.Radio
    facts: gr.HTML
    guess: gr.Column
    columns: dict[str, gr.Dropdown]
    task: TaskForm
    reasons: gr.HTML
    preview: gr.HTML
    start: gr.Button

    @property
    def source(self) -> list[Any]:
        return [self.file, self.pasted, self.header]

    @property
    def outputs(self) -> list[Any]:
        """All that is drawn below the source."""
        fields = [*self.columns.values(), self.reasons, *self.task.fields]
        return [self.facts, self.guess, *fields, self.preview, self.start]


@dataclass(frozen=True)
class SplitView:
    """`anew` says that splits which are there shall be made again."""

    box: gr.Accordion
    dev: gr.Slider
    test: gr.Slider
    seed: gr.Number
    look: gr.Button
    plan: gr.HTML
    make: gr.Button
    anew: gr.State

    @property
    def shares(self) -> list[Any]:
        return [self.dev, self.test, self.seed]


@dataclass(frozen=True)
class ListView:
    """`only` holds the ids a finding narrows the list to; `row` the row whose form is open, "new" for an empty one.

    `filters` is what the pickers were set to when the list was last drawn, and of which project.
    """

    search: gr.Textbox
    split: gr.Dropdown
    label: gr.Dropdown
    tag: gr.Dropdown
    page: gr.State
    row: gr.State
    only: gr.State
    filters: gr.State
    listing: gr.HTML
    download: gr.DownloadButton

    @property
    def drawn(self) -> list[Any]:
        """What a redrawing of the list alone sets."""
        return [self.listing, self.page, self.row, self.only, self.filters]


@dataclass(frozen=True)
class Layout:
    """All of the data part. `found` holds the ids of each kind of finding, to be shown in the list."""

    standing: gr.HTML
    change: gr.Column
    task: TaskForm
    save_task: gr.Button
    cancel_task: gr.Button
    bring: BringView
    look_box: gr.Accordion
    look: gr.Button
    findings: gr.HTML
    found: gr.State
    split: SplitView
    rows: ListView


def layout(words: Words) -> Layout:
    t = words.t
    standing = marked(elem_id="fs-standing")
    with gr.Column(visible=False, elem_classes="card fs-change", elem_id="fs-change") as change:
        task = task_form(words, "fs-task")
        with gr.Row(elem_classes="tight start"):
            save_task = gr.Button(t("common.save"), variant="primary", size="sm", scale=0, elem_id="fs-task-save")
            cancel_task = gr.Button(t("common.cancel"), size="sm", scale=0)
    bring = bring_layout(words)
    with gr.Accordion(t("data.look"), open=False, elem_id="fs-look") as look_box:
        gr.HTML(f'<p class="note">{t("data.look_note")}</p>', apply_default_css=False, js_on_load=None)
        look = gr.Button(t("data.look_start"), size="sm", elem_id="fs-look-start", elem_classes="fs-narrow")
        findings, found = marked(elem_id="fs-findings"), gr.State({})
    split = split_layout(words)
    rows = list_layout(words)
    return Layout(standing, change, task, save_task, cancel_task, bring, look_box, look, findings, found, split, rows)


def task_form(words: Words, name: str) -> TaskForm:
    t = words.t
    with gr.Row(equal_height=False):
        kind = gr.Dropdown(
            [(t(f"data.kind_{one}"), one) for one in KINDS],
            value="classification",
            label=t("data.kind"),
            info=t("data.kind_info"),
            min_width=200,
            elem_id=f"{name}-kind",
        )
        metric = gr.Dropdown(
            metric_choices(words, "classification"),
            label=t("data.metric"),
            info=t("data.metric_info"),
            min_width=200,
            elem_id=f"{name}-metric",
        )
    with gr.Row(equal_height=False):
        labels = gr.Textbox(
            label=t("data.labels"),
            info=t("data.labels_info"),
            lines=3,
            max_lines=8,
            min_width=200,
            elem_id=f"{name}-labels",
        )
        good = gr.Textbox(
            label=t("data.good"),
            info=t("data.good_info"),
            placeholder=t("data.good_placeholder"),
            lines=3,
            max_lines=8,
            max_length=4_000,
            min_width=200,
            elem_id=f"{name}-good",
        )
    return TaskForm(kind, metric, labels, good)


def metric_choices(words: Words, kind: str) -> list[tuple[str, str]]:
    """The metrics that make sense for a kind of task, the proposed one first."""
    return [(metric_name(words, metric), metric) for known in KINDS if known == kind for metric in METRICS[known]]


def bring_layout(words: Words) -> BringView:
    t = words.t
    with gr.Accordion(t("data.bring"), open=False, elem_id="fs-bring") as box:
        with gr.Row(equal_height=False):
            file = gr.File(
                label=t("data.file"), file_types=ENDINGS, height=168, scale=1, min_width=240, elem_id="fs-file"
            )
            pasted = gr.Textbox(
                label=t("data.pasted"),
                placeholder=t("data.pasted_placeholder"),
                lines=4,
                max_lines=8,
                scale=2,
                min_width=260,
                elem_id="fs-pasted",
            )
        header = gr.Radio(
            [(t(f"data.header_{one}"), one) for one in HEADER],
            value="auto",
            label=t("data.header"),
            elem_id="fs-header",
        )
        facts = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="fs-facts")
        with gr.Column(visible=False, elem_id="fs-guess") as guess:
            columns = column_layout(words)
            reasons = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="fs-reasons")
            task = task_form(words, "fs-guess")
            preview = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="fs-preview")
            start = gr.Button(t("data.import"), variant="primary", elem_id="fs-import", elem_classes="fs-narrow")
    return BringView(box, file, pasted, header, facts, guess, columns, task, reasons, preview, start)


def column_layout(words: Words) -> dict[str, gr.Dropdown]:
    """What each column is taken for. The names are those of the mapping's fields."""
    t = words.t

    def pick(name: str, several: bool = False) -> gr.Dropdown:
        return gr.Dropdown(
            [],
            multiselect=several,
            label=t(f"data.column_{name}"),
            info=t(f"data.column_{name}_info"),
            min_width=180,
            interactive=True,
            elem_id=f"fs-column-{name}",
        )

    with gr.Row(equal_height=False):
        first = {"inputs": pick("inputs", True), "output": pick("output"), "spans": pick("spans")}
    with gr.Row(equal_height=False):
        more = {"split": pick("split"), "groups": pick("groups", True), "tags": pick("tags")}
    return first | more


def split_layout(words: Words) -> SplitView:
    t = words.t
    with gr.Accordion(t("data.split"), open=False, elem_id="fs-split") as box:
        gr.HTML(f'<p class="note">{t("data.split_note")}</p>', apply_default_css=False, js_on_load=None)
        with gr.Row(equal_height=False, elem_id="fs-shares"):
            dev = gr.Slider(5, 45, 20, step=5, label=t("data.share_dev"), info=t("data.share_dev_info"), min_width=200)
            test = gr.Slider(
                5, 45, 20, step=5, label=t("data.share_test"), info=t("data.share_test_info"), min_width=200
            )
            seed = gr.Number(0, precision=0, minimum=0, label=t("data.seed"), info=t("data.seed_info"), min_width=160)
        look = gr.Button(t("data.plan"), size="sm", elem_id="fs-plan-start", elem_classes="fs-narrow")
        plan, anew = marked(elem_id="fs-plan"), gr.State(False)
        make = gr.Button(t("data.make"), variant="primary", visible=False, elem_id="fs-make", elem_classes="fs-narrow")
    return SplitView(box, dev, test, seed, look, plan, make, anew)


def list_layout(words: Words) -> ListView:
    t = words.t
    widgets.heading(t("data.list"))
    with gr.Row(equal_height=False, elem_id="fs-filters"):
        search = gr.Textbox(
            label=t("data.search"), placeholder=t("data.search_hint"), max_lines=1, min_width=260, elem_id="fs-search"
        )
        split = gr.Dropdown(
            split_choices(words), value="", label=t("data.by_split"), min_width=120, elem_id="fs-by-split"
        )
        label = gr.Dropdown([], label=t("data.by_label"), min_width=140, interactive=True, elem_id="fs-by-label")
        tag = gr.Dropdown([], label=t("data.by_tag"), min_width=140, interactive=True, elem_id="fs-by-tag")
    listing = marked(elem_id="fs-list")
    download = widgets.hidden_download(DOWNLOAD)
    page, row, only, filters = gr.State(0), gr.State(""), gr.State([]), gr.State({})
    return ListView(search, split, label, tag, page, row, only, filters, listing, download)


def split_choices(words: Words) -> list[tuple[str, str]]:
    parts = [(words.t(f"data.part_{name}"), name) for name in ("train", "dev", "test")]
    return [(words.t("data.all"), ""), *parts, (words.t("data.part_unsplit"), "none")]
