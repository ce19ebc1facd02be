"""What every handler of this tab stands on: the open project, what is compared, and the comparison itself, kept.

Comparing reads every answer, so it is done once per state of the answers and looked up for every other draw: a page
that polls, turns a leaf or changes a filter costs nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, TypeVar

import gradio as gr

from backend.errors import BadInput
from backend.evaluation.comparison import Comparison, compare
from backend.examples.edits import mark
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.services import Services
from tabs.evaluation import choice as choices
from tabs.evaluation import running
from tabs.evaluation.choice import Choice
from tabs.evaluation.layout import Layout
from tabs.session import owner
from tabs.text import Words

KEPT: Final = 24
T = TypeVar("T")
Updates = dict[Any, Any]
Looked = dict[str, Any]
"""What a visitor looks at, see Layout.looked."""


class Kept:
    """The last few results by what they follow from. Any thread may ask; two that ask for one wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Entry] = OrderedDict()

    def of(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What was kept under the key, else what `make` says now. What it raises is kept by nobody."""
        with self._lock:
            entry = self._kept.setdefault(key, Entry())
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        with entry.lock:
            if not entry.made:
                entry.value, entry.made = make(), True
            found: T = entry.value
            return found


class Entry:
    """One result, or the place for it while somebody makes it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made = False
        self.value: Any = None


class Desk:
    """Handed to the handlers of each part."""

    def __init__(self, services: Services, words: Words, view: Layout) -> None:
        self.services, self.words, self.view = services, words, view
        self._kept = Kept()

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    def runs(self, project: Project) -> Runs:
        return self.services.runs(project)

    def comparison(self, project: Project, choice: Choice) -> Comparison | None:
        """None while there is nothing to compare."""
        if not choice.assistants or project.examples.task() is None:
            return None

        def made() -> Comparison:
            where = self.services.host.where
            return compare(project, choice.assistants, choice.split, choice.metric, limit=choice.limit, where=where)

        found = self.remembered(project, ("comparison",), made, choice)
        return found if found.n else None

    def remembered(
        self, project: Project, what: tuple[object, ...], make: Callable[[], T], choice: Choice | None = None
    ) -> T:
        """Something that follows from the choice, the answers and the examples, made once for each state of them."""
        chosen = choice or self.choice(project)
        told = (chosen.assistants, chosen.split, chosen.limit, chosen.metric)
        return self._kept.of((project.folder, self.words.language, *told, self.state(project), *what), make)

    def needed(self, project: Project) -> Comparison:
        """As it is kept. Raises BadInput("error.compare_nothing")."""
        found = self.comparison(project, self.choice(project))
        if found is None:
            raise BadInput("error.compare_nothing")
        return found

    def state(self, project: Project) -> str:
        """Changes with every run of ours that begins or ends, every edit or undo of the examples, and the task."""
        with project.examples.database.read() as session:
            edits = mark(session)
        task = project.examples.task()
        told = task.model_dump_json() if task is not None else ""
        named = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return running.stamp(self.runs(project).list(), edits, named)

    def choice(self, project: Project) -> Choice:
        """As it is kept. The page's own widgets may still show another project's, so they are not asked."""
        return choices.sensible(project)
