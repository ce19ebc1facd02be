"""The same questions for the project's evaluation: how good the answers are with documents, and without."""

from __future__ import annotations

from typing import Final

from backend.assistants import Assistant, Documents
from backend.errors import Refused
from backend.evaluation.run import start_evaluation
from backend.examples.example import NewExample, input_key
from backend.examples.task import Task
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project

TAG: Final = "known question"
TASK: Final = Task(kind="question_answering", metric="char_f1")
MOST: Final = 500


def evaluate_answers(
    runs: Runs, project: Project, assistant: Assistant, names: tuple[str, str], title: str = "", tag: str = TAG
) -> Run:
    """Evaluate an assistant with the documents and without, over the known questions that have an answer.

    They join the project's dev examples (the test split is not touched), and all of those are evaluated. A project
    without a task gets that of answering questions.
    names  what the two are saved as: with documents, without        tag  what the examples are marked with
    Raises Refused("error.measure_no_answers" | "error.measure_answers_task"), and as `start_evaluation`.
    """
    known = project.questions.list("accepted", limit=MOST, answered=True)
    if not known:
        raise Refused("error.measure_no_answers")
    task = project.examples.task()
    if task is None:
        project.examples.set_task(TASK)
        task = TASK
    if task.kind != "question_answering" or len(task.inputs) != 1:
        raise Refused("error.measure_answers_task")
    new = [NewExample(variables={task.inputs[0]: one.question}, output=one.answer, tags=(tag,)) for one in known]
    project.examples.add(new, "import")
    placed = [found for one in new for found in project.examples.find_by_input(input_key(one.variables))]
    project.examples.set_split([one.id for one in placed if one.split is None], "dev")
    documents = assistant.documents or Documents()
    both = (assistant.model_copy(update={"documents": documents}), assistant.model_copy(update={"documents": None}))
    saved = [_saved(project, name, one) for name, one in zip(names, both, strict=True)]
    return start_evaluation(runs, project, [one.id for one in saved], split="dev", title=title)


def _saved(project: Project, name: str, assistant: Assistant) -> SavedAssistant:
    """The version of that name that is this assistant already, else a new one."""
    wanted = assistant.model_copy(update={"name": name})
    same = (one for one in project.assistants.list() if one.name == name and one.assistant == wanted)
    return next(same, None) or project.assistants.save(name, assistant)
