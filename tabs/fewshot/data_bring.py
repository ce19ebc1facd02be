"""Bringing data in: reading it, guessing what it is, showing the first rows as the model will see them, keeping it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from backend.answering import Question
from backend.assistants import Assistant
from backend.errors import StudioError
from backend.examples.adding import Added
from backend.examples.example import NewExample
from backend.examples.importing import Guess, examples_of, guess_task, preview
from backend.examples.mapping import Mapping, guess_mapping
from backend.examples.shapes import Source
from backend.examples.splits import place_new, splits_made
from backend.examples.store import ExampleStore
from backend.examples.task import Task
from backend.messages import Message
from backend.projects.folder import Project
from backend.prompts.for_task import plain_assistant
from backend.prompts.templates import variables
from tabs import widgets
from tabs.fewshot import data_bring_views as views
from tabs.fewshot.data_columns import check, inputs_of, joined, named_inputs, new_labels, usable
from tabs.fewshot.data_desk import Desk, Updates
from tabs.fewshot.data_marks import pressed
from tabs.fewshot.data_sources import Sources, sample
from tabs.fewshot.data_standing import metric_update, task_of, task_updates
from tabs.fewshot.data_working import Counted, working

FIRST = 4
PLAIN_TEMPLATE = "{input}"


class Bringing:
    """The handlers. Until Import is pressed nothing is kept, so a wrong guess costs nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.words, self.view = desk, desk.words, desk.view.bring
        self.sources = Sources()

    # --- reading and guessing

    def look(self, file: str | None, pasted: str, header: str, project_id: str, request: gr.Request) -> Iterator[Any]:
        """Read what was handed in and propose what each column is for. What cannot be read is told in its place."""
        view = self.view
        if not file and not (pasted or "").strip():
            yield {view.facts: "", view.guess: gr.update(visible=False)}
            return
        project = self.desk.project(project_id, request)
        reading = {view.facts: views.busy(self.words.t("data.reading")), view.start: gr.update(interactive=False)}
        try:
            source = yield from working(lambda: self.read(file, pasted, header), lambda: reading)
            yield self.guessed(project, source)
        except StudioError as fault:
            told = widgets.told(self.words, fault.key, fault.details)
            yield {view.facts: views.fault(told), view.guess: gr.update(visible=False)}

    def sample(self, project_id: str, event: gr.EventData, request: gr.Request) -> Any:
        """The film reviews that come with the studio, as if somebody had handed them in."""
        asked = pressed(event)
        if asked.do != "sample":
            return gr.skip()
        project, file = self.desk.project(project_id, request), sample(asked.what)
        source = self.read(file, "", "auto")
        handed = {self.view.file: file, self.view.pasted: "", self.view.header: "auto"}
        return {**handed, self.view.box: gr.update(open=True), **self.guessed(project, source)}

    def read(self, file: str | None, pasted: str, header: str) -> Source:
        return self.sources.read(file, pasted, header, self.words.t("data.pasted_name"))

    def guessed(self, project: Project, source: Source) -> Updates:
        """Everything below the source, as it was guessed."""
        mapping = guess_mapping(source)
        mapping = replace(mapping, inputs=named_inputs([*mapping.inputs.values()], mapping, project.examples.task()))
        return {
            self.view.facts: views.facts_view(self.words, source),
            self.view.guess: gr.update(visible=True),
            **self.chosen(source, mapping),
            **self.with_task(project, source, mapping),
        }

    def chosen(self, source: Source, mapping: Mapping) -> Updates:
        """The columns' pickers. Those that such data never needs are not shown."""
        columns, one = list(source.table.columns), self.words.t("data.none")
        values: dict[str, Any] = {
            "inputs": list(mapping.inputs.values()),
            "output": mapping.output or "",
            "spans": mapping.spans or "",
            "split": mapping.split or "",
            "groups": list(mapping.groups),
            "tags": mapping.tags or "",
        }
        several = {"inputs", "groups"}
        shown = {"inputs": True, "output": True, "spans": source.shape in ("spans", "iob") or bool(mapping.spans)}
        spare = len(columns) > 2
        return {
            widget: gr.update(
                choices=columns if name in several else [(one, ""), *((column, column) for column in columns)],
                value=values[name],
                visible=shown.get(name, spare),
            )
            for name, widget in self.view.columns.items()
        }

    # --- what the person changed

    def rematch(
        self, file: str | None, pasted: str, header: str, project_id: str, request: gr.Request, **form: Any
    ) -> Any:
        """Other columns: the task is guessed anew from them, and the first rows are drawn."""
        if not file and not (pasted or "").strip():
            return gr.skip()
        source = self.read(file, pasted, header)
        project = self.desk.project(project_id, request)
        return self.with_task(project, source, self.mapping(project, source, form))

    def retask(
        self, file: str | None, pasted: str, header: str, project_id: str, request: gr.Request, **form: Any
    ) -> Any:
        """Another kind of task or other labels: the first rows are drawn with them."""
        if not file and not (pasted or "").strip():
            return gr.skip()
        source, project = self.read(file, pasted, header), self.desk.project(project_id, request)
        mapping = self.mapping(project, source, form)
        task = self.task(form, inputs_of(project.examples, mapping))
        shown = task_updates(self.words, self.view.task, task)
        # What is being typed stays as it is.
        del shown[self.view.task.good]
        shown[self.view.task.labels] = gr.update(visible=shown[self.view.task.labels]["visible"])
        shown[self.view.task.metric] = metric_update(self.words, task.kind, task.metric)
        return {**shown, **self.previewed(project, source, mapping, task)}

    def with_task(self, project: Project, source: Source, mapping: Mapping) -> Updates:
        """The task that the project has, with the labels that come along; else the one that is guessed."""
        columns = tuple(note for note in mapping.reasons if note not in source.reasons)
        kept, more = project.examples.task(), []
        guess = guess_task(source, mapping) if usable(mapping) else Guess(Task(), ())
        task, notes = guess.task, (*columns, *guess.reasons)
        if kept is not None:
            notes, more = columns, [self.words.t("data.task_kept")]
            new = new_labels(kept, guess.task, source, mapping)
            more += views.new_labels_told(self.words, new)
            inputs = inputs_of(project.examples, mapping)
            task = joined(kept, new if len(new) <= views.MOST_JOINED else [], inputs)
        return {
            self.view.reasons: views.reasons_view(self.words, notes, more),
            **task_updates(self.words, self.view.task, task),
            **self.previewed(project, source, mapping, task),
        }

    def previewed(self, project: Project, source: Source, mapping: Mapping, task: Task) -> Updates:
        """The first rows, put through the prompt that would ask them."""
        faults, rows = [], []
        try:
            check(source, mapping, project.examples)
            rows = preview(source, mapping, task, FIRST)
        except StudioError as fault:
            faults.append(widgets.told(self.words, fault.key, fault.details))
        assistant, note = self.asking(project, task, rows)
        seen = [(one, self.composed(assistant, one)) for one in rows]
        return {
            self.view.preview: views.preview_view(self.words, seen, note, faults),
            self.view.start: gr.update(interactive=bool(rows)),
        }

    def asking(self, project: Project, task: Task, rows: Sequence[NewExample]) -> tuple[Assistant, str]:
        """The playground's prompt where it fits the task's inputs and says more than the input; else the plain one."""
        draft = project.draft()
        if draft is not None:
            told = draft.instructions
            says = bool(told.system.strip()) or told.template.strip() != PLAIN_TEMPLATE
            if says and set(variables(told.template)) == set(task.inputs):
                # Passages are found for a question that is asked, not for rows that are only looked at.
                return draft.model_copy(update={"documents": None}), self.words.t("data.preview_draft")
        korean = any(re.search("[가-힣]", one.text()) for one in rows)
        return plain_assistant(task, "ko" if korean else "en"), self.words.t("data.preview_plain")

    def composed(self, assistant: Assistant, one: NewExample) -> tuple[Message, ...]:
        messages: tuple[Message, ...] = self.desk.services.answers.compose(assistant, Question(one.variables))
        return messages

    def mapping(self, project: Project, source: Source, form: dict[str, Any]) -> Mapping:
        """What the pickers say. Names of inputs stay as they were guessed where the columns do."""
        guess, columns = guess_mapping(source), source.table.columns
        picked = [column for column in form["inputs"] or () if column in columns]

        def single(name: str) -> str | None:
            return str(form[name]) if form[name] in columns else None

        return replace(
            guess,
            inputs=named_inputs(picked, guess, project.examples.task()),
            output=single("output"),
            spans=single("spans"),
            rejected=None if guess.rejected == single("output") else guess.rejected,
            split=single("split"),
            tags=single("tags"),
            groups=tuple(column for column in form["groups"] or () if column in columns),
        )

    def task(self, form: dict[str, Any], inputs: tuple[str, ...]) -> Task:
        return task_of(form["kind"], form["metric"], form["labels"], form["good"], inputs or ("input",))

    # --- keeping

    def start(
        self, file: str | None, pasted: str, header: str, project_id: str, request: gr.Request, **form: Any
    ) -> Iterator[Any]:
        """Keep all rows as examples, and the task with them."""
        project = self.desk.project(project_id, request)
        steps = self.imported(project, file, pasted, header, form)
        yield from self.desk.resting(steps, lambda: {self.view.start: gr.update(interactive=True)})

    def imported(
        self, project: Project, file: str | None, pasted: str, header: str, form: dict[str, Any]
    ) -> Iterator[Updates]:
        view, store, counted = self.view, project.examples, Counted()
        source = self.read(file, pasted, header)
        mapping = self.mapping(project, source, form)
        check(source, mapping, store)
        task = self.task(form, inputs_of(store, mapping))

        def told() -> Updates:
            line = self.words.t("data.importing", count=counted.count)
            return {view.facts: views.busy(line), view.start: gr.update(interactive=False)}

        def work() -> Added:
            added = store.add(counted.through(examples_of(source, mapping, task)), kind="import")
            store.set_task(task)
            settle(store)
            return added

        added = yield from working(work, told)
        self.sources.drop(file, pasted, header)
        self.report(added, len(source.table.cells) - counted.count)
        yield {
            view.file: None,
            view.pasted: "",
            **dict.fromkeys((view.facts, view.preview, view.reasons), ""),
            view.guess: gr.update(visible=False),
            view.box: gr.update(open=False),
            view.start: gr.update(interactive=True),
        }

    def report(self, added: Added, skipped: int) -> None:
        """Say what became of the rows; `skipped` ones have no input."""
        if not added.count:
            self.words.say("data.imported_none", "warning", already=added.already)
        elif added.already:
            self.words.say("data.imported_already", "success", count=added.count, already=added.already)
        else:
            self.words.say("data.imported", "success", count=added.count)
        if added.refused or skipped:
            self.words.say("data.imported_left", "warning", count=added.refused + skipped)


def settle(store: ExampleStore) -> None:
    """Once the split is made, what comes later finds its place: near-duplicates of a test example go to it."""
    if splits_made(store) is not None:
        place_new(store)
