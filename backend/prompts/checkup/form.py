"""The form of the answer: its format, its length, what to write when there is no answer, and whether it all fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from backend.prompts.checkup import reading
from backend.prompts.checkup.finding import Finding, Fix, Prompt
from backend.prompts.checkup.wording import wording

_FORMAT = re.compile(
    r"JSON|XML|YAML|CSV|마크다운|표로|표\s형식|목록|형식|양식|번호를|한 줄|줄에 하나|줄씩|쉼표로"
    r"|[한두세네]\s?(?:단어|문장|가지|문단|줄)|\d+\s?(?:단어|문장|자"
    r"|글자|줄|가지|개|점|문단)"
    r"|[로만]\s?(?:답|출력|쓰|적|고르)|만\s(?:답|출력|쓰|적|고르|골라)|이름만|없이\s(?:쓰|답|출력)|점수|숫자로"
    r"|\b(?:markdown|table|bullet|list|format|numbered|comma|per line|single (?:word|sentence|line)|(?:one|two"
    r"|three|four|five|\d+)[ -](?:word|sentence|line|bullet|paragraph|item|point)s?"
    r"|(?:words|sentences|lines) or (?:less|fewer)|at most|no more than|only|nothing else|exactly|score|from 1 to"
    r"|scale|yes or no|heading)\b",
    re.I,
)
_YES_NO_KO: Final = r"\S(?:인가요|인가|입니까|습니까|나요|까요)\?"
_YES_NO_EN: Final = (
    r"(?:^|[.!:\n]\s?)(?:is|are|does|do|was|were|can|has|should) (?:this|the|it|that|these)\b[^.?\n]{0,80}\?"
)
_YES_NO = re.compile(rf"{_YES_NO_KO}|{_YES_NO_EN}", re.I)
_WH = re.compile(r"무엇|어떤|어디|언제|누구|왜|어떻게|몇|얼마")
_UNKNOWN = re.compile(
    r"없으면|없는\s(?:경우|항목|것|값|정보)|없을\s(?:때|경우)|없다면|알\s수\s없|모르(?:면|겠)|판단(?:할"
    r"|하기)\s?(?:수\s없|어려)|찾을\s수\s없|나와\s?있지\s않"
    r"|적혀\s?있지\s않|해당\s?(?:사항|없)"
    r"|['\"](?:없음|모름|글에 없음|해당 없음)['\"]|null|\bN/?A\b|\b(?:not|isn't|aren't) (?:in|mentioned|found"
    r"|stated|given"
    r"|present|contain|say|there|sure|clear|answer)"
    r"|\bif (?:there (?:is|are) (?:no|none)|none|nothing|no |you (?:do not|don't|cannot|can't)|unsure|unknown"
    r"|missing|absent|it (?:is not|isn't|does not|doesn't)|the (?:\w+ ){1,3}(?:is|are|does|do|has|have) (?:not"
    r"|no)\b|a (?:\w+ ){1,2}is (?:missing|not|absent))"
    r"|\b(?:cannot|can't|could not) be (?:found|answered|determined)|\bdoes(?: not|n't) (?:say|mention|contain"
    r"|have)|\bmissing (?:value|field|item)s?\b|\bomit\b|\bleave .{0,20}(?:out|empty|blank)",
    re.I,
)
_SHORT = re.compile(
    r"(?:단\s)?한\s?(?:문장|단어|줄)(?:으로|로)?|(?:아주\s)?짧게|간단히|간단하게|간략히|간략하게"
    r"|\b(?:in )?(?:one|a single) (?:short )?(?:sentence|word|line)\b|\bbriefly\b|\bin brief\b|\bconcise(?:ly)?\b"
    r"|\bvery short\b|\bkeep it short\b",
    re.I,
)
_LONG = re.compile(
    r"(?:(?:자세히|자세하게|상세히|상세하게|길게)(?!\s(?:읽|살|보|검토|들))|(?:자세한|상세한)\s(?:설명|답|글"
    r"|내용|분석)(?:을|으로)?)\s?"
    r"|(?:최소\s)?(?<!\d)(?:[2-9]\d\d|\d{4,6}|[1-9],\d{3})\s?(?:자|글자)(?!\s?(?:이내|이하|를 넘지|까지))(?:\s?(?:이상"
    r"|정도|내외))?(?:으로|로)?\s?"
    r"|,?\s?(?:\b(?:and|but|yet)\s)?(?:\b(?:in (?:full |great |much )?detail|at length|comprehensively"
    r"|thoroughly)\b|\b(?:detailed|comprehensive|thorough|in-depth|very long)(?=\s(?:answer|explanation|summary"
    r"|description|response|analysis|report of|essay|text)\b))"
    r"|,?\s?\b(?:in |of |with |using )?(?:at least )(?:\d{2,5}|[1-9],\d{3}) words\b|,?\s?\b(?:and|but"
    r"|yet) (?:detailed|comprehensive|thorough|in-depth)\b",
    re.I,
)
_UNLESS = re.compile(r"(?:먼저|한 뒤|한 후|한 다음|다음에는|그다음|\bfirst\b|\bthen\b|\bor\b|또는|경우|하면\b)", re.I)
_DENIED_AFTER = re.compile(r"^\S{0,3}\s?(?:\S{1,6}\s)?(?:\S{0,4}지\s?(?:마|말|않)|생략|없이|필요)")
_DENIED_BEFORE = re.compile(r"\b(?:not?|never|without|avoid|n't)\b[^.]{0,24}$", re.I)
_ASKED_CHARACTERS = re.compile(
    r"(?P<n>\d{2,5}|\d,\d{3})\s?(?:자|글자)(?![가-힣]*\s?(?:이내|이하|를 넘|까지|미만))(?=\s|으로|로|\.|,|$"
    r"|이상|정도|내외|의)"
)
_ASKED_WORDS = re.compile(
    r"(?<!than )(?<!most )(?<!to )(?<!under )(?<!within )\b(?P<n>\d{2,5}|\d,\d{3})[ -]words?\b(?! (?:or (?:less"
    r"|fewer)|maximum|at most))",
    re.I,
)


def no_output_format(prompt: Prompt) -> Iterator[Finding]:
    """Something whose answer has a form is asked for, and neither words nor examples show the form."""
    kind = next((one for one in prompt.families if one in ("classify", "extract", "summarise")), None)
    if kind is None and _yes_no(prompt):
        kind = "question"
    if kind is None or len(prompt.outputs) >= 2 or prompt.task == "chat" or states_format(prompt):
        return
    evidence = next((one for one in reading.sentences(prompt.text) if reading.asks(one)), "")
    yield Finding(
        "no_output_format", "advice", "system", evidence, prompt.added(wording(prompt.language, f"format.{kind}"))
    )


def _yes_no(prompt: Prompt) -> bool:
    found = _YES_NO.search(prompt.prose)
    if not found:
        return False
    sentence = next((one for one in reading.sentences(prompt.prose) if _YES_NO.search(one)), "")
    return not _WH.search(sentence) and len(reading.sentences(prompt.prose)) <= 2


def states_format(prompt: Prompt) -> bool:
    return bool(_FORMAT.search(prompt.text) or prompt.labels or reading.braced(prompt.text))


def no_rule_for_absent(prompt: Prompt) -> Iterator[Finding]:
    """Extraction, or answers from a text, with nothing said about what the text does not hold."""
    reads = asks_about_text(prompt)
    extracts = "extract" in prompt.families or prompt.task in ("extraction", "entities")
    if not (reads or extracts) or has_rule_for_absent(prompt) or not reading.sentences(prompt.prose):
        return
    kind = "answer" if reads else "extract"
    evidence = next((one for one in reading.sentences(prompt.text) if reading.asks(one)), "")
    yield Finding(
        "no_rule_for_absent", "advice", "system", evidence, prompt.added(wording(prompt.language, f"unknown.{kind}"))
    )


def asks_about_text(prompt: Prompt) -> bool:
    """Whether questions are to be answered from a text that is given along."""
    asked = re.search(r"질문|\bquestions?\b", f"{prompt.system}\n{prompt.template}", re.I)
    return prompt.task == "question_answering" or ("context" in prompt.names and asked is not None)


def has_rule_for_absent(prompt: Prompt) -> bool:
    shown = any(
        output.lower().strip(".'\"") in ("없음", "글에 없음", "none", "null", "[]", "not in the text")
        for output in prompt.outputs
    )
    return shown or bool(_UNKNOWN.search(prompt.text)) or any("null" in output for output in prompt.outputs)


def contradictory_length(prompt: Prompt) -> Iterator[Finding]:
    """Short and long at once. "First in one sentence, then in detail" is an order, no contradiction."""
    text = f"{prompt.system}\n{prompt.template}"
    short = next((found for found in _SHORT.finditer(text) if not _denied(text, found)), None)
    long = [found for found in _LONG.finditer(text) if not _denied(text, found)]
    if not short or not long or _UNLESS.search(text):
        return
    fix = prompt.rewritten(_without_long)
    evidence = f"{short[0].strip()} / {long[0][0].strip(' ,')}"
    yield Finding("contradictory_length", "problem", "system", evidence, fix)


def _without_long(text: str) -> str:
    cut = _LONG.sub(lambda found: found[0] if _denied(text, found) else "", text)
    return re.sub(r"(?<=\S) {2,}", " ", cut)


def _denied(text: str, found: re.Match[str]) -> bool:
    """Whether the words around a piece take it back: "자세한 설명은 쓰지 마십시오", "without a detailed analysis"."""
    return bool(
        _DENIED_AFTER.match(text[found.end() : found.end() + 40])
        or _DENIED_BEFORE.search(text[max(0, found.start() - 40) : found.start()])
    )


def answer_cut(prompt: Prompt) -> Iterator[Finding]:
    """The length asked for, or shown, cannot fit in max_new_tokens even for a thrifty tokenizer."""
    needed, evidence = max(_lengths(prompt), default=(0, ""))
    if needed > prompt.max_new_tokens:
        wanted = -(-needed * 2 // 64) * 64
        room = None if prompt.context_length is None else prompt.context_length - (prompt.prompt_tokens or 0)
        wanted = wanted if room is None else min(wanted, room)
        fix = Fix(wording=str(wanted), decoding={"max_new_tokens": wanted}) if wanted >= needed else None
        yield Finding(
            "answer_cut", "problem", "decoding", evidence, fix, {"allowed": prompt.max_new_tokens, "needed": needed}
        )


def _lengths(prompt: Prompt) -> Iterator[tuple[int, str]]:
    """(tokens at least needed, what asks for them). Lower bounds: half a token a Hangul syllable, one a word."""
    for pattern, rate in ((_ASKED_CHARACTERS, 0.5), (_ASKED_WORDS, 1.0)):
        for found in pattern.finditer(prompt.text):
            yield int(int(found["n"].replace(",", "")) * rate), found[0]
    for output in prompt.outputs:
        hangul = len(re.findall("[가-힣]", output))
        yield int(hangul * 0.4 + (len(output) - hangul) * 0.15), output[:80]


def too_long(prompt: Prompt) -> Iterator[Finding]:
    """Prompt and answer do not fit into the model's window together."""
    if prompt.context_length is None or prompt.prompt_tokens is None:
        return
    if prompt.prompt_tokens + prompt.max_new_tokens <= prompt.context_length:
        return
    room = prompt.context_length - prompt.prompt_tokens
    fix = Fix(wording=str(room), decoding={"max_new_tokens": room}) if room >= 16 else None
    details = {"prompt": prompt.prompt_tokens, "answer": prompt.max_new_tokens, "window": prompt.context_length}
    evidence = f"{prompt.prompt_tokens} + {prompt.max_new_tokens} > {prompt.context_length}"
    yield Finding("too_long", "problem", "decoding", evidence, fix, details)


def is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False
