"""How fast answers come: streaming against bare `generate`, batched against one by one, eight people against one.

    python -m tests.benchmarks.generation [--model FOLDER] [--full]

Both sides of a ratio are measured in turn in one process, several times; the figure is the median of the pairs'
ratios, so that a neighbour's work on the same cores weighs on both sides. End tokens are switched off on both
sides, so that both write the same number of tokens.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before torch is imported for the first time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from backend.answering import Answering, Question
from backend.assistants import Assistant, Decoding, ModelRef
from backend.errors import StudioError
from backend.models.engine import Engine
from backend.settings import Settings
from tests.benchmarks.report import Figure, median_of, report

ASKED = "이 영화는 배우들의 연기가 훌륭하고 이야기도 좋았습니다. 긍정입니까, 부정입니까?"


@dataclass(frozen=True)
class Size:
    """How much is measured: pairs per figure, tokens per answer."""

    pairs: int = 5
    stream_tokens: int = 192
    batch_tokens: int = 48
    user_tokens: int = 96


class OneEngine:
    """A host that has one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def engine(self, ref: ModelRef) -> Iterator[Engine]:
        yield self._engine


class Bench:
    """One loaded model, asked in the ways that are compared."""

    def __init__(self, folder: Path) -> None:
        from backend.models.loading import load
        from backend.models.transformers_engine import TransformersEngine

        self.loaded = load(folder)
        self.loaded.model.generation_config.eos_token_id = None
        self.loaded.tokenizer.eos_token = None
        self.engine = TransformersEngine(self.loaded)
        self.answering = Answering(OneEngine(self.engine))

    def bare(self, count: int) -> float:
        """Tokens per second of `model.generate`, greedy."""
        import torch

        text = self.engine.render(self.answering.compose(assistant(count), question(0)))
        ids: Any = self.loaded.tokenizer(text, add_special_tokens=False, return_tensors="pt").to(self.engine.device)
        started = time.perf_counter()
        with torch.inference_mode():
            made = self.loaded.model.generate(**ids, max_new_tokens=count, do_sample=False)
        spent = time.perf_counter() - started
        return float(made.shape[1] - ids["input_ids"].shape[1]) / spent

    def streamed(self, count: int, number: int = 0) -> float:
        """Tokens per second of one answer as a person gets it."""
        started, tokens = time.perf_counter(), 0
        for answer in self.answering.answer(assistant(count), question(number)):
            tokens = answer.trace.answer_tokens or 0
        return tokens / (time.perf_counter() - started)

    def one_by_one(self, rows: int, count: int) -> float:
        started = time.perf_counter()
        for number in range(rows):
            self.streamed(count, number)
        return rows * count / (time.perf_counter() - started)

    def batched(self, rows: int, count: int) -> float:
        started = time.perf_counter()
        asked = [question(number) for number in range(rows)]
        tokens = sum(
            answer.trace.answer_tokens or 0 for _, answer in self.answering.answer_many(assistant(count), asked)
        )
        return tokens / (time.perf_counter() - started)

    def together(self, people: int, count: int) -> Crowd:
        """Several people at once, each reading a stream of their own."""
        crowd, began = Crowd(), time.perf_counter()

        def read(number: int) -> None:
            first = 0.0
            for answer in self.answering.answer(assistant(count), question(number)):
                first = first or time.perf_counter() - began
                if answer.trace.finish:
                    crowd.took(first, time.perf_counter() - began, answer.trace.answer_tokens or 0)

        threads = [threading.Thread(target=read, args=(number,)) for number in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return crowd


class Crowd:
    """What people who ask at once got: seconds to the first token and to the end of each, and tokens of all."""

    def __init__(self) -> None:
        self.firsts: list[float] = []
        self.ends: list[float] = []
        self.tokens = 0
        self._lock = threading.Lock()

    def took(self, first: float, end: float, tokens: int) -> None:
        with self._lock:
            self.firsts.append(first)
            self.ends.append(end)
            self.tokens += tokens

    @property
    def rate(self) -> float:
        return self.tokens / max(self.ends)

    @property
    def nobody_waited(self) -> bool:
        """Whether all were reading before the first had finished."""
        return max(self.firsts) < min(self.ends)


def assistant(count: int) -> Assistant:
    return Assistant(decoding=Decoding(max_new_tokens=count))


def question(number: int) -> Question:
    """Questions of unlike length, as people ask them."""
    return Question({"input": f"{number}. " + ASKED * (1 + number % 3)})


def stream_ratio(bench: Bench, size: Size) -> Figure:
    pairs = [(bench.streamed(size.stream_tokens), bench.bare(size.stream_tokens)) for _ in range(size.pairs)]
    return median_of(
        "stream_ratio", [ours / bare for ours, bare in pairs], "x", ">= 0.95",
        answer_tokens_s=round(max(ours for ours, _ in pairs)), generate_tokens_s=round(max(bare for _, bare in pairs)),
        tokens=size.stream_tokens,
    )  # fmt: skip


def batch_ratio(bench: Bench, size: Size, rows: int = 32) -> Figure:
    pairs = [
        (bench.batched(rows, size.batch_tokens), bench.one_by_one(rows, size.batch_tokens)) for _ in range(size.pairs)
    ]
    return median_of(
        "batch_ratio", [many / one for many, one in pairs], "x", ">= 4",
        batched_tokens_s=round(max(many for many, _ in pairs)), single_tokens_s=round(max(one for _, one in pairs)),
        rows=rows, tokens=size.batch_tokens,
    )  # fmt: skip


def users_ratio(bench: Bench, size: Size, people: int = 8) -> Figure:
    ratios, crowds = [], []
    for _ in range(size.pairs):
        crowd = bench.together(people, size.user_tokens)
        ratios.append(crowd.rate / bench.together(1, size.user_tokens).rate)
        crowds.append(crowd)
    return median_of(
        "users_ratio", ratios, "x", ">= 3",
        users=people, total_tokens_s=round(max(crowd.rate for crowd in crowds)),
        nobody_waited_for_anothers_whole_answer=all(crowd.nobody_waited for crowd in crowds),
        longest_wait_for_first_token_s=round(max(max(crowd.firsts) for crowd in crowds), 3),
    )  # fmt: skip


def measure(folder: Path, size: Size) -> Iterator[Figure]:
    ways = ((stream_ratio, ">= 0.95"), (batch_ratio, ">= 4"), (users_ratio, ">= 3"))
    try:
        bench = Bench(folder)
    except StudioError as fault:
        for way, aim in ways:
            yield Figure(way.__name__, None, "x", aim, {"why": str(fault)})
        return
    try:
        bench.streamed(16)
        bench.bare(16)
        for way, _ in ways:
            yield way(bench, size)
    finally:
        bench.engine.close()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=Settings().starter, help="model folder (default: the starter)")
    arguments.add_argument("--full", action="store_true", help="more pairs and longer answers")
    chosen = arguments.parse_args()
    report(measure(chosen.model, Size(15, 384, 96, 192) if chosen.full else Size()))


if __name__ == "__main__":
    main()
