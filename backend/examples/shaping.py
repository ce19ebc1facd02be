"""Recognizing the usual shapes of example files, and bringing each into plain columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any, Final

from backend.examples.conversations import Conversation, Turn, conversation, turns_of, written
from backend.examples.iob import is_tag, marks, sentence_cells
from backend.examples.notes import Note
from backend.examples.shapes import SPANS, TEXT, Shape, Source
from backend.examples.span_cells import read_places
from backend.prompts.table import Table

LOOKED_AT: Final = 200
TALKS: Final = ("messages", "conversations", "conversation", "dialog", "dialogue", "chat", "대화")
PROMPTS: Final = ("prompt", "instruction", "question", "input", "질문")
TOKENS: Final = ("tokens", "words", "token", "word", "form", "단어", "토큰", "어절")
TAGS: Final = ("ner_tags", "tags", "labels", "ner", "tag", "label", "ne", "태그", "레이블", "라벨")
SENTENCES: Final = ("sentence #", "sentence_id", "sentence", "sent_id", "sid", "문장번호", "문장 번호")
MARKED: Final = ("spans", "entities", "label", "labels", "annotations", "ner", "ne", "개체명", "개체")
TEXTS: Final = ("text", "sentence", "data", "input", "content", "form", "document", "문장", "본문", "원문")

Reader = Callable[[Table], tuple[Table, Note] | None]


def shaped(name: str, table: Table, reasons: tuple[Note, ...] = ()) -> Source:
    """The table in plain columns, with the shape it was recognized by and why."""
    table = flattened(table)
    readers: tuple[tuple[Shape, Reader], ...] = (
        ("preference", _preference),
        ("messages", _messages),
        ("iob", _token_lists),
        ("iob", _token_rows),
        ("spans", _spans),
        ("instruction", _instruction),
        ("prompt_completion", _completion),
        ("pairs", _pairs),
    )
    for shape, reader in readers:
        found = reader(table)
        if found is not None:
            return Source(name, found[0], shape, (*reasons, found[1]))
    return Source(name, table, "table", (*reasons, Note("importing.reason.table", {"count": len(table.columns)})))


def named(table: Table, names: Sequence[str]) -> str | None:
    """The first of these names that a column has, in any case."""
    columns = {column.casefold(): column for column in reversed(table.columns)}
    return next((columns[name] for name in names if name in columns), None)


def beginning(table: Table, column: str) -> list[str]:
    """The first filled cells of a column."""
    at = table.columns.index(column)
    return [row[at] for row in table.cells[:LOOKED_AT] if row[at].strip()]


def with_columns(table: Table, made: dict[str, list[str]], without: Sequence[str]) -> Table:
    """The table with some columns put in the place of others, at the front."""
    kept = [at for at, column in enumerate(table.columns) if column not in {*without, *made}]
    cells = [
        (*new, *(row[at] for at in kept))
        for new, row in zip(zip(*made.values(), strict=True), table.cells, strict=True)
    ]
    return replace(table, columns=(*made, *(table.columns[at] for at in kept)), cells=cells)


def flattened(table: Table) -> Table:
    """Columns of small objects spread into a column per key, e.g. labels.label."""
    for column in table.columns:
        cells = beginning(table, column)
        if not cells or not all(cell.startswith("{") for cell in cells[:5]):
            continue
        objects = [_object(cell) for cell in table.column(column)]
        keys = list(dict.fromkeys(key for found in objects for key in found))
        if not keys or len(keys) > 50 or any(isinstance(value, (list, dict)) for value in objects[0].values()):
            continue
        if read_places(cells[0]):
            continue
        made = {f"{column}.{key}": [_cell(found.get(key)) for found in objects] for key in keys}
        table = with_columns(table, made, [column])
    return table


def _object(cell: str) -> dict[str, Any]:
    try:
        found = json.loads(cell) if cell else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _preference(table: Table) -> tuple[Table, Note] | None:
    chosen, rejected = named(table, ("chosen",)), named(table, ("rejected",))
    if chosen is None or rejected is None:
        return None
    prompt = named(table, PROMPTS)
    reason = Note("importing.reason.preference", {"chosen": chosen, "rejected": rejected})
    first = beginning(table, chosen)
    if not first or not all(turns_of(cell) for cell in first[:5]):
        return table, reason
    prompts = table.column(prompt) if prompt else [""] * len(table.cells)
    sides = zip(prompts, table.column(chosen), table.column(rejected), strict=True)
    rows = [_two_answers(*side) for side in sides]
    made = {key: [row[at] for row in rows] for at, key in enumerate(("prompt", "chosen", "rejected"))}
    return with_columns(table, made, [chosen, rejected, *([prompt] if prompt else [])]), reason


def _two_answers(prompt: str, chosen: str, rejected: str) -> tuple[str, str, str]:
    """What both conversations share is the prompt, the rest of each its answer."""
    left, right = turns_of(chosen) or [], turns_of(rejected) or []
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    if shared == len(left) or shared == len(right):
        shared = max(min(len(left), len(right)) - 1, 0)
    asked = written(turns_of(prompt) or []) or prompt or written(left[:shared])
    return asked, _answer(left[shared:]), _answer(right[shared:])


def _answer(turns: Sequence[Turn]) -> str:
    if turns and turns[0][0] == "assistant":
        return turns[0][1].strip() if len(turns) == 1 else written(turns)
    return written(turns)


def _messages(table: Table) -> tuple[Table, Note] | None:
    column = named(table, TALKS)
    if column is None or not (first := beginning(table, column)) or not all(turns_of(cell) for cell in first[:5]):
        return None
    talks = [conversation(turns_of(cell) or []) for cell in table.column(column)]
    made = {"input": [talk.input for talk in talks], "output": [talk.output for talk in talks]}
    systems = {talk.system for talk in talks}
    if systems != {""}:
        made = {"system": [talk.system for talk in talks], **made}
    return with_columns(table, made, [column]), _talk_note(column, talks)


def _talk_note(column: str, talks: Sequence[Conversation]) -> Note:
    systems = {talk.system for talk in talks}
    if len(systems) == 1 and systems != {""}:
        return Note("importing.reason.messages_system", {"column": column, "system": systems.pop()[:200]})
    return Note("importing.reason.messages", {"column": column})


def _token_lists(table: Table) -> tuple[Table, Note] | None:
    """Two columns of lists of equal length, one of words, one of tags."""
    tokens, tags = named(table, TOKENS), named(table, TAGS)
    if tokens is None or tags is None:
        return None
    head = [
        (_list(left), _list(right))
        for left, right in zip(beginning(table, tokens), beginning(table, tags), strict=False)
    ]
    if not head or not all(left and len(left) == len(right) for left, right in head):
        return None
    rows = [
        sentence_cells(list(zip(_list(left), _list(right), strict=False)))
        for left, right in zip(table.column(tokens), table.column(tags), strict=True)
    ]
    made = {TEXT: [row[0] for row in rows], SPANS: [row[1] for row in rows]}
    return with_columns(table, made, [tokens, tags]), Note(
        "importing.reason.token_lists", {"tokens": tokens, "tags": tags}
    )


def _list(cell: str) -> list[str]:
    try:
        found = json.loads(cell) if cell.startswith("[") else []
    except (ValueError, RecursionError):
        return []
    return [str(item) for item in found] if isinstance(found, list) else []


def _token_rows(table: Table) -> tuple[Table, Note] | None:
    """A row per word: a sentence's number (given in every row or only in its first), the word, its tag."""
    tokens, tags, sentence = named(table, TOKENS), named(table, TAGS), named(table, SENTENCES)
    if tokens is None or tags is None or sentence is None or len({tokens, tags, sentence}) < 3:
        return None
    found = [cell for cell in table.column(tags)[: 40 * LOOKED_AT] if cell]
    if not found or not all(is_tag(cell) for cell in found) or not any(marks(cell) for cell in found):
        return None
    rows: list[tuple[int, list[tuple[str, str]]]] = []
    current: str | None = None
    columns = (table.column(sentence), table.column(tokens), table.column(tags))
    for number, key, token, tag in zip(table.numbers, *columns, strict=True):
        if not rows or (key and key != current):
            rows.append((number, []))
            current = key
        rows[-1][1].append((token, tag))
    made = replace(
        table,
        columns=(TEXT, SPANS),
        cells=[sentence_cells(row) for _, row in rows],
        numbers=[number for number, _ in rows],
    )
    return made, Note("importing.reason.token_rows", {"tokens": tokens, "tags": tags, "sentence": sentence})


def _spans(table: Table) -> tuple[Table, Note] | None:
    for name in MARKED:
        column = named(table, (name,))
        if column is None:
            continue
        cells = [read_places(cell) for cell in beginning(table, column)]
        text = next((found for key in TEXTS if (found := named(table, (key,))) not in (None, column)), None)
        if cells and text and None not in cells and any(cells):
            return table, Note("importing.reason.spans", {"column": column, "text": text})
    return None


def _instruction(table: Table) -> tuple[Table, Note] | None:
    columns = named(table, ("instruction", "지시", "지시문")), named(table, ("output", "response", "출력", "응답"))
    if None in columns:
        return None
    return table, Note("importing.reason.instruction", {"instruction": columns[0], "output": columns[1]})


def _completion(table: Table) -> tuple[Table, Note] | None:
    prompt, completion = named(table, ("prompt",)), named(table, ("completion", "response"))
    if prompt is None or completion is None:
        return None
    if (first := beginning(table, prompt)) and all(turns_of(cell) for cell in first[:5]):
        table = _told(table, prompt, completion)
    return table, Note("importing.reason.prompt_completion", {"prompt": prompt, "completion": completion})


def _told(table: Table, prompt: str, completion: str) -> Table:
    """Prompts and completions that are messages."""
    asked = [written([turn for turn in turns_of(cell) or [] if turn[0] != "system"]) for cell in table.column(prompt)]
    answers = [_answer(turns) if (turns := turns_of(cell)) else cell for cell in table.column(completion)]
    return with_columns(table, {prompt: asked, completion: answers}, [])


def _pairs(table: Table) -> tuple[Table, Note] | None:
    if len(table.columns) != 2 or len(table.cells) < 2:
        return None
    long = [sum(map(len, cells)) / len(cells) for column in table.columns if (cells := beginning(table, column))]
    if len(long) < 2 or min(long) < 12:
        return None
    return table, Note("importing.reason.pairs", {"first": table.columns[0], "second": table.columns[1]})
