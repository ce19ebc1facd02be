"""A follow-up question written out by the model, so that "and how much is it?" can be looked for."""

from __future__ import annotations

import threading
from typing import Final

from backend.assistants import Assistant, Decoding
from backend.documents.grounding.quoting import language_of
from backend.messages import Message
from backend.models.engine import Engine, Request

TURNS: Final = 6
TURN_CHARACTERS: Final = 600
LONGEST: Final = 400
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
    asked = ASKED[language].format(talk=talk, question=question.strip())
    request = Request(
        (Message(role="user", content=asked),),
        Decoding(temperature=0, max_new_tokens=96, stop=("\n",)),
        assistant.chat_template,
    )
    told = "".join(piece.text for piece in engine.stream(request, stop)).strip().strip("\"'“”「」").strip()
    return told if 2 <= len(told) <= LONGEST else question
