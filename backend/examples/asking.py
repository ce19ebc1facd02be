"""How an example is asked: turn by turn where it holds a conversation that is to be answered, else as one message.

Training, its metric on dev and every evaluation ask this way, so that what is measured is what was trained.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from backend.answering import Question
from backend.assistants import Assistant
from backend.examples.conversations import SPEAKERS, Turn, turns_of
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.messages import Message

SPOKEN: Final = re.compile(rf"(?:\A\s*|\n[ \t]*)({'|'.join(SPEAKERS['ko'])})[ \t]*:[ \t]?")
TALKS: Final = frozenset({"free_writing", "question_answering"})
"""Tasks whose answer is the next turn of a conversation; a summary of one is not."""


def question_of(example: NewExample, assistant: Assistant, task: Task | None) -> Question:
    """How an example is asked: a conversation as its turns where the task is to answer it, anything else as it is.

    Its history is empty but for such conversations.
    """
    plain = assistant.instructions.template.strip() == "{input}" and (task is None or task.kind in TALKS)
    turns = conversation_in(example.variables.get("input", "")) if plain else None
    if turns is None:
        return Question(example.variables)
    history = tuple(Message(role="user" if role == "user" else "assistant", content=said) for role, said in turns[:-1])
    return Question({**example.variables, "input": turns[-1][1]}, history)


def conversation_in(text: str) -> list[Turn] | None:
    """The turns of an input that `conversations.written` wrote, or that holds messages: user and assistant in turn,
    from a user's to a user's. None for anything else.
    """
    turns = _korean(text) or turns_of(text)
    if turns is None or len(turns) < 3 or turns[0][0] != "user" or turns[-1][0] != "user":
        return None
    spoken = all(said.strip() for _, said in turns) and all(role in ("user", "assistant") for role, _ in turns)
    return turns if spoken and all(before[0] != after[0] for before, after in pairwise(turns)) else None


def _korean(text: str) -> list[Turn] | None:
    marks = list(SPOKEN.finditer(text))
    if not marks or text[: marks[0].start()].strip():
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    user = SPEAKERS["ko"][0]
    return [
        ("user" if mark[1] == user else "assistant", text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    ]
