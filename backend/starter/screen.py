"""A plain filter that keeps abuse out of what the starter model learns and of what the samples show.

It is a word list (`words/screen.json`): it knows nothing of meaning, misses creative spelling and drops some harmless
lines. Two strengths: `abusive` (never learned or shown) and `coarse` (may be read as a review, never shown or said).
"""

import re
import unicodedata

from backend.starter import words

_TABLE = words.load("screen")
_ABUSIVE = tuple(word for line in _TABLE["abusive"] for word in line.split()) + tuple(_TABLE["abusive_phrases"])
_COARSE = tuple(word for line in _TABLE["coarse"] for word in line.split())
_ENGLISH = re.compile(rf"\b(?:{'|'.join(_TABLE['abusive_english'])})\b", re.IGNORECASE)
_PERSON = re.compile(r"(?:이|그|저|미친|개|썩을|나쁜|더러운|못된)\s?[년놈](?:[은이을들아의]|$|\s|[.!?~])")
_MARKS_INSIDE = re.compile(r"(?<=[가-힣ㄱ-ㅎ])[.,*@#^_~\-1]+(?=[가-힣ㄱ-ㅎ])")


def folded(text: str) -> str:
    """NFC, lower case, and without the marks that people put inside a bad word to slip past a list."""
    return _MARKS_INSIDE.sub("", unicodedata.normalize("NFC", text).lower())


def abusive(text: str) -> bool:
    """Profanity, slurs, sexual content, self-harm and party politics, in Korean or English."""
    plain = folded(text)
    return any(word in plain for word in _ABUSIVE) or bool(_ENGLISH.search(plain) or _PERSON.search(plain))


def coarse(text: str) -> bool:
    """`abusive`, and also rough words and grim subjects that do not belong in a sample on screen."""
    plain = folded(text)
    return abusive(text) or any(word in plain for word in _COARSE)
