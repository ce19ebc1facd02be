"""Bias slices: is an assistant worse for one group of people than for another, and do swapped words change its answers?

Gaps compare groups of different examples, so they are not paired and need many examples. Swapped terms are a
counterfactual test (Kusner et al. 2017; CheckList's invariance tests, Ribeiro et al. 2020): the same example with
"그는" for "그녀는" should be answered alike; being paired, it needs far fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.assistants import Assistant
from backend.errors import Refused
from backend.evaluation.answers import kept_answers
from backend.evaluation.comparison import Comparison, names
from backend.evaluation.counterfactuals import Swap, swapped
from backend.evaluation.identity import Where, known_fingerprint
from backend.evaluation.metrics import aggregate
from backend.evaluation.run import drawn
from backend.evaluation.scored import scores_of
from backend.evaluation.slices import grouped
from backend.evaluation.statistics import gap, holm, paired, wilson
from backend.evaluation.values import Difference, ExampleScore, Interval, Score, Verdict
from backend.evaluation.verdicts import verdict
from backend.examples.example import Example, Split
from backend.examples.task import Metric, Task
from backend.projects.folder import Project

FEWEST: Final = 5
"""Examples below which a group says nothing about itself."""
MOST_GROUPS: Final = 12


@dataclass(frozen=True)
class Gap:
    """One group against another of one assistant: `verdict.difference` is `group` minus `other`.

    other  "" stands for all the other groups together
    """

    group: str
    other: str
    scores: tuple[Score, Score]
    verdict: Verdict


@dataclass(frozen=True)
class Gaps:
    """All gaps of a column, per compared row. `too_small` are groups with fewer than FEWEST examples, left out."""

    rows: tuple[tuple[Gap, ...], ...]
    too_small: tuple[str, ...]


def group_gaps(comparison: Comparison, by: str) -> Gaps:
    """Gaps between the groups of a column (or of any cut that `slices` knows), corrected together per assistant.

    Two groups are compared with each other; of more, each with all the others together.
    """
    groups = {name: places for name, places in grouped(comparison.examples, by).items() if name}
    small = tuple(sorted(name for name, places in groups.items() if len(places) < FEWEST))
    large = sorted((name for name in groups if name not in small), key=lambda name: (-len(groups[name]), name))
    pairs = _pairs(groups, large[:MOST_GROUPS])
    return Gaps(tuple(_gaps(comparison, scores, pairs) for scores in comparison.scores), small)


Pair = tuple[str, str, Sequence[int], Sequence[int]]


def _pairs(groups: Mapping[str, Sequence[int]], large: Sequence[str]) -> list[Pair]:
    if len(large) == 2:
        return [(large[0], large[1], groups[large[0]], groups[large[1]])]
    every = {name: set(groups[name]) for name in large}
    whole = set().union(*every.values())
    return [(name, "", groups[name], sorted(whole - every[name])) for name in large if len(large) > 2]


def _gaps(comparison: Comparison, scores: Sequence[ExampleScore], pairs: Sequence[Pair]) -> tuple[Gap, ...]:
    sides = [([scores[place] for place in one], [scores[place] for place in two]) for _, _, one, two in pairs]
    found = holm([gap(comparison.metric, two, one, comparison.seed) for one, two in sides])
    return tuple(
        Gap(
            name,
            other,
            (_score(comparison, one), _score(comparison, two)),
            verdict(difference, (other or "…", name)),
        )
        for (name, other, _, _), (one, two), difference in zip(pairs, sides, found, strict=True)
    )


def _score(comparison: Comparison, scores: Sequence[ExampleScore]) -> Score:
    return aggregate(comparison.task, comparison.metric, scores, comparison.seed)


# --- swapped terms ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Swapped:
    """What swapping did to one assistant.

    changed     share of the pairs whose answers say something else, with Wilson's interval; n pairs
    difference  score of the swapped inputs minus that of the originals, paired; `verdict` says what it carries
    missing     pairs not answered yet; `examples` places of changed pairs among `SwapResult.pairs`
    """

    name: str
    n: int
    missing: int
    changed: float
    interval: Interval
    scores: tuple[Score, Score] | None
    verdict: Verdict | None
    examples: tuple[int, ...]


@dataclass(frozen=True)
class SwapResult:
    """`pairs` are (example, counterfactual); `rows` one per assistant, in the order asked."""

    pairs: tuple[tuple[Example, Example], ...]
    rows: tuple[Swapped, ...]


def compare_swapped(
    project: Project,
    assistant_ids: Sequence[int],
    swaps: Sequence[Swap],
    split: Split = "test",
    metric: Metric | None = None,
    limit: int | None = None,
    seed: int = 0,
    where: Where | None = None,
) -> SwapResult:
    """What swapping terms changed, by answers that `start_evaluation(..., swaps=)` has fetched; asks nothing.

    Arguments as of `compare`. Raises Refused("error.evaluation_task"), NotFound.
    """
    task = project.examples.task()
    if task is None:
        raise Refused("error.evaluation_task")
    pairs = tuple(swapped(drawn(project, split, limit, seed), swaps))
    saved = [project.assistants.get(number) for number in dict.fromkeys(assistant_ids)]
    rows, differences = [], []
    for one, name in zip(saved, names(saved), strict=True):
        known = known_fingerprint(project, one.assistant, where)
        row, difference = _row(project, task, metric or task.metric, name, one.assistant, known or "", pairs)
        rows.append(row)
        differences.append(difference)
    told = iter(holm([difference for difference in differences if difference is not None]))
    return SwapResult(
        pairs,
        tuple(
            row if difference is None else _with_verdict(row, next(told))
            for row, difference in zip(rows, differences, strict=True)
        ),
    )


def _row(
    project: Project,
    task: Task,
    metric: Metric,
    name: str,
    assistant: Assistant,
    known: str,
    pairs: Sequence[tuple[Example, Example]],
) -> tuple[Swapped, Difference | None]:
    answers = kept_answers(project, assistant, known, (one for pair in pairs for one in pair))
    there = [place for place, pair in enumerate(pairs) if all(one.input_key in answers for one in pair)]
    missing = len(pairs) - len(there)
    if not there:
        return Swapped(name, 0, missing, 0.0, wilson(0, 0), None, None, ()), None
    sides = []
    for side in (0, 1):
        examples = [pairs[place][side] for place in there]
        kept = [answers[one.input_key] for one in examples]
        sides.append(scores_of(project.database, task, known, examples, kept))
    changed = [place for place, one, two in zip(there, *sides, strict=True) if _says(one) != _says(two)]
    scores = (aggregate(task, metric, sides[0]), aggregate(task, metric, sides[1]))
    row = Swapped(
        name, len(there), missing, len(changed) / len(there), wilson(len(changed), len(there)), scores, None,
        tuple(changed),
    )  # fmt: skip
    return row, paired(metric, sides[0], sides[1])


def _says(score: ExampleScore) -> object:
    """What an answer says; of entities which labels, since places move with the words."""
    value = score.parsed.value
    return sorted(label for _, _, label in value) if isinstance(value, tuple) else value


def _with_verdict(row: Swapped, difference: Difference) -> Swapped:
    return replace(row, verdict=verdict(difference, (row.name, row.name)))
