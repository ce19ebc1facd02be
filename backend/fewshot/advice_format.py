"""Is the format clear, and the same in every example? A model copies what it is shown, slips included."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from backend.examples.entity_text import read_spans
from backend.fewshot import mends
from backend.fewshot.looked import Advice, Looked
from backend.prompts.checkup.form import is_json

MARKS: Final = ".!?。！？"
REGISTERS: Final = {
    "formal": re.compile(r"(?:니다|니까|십시오|시오)[.!?]*$"),
    "polite": re.compile(r"(?:요|죠)[.!?~]*$"),
    "plain": re.compile(r"(?<!니)다[.!?]*$"),
}
"""How a Korean answer ends: 합니다체, 해요체, 해라체."""
ENOUGH: Final = 3
"""Fewer answers make no pattern to depart from."""


def lacks_variable(looked: Looked) -> Iterator[Advice]:
    """A shot that lacks a variable of the task cannot be put into the template."""
    lacking = [place for place, shot in enumerate(looked.shots) if set(looked.task.inputs) - set(shot.variables)]
    if lacking:
        missing = sorted(set(looked.task.inputs) - set(looked.shots[lacking[0]].variables))
        details = {"count": len(lacking), "variable": f"{{{missing[0]}}}"}
        yield Advice("lacks_variable", "problem", details, tuple(lacking), looked.dropping(lacking))


def empty(looked: Looked) -> Iterator[Advice]:
    """A shot without an input or without an answer."""
    blank = [place for place, (text, output) in enumerate(_pairs(looked)) if not text.strip() or not output]
    if blank:
        yield Advice("empty", "problem", {"count": len(blank)}, tuple(blank), looked.dropping(blank))


def blank_edges(looked: Looked) -> Iterator[Advice]:
    """Blanks before or after an answer are copied by the model."""
    edged = [
        place for place, shot in enumerate(looked.shots) if shot.output.strip() and shot.output != shot.output.strip()
    ]
    if edged:
        outputs = {looked.shots[place].output: looked.outputs[place] for place in edged}
        mend = partial(mends.respell, outputs=outputs)
        yield Advice("blank_edges", "advice", {"count": len(edged)}, tuple(edged), mend)


def label_spelling(looked: Looked) -> Iterator[Advice]:
    """An answer is a label of the task in another spelling, or none of them."""
    if not looked.task.labelled or not looked.task.labels:
        return
    known = {_bare(label): label for label in looked.task.labels}
    odd = [place for place, output in enumerate(looked.outputs) if output and output not in looked.task.labels]
    meant = {
        looked.shots[place].output: known[_bare(looked.outputs[place])]
        for place in odd
        if _bare(looked.outputs[place]) in known
    }
    respelt = [place for place in odd if looked.shots[place].output in meant]
    if respelt:
        details = {
            "count": len(respelt),
            "shown": looked.outputs[respelt[0]],
            "label": meant[looked.shots[respelt[0]].output],
        }
        yield Advice("label_spelling", "problem", details, tuple(respelt), partial(mends.respell, outputs=meant))
    unknown = [place for place in odd if place not in respelt]
    if unknown:
        details = {"count": len(unknown), "shown": looked.outputs[unknown[0]][:60]}
        yield Advice("label_unknown", "problem", details, tuple(unknown), looked.dropping(unknown))


def entity_format(looked: Looked) -> Iterator[Advice]:
    """An answer about entities that is not written as "label: text"."""
    if looked.task.kind != "entities":
        return
    odd = [
        place
        for place, (text, output) in enumerate(_pairs(looked))
        if output and read_spans(text, output, looked.task.labels) is None
    ]
    if odd:
        details = {"count": len(odd), "shown": looked.outputs[odd[0]][:60]}
        yield Advice("entity_format", "problem", details, tuple(odd), looked.dropping(odd))


def mixed_json(looked: Looked) -> Iterator[Advice]:
    """Some answers are JSON and some are not, or their keys differ."""
    shapes = [_shape(output) for output in looked.outputs]
    if not any(shapes):
        return
    odd = _departing(shapes)
    if odd:
        details = {"count": len(odd), "of": len(shapes), "shown": looked.outputs[odd[0]][:60]}
        yield Advice("mixed_json", "advice", details, tuple(odd), looked.dropping(odd))


def mixed_endings(looked: Looked) -> Iterator[Advice]:
    """Some answers end with a full stop and some with nothing."""
    if looked.label_like or looked.task.kind == "entities" or any(is_json(output) for output in looked.outputs):
        return
    ends = [bool(output) and output[-1] in MARKS for output in looked.outputs]
    odd = _departing(ends)
    if not odd:
        return
    with_marks = not ends[odd[0]]
    outputs = {
        looked.shots[place].output: looked.outputs[place] + "." if with_marks else looked.outputs[place].rstrip(MARKS)
        for place in odd
    }
    details = {"count": len(odd), "of": len(ends)}
    key = "endings_without" if with_marks else "endings_with"
    yield Advice(key, "advice", details, tuple(odd), partial(mends.respell, outputs=outputs))


def mixed_register(looked: Looked) -> Iterator[Advice]:
    """Korean answers in different styles of speech."""
    if looked.label_like or looked.task.kind == "entities":
        return
    styles = [
        next((name for name, ending in REGISTERS.items() if ending.search(output)), None) for output in looked.outputs
    ]
    told = [place for place, style in enumerate(styles) if style]
    odd = [told[at] for at in _departing([styles[place] for place in told])]
    if odd:
        details = {"count": len(odd), "of": len(told), "shown": looked.outputs[odd[0]][-40:]}
        yield Advice("mixed_register", "advice", details, tuple(odd), looked.dropping(odd))


def _pairs(looked: Looked) -> Iterator[tuple[str, str]]:
    return zip(looked.texts, looked.outputs, strict=True)


def _bare(label: str) -> str:
    return re.sub(r"[\W_]+", "", label).casefold()


def _shape(output: str) -> str:
    """JSON by its keys; "" for what is none."""
    if not is_json(output):
        return ""
    value = json.loads(output)
    return "list" if isinstance(value, list) else " ".join(sorted(value)) or "{}"


def _departing(kinds: Sequence[object]) -> list[int]:
    """Places of those that are not of the most frequent kind, when most are; [] when there is no pattern."""
    if len(kinds) < ENOUGH:
        return []
    usual, count = Counter(kinds).most_common(1)[0]
    return [place for place, kind in enumerate(kinds) if kind != usual] if count * 2 > len(kinds) else []
