"""The indexes and models that a process keeps open to answer questions: a few of each, closed when others are asked."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Final

from backend.assistants import Documents
from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import Embedder
from backend.documents.index.analysis import counted
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, active, index_folder, rows_file
from backend.documents.index.within import Within
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.searching import search
from backend.documents.retrieving.values import Retrieved
from backend.documents.shelf.filters import DocumentFilter
from backend.errors import StudioError
from backend.models.endpoints import Endpoints
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.projects.folder import Project

log = logging.getLogger(__name__)

INDEXES_KEPT: Final = 4
BY_POINTS: Final = ("dense", "hybrid")
KOREAN: Final = DocumentFilter(languages=("ko", "mixed"))


class Retrieval:
    """Any thread may use it. One per process; workers make their own."""

    def __init__(self, settings: Settings, endpoints: Endpoints) -> None:
        self.embedders = Embedders(settings, endpoints)
        self.rerankers = Rerankers(settings)
        self._indexes: list[tuple[str, Index]] = []
        self._lock = threading.Lock()
        self._warmed: tuple[IndexSettings, bool] | None = None

    def index(self, project: Project, settings: IndexSettings | None = None) -> Index:
        """The project's active index (or the one of these settings), made where it is missing, kept open.

        Raises StorageProblem, Refused("error.index_other_model").
        """
        settings = settings or active(project)
        named = str(index_folder(project.folder, settings))
        with self._lock:
            found = next((index for name, index in self._indexes if name == named and index.is_there()), None)
            found = found or Index(project.folder, settings)
            others = [(name, index) for name, index in self._indexes if name != named]
            for _, old in others[INDEXES_KEPT - 1 :]:
                old.close()
            self._indexes = [(named, found), *others[: INDEXES_KEPT - 1]]
            return found

    def embedder(self, project: Project) -> Embedder:
        """The model of the active index. Raises Refused("error.index_no_vectors"), ModelProblem, Unavailable."""
        return self.embedders.open(active(project).embedding)

    def warm(self, project: Project, wanted: Documents | None = None) -> None:
        """Begin to load the active index's model and the Korean analyser in the background: no question waits for them.

        Returns at once. Nothing is loaded where nothing is indexed, no model where `wanted` asks for words alone or
        where it is behind a server, no analyser where no document is Korean. What goes wrong is logged; the first
        question then says it to the person.
        """
        settings, way = active(project), (wanted or Documents()).retriever
        if way not in ("bm25", *BY_POINTS) or not rows_file(project.folder, settings).is_file():
            return
        by_points = way in BY_POINTS and settings.embedding.kind not in ("none", "endpoint")

        def load() -> None:
            try:
                if self.index(project, settings).count():
                    if project.documents.count(KOREAN):
                        counted(settings.analysis)("가")
                    if by_points:
                        self.embedders.open(settings.embedding).query("?")
            except StudioError as fault:
                log.warning("could not load %s ahead of time: %s", settings.embedding.name, fault)
                with self._lock:
                    self._warmed = None

        with self._lock:
            if self._warmed != (settings, by_points):
                self._warmed = (settings, by_points)
                threading.Thread(target=load, name="warm", daemon=True).start()

    def find(self, project: Project, wanted: Documents, query: str) -> Retrieved | None:
        """What the active index holds for a question; None when nothing is indexed.

        Raises Refused, Unavailable("error.chroma_down"), ModelProblem, StorageProblem.
        """
        settings = active(project)
        if not rows_file(project.folder, settings).is_file():
            return None
        index = self.index(project, settings)
        if not index.count():
            return None
        return self.search(project, index, query, wanted)

    def search(self, project: Project, index: Index, query: str, wanted: Documents) -> Retrieved:
        """As `find`, in an index that was opened by somebody."""
        within = Within(project.documents.passing(wanted.filter), wanted.filter.languages)
        return search(
            index,
            query,
            wanted,
            within=within,
            embedder=lambda: self.embedders.open(index.settings.embedding),
            rerankers=self.rerankers,
        )

    def close_project(self, project: Project) -> None:
        """Let go of a project's indexes, so that their folders can be deleted."""
        inside = os.path.join(project.folder, "")
        with self._lock:
            for name, index in self._indexes:
                if name.startswith(inside):
                    index.close()
            self._indexes = [(name, index) for name, index in self._indexes if not name.startswith(inside)]

    def close(self) -> None:
        with self._lock:
            for _, index in self._indexes:
                index.close()
            self._indexes = []
        self.embedders.close()
        self.rerankers.close()
