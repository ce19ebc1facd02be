"""What is found while rows are made: examples that are left out, and those that deserve a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from backend.assistants import Decoding
from backend.training.values import IGNORED, Problem, Row

IDS: Final = 1_000
SEVERITY: Final[Mapping[str, Literal["stop", "warn", "note"]]] = MappingProxyType(
    {
        "no_splits": "stop",
        "no_end": "warn",
        "no_answers": "warn",
        "no_prompt": "warn",
        "unknown_label": "warn",
        "too_long": "warn",
        "truncated": "warn",
        "stop_inside": "warn",
        "special_inside": "warn",
        "own_shot": "note",
        "without_passages": "note",
        "conversations": "note",
    }
)
"""no_end          the tokenizer has no end token: the trained model will not stop by itself
no_answers      left out: the expected output is empty
no_prompt       left out: the example lacks a variable of the template
unknown_label   left out of a head: the output is none of the task's labels
too_long        left out: more tokens than a row may have
truncated       trained, but the assistant's max_new_tokens would cut such an answer off
stop_inside     trained, but one of the assistant's stop strings stands within the answer
special_inside  trained, but the answer holds text that the model reads as one of its control tokens
own_shot        the example is a shot of the prompt too, and is left out of its own prompt
without_passages  the assistant answers from documents, and is trained without their passages in the prompt
conversations   every answer of the conversation is trained"""


@dataclass
class Found:
    """Collects by name; `limit` is how many tokens a row may have."""

    limit: int | None = None
    _ids: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    _longest: int = 0
    _longest_answer: int = 0

    def note(self, name: str) -> None:
        """Something about the whole, without examples."""
        self._ids.setdefault(name, {})

    def add(self, name: str, split: str, example_id: int) -> None:
        ids = self._ids.setdefault(name, {}).setdefault(split, [])
        if not ids or ids[-1] != example_id:
            ids.append(example_id)

    def fitting(self, rows: Sequence[Row], split: str, decoding: Decoding, special: frozenset[int]) -> Iterator[Row]:
        """The rows that can be trained on; the others are told. `special` are the tokenizer's control tokens."""
        for row in rows:
            number = row.example_id or 0
            if self.limit is not None and len(row.input_ids) > self.limit:
                self.add("too_long", split, number)
                self._longest = max(self._longest, len(row.input_ids))
            elif not row.input_ids or (row.label is None and row.labels[-1] == IGNORED):
                self.add("no_answers", split, number)
            else:
                if row.label is None:
                    self._look(row, split, number, decoding, special)
                yield row

    def _look(self, row: Row, split: str, number: int, decoding: Decoding, special: frozenset[int]) -> None:
        start = len(row.labels)
        while start and row.labels[start - 1] != IGNORED:
            start -= 1
        answer = row.input_ids[start:]
        if len(answer) > decoding.max_new_tokens:
            self.add("truncated", split, number)
            self._longest_answer = max(self._longest_answer, len(answer))
        if any(stop and stop in row.completion for stop in decoding.stop):
            self.add("stop_inside", split, number)
        if not special.isdisjoint(answer[:-1]):
            self.add("special_inside", split, number)

    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problem(name, self._ids[name]) for name in SEVERITY if name in self._ids)

    def _problem(self, name: str, by_split: Mapping[str, list[int]]) -> Problem:
        ids = [number for found in by_split.values() for number in found]
        details: dict[str, object] = {split: len(found) for split, found in by_split.items()}
        if name == "too_long":
            details |= {"limit": self.limit, "longest": self._longest}
        if name == "truncated":
            details |= {"longest": self._longest_answer}
        return Problem(name, SEVERITY[name], len(ids), tuple(ids[:IDS]), details)
