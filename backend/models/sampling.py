"""How the next token is picked, row by row, with transformers' own logits processors.

What a seed guarantees: every answer draws from a generator of its own, so what others ask at the same time
never changes its draws. The probabilities it draws from are the same up to rounding: a matrix product of
eight rows may round differently from one of a single row. Alone, the same seed gives the same answer on the
same machine always; beside others it does unless two candidates are as near as rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import transformers  # noqa: F401  (waits where another thread imports it for the first time)
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from backend.assistants import Decoding


class Sampler:
    """The picking of one answer. `greedy` rows need no sampler at all."""

    def __init__(self, decoding: Decoding, device: torch.device) -> None:
        self.draws = decoding.temperature > 0
        self.penalised = decoding.repetition_penalty != 1.0
        self.generator = torch.Generator(device)
        if decoding.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(decoding.seed)
        self.processors = _processors(decoding)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is the answer, whatever came before."""
        return not self.draws and not self.penalised

    def pick(self, ids: Sequence[int], logits: Tensor) -> int:
        """The next token after `ids` (prompt and answer so far); logits (vocabulary,)."""
        before = torch.tensor([ids], device=logits.device) if self.penalised else None
        scores = self.processors(before, logits[None].float())  # type: ignore[arg-type]  # only the penalty reads it
        if not self.draws:
            return int(scores.argmax())
        return int(torch.multinomial(scores.softmax(dim=-1), 1, generator=self.generator))


def _processors(decoding: Decoding) -> LogitsProcessorList:
    """Only those that change something, in the order of `generate`."""
    chain = LogitsProcessorList()
    if decoding.repetition_penalty != 1.0:
        chain.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
    if decoding.temperature == 0:
        return chain
    if decoding.temperature != 1.0:
        chain.append(TemperatureLogitsWarper(float(decoding.temperature)))
    if decoding.top_k:
        chain.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1.0:
        chain.append(TopPLogitsWarper(decoding.top_p))
    if decoding.min_p > 0:
        chain.append(MinPLogitsWarper(decoding.min_p))
    return chain


def pick_all(samplers: Sequence[Sampler], ids: Sequence[Sequence[int]], logits: Tensor) -> list[int]:
    """The next token of every row; logits (rows, vocabulary)."""
    picked: list[int] = logits.argmax(dim=-1).tolist()
    for row, sampler in enumerate(samplers):
        if not sampler.greedy:
            picked[row] = sampler.pick(ids[row], logits[row])
    return picked


def likeliest(logits: Tensor, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    """The probability of `token`, and the `count` best (token, probability); from raw logits (vocabulary,)."""
    probabilities = logits.float().softmax(dim=-1)
    best = probabilities.topk(min(count, probabilities.shape[0]))
    pairs = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
    return float(probabilities[token]), pairs
