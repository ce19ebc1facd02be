"""The variants of one assistant whose scores make its band: other orders, other draws of examples, other formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as numbers
from itertools import islice, zip_longest
from random import Random
from typing import Final

from backend.assistants import PER_INPUT, Assistant, Examples, Selection, Shot
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.fewshot.candidates import drawn_examples, identity_of
from backend.fewshot.choosing import orders_for
from backend.fewshot.formats import format_changes
from backend.fewshot.picking import answers_repeat
from backend.fewshot.sensitivity import By
from backend.fewshot.tried import BASE, Candidate, Saying
from backend.fewshot.wordings import Language

KINDS: Final[dict[str, By]] = {"o": "order", "s": "sample", "f": "format"}
TRIES: Final = 50
"""Draws without anything new after which there is nothing new."""
POOL_SHARE: Final = 2 / 3
"""Of a pool that is chosen from for each input: what another sample of it holds."""


def variants(
    assistant: Assistant, task: Task, pool: Sequence[NewExample], language: Language, wanted: int, seed: int
) -> list[Candidate]:
    """The assistant as it is, and at most `wanted` variants, about a third of each kind as far as there are."""
    kinds = (
        _named("o", _orders(assistant, seed)),
        _named("s", _samples(assistant, pool, seed)),
        _named("f", _formats(assistant, task, language)),
    )
    turns = (one for turn in zip_longest(*kinds) for one in turn if one is not None)
    base = Candidate(name=BASE, about=Saying(key="search.tried.base"), assistant=assistant)
    return [base, *sorted(islice(turns, wanted), key=lambda one: one.name)]


def kind_of(name: str) -> By | None:
    """Which kind a variant of this name is of; None for the assistant as it is."""
    return None if name == BASE else KINDS[name[0]]


def _named(letter: str, kind: Iterator[Candidate]) -> Iterator[Candidate]:
    for number, one in enumerate(kind, 1):
        yield one.model_copy(update={"name": f"{letter}{number:02d}"})


def _orders(assistant: Assistant, seed: int) -> Iterator[Candidate]:
    """The same examples in other orders."""
    examples = assistant.examples
    selection = examples.selection
    if selection is not None and selection.method in PER_INPUT:
        for order in orders_for(selection.method):
            if order not in (selection.order, "as_listed"):
                other = examples.model_copy(update={"selection": selection.model_copy(update={"order": order})})
                yield _with(assistant, other, Saying(key=f"sensitivity.order.{order}"))
        return
    drawn = _new((_shuffled(examples.shots, f"order {seed} {number}") for number in numbers()), examples.shots)
    for number, shots in enumerate(drawn, 1):
        yield _with(assistant, Examples(shots=shots), Saying(key="sensitivity.order.other", details={"number": number}))


def _samples(assistant: Assistant, pool: Sequence[NewExample], seed: int) -> Iterator[Candidate]:
    """Other examples, as many, drawn alike; what was picked by hand is drawn over the answers, or at random."""
    examples = assistant.examples
    if not examples.shots or not pool:
        return
    selection = examples.selection
    if selection is not None and selection.method in PER_INPUT:
        draws = (_part(examples.shots, f"sample {seed} {number}") for number in numbers())
    else:
        way = _way(selection, pool, len(examples.shots))
        draws = (_drawn(pool, way, seed + number) for number in numbers(1))
    for number, shots in enumerate(_new(draws, examples.shots), 1):
        kept = selection if selection is not None and selection.method in PER_INPUT else None
        saying = Saying(key="sensitivity.sample", details={"number": number})
        yield _with(assistant, Examples(shots=shots, selection=kept), saying)


def _formats(assistant: Assistant, task: Task, language: Language) -> Iterator[Candidate]:
    for change in format_changes(assistant, task, language):
        yield Candidate(name="", about=change.about, assistant=change.assistant, respelt=change.respelt)


def _way(selection: Selection | None, pool: Sequence[NewExample], size: int) -> Selection:
    if selection is not None and selection.method != "by_hand":
        return selection.model_copy(update={"count": size})
    repeat = answers_repeat([example.output for example in pool])
    return Selection(method="balanced" if repeat else "random", count=size)


def _drawn(pool: Sequence[NewExample], way: Selection, seed: int) -> tuple[Shot, ...]:
    return drawn_examples(pool, way.model_copy(update={"seed": seed})).shots


def _part(shots: tuple[Shot, ...], seed: str) -> tuple[Shot, ...]:
    """Some of a pool, in its order."""
    kept = Random(seed).sample(range(len(shots)), max(1, round(len(shots) * POOL_SHARE)))
    return tuple(shots[at] for at in sorted(kept))


def _shuffled(shots: tuple[Shot, ...], seed: str) -> tuple[Shot, ...]:
    return tuple(Random(seed).sample(shots, len(shots)))


def _new(draws: Iterator[tuple[Shot, ...]], first: tuple[Shot, ...]) -> Iterator[tuple[Shot, ...]]:
    """What was not drawn before, until TRIES draws in a row were."""
    seen, idle = {identity_of(first)}, 0
    for shots in draws:
        idle += 1
        if identity_of(shots) not in seen:
            seen.add(identity_of(shots))
            idle = 0
            yield shots
        if idle >= TRIES:
            return


def _with(assistant: Assistant, examples: Examples, about: Saying) -> Candidate:
    return Candidate(name="", about=about, assistant=assistant.model_copy(update={"examples": examples}))
