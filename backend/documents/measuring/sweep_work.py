"""The work of a "retrieval_sweep" run: for each way of cutting an index in the run's folder, asked in every way.

What is tried is a line in a file; an index that a stop or a kill left is gone on with, document by document.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from backend.assistants import Documents
from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import Embedder
from backend.documents.index.index import Entry, Index, searched
from backend.documents.index.settings import index_folder
from backend.documents.measuring.measuring import Way, asked_in, measure_way
from backend.documents.measuring.sweep import (
    TRIED,
    SweepConfig,
    SweepPlan,
    Tried,
    keep_plan,
    ks_of,
    make_plan,
    outcome,
    plan_in,
    tried_in,
)
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.searching import search
from backend.documents.splitting.passages import split
from backend.documents.splitting.settings import SplitSettings
from backend.documents.values import Passage
from backend.errors import StorageProblem
from backend.files import storing
from backend.jobs.folder import append_line
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE: Final = 500
"""Passages that are embedded and written together; a stop is heard between them."""


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, Refused, a model's or a disk's fault; after all of them it can be resumed."""
    try:
        config = SweepConfig.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.measure_sweep_files") from fault
    project = Project(job.folder.parent.parent, threading.Lock())
    embedders = Embedders(job.settings, Endpoints(job.settings.home, job.settings.offline))
    with closing(project), closing(embedders), closing(Rerankers(job.settings)) as rerankers:
        plan = plan_in(job.output) or keep_plan(job.output, make_plan(project, config))
        Sweep(job, progress, project, config, plan, embedders, rerankers).run()
        found = outcome(config, plan, tried_in(job.output))
        progress.result(best=round(found.score(found.best)[0], 4), tried=len(found.every))


class Sweep:
    """One attempt."""

    def __init__(
        self,
        job: Job,
        progress: Progress,
        project: Project,
        config: SweepConfig,
        plan: SweepPlan,
        embedders: Embedders,
        rerankers: Rerankers,
    ) -> None:
        self.job, self.progress, self.project, self.config, self.plan = job, progress, project, config, plan
        self.embedders, self.rerankers = embedders, rerankers
        self.had = {(one.split, one.row.way) for one in tried_in(job.output)}
        self.each = len(plan.documents) + len(self.ways) * len(plan.questions)
        self.steps = 0

    def run(self) -> None:
        self.progress.total(len(self.plan.cuts) * self.each, "steps")
        for number, cut in enumerate(self.plan.cuts):
            left = [way for way in self.ways if (cut, way) not in self.had]
            self.steps = number * self.each
            if left:
                self._cut(cut, left)
            self.progress.done((number + 1) * self.each)

    @property
    def ways(self) -> tuple[Way, ...]:
        """How it is now is always asked too: it is what the best is held against."""
        now = self.config.base.retriever
        return tuple(dict.fromkeys([*self.config.ways, *([now] if now != "whole" else [])]))

    def _cut(self, cut: SplitSettings, left: Sequence[Way]) -> None:
        settings = self.plan.settings.model_copy(update={"split": cut})
        with closing(Index(self.job.output, settings)) as index:
            self._fill(index, cut)
            asked = asked_in(index, self.plan.questions)
            tokens = [passage.tokens for document in index.documents() for passage in index.passages(document)]
            for way in left:
                self.progress.message("run.message.measure_asking", size=cut.size)
                wanted = self.config.base.model_copy(update={"retriever": way, "filter": Documents().filter})
                row = measure_way(partial(self._ask, index), wanted, asked, ks_of(self.config), self._step)
                mean = sum(tokens) / max(1, len(tokens))
                self._keep(Tried(split=cut, passages=len(tokens), tokens=mean, row=row))
        shutil.rmtree(index_folder(self.job.output, settings), ignore_errors=True)

    def _ask(self, index: Index, wanted: Documents, question: str) -> list[Passage]:
        model = index.settings.embedding
        told = search(
            index, question, wanted, embedder=lambda: self.embedders.open(model, fetch=True), rerankers=self.rerankers
        )
        return [found.passage for found in told.found]

    def _keep(self, tried: Tried) -> None:
        path = self.job.output / TRIED
        with storing(path):
            append_line(path, tried.model_dump(mode="json"))

    def _step(self) -> None:
        self.progress.check_stop()
        self.steps += 1
        self.progress.done(self.steps)

    # --- filling

    def _fill(self, index: Index, cut: SplitSettings) -> None:
        self.progress.message("run.message.measure_cutting", size=cut.size, overlap=cut.overlap)
        model = index.settings.embedding
        embedder = None if model.kind == "none" else self.embedders.open(model, fetch=True)
        count = self.embedders.counter(model)
        held = index.documents()
        there = {document.id: document for document in self.project.documents.list()}
        ready: list[tuple[int, list[Passage]]] = []
        for number in self.plan.documents:
            self._step()
            if number in held or number not in there:
                continue
            parsed = self.project.documents.parsed(there[number])
            laid = self.project.documents.laid(there[number])
            ready.append((number, split(parsed, laid, cut, count, number)))
            if sum(len(passages) for _, passages in ready) >= AT_ONCE:
                self._put(index, ready, embedder)
                ready = []
        self._put(index, ready, embedder)

    def _put(self, index: Index, ready: Sequence[tuple[int, list[Passage]]], embedder: Embedder | None) -> None:
        if not ready:
            return
        entries = []
        for number, passages in ready:
            vectors = None
            if embedder is not None:
                vectors = self._embedded(embedder, [searched(passage) for passage in passages])
            entries.append(Entry(number, passages, vectors))
        index.put_all(entries)

    def _embedded(self, embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        parts = []
        for start in range(0, len(texts), AT_ONCE):
            self.progress.check_stop()
            parts.append(embedder.passages(texts[start : start + AT_ONCE]))
        return np.concatenate(parts) if parts else np.zeros((0, embedder.dimensions), dtype=np.float32)
