"""Which examples an assistant is shown: chosen once here, or a pool from which `nearest` chooses for each question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar

from backend.assistants import PER_INPUT, Examples, Method, Order, Selection, Shot
from backend.errors import BadInput, Refused
from backend.examples.example import Example, NewExample
from backend.examples.leakage import leaks
from backend.fewshot.nearest import ShotChooser
from backend.fewshot.picking import at_random, balanced, spread

if TYPE_CHECKING:
    from backend.examples.store import ExampleStore
    from backend.projects.folder import Project

POOL_SHOTS: Final = 2_000
POOL_CHARACTERS: Final = 1_000_000
"""What a pool may hold: it is part of the assistant, and travels with it."""
SHOT_CHARACTERS: Final = 20_000
"""A longer example is chosen by hand or not at all: it would fill a window of 8,000 tokens by itself."""
CONSIDERED: Final = 20_000
"""So many examples of the train split are considered, drawn evenly, besides one of each answer."""
COMPARED: Final = 5_000
"""So many of these are compared with each other where variety decides."""
ANSWERS_KEPT: Final = 5_000

Kept = TypeVar("Kept", bound=NewExample)


def orders_for(method: Method) -> tuple[Order, ...]:
    """The orders that make sense: nearness to a question is only known where each question has its own shots."""
    if method in PER_INPUT:
        return ("nearest_last", "nearest_first", "shuffled", "as_listed")
    return ("as_listed", "shuffled")


def choose(pool: Sequence[NewExample], selection: Selection) -> tuple[Shot, ...]:
    """The shots of a method that chooses once, at most `selection.count`; by hand, all of the pool as it is listed.

    Listed means: as picked, which for "balanced" alternates the answers. Deterministic in pool and seed.
    Raises BadInput "error.fewshot_no_examples", "error.fewshot_too_long", "error.fewshot_order", and ValueError for a
    method that chooses per question.
    """
    if selection.method in PER_INPUT:
        raise ValueError(f"{selection.method} chooses for each question")
    if selection.order not in orders_for(selection.method):
        raise BadInput("error.fewshot_order")
    if selection.method == "by_hand":
        picked = [example.shot() for example in pool]
    else:
        shots = _usable(pool)
        picked = [shots[index] for index in _indices(shots, selection)]
    if selection.order == "shuffled":
        Random(f"order {selection.seed}").shuffle(picked)
    return tuple(picked)


def pool_for(pool: Sequence[NewExample], selection: Selection) -> tuple[Shot, ...]:
    """What a method that chooses per question chooses from: at most POOL_SHOTS and POOL_CHARACTERS, in their order.

    Of a larger pool one example of each answer is kept first, the rest is drawn with the selection's seed.
    Raises BadInput as `choose`.
    """
    shots = _usable(pool)
    kept: list[int] = []
    characters = 0
    for index in _ones_first(shots, selection.seed):
        characters += length_of(shots[index])
        if len(kept) == POOL_SHOTS or characters > POOL_CHARACTERS:
            break
        kept.append(index)
    return tuple(shots[index] for index in sorted(kept))


def shots_for(examples: Examples, variables: Mapping[str, str]) -> tuple[Shot, ...]:
    """The shots shown before this question. Indexes a pool anew each time; whoever answers keeps a ShotChooser."""
    return ShotChooser(kept=1).shots_for(examples, variables)


def build_examples(project: Project, selection: Selection, ids: Sequence[int] | None = None) -> Examples:
    """The examples part of an assistant, from the train split; `ids` name those chosen by hand, in their order.

    Examples that stand in the test split too, or nearly, are left out; one chosen by hand is refused.
    Raises BadInput "error.fewshot_no_examples", "error.fewshot_too_long", "error.fewshot_order",
    "error.fewshot_not_training" (ids), Refused "error.fewshot_leak" (count, text).
    """
    store = project.examples
    if selection.method == "by_hand":
        pool: list[Example] = _by_id(store, ids or ())
    else:
        pool = considered(store.each("train", "shots"), selection.seed)
    clean: set[str] = set()
    for _ in range(len(pool)):
        shots = pool_for(pool, selection) if selection.method in PER_INPUT else choose(pool, selection)
        chosen = [NewExample(variables=shot.variables, output=shot.output) for shot in shots]
        new = [example for example in chosen if example.input_key not in clean]
        found = {leak.left.input_key for leak in leaks(new, store.each("test", "look"))} if new else set()
        clean |= {example.input_key for example in new} - found
        if not found:
            return Examples(shots=shots, selection=selection)
        if selection.method == "by_hand":
            told = next(example.text() for example in chosen if example.input_key in found)
            raise Refused("error.fewshot_leak", count=len(found), text=told[:80])
        pool = [example for example in pool if example.input_key not in found]
    raise BadInput("error.fewshot_no_examples")


def considered(examples: Iterable[Kept], seed: int, most: int = CONSIDERED) -> list[Kept]:
    """At most `most` of a stream, each as likely as any other (Vitter's algorithm R), and the first of each answer.

    In the order of the stream; bounded in memory however long it is.
    """
    draw = Random(f"considered {seed}")
    kept: list[tuple[int, Kept]] = []
    firsts: dict[str, tuple[int, Kept]] = {}
    for number, example in enumerate(examples):
        if len(firsts) < ANSWERS_KEPT:
            firsts.setdefault(example.output.strip(), (number, example))
        if len(kept) < most:
            kept.append((number, example))
        elif (place := draw.randrange(number + 1)) < most:
            kept[place] = (number, example)
    if len(firsts) * 2 <= len(kept):
        kept = list({number: (number, example) for number, example in [*kept, *firsts.values()]}.values())
    return [example for _, example in sorted(kept, key=lambda item: item[0])]


def _indices(shots: Sequence[Shot], selection: Selection) -> list[int]:
    if selection.method == "balanced":
        return balanced(shots, selection.count, selection.seed)
    if selection.method == "diverse":
        from backend.fewshot.embedding import Space

        among = sorted(Random(f"compared {selection.seed}").sample(range(len(shots)), min(COMPARED, len(shots))))
        space = Space(["\n".join(shots[index].variables.values()) for index in among])
        return [among[place] for place in spread(space, selection.count, selection.seed)]
    return at_random(shots, selection.count, selection.seed)


def _usable(pool: Sequence[NewExample]) -> list[Shot]:
    """Raises BadInput when there is none."""
    if not pool:
        raise BadInput("error.fewshot_no_examples")
    shots = [shot for example in pool if length_of(shot := example.shot()) <= SHOT_CHARACTERS]
    if not shots:
        raise BadInput("error.fewshot_too_long", limit=f"{SHOT_CHARACTERS:,}")
    return shots


def length_of(shot: Shot) -> int:
    """Characters of its input and its answer."""
    return sum(map(len, shot.variables.values())) + len(shot.output)


def _ones_first(shots: Sequence[Shot], seed: int) -> list[int]:
    """All indices in a drawn order, one of each answer before all others."""
    drawn = at_random(shots, len(shots), seed)
    firsts = {shots[index].output.strip(): index for index in reversed(drawn)}
    if len(firsts) * 2 > len(shots):
        return drawn  # free answers: each is its own
    first = set(firsts.values())
    return sorted(drawn, key=lambda index: index not in first)


def _by_id(store: ExampleStore, ids: Sequence[int]) -> list[Example]:
    wanted = dict.fromkeys(ids)
    found: dict[int, Example] = {one.id: one for one in store.each("train", "shots") if one.id in wanted}
    missing = [number for number in wanted if number not in found]
    if missing:
        raise BadInput("error.fewshot_not_training", ids=", ".join(map(str, missing[:10])))
    if not found:
        raise BadInput("error.fewshot_no_examples")
    return [found[number] for number in wanted]
