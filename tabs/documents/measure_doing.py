"""The handlers of the measure part: questions are written, brought in, accepted; the table is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gradio as gr

from backend.documents.index.settings import active, index_folder
from backend.documents.measuring.importing import import_questions
from backend.documents.measuring.places import Place, holders
from backend.documents.measuring.questions import KnownQuestion
from backend.documents.measuring.told import last_measured, outdated
from backend.documents.shelf.filters import DocumentFilter
from backend.errors import BadInput, NotFound
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import measure_list, measure_views
from tabs.documents.measure_editing import Editing, spot_of
from tabs.documents.measure_state import Where
from tabs.documents.passages_state import open_passage
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]
PAGE: Final = 20
MOST_CHOICES: Final = 1_000
MOST_IDS: Final = 100_000


class Doing:
    """`view` is the MeasurePart."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts
        self.editing = Editing(services, words, view)

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    # --- drawing

    def drawn(self, project: Project, where: Where) -> Updates:
        """What does not change by itself: whether there is anything to measure, documents to choose, the table."""
        found = project.documents.list(DocumentFilter(states=("indexed",)), limit=MOST_CHOICES)
        missing = "" if found else measure_views.nothing_view(self.words)
        told = last_measured(project)
        handed = self.editing.handed(project, replace(where, measured=told.when if told is not None else 0.0))
        return {
            self.view.empty: missing,
            self.view.body: gr.update(visible=not missing),
            self.view.document: gr.update(choices=[(one.place, one.id) for one in found]),
            self.view.measured: self.measured(project),
            self.view.brought: "",
            **handed,
            **self.listed(project, handed[self.view.place]),
        }

    def listed(self, project: Project, where: Where) -> Updates:
        """The list, and whether what was measured still holds for it."""
        store = project.questions
        total, proposed = store.count(), store.count("proposed")
        page = max(0, min(where.page, (total - 1) // PAGE))
        rows = [self._row(project, one) for one in store.list(offset=page * PAGE, limit=PAGE, lost_first=True)]
        turn = measure_list.Turn(page, PAGE, total, proposed, store.lost())
        html = measure_list.list_view(self.words, rows, turn)
        return {
            self.view.place: replace(where, page=page, drawn=html),
            self.view.listing: html,
            self.view.stale: self.stale(project),
        }

    def stale(self, project: Project) -> str:
        """That the table is not of what is there now, if so."""
        told = last_measured(project)
        return measure_views.stale_view(self.words) if told is not None and outdated(project, told) else ""

    def _row(self, project: Project, one: KnownQuestion) -> measure_list.Row:
        return measure_list.Row(one, tuple(spot_of(project, place) for place in one.places))

    def measured(self, project: Project) -> str:
        told = last_measured(project)
        if told is None:
            return ""
        draft = project.draft()
        now = draft.documents.retriever if draft is not None and draft.documents is not None else None
        return measure_views.measured_view(self.words, told, now)

    # --- questions

    def keep(
        self,
        project_id: str,
        where: Where | None,
        question: str,
        answer: str,
        document: int | None,
        quote: str,
        page: str,
        request: gr.Request,
    ) -> Updates:
        """Write a question down, or in place of the one that is being edited."""
        project = self.project(project_id, request)
        here = Where.here(where, project)
        places = self.editing.places(project, here, document, quote or "", page or "")
        if here.editing is None:
            kept = project.questions.add(question or "", places, answer or "")
            self.words.say("measure.kept" if kept else "measure.kept_same", "success" if kept else "info")
        else:
            project.questions.edit(here.editing, question=question or "", answer=answer or "", places=places)
            self.words.say("measure.kept", "success")
        last = project.questions.count() // PAGE if here.editing is None else here.page
        cleared = self.editing.cleared(project, replace(here, page=last))
        return {**cleared, **self.listed(project, cleared[self.view.place])}

    def bring(self, project_id: str, where: Where | None, path: str | None, request: gr.Request) -> Any:
        if not path:
            return gr.skip()
        project = self.project(project_id, request)
        done = import_questions(project, Path(path))
        told = measure_list.imported_view(self.words, done)
        return {**self.listed(project, Where.here(where, project)), self.view.brought: told, self.view.table: None}

    def press(self, project_id: str, where: Where | None, request: gr.Request, event: gr.EventData) -> Any:
        """A button of the list: turn the page; accept, edit, remove a question; read its place."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        here = Where.here(where, project)
        if pressed.do == "to_files":
            return {self.parts: gr.Tabs(selected="files")}
        if pressed.do == "accept_all":
            project.questions.accept(one.id for one in project.questions.list("proposed", limit=MOST_IDS))
            return self.listed(project, here)
        number = _number(pressed.what)
        if pressed.do == "page":
            return self.listed(project, replace(here, page=number))
        if pressed.do == "accept":
            project.questions.accept([number])
        elif pressed.do == "drop":
            project.questions.remove([number])
        elif pressed.do == "edit":
            return self.editing.begun(project, here, project.questions.get(number))
        elif pressed.do == "read":
            self.open_place(project, project.questions.get(number))
            return {self.parts: gr.Tabs(selected="passages")}
        else:
            raise BadInput("error.page_action")
        return self.listed(project, here)

    def open_place(self, project: Project, one: KnownQuestion) -> None:
        place = next((place for place in one.places if not place.lost), None)
        if place is None:
            raise NotFound("error.measure_question_missing")
        open_passage(project, place.document_id, self._passage_of(project, place))

    def _passage_of(self, project: Project, place: Place) -> int | None:
        """The first passage that holds it; None where the index has none."""
        if not index_folder(project.folder, active(project)).is_dir():
            return None
        passages = self.services.retrieval.index(project).passages(place.document_id)
        held = holders(passages, place)
        return next((one.number for one in passages if one.id in held), None)


def _number(text: str) -> int:
    """Raises BadInput("error.page_action") for what no button of ours says."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadInput("error.page_action")
    return int(text)
