"""The handlers of the passages part: choosing a document, turning its leaves, trying another way to cut it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import gradio as gr

from backend.documents.index.settings import active
from backend.documents.shelf.filters import DocumentFilter
from backend.documents.shelf.store import Document
from backend.documents.splitting.passages import split
from backend.documents.splitting.settings import SplitSettings
from backend.documents.values import Laid, Parsed, Passage, lay
from backend.errors import BadInput, NotFound
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import passages_views as views
from tabs.documents.files_index import passage_counts
from tabs.documents.passages_leaves import Leaf, cut_of, leaf_at, leaves
from tabs.documents.passages_state import Reading, handed
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]
MOST_CHOICES: Final = 2_000
"""Documents in the list of the picker; it is searched by typing. Any of them opens from the files part."""
TRIED_AT_ONCE: Final = 200_000
"""Characters that are cut for a look at another size; of a longer document the open leaf is."""


class Doing:
    """`view` is the PassagesPart."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def restore(self, project_id: str, reading: Reading, request: gr.Request) -> Any:
        """What another part asked to see, what was read last, or the first document."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        here, asked = handed(project, reading.here(project))
        return self.drawn(project, self._turned(project, here) if asked else here)

    def follow(self, project_id: str, reading: Reading, request: gr.Request) -> Any:
        """Running work moved on: drawn anew when the open document is another than it was, or gone.

        What other files do meanwhile leaves the page alone; once all are read, the picker offers them.
        """
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        here = reading.here(project)
        if self._stamp(project, here.document) != here.drawn:
            return self.drawn(project, here)
        counts = project.documents.counts()
        if counts.queued or counts.reading or counts.indexed == here.offered:
            return gr.skip()
        choices = [(one.place, one.id) for one in self._readable(project)]
        fresh = replace(here, offered=counts.indexed)
        return {self.view.reading: fresh, self.view.picker: gr.update(choices=choices)}

    def choose(self, project_id: str, reading: Reading, document: int | None, request: gr.Request) -> Any:
        project = self.project(project_id, request)
        chosen = replace(reading.here(project), document=document, leaf=0, passage=None)
        return self.drawn(project, chosen)

    def press(self, project_id: str, reading: Reading, request: gr.Request, event: gr.EventData) -> Any:
        """A leaf was turned, or the way to the files taken."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        here = reading.here(project)
        if pressed.do == "to_files":
            return {self.parts: gr.Tabs(selected="files")}
        if pressed.do != "leaf" or not pressed.what.isdecimal() or len(pressed.what) > 9:
            raise BadInput("error.page_action")
        return self.drawn(project, replace(here, leaf=int(pressed.what)))

    def attempt(self, project_id: str, reading: Reading, size: float, overlap: float, request: gr.Request) -> Any:
        """Show the text as another size and overlap would cut it. The index stays as it is."""
        project = self.project(project_id, request)
        tried = SplitSettings(size=int(size), overlap=min(int(overlap), int(size) // 2))
        return self.drawn(project, replace(reading.here(project), tried=(tried.size, tried.overlap)))

    def give_up(self, project_id: str, reading: Reading, request: gr.Request) -> Any:
        """Back to the passages as the index has them."""
        project = self.project(project_id, request)
        return self.drawn(project, replace(reading.here(project), tried=None))

    # --- drawing

    def drawn(self, project: Project, reading: Reading) -> Updates:
        """Picker, facts and the leaf that is open."""
        view, found = self.view, self._readable(project)
        if not found:
            fresh = replace(reading, document=None, drawn=self._stamp(project, None))
            told = views.empty_view(self.words)
            return {view.reading: fresh, view.empty: told, view.body: gr.update(visible=False)}
        document = next((one for one in found if one.id == reading.document), None) or self._other(project, reading)
        document = document or found[0]
        stamp, offered = self._stamp(project, document.id), project.documents.counts().indexed
        fresh = replace(reading, document=document.id, drawn=stamp, offered=offered)
        choices = [(one.place, one.id) for one in (found if document in found else [document, *found])]
        shown = {view.empty: "", view.body: gr.update(visible=True)}
        picker = {view.picker: gr.update(choices=choices, value=document.id)}
        try:
            parsed = project.documents.parsed(document)
        except NotFound as fault:
            told = widgets.empty(self.words.t(fault.key, **fault.details))
            return {view.reading: fresh, **shown, **picker, view.about: told, view.turn: "", view.page: ""}
        return {**shown, **picker, **self._leaf(project, fresh, parsed, lay(parsed))}

    def _leaf(self, project: Project, reading: Reading, parsed: Parsed, laid: Laid) -> Updates:
        words, view, found = self.words, self.view, leaves(parsed, laid)
        number = min(reading.leaf, max(0, len(found) - 1))
        leaf = found[number] if found else Leaf(None, 0, 0)
        passages = self._passages(project, reading, parsed, laid, leaf)
        here = None if reading.tried else reading.passage
        name = views.leaf_name(words, parsed, leaf, number, len(found))
        tokens = [one.tokens for one in passages]
        part = reading.tried is not None and len(laid.text) > TRIED_AT_ONCE
        told = views.legend_view(words, len(passages), tokens, tried=reading.tried is not None, part=part)
        about = told + views.notes_view(words, parsed)
        return {
            view.reading: replace(reading, leaf=number),
            view.about: about,
            view.turn: views.turning_view(words, name, number, len(found)),
            view.page: views.page_view(words, views.Page(parsed, laid, leaf, passages, here)),
            view.back: gr.update(visible=reading.tried is not None),
        }

    def _turned(self, project: Project, reading: Reading) -> Reading:
        """With the leaf open on which the passage begins that was asked for."""
        if reading.passage is None or reading.document is None:
            return reading
        try:
            document = project.documents.get(reading.document)
            parsed = project.documents.parsed(document)
        except NotFound:
            return reading
        wanted = next((one for one in self._indexed(project, reading.document) if one.number == reading.passage), None)
        return replace(reading, leaf=leaf_at(leaves(parsed, lay(parsed)), wanted.start)) if wanted else reading

    def _passages(
        self, project: Project, reading: Reading, parsed: Parsed, laid: Laid, leaf: Leaf
    ) -> Sequence[Passage]:
        """As the index has them; or as another size would cut the text, of a long one only this leaf."""
        if reading.tried is None:
            return self._indexed(project, reading.document or 0)
        size, overlap = reading.tried
        settings, count = SplitSettings(size=size, overlap=overlap), self._counter(project)
        if len(laid.text) <= TRIED_AT_ONCE:
            return split(parsed, laid, settings, count)
        return cut_of(parsed, laid, leaf, lambda part, text: split(part, text, settings, count))

    def _counter(self, project: Project) -> Callable[[str], int]:
        return self.services.retrieval.embedders.counter(active(project).embedding)

    def _indexed(self, project: Project, document: int) -> Sequence[Passage]:
        return self.services.retrieval.index(project).passages(document)

    def _other(self, project: Project, reading: Reading) -> Document | None:
        """One beyond the end of the list, or that is being read anew, where there is such."""
        try:
            return None if reading.document is None else project.documents.get(reading.document)
        except NotFound:
            return None

    def _readable(self, project: Project) -> list[Document]:
        """Those whose text was read, by place and name."""
        return project.documents.list(DocumentFilter(states=("indexed",)), limit=MOST_CHOICES)

    def _stamp(self, project: Project, document: int | None) -> str:
        """Of the open document: which one, read when, and whether it is in the index by now; without one, of all."""
        settings = active(project)
        if document is None:
            return f"{project.id}|{settings.key}|{project.documents.counts().indexed}"
        try:
            changed: object = project.documents.get(document).changed
        except NotFound:
            changed = "gone"
        passages = passage_counts(self.services, project).get(document)
        return f"{project.id}|{settings.key}|{document}|{changed}|{passages}"
