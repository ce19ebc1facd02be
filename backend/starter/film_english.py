"""English film reviews put together from parts, because no English reviews are among the open data.

They teach which English words praise and which blame; they are not what people really write,
and the model card says so.
"""

import random

from backend.starter import words
from backend.starter.sources import Review

_TABLE: dict[str, list[str]] = words.load("films")


def english_reviews(count: int, seed: int) -> list[Review]:
    """`count` reviews, as many praising as blaming, the same for the same seed."""
    rng = random.Random(f"english:{seed}")
    return [Review(f"en{i}", _review(rng, i % 2 == 0), i % 2 == 0) for i in range(count)]


def _review(rng: random.Random, positive: bool) -> str:
    sentences = [_sentence(rng, positive) for _ in range(rng.choice((1, 1, 2, 3)))]
    text = ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences) + rng.choice((".", "!", ""))
    return text.lower() if rng.random() < 0.15 else text


def _sentence(rng: random.Random, positive: bool) -> str:
    praise, kind = "good" if positive else "bad", rng.random()
    part, part2 = rng.sample(_TABLE["parts"], 2)
    if kind < 0.35:
        return rng.choice(_TABLE[f"{praise}_lines"])
    if kind < 0.5:
        form = rng.choice(_TABLE[f"{praise}_turns"])
        return form.format(part=part, good=rng.choice(_TABLE["good"]), bad=rng.choice(_TABLE["bad"]))
    word, word2 = rng.sample(_TABLE[praise], 2)
    return rng.choice(_TABLE["plain"]).format(part=part, part2=part2, word=word, word2=word2)
