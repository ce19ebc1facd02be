"""Starting an evaluation: which assistants answer which examples, and about how long it will take."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from backend.errors import BadInput, Refused
from backend.evaluation.answers import missing
from backend.evaluation.cost import seconds_per_answer
from backend.evaluation.counterfactuals import Swap, swapped
from backend.evaluation.identity import Where, known_fingerprint
from backend.examples.example import Example, Split
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.prompts.templates import variables

LIMIT: Final = 1_000
"""Examples of an evaluation when nobody says otherwise: 100,000 shall not start by accident."""
MOST_ASSISTANTS: Final = 40


class EvaluationConfig(BaseModel):
    """What is in an evaluation's config.

    limit  None is the whole split; `seed` draws the examples
    swaps  pairs of terms: asked are the drawn examples that have one of them, as they are and with them swapped
    perplexity  whether that of the drawn examples' expected outputs is measured too, by models of this machine
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    assistants: tuple[int, ...] = Field(min_length=1, max_length=MOST_ASSISTANTS)
    split: Split = "test"
    limit: int | None = Field(LIMIT, ge=1)
    seed: int = 0
    ask_faults_again: bool = False
    swaps: tuple[Swap, ...] = ()
    perplexity: bool = False


@dataclass(frozen=True)
class Share:
    """One assistant's part: inputs to be asked, and about how long that takes; None when nothing was measured yet."""

    assistant_id: int
    name: str
    missing: int
    seconds: float | None


@dataclass(frozen=True)
class EvaluationPlan:
    """What an evaluation would do, told before it starts. `examples` are compared, of `there` in the split."""

    examples: int
    there: int
    shares: tuple[Share, ...]

    @property
    def answers(self) -> int:
        return sum(share.missing for share in self.shares)

    @property
    def seconds(self) -> float | None:
        """None as long as a single assistant's pace is unknown."""
        times = [share.seconds for share in self.shares if share.missing]
        return None if None in times else sum(time for time in times if time is not None)


def drawn(project: Project, split: Split, limit: int | None = LIMIT, seed: int = 0) -> list[Example]:
    """The examples that are compared: all of the split, or `limit` of them, in the order in which they came.

    Drawn by a hash of seed and input, so that 100 are among 200, an input that stands twice is drawn with its twin,
    and an example that is added moves no other by more than one place.
    """
    every = project.examples.each(split, "evaluate")
    if limit is None:
        return list(every)
    few = heapq.nsmallest(limit, ((_lot(example.input_key, seed), example.id, example) for example in every))
    return sorted((example for _, _, example in few), key=lambda example: example.id)


def asked(
    project: Project, split: Split, limit: int | None = LIMIT, seed: int = 0, swaps: Sequence[Swap] = ()
) -> list[Example]:
    """What an evaluation asks: the drawn examples; with `swaps` those of them that have a term, and their twins."""
    examples = drawn(project, split, limit, seed)
    return [one for pair in swapped(examples, swaps) for one in pair] if swaps else examples


def plan_evaluation(
    project: Project,
    assistant_ids: Sequence[int],
    split: Split = "test",
    limit: int | None = LIMIT,
    where: Where | None = None,
    seed: int = 0,
    swaps: Sequence[Swap] = (),
) -> EvaluationPlan:
    """What `start_evaluation` with these words would ask. Raises as `start_evaluation`."""
    check(project, assistant_ids)
    examples = asked(project, split, limit, seed, swaps)
    shares = []
    for number in dict.fromkeys(assistant_ids):
        saved = project.assistants.get(number)
        known = known_fingerprint(project, saved.assistant, where)
        left = len(missing(project, saved.assistant, known or "", examples)[0])
        pace = seconds_per_answer(project, saved.assistant, known)
        shares.append(Share(saved.id, f"{saved.name} {saved.number}", left, None if pace is None else left * pace))
    there = getattr(project.examples.counts(), split)
    return EvaluationPlan(len(examples), there, tuple(shares))


def start_evaluation(
    runs: Runs,
    project: Project,
    assistant_ids: Sequence[int],
    split: Split = "test",
    limit: int | None = LIMIT,
    seed: int = 0,
    title: str = "",
    ask_faults_again: bool = False,
    swaps: Sequence[Swap] = (),
    perplexity: bool = False,
) -> Run:
    """Let these saved assistants answer the examples of a split, as a run. What is answered already is not asked.

    limit             examples, drawn by `seed`; None is all of the split
    ask_faults_again  examples that failed before get another chance
    swaps             pairs of terms for `bias.compare_swapped`
    perplexity        of the expected outputs is measured too, see backend.evaluation.perplexity
    Raises BadInput("error.evaluation_nobody" | "error.evaluation_many" | "error.evaluation_variables" |
    "error.evaluation_limit" | "error.evaluation_empty" | "error.evaluation_no_terms"),
    Refused("error.evaluation_task" | "error.no_splits"), NotFound, StorageProblem.
    """
    check(project, assistant_ids)
    if limit is not None and limit < 1:
        raise BadInput("error.evaluation_limit")
    if not getattr(project.examples.counts(), split):
        raise BadInput("error.evaluation_empty", split=split)
    config = EvaluationConfig(
        assistants=tuple(dict.fromkeys(assistant_ids)),
        split=split,
        limit=limit,
        seed=seed,
        ask_faults_again=ask_faults_again,
        swaps=tuple(swaps),
        perplexity=perplexity,
    )
    if swaps and not asked(project, split, limit, seed, swaps):
        raise BadInput("error.evaluation_no_terms")
    names = [project.assistants.get(number).name for number in config.assistants]
    return runs.submit("evaluation", config.model_dump(mode="json"), title or _title(names))


def check(project: Project, assistant_ids: Sequence[int]) -> None:
    """Whether these can be evaluated at all. Raises as `start_evaluation`."""
    task = project.examples.task()
    if task is None:
        raise Refused("error.evaluation_task")
    if not assistant_ids:
        raise BadInput("error.evaluation_nobody")
    if len(set(assistant_ids)) > MOST_ASSISTANTS:
        raise BadInput("error.evaluation_many", most=MOST_ASSISTANTS)
    for number in assistant_ids:
        saved = project.assistants.get(number)
        unknown = [name for name in variables(saved.assistant.instructions.template) if name not in task.inputs]
        if unknown:
            told = {"unknown": _braced(unknown), "known": _braced(task.inputs)}
            raise BadInput("error.evaluation_variables", name=saved.name, **told)


def _title(names: Sequence[str]) -> str:
    told = ", ".join(dict.fromkeys(names))
    return told if len(told) <= 80 else told[:79] + "…"


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _lot(key: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
