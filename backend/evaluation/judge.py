"""A model as judge of open answers: what it is asked, what it says, and how far it can be trusted.

Every pair is asked in both orders, and only an answer that is preferred in both wins (Zheng et al. 2023): a judge that
follows the place rather than the answer yields ties and a large share of position bias, not a winner. What could not
be read counts for nobody. Before any of it is believed, its agreement with people is measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.answering import Question
from backend.assistants import Assistant, ModelRef
from backend.errors import BadInput, Refused
from backend.evaluation.answer_store import StoredAnswer
from backend.evaluation.comparison import Comparison, compare, judged
from backend.evaluation.identity import content_key
from backend.evaluation.judge_prompts import Language, Mode, judge_of, reference, rule_of
from backend.evaluation.opinions import Asked, Judgement, points
from backend.evaluation.slices import language
from backend.examples.example import Example, Split
from backend.examples.task import Task
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project

PAIRS: Final = 50
"""Examples that are judged when nobody says otherwise."""
MOST: Final = 10_000


class JudgingConfig(BaseModel):
    """What is in a judging run's config."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    judge: ModelRef
    mode: Mode = "pairwise"
    assistants: tuple[int, ...] = Field(min_length=1, max_length=12)
    split: Split = "test"
    n: int = Field(PAIRS, ge=1, le=MOST)
    seed: int = 0


@dataclass(frozen=True)
class Case:
    """One thing for the judge: an example with one answer, or two in this order."""

    example: Example
    first: StoredAnswer
    second: StoredAnswer | None = None

    @property
    def asked(self) -> Asked:
        return self.first.id, None if self.second is None else self.second.id

    def equal(self) -> bool:
        return self.second is not None and self.first.text.strip() == self.second.text.strip()


@dataclass(frozen=True)
class Bench:
    """The judge as it is asked here: `assistant`, and the names under which its judgements are kept."""

    assistant: Assistant
    task: Task
    mode: Mode
    language: Language
    judge: str
    rule: str

    def question(self, case: Case) -> Question:
        told = {
            "task": self.task.good.strip() or "-",
            "input": case.example.text(),
            "expected": reference(case.example.output.strip(), self.language),
            "first": case.first.text,
            "second": case.second.text if case.second else "",
        }
        return Question(told)


def start_judging(
    runs: Runs,
    project: Project,
    judge: ModelRef,
    mode: Mode,
    assistant_ids: Sequence[int],
    split: Split = "test",
    n: int = PAIRS,
    seed: int = 0,
    title: str = "",
) -> Run:
    """Let a model judge what assistants have answered, as a run. What was judged before is not asked again.

    n  examples, drawn by `seed` from those that all of them have answered
    Raises BadInput("error.judging_two" | "error.judging_count"), Refused("error.judging_nothing" |
    "error.evaluation_task"), NotFound, StorageProblem.
    """
    ids = tuple(dict.fromkeys(assistant_ids))
    if len(ids) < (2 if mode == "pairwise" else 1):
        raise BadInput("error.judging_two")
    if not 1 <= n <= MOST:
        raise BadInput("error.judging_count", most=MOST)
    comparison = compare(project, ids, split)
    if len(comparison.scores) < len(ids) or not comparison.n:
        raise Refused("error.judging_nothing")
    config = JudgingConfig(judge=judge, mode=mode, assistants=ids, split=split, n=n, seed=seed)
    return runs.submit("judging", config.model_dump(mode="json"), title or judge.label())


def bench_of(project: Project, judge: ModelRef, mode: Mode) -> Bench:
    """The judge for this project's task. Raises Refused("error.evaluation_task")."""
    task = project.examples.task()
    if task is None:
        raise Refused("error.evaluation_task")
    sample = project.examples.page(limit=20)
    korean = sum(language(one.text() + one.output) != "en" for one in sample)
    spoken: Language = "ko" if 2 * korean >= len(sample) else "en"
    assistant = judge_of(judge, mode, spoken)
    return Bench(assistant, task, mode, spoken, content_key(assistant), rule_of(task, mode))


def cases(comparison: Comparison, mode: Mode, n: int, seed: int = 0) -> list[Case]:
    """What the judge is asked of a comparison: `n` of its examples, every pair of assistants in both orders.

    Examples that somebody could not answer are left out: a failure needs no judge.
    """
    lots = sorted(range(comparison.n), key=lambda place: _lot(comparison.examples[place], seed))
    rows = range(len(comparison.scores))
    found: list[Case] = []
    drawn = 0
    for place in lots:
        answers = [comparison.answers[row][place] for row in rows]
        if any(answer.error_key is not None for answer in answers):
            continue
        example = comparison.examples[place]
        if mode == "rubric":
            found += [Case(example, answer) for answer in answers]
        else:
            found += [Case(example, one, two) for one, two in permutations(answers, 2)]
        drawn += 1
        if drawn >= n:
            break
    return found


def _lot(example: Example, seed: int) -> bytes:
    return hashlib.sha256(f"judge {seed}:{example.input_key}:{example.id}".encode()).digest()


# --- what it said -----------------------------------------------------------------------------------------------------

Winner = Literal["a", "b", "tie", "unreadable"]


@dataclass(frozen=True)
class Judged:
    """One pair of answers, A's and B's, with both judgements; `equal` when they are the same words.

    winner    the one preferred in both orders, else "tie"; "unreadable" when either judgement is
    position  the judge named the same place in both orders: it followed the place
    """

    a_id: int
    b_id: int
    winner: Winner
    position: bool = False
    equal: bool = False


def pair_up(found: dict[Asked, Judgement], a: Sequence[StoredAnswer], b: Sequence[StoredAnswer]) -> list[Judged]:
    """The pairs that were judged in both orders, of answers aligned by example."""
    pairs = []
    for one, two in zip(a, b, strict=True):
        there, back = found.get((one.id, two.id)), found.get((two.id, one.id))
        if there is not None and back is not None:
            pairs.append(_judged(one.id, two.id, there.verdict, back.verdict))
    return pairs


def _judged(a: int, b: int, there: str, back: str) -> Judged:
    if "unreadable" in (there, back):
        return Judged(a, b, "unreadable")
    if there == "equal":
        return Judged(a, b, "tie", equal=True)
    if (there, back) == ("first", "second"):
        return Judged(a, b, "a")
    if (there, back) == ("second", "first"):
        return Judged(a, b, "b")
    return Judged(a, b, "tie", position=there == back != "tie")


def with_rubric(project: Project, comparison: Comparison, bench: Bench) -> Comparison:
    """The comparison with each score's value "judge": (points - 1) / 4, on the examples graded for all."""
    values = points(project, bench.judge, bench.rule)
    places = [
        place
        for place in range(comparison.n)
        if comparison.answers and all(answers[place].id in values for answers in comparison.answers)
    ]
    return replace(
        comparison,
        examples=tuple(comparison.examples[place] for place in places),
        answers=tuple(tuple(answers[place] for place in places) for answers in comparison.answers),
        scores=tuple(
            tuple(judged(scores[place], values[answers[place].id]) for place in places)
            for scores, answers in zip(comparison.scores, comparison.answers, strict=True)
        ),
    )
