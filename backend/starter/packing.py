"""Turns episodes into token ids and lays them side by side into rows of one length.

Positions start again at 0 with every episode; by that transformers also keeps packed episodes from seeing each other.
"""

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.starter.episodes import Episode, Mixture
from backend.starter.tokenizer import BOS, END, PAD, START

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IGNORED = -100
_MISSES = 8  # episodes that fit nowhere before the rows count as full


@dataclass
class Row:
    """Token ids, their targets (`IGNORED` where nothing is learned), loss weights and positions: all of one length."""

    ids: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    def add(self, ids: list[int], targets: list[int], weight: float) -> None:
        self.ids += ids
        self.targets += targets
        self.weights += [weight] * len(ids)
        self.positions += range(len(ids))


def encode(episode: Episode, tokenizer: "PreTrainedTokenizerFast") -> tuple[list[int], list[int]]:
    """Token ids and targets as the chat template gives them: the assistant's words and closing mark are learned."""
    if episode.messages[0][0] == "text":
        ids = _ids(BOS + episode.messages[0][1] + END, tokenizer)
        return ids, [IGNORED, *ids[1:]]
    ids, targets = [], []
    for role, content in episode.messages:
        head = _ids(f"{START}{role}\n", tokenizer)
        body = _ids(content + END, tokenizer)
        tail = _ids("\n", tokenizer)
        ids += head + body + tail
        learned = body if role == "assistant" else [IGNORED] * len(body)
        targets += [IGNORED] * len(head) + learned + [IGNORED] * len(tail)
    return ids, targets


def _ids(text: str, tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    ids: list[int] = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def fill_rows(
    mixture: Mixture, tokenizer: "PreTrainedTokenizerFast", rows: int, length: int, rng: random.Random, progress: float
) -> list[Row]:
    """`rows` rows of `length` tokens, first fit, padded at their ends. An episode longer than a row is left out."""
    pad = _ids(PAD, tokenizer)[0]
    filled = [Row() for _ in range(rows)]
    misses = 0
    while misses < _MISSES:
        episode = mixture.draw(rng, progress)
        ids, targets = encode(episode, tokenizer)
        row = next((row for row in filled if len(row.ids) + len(ids) <= length), None)
        if row is None:
            misses += 1
        else:
            row.add(ids, targets, episode.weight)
    for row in filled:
        spare = length - len(row.ids)
        row.add([pad] * spare, [IGNORED] * spare, 0.0)
    return filled
