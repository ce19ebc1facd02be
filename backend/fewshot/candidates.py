"""Candidates of a search for good examples: draws of several kinds, sizes and orders.

After DSPy's BootstrapFewShotWithRandomSearch (Khattab et al. 2024), which draws sets of demonstrations at random and
keeps the one that does best on held-out examples. Our answers are given, so nothing is bootstrapped from a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count as numbers
from random import Random
from typing import Final

from pydantic import Field

from backend.assistants import PER_INPUT, Assistant, Examples, Method, Order, Part, Selection, Shot
from backend.errors import BadInput
from backend.examples.example import NewExample
from backend.fewshot.choosing import choose, pool_for
from backend.fewshot.picking import answers_repeat
from backend.fewshot.tried import BASE, Candidate, Saying
from backend.projects.folder import Project

IDLE_PASSES: Final = 4
"""After so many passes over all kinds and sizes without a new set, the pool is exhausted."""


class Budget(Part):
    """What a search may spend and where it looks.

    answers     model answers in all, at most
    candidates  sets of examples to try, at most
    counts      how many examples a set may have
    methods     ways of drawing them; examples chosen for each input (Liu et al. 2022) are a way among others
    """

    answers: int = Field(600, ge=1, le=1_000_000)
    candidates: int = Field(16, ge=1, le=256)
    counts: tuple[int, ...] = (1, 2, 4, 8)
    methods: tuple[Method, ...] = ("balanced", "diverse", "nearest_embedding", "random")
    seed: int = Field(0, ge=0, lt=2**31)


def shot_candidates(base: Assistant, pool: Sequence[NewExample], wanted: int, budget: Budget) -> list[Candidate]:
    """The base and at most `wanted` others, those with fewer examples first. Deterministic in pool and seed."""
    found = [_with(base, Examples(), Saying(key="search.tried.zero"))] if base.examples.shots else []
    for candidate in _drawn(base, pool, budget):
        if len(found) >= wanted:
            break
        if candidate.assistant.examples.shots != base.examples.shots:
            found.append(candidate)
    listed = sorted(found[:wanted], key=_size)
    named = [one.model_copy(update={"name": f"c{at:02d}"}) for at, one in enumerate(listed, 1)]
    return [Candidate(name=BASE, about=Saying(key="search.tried.base"), assistant=base), *named]


def _drawn(base: Assistant, pool: Sequence[NewExample], budget: Budget) -> Iterator[Candidate]:
    """Every kind in every size from one draw, then the same sets in another order, then the next draw, ...

    Sets that were drawn before are passed over.
    """
    seen: set[object] = set()
    idle = 0
    for number in numbers():
        before = len(seen)
        for method, size in _kinds(pool, budget, number):
            reordered = number % 2 == 1
            seed = budget.seed + number // 2
            order = _order(method, reordered)
            examples = drawn_examples(pool, Selection(method=method, count=size, order=order, seed=seed))
            identity = (identity_of(examples.shots), *((method, size, order) if method in PER_INPUT else ()))
            if identity not in seen:
                seen.add(identity)
                key = f"search.tried.{method}" + ("_reordered" if reordered else "")
                yield _with(base, examples, Saying(key=key, details={"count": size, "draw": number // 2 + 1}))
        idle = idle + 1 if len(seen) == before else 0
        if idle >= IDLE_PASSES:
            return


def _kinds(pool: Sequence[NewExample], budget: Budget, number: int) -> list[tuple[Method, int]]:
    """Ways and sizes in an order of their own for each pass, so that a search cut short has seen some of each."""
    repeat = answers_repeat([example.output for example in pool])
    ways = [method for method in budget.methods if method != "by_hand" and (repeat or method != "balanced")]
    kinds = [(method, size) for method in ways for size in budget.counts if 0 < size <= min(len(pool), 64)]
    return Random(f"pass {budget.seed} {number}").sample(kinds, len(kinds))


def drawn_examples(pool: Sequence[NewExample], selection: Selection) -> Examples:
    """Raises BadInput("error.fewshot_too_long", ...)."""
    chosen = pool_for(pool, selection) if selection.method in PER_INPUT else choose(pool, selection)
    if not chosen:
        raise BadInput("error.fewshot_no_examples")
    return Examples(shots=chosen, selection=selection)


def _leaked(project: Project, assistants: Sequence[Assistant]) -> set[str]:
    """Inputs of shots that stand in the test split, or nearly: what the leakage check finds before they are used."""
    from backend.examples.leakage import leaks

    shots = {shot.model_dump_json(): shot for one in assistants for shot in one.examples.shots}
    shown = [NewExample(variables=shot.variables, output=shot.output) for shot in shots.values()]
    return {leak.left.input_key for leak in leaks(shown, project.examples.each("test", "look"))}


def without_leaks(
    project: Project, pool: Sequence[NewExample], draw: Callable[[Sequence[NewExample]], list[Candidate]]
) -> list[Candidate]:
    """What `draw` makes of the pool, drawn again until no shot stands in the test split, or nearly.

    The first of it is the base; a leak of the base's own shots is not for a draw to mend.
    """
    while True:
        found = draw(pool)
        leaked = _leaked(project, [one.assistant for one in found[1:]])
        left = [example for example in pool if example.input_key not in leaked]
        if len(left) == len(pool):
            return found
        pool = left


def identity_of(shots: Sequence[Shot]) -> str:
    """Equal for the same examples in the same order."""
    return "\n".join(shot.model_dump_json() for shot in shots)


def _order(method: Method, reordered: bool) -> Order:
    if method in PER_INPUT:
        return "nearest_first" if reordered else "nearest_last"
    return "shuffled" if reordered else "as_listed"


def _with(base: Assistant, examples: Examples, about: Saying) -> Candidate:
    return Candidate(name="", about=about, assistant=base.model_copy(update={"examples": examples}))


def _size(candidate: Candidate) -> int:
    examples = candidate.assistant.examples
    selection = examples.selection
    return selection.count if selection is not None and selection.method in PER_INPUT else len(examples.shots)
