"""What one piece of training looks like, and how pieces of every kind are mixed.

An episode is a short conversation in the order of the chat template, or a plain text. Whoever makes episodes gets a
`random.Random` and nothing else that varies, so the same seed makes the same training data.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Message = tuple[str, str]
Maker = Callable[[random.Random], "Episode"]


@dataclass(frozen=True)
class Episode:
    """`messages` are (role, content); the single role "text" means plain text, learned from its first token.

    `weight` multiplies the loss of the episode's tokens: a one-word label would drown beside long answers.
    """

    messages: tuple[Message, ...]
    weight: float = 1.0


def chat(*turns: str, system: str = "", weight: float = 1.0) -> Episode:
    """A conversation from alternating user and assistant turns."""
    roles = ("user", "assistant")
    messages = [(roles[i % 2], turn) for i, turn in enumerate(turns)]
    return Episode((("system", system), *messages) if system else tuple(messages), weight)


def plain(text: str) -> Episode:
    return Episode((("text", text),))


@dataclass(frozen=True)
class Share:
    """A kind of episode and how much of the training it gets at the beginning and at the end."""

    make: Maker
    start: float
    end: float


class Mixture:
    """Draws episodes of all kinds; the shares move in a straight line as training goes from 0 to 1."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self._shares = tuple(shares)

    def draw(self, rng: random.Random, progress: float) -> Episode:
        weights = [share.start + (share.end - share.start) * progress for share in self._shares]
        return rng.choices(self._shares, weights)[0].make(rng)
