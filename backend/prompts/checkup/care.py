"""Care for people and for the reader: personal data, shouting, mixed languages, very long system prompts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from backend.assistants import Examples
from backend.prompts.checkup import reading
from backend.prompts.checkup.finding import Finding, Fix, Prompt, Where
from backend.prompts.checkup.wording import wording

_PERSONAL: Final = (
    # Resident registration number: a date, then the digit for century and sex.
    (re.compile(r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\s?-\s?[1-8]\d{6}(?!\d)"), "000000-0000000"),
    (re.compile(r"(?<!\d)01[016789][-. ]?(?!0000)\d{3,4}[-. ]?\d{4}(?!\d)"), "010-0000-0000"),
    (re.compile(r"(?<!\d)\+\d{1,2}[-. ]?\(?\d{2,3}\)?[-. ]\d{3,4}[-. ]\d{4}(?!\d)"), "010-0000-0000"),
    (re.compile(r"(?<!\d)\(?[2-9]\d{2}\)?[-. ](?!555)[2-9]\d{2}[-. ]\d{4}(?!\d)"), "555-555-0100"),
    (
        re.compile(r"[\w.+-]{1,64}@(?!example\.)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,3}\.[A-Za-z]{2,10}\b"),
        "name@example.com",
    ),
)
_CARD = re.compile(r"(?<!\d)\d{4}[- ]?\d{4}[- ]?\d{4}[- ]?\d{4}(?!\d)")
_NO_CARD: Final = "0000-0000-0000-0000"
_CAPITALS = re.compile(r"\b[A-Z]{2,}(?:\s+(?:[A-Z]{2,}|I|A)\b){2,}")
_MARKS = re.compile(r"(?:!\s?){2,}|！{2,}")
_ANSWER_LANGUAGE = re.compile(
    r"(?:한국어|우리말|영어)로(?:만)?\s|번역|옮기|\b(?:in|into) (?:Korean|English)\b|\btranslat|\bKorean\b"
    r"|\bEnglish\b",
    re.I,
)
OVERLONG: Final = {"ko": 2000, "en": 5000}


def personal_data(prompt: Prompt) -> Iterator[Finding]:
    """Numbers and addresses of people, in the prompt or its examples; example.com and 010-0000-0000 are stand-ins."""
    shots = [*(value for shot in prompt.examples.shots for value in shot.variables.values()), *prompt.outputs]
    found = next((hit for text in (prompt.system, prompt.template, *shots) if (hit := _first_personal(text))), None)
    if found is None:
        return
    examples = Examples(
        shots=tuple(
            shot.model_copy(
                update={
                    "variables": {name: without_personal(value) for name, value in shot.variables.items()},
                    "output": without_personal(shot.output),
                }
            )
            for shot in prompt.examples.shots
        )
    )
    fix = replace(prompt.rewritten(without_personal), wording=without_personal(found), examples=examples)
    inside: dict[Where, str] = {"system": prompt.system, "template": prompt.template}
    where: Where = next((name for name, text in inside.items() if _first_personal(text)), "examples")
    yield Finding("personal_data", "problem", where, found, fix)


def _first_personal(text: str) -> str | None:
    for pattern, _ in _PERSONAL:
        if found := pattern.search(text):
            return found[0]
    return next((card[0] for card in _CARD.finditer(text) if _is_card(card[0])), None)


def without_personal(text: str) -> str:
    for pattern, stand_in in _PERSONAL:
        text = pattern.sub(stand_in, text)
    return _CARD.sub(lambda found: _NO_CARD if _is_card(found[0]) else found[0], text)


def _is_card(text: str) -> bool:
    """Luhn's checksum, which every payment card number passes and one random number in ten."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [digit if place % 2 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(digits)]
    return any(digits) and sum(doubled) % 10 == 0


def shouting(prompt: Prompt) -> Iterator[Finding]:
    """Three words in capitals in a row, or several exclamation marks."""
    text = f"{prompt.system}\n{prompt.template}"
    found = _CAPITALS.search(reading.blanked(text)) or _MARKS.search(text)
    if found:
        fix = prompt.rewritten(_calm)
        yield Finding("shouting", "advice", "system", text[found.start() : found.end()], fix)


def _calm(text: str) -> str:
    text = _MARKS.sub(lambda found: ". " if found[0].endswith(" ") else ".", text)
    blank = reading.blanked(text)
    for found in _CAPITALS.finditer(blank):
        lowered = text[found.start() : found.end()].lower()
        starts = not text[: found.start()].rstrip() or text[: found.start()].rstrip()[-1] in ".!?\n"
        text = text[: found.start()] + (lowered.capitalize() if starts else lowered) + text[found.end() :]
    return text


def mixed_language(prompt: Prompt) -> Iterator[Finding]:
    """System prompt and template are in two languages, and nothing says in which to answer."""
    template = reading.without_labels(prompt.template)
    languages = reading.language_of(prompt.system), reading.language_of(template)
    if None in languages or languages[0] == languages[1] or len(template.split()) < 3 or prompt.labels:
        return
    if not _ANSWER_LANGUAGE.search(prompt.text) and prompt.task != "translation":
        # The person's own language is that of the page.
        yield Finding(
            "mixed_language",
            "advice",
            "template",
            template.strip()[:80],
            prompt.added(wording(prompt.page, "language")),
        )


def overlong_system(prompt: Prompt) -> Iterator[Finding]:
    """A system prompt so long that small models lose its middle; sentences that stand twice can go at once."""
    if len(prompt.system) <= OVERLONG[prompt.language]:
        return
    lines = prompt.system.split("\n")
    once = "\n".join(line for number, line in enumerate(lines) if not line.strip() or line not in lines[:number])
    fix = Fix(wording=once, system=once) if len(once) <= OVERLONG[prompt.language] else None
    yield Finding("overlong_system", "advice", "system", f"{prompt.system[:80]}…", fix, {"length": len(prompt.system)})
