"""What a model wrote when it was asked for a text alone, without what models put around it."""

from __future__ import annotations

import re
from typing import Final

HEADING: Final = re.compile(
    r"^[*#\s]*(새 지시문|지시문|new instruction|instruction|prompt)[*\s]*:[*\s]*", re.IGNORECASE
)


def tidied(text: str) -> str:
    """Without what models put around what they were asked for: thoughts, a heading, a fence, marks of quotation."""
    text = re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.DOTALL).strip()
    fence = re.search(r"```[^\n]*\n(.*?)```", text, flags=re.DOTALL)
    text = (fence[1] if fence else text).strip()
    text = HEADING.sub("", text)
    pair = re.fullmatch(r"([\"'“‘])(.*)[\"'”’]", text, flags=re.DOTALL)
    return (pair[2] if pair else text).strip()
