"""What measuring costs: batched answers against one by one, and the whole path against a bare batched `generate`.

    python -m tests.benchmarks.evaluation [--model FOLDER] [--full]

500 classification examples, greedy, each answer at most 8 tokens, and all end where the model ends them. The
whole path is what an evaluation does: find what is missing, compose, answer, commit each answer with its trace, score
and keep the scores. Bare is `model.generate` on the same prompts, tokenized beforehand, 32 at once, padded on the
left, in the order in which they come. Both sides of a ratio are measured in turn in one process, several times; the
figure is the median of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

# Before torch is imported for the first time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from backend.answering import Answering, Question
from backend.assistants import Assistant, Decoding, Instructions
from backend.evaluation.answers import answer_examples
from backend.evaluation.scored import scores_of
from backend.examples.example import Example
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.benchmarks.generation import OneEngine
from tests.benchmarks.report import Figure, median_of, report

TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
SYSTEM = "영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오."
AT_ONCE = 32
PARTS = (
    ("이 영화는", "배우들의 연기가", "음악이", "이야기가", "화면이", "결말이", "두 시간 내내", "아이들과 함께 봤는데"),
    ("정말", "생각보다", "조금", "너무", "처음부터 끝까지", "오랜만에", "솔직히", "별 기대 없이 봤지만"),
    ("재미있었습니다.", "지루했습니다.", "훌륭합니다.", "엉성합니다.", "마음에 남습니다.", "아쉽습니다.", "좋았어요."),
)  # fmt: skip


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and seconds of this process's processors, which neighbours hardly change."""

    wall: float
    cpu: float


class Watch:
    """Started when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Spent:
        return Spent(time.perf_counter() - self._wall, time.process_time() - self._cpu)


class Bench:
    """One loaded model, a project with nothing in it yet, and the reviews."""

    def __init__(self, folder: Path, home: Path, count: int) -> None:
        from backend.models.loading import load
        from backend.models.transformers_engine import TransformersEngine

        self.folder = folder
        self.loaded = load(folder)
        self.loaded.tokenizer.padding_side = "left"
        self.engine = TransformersEngine(self.loaded)
        self.answering = Answering(OneEngine(self.engine))
        self.reviews = reviews(count)
        self.projects = Projects(home / "projects")

    def project(self) -> Project:
        return self.projects.open("bench", self.projects.create("bench", "bench").id)

    def prompts(self) -> list[Any]:
        asked = [Question(one.variables) for one in self.reviews]
        texts = [self.engine.render(self.answering.compose(ASSISTANT, question)) for question in asked]
        return [
            self.loaded.tokenizer(texts[at : at + AT_ONCE], add_special_tokens=False, padding=True, return_tensors="pt")
            for at in range(0, len(texts), AT_ONCE)
        ]

    def bare(self) -> Spent:
        """Seconds of `generate` for all, and nothing else."""
        import torch

        batches = [batch.to(self.engine.device) for batch in self.prompts()]
        watch = Watch()
        with torch.inference_mode():
            for batch in batches:
                made = self.loaded.model.generate(
                    input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                    max_new_tokens=ASSISTANT.decoding.max_new_tokens, do_sample=False,
                )  # fmt: skip
                made.tolist()
        return watch.read()

    def one_by_one(self) -> Spent:
        """Seconds of `generate`, a prompt at a time."""
        import torch

        rows = [
            batch["input_ids"][row : row + 1, -int(batch["attention_mask"][row].sum()) :]
            for batch in self.prompts()
            for row in range(len(batch["input_ids"]))
        ]
        watch = Watch()
        with torch.inference_mode():
            for ids in rows:
                ids = ids.to(self.engine.device)
                made = self.loaded.model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids),
                    max_new_tokens=ASSISTANT.decoding.max_new_tokens, do_sample=False,
                )  # fmt: skip
                made.tolist()
        return watch.read()

    def path(self) -> Spent:
        """Seconds of the whole evaluation in a project of its own."""
        project = self.project()
        watch = Watch()
        did = answer_examples(project, self.answering, ASSISTANT, self.reviews, lambda ref: self.folder)
        kept = project.answers.get(did.fingerprint)
        answers = [kept[one.input_key] for one in self.reviews]
        scores_of(project.database, TASK, did.fingerprint, self.reviews, answers)
        spent = watch.read()
        assert did.asked == len(self.reviews) and not did.failed
        return spent

    def close(self) -> None:
        self.engine.close()
        self.projects.close()


ASSISTANT = Assistant(
    instructions=Instructions(system=SYSTEM, template="평: {input}\n감성:"), decoding=Decoding(max_new_tokens=8)
)


def reviews(count: int, seed: int = 7) -> list[Example]:
    """Unlike texts of unlike length: one to four sentences."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        text = " ".join(" ".join(draw.choice(part) for part in PARTS) for _ in range(draw.choice((1, 1, 2, 2, 3, 4))))
        found.append(
            Example(
                id=number + 1, variables={"input": f"{text} {number}"}, output=draw.choice(TASK.labels), split="test"
            )
        )
    return found


Way = Callable[[], Spent]


def in_turn(first: Way, second: Way, pairs: int) -> list[tuple[Spent, Spent]]:
    """What both took, measured in turn; which one goes first changes."""
    told = []
    for number in range(pairs):
        if number % 2:
            other = second()
            told.append((first(), other))
        else:
            told.append((first(), second()))
    return told


def overhead(bench: Bench, pairs: int) -> Figure:
    told = in_turn(bench.path, bench.bare, pairs)
    return median_of(
        "overhead_ratio", [path.wall / bare.wall for path, bare in told], "x", "<= 1.10",
        cpu_ratio=round(median(path.cpu / bare.cpu for path, bare in told), 3),
        path_s=[round(path.wall, 2) for path, _ in told], generate_s=[round(bare.wall, 2) for _, bare in told],
        examples=len(bench.reviews), batch=AT_ONCE,
    )  # fmt: skip


def batched(bench: Bench, pairs: int) -> Figure:
    told = in_turn(bench.path, bench.one_by_one, pairs)
    return median_of(
        "batched_ratio", [single.wall / path.wall for path, single in told], "x", ">= 5",
        cpu_ratio=round(median(single.cpu / path.cpu for path, single in told), 3),
        path_s=[round(path.wall, 2) for path, _ in told], one_by_one_s=[round(one.wall, 2) for _, one in told],
        examples=len(bench.reviews),
    )  # fmt: skip


def measure(folder: Path, count: int, pairs: int) -> Iterator[Figure]:
    import torch

    with tempfile.TemporaryDirectory() as home:
        bench = Bench(folder, Path(home), count)
        try:
            bench.path()
            bench.bare()
            for figure in (overhead(bench, pairs), batched(bench, max(3, pairs // 2))):
                threads: dict[str, object] = {"threads": torch.get_num_threads(), "crew": threading.active_count()}
                yield Figure(figure.figure, figure.value, figure.unit, figure.aim, {**figure.detail, **threads})
        finally:
            bench.close()


def main(given: Sequence[str] | None = None) -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=Settings().starter, help="model folder (default: the starter)")
    arguments.add_argument("--examples", type=int, default=500)
    arguments.add_argument("--full", action="store_true", help="more pairs")
    chosen = arguments.parse_args(given)
    report(measure(chosen.model, chosen.examples, 15 if chosen.full else 5))


if __name__ == "__main__":
    main()
