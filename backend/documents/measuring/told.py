"""Measuring a project's index, and keeping what came out for the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

from backend.assistants import Assistant, Documents
from backend.documents.index.rows import PassageRows
from backend.documents.index.settings import active, rows_file
from backend.documents.measuring.measuring import WAYS, Measured, Way, askable, measure_way
from backend.documents.retrieving.retrieval import Retrieval
from backend.documents.values import Passage
from backend.errors import Refused
from backend.projects.folder import Project

NOTE: Final = "documents.measured"
KS: Final = (1, 3, 5, 10, 20)
MOST: Final = 1_000
"""Questions that are measured by: more tell hardly anything more, and cost as much each."""

Heard = Callable[[Way, int, int], None]
"""(way, how many questions were asked in it, of how many); what it raises ends the measuring, and nothing is kept."""


def measure(
    project: Project,
    retrieval: Retrieval,
    wanted: Documents | None = None,
    heard: Heard = lambda way, done, questions: None,
) -> Measured:
    """Every way of searching over the accepted questions, in the active index; kept for `last_measured`.

    wanted  fusion, rerank and MMR of the hybrid are its; its filter is not used, since questions are of all documents
    Raises Refused("error.measure_no_questions" | "error.measure_no_index" | "error.measure_nowhere").
    """
    began = time.time()
    questions = project.questions.list("accepted", limit=MOST)
    if not questions:
        raise Refused("error.measure_no_questions")
    settings = active(project)
    if not rows_file(project.folder, settings).is_file():
        raise Refused("error.measure_no_index")
    index = retrieval.index(project, settings)
    # Before the first question: what changes from now on is not in the table.
    generation = index.generation()
    asked, left_out = askable(index, questions)
    if not asked:
        raise Refused("error.measure_nowhere", count=len(questions))

    def ask(how: Documents, question: str) -> Sequence[Passage]:
        return [found.passage for found in retrieval.search(project, index, question, how).found]

    plain = Documents() if wanted is None else wanted.model_copy(update={"filter": Documents().filter})
    rows = []
    for way in WAYS:
        heard(way, 0, len(asked))
        how = plain.model_copy(update={"retriever": way})
        rows.append(measure_way(ask, how, asked, KS, _steps(heard, way, len(asked))))
    written = {one.id for one in questions if one.origin == "model"}
    told = Measured(
        index=settings.key,
        generation=generation,
        questions=tuple(one.id for one in asked),
        left_out=tuple(left_out),
        model_written=sum(one.id in written for one in asked),
        k=nearest_k(plain.top_k),
        when=began,
        rows=tuple(rows),
    )
    project.set_note(NOTE, told.model_dump(mode="json"))
    return told


def _steps(heard: Heard, way: Way, of: int) -> Callable[[], None]:
    steps = count(1)
    return lambda: heard(way, next(steps), of)


def nearest_k(top_k: int) -> int:
    return min(KS, key=lambda k: abs(k - top_k))


def last_measured(project: Project) -> Measured | None:
    """What measuring came to last; None when nothing was measured, or by another version of the studio."""
    kept = project.get_note(NOTE)
    try:
        return None if kept is None else Measured.model_validate(kept)
    except ValueError:
        return None


def outdated(project: Project, told: Measured) -> bool:
    """Whether the questions, the files in the index or its settings are other ones by now."""
    now = project.questions.accepted(MOST)
    edited = any(changed > told.when for changed in now.values())
    others = told.index != active(project).key or now.keys() != {*told.questions, *told.left_out}
    return others or edited or _generation(project) != told.generation


def _generation(project: Project) -> int:
    """Of what is in the active index; 0 where there is none."""
    path = rows_file(project.folder, active(project))
    return PassageRows(path).generation() if path.is_file() else 0


def search_by(project: Project, way: Way) -> None:
    """Let the assistant of the playground's form search this way from now on."""
    draft = project.draft() or Assistant()
    wanted = (draft.documents or Documents()).model_copy(update={"retriever": way})
    project.keep_draft(draft.model_copy(update={"documents": wanted}))
