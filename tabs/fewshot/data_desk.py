"""What the handlers of the data part share: the project at hand, where the list stands, and how everything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.examples.edits import Edit
from backend.examples.filters import Filter
from backend.examples.splits import splits_made
from backend.examples.store import ExampleStore
from backend.projects.folder import Project
from backend.services import Services
from tabs.fewshot.data_layout import Layout, split_choices
from tabs.fewshot.data_list_views import PAGE, Shown, Typed, list_view
from tabs.fewshot.data_split_views import plan_hint, split_view
from tabs.fewshot.data_views import standing_view
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]
MOST_CHOICES = 300


@dataclass(frozen=True)
class Place:
    """Where the list stands on one page: its filters, its page, and the row whose form is open."""

    search: str = ""
    split: str = ""
    label: str = ""
    tag: str = ""
    page: int = 0
    row: str = ""
    only: Sequence[int] = ()

    def filter(self) -> Filter:
        """As the store is asked; what the page cannot have sent finds nothing."""
        return Filter(
            text=str(self.search or "").strip(),
            split=self.split or None,  # type: ignore[arg-type]
            label=self.label or None,
            tag=self.tag or None,
            ids=tuple(int(one) for one in self.only) or None,
        )


class Desk:
    """Services, words and widgets, and the redrawing that follows every change."""

    def __init__(self, services: Services, words: Words, view: Layout) -> None:
        self.services, self.words, self.view = services, words, view

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    @staticmethod
    def resting(steps: Iterator[Any], at_rest: Callable[[], Updates]) -> Iterator[Any]:
        """The steps of long work; a fault is told after the page is at rest again."""
        try:
            yield from steps
        except Exception:
            yield at_rest()
            raise

    def everything(self, project: Project, place: Place, typed: Typed | None = None) -> Updates:
        """All that the data itself decides. What is being filled in elsewhere stays."""
        store, words, view = project.examples, self.words, self.view
        counts, task, made = store.counts(), store.task(), splits_made(store)
        labels = store.labels() if task is not None and task.labelled else {}
        return {
            view.standing: standing_view(words, counts, labels, task, locked=made is not None),
            view.split.plan: split_view(words, made, counts) if made else plan_hint(words, counts),
            view.split.look: gr.update(visible=made is None, interactive=bool(counts.total)),
            view.split.make: gr.update(visible=False),
            view.split.anew: False,
            **{widget: gr.update(visible=made is None) for widget in view.split.shares},
            view.look: gr.update(interactive=bool(counts.total)),
            # Open while there is nothing; whoever closes it later is not contradicted.
            view.bring.box: gr.skip() if counts.total else gr.update(open=True),
            **self.filters(store, place, list(labels)),
            **self.listed(project, place, typed),
        }

    def filters(self, store: ExampleStore, place: Place, labels: Sequence[str]) -> Updates:
        """The filters' choices. One that no longer exists is not kept."""
        everything = (self.words.t("data.all"), "")
        tags = store.tags()
        return {
            self.view.rows.split: gr.update(choices=split_choices(self.words), value=place.split),
            self.view.rows.label: gr.update(
                choices=[everything, *((name[:80] or "–", name) for name in labels[:MOST_CHOICES])],
                value=place.label if place.label in labels else "",
                visible=bool(labels),
            ),
            self.view.rows.tag: gr.update(
                choices=[everything, *((name, name) for name in tags[:MOST_CHOICES])],
                value=place.tag if place.tag in tags else "",
                visible=bool(tags),
            ),
        }

    def listed(self, project: Project, place: Place, typed: Typed | None = None) -> Updates:
        """The list alone."""
        store, rows = project.examples, self.view.rows
        asked = place.filter()
        total = store.count(asked)
        start = min(max(0, place.page), max(0, (total - 1) // PAGE * PAGE))
        found = store.page(asked, start, PAGE)
        shown = Shown(found, start, total, place.row, typed, len(place.only))
        html = list_view(
            self.words,
            shown,
            store.task(),
            last_edit(store),
            store.tags(),
            locked=splits_made(store) is not None,
            any_at_all=bool(total) or bool(store.counts().total),
        )
        filters = {"project": project.info.id, "split": place.split, "label": place.label, "tag": place.tag}
        return {
            rows.listing: html,
            rows.page: start,
            rows.row: place.row,
            rows.only: list(place.only),
            rows.filters: filters,
        }


def last_edit(store: ExampleStore) -> Edit | None:
    """What undo would take back now; None when there is nothing, or only the splits, which stay."""
    last = next((edit for edit in store.edits(50) if not edit.undone), None)
    return None if last is None or last.kind == "splits" else last
