"""Episodes in which one of several labels is picked for a short request, in Korean and English.

Requests are put together from parts. The labels of an episode are a random few of the topics, so that the answer has
to be looked for in the instructions; half of the time they are letters or numbers instead of words.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend.starter import words
from backend.starter.episodes import Episode, chat


@dataclass(frozen=True)
class Topic:
    """A label in each language, and the sayings that belong to it."""

    ko: str
    en: str
    ko_says: Sequence[str]
    en_says: Sequence[str]


TOPICS = tuple(Topic(**entry) for entry in words.load("topics"))
_KO_OPEN = (
    "문의를 읽고 {l} 가운데 가장 알맞은 분류 하나를 고르십시오. 분류 이름만 쓰십시오.",
    "다음 글을 {l} 중 하나로 나누어 주세요.",
    "다음 문장의 주제를 고르세요.\n분류: {l}",
    "알맞은 분류를 하나 고르십시오.\n분류: {l}",
    "문의를 아래 분류 중 하나로 나누어 주세요.\n분류: {l}",
    "어느 항목에 속하는지 한 단어로 답하세요.\n분류: {l}",
)
_EN_OPEN = (
    "Read the message and choose the one category that fits best: {l}. Write the category name only.",
    "Is the message about {l}?",
    "Pick the label that fits.\nLabels: {l}",
    "Classify the message.\nLabels: {l}",
    "Which topic is it? Answer with one label.\nLabels: {l}",
    "Choose one of the labels.\nLabels: {l}",
)
_KO_BEFORE = ("", "", "저기요, ", "안녕하세요. ", "죄송한데 ")
_EN_BEFORE = ("", "", "Hello, ", "Excuse me, ", "Please help: ")
_KO_ASKED = ("{r}", "문장: {r}\n분류:", "문의: {r}\n분류:")
_EN_ASKED = ("{r}", "Message: {r}\nLabel:", "Message: {r}\nCategory:")
_SYMBOLS = ("ABCDE", "12345", "가나다라마")


def label_picking(rng: random.Random) -> Episode:
    korean = rng.random() < 0.6
    topics = rng.sample(TOPICS, rng.randint(2, 5))
    names = [topic.ko if korean else topic.en for topic in topics]
    labels = list(rng.choice(_SYMBOLS))[: len(names)] if rng.random() < 0.2 else names
    told = rng.choice(_KO_OPEN if korean else _EN_OPEN).format(l=_listing(rng, names, labels))
    right = rng.randrange(len(topics))
    asked = rng.choice(_KO_ASKED if korean else _EN_ASKED).format(r=_request(rng, topics[right], korean))
    if rng.random() < 0.6:
        return chat(asked, labels[right], system=told, weight=2.0)
    return chat(f"{told}\n\n{asked}", labels[right], weight=2.0)


def _listing(rng: random.Random, names: list[str], labels: list[str]) -> str:
    """The labels as a prompt names them: plain, in quotes, or as "A=delivery" where they are symbols."""
    if labels != names:
        return ", ".join(f"{label}={name}" for label, name in zip(labels, names, strict=True))
    return ", ".join(f"'{name}'" for name in names) if rng.random() < 0.5 else ", ".join(names)


def _request(rng: random.Random, topic: Topic, korean: bool) -> str:
    said = rng.choice(topic.ko_says if korean else topic.en_says)
    return rng.choice(_KO_BEFORE if korean else _EN_BEFORE) + said + rng.choice(("", ".", "?"))
