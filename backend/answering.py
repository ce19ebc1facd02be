"""The one path from an input to an answer. Every tab, evaluation, served API and test goes through it.

answer(assistant, question) -> stream of Answer   (the last one is finished and has its Trace filled)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from typing import Protocol

from backend.assistants import Assistant, ModelRef, Weights
from backend.documents.grounding.grounding import NO_GROUND, Asked, Ground, find, ground, text_of
from backend.documents.grounding.source import Passages
from backend.documents.grounding.values import Cut, Quoted, Retrieval
from backend.errors import StudioError
from backend.fewshot.nearest import ShotChooser
from backend.messages import Message
from backend.models.engine import Engine, Finish, Piece, Request, TokenChoice
from backend.prompts.templates import render, variables

AT_ONCE = 32
"""Questions of one `answer_many` under way together; the engine keeps room for other people beside them."""


@dataclass(frozen=True)
class Question:
    """One thing to be answered.

    variables  fill the assistant's prompt template, e.g. {"input": "..."}; in a conversation `input` is the new message
    history    earlier turns as they were shown (user turns are the raw `input`; each is put through the template)
    prefill    the beginning of an answer, to be continued as it stands
    candidates how many best candidates per token the trace shall hold; 0 holds none
    rests_on   the passages that the prefill cites, of an answer that is continued: nothing is looked for anew
    """

    variables: Mapping[str, str]
    history: tuple[Message, ...] = ()
    prefill: str = ""
    candidates: int = 0
    rests_on: Ground | None = None


@dataclass(frozen=True)
class Trace:
    """How an answer came about, and what it cost. Times in seconds; counts in tokens, None where unknown.

    passages   those in the prompt, by their numbers; cut  those found that the model cannot hold
    retrieval  how they were found; None for an assistant without documents
    """

    prompt: str = ""
    messages: tuple[Message, ...] = ()
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    first_token_s: float | None = None
    total_s: float = 0.0
    tokens_per_s: float | None = None
    finish: Finish | None = None
    choices: tuple[TokenChoice, ...] = ()
    passages: tuple[Quoted, ...] = ()
    cut: tuple[Cut, ...] = ()
    retrieval: Retrieval | None = None


@dataclass(frozen=True)
class Answer:
    """An answer so far. While `trace.finish` is None it is still being written.

    `text` begins with the question's `prefill`: it is the whole answer, not what was added to it.
    """

    text: str
    trace: Trace = field(default_factory=Trace)


class Answers(Protocol):
    """What tabs and runs are handed: `Answering` below in the studio and in tests alike."""

    def compose(self, assistant: Assistant, question: Question) -> tuple[Message, ...]:
        """The messages the model gets: system, examples, history, passages and question.

        All passages that are found, however long they are together. Raises BadInput (unknown variable, ...), and
        NotFound("error.grounding_nothing_indexed").
        """

    def preview(self, assistant: Assistant, question: Question) -> tuple[str, list[str] | None]:
        """The exact text after the chat template, and the same text cut at token boundaries (None: unknown)."""

    def answer(self, assistant: Assistant, question: Question, stop: threading.Event | None = None) -> Iterator[Answer]:
        """Stream the answer; each item holds the whole text so far. `stop` ends it (finish "stopped", text kept)."""

    def answer_many(
        self,
        assistant: Assistant,
        questions: Iterable[Question],
        stop: threading.Event | None = None,
        on_fault: Callable[[int, StudioError], None] | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        """Answer many, batched, as (index, finished answer) in order of completion.

        A StudioError of one row is raised as is and ends the whole; with `on_fault` it is told (index, fault) and
        the other rows go on. After `stop` no new question is begun; those under way come with finish "stopped".
        """


class Host(Protocol):
    """Where engines come from: `backend.models.host.ModelHost`."""

    def engine(self, weights: Weights | ModelRef) -> AbstractContextManager[Engine]:
        """The engine of an assistant's weights, or of a bare model, kept loaded while the block runs."""


class Answering:
    """The Answers of the studio and of the tests.

    passages  the documents of the project in which is asked; without them an assistant with documents cannot answer
    """

    def __init__(self, host: Host, passages: Passages | None = None) -> None:
        self._host = host
        self._passages = passages
        self._shots = ShotChooser()

    def within(self, passages: Passages | None) -> Answering:
        """The same for the documents of another project."""
        other = Answering(self._host, passages)
        other._shots = self._shots
        return other

    def compose(self, assistant: Assistant, question: Question) -> tuple[Message, ...]:
        """See Answers."""
        plain = self._messages(assistant, question)
        if assistant.documents is None:
            return plain
        query = _query(assistant, question)
        found = find(self._passages, assistant.documents, query)
        return _with_material(plain, text_of(assistant, query, found.quoted))

    def preview(self, assistant: Assistant, question: Question) -> tuple[str, list[str] | None]:
        """See Answers. Loads the model when it is not loaded."""
        plain = self._messages(assistant, question)
        with self._host.engine(assistant.weights) as engine:
            messages, _ = self._grounded(plain, assistant, question, engine, None)
            text = engine.render(messages, assistant.chat_template, question.prefill)
            return text, engine.tokens(text)

    def answer(self, assistant: Assistant, question: Question, stop: threading.Event | None = None) -> Iterator[Answer]:
        """See Answers. Closing the iterator ends the answer too."""
        return self._stream(assistant, question, stop)

    def answer_many(
        self,
        assistant: Assistant,
        questions: Iterable[Question],
        stop: threading.Event | None = None,
        on_fault: Callable[[int, StudioError], None] | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        """See Answers. Questions are taken from the iterable only as there is room for them."""
        left, tickets = threading.Event(), enumerate(questions)
        under_way: dict[Future[Answer], int] = {}
        # The outer hold keeps the model from being unloaded between two rows.
        with self._host.engine(assistant.weights), ThreadPoolExecutor(AT_ONCE, "answer-many") as crew:
            try:
                while True:
                    while len(under_way) < AT_ONCE and not (stop and stop.is_set()) and (ticket := next(tickets, None)):
                        under_way[crew.submit(self._last, assistant, ticket[1], stop, left)] = ticket[0]
                    if not under_way:
                        return
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        index = under_way.pop(future)
                        try:
                            answer = future.result()
                        except StudioError as fault:
                            if on_fault is None:
                                raise
                            on_fault(index, fault)
                            continue
                        yield index, answer
            finally:
                left.set()  # the caller went away, or a row failed: nobody will read the others

    def _last(
        self, assistant: Assistant, question: Question, stop: threading.Event | None, left: threading.Event
    ) -> Answer:
        last = Answer("")
        with closing(self._stream(assistant, question, stop)) as answers:
            for last in answers:  # noqa: B007  (what remains is the finished one)
                if left.is_set():
                    break
        return last

    def _stream(self, assistant: Assistant, question: Question, stop: threading.Event | None) -> Generator[Answer]:
        clock = _Clock()
        # What cannot be asked is said before a model is loaded for it; passages come when it is known what fits.
        bare = assistant if assistant.documents is None else assistant.model_copy(update={"documents": None})
        plain = self.compose(bare, question)
        with self._host.engine(assistant.weights) as engine:
            messages, rests_on = self._grounded(plain, assistant, question, engine, stop)
            prompt = engine.render(messages, assistant.chat_template, question.prefill)
            request = Request(
                messages, assistant.decoding, assistant.chat_template, question.prefill, question.candidates, prompt
            )
            trace, text = Trace(prompt, messages), question.prefill
            trace = replace(trace, passages=rests_on.quoted, cut=rests_on.cut, retrieval=rests_on.retrieval)
            pieces = engine.stream(request, stop)
            try:
                for piece in pieces:
                    text += piece.text
                    trace = clock.mark(trace, piece)
                    yield Answer(text, trace)
            finally:
                _close(pieces)

    def _messages(self, assistant: Assistant, question: Question) -> tuple[Message, ...]:
        """Everything but the passages. Raises BadInput (unknown variable, ...)."""
        template = assistant.instructions.template
        messages = []
        if assistant.instructions.system.strip():
            messages.append(Message(role="system", content=assistant.instructions.system))
        for shot in self._shots.shots_for(assistant.examples, question.variables):
            messages.append(Message(role="user", content=render(template, shot.variables)))
            messages.append(Message(role="assistant", content=shot.output))
        for turn in question.history:
            told = render(template, {**question.variables, "input": turn.content}) if turn.role == "user" else None
            messages.append(turn if told is None else Message(role="user", content=told))
        messages.append(Message(role="user", content=render(template, question.variables)))
        return tuple(messages)

    def _grounded(
        self,
        plain: tuple[Message, ...],
        assistant: Assistant,
        question: Question,
        engine: Engine,
        stop: threading.Event | None,
    ) -> tuple[tuple[Message, ...], Ground]:
        """The messages with as many passages as this model can hold."""
        if assistant.documents is None:
            return plain, NO_GROUND

        def prompt(before: str) -> str:
            return engine.render(_with_material(plain, before), assistant.chat_template, question.prefill)

        query = _query(assistant, question)
        rests_on = ground(
            self._passages, assistant, Asked(query, question.history, question.rests_on), engine, prompt, stop
        )
        return _with_material(plain, text_of(assistant, query, rests_on.quoted)), rests_on


def _query(assistant: Assistant, question: Question) -> str:
    """What is looked for: the input; of a template without one, all that it names."""
    given = question.variables
    if "input" in given:
        return given["input"]
    return "\n".join(given[name] for name in variables(assistant.instructions.template) if name in given)


def _with_material(messages: tuple[Message, ...], before: str) -> tuple[Message, ...]:
    """The material before the question, in the question's own message."""
    *earlier, asked = messages
    return (*earlier, asked.model_copy(update={"content": before + asked.content}))


class _Clock:
    """Times of one answer, from when it was asked for (loading a model counts: the person waits for it)."""

    def __init__(self) -> None:
        self._asked = time.perf_counter()
        self._first: tuple[float, int] | None = None

    def mark(self, trace: Trace, piece: Piece) -> Trace:
        now, count = time.perf_counter(), piece.answer_tokens
        if self._first is None and piece.text:
            self._first = (now, count or 0)
        rate = None
        # The first piece's tokens were made before the watch of the rate started.
        if self._first and count is not None and count > self._first[1] and now > self._first[0]:
            rate = (count - self._first[1]) / (now - self._first[0])
        return replace(
            trace,
            prompt_tokens=piece.prompt_tokens if piece.prompt_tokens is not None else trace.prompt_tokens,
            answer_tokens=count if count is not None else trace.answer_tokens,
            first_token_s=self._first[0] - self._asked if self._first else None,
            total_s=now - self._asked,
            tokens_per_s=rate if rate is not None else trace.tokens_per_s,
            finish=piece.finish,
            choices=trace.choices + piece.choices if piece.choices else trace.choices,
        )


def _close(pieces: Iterator[Piece]) -> None:
    """End an engine's stream now rather than when it is collected."""
    if isinstance(pieces, Generator):
        pieces.close()
