"""Wordings of a task's instructions to choose among: the template library's, fitted to the task's own labels and
inputs, and plain variations that stand as data in assets/prompts_search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from typing import Final, Literal

from pydantic import TypeAdapter

from backend.assistants import Instructions
from backend.examples.task import Task, TaskKind
from backend.prompts import library
from backend.prompts.for_task import LISTED, plain_instructions
from backend.prompts.templates import variables
from backend.settings import ASSETS

FILE: Final = ASSETS / "prompts_search" / "wordings.json"
LOOKED_AT: Final = 200
QUOTED: Final = r"['‘\"“]([^'’\"”]{1,60})['’\"”]"
RUN: Final = re.compile(rf"{QUOTED}(?:(?:,\s*|\s+)(?:or\s+|and\s+|또는\s+|혹은\s+)?{QUOTED})+")
"""Two or more quoted names in a row, as the library lists the labels of its sample task."""
PLACE: Final = re.compile(r"[^\n]*\{input\}")
SENTENCE: Final = re.compile(r"(?<=[.!?。])\s+")

Language = Literal["ko", "en"]
_Wordings = dict[Language, dict[TaskKind, list[Instructions]]]


def language_of(texts: Iterable[str]) -> Language:
    """The language that the first texts are written in: Korean from a fifth of Hangul among the letters on."""
    hangul = letters = 0
    for text in islice(texts, LOOKED_AT):
        signs = text[:1_000]
        letters += sum(sign.isalpha() for sign in signs)
        hangul += len(re.findall("[가-힣]", signs))
    return "ko" if hangul * 5 > letters else "en"


def wordings(task: Task, language: Language) -> list[Instructions]:
    """Every wording for the task, each once, the plainest first; their variables are exactly the task's inputs."""
    found = [plain_instructions(task, language)]
    if task.labelled:
        found += [_of_library(task, library.get(task.kind, language).instructions)]
    found += [_with_good(task, language, one) for one in _own()[language].get(task.kind, [])]
    fitted = [fit(task, one) for one in found]
    return list(
        dict.fromkeys(one for one in fitted if one is not None and set(variables(one.template)) == set(task.inputs))
    )


def fit(task: Task, wording: Instructions) -> Instructions | None:
    """`{labels}` filled and `{input}` made the task's inputs; None when it lists labels that cannot be listed."""
    if "{labels}" in wording.system + wording.template and not 0 < len(task.labels) <= LISTED:
        return None
    # In a template a brace would be read as a variable's; the system prompt is taken as it stands.
    system = wording.system.replace("{labels}", listed(task.labels))
    template = wording.template.replace("{labels}", _doubled(listed(task.labels)))
    if set(variables(template)) != set(task.inputs):
        template = PLACE.sub(lambda line: _placed(line[0], task.inputs), template)
    return Instructions(system=system, template=template)


def listed(labels: Sequence[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)


def places(inputs: Sequence[str]) -> str:
    """Where the inputs go: one alone as it is, several with their names before them."""
    if len(inputs) == 1:
        return f"{{{inputs[0]}}}"
    return "\n".join(f"{name}: {{{name}}}" for name in inputs)


def _placed(line: str, inputs: Sequence[str]) -> str:
    """A line up to its "{input}" with the inputs in place; several bring their own names and begin the line."""
    return line.replace("{input}", places(inputs)) if len(inputs) == 1 else places(inputs)


def _of_library(task: Task, wording: Instructions) -> Instructions:
    """A library template whose system prompt names the labels of its sample: the task's labels take their place."""
    if not task.labelled or not 0 < len(task.labels) <= LISTED:
        return wording
    run = RUN.search(wording.system)
    if run is None:
        return wording
    theirs = set(re.findall(QUOTED, run[0])) - set(task.labels)
    sentences = [
        RUN.sub(lambda _: listed(task.labels), sentence)
        for sentence in SENTENCE.split(wording.system)
        # A sentence on one label of the sample ("if none fits, write 'other'") means nothing here.
        if RUN.search(sentence) or not theirs & set(re.findall(QUOTED, sentence))
    ]
    return wording.model_copy(update={"system": " ".join(sentences)})


def _with_good(task: Task, language: Language, wording: Instructions) -> Instructions:
    """What the person calls a good answer belongs to the instructions, too."""
    good = task.good.strip()
    if not good:
        return wording
    told = f"{'좋은 답' if language == 'ko' else 'A good answer'}: {good}"
    return wording.model_copy(update={"system": "\n".join(part for part in (wording.system, told) if part)})


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@cache
def _own() -> _Wordings:
    return TypeAdapter(_Wordings).validate_json(FILE.read_bytes())
