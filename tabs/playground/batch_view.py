"""The batch's widgets: a table in, its columns matched to the template, a run, and the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from tabs import widgets
from tabs.playground.setup import CLICKS, SLOTS
from tabs.text import Words

COLUMNS = SLOTS + 1
DOWNLOAD = "playground-download"
ENDINGS = [".csv", ".tsv", ".txt", ".xlsx", ".jsonl"]


@dataclass(frozen=True)
class BatchView:
    file: gr.File
    pasted: gr.Textbox
    header: gr.Checkbox
    table: gr.HTML
    columns: tuple[gr.Dropdown, ...]
    first: gr.Number
    start: gr.Button
    run_id: gr.Dropdown
    page: gr.State
    status: gr.HTML
    answers: gr.HTML
    opened: gr.HTML
    download: gr.DownloadButton

    @property
    def source(self) -> list[Any]:
        return [self.file, self.pasted, self.header]

    @property
    def result(self) -> list[Any]:
        return [self.run_id, self.page, self.status, self.answers, self.opened]

    @property
    def named_columns(self) -> dict[str, Any]:
        """The column pickers as they travel with an event, by name."""
        return {f"column_{place}": widget for place, widget in enumerate(self.columns)}


def layout(words: Words) -> BatchView:
    t = words.t
    with gr.Row(elem_classes="pg-batch-in"):
        file = gr.File(
            label=t("playground.table_file"),
            file_types=ENDINGS,
            height=132,
            elem_id="pg-table-file",
            scale=1,
            min_width=220,
        )
        pasted = gr.Textbox(
            label=t("playground.table_pasted"),
            placeholder=t("playground.table_placeholder"),
            lines=4,
            max_lines=8,
            elem_id="pg-table-text",
            scale=2,
            min_width=260,
        )
    header = gr.Checkbox(True, label=t("playground.table_header"), info=t("playground.table_header_info"))
    table = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="pg-table")
    with gr.Row():
        columns = tuple(
            gr.Dropdown([], visible=False, min_width=180, elem_id=f"pg-column-{place}") for place in range(COLUMNS)
        )
    with gr.Row(equal_height=False, elem_classes="pg-batch-go"):
        first = gr.Number(
            0,
            precision=0,
            label=t("playground.first_rows"),
            info=t("playground.first_rows_info"),
            scale=2,
        )
        start = gr.Button(
            t("playground.batch_start"),
            variant="primary",
            interactive=False,
            scale=1,
            min_width=140,
            elem_id="pg-batch-start",
        )
    run_id = gr.Dropdown(
        [], visible=False, label=t("playground.batches"), info=t("playground.batches_info"), elem_id="pg-batches"
    )
    page = gr.State(0)
    status = gr.HTML(js_on_load=CLICKS, apply_default_css=False, elem_id="pg-run")
    answers = gr.HTML(js_on_load=CLICKS, apply_default_css=False, elem_id="pg-answers")
    opened = gr.HTML("", js_on_load=None, apply_default_css=False, elem_classes="pg-opened")
    download = widgets.hidden_download(DOWNLOAD)
    return BatchView(
        file, pasted, header, table, columns, first, start, run_id, page, status, answers, opened, download
    )
