"""A follow-up question written out by the model, so that "and how much is it?" can be looked for."""

from __future__ import annotations

import threading
from typing import Final

from backend.assistants import Assistant, Decoding
from backend.documents.grounding.quoting import language_of
from backend.messages import Message
from backend.models.engine import Engine, Request
from backend.prompts.unwrapping import tidied

TURNS: Final = 6
TURN_CHARACTERS: Final = 600
LONGEST: Final = 400
DECODING: Final = Decoding(temperature=0, max_new_tokens=256)
"""Enough for a question, not for long thoughts: who thinks on gets the question as it was asked."""
THOUGHT: Final = "<think>"
ASKED: Final = {
    "ko": "아래 대화의 마지막 질문을, 앞의 대화를 읽지 않아도 뜻이 통하는 질문 한 문장으로 고쳐 쓰십시오. "
    "대답하지 말고 고쳐 쓴 질문만 적으십시오.\n\n{talk}\n\n마지막 질문: {question}\n고쳐 쓴 질문:",
    "en": "Rewrite the last question of this conversation as one question that can be understood without what was "
    "said before. Do not answer it; write the rewritten question only.\n\n{talk}\n\nLast question: {question}\n"
    "Rewritten question:",
}
SPEAKERS: Final = {"ko": {"user": "질문", "assistant": "답"}, "en": {"user": "Question", "assistant": "Answer"}}


def rewritten(
    engine: Engine,
    assistant: Assistant,
    question: str,
    history: tuple[Message, ...],
    stop: threading.Event | None = None,
) -> str:
    """The question as it can be looked for alone; the question itself where the model wrote nothing of use."""
    language = language_of(assistant.instructions, question)
    talk = "\n".join(
        f"{SPEAKERS[language][turn.role]}: {' '.join(turn.content.split())[:TURN_CHARACTERS]}"
        for turn in history[-TURNS:]
        if turn.role != "system"
    )
    asked = Message(role="user", content=ASKED[language].format(talk=talk, question=question.strip()))
    prompt = engine.render((asked,), assistant.chat_template)
    request = Request((asked,), DECODING, assistant.chat_template, text=prompt)
    told, ended = THOUGHT if prompt.rstrip().endswith(THOUGHT) else "", True
    for piece in engine.stream(request, stop):
        told, ended = told + piece.text, piece.finish != "length"
    return looked_for(told, ended) or question


def looked_for(told: str, ended: bool = True) -> str:
    """The question in what a model wrote: its first line, without thoughts and quotation marks; "" where there is none.

    ended  whether it came to an end by itself: a line that was cut off is no question
    """
    line, *more = tidied(told).splitlines() or [""]
    line = line.strip().strip("\"'“”「」").strip()
    whole = ended or bool(more)
    return line if whole and 2 <= len(line) <= LONGEST and "<think" not in line else ""
