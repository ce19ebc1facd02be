"""Keeping an answer while it is being written: into the chat's store at its first word, every second, and at its end.

No Gradio in here. Whatever ends the stream (the person's Stop, the closed page, a fault), what was written stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from backend.answering import Answer, Answers, Question, Trace
from backend.assistants import Assistant
from backend.models.engine import TokenChoice
from tabs.playground.strands import watch

SAVE_EVERY_S = 1.0

Keep = Callable[[str, Trace], None]


class Page:
    """Where in a chat an answer goes: a new turn, another version of one, or the version that is continued."""

    def __init__(self, chats: Any, chat_id: int, assistant: Assistant, turn_id: int | None = None) -> None:
        self._chats, self._chat_id, self._assistant, self._turn_id = chats, chat_id, assistant, turn_id
        self._version_id: int | None = None

    @classmethod
    def continued(cls, chats: Any, chat_id: int, assistant: Assistant, version_id: int) -> Page:
        page = cls(chats, chat_id, assistant)
        page._version_id = version_id
        return page

    def keep(self, text: str, trace: Trace) -> None:
        """Save what is there. The first call makes the place, later ones write over it. Raises StorageProblem."""
        if self._version_id is not None:
            self._chats.update_version(self._version_id, text, trace)
        elif self._turn_id is not None:
            self._version_id = self._chats.add_version(self._turn_id, text, trace, self._assistant).id
        else:
            turn = self._chats.add_answer(self._chat_id, text, trace, self._assistant)
            self._version_id = turn.versions[-1].id


def written(
    answers: Answers,
    assistant: Assistant,
    question: Question,
    stop: threading.Event,
    keep: Keep,
    before: Trace | None = None,
) -> Iterator[Answer]:
    """The answer as it grows, kept on the way. `before` is the trace of the part that is continued.

    A stream that ends early, by whatever cause, is kept with finish "stopped".
    """
    last: Answer | None = None
    kept_at = 0.0
    stream = answers.answer(assistant, question, stop)
    try:
        for answer in stream:
            last = replace(answer, trace=joined(before, answer.trace)) if before else answer
            now = time.monotonic()
            if last.text and now - kept_at >= SAVE_EVERY_S and last.trace.finish is None:
                keep(last.text, replace(last.trace, choices=()))
                kept_at = now
            yield last
    finally:
        if last is not None and (last.text or last.trace.finish != "stopped"):
            ended = last.trace if last.trace.finish else replace(last.trace, finish="stopped")
            keep(last.text, ended)


def stream(
    answer: Callable[[], Iterator[Answer]], stop: threading.Event, left: Callable[[], bool]
) -> Iterator[Answer | None]:
    """One answer for one page: its latest state again and again, None before there is one. Raises what it raised."""
    for (strand,) in watch([answer], stop, left):
        yield strand.latest
        if strand.done and strand.fault is not None:
            raise strand.fault


def joined(before: Trace, after: Trace) -> Trace:
    """The trace of a continued answer: counts and times of both parts, both parts' tokens, the first's passages.

    What is continued keeps its passages, also those that the longer prompt had no room for: their numbers are in it.
    """
    tokens = _sum(before.answer_tokens, after.answer_tokens)
    total = before.total_s + after.total_s
    choices: tuple[TokenChoice, ...] = (*before.choices, *after.choices)
    return replace(
        after,
        prompt_tokens=before.prompt_tokens if before.prompt_tokens is not None else after.prompt_tokens,
        answer_tokens=tokens,
        first_token_s=before.first_token_s if before.first_token_s is not None else after.first_token_s,
        total_s=total,
        choices=choices if before.choices and after.choices else after.choices,
        passages=before.passages,
        cut=before.cut,
        retrieval=before.retrieval,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
