"""Episodes of small talk: greetings, thanks, who-are-you, in Korean and English.

The Korean pairs of the open data set carry most of it. The pairs written here make sure of the sentences that
everybody tries first, and say plainly what the model is and what it does not know.
"""

import random
import re
from collections.abc import Sequence

from backend.starter import words
from backend.starter.episodes import Episode, Maker, chat

Pairs = Sequence[tuple[Sequence[str], Sequence[str]]]

_TABLE = words.load("talk")
# Each entry: what people say, and the answers that may be given.
KOREAN: Pairs = _TABLE["korean"]
ENGLISH: Pairs = _TABLE["english"]
_SYSTEM_KO: Sequence[str] = _TABLE["system_korean"]
_SYSTEM_EN: Sequence[str] = _TABLE["system_english"]
_FIRST = 8  # entries that everybody tries first stand first in the tables and come more often
# The data set speaks as a comfort robot with a name of its own; our model says what it is itself.
_OTHER_SELF = re.compile(r"위로봇|로봇|챗봇|꿈 꿔")


def talk_makers(pairs: Sequence[tuple[str, str]]) -> tuple[Maker, Maker, Maker]:
    """Makers for the open data set's small talk, for our own Korean talk and for our own English talk."""
    known = [(q, a) for q, a in pairs if not _OTHER_SELF.search(a)]

    def from_data(rng: random.Random) -> Episode:
        if not known:
            return korean(rng)
        turns = [part for _ in range(rng.choice((1, 1, 1, 2, 3))) for part in _varied(rng, rng.choice(known))]
        return chat(*turns, system=_maybe(rng, _SYSTEM_KO))

    def korean(rng: random.Random) -> Episode:
        turns: tuple[str, ...] = _own(rng, KOREAN)
        if rng.random() < 0.5:
            from_known = known and rng.random() < 0.5
            turns += _varied(rng, rng.choice(known)) if from_known else _own(rng, KOREAN)
        return chat(*turns, system=_maybe(rng, _SYSTEM_KO))

    def english(rng: random.Random) -> Episode:
        turns = [part for _ in range(rng.choice((1, 1, 2))) for part in _own(rng, ENGLISH)]
        return chat(*turns, system=_maybe(rng, _SYSTEM_EN))

    return from_data, korean, english


def _own(rng: random.Random, table: Pairs) -> tuple[str, str]:
    said, answers = rng.choice(table[:_FIRST] if rng.random() < 0.35 else table)
    return rng.choice(said), rng.choice(answers)


def _varied(rng: random.Random, pair: tuple[str, str]) -> tuple[str, str]:
    """The same question with or without its closing mark, so that a missing full stop changes nothing."""
    question, answer = pair
    if rng.random() < 0.3:
        question = question.rstrip(".!?") or question
    elif rng.random() < 0.2 and question[-1] not in ".!?~":
        question += rng.choice(".?!")
    return question, answer


def _maybe(rng: random.Random, lines: Sequence[str]) -> str:
    return rng.choice(lines) if rng.random() < 0.3 else ""
