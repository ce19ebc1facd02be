"""Sentences that say that the documents do not tell, in Korean and English.

"There is no information on it in the documents" is one; "no consent is needed" is a claim, though both say "없습니다".
A sentence counts by what it says of the material: that one cannot know from it, or that it holds no such content.
One that cites a passage says something of the matter, unless it says outright that one cannot know from the material.
"""

from __future__ import annotations

import re
from typing import Final

_KO: Final = (
    r"(?:문서|자료|본문|구절|(?:주어진|제공된|제시된|위|이)\s*(?:내용|정보|글|텍스트))(?:들)?"
    r"(?:만으로|으로|에서|에|로|엔)(?:는|은|도|만|선)?\s"
)
"""The material as the place of something: "이 문서에서는", "자료에", "주어진 내용만으로는"."""
_HELD: Final = r"(?:내용|정보|언급|답|답변|설명|기록|근거)"
_NOT: Final = r"없(?!으면|는\s)"
"""Neither a condition nor an attribute."""
_EN: Final = (
    r"\b(?:the|these|this|those|any|your|all)\s+(?:\w+\s+){0,2}?"
    r"(?:document|material|passage|source|context|text|excerpt)s?\b"
)
_GIVEN: Final = r"\b(?:provided|given|supplied|retrieved|above)\s+(?:document|material|passage|source|context|text)s?\b"
_DOES_NOT: Final = r"\s+(?:(?:also|simply)\s+)?(?:do(?:es)?\s+not|don['’]?t|doesn['’]?t)\s+"
_THING: Final = r"(?:\w+\s+){0,3}?(?:information|details?|answers?|mentions?|data|anything|references?)\b"

OUTRIGHT: Final = re.compile(
    rf"{_KO}[^.\n]{{0,40}}(?:알|찾을|확인할|답할|답변할|답변드릴|판단할)\s*수(?:는|가)?\s*{_NOT}"
    rf"|{_KO}[^.\n]{{0,10}}(?:찾지|확인하지)\s*못(?:했|하였)"
    r"|\b(?:(?:do|does|could)(?:\s+not|n['’]?t)|can(?:not|\s+not|['’]t)|unable\s+to)\s+"
    r"(?:know|find|tell|answer|determine)\b"
    rf"[^.\n]{{0,60}}\b(?:from|in|within|by|on|with)\s+(?:{_EN}|{_GIVEN})",
    re.IGNORECASE,
)
"""That one cannot know, find or answer it from the material."""
TELLS_NOT: Final = re.compile(
    rf"{_KO}[^.\n]{{0,40}}(?:(?:나와|들어)\s*있지\s*않|나오지\s*않|"
    r"(?:언급|포함|명시|기재|설명|기술|제시)(?:되어\s*있지|돼\s*있지|되지|하지|하고\s*있지)는?\s*않|다루(?:고\s*있)?지\s*않)"
    rf"|(?:{_KO}[^.\n]{{0,40}}|(?:해당|관련|관련된|대한|관한)\s*){_HELD}(?:이|가|은|는|도)?\s*(?:전혀\s*)?{_NOT}"
    rf"|{_HELD}(?:이|가|은|는|도)\s[^.\n]{{0,12}}{_KO}{_NOT}"
    rf"|{_EN}{_DOES_NOT}(?:mention|say|state|tell|specify|cover|address|discuss|explain|describe|indicate|answer)\b"
    rf"|{_EN}{_DOES_NOT}(?:contain|include|provide|hold|give|have|offer)\s+{_THING}"
    rf"|{_GIVEN}{_DOES_NOT}(?:contain|include|provide|hold|give|have|offer)\b"
    rf"|\bnot\s+(?:mentioned|stated|found|provided|contained|specified|given|included|covered)\s+in\s+{_EN}"
    rf"|\bno\s+(?:information|details?|answers?|mentions?|data|references?)\b[^.\n]{{0,60}}\bin\s+{_EN}",
    re.IGNORECASE,
)
"""That the material holds no such content."""


def says_unknown(sentence: str, cited: bool) -> bool:
    """Whether a sentence, without its citations, says that the documents do not tell."""
    return OUTRIGHT.search(sentence) is not None or (not cited and TELLS_NOT.search(sentence) is not None)
