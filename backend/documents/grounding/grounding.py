"""The passages of one question: found, fitted to the model, and quoted before the question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.assistants import Assistant, Documents
from backend.documents.grounding.fitting import fitted, room
from backend.documents.grounding.quoting import language_of, material
from backend.documents.grounding.rewriting import rewritten
from backend.documents.grounding.source import Found, Passages, Retrieved
from backend.documents.grounding.suspicion import suspicions
from backend.documents.grounding.values import Cut, Hit, Quoted, Retrieval, Seen
from backend.errors import NotFound
from backend.messages import Message
from backend.models.engine import Engine

SHOWN_EACH: Final = 10
"""Passages of each retriever that a trace keeps."""
BEGINNING: Final = 120


@dataclass(frozen=True)
class Ground:
    """What an answer rests on: the passages in its prompt, those cut for length, and how they were found."""

    quoted: tuple[Quoted, ...] = ()
    cut: tuple[Cut, ...] = ()
    retrieval: Retrieval | None = None


NO_GROUND: Final = Ground()


@dataclass(frozen=True)
class Asked:
    """A question as grounding sees it: what is looked for, and what was said before.

    rests_on  what the beginning of the answer rests on, where one is continued: nothing is looked for anew
    """

    query: str
    history: tuple[Message, ...] = ()
    rests_on: Ground | None = None


def find(passages: Passages | None, wanted: Documents, query: str, was_rewritten: bool = False) -> Ground:
    """Look for passages. Raises NotFound("error.grounding_nothing_indexed") where there is nothing to look in."""
    found = passages.find(wanted, query) if passages is not None and query.strip() else None
    if passages is None or (found is None and query.strip()):
        raise NotFound("error.grounding_nothing_indexed")
    if found is None:
        return Ground(retrieval=Retrieval(query=query))
    named = _named(passages, found)
    quoted = tuple(
        Quoted(
            number=number,
            document=named(one),
            passage=one.passage,
            score=one.score,
            by={name: Hit(rank=rank, score=score) for name, (rank, score) in one.by.items()},
            suspicions=suspicions(one.passage.text),
        )
        for number, one in enumerate(found.found, 1)
    )
    return Ground(quoted, (), _retrieval(found, query, was_rewritten, named))


def ground(
    passages: Passages | None,
    assistant: Assistant,
    asked: Asked,
    engine: Engine,
    prompt: Callable[[str], str],
    stop: threading.Event | None = None,
) -> Ground:
    """The passages that this model can hold. `prompt` makes the whole prompt's text around the material's."""
    wanted = assistant.documents
    if wanted is None:
        return NO_GROUND
    found = asked.rests_on
    if found is None:
        query = asked.query
        if wanted.rewrite and asked.history:
            query = rewritten(engine, assistant, query, asked.history, stop)
        found = find(passages, wanted, query, query != asked.query)

    def length(some: Sequence[Quoted]) -> int | None:
        tokens = engine.tokens(prompt(text_of(assistant, asked.query, some)))
        return None if tokens is None else len(tokens)

    quoted = [one for one in found.quoted if not one.removed]
    kept, cut = fitted(quoted, room(engine.context_length, assistant.decoding.max_new_tokens), length)
    told = tuple(
        Cut(passage_id=one.passage.id, document=one.document, page=one.passage.page, tokens=one.passage.tokens or None)
        for one in cut
    )
    return Ground(kept, (*told, *found.cut), found.retrieval)


def text_of(assistant: Assistant, question: str, quoted: Sequence[Quoted]) -> str:
    """What stands before the question; "" for an assistant without documents."""
    if assistant.documents is None:
        return ""
    return material(quoted, assistant.documents, language_of(assistant.instructions, question))


def _named(passages: Passages, found: Retrieved) -> Callable[[Found], str]:
    every = [*found.found, *(one for some in found.traces.values() for one in some[:SHOWN_EACH])]
    names = passages.names({one.passage.document_id for one in every})
    return lambda one: names.get(one.passage.document_id, "")


def _retrieval(found: Retrieved, query: str, was_rewritten: bool, named: Callable[[Found], str]) -> Retrieval:
    return Retrieval(
        query=query,
        rewritten=was_rewritten,
        retrievers={name: tuple(_seen(one, named) for one in some[:SHOWN_EACH]) for name, some in found.traces.items()},
        left_out=len(found.left_out),
        skipped=dict(found.skipped),
        seconds=dict(found.seconds),
    )


def _seen(one: Found, named: Callable[[Found], str]) -> Seen:
    beginning = " ".join(one.passage.text[: BEGINNING * 2].split())[:BEGINNING]
    return Seen(
        passage_id=one.passage.id,
        document=named(one),
        page=one.passage.page,
        rank=one.rank,
        score=one.score,
        beginning=beginning,
    )
