"""What in a passage speaks to the model rather than to the reader, and marks that a chat template is made of.

A document may say "ignore your instructions": to the model it is quoted material like everything else, and the
person is told. The patterns flag; they guard nothing: that the model reads the passage as a quotation does.
"""

from __future__ import annotations

import re
from typing import Final

from backend.documents.grounding.values import Suspicion

INSTRUCTIONS: Final = re.compile(
    r"\b(ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(instruction|prompt|rule|guideline|direction|"
    r"context|system)s?\b"
    r"|\b(you are now|from now on,? you|act as (an?|the) |pretend (to be|you are)|"
    r"new (system )?(instruction|prompt)s?:)"
    r"|\b(reveal|print|show|repeat|output)\b[^.\n]{0,20}\b(system prompt|your (instruction|prompt)s?)\b"
    r"|\bdo not (tell|inform|mention)[^.\n]{0,20}\buser\b"
    r"|(지시|명령|프롬프트|규칙|지침)[^.\n]{0,12}(무시|잊|따르지\s*(마|말)|어기)"
    r"|(지금|이제)\s*부터\s*(너|넌|당신|귀하)[은는]?"
    r"|(시스템\s*프롬프트|네\s*지시|당신의\s*지시)[^.\n]{0,12}(출력|공개|말하|보여)",
    re.IGNORECASE,
)
MARKUP: Final = re.compile(
    r"<\|[^|<>\n]{1,40}\|>"  # ChatML, Llama 3, Phi, Qwen
    r"|\[\|[^|\[\]\n]{1,40}\|\]"  # EXAONE
    r"|</?(?:s|bos|eos|pad|unk)>"
    r"|<(?:start|end)_of_turn>"  # Gemma
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]|<</?SYS>>"  # Llama 2, Mistral
    r"|</?(?:think|tool_call|tool_response)>"
)


def suspicions(text: str) -> tuple[Suspicion, ...]:
    """Why a passage is flagged; () for one like any other."""
    found: list[Suspicion] = []
    if INSTRUCTIONS.search(text):
        found.append("instruction")
    if MARKUP.search(text):
        found.append("markup")
    return tuple(found)


def harmless(text: str) -> str:
    """The text with a space inside every mark of a chat template, so that no tokenizer takes it for one."""
    return MARKUP.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", text)
