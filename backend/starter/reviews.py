"""Episodes in which film reviews are labelled: many wordings, Korean and English labels, zero to four examples."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend.starter import words
from backend.starter.episodes import Episode, Maker, chat, plain
from backend.starter.screen import coarse
from backend.starter.sources import Review

LABEL_WEIGHT = 4.0


@dataclass(frozen=True)
class Labels:
    """The two words that an answer may be, and what the examples in a prompt call text and label."""

    positive: str
    negative: str
    text: str
    label: str

    def of(self, review: Review) -> str:
        return self.positive if review.positive else self.negative


KO = Labels("긍정", "부정", "평", "감성")
EN = Labels("positive", "negative", "Review", "Sentiment")
_LABELS = (
    (KO, 12),
    (Labels("긍정", "부정", "리뷰", "감정"), 2),
    (Labels("긍정", "부정", "문장", "답"), 1),
    (Labels("긍정", "부정", "입력", "출력"), 1),
    (EN, 3),
    (Labels("positive", "negative", "평", "감성"), 1),
    (Labels("Positive", "Negative", "Text", "Label"), 1),
    (Labels("좋음", "나쁨", "평", "평가"), 1),
    (Labels("추천", "비추천", "평", "판정"), 1),
)
_INSTRUCTIONS: dict[str, list[str]] = words.load("reviews")


def instruction(rng: random.Random, labels: Labels) -> str:
    english = labels.positive.isascii() and rng.random() < 0.75
    wording = rng.choice(_INSTRUCTIONS["en" if english else "ko"])
    return wording.format(p=labels.positive, n=labels.negative)


def asked(rng: random.Random, review: Review, labels: Labels) -> str:
    """The review as a person would put it into the prompt."""
    forms = (
        "{text}: {review}\n{label}:",
        "{text}: {review}\n{label}:",
        "{text}: {review}",
        "{review}",
        '"{review}"',
    )
    return rng.choice(forms).format(text=labels.text, label=labels.label, review=review.text)


def review_makers(reviews: Sequence[Review]) -> tuple[Maker, Maker]:
    """Makers of labelling episodes, and of reviews as plain text that ends with its label.

    Coarse reviews are read and labelled, but never written by the model: they are no plain text.
    """
    civil = [review for review in reviews if len(review.text) >= 12 and not coarse(review.text)]

    def label_some(rng: random.Random) -> Episode:
        labels = rng.choices([labels for labels, _ in _LABELS], [weight for _, weight in _LABELS])[0]
        style = rng.choices((_conversation, _single, _few_shot), (6, 3, 2))[0]
        return style(rng, reviews, labels)

    def as_text(rng: random.Random) -> Episode:
        review = rng.choice(civil)
        return plain(f"평: {review.text}\n감성: {KO.of(review)}" if rng.random() < 0.6 else review.text)

    return label_some, as_text


def _conversation(rng: random.Random, reviews: Sequence[Review], labels: Labels) -> Episode:
    """Instructions once, then one to seven reviews, each answered: many labels for few tokens."""
    chosen = [rng.choice(reviews) for _ in range(rng.choice((1, 1, 2, 3, 5, 7)))]
    turns = [part for review in chosen for part in (asked(rng, review, labels), labels.of(review))]
    return chat(*turns, system=instruction(rng, labels), weight=LABEL_WEIGHT)


def _single(rng: random.Random, reviews: Sequence[Review], labels: Labels) -> Episode:
    """Instructions and review in one message."""
    review = rng.choice(reviews)
    order = rng.choice(("{i}\n\n{r}", "{i}\n{r}", "{i} {r}", "{r}\n\n{i}"))
    text = order.format(i="\0", r=asked(rng, review, labels)).replace("\0", instruction(rng, labels))
    return chat(text, labels.of(review), weight=LABEL_WEIGHT)


def _few_shot(rng: random.Random, reviews: Sequence[Review], labels: Labels) -> Episode:
    """One to four worked examples in the prompt, then the review that is to be labelled."""
    short = [review for review in (rng.choice(reviews) for _ in range(12)) if len(review.text) <= 50]
    shots = short[: rng.randint(1, 4)] or [rng.choice(reviews)]
    blocks = [f"{labels.text}: {shot.text}\n{labels.label}: {labels.of(shot)}" for shot in shots]
    review = rng.choice(reviews)
    body = "\n\n".join([*blocks, f"{labels.text}: {review.text}\n{labels.label}:"])
    told = instruction(rng, labels)
    if rng.random() < 0.5:
        return chat(body, labels.of(review), system=told, weight=LABEL_WEIGHT)
    return chat(f"{told}\n\n{body}", labels.of(review), weight=LABEL_WEIGHT)
