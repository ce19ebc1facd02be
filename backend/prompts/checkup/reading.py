"""Reading a prompt as far as patterns can: sentences, languages, requests, lists of labels. Korean and English.

Patterns are bounded ({0,60} rather than *), so that no text makes them slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backend.prompts.templates import variables

_QUOTED = re.compile(
    r"(?<![A-Za-z])'([^'\n]{1,40})'(?![A-Za-z])|\"([^\"\n]{1,60})\"|‘([^’\n]{1,40})’|“([^”\n]{1,60})”"
    r"|「([^」\n]{1,40})」"
)
_BRACED = re.compile(r"\{[^{}]{0,400}\}")
_LABEL_LINE = re.compile(r"^[ \t]*[#*<\[]{0,3}[^\n.?!。]{0,24}[:：>\]][ \t]*$", re.M)

# Forms of a Korean verb that ask for something, after a noun such as 요약 or a stem such as 고르.
_ASKING: Final = (
    r"(?:해\s?줘|해\s?(?:주|달)\S{0,5}|하(?:십시오|시오|세요|셔요|라|기|고|며|면서|여|되|자)|해(?:라|서|요"
    r"|야)?(?=[\s,.!]|$)"
    r"|한\s(?:뒤|다음|후)|합니다|할\s것|한다|하는\s?것|바랍니다|부탁)"
)
_NOUN: Final = r"(?:을|를|도|만)?\s{0,2}(?:문?을\s)?"
_KOREAN: Final[dict[str, str]] = {
    "summarise": rf"(?:요약{_NOUN}{_ASKING}|요약문?을?\s{{0,2}}(?:쓰|작성|만드|만들)\S{{0,6}}|줄여\s?(?:쓰|주))",
    "translate": rf"(?:번역{_NOUN}{_ASKING}|(?:영어|한국어|우리말|일본어|중국어)로\s(?:옮기|옮겨|바꾸|바꿔))",
    "classify": rf"(?:분류{_NOUN}{_ASKING}|(?:판단|판정|구분|판별){_NOUN}{_ASKING}|(?:긍정|부정)\S{{0,3}}인지)",
    "extract": rf"(?:추출{_NOUN}{_ASKING}|뽑아|뽑으|골라\s?내|찾아(?:\s|서|라|내|\S?주)|찾으)",
    "rewrite": rf"(?:고쳐\s?(?:쓰|써|주)|고치(?:십|세|고)|다듬(?:으|어|고)|(?:교정|수정|윤문){_NOUN}{_ASKING})",
    "write": rf"(?:답장|답글|편지|이메일|메일|제목|글|광고\s?문구|초안|기사|이야기|소설|시)(?:을|를"
    rf"|도)\s(?:\S{{1,10}}\s)?(?:쓰|써|지어|지으"
    rf"|작성){_NOUN}(?:{_ASKING}|십시오|세요|고\b|주|라|줘)",
}
_START: Final = (
    r"(?:^|[.!?:;\n]\s{0,3}|\b(?:and|then|also|please|to|you (?:will|should|must)|(?:can"
    r"|could) you)\s|,\s)"
)
_ENGLISH: Final[dict[str, str]] = {
    "summarise": rf"{_START}(?:summari[sz]e|sum up|condense)\b",
    "translate": rf"{_START}translate\b",
    "classify": rf"{_START}(?:classify|categori[sz]e|label|judge|decide whether|determine (?:whether|if)|sort)\b",
    "extract": rf"{_START}(?:extract|pull out|pick out|find|identify)\b",
    "rewrite": rf"{_START}(?:rewrite|rephrase|paraphrase|proofread|edit|polish)\b",
    "write": rf"{_START}(?:write|draft|compose)\s(?:a|an|the|me)\s(?:\w+\s){{0,3}}(?:reply|e-?mail|letter|title"
    rf"|headline|story|poem|post|article)\b",
}
_ASKS: Final = re.compile(
    r"(?:십시오|시오|세요|셔요|줘|다오|바랍니다|부탁|해라|하라|[쓰적으]라|[가-힣]기\.?\s*$|할 것|을 것"
    r"|[가-힣]?[합입]니다만|[가-힣]해\.?\s*$|해야 (?:한다|합니다)"
    r"|(?:답|요약|번역|분류|추출|정리|설명|출력|작성|판단)(?:한다|합니다))"
    r"|^[ \t]{0,8}(?:please )?(?:answer|summari[sz]e|translate|classify|categori[sz]e|extract|find|identify|list|write"
    r"|rewrite"
    r"|rephrase|explain|describe|return|give|choose|pick|decide|determine|label|read|use|keep|reply|respond|tell|make"
    r"|create|generate|copy|put|say|act|convert|compare|draft|suggest|correct|check|improve|turn|state|name|be"
    r"|label|output"
    r"|analy[sz]e|evaluate|rate|judge|help|speak|stick|limit|include|add|follow|provide|show|shorten|simplify|ask"
    r"|offer|note|only)\b"
    r"|\b(?:your (?:task|job|role) is|you (?:will|should|must|answer|write|help|are to|summari[sz]e|translate)"
    r"|(?:can|could|would) you)\b",
    re.I | re.M,
)
_NEGATIVE = re.compile(
    r"(?:지\s?(?:는\s|도\s)?(?:마|말(?!고|며)|않)|금지|안\s?됩니다|안\s?된다)|^[ \t]{0,8}(?:please )?(?:do not|don't"
    r"|never|avoid|no)\b"
    r"|\byou (?:must|should|may) (?:not|never)\b|\bmustn't\b",
    re.I,
)
_PERSONA = re.compile(r"(?:당신은|너는|그대는).{1,60}(?:입니다|이다|이야|야)\.?$|^\s*you are\b", re.I)
_CHOICE = re.compile(
    r"가운데|중에서|중\s?하나|하나로|하나만|로만|또는|이나|혹은|고르|골라|선택|\b(?:one of|either|choose|pick"
    r"|or|only|label|categor(?:y|ies))\b",
    re.I,
)
_PLAIN_LIST = re.compile(
    r"((?:[가-힣A-Za-z]{1,12}\s?[,·/]\s?){1,9}[가-힣A-Za-z]{1,12})\s?(?:중|가운데)"
    r"|one of(?: the following)?(?: labels?| categories)?:?\s((?:[\w-]{1,20},\s?){1,9}(?:(?:or|and)\s)?[\w-]{1,20})",
    re.I,
)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, without empty ones."""
    pieces = re.split(r"(?<=[.!?。])\s+|\n+", text)
    return [piece.strip() for piece in pieces if re.search(r"\w", piece)]


def language_of(text: str) -> str | None:
    """ "ko" or "en"; None when there is too little to tell. Quotations and variables do not count."""
    plain = blanked(text)
    hangul, latin = len(re.findall("[가-힣]", plain)), len(re.findall("[A-Za-z]", plain))
    if hangul + latin < 4:
        return None
    return "ko" if hangul * 2 >= latin else "en"


def blanked(text: str) -> str:
    """Quotations, variables and JSON replaced by as many "·", so that positions stay."""
    for pattern in (_BRACED, _BRACED, _QUOTED):
        text = pattern.sub(lambda found: "·" * len(found[0]), text)
    return text


def without_labels(template: str) -> str:
    """The template without its variables, and without lines that only name what stands there ("글:", "Text:")."""
    for name in variables(template):
        template = template.replace(f"{{{name}}}", "")
    return re.sub(r"^[ \t\"'`#<>/*=|-]*$", "", _LABEL_LINE.sub("", template), flags=re.M)


def families(prose: str) -> list[str]:
    """The kinds of task asked for, in the order of the text; "do not translate" asks for nothing."""
    found: dict[str, int] = {}
    start = 0
    for sentence in prose.split("\n"):
        for name, where in _asked_in(sentence):
            found.setdefault(name, start + where)
        start += len(sentence) + 1
    return sorted(found, key=lambda name: found[name])


def _asked_in(sentence: str) -> Iterator[tuple[str, int]]:
    for table in (_KOREAN, _ENGLISH):
        for name, pattern in table.items():
            for found in re.finditer(pattern, sentence, re.I):
                around = sentence[max(0, found.start() - 8) : found.end() + 8]
                if not re.search(r"\b(?:not|never)\b|n't\b|지\s?(?:마|말|않)", around, re.I):
                    yield name, found.start()
                    break


def asks(sentence: str) -> bool:
    """Whether a sentence asks for something: an imperative, a wish or a question."""
    return bool(_ASKS.search(sentence)) or sentence.rstrip().endswith("?")


def forbids(sentence: str) -> bool:
    return bool(_NEGATIVE.search(sentence))


def is_persona(sentence: str) -> bool:
    return bool(_PERSONA.search(sentence))


def quoted(text: str) -> list[str]:
    """What stands in quotation marks, each once."""
    return list(dict.fromkeys(next(filter(None, found.groups())).strip() for found in _QUOTED.finditer(text)))


def labels(text: str) -> list[str]:
    """The closed list of answers a text names: '긍정' 또는 '부정', "one of: a, b, c". Empty when there is none."""
    for sentence in sentences(_BRACED.sub(" ", text)):
        named = quoted(sentence)
        if len(named) >= 2 and _CHOICE.search(blanked(sentence)):
            return named
        listed = _PLAIN_LIST.search(sentence)
        if listed:
            words = re.split(r"\s?[,·/]\s?(?:(?:or|and)\s)?|\s(?:or|and)\s", listed[1] or listed[2])
            return [word.strip() for word in words if word.strip()]
    return []


def braced(text: str) -> bool:
    """Whether braces show a form, as in {"label": "..."}."""
    return bool(_BRACED.search(text))
