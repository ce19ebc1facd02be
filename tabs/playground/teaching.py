"""An answer of a conversation kept as an example of the project's task: what was asked, and what was answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from backend.errors import BadInput, NotFound
from backend.examples.entity_text import read_spans
from backend.examples.example import NewExample
from backend.examples.rows import NAMES_LIMIT
from backend.examples.splits import place_new, splits_made
from backend.examples.store import ExampleStore
from backend.examples.task import Task
from backend.projects.turns import Turn
from backend.prompts.templates import render, variables

ORIGIN = "playground"
TRIES: Final = 1_000
"""Places that are looked at for the end of a value: an imported chat may hold anything."""

Piece = tuple[str | None, str]
"""A variable's name, or None and the words between two of them."""


def keep(store: ExampleStore, turns: Sequence[Turn], turn: Turn, values: Mapping[str, str]) -> str:
    """Keep the shown version of an answer; the words key of what to say. Raises BadInput, NotFound.

    values  the boxes beside the message as they stand now, for an answer whose own question is not on record
    """
    task = store.task()
    added = store.add([example_of(turns, turn, values, task)], kind="playground")
    if not added.count:
        return "data.kept_before"
    if splits_made(store) is not None:
        place_new(store)
    odd = task is not None and task.labelled and task.labels and label_of(turn.text, task) not in task.labels
    return "data.kept_unlabelled" if odd else "data.kept"


def example_of(turns: Sequence[Turn], turn: Turn, values: Mapping[str, str], task: Task | None) -> NewExample:
    """The variables of the question, and the answer in the task's own spelling."""
    if turn.role != "assistant" or not turn.text.strip():
        raise BadInput("error.data_empty_answer")
    asked = [one for one in turns[: turns.index(turn)] if one.role == "user"]
    if not asked:
        raise NotFound("error.turn_missing")
    filled = question_of(turn, asked[-1].text, values)
    output = turn.text.strip()
    if task is not None and task.labelled:
        output = label_of(output, task)
    spans = None
    if task is not None and task.kind == "entities":
        name = "input" if "input" in filled else next(iter(filled))
        read = read_spans(filled[name], output, task.labels, name)
        spans = None if read is None or read.unfound else read.spans
    return NewExample(variables=filled, output=output, spans=spans, origin=ORIGIN)


def question_of(turn: Turn, message: str, values: Mapping[str, str]) -> dict[str, str]:
    """What filled the template of this very answer, read back from the prompt it was given."""
    assistant, trace = turn.shown.assistant, turn.shown.trace
    names = variables(assistant.instructions.template) if assistant is not None else []
    if assistant is None or not names or names == ["input"]:
        return {"input": message}
    seen = [one.content for one in trace.messages if one.role == "user"] if trace is not None else []
    found = read_back(assistant.instructions.template, seen[-1], {"input": message}) if seen else None
    return {name: message if name == "input" else (found or values).get(name, "") for name in names}


def read_back(template: str, text: str, known: Mapping[str, str]) -> dict[str, str] | None:
    """The values that made `text` of `template`; None when it was another template. `known` ones are taken as given."""
    names = variables(template)
    if len(names) > NAMES_LIMIT:
        return None
    marks = {f"\0{number}\0": name for number, name in enumerate(names)}
    pieces = re.split("(\0\\d+\0)", render(template, {name: mark for mark, name in marks.items()}))
    parts: list[Piece] = [(marks.get(piece), piece) for piece in pieces if piece]
    return _read(parts, text, 0, dict(known), iter(range(TRIES)))


def _read(
    parts: Sequence[Piece], text: str, at: int, found: dict[str, str], tries: Iterator[int]
) -> dict[str, str] | None:
    """The values in `text` from `at` on, each as short as the rest allows; None when nothing fits, or within `tries`.

    A value ends where the words after it begin; only one that comes again in the template can ask for another place.
    """
    words, parts = _words(parts, found)
    if not text.startswith(words, at):
        return None
    at += len(words)
    if not parts:
        return found if at == len(text) else None
    name = parts[0][0] or ""
    after, rest = _words(parts[1:], found)
    end = text.find(after, at)
    if not rest:
        end = max(len(text) - len(after), at) if text.endswith(after) else -1
    while end >= 0 and next(tries, None) is not None:
        read = _read(parts[1:], text, end, {**found, name: text[at:end]}, tries)
        if read is not None or not rest:
            return read
        end = text.find(after, end + 1)
    return None


def _words(parts: Sequence[Piece], found: Mapping[str, str]) -> tuple[str, Sequence[Piece]]:
    """The text that is known at the beginning of the pieces, and what comes after it."""
    words: list[str] = []
    for place, (name, piece) in enumerate(parts):
        if name is not None and name not in found:
            return "".join(words), parts[place:]
        words.append(piece if name is None else found[name])
    return "".join(words), ()


def label_of(answer: str, task: Task) -> str:
    """One of the task's labels where the answer says no more than that; else the answer as it is."""
    said = answer.strip().strip("\"'`‘’“”.。!").strip().casefold()
    return next((label for label in task.labels if label.casefold() == said), answer.strip())
