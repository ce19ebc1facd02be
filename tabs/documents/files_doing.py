"""The handlers of the files: bringing them in, following the run that reads them, and what is done with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gradio as gr

from backend.documents.index.settings import active
from backend.documents.indexing.start import start_indexing
from backend.documents.shelf.filters import DocumentFilter
from backend.documents.shelf.intake import bring
from backend.documents.shelf.removal import remove
from backend.documents.shelf.store import Document
from backend.errors import BadInput, NotFound
from backend.jobs.run import Run
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.documents import files_views as views
from tabs.documents.files_index import passage_counts
from tabs.documents.files_state import LANGUAGES, NO_FOLDER, PAGE, STATES, Listed, asked_for, tags_of
from tabs.documents.files_whereabouts import embedding_server, whereabouts_view
from tabs.documents.passages_state import open_passage
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]
KIND: Final = "indexing"
MOST_CHOICES: Final = 300


class Doing:
    """`view` is the FilesPart."""

    def __init__(self, services: Services, words: Words, view: Any, parts: gr.Tabs | None) -> None:
        self.services, self.words, self.view, self.parts = services, words, view, parts

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    # --- looking

    def restore(self, project_id: str, listed: Listed, request: gr.Request) -> Any:
        """The whole part, as the files tell it now."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        here = listed.here(project)
        fresh = {} if here.project == listed.project else {self.view.brought: ""}
        settings = active(project)
        kept = whereabouts_view(self.words, settings, embedding_server(self.services, settings.embedding.endpoint))
        return {**fresh, **self.drawn(project, here, fields=True), self.view.kept: kept}

    def follow(self, project_id: str, listed: Listed, request: gr.Request) -> Any:
        """Running work moved on. What a person types into stays as it is."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        here = listed.here(project)
        now = self._stamp(project)
        return gr.skip() if now == here.drawn else self.drawn(project, here, fields=False)

    def seek(
        self,
        project_id: str,
        listed: Listed,
        text: str,
        state: str,
        folder: str,
        tag: str,
        language: str,
        since: str | None,
        until: str | None,
        request: gr.Request,
    ) -> Any:
        """The filter was changed, or a field of it was only left: then nothing is drawn."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        here = listed.here(project)
        wanted = asked_for(text, state, folder, tag, language, since, until)
        return (
            gr.skip()
            if wanted == here.wanted
            else self.drawn(project, replace(here, wanted=wanted, page=0), fields=False)
        )

    # --- doing

    def hand_over(
        self, project_id: str, listed: Listed, files: Sequence[str] | None, folder: str, request: gr.Request
    ) -> Any:
        """Take the files in and begin to read them at once; what cannot be taken is told beside the rest."""
        project = self.project(project_id, request)
        if not files:
            return gr.skip()
        brought = bring(project, [(Path(file), Path(file).name) for file in files], folder or "")
        if brought.queued:
            self._index(project)
        here = replace(listed.here(project), wanted=DocumentFilter(), page=0)
        return {
            **self.drawn(project, here, fields=True),
            self.view.files: None,
            self.view.brought: views.brought_view(self.words, brought),
        }

    def _index(self, project: Project, ids: Sequence[int] | None = None) -> None:
        """Start a run, or have the one that is under way take these along; `ids` are read anew from their bytes."""
        start_indexing(self.services.runs(project), project, ids)

    def press(self, project_id: str, listed: Listed, request: gr.Request, event: gr.EventData) -> Any:
        """A button of the standing, of the list or of the opened file."""
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        here = listed.here(project)
        if pressed.do == "to_search":
            return {self.parts: gr.Tabs(selected="search")}
        if pressed.do == "read":
            open_passage(project, number_of(pressed.what))
            return {self.parts: gr.Tabs(selected="passages")}
        if pressed.do in ("stop", "resume") or pressed.what.startswith("project/"):
            self.services.act_on_run(owner(request), project_id, pressed.do, pressed.what)
            return self.drawn(project, here, fields=False)
        now = self._pressed(project, here, pressed.do, pressed.what)
        return self.drawn(project, now, fields=True)

    def _pressed(self, project: Project, here: Listed, do: str, what: str) -> Listed:
        """What is listed after a button that stays in this part. Raises BadInput("error.page_action"), Busy."""
        if do == "open":
            number = number_of(what)
            return replace(here, opened=None if here.opened == number else number)
        if do == "page":
            return replace(here, page=number_of(what))
        if do == "only_failed":
            return replace(here, wanted=DocumentFilter(states=("failed",)), page=0)
        if do == "remove":
            document = project.documents.get(number_of(what))
            remove(project, [document.id])
            self.words.say("docs.removed", "success", name=document.name)
            return replace(here, opened=None)
        self._read_again(project, do, what)
        return here

    def _read_again(self, project: Project, do: str, what: str) -> None:
        """Index what is not; or read again, since a reader may have been installed meanwhile. Raises as `_pressed`."""
        if do in ("index", "rebuild"):
            self._index(project)
        elif do == "retry":
            self._index(project, [project.documents.get(number_of(what)).id])
        elif do == "retry_failed":
            failed = project.documents.list(DocumentFilter(states=("failed",)))
            self._index(project, [document.id for document in failed])
        else:
            raise BadInput("error.page_action")

    def tag(self, project_id: str, listed: Listed, tags: str, request: gr.Request) -> Any:
        """The tags of the opened file were saved."""
        project = self.project(project_id, request)
        here = listed.here(project)
        if here.opened is None:
            return gr.skip()
        project.documents.set_tags(here.opened, tags_of(tags or ""))
        self.words.say("docs.tags_saved", "success")
        return self.drawn(project, here, fields=True)

    # --- drawing

    def drawn(self, project: Project, listed: Listed, *, fields: bool) -> Updates:
        """Standing and list; with `fields` also the filter's choices and the opened file's form."""
        store, view = project.documents, self.view
        counts, by_document = store.counts(), passage_counts(self.services, project)
        total = store.count(listed.wanted)
        page = min(listed.page, max(0, (total - 1) // PAGE))
        opened = self._opened(project, listed.opened)
        here = replace(listed, page=page, opened=opened.id if opened else None, drawn=self._stamp(project))
        found = store.list(listed.wanted, page * PAGE, PAGE)
        run = self._run(project)
        outdated = max(0, counts.indexed - len(by_document))
        standing = views.standing_view(self.words, counts, sum(by_document.values()), run, outdated=outdated)
        listing = views.list_view(self.words, found, total, by_document, here, there=bool(counts.total))
        updates: Updates = {view.listed: here, view.standing: standing, view.listing: listing}
        return {**updates, **self._fields(project, here, opened, by_document)} if fields else updates

    def _run(self, project: Project) -> Run | None:
        """The newest run that reads files."""
        return next((run for run in self.services.runs(project).list() if run.kind == KIND), None)

    def _opened(self, project: Project, document: int | None) -> Document | None:
        with suppress(NotFound):
            return None if document is None else project.documents.get(document)
        return None

    def _fields(self, project: Project, here: Listed, opened: Document | None, counts: Mapping[int, int]) -> Updates:
        view, t, wanted = self.view, self.words.t, here.wanted
        states = [(t("docs.state_all"), ""), *((t(f"docs.state_{one}"), one) for one in STATES)]
        folders = [(t("docs.folder_all"), ""), *folder_choices(self.words, project.documents.folders())]
        languages = [(t("docs.language_all"), ""), *((t(f"docs.language_{one}"), one) for one in LANGUAGES)]
        tags = [(t("docs.tag_all"), ""), *((one, one) for one in project.documents.tags()[:MOST_CHOICES])]
        chosen = wanted.folders[0] or NO_FOLDER if wanted.folders else ""
        return {
            view.filter: gr.update(visible=project.documents.count() > 1),
            view.text: wanted.text,
            view.state: gr.update(choices=states, value=wanted.states[0] if wanted.states else ""),
            view.folder: gr.update(choices=folders, value=chosen, visible=len(folders) > 2),
            view.tag: gr.update(choices=tags, value=wanted.tags[0] if wanted.tags else "", visible=len(tags) > 1),
            view.language: gr.update(choices=languages, value=wanted.languages[0] if wanted.languages else ""),
            view.since: wanted.dated_from,
            view.until: wanted.dated_to,
            view.detail: gr.update(visible=opened is not None),
            view.tags: ", ".join(opened.tags) if opened else "",
            view.facts: views.detail_view(self.words, opened, counts.get(opened.id)) if opened else "",
        }

    def _stamp(self, project: Project) -> str:
        """What a poll compares: the run's progress and how many files are in which state."""
        run, counts = self._run(project), project.documents.counts()
        moved = f"{run.id}{run.state}{run.done}{run.message_details}" if run else ""
        return f"{project.id}|{moved}|{counts}"


def folder_choices(words: Words, folders: Sequence[str]) -> list[tuple[str, str]]:
    return [(one or words.t("docs.folder_none"), one or NO_FOLDER) for one in folders[:MOST_CHOICES]]


def number_of(what: str) -> int:
    """Raises BadInput("error.page_action") for what no button of ours sends."""
    if not what.isdecimal() or len(what) > 18:
        raise BadInput("error.page_action")
    return int(what)
