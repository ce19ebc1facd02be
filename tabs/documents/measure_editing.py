"""The handlers of the form for a known question: its places are gathered one by one, and all of them are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from backend.documents.measuring.importing import Finding
from backend.documents.measuring.places import Place
from backend.documents.measuring.questions import KnownQuestion
from backend.errors import BadInput, NotFound
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import measure_list
from tabs.documents.measure_handing import handed
from tabs.documents.measure_state import Where
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]


class Editing:
    """`view` is the MeasurePart."""

    def __init__(self, services: Services, words: Words, view: Any) -> None:
        self.services, self.words, self.view = services, words, view

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    # --- places

    def more(
        self, project_id: str, where: Where | None, document: int | None, quote: str, page: str, request: gr.Request
    ) -> Updates:
        """Take what stands in the fields as one more place that answers the question."""
        project = self.project(project_id, request)
        here = Where.here(where, project)
        place = self._found(project, document, quote, page)
        return {**self.gathered(project, replace(here, places=_with(here.places, place))), **self._emptied()}

    def press(self, project_id: str, where: Where | None, request: gr.Request, event: gr.EventData) -> Updates:
        """A place is left out, or the editing given up."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        here = Where.here(where, project)
        if pressed.do == "give_up":
            return self.cleared(project, here)
        if pressed.do != "leave_out" or pressed.what not in {str(at) for at in range(len(here.places))}:
            raise BadInput("error.page_action")
        left = tuple(place for at, place in enumerate(here.places) if str(at) != pressed.what)
        return self.gathered(project, replace(here, places=left))

    def places(self, project: Project, here: Where, document: int | None, quote: str, page: str) -> tuple[Place, ...]:
        """Those that were gathered, and what stands in the fields. Raises BadInput, NotFound."""
        if here.places and not (quote or page).strip():
            return here.places
        return _with(here.places, self._found(project, document, quote, page))

    def _found(self, project: Project, document: int | None, quote: str, page: str) -> Place:
        if not document:
            raise BadInput("error.measure_choose_document")
        return Finding(project).within(project.documents.get(int(document)), quote or "", page or "")

    # --- drawing

    def gathered(self, project: Project, here: Where) -> Updates:
        spots = [spot_of(project, place) for place in here.places]
        html = measure_list.gathered_view(self.words, spots, editing=here.editing is not None)
        return {self.view.place: here, self.view.places: html}

    def begun(self, project: Project, here: Where, one: KnownQuestion) -> Updates:
        """Put a question into the form with all of its places."""
        view = self.view
        return {
            **self.gathered(project, replace(here, editing=one.id, places=one.places)),
            **self._emptied(),
            view.question: one.question,
            view.answer: one.answer,
            view.document: one.places[0].document_id if one.places and self._there(project, one.places[0]) else None,
            view.form: gr.update(open=True),
        }

    def handed(self, project: Project, here: Where) -> Updates:
        """What another part found begins a question; nothing else changes the form when the part is opened."""
        found = handed(project)
        if found is None:
            return self.gathered(project, here)
        question, place = found
        return {
            **self.gathered(project, replace(here, editing=None, places=(place,))),
            **self._emptied(),
            self.view.question: question,
            self.view.answer: "",
            self.view.form: gr.update(open=True),
        }

    def cleared(self, project: Project, here: Where) -> Updates:
        view = self.view
        shut = {view.question: "", view.answer: "", view.form: gr.update(open=False)}
        return {**self.gathered(project, replace(here, editing=None, places=())), **self._emptied(), **shut}

    def _emptied(self) -> Updates:
        return {self.view.quote: "", self.view.page: ""}

    @staticmethod
    def _there(project: Project, place: Place) -> bool:
        try:
            return project.documents.get(place.document_id).state == "indexed"
        except NotFound:
            return False


def spot_of(project: Project, place: Place) -> measure_list.Spot:
    """A place as people read it: gone with its document, not read at the moment, or lost in a new version.

    Its quote is true of the document as it was read last (see `refind`): a list that is drawn every few seconds shall
    not open each document for it.
    """
    try:
        document = project.documents.get(place.document_id)
        if not project.documents.kept.has_parsed(document.sha256):
            return measure_list.Spot(document.place, place.quote, "unread")
        text = place.quote or project.documents.laid(document).text[place.start : place.end]
    except NotFound as fault:
        gone = fault.key == "error.documents_missing"
        return measure_list.Spot("" if gone else document.place, place.quote, "gone" if gone else "unread")
    return measure_list.Spot(document.place, text, "lost" if place.lost else "there")


def _with(places: tuple[Place, ...], place: Place) -> tuple[Place, ...]:
    return places if place in places else (*places, place)
