"""The places where data goes: variables that are missing, unknown, unused or glued to the instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backend.prompts.checkup import reading
from backend.prompts.checkup.finding import Finding, Fix, Prompt
from backend.prompts.checkup.wording import wording
from backend.prompts.templates import nearest, variables

_ALMOST = re.compile(
    r"\{\{\s?(?:input|text|입력)\s?\}\}|\$?\{\s+(?:input|text|입력)\s+\}|\$(?:input|text)\b"
    r"|(?<![\w\"'])[\[<](?:input|text|your text|insert text here|입력|텍스트|본문|내용|글)[\]>](?![^\n]*</)"
    r"|(?<!\w)%s(?!\w)",
    re.I,
)
_FROM_TEXT = re.compile(
    r"(?:글|문서|지문|본문|자료|문맥|기사|설명서|안내문)(?:만|을|를|에|의)?(?:\s\S+){0,4}?\s(?:근거로|바탕으로"
    r"|보고|읽고|참고(?:해|하여)|있는|내용)"
    r"(?:\s\S+){0,6}?\s?질문에|질문에.{0,20}(?:글|문서|지문|본문|자료|문맥)\S{0,3}\s?(?:근거|바탕|에서|만)"
    r"|\b(?:answer|respond).{0,60}\b(?:based on|using|from|according to)\b.{0,20}\b(?:context|passage|document"
    r"|text|article|manual)\b"
    r"|\b(?:based on|using|from|according to)\b.{0,20}\b(?:context|passage|document|text|article"
    r"|manual)\b.{0,30}\banswer\b",
    re.I,
)
_DATA = (
    "input",
    "context",
    "text",
    "document",
    "review",
    "article",
    "입력",
    "글",
    "본문",
    "문서",
    "내용",
    "질문",
    "리뷰",
)
_SET_OFF = set(":：\"'“‘`「『<>#|)]=→-–*")
_NAMES_IT = re.compile(
    r"(?:글|문장|리뷰|평|내용|본문|기사|문서|질문|text|article|review|passage|document|sentence|e-?mail"
    r"|paragraph|message"
    r"|following|this)\s*$",
    re.I,
)


def missing_variable(prompt: Prompt) -> Iterator[Finding]:
    """The template has no place for what is typed: it would never reach the model."""
    unknown = [name for name in prompt.names if name not in prompt.given]
    if "input" in prompt.names or (prompt.names and ("input" not in prompt.given or unknown)):
        return
    changed, found = _ALMOST.subn("{input}", prompt.template, count=1)
    wanted = changed if found else _with_input(prompt)
    evidence = match[0] if (match := _ALMOST.search(prompt.template)) else prompt.template.strip()[:80]
    yield Finding(
        "missing_variable",
        "problem",
        "template",
        evidence,
        Fix(wording=wanted, template=wanted),
        {"variable": "{input}"},
    )


def _with_input(prompt: Prompt) -> str:
    if not prompt.template.strip():
        return "{input}"
    return f"{prompt.template.rstrip()}\n\n{wording(prompt.language, 'data')}:\n{{input}}"


def unknown_variable(prompt: Prompt) -> Iterator[Finding]:
    """A variable that nothing fills. Said only when it is known what can be filled."""
    for name in prompt.names:
        if not prompt.given or name in prompt.given:
            continue
        free = [one for one in prompt.given if one not in prompt.names]
        meant = nearest(name, list(prompt.given)) or ("input" if "input" in free else None)
        fix = None
        if meant is not None:
            changed = prompt.template.replace(f"{{{name}}}", f"{{{meant}}}")
            fix = Fix(wording=f"{{{meant}}}", template=changed)
        known = ", ".join(f"{{{one}}}" for one in prompt.given)
        yield Finding(
            "unknown_variable", "problem", "template", f"{{{name}}}", fix, {"variable": f"{{{name}}}", "known": known}
        )


def variable_in_system(prompt: Prompt) -> Iterator[Finding]:
    """Only the template is filled in; in the system prompt the model would read the braces."""
    placed = [name for name in variables(prompt.system) if name in prompt.given or name in ("input", "context")]
    if not placed:
        return
    marks = [f"{{{name}}}" for name in placed]
    system, template = prompt.system, prompt.template
    for name, mark in zip(placed, marks, strict=True):
        label = rf"^[^\n.:]{{0,24}}:?[ \t]*\"*{re.escape(mark)}\"*[ \t]*$\n?"
        system = re.sub(label, "", system, flags=re.M).replace(mark, _the_text(prompt))
        if name not in prompt.names:
            template = f"{template.rstrip()}\n\n{wording(prompt.language, 'data')}:\n{mark}"
    fix = Fix(wording=template, system=system.rstrip(), template=template)
    yield Finding("variable_in_system", "problem", "system", ", ".join(marks), fix, {"variable": marks[0]})


def _the_text(prompt: Prompt) -> str:
    return "주어진 글" if prompt.language == "ko" else "the given text"


def unused_context(prompt: Prompt) -> Iterator[Finding]:
    """Questions about a text, and no place for the text. A text pasted into the prompt is a place."""
    told = _FROM_TEXT.search(prompt.prose)
    asked = prompt.task == "question_answering" or told or "context" in prompt.given
    pasted = len(prompt.text) > 600 or len(prompt.names) > 1
    if not asked or pasted or "context" in prompt.names or not prompt.names:
        return
    wanted = wording(prompt.language, "context") + prompt.template
    evidence = told[0] if told else prompt.template.strip()[:80]
    yield Finding(
        "unused_context", "problem", "template", evidence, Fix(wanted, template=wanted), {"variable": "{context}"}
    )


def not_separated(prompt: Prompt) -> Iterator[Finding]:
    """Instructions run into the data on one line, without a label, a line break or quotation marks between."""
    for name in prompt.names:
        if name not in _DATA and len(prompt.names) > 1:
            continue
        mark = f"{{{name}}}"
        for line in prompt.template.split("\n"):
            if mark in line and _glued(line, mark):
                wanted = _apart(prompt, line, mark)
                fix = Fix(wording=wanted, template=wanted)
                yield Finding("not_separated", "advice", "template", line.strip(), fix, {"variable": mark})
                return


def _glued(line: str, mark: str) -> bool:
    before, after = (part.strip() for part in line.split(mark, 1))
    if re.match(r"(?:에\s?(?:대해|대한|관해|관한)|\(?이?라[는고]|란\b)", after):
        return False  # a topic or a name inside a sentence, not a text
    if re.search(r"\b(?:about|on|named|called|word|term|topic|for|to|from|in|into|of)$", before, re.I):
        return False
    if before:
        return before[-1] not in _SET_OFF
    return bool(re.match(r"[\w가-힣]", after))


def _apart(prompt: Prompt, line: str, mark: str) -> str:
    """The template with a stand-in on the line, and the data under a label of its own at the end."""
    language = reading.language_of(line) or prompt.language
    before, after = line.split(mark, 1)
    ended = re.search(r"(?:[.!?:]|요|오|시오|줘|라)\s*$", before) is not None and language == "ko"
    if ended or _NAMES_IT.search(before):
        said = before.rstrip() + after
    elif language == "ko":
        said = f"{before}다음 글{_particle(after)}"
    else:
        said = f"{before}the text below{after}"
    label = wording(language, "data")
    rest = prompt.template.replace(line, said.strip(), 1).strip()
    return f"{rest}\n\n{label}:\n{mark}"


def _particle(after: str) -> str:
    """The particle that fits "글" instead of whatever the variable carried."""
    fits = {"을(를)": "을", "를": "을", "을": "을", "가": "이", "이(가)": "이", "는": "은", "은(는)": "은", "와": "과"}
    bare = after.lstrip() if re.match(r"\s?(?:을\(를\)|를\s|을\s)", after) else after
    for worn, fit in fits.items():
        if bare.startswith(f"{worn} "):
            return fit + bare[len(worn) :]
    return after


def separated(prompt: Prompt) -> bool:
    """Whether instructions and data are clearly apart: a label or a delimiter, or nothing but the data."""
    return bool(prompt.names) and not list(not_separated(prompt))
