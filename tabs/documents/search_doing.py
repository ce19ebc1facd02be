"""The handlers of the search part: one question, asked in every way at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import gradio as gr

from backend.assistants import Documents, PassageFilter
from backend.documents.index.settings import active
from backend.documents.shelf.filters import DocumentFilter
from backend.errors import BadInput, NotFound, StudioError
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import search_views as views
from tabs.documents.files_state import LANGUAGES, day_of
from tabs.documents.measure_handing import hand_over
from tabs.documents.passages_state import open_passage, passage_named
from tabs.errors import sentence
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]
MOST_CHOICES: Final = 500
LONGEST: Final = 2_000


class Doing:
    """`view` is the SearchPart."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def restore(self, project_id: str, shown: str, request: gr.Request) -> Any:
        """What can be searched, and in which files. `shown` is the project whose answers stand on the page."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        return self.drawn(project, fresh=shown != project_id)

    def drawn(self, project: Project, *, fresh: bool) -> Updates:
        view, store = self.view, project.documents
        counts = store.counts()
        if counts.indexed:
            self.services.retrieval.warm(project)
        missing = "" if counts.indexed else views.empty_view(self.words, waiting=counts.queued + counts.reading)
        t = self.words.t
        found = store.list(DocumentFilter(states=("indexed",)), limit=MOST_CHOICES)
        folders, tags = [one for one in store.folders() if one], store.tags()
        updates: Updates = {
            view.project: project.id,
            view.empty: missing,
            view.body: gr.update(visible=not missing),
            view.files: gr.update(choices=[(one.place, one.id) for one in found]),
            view.folders: gr.update(choices=folders, visible=bool(folders)),
            view.tags: gr.update(choices=tags, visible=bool(tags)),
            view.languages: gr.update(choices=[(t(f"docs.language_{one}"), one) for one in LANGUAGES]),
        }
        parts = (view.files, view.folders, view.tags, view.languages)
        cleared = {part: gr.update(**{**updates[part], "value": []}) for part in parts}
        return {**updates, **cleared, view.since: "", view.until: "", view.results: ""} if fresh else updates

    def ask(
        self,
        project_id: str,
        question: str,
        files: Sequence[int] | None,
        folders: Sequence[str] | None,
        tags: Sequence[str] | None,
        languages: Sequence[str] | None,
        since: str | None,
        until: str | None,
        count: float,
        request: gr.Request,
    ) -> Iterator[str]:
        """What each way of searching finds, drawn as it comes: the model of meaning may still have to be loaded.

        A way that cannot answer says so in its column; the others go on.
        """
        project = self.project(project_id, request)
        asked = (question or "").strip()[:LONGEST]
        if not asked:
            raise BadInput("error.docs_no_question")
        wanted = PassageFilter(
            documents=tuple(files or ()),
            folders=tuple(folders or ()),
            tags=tuple(tags or ()),
            languages=tuple(one for one in LANGUAGES if one in (languages or ())),
            dated_from=day_of(since) or None,
            dated_to=day_of(until) or None,
        )
        columns = [views.Column(way, waiting=True) for way in views.WAYS]
        yield self._side_by_side(project, asked, columns)
        for number, way in enumerate(views.WAYS):
            try:
                columns[number] = self._column(project, way, asked, wanted, int(count))
            except Exception:  # a bug: told and logged above, but no column goes on waiting for it
                broken = self.words.t("docs.way_broken")
                columns[number:] = [views.Column(one, fault=broken) for one in views.WAYS[number:]]
                yield self._side_by_side(project, asked, columns)
                raise
            yield self._side_by_side(project, asked, columns)

    def _side_by_side(self, project: Project, question: str, columns: Sequence[views.Column]) -> str:
        ids = {hit.passage.document_id for column in columns for hit in column.hits}
        return views.side_by_side(self.words, question, columns, self._named(project, ids))

    def _column(self, project: Project, way: Any, question: str, wanted: PassageFilter, count: int) -> views.Column:
        asked = Documents(retriever=way, top_k=count, filter=wanted)
        try:
            if way == "dense":
                self.services.retrieval.embedder(project)  # loaded before the time is taken: it is loaded once
            began = time.perf_counter()
            found = self.services.retrieval.find(project, asked, question)
        except StudioError as fault:
            return views.Column(way, fault=sentence(self.words, fault))
        if found is None:
            return views.Column(way)
        took = time.perf_counter() - began
        return views.Column(way, found.found, took, warning=self._warning(project, way, question, found.skipped))

    def _warning(self, project: Project, way: str, question: str, skipped: Mapping[str, str]) -> str:
        """What to know of a result: a way that was left out, or a model that does not know the question's language."""
        model = active(project).embedding
        if way == "dense" and not model.understands(question):
            return self.words.t("docs.warning_language", model=model.name)
        return " ".join(self.words.t(key, model=model.name) for key in skipped.values() if self.words.has(key))

    def _named(self, project: Project, ids: set[int]) -> dict[int, Any]:
        found = {}
        for one in ids:
            try:
                found[one] = project.documents.get(one)
            except NotFound:  # removed a moment ago: the card says so
                continue
        return found

    def press(self, project_id: str, question: str, request: gr.Request, event: gr.EventData) -> Any:
        """Open a passage in its page, keep the question as one that it answers, or go to the files."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        if pressed.do == "to_files":
            return gr.Tabs(selected="files")
        named = passage_named(pressed.what)
        if pressed.do == "known" and named is not None:
            passage = self.services.retrieval.index(project).passage(pressed.what)
            hand_over(project, (question or "").strip()[:LONGEST], passage)
            return gr.Tabs(selected="measure")
        if pressed.do != "read" or named is None:
            raise BadInput("error.page_action")
        open_passage(project, *named)
        return gr.Tabs(selected="passages")
