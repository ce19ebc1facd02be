"""What the instructions ask for: nothing, something vague, several things, only what not to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backend.prompts import library
from backend.prompts.checkup import reading
from backend.prompts.checkup.finding import Finding, Fix, Prompt, Severity
from backend.prompts.checkup.wording import wording

# "잘" counts only right before what is asked for: "잘 요약", never "잘 모르겠으면", "잘못", "잘 드러나는".
_VAGUE_KO: Final = (
    r"(?:(?<![가-힣])잘(?=\s(?:요약|번역|분류|정리|작성|쓰|써|답|대답|설명|고쳐|고치|다듬|만들|분석|추출|뽑|찾"
    r"|판단|처리|바꿔|바꾸|해))"
    r"|적절히|적절하게|적당히|적당하게|알맞게|알아서|대충|제대로|멋지게|좋게|보기 좋게|그럴듯하게"
    r"|적절한\s(?:길이|분량|방식|형식|말투|수준)(?:으로|로)|적당한\s(?:길이|분량|방식|형식|말투|수준)(?:으로"
    r"|로)|어느 정도)"
)
_VAGUE_EN: Final = (
    r"(?:\b(?:in an? (?:appropriate|suitable|proper|good|nice|decent|reasonable) (?:way|manner|length|format|style)"
    r"|appropriately|suitably|properly|nicely|adequately|as appropriate|as needed|somehow|as you see fit"
    r"|really well|very well)\b"
    r"|\b(?:good|nice|decent|great|appropriate|suitable)(?=\s(?:summary|answer|reply|response|translation|title"
    r"|text|description|job|way|label)\b)"
    r"|\bsome(?=\s(?:information|info|things|points|details|stuff|ideas|facts|data)\b)"
    r"|(?<=\w\s)\bwell(?=\s?(?:[.!\n]|$)))"
)
_VAGUE = re.compile(f"{_VAGUE_KO}|{_VAGUE_EN}", re.I)
_CRITERION = re.compile(
    r"\d|[한두세네]\s?(?:문장|단어|줄|가지|개)|·{3,}|\b(?:one|two|three|four|five)\b|[:(]|즉|예를 들어|such as"
)
_REMEMBERED = re.compile(
    r"(?:아까|앞서 말한|조금 전에|방금 말한|지난번에|지난번처럼|이전 대화(?:에서|처럼))(?:\s?(?:처럼|말한|대로))?"
    r"(?:\s(?:형식|방식|방법|내용|기준|규칙)(?:으로|대로|처럼|에 따라))?\s?"
    r"|,?\s?\b(?:as (?:i said|before|mentioned earlier|discussed)|like (?:before|last time)|as last time)\b",
    re.I,
)


def no_instruction(prompt: Prompt) -> Iterator[Finding]:
    """Nothing says what to do with the text: no words at all, or a few that ask for nothing."""
    if prompt.task == "chat":
        return
    said = reading.sentences(prompt.prose)
    short = sum(len(sentence.split()) for sentence in said) <= 6
    if said and not (short and not any(reading.asks(one) or reading.is_persona(one) for one in said)):
        return
    bare = not said and prompt.template.strip() in ("", "{input}")
    severity: Severity = "advice" if bare or len(prompt.outputs) >= 2 else "problem"
    yield Finding("no_instruction", severity, "system", evidence=" ".join(said), fix=prompt.added(_instruction(prompt)))


def _instruction(prompt: Prompt) -> str:
    if prompt.task in library.TASKS and prompt.task is not None:
        return library.get(prompt.task, prompt.language).instructions.system
    shown = list(dict.fromkeys(prompt.outputs))
    if len(prompt.outputs) >= 3 and 2 <= len(shown) <= len(prompt.outputs) * 2 / 3:
        return wording(prompt.language, "labels").format(labels=", ".join(f"'{one}'" for one in shown))
    return wording(prompt.language, "instruction")


def vague(prompt: Prompt) -> Iterator[Finding]:
    """A word such as 적절히 or "properly" in a sentence that sets no measure for it."""
    changed: dict[str, str] = {}
    pieces: list[str] = []
    for field in ("system", "template"):
        text = str(getattr(prompt, field))
        found = list(_vague_in(text))
        for start, end in reversed(found):
            text = _exact(prompt, text, start, end)
        if found:
            changed[field] = text
            original = str(getattr(prompt, field))
            pieces += [original[start:end] for start, end in found]
    if changed:
        fix = Fix("\n".join(changed.values()), changed.get("system"), changed.get("template"))
        yield Finding("vague", "advice", "system" if "system" in changed else "template", ", ".join(pieces), fix)


def _vague_in(text: str) -> Iterator[tuple[int, int]]:
    blank = reading.blanked(text)
    for sentence in re.finditer(r"[^.!?。\n]+[.!?。]?", blank):
        if not _CRITERION.search(re.sub(r"\{\w+\}", "", text[sentence.start() : sentence.end()])):
            for found in _VAGUE.finditer(blank, sentence.start(), sentence.end()):
                if text[found.start() : found.end()] == found[0]:
                    yield found.start(), found.end()


def _exact(prompt: Prompt, text: str, start: int, end: int) -> str:
    """The vague word replaced by a measure that fits what is asked for in its sentence."""
    line = text[text.rfind("\n", 0, start) + 1 : (text + "\n").index("\n", end)]
    kinds = reading.families(reading.blanked(line))
    language = reading.language_of(line) or prompt.language
    known = kinds[0] if kinds and kinds[0] != "write" else "other"
    measure = wording(language, f"exact.{known}")
    if language == "ko":
        return text[:start] + measure + text[end:]
    # In English the measure goes to the end of the sentence, and the adjective or adverb simply goes.
    rest = text[end:]
    stop = re.search(r"[.!?:\n]|$", rest)
    at = stop.start() if stop else len(rest)
    before = text[:start] if text[start:end].lower() != "some" else text[:start] + "the"
    joined = f"{before}{rest[:at]} {measure}{rest[at:]}"
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", re.sub(r"[ ]{2,}", " ", joined)) if "  " in joined else joined


def several_tasks(prompt: Prompt) -> Iterator[Finding]:
    """Two or more kinds of task without a form that keeps their results apart (JSON, numbered headings)."""
    kinds = prompt.families
    apart = re.search(r"JSON|^[ \t]{0,8}(?:\d{1,2}[.)]|[-*])\s|단계|형식:|format:", prompt.text, re.M | re.I)
    if len(kinds) < 2 or apart or reading.braced(prompt.text):
        return
    names = [wording(prompt.language, f"name.{kind}") for kind in kinds]
    steps = "\n".join(f"{number}. {name}:" for number, name in enumerate(names, 1))
    sentence = f"{wording(prompt.language, 'headings')}\n{steps}"
    yield Finding("several_tasks", "advice", "system", " + ".join(names), prompt.added(sentence))


def negative_only(prompt: Prompt) -> Iterator[Finding]:
    """Only what not to do. A sentence that says who the model is asks for nothing."""
    said = [one for one in reading.sentences(prompt.prose) if not reading.is_persona(one)]
    forbidden = [one for one in said if reading.forbids(one)]
    if forbidden and len(forbidden) == len(said):
        key = "answer_short" if not prompt.labels else "format.classify"
        yield Finding("negative_only", "advice", "system", forbidden[0], prompt.added(wording(prompt.language, key)))


def not_remembered(prompt: Prompt) -> Iterator[Finding]:
    """Points back at something said elsewhere; the model sees this prompt and nothing else."""
    found = _REMEMBERED.search(prompt.prose)
    if found and not prompt.outputs:
        fix = prompt.rewritten(_without_memory)
        yield Finding("not_remembered", "advice", "system", found[0].strip(" ,"), fix)


def _without_memory(text: str) -> str:
    return _REMEMBERED.sub("", text)
