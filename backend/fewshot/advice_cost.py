"""Are the examples worth what they take: do they fit the window, is one of them far longer, did they bring anything?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Final

from backend.assistants import Examples, Shot
from backend.fewshot import mends
from backend.fewshot.choosing import length_of
from backend.fewshot.looked import Advice, Looked, Mend, Severity

LONG: Final = 3
"""A shot is long when it has so many times the length of the middle one, and"""
LONG_CHARACTERS: Final = 300


def too_long(looked: Looked) -> Iterator[Advice]:
    """The prompt with its examples does not fit the window, or leaves too little of it for the answer."""
    few = next((form for form in looked.forms if form.name == "few"), None)
    few = few or next((form for form in looked.forms if form.name == "one"), None)
    if few is None or few.room is None or few.context_length is None or not few.cut or not looked.shot_tokens:
        return
    spare = looked.shot_tokens + few.room - min(few.asked, few.context_length // 2)
    details = {
        "tokens": few.tokens,
        "window": few.context_length,
        "asked": few.asked,
        "shots": looked.shot_tokens,
        "room": max(few.room, 0),
    }
    severity: Severity = "advice" if few.fits else "problem"
    yield Advice(
        "too_long" if not few.fits else "answer_cut", severity, details, (), _fitting(looked, few.shots, spare)
    )


def one_long(looked: Looked) -> Iterator[Advice]:
    """A shot that takes as much as all the others together, or nearly."""
    lengths = [length_of(shot) for shot in looked.shots]
    if len(lengths) < 3:
        return
    usual = median(lengths)
    long = [place for place, length in enumerate(lengths) if length > max(LONG * usual, LONG_CHARACTERS)]
    if long:
        details = {"count": len(long), "share": round(100 * sum(lengths[place] for place in long) / sum(lengths))}
        yield Advice("one_long", "advice", details, tuple(long), _shorter(looked, long, usual))


def no_gain(looked: Looked) -> Iterator[Advice]:
    """Measured on the dev split, the shots did not make the answers better beyond chance."""
    gain, tokens = looked.gain, looked.shot_tokens
    if gain is None or gain.low > 0:
        return
    details = {
        "tokens": tokens if tokens is not None else "?",
        "low": f"{100 * gain.low:+.0f}",
        "high": f"{100 * gain.high:+.0f}",
        "n": gain.n,
    }
    count = looked.examples.selection.count if looked.per_input and looked.examples.selection else len(looked.shots)
    mend: Mend | None = None
    if count > 1:
        half = count // 2
        mend = partial(mends.show, count=half) if looked.per_input else partial(mends.keep_even, count=half)
    yield Advice("no_gain", "advice", details, (), mend)


def _fitting(looked: Looked, shown: int, spare: int) -> Mend | None:
    """Takes away the longest until the rest may take `spare` tokens; of a pool, what would not fit, and shows fewer."""
    if not looked.per_input:
        lengths = sorted(((length_of(shot), place) for place, shot in enumerate(looked.shots)), reverse=True)
        total = sum(length for length, _ in lengths)
        left, gone = total, []
        for length, place in lengths:
            if left <= total * spare / (looked.shot_tokens or 1):
                break
            left -= length
            gone.append(place)
        return looked.dropping(gone) if gone else None
    count = max(1, min(shown - 1, shown * max(spare, 0) // (looked.shot_tokens or 1)))
    return partial(mends.show, count=count)


def _shorter(looked: Looked, long: list[int], usual: float) -> Mend:
    """Puts a train example of the same label and usual length in its place; takes it away where there is none."""
    taken = list(looked.shots)
    pairs: list[tuple[Shot, Shot]] = []
    if looked.task.labelled:
        for place in long:
            same_answer = (one.shot() for one in looked.train if one.output.strip() == looked.outputs[place])
            found = next((one for one in same_answer if length_of(one) <= usual * 1.5 and one not in taken), None)
            if found is not None:
                pairs.append((looked.shots[place], found))
                taken.append(found)
    swapped = [old for old, _ in pairs]
    rest = tuple(looked.shots[place] for place in long if looked.shots[place] not in swapped)
    return partial(_swap, old=tuple(swapped), new=tuple(new for _, new in pairs), rest=rest)


def _swap(examples: Examples, old: tuple[Shot, ...], new: tuple[Shot, ...], rest: tuple[Shot, ...]) -> Examples:
    return mends.drop(mends.replace(examples, old, new), rest)
