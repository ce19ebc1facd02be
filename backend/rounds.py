"""Asking one assistant many things: which faults are a question's own, and which the model's or the connection's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

from backend.answering import Answer, Answers, Question
from backend.assistants import Assistant
from backend.errors import BadInput, StudioError

GIVE_UP_AFTER: Final = 3
"""So many in a row that failed for no fault of their own: the model or the connection is down."""

Item = TypeVar("Item")


def answer_all(
    answers: Answers,
    assistant: Assistant,
    items: Iterable[Item],
    question: Callable[[Item], Question],
    keep: Callable[[Item, Answer], None],
    keep_fault: Callable[[Item, StudioError], None],
    stop: threading.Event | None = None,
) -> None:
    """Answer every item, batched; each goes to `keep` or `keep_fault` as soon as it is done, in the caller's thread.

    A fault that may be the model's or the connection's gives its item a second chance after all others; only then is
    it the item's own. Raises the fault when as many as GIVE_UP_AFTER in a row fail so, or when not a single item went
    well. After `stop` nothing new is begun, and what was cut short is handed to nobody: it is asked again next time.
    """
    rounds = _Rounds(keep, keep_fault, stop or threading.Event())
    for left in (iter(items), rounds.again()):
        asked = rounds.questions(left, question)
        for index, answer in answers.answer_many(assistant, asked, stop, rounds.failed):
            rounds.answered(index, answer)
        if rounds.stopping or not rounds.finish():
            break


class _Rounds(Generic[Item]):
    """The bookkeeping of one call: which question is which item, and who waits for a second chance."""

    def __init__(
        self,
        keep: Callable[[Item, Answer], None],
        keep_fault: Callable[[Item, StudioError], None],
        stop: threading.Event,
    ) -> None:
        self._keep, self._keep_fault, self._stop = keep, keep_fault, stop
        self._asked: dict[int, Item] = {}
        self._in_doubt: list[tuple[Item, StudioError]] = []
        self._again: list[Item] = []
        self._went_well = self._second = False

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def questions(self, items: Iterator[Item], question: Callable[[Item], Question]) -> Iterator[Question]:
        for index, item in enumerate(items):
            self._asked[index] = item
            yield question(item)

    def again(self) -> Iterator[Item]:
        """The items of the second round."""
        self._second = True
        yield from self._again

    def answered(self, index: int, answer: Answer) -> None:
        item = self._asked.pop(index)
        if answer.trace.finish == "stopped":
            return  # half an answer
        self._went_well = True
        self._settle()
        self._keep(item, answer)

    def failed(self, index: int, fault: StudioError) -> None:
        item = self._asked.pop(index)
        if isinstance(fault, BadInput) or (self._second and not self.stopping):
            self._keep_fault(item, fault)
        elif not self.stopping:
            self._in_doubt.append((item, fault))
            if len(self._in_doubt) >= GIVE_UP_AFTER:
                raise fault

    def finish(self) -> bool:
        """A round is through; says whether there are items for another. Raises the fault when nothing went well."""
        if self._in_doubt and not self._went_well:
            raise self._in_doubt[0][1]
        self._settle()
        return bool(self._again)

    def _settle(self) -> None:
        """Another item went well, so the model is there: what failed before it may go well, too."""
        self._again += [item for item, _ in self._in_doubt]
        self._in_doubt.clear()
