"""What one click does to a set of examples. Each is a pure function Examples -> Examples; shots are named by content.

A mend made for one set leaves another alone as far as it does not have the shots that are meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from backend.assistants import Examples, Selection, Shot
from backend.fewshot.picking import in_turns


def drop(examples: Examples, shots: Sequence[Shot]) -> Examples:
    """Without these shots; one that is listed twice goes as often as it is named here, the later ones first."""
    left = list(reversed(shots))
    kept: list[Shot] = []
    for shot in reversed(examples.shots):
        if shot in left:
            left.remove(shot)
        else:
            kept.append(shot)
    return _with(examples, reversed(kept))


def add(examples: Examples, shots: Sequence[Shot]) -> Examples:
    """With these shots before the others, so that what stood last stays last; one that is there is not doubled."""
    return _with(examples, [*(shot for shot in shots if shot not in examples.shots), *examples.shots])


def replace(examples: Examples, shots: Sequence[Shot], by: Sequence[Shot]) -> Examples:
    """Each of `shots` with the one of `by` at the same place."""
    pairs = list(zip(shots, by, strict=True))
    return _with(examples, (next((new for old, new in pairs if old == shot), shot) for shot in examples.shots))


def respell(examples: Examples, outputs: Mapping[str, str]) -> Examples:
    """Outputs written as the mapping says; others as they are."""
    return _with(
        examples,
        (shot.model_copy(update={"output": outputs.get(shot.output, shot.output)}) for shot in examples.shots),
    )


def answer_as(examples: Examples, right: Sequence[tuple[Shot, str | None]]) -> Examples:
    """Each of these shots with the answer beside it; without it where there is None."""
    kept = []
    for shot in examples.shots:
        found = next((output for old, output in right if old == shot), shot.output)
        if found is not None:
            kept.append(shot.model_copy(update={"output": found}))
    return _with(examples, kept)


def alternate(examples: Examples) -> Examples:
    """The same shots with their answers in turns."""
    order = in_turns([shot.output.strip() for shot in examples.shots])
    return _with(examples, (examples.shots[index] for index in order))


def even_out(examples: Examples) -> Examples:
    """At most one shot more of each answer than the rarest answer has; the first of each stay, in their order."""
    counts = Counter(shot.output.strip() for shot in examples.shots)
    seen: Counter[str] = Counter()
    kept = []
    for shot in examples.shots:
        seen[shot.output.strip()] += 1
        if seen[shot.output.strip()] <= min(counts.values()) + 1:
            kept.append(shot)
    return _with(examples, kept)


def keep_even(examples: Examples, count: int) -> Examples:
    """So many of the shots in their order: the first of each answer, then the second of each, and so on."""
    turn: list[tuple[int, int]] = []
    seen: Counter[str] = Counter()
    for place, shot in enumerate(examples.shots):
        turn.append((seen[shot.output.strip()], place))
        seen[shot.output.strip()] += 1
    kept = sorted(place for _, place in sorted(turn)[:count])
    return _with(examples, (examples.shots[place] for place in kept))


def set_to(examples: Examples, shots: Sequence[Shot], selection: Selection | None) -> Examples:
    """Other shots, chosen another way."""
    return examples.model_copy(update={"shots": tuple(shots), "selection": selection})


def show(examples: Examples, count: int) -> Examples:
    """So many per question, where each question has its own shots."""
    selection = examples.selection or Selection()
    return examples.model_copy(update={"selection": selection.model_copy(update={"count": count})})


def _with(examples: Examples, shots: Iterable[Shot]) -> Examples:
    return examples.model_copy(update={"shots": tuple(shots)})
