"""The handlers of the map: drawing it, and placing a question on it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from backend.documents.index.index import Index
from backend.documents.mapping import projecting as mapping
from backend.documents.mapping.projecting import PassageMap, Placed
from backend.errors import BadInput
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import map_views as views
from tabs.documents.map_plot import figure_of
from tabs.documents.passages_state import open_passage, passage_named
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]


class Doing:
    """`view` is the MapPart."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def restore(self, project_id: str, shown: str, request: gr.Request) -> Any:
        """The map that is kept, or the button that draws it. `shown` is of which index the page's map is."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        index = self._index(project)
        if self._missing(index):
            return self._without(index)
        return gr.skip() if shown == self._state(project, index) else self._drawn(project, index, mapping.known(index))

    def draw(self, project_id: str, request: gr.Request, event: gr.EventData) -> Any:
        """The button was pressed: draw the map of the index as it is now."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        if pressed.do != "draw":
            raise BadInput("error.page_action")
        index = self._index(project)
        return self._without(index) if self._missing(index) else self._drawn(project, index, mapping.draw(index))

    def ask(self, project_id: str, question: str, request: gr.Request) -> Any:
        """Place a question among the passages; the map is drawn first where there is none."""
        project = self.project(project_id, request)
        asked = (question or "").strip()[:2_000]
        if not asked:
            raise BadInput("error.docs_no_question")
        index = self._index(project)
        if self._missing(index):
            return self._without(index)
        drawn = mapping.known(index) or mapping.draw(index)
        placed = mapping.place(drawn, self.services.retrieval.embedder(project).query(asked))
        return self._drawn(project, index, drawn, placed, asked)

    def press(self, project_id: str, request: gr.Request, event: gr.EventData) -> Any:
        """Open a passage in its page, or go to the files."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        if pressed.do == "to_files":
            return gr.Tabs(selected="files")
        named = passage_named(pressed.what)
        if pressed.do != "read" or named is None:
            raise BadInput("error.page_action")
        open_passage(project, *named)
        return gr.Tabs(selected="passages")

    # --- drawing

    def _missing(self, index: Index) -> bool:
        return index.vectors is None or not index.count()

    def _without(self, index: Index) -> Updates:
        told = views.missing_view(self.words, pointless=index.vectors is None)
        return {self.view.empty: told, self.view.body: gr.update(visible=False), self.view.drawn: ""}

    def _drawn(
        self,
        project: Project,
        index: Index,
        drawn: PassageMap | None,
        placed: Placed | None = None,
        question: str = "",
    ) -> Updates:
        view, words = self.view, self.words
        names = self._names(project, drawn)
        model = index.settings.embedding
        strange = question and not model.understands(question)
        warning = views.strange_view(words, model.name) if strange else ""
        outdated = drawn is None and (index.folder / mapping.FILE).exists()
        return {
            view.drawn: self._state(project, index) if drawn is not None else "",
            view.empty: "",
            view.body: gr.update(visible=True),
            view.standing: views.standing_view(words, drawn, index.count(), outdated=outdated),
            view.plot: gr.update(
                value=figure_of(words, drawn, names, placed) if drawn is not None else None, visible=drawn is not None
            ),
            view.warning: warning,
            view.nearest: views.nearest_view(words, question, drawn, names, placed) if drawn and placed else "",
        }

    def _names(self, project: Project, drawn: PassageMap | None) -> dict[int, str]:
        ids = {passage.document_id for passage in drawn.passages} if drawn else set()
        return {one.id: one.name for one in project.documents.list() if one.id in ids} if ids else {}

    def _state(self, project: Project, index: Index) -> str:
        return f"{project.id}|{index.settings.key}|{index.generation()}"

    def _index(self, project: Project) -> Index:
        return self.services.retrieval.index(project)
