"""Episodes of reading: a few made-up facts, a question, and an answer copied from them, or that it is not there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend.starter import words
from backend.starter.episodes import Episode, chat


@dataclass(frozen=True)
class Fact:
    """A sentence and a question about somebody (`{who}`), and the values (`{value}`) that may stand in it."""

    ko: str
    ko_asks: str
    ko_values: Sequence[str]
    en: str
    en_asks: str
    en_values: Sequence[str]


_TABLE = words.load("facts")
_NAMES_KO: Sequence[str] = _TABLE["names_ko"]
_NAMES_EN: Sequence[str] = _TABLE["names_en"]
FACTS = tuple(Fact(**entry) for entry in _TABLE["facts"])
# (instructions, prompt, what to say when the answer is not there)
_KO_FORMS = (
    (
        "본문을 읽고 질문에 답하십시오. 본문에 없으면 '본문에 없습니다.'라고 답하십시오.",
        "본문: {text}\n질문: {question}",
        "본문에 없습니다.",
    ),
    (
        "주어진 글만 근거로 질문에 답하십시오. 글에 답이 없으면 '글에 없음'이라고만 쓰십시오.",
        "글:\n{text}\n\n질문: {question}\n답:",
        "글에 없음",
    ),
    ("", "다음 글을 읽고 답하세요.\n\n{text}\n\n질문: {question}", "본문에 없습니다."),
)
_EN_FORMS = (
    (
        "Read the text and answer the question. If the answer is not there, say 'It is not in the text.'",
        "Text: {text}\nQuestion: {question}",
        "It is not in the text.",
    ),
    (
        "Answer the question, using the given text only. If the answer is not in the text, write 'not in the text'.",
        "Text:\n{text}\n\nQuestion: {question}\nAnswer:",
        "not in the text",
    ),
    ("", "Read the text and answer.\n\n{text}\n\nQuestion: {question}", "It is not in the text."),
)


def reading(rng: random.Random) -> Episode:
    korean = rng.random() < 0.6
    people = rng.sample(_NAMES_KO if korean else _NAMES_EN, 3)
    told = [(who, fact) for who in people[:2] for fact in rng.sample(FACTS, rng.randint(1, 2))]
    values = [rng.choice(fact.ko_values if korean else fact.en_values) for _, fact in told]
    lines = [
        (fact.ko if korean else fact.en).format(who=who, value=value)
        for (who, fact), value in zip(told, values, strict=True)
    ]
    rng.shuffle(lines)
    system, form, absent = rng.choice(_KO_FORMS if korean else _EN_FORMS)
    (who, fact), answer = told[0], values[0]
    if rng.random() < 0.25:
        who, answer = people[2], absent
    question = (fact.ko_asks if korean else fact.en_asks).format(who=who)
    return chat(form.format(text=" ".join(lines), question=question), answer, system=system, weight=2.0)
