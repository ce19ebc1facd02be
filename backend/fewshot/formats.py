"""Harmless changes of a prompt's format: the same words asked for in the same way, set in other type.

After FormatSpread (Sclar et al. 2024), whose formats vary separators, spacing and casing of the fields' names; to
these comes the spelling of the labels. The template makes every shot and the question, so a change goes through all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from backend.assistants import Assistant, Instructions, Shot
from backend.examples.task import Task
from backend.fewshot.tried import Saying
from backend.fewshot.wordings import Language
from backend.prompts.templates import variables

FIELD: Final = re.compile(r"^(?P<name>[^\n:：{}]{1,40}?)[ \t]*[:：][ \t]*(?=\{|\n|$)", re.MULTILINE)
"""A field's name and its colon, at the beginning of a line: "평: {input}", "Label:"."""
SIGNS: Final[Mapping[Language, tuple[str, ...]]] = {
    "ko": (" - ", ":\n", " = ", " : ", "："),
    "en": (" - ", ":\n", " = ", " : ", " -> "),
}
JOINTS: Final = (" | ", " ")
MOST_LABELS: Final = 200
NAMES: Final[Mapping[Language, tuple[str, str]]] = {"ko": ("글", "답"), "en": ("Text", "Answer")}
LETTER: Final = r"[^\W\d_]"


@dataclass(frozen=True)
class FormatChange:
    """An assistant that asks the same in another format; `respelt` as of a Candidate."""

    about: Saying
    assistant: Assistant
    respelt: dict[str, str]


def format_changes(assistant: Assistant, task: Task, language: Language) -> list[FormatChange]:
    """All that make sense for this assistant, each once, kinds in turns, so that the first few are of every kind."""
    template = assistant.instructions.template
    kinds = [
        [_set(assistant, saying, text) for saying, text in _separators(template, language)],
        list(_labels(assistant, task)),
        [_set(assistant, saying, text) for saying, text in _spacings(template)],
        [_set(assistant, saying, text) for saying, text in _casings(template)],
    ]
    seen = [assistant]
    found = []
    for change in (one for turn in zip_longest(*kinds) for one in turn if one is not None):
        same_inputs = set(variables(change.assistant.instructions.template)) == set(variables(template))
        if change.assistant not in seen and same_inputs:
            seen.append(change.assistant)
            found.append(change)
    return found


def _set(assistant: Assistant, saying: Saying, template: str) -> FormatChange:
    instructions = assistant.instructions.model_copy(update={"template": template})
    return FormatChange(saying, assistant.model_copy(update={"instructions": instructions}), {})


def _say(change: str, **details: str) -> Saying:
    return Saying(key=f"sensitivity.change.{change}", details=dict(details))


def _separators(template: str, language: Language) -> Iterator[tuple[Saying, str]]:
    if FIELD.search(template):
        for sign in SIGNS[language]:
            yield _say("separator", sign=_shown(sign)), FIELD.sub(_put(sign), template).rstrip(" ")
        return
    # Without named fields the input itself can be set off in several ways.
    for name in variables(template)[:1]:
        place, (text, answer) = f"{{{name}}}", NAMES[language]
        yield _say("named", sign=f"{text}:"), template.replace(place, f"{text}: {place}")
        yield _say("quoted"), template.replace(place, f'"{place}"')
        yield _say("named", sign=f"{text}: / {answer}:"), f"{template.replace(place, f'{text}: {place}')}\n{answer}:"


def _put(sign: str) -> Callable[[re.Match[str]], str]:
    def put(field: re.Match[str]) -> str:
        ends = field.end() == len(field.string) or field.string[field.end()] == "\n"
        return field["name"] + (sign.rstrip() if ends else sign)

    return put


def _shown(sign: str) -> str:
    return sign.replace("\n", "↵").strip() or "␣"


def _spacings(template: str) -> Iterator[tuple[Saying, str]]:
    yield _say("blank_line"), re.sub(r"(?<!\n)\n(?!\n)", "\n\n", template)
    yield _say("no_blank_line"), re.sub(r"\n{2,}", "\n", template)
    if FIELD.search(template):
        for joint in JOINTS:
            yield _say("one_line", sign=_shown(joint)), re.sub(r"\n+(?=\S)", joint, template)
    yield _say("last_line"), template.rstrip("\n") + "\n"


def _casings(template: str) -> Iterator[tuple[Saying, str]]:
    """Of the fields' names, where they are written in letters that have cases."""
    yield _say("case_upper"), FIELD.sub(lambda field: field[0].upper(), template)
    yield _say("case_lower"), FIELD.sub(lambda field: field[0].lower(), template)
    yield _say("case_title"), FIELD.sub(lambda field: field[0].title(), template)


def _labels(assistant: Assistant, task: Task) -> Iterator[FormatChange]:
    """Other spellings of the labels, in the shots and wherever the prompt names them."""
    if not task.labelled or not 0 < len(task.labels) <= MOST_LABELS:
        return
    ways: list[tuple[str, Callable[[str], str]]] = [
        ("label_brackets", lambda label: f"[{label}]"),
        ("label_upper", str.upper),
        ("label_quotes", lambda label: f'"{label}"'),
        ("label_capital", str.capitalize),
    ]
    for name, way in ways:
        respelt = {label: way(label) for label in task.labels}
        if len(set(respelt.values())) == len(respelt) and any(label != other for label, other in respelt.items()):
            yield FormatChange(_say(name), _respell(assistant, respelt), respelt)


def _respell(assistant: Assistant, respelt: Mapping[str, str]) -> Assistant:
    old = assistant.instructions
    instructions = Instructions(system=_renamed(old.system, respelt), template=_renamed(old.template, respelt))
    shots = tuple(
        Shot(variables=shot.variables, output=respelt.get(shot.output.strip(), shot.output))
        for shot in assistant.examples.shots
    )
    examples = assistant.examples.model_copy(update={"shots": shots})
    return assistant.model_copy(update={"instructions": instructions, "examples": examples})


def _renamed(text: str, respelt: Mapping[str, str]) -> str:
    """Each label that stands by itself; one in quotes keeps just one pair of marks around it."""
    names = "|".join(re.escape(label) for label in sorted(respelt, key=len, reverse=True))
    quoted = rf"(?P<open>['\"‘“])(?P<in>{names})(?P<close>['\"’”])"
    alone = rf"(?<!{LETTER})(?<!\{{)(?P<out>{names})(?!{LETTER})(?!\}})"

    def put(found: re.Match[str]) -> str:
        new = respelt[found["in"] or found["out"]]
        bare = found["out"] is not None or new.startswith(('"', "["))
        return new if bare else f"{found['open']}{new}{found['close']}"

    return re.sub(f"{quoted}|{alone}", put, text)
