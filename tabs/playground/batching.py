"""A prompt over a table: reading it, matching its columns, the run, and its answers. The handlers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from backend.assistants import Assistant
from backend.batch.results import Format, Results
from backend.batch.rows import read_answers
from backend.batch.start import start_batch, suggest_mapping
from backend.errors import BadInput, NotFound, StudioError
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.prompts.table import Table, read_pasted, read_table
from backend.prompts.templates import variables
from backend.services import Services
from tabs import widgets
from tabs.playground.batch_view import COLUMNS, BatchView
from tabs.playground.batch_views import PAGE, answers_view, mapped_columns, run_view, table_view
from tabs.playground.form import read
from tabs.playground.prose import plain
from tabs.playground.setup import Setup
from tabs.playground.source_page import opened_number
from tabs.playground.spoken import whole
from tabs.session import owner
from tabs.text import Words

SHOWN = "playground.batch"
FORMATS: tuple[Format, ...] = ("csv", "xlsx", "jsonl")

Updates = dict[Any, Any]


class Batching:
    """The handlers of the batch. The run lives in the project; the page only looks at it."""

    def __init__(self, services: Services, words: Words, setup: Setup, view: BatchView) -> None:
        self.services, self.words, self.setup, self.view = services, words, setup, view

    # --- the table

    def look(self, file: str | None, pasted: str, header: bool, **form: Any) -> Updates:
        """Read the table and propose which column goes where."""
        view, t = self.view, self.words.t
        if not file and not (pasted or "").strip():
            return {view.table: "", view.start: gr.update(interactive=False), **self.no_columns()}
        try:
            table = self.table(file, pasted, header)
        except StudioError as fault:
            told = widgets.told(self.words, fault.key, fault.details)
            empty = f'<p class="pg-fault">{plain(told)}</p>'
            return {view.table: empty, view.start: gr.update(interactive=False), **self.no_columns()}
        return {
            view.table: table_view(table, t),
            view.start: gr.update(interactive=True),
            **self.columns(read(form), table),
        }

    def rematch(self, file: str | None, pasted: str, header: bool, **form: Any) -> Any:
        """The template changed: ask for the columns it needs now."""
        if not file and not (pasted or "").strip():
            return gr.skip()
        try:
            return self.columns(read(form), self.table(file, pasted, header))
        except StudioError:  # `look` has said it already.
            return gr.skip()

    def columns(self, assistant: Assistant, table: Table) -> Updates:
        wanted = variables(assistant.instructions.template)
        guess = suggest_mapping(assistant, table)
        updates: Updates = {}
        for place, widget in enumerate(self.view.columns):
            if place < len(wanted):
                label = self.words.t("playground.column_for", name=f"{{{wanted[place]}}}")
                updates[widget] = gr.update(
                    visible=True, label=label, choices=list(table.columns), value=guess.get(wanted[place])
                )
            else:
                updates[widget] = gr.update(visible=False, value=None)
        return updates

    def no_columns(self) -> Updates:
        return {widget: gr.update(visible=False) for widget in self.view.columns}

    def table(self, file: str | None, pasted: str, header: bool) -> Table:
        """Raises BadInput, StorageProblem. An uploaded file counts before pasted text."""
        if file:
            return read_table(Path(file), header=bool(header))
        return read_pasted(pasted or "", header=bool(header))

    # --- the run

    def start(
        self,
        file: str | None,
        pasted: str,
        header: bool,
        first: float | None,
        project_id: str,
        request: gr.Request,
        **form: Any,
    ) -> Updates:
        """Check everything, then hand the table to a run of its own."""
        project = self.project(project_id, request)
        if not file and not (pasted or "").strip():
            raise BadInput("error.playground_no_table")
        assistant, table = read(form), self.table(file, pasted, header)
        names = variables(assistant.instructions.template)
        mapping = {name: str(form[f"column_{place}"] or "") for place, name in enumerate(names[:COLUMNS])}
        name = Path(file).name if file else self.words.t("playground.pasted_name")
        run = start_batch(
            self.runs(project), assistant, table, mapping, name, first=int(first) if first and first > 0 else None
        )
        project.set_note(SHOWN, run.id)
        return self.state(project, run)

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """The run that was looked at last, or the newest."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        return self.state(project, self.current(project))

    def follow(self, page: int, project_id: str, request: gr.Request) -> Any:
        """Running work moved on somewhere: redraw the run that is looked at, if it is one of those that move."""
        if not project_id:
            return gr.skip()
        run = self.current(self.project(project_id, request))
        return gr.skip() if run is None else self.drawn(run, page)

    def pick(self, run_id: str | None, project_id: str, request: gr.Request) -> Any:
        """Look at another batch of this project."""
        if not run_id:
            return gr.skip()
        project = self.project(project_id, request)
        run = self.get(project, run_id)
        project.set_note(SHOWN, run.id)
        return self.state(project, run)

    def tend(self, project_id: str, run_id: str | None, request: gr.Request, event: gr.EventData) -> Updates:
        """Stop, resume, turn the page, or write the answers into a file."""
        told = event._data if isinstance(event._data, dict) else {}
        project = self.project(project_id, request)
        of_shown = told.get("act") in ("page", "cite")  # "to" is then a page or a passage of the run on screen
        run = self.get(project, str(run_id if of_shown else told.get("to")))
        runs, act_name, page = self.runs(project), told.get("act"), 0
        if act_name == "cite":
            return self.cited(project, run, told)
        if act_name == "save":
            form = next((one for one in FORMATS if one == told.get("form")), None)
            if form is None:
                raise BadInput("error.page_action")
            kept = Results.of(run).export(form, lambda key, details: widgets.told(self.words, key, details))
            return {self.view.download: widgets.handed_over(kept)}
        if act_name == "stop":
            run = runs.stop(run.id)
        elif act_name == "resume":
            run = runs.resume(run.id)
        elif act_name == "page":
            page = int(told["to"]) if str(told.get("to", "")).isdecimal() else 0
        return {**self.drawn(run, page), self.view.page: page, self.view.download: None, self.view.opened: ""}

    def cited(self, project: Project, run: Run, told: dict[str, Any]) -> Updates:
        """The passage that a citation of a row names, in its page. Raises NotFound."""
        row, number = whole(told.get("place")), whole(told.get("to"))
        answer = read_answers(run.folder, (row,)).get(row)
        passages = answer.passages if answer is not None else ()
        return {self.view.opened: opened_number(project, passages, number, self.words)}

    # --- what is shown

    def state(self, project: Project, run: Run | None) -> Updates:
        batches = [one for one in self.runs(project).list() if one.kind == "batch"]
        labels = [(f"{one.title} · {self.words.when(one.created)}", one.id) for one in batches]
        return {
            self.view.run_id: gr.update(choices=labels, value=run.id if run else None, visible=bool(labels)),
            self.view.page: 0,
            self.view.opened: "",
            **self.drawn(run, 0),
        }

    def drawn(self, run: Run | None, page: int) -> Updates:
        if run is None:
            return {self.view.status: "", self.view.answers: self.hint()}
        results = Results.of(run)
        columns = mapped_columns(results.config.mapping, results.config.columns)
        listed = answers_view(results.page(page, PAGE), columns, page, results.config.rows, self.words)
        failed = results.counts()[1]
        return {self.view.status: run_view(run, failed, self.words), self.view.answers: listed}

    def hint(self) -> str:
        return f'<p class="pg-quiet pg-hint">{plain(self.words.t("playground.batch_hint"))}</p>'

    def current(self, project: Project) -> Run | None:
        kept = project.get_note(SHOWN)
        batches = [one for one in self.runs(project).list() if one.kind == "batch"]
        return next((one for one in batches if one.id == kept), batches[0] if batches else None)

    def get(self, project: Project, run_id: str) -> Run:
        """Raises NotFound for a run that is not a batch of this project."""
        run = self.runs(project).get(run_id)
        if run.kind != "batch":
            raise NotFound("error.run_missing")
        return run

    def runs(self, project: Project) -> Runs:
        return self.services.runs(project)

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)
