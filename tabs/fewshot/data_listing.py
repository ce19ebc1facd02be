"""The list of examples: searching, turning pages, editing in place, adding, tagging, moving, removing, undoing."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from backend.errors import BadInput, Busy, Refused
from backend.examples.entity_text import read_spans
from backend.examples.example import Example, NewExample, Span
from backend.examples.exporting import export_examples
from backend.examples.splits import place_new, splits_made
from backend.examples.store import ExampleStore
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.text_limits import clean_text
from tabs import widgets
from tabs.errors import tell
from tabs.fewshot.data_desk import Desk, Place, Updates, last_edit
from tabs.fewshot.data_list_views import FORMATS, Typed
from tabs.fewshot.data_marks import Pressed, pressed, whole

LONGEST = 1_000_000
"""Characters of one field that is typed or pasted; a file may bring longer ones."""


class Listing:
    """The handlers of the list. Each redraws what it changed."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.words, self.view = desk, desk.words, desk.view.rows

    def restore(self, project_id: str, request: gr.Request, **place: Any) -> Any:
        """Everything as it is now, for a page that opens or comes back to this tab."""
        if not project_id:
            return gr.skip()
        return self.desk.everything(self.desk.project(project_id, request), Place(**place))

    def opened(
        self,
        project_id: str,
        search: str,
        filters: Mapping[str, str],
        page: int,
        row: str,
        only: list[int],
        request: gr.Request,
    ) -> Any:
        """As `restore`, for a page that nobody pressed on: another project's list begins anew."""
        told = dict(filters or {})
        if told.pop("project", "") != project_id:
            return self.restore(project_id, request, search=search)
        return self.restore(project_id, request, search=search, page=page, row=row, only=only, **told)

    def filtered(self, project_id: str, request: gr.Request, **place: Any) -> Any:
        """A filter changed: from the first page on, with no form open."""
        if not project_id:
            return gr.skip()
        return self.desk.listed(self.desk.project(project_id, request), replace(Place(**place), page=0, row=""))

    def press(self, project_id: str, event: gr.EventData, request: gr.Request, **place: Any) -> Updates:
        """A button of the list."""
        asked, project, here = pressed(event), self.desk.project(project_id, request), Place(**place)
        if asked.do == "export":
            return {self.view.download: self.exported(project, asked.what)}
        looks = {
            "page": replace(here, page=whole(asked.what) if asked.do == "page" else 0, row=""),
            "edit": replace(here, row=asked.what),
            "new": replace(here, row="new"),
            "close": replace(here, row=""),
            "only_off": replace(here, only=(), page=0, row=""),
        }
        if asked.do in looks:
            return self.desk.listed(project, looks[asked.do])
        if asked.do == "save":
            return self.save(project, here, asked)
        self.change(project.examples, asked)
        return self.desk.everything(project, replace(here, row=""))

    def change(self, store: ExampleStore, asked: Pressed) -> None:
        """What changes more than one row, or none that is being edited. Raises BadInput, Refused."""
        if asked.do == "add":
            self.add(store, asked)
        elif asked.do == "undo":
            self.undo(store, asked.number)
        elif asked.do == "remove_one":
            self.removed(store, (asked.number,))
        elif not asked.ticked:
            raise BadInput("error.data_none_ticked")
        elif asked.do == "remove":
            self.removed(store, asked.ticked)
        elif asked.do in ("tag", "untag"):
            self.tagged(store, asked)
        elif asked.do == "move":
            store.set_split(asked.ticked, split_of(asked.fields.get("split", "")))
        else:
            raise BadInput("error.page_action")

    def undo(self, store: ExampleStore, number: int) -> None:
        """Take back the edit that the button named. Raises Busy when something else was done since."""
        last = last_edit(store)
        if last is not None and last.id != number:
            raise Busy("error.data_undo_other")
        edit = store.undo() if last is not None else None
        self.words.say("data.undone" if edit else "data.nothing_to_undo")

    def removed(self, store: ExampleStore, ids: tuple[int, ...]) -> None:
        store.remove(ids)
        self.words.say("data.removed", count=len(ids))

    def tagged(self, store: ExampleStore, asked: Pressed) -> None:
        name = " ".join(asked.fields.get("tag", "").split())[:60]
        if not name:
            raise BadInput("error.data_no_tag")
        (store.tag if asked.do == "tag" else store.untag)(asked.ticked, name)

    def add(self, store: ExampleStore, asked: Pressed) -> None:
        """Keep an example written by hand. Raises BadInput for one without an input or an answer."""
        task = store.task()
        one = filled(NewExample(variables={}, output="", origin="hand"), asked.fields, task)
        if not any(text.strip() for text in one.variables.values()) or not one.output.strip():
            raise BadInput("error.data_half_filled")
        added = store.add([one], kind="hand")
        if added.count and splits_made(store) is not None:
            place_new(store)
        self.words.say("data.added" if added.count else "data.added_before", "success" if added.count else "info")

    def save(self, project: Project, here: Place, asked: Pressed) -> Updates:
        """Keep what was changed in a row. The later of two people sees the newer text, and keeps what was typed."""
        store = project.examples
        number, revision = asked.number, whole(asked.fields.get("revision", ""))
        before = store.get(number)
        one = filled(before, asked.fields, store.task())
        try:
            changed = {"spans": one.spans} if one.spans is not None else {}
            store.edit(number, revision, variables=one.variables, output=one.output, groups=one.groups, **changed)
        except Busy as fault:
            tell(self.words, fault, halt=False)
            typed = Typed((*one.variables.items(), (self.words.t("data.output_field"), one.output)))
            return self.desk.listed(project, replace(here, row=str(number)), typed)
        return self.desk.everything(project, replace(here, row=""))

    def exported(self, project: Project, wanted: str) -> str:
        """A file of all examples, ready to be taken. Raises BadInput, Refused."""
        form = next((one for one in FORMATS if one == wanted), None)
        if form is None:
            raise BadInput("error.page_action")
        if not project.examples.counts().total:
            raise Refused("error.data_nothing_to_export")
        name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", project.info.name).strip(" .")[:80] or "examples"
        with tempfile.TemporaryDirectory(prefix="matchum-export-") as folder:
            file = Path(folder) / f"{name}.{form}"
            export_examples(project.examples, form, file)
            return widgets.handed_over(file)


def split_of(name: str) -> Any:
    if name not in ("train", "dev", "test"):
        raise BadInput("error.page_action")
    return name


def filled(one: NewExample | Example, fields: Mapping[str, str], task: Task | None) -> NewExample:
    """The example as its form says it. Raises BadInput("error.data_spans") for entities that are not in the text."""
    variables = {name[2:]: clean_text(text, LONGEST) for name, text in fields.items() if name.startswith("v:")}
    groups = {name[2:]: clean_text(text, 2_000) for name, text in fields.items() if name.startswith("g:")}
    output = clean_text(fields.get("output", ""), LONGEST)
    spans = spans_of(variables, output, task) if task is not None and task.kind == "entities" else None
    return NewExample(
        variables=variables or one.variables,
        output=output if task is None or not task.labelled else output.strip(),
        spans=spans,
        groups=groups or one.groups,
        origin=one.origin,
    )


def spans_of(variables: Mapping[str, str], output: str, task: Task) -> tuple[Span, ...]:
    """Where the entities stand that the answer names, one "label: text" per line."""
    name = next(iter(variables), "input")
    read = read_spans(variables.get(name, ""), output, task.labels, name)
    if read is None:
        raise BadInput("error.data_spans_format")
    if read.unfound:
        raise BadInput("error.data_spans", text=read.unfound[0][1][:80])
    return read.spans
