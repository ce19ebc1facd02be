"""Are the examples right: do they contradict each other or the data, repeat each other, or give the test away?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Final, Literal

from backend.assistants import Shot
from backend.examples.example import NewExample, input_key
from backend.examples.leakage import leaks
from backend.examples.near_duplicates import near_duplicates
from backend.examples.task import TaskKind
from backend.fewshot import mends
from backend.fewshot.looked import Advice, Looked
from backend.fewshot.nearest import same

ONE_ANSWER: Final[frozenset[TaskKind]] = frozenset({"classification", "sentiment", "entities", "question_answering"})
"""Kinds where two answers to one input cannot both be right; of the others each may be a good one."""

ASKED: Final = 64
"""Shots, at most, that are held against every example there is; a larger pool was when it was built."""


def contradictions(looked: Looked) -> Iterator[Advice]:
    """The same input with different answers among the shots. The answer given more often stays, else the first."""
    if looked.task.kind not in ONE_ANSWER:
        return
    by_input: dict[str, list[int]] = {}
    for place, text in enumerate(looked.texts):
        by_input.setdefault(same(text), []).append(place)
    wrong: list[int] = []
    about: list[int] = []
    for places in by_input.values():
        said = Counter(looked.outputs[place] for place in places)
        if len(said) > 1:
            about += places
            kept = said.most_common(1)[0][0]
            wrong += [place for place in places if looked.outputs[place] != kept]
    if wrong:
        details = {"count": len(wrong), "text": looked.texts[about[0]][:60]}
        yield Advice("contradiction", "problem", details, tuple(about), looked.dropping(sorted(wrong)))


def against_the_data(looked: Looked) -> Iterator[Advice]:
    """The data answer a shot's input otherwise. The test split is not asked: its answers must not come in here."""
    if looked.task.kind not in ONE_ANSWER or len(looked.shots) > ASKED:
        return
    told = [_told(looked, shot) for shot in looked.shots]
    odd = [place for place, said in enumerate(told) if set(said) - {looked.outputs[place]}]
    if odd:
        first = odd[0]
        other = next(output for output in told[first] if output != looked.outputs[first])
        details = {"count": len(odd), "text": looked.texts[first][:60], "shown": looked.outputs[first][:40]}
        right = tuple((looked.shots[place], _settled(told[place])) for place in odd)
        mend = partial(mends.answer_as, right=right)
        yield Advice("against_data", "problem", {**details, "data": other[:40]}, tuple(odd), mend)


def repeats(looked: Looked) -> Iterator[Advice]:
    """Shots whose inputs are nearly the same: the second one costs as much and shows nothing new."""
    groups = near_duplicates(looked.texts) if len(looked.texts) > 1 else []
    later = sorted(place for group in groups for place in group[1:])
    if later:
        details = {"count": len(later), "text": looked.texts[groups[0][0]][:60]}
        about = tuple(sorted(place for group in groups for place in group))
        yield Advice("near_duplicates", "advice", details, about, looked.dropping(later))


def leak(looked: Looked) -> Iterator[Advice]:
    """Shots that stand in the test or the dev split, or nearly: the score there is no longer a score."""
    chosen = [NewExample(variables=shot.variables, output=shot.output) for shot in looked.shots]
    splits: tuple[Literal["test", "dev"], ...] = ("test", "dev")
    for split in splits if len(chosen) <= ASKED else ():
        found = {leak.left.input_key for leak in leaks(chosen, looked.store.each(split, "look"))}
        places = [place for place, one in enumerate(chosen) if one.input_key in found]
        if places:
            details = {"count": len(places), "text": looked.texts[places[0]][:60]}
            severity: Literal["problem", "advice"] = "problem" if split == "test" else "advice"
            yield Advice(f"leak_{split}", severity, details, tuple(places), looked.dropping(places))


def _told(looked: Looked, shot: Shot) -> Counter[str]:
    """What the data answer to a shot's input, the test split aside."""
    found = looked.store.find_by_input(input_key(shot.variables))
    return Counter(example.output.strip() for example in found if example.split != "test")


def _settled(told: Counter[str]) -> str | None:
    """The answer that was given most; None when no single one was."""
    most = told.most_common(2)
    return most[0][0] if len(most) == 1 or most[0][1] > most[1][1] else None
