"""Answering examples: only what is not answered yet, batched, each answer kept within a second of its coming.

The one way in which evaluation, search, sensitivity and learning curves get their answers. A kill at any moment
loses at most the answers of the last second, which are asked again; nothing is ever kept twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from backend.answering import Answer, Answers, Question
from backend.assistants import Assistant
from backend.errors import StudioError
from backend.evaluation.answer_store import AnswerStore, NewAnswer, StoredAnswer
from backend.evaluation.identity import Where, fingerprint, settled, turned
from backend.examples.asking import question_of
from backend.examples.example import NewExample
from backend.projects.folder import Project
from backend.rounds import answer_all

__all__ = [
    "AnswerStore",
    "Answered",
    "NewAnswer",
    "StoredAnswer",
    "answer_examples",
    "forget_faults",
    "kept_answers",
    "missing",
]

GATHER_S: Final = 0.4
"""Answers that come within this time are committed together."""


@dataclass(frozen=True)
class Answered:
    """What `answer_examples` did: inputs asked now, inputs that had their answer, inputs that failed for good now."""

    fingerprint: str
    asked: int
    already: int
    failed: int


def answer_examples(
    project: Project,
    answers: Answers,
    assistant: Assistant,
    examples: Iterable[NewExample],
    where: Where,
    stop: threading.Event | None = None,
    told: Callable[[int], None] | None = None,
) -> Answered:
    """Answer every example that this assistant has not answered yet; equal inputs are asked once.

    where  `ModelHost.where`
    told   is called with how many distinct inputs are done so far, earlier ones included
    Raises what the model or the connection says when it fails for good; what came before is kept. After `stop` it
    returns with what it has. When nothing is missing no model is loaded.
    """
    known = fingerprint(assistant, where, project)
    left, already = missing(project, assistant, known, examples)
    if told is not None:
        told(already)
    asked = failed = 0
    if left:
        with _Writer(project.answers) as writer:

            def keep(new: NewAnswer) -> None:
                nonlocal asked
                writer.add(new)
                asked += 1
                if told is not None:
                    told(already + asked)

            def keep_answer(key: str, answer: Answer) -> None:
                keep(NewAnswer.of(_under(known, left[key]), key, answer))

            def keep_fault(key: str, fault: StudioError) -> None:
                nonlocal failed
                failed += 1
                keep(NewAnswer.failed(_under(known, left[key]), key, fault))

            answer_all(answers, settled(assistant), left, lambda key: left[key], keep_answer, keep_fault, stop)
    return Answered(known, asked, already, failed)


def missing(
    project: Project, assistant: Assistant, known: str, examples: Iterable[NewExample]
) -> tuple[dict[str, Question], int]:
    """What this assistant (fingerprint `known`) has not answered, input key -> question; and how much it has."""
    wanted = _questions(project, assistant, examples)
    had = {key for under, some in _by_name(known, wanted).items() for key in project.answers.have(under, some)}
    return {key: question for key, question in wanted.items() if key not in had}, len(had)


def kept_answers(
    project: Project, assistant: Assistant, known: str, examples: Iterable[NewExample]
) -> dict[str, StoredAnswer]:
    """The assistant's answers to these examples as they are asked today, by input key, those that there are."""
    found: dict[str, StoredAnswer] = {}
    for under, some in _by_name(known, _questions(project, assistant, examples)).items():
        found |= project.answers.get(under, some)
    return found


def forget_faults(project: Project, known: str, examples: Iterable[NewExample]) -> int:
    """Let inputs that failed be asked again; says how many there were."""
    keys = {example.input_key for example in examples}
    return sum(project.answers.forget_faults(under, keys) for under in (known, turned(known)))


def _questions(project: Project, assistant: Assistant, examples: Iterable[NewExample]) -> dict[str, Question]:
    task = project.examples.task()
    return {example.input_key: question_of(example, assistant, task) for example in examples}


def _under(known: str, question: Question) -> str:
    return turned(known) if question.history else known


def _by_name(known: str, questions: Mapping[str, Question]) -> dict[str, set[str]]:
    """The keys by the name under which their answers are kept."""
    found: dict[str, set[str]] = {}
    for key, question in questions.items():
        found.setdefault(_under(known, question), set()).add(key)
    return found


class _Writer:
    """Commits answers in a thread of its own, so that the model never waits for the disk. A context manager.

    A fault of the disk is raised by the next `add`, or at the end.
    """

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._pending: list[NewAnswer] = []
        self._change = threading.Condition()
        self._closed = False
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="keep-answers", daemon=True)

    def add(self, new: NewAnswer) -> None:
        with self._change:
            if self._fault is not None:
                raise self._fault
            self._pending.append(new)
            if len(self._pending) == 1:
                self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._pending or self._closed)
                if not self._pending:
                    return
                some, self._pending = self._pending, []
            try:
                self._store.add(some)
            except Exception as fault:  # raised where the answers come from: in `add` or at the end
                self._fault = fault
                return
            with self._change:
                self._change.wait_for(lambda: self._closed, GATHER_S)

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()
        if self._fault is not None and fault is None:
            raise self._fault
