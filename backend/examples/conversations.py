"""Conversations with roles into one input and one answer: the last answer, and everything that was said before it.

Read are messages with role and content (OpenAI, TRL), from and value (ShareGPT), and one text with "Human:" and
"Assistant:" before each turn (Bai et al. 2022, HH-RLHF).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

ROLES: Final = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user", "사용자": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant", "도우미": "assistant",
}  # fmt: skip
MARKED: Final = re.compile(r"(?:\A\s*|\n[ \t]*)(Human|Assistant|System|User)[ \t]*:[ \t]?")
SPEAKERS: Final = {"ko": ("사용자", "도우미"), "en": ("User", "Assistant")}

Turn = tuple[str, str]
"""A role ("system", "user" or "assistant") and what was said."""


@dataclass(frozen=True)
class Conversation:
    """`input` is the last question, or when more was said before it the whole of it, a speaker per line."""

    system: str
    input: str
    output: str


def turns_of(cell: str) -> list[Turn] | None:
    """The turns in a cell; None when it holds no conversation."""
    text = cell.strip()
    if text.startswith(("[", "{")):
        return _messages(text)
    marks = list(MARKED.finditer(cell))
    if not marks or cell[: marks[0].start()].strip():
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(cell)]
    return [(ROLES[mark[1].lower()], cell[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)]


def _messages(text: str) -> list[Turn] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    messages = found.get("messages", found.get("conversations")) if isinstance(found, dict) else found
    if not isinstance(messages, list) or not messages:
        return None
    turns = [_turn(message) for message in messages]
    return [turn for turn in turns if turn is not None] if None not in turns else None


def _turn(message: Any) -> Turn | None:
    if not isinstance(message, dict):
        return None
    role = ROLES.get(str(message.get("role", message.get("from", ""))).lower())
    content = message.get("content", message.get("value", message.get("text")))
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "\n".join(part for part in parts if isinstance(part, str))
    return (role, content) if role and isinstance(content, str) else None


def conversation(turns: Sequence[Turn]) -> Conversation:
    """Up to the last answer; without one the output is ""."""
    system = "\n\n".join(said for role, said in turns if role == "system").strip()
    spoken = [(role, said) for role, said in turns if role != "system"]
    answers = [at for at, (role, _) in enumerate(spoken) if role == "assistant"]
    last = answers[-1] if answers else len(spoken)
    output = spoken[last][1].strip() if answers else ""
    return Conversation(system, written(spoken[:last]), output)


def written(turns: Sequence[Turn]) -> str:
    """One question as it is; more as a line per turn, with the speakers in the language that is spoken."""
    if len(turns) == 1:
        return turns[0][1].strip()
    korean = any(re.search("[가-힣]", said) for _, said in turns)
    user, assistant = SPEAKERS["ko" if korean else "en"]
    return "\n".join(f"{user if role == 'user' else assistant}: {said.strip()}" for role, said in turns)
