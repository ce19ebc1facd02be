"""The one path from an input to an answer. Every tab, evaluation, served API and test goes through it.

    answer(assistant, question) -> stream of Answer   (the last one is finished and has its Trace filled)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from backend.assistants import Assistant
from backend.messages import Message
from backend.models.engine import Finish, TokenChoice


@dataclass(frozen=True)
class Question:
    """One thing to be answered.

    variables  fill the assistant's prompt template, e.g. {"input": "..."}; in a conversation `input` is the new message
    history    earlier turns as they were shown (user turns are the raw `input`; each is put through the template)
    prefill    the beginning of an answer, to be continued as it stands
    candidates how many best candidates per token the trace shall hold; 0 holds none
    """

    variables: Mapping[str, str]
    history: tuple[Message, ...] = ()
    prefill: str = ""
    candidates: int = 0


@dataclass(frozen=True)
class Trace:
    """How an answer came about, and what it cost. Times in seconds; counts in tokens, None where unknown."""

    prompt: str = ""
    messages: tuple[Message, ...] = ()
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    first_token_s: float | None = None
    total_s: float = 0.0
    tokens_per_s: float | None = None
    finish: Finish | None = None
    choices: tuple[TokenChoice, ...] = ()


@dataclass(frozen=True)
class Answer:
    """An answer so far. While `trace.finish` is None it is still being written."""

    text: str
    trace: Trace = field(default_factory=Trace)


class Answers(Protocol):
    """What tabs and runs are handed: `Answering` below in the studio and in tests alike."""

    def compose(self, assistant: Assistant, question: Question) -> tuple[Message, ...]:
        """The messages the model gets: system, examples, history, question. Raises BadInput (unknown variable, ...)."""

    def preview(self, assistant: Assistant, question: Question) -> tuple[str, list[str] | None]:
        """The exact text after the chat template, and the same text cut at token boundaries (None: unknown)."""

    def answer(
        self, assistant: Assistant, question: Question, stop: threading.Event | None = None
    ) -> Iterator[Answer]:
        """Stream the answer; each item holds the whole text so far. `stop` ends it (finish "stopped", text kept)."""

    def answer_many(
        self, assistant: Assistant, questions: Iterable[Question], stop: threading.Event | None = None
    ) -> Iterator[tuple[int, Answer]]:
        """Answer many, batched, as (index, finished answer) in order of completion. A StudioError of one row is raised as is."""
