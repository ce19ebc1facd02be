"""What a page sends, made sure of: a message, a turn of this chat, a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.errors import BadInput, NotFound
from backend.messages import Message
from backend.projects.turns import Turn
from backend.text_limits import clean_text


def said(message: object) -> str:
    """What a person typed, cleaned. Raises BadInput (empty, too long, binary)."""
    text = clean_text(str(message or ""))
    if not text.strip():
        raise BadInput("error.text_empty")
    return text


def answered(history: Sequence[Message]) -> tuple[Message, ...]:
    """What was said before a question, without questions that got no answer: the chat shows them, a model is not told.

    Two messages of a person in a row are refused by many chat templates.
    """
    after = [*(turn.role for turn in history), "user"][1:]
    return tuple(turn for turn, then in zip(history, after, strict=True) if (turn.role, then) != ("user", "user"))


def turn_of(turns: Sequence[Turn], told: Mapping[str, Any]) -> Turn:
    """The turn a button belongs to, if it is of this chat. Raises NotFound."""
    wanted = whole(told.get("turn"))
    for turn in turns:
        if turn.id == wanted:
            return turn
    raise NotFound("error.turn_missing")


def whole(value: object) -> int:
    """A number that the page sent as text. Raises NotFound for anything else."""
    try:
        return int(str(value))
    except ValueError as fault:
        raise NotFound("error.turn_missing") from fault
