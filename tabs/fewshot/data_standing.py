"""The task as it stands, and changing it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from backend.errors import BadInput
from backend.examples.store import ExampleStore
from backend.examples.task import KINDS, LABELLED, MAX_LABELS, METRICS, Task
from tabs.fewshot.data_desk import Desk, Place, Updates
from tabs.fewshot.data_layout import TaskForm, metric_choices
from tabs.fewshot.data_marks import pressed
from tabs.text import Words

LABELS_PROPOSED = 200
"""Labels that are read from the examples when the task has none of its own."""


class Standing:
    """The handlers of the task card. A press that asks for data goes to the part that brings it."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.words, self.view = desk, desk.words, desk.view

    def press(self, project_id: str, event: gr.EventData, request: gr.Request, **place: Any) -> Any:
        """Change the task, write an example by hand, or go to the splitting."""
        asked, project = pressed(event), self.desk.project(project_id, request)
        if asked.do == "change":
            task = project.examples.task() or proposed(project.examples)
            return {self.view.change: gr.update(visible=True), **task_updates(self.words, self.view.task, task)}
        if asked.do == "new":
            return self.desk.listed(project, Place(row="new"))
        if asked.do == "open_split":
            return {self.view.split.box: gr.update(open=True)}
        return gr.skip()

    def kind(self, kind: str) -> Any:
        """Another kind of task has other metrics; the first is the one proposed."""
        form = self.view.task
        return {form.metric: metric_update(self.words, kind, None), form.labels: gr.update(visible=has_labels(kind))}

    def save(
        self, kind: str, metric: str, labels: str, good: str, project_id: str, request: gr.Request, **place: Any
    ) -> Updates:
        """Keep the task. Raises BadInput for labels or a text that are too much."""
        project = self.desk.project(project_id, request)
        before = project.examples.task()
        project.examples.set_task(task_of(kind, metric, labels, good, before.inputs if before else ("input",)))
        self.words.say("data.task_saved", "success")
        return {self.view.change: gr.update(visible=False), **self.desk.everything(project, Place(**place))}

    def cancel(self) -> Updates:
        return {self.view.change: gr.update(visible=False)}


def proposed(store: ExampleStore) -> Task:
    """What the form begins with when no task is set: few distinct answers look like labels."""
    labels = list(store.labels())
    if 1 < len(labels) <= LABELS_PROPOSED:
        return Task(kind="classification", labels=tuple(labels), metric="accuracy")
    return Task()


def metric_update(words: Words, kind: str, metric: str | None) -> Any:
    choices = metric_choices(words, kind)
    known = [value for _, value in choices]
    return gr.update(choices=choices, value=metric if metric in known else next(iter(known), None))


def task_updates(words: Words, form: TaskForm, task: Task) -> Updates:
    """Put a task into its form."""
    return {
        form.kind: task.kind,
        form.metric: metric_update(words, task.kind, task.metric),
        form.labels: gr.update(value="\n".join(task.labels), visible=has_labels(task.kind)),
        form.good: task.good,
    }


def has_labels(kind: str) -> bool:
    return kind in LABELLED or kind == "entities"


def task_of(kind: str, metric: str, labels: str, good: str, inputs: tuple[str, ...]) -> Task:
    """The task that a form says. Raises BadInput: "error.data_task" for a choice that no list of ours offers,
    "error.data_labels" for too many labels."""
    known = next((one for one in KINDS if one == kind), None)
    if known is None:
        raise BadInput("error.data_task")
    chosen = next((one for one in METRICS[known] if one == metric), METRICS[known][0])
    lines = [" ".join(line.split()) for line in str(labels or "").splitlines()] if has_labels(known) else []
    names = tuple(dict.fromkeys(line for line in lines if line))
    if len(names) > MAX_LABELS:
        raise BadInput("error.data_labels", count=len(names), limit=MAX_LABELS)
    return Task(kind=known, labels=names, good=str(good or "").strip()[:4_000], metric=chosen, inputs=inputs)
