"""Whether a judge can be trusted: its agreement with people, its position bias, and what it says of A and B."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backend.assistants import ModelRef
from backend.evaluation.answer_store import StoredAnswer
from backend.evaluation.comparison import Comparison
from backend.evaluation.judge import Judged, bench_of, pair_up, with_rubric
from backend.evaluation.judge_prompts import Mode
from backend.evaluation.metrics import aggregate
from backend.evaluation.opinions import Rating, judgements, people_say, ratings
from backend.evaluation.statistics import paired, wilson
from backend.evaluation.values import Difference, ExampleScore, Interval, Parsed, Score, Verdict
from backend.evaluation.verdicts import verdict
from backend.examples.example import Example
from backend.projects.folder import Project

ENOUGH: Final = 20
"""Pairs that people must have rated before anything is said of a judge."""

Trust = Literal["unknown", "low", "fair"]


@dataclass(frozen=True)
class Agreement:
    """A judge beside people, on the pairs that both have judged.

    share     pairs on which they say the same (A, B or tie), with Wilson's interval
    kappa     Cohen's kappa (scikit-learn), None where it is not defined (fewer than two different opinions)
    chance    the share that two with these habits would agree on without looking
    trust     "unknown" with fewer than ENOUGH pairs (`needed` more), "low" while chance is within the interval
    """

    n: int
    share: float
    interval: Interval
    kappa: float | None
    chance: float
    trust: Trust
    needed: int


@dataclass(frozen=True)
class PairwiseResult:
    """What a judge says of A (row a) and B (row b).

    n           pairs that could be read, equal ones included; a, b, ties are of them
    unreadable  pairs of which a judgement could not be read: counted for nobody
    position    share of the read pairs (equal answers left out) whose judgement followed the place
    difference  share won by B minus share won by A, with its test; None of nothing
    """

    n: int
    a: int
    b: int
    ties: int
    unreadable: int
    position: float
    position_interval: Interval
    difference: Difference | None
    verdict: Verdict | None
    agreement: Agreement


def pairwise_result(project: Project, comparison: Comparison, a: int, b: int, judge: ModelRef) -> PairwiseResult:
    """What was judged so far of the compared rows `a` and `b`. Raises Refused("error.evaluation_task")."""
    bench = bench_of(project, judge, "pairwise")
    found = pair_up(judgements(project, bench.judge, bench.rule), comparison.answers[a], comparison.answers[b])
    read = [one for one in found if one.winner != "unreadable"]
    unlike = [one for one in read if not one.equal]
    placed = sum(one.position for one in unlike)
    difference = _difference(read) if read else None
    return PairwiseResult(
        n=len(read),
        a=sum(one.winner == "a" for one in read),
        b=sum(one.winner == "b" for one in read),
        ties=sum(one.winner == "tie" for one in read),
        unreadable=len(found) - len(read),
        position=placed / len(unlike) if unlike else 0.0,
        position_interval=wilson(placed, len(unlike)),
        difference=difference,
        verdict=verdict(difference, (comparison.rows[a].name, comparison.rows[b].name)) if difference else None,
        agreement=_agreement(unlike, ratings(project)),
    )


@dataclass(frozen=True)
class RubricResult:
    """What a judge gave each compared row: the mean of (points - 1) / 4; `n` examples were graded for all of them."""

    n: int
    scores: tuple[Score, ...]
    unreadable: int
    agreement: Agreement


def rubric_result(project: Project, comparison: Comparison, judge: ModelRef) -> RubricResult:
    """Raises Refused("error.evaluation_task")."""
    bench = bench_of(project, judge, "rubric")
    graded = with_rubric(project, comparison, bench)
    compared = {answer.id for answers in comparison.answers for answer in answers}
    unreadable = sum(
        one.verdict == "unreadable" and first in compared
        for (first, _), one in judgements(project, bench.judge, bench.rule).items()
    )
    pairs = [
        pair
        for one in range(len(graded.scores))
        for two in range(one + 1, len(graded.scores))
        for pair in _by_points(graded, one, two)
    ]
    scores = tuple(aggregate(graded.task, "judge", scores) for scores in graded.scores)
    return RubricResult(graded.n, scores, unreadable, _agreement(pairs, ratings(project)))


def agreement(project: Project, comparison: Comparison, judge: ModelRef, mode: Mode) -> Agreement:
    """A judge's agreement with all ratings of people on the compared assistants' answers."""
    if mode == "rubric":
        return rubric_result(project, comparison, judge).agreement
    bench = bench_of(project, judge, "pairwise")
    found = judgements(project, bench.judge, bench.rule)
    rows = range(len(comparison.answers))
    pairs = [
        pair
        for one in rows
        for two in rows[one + 1 :]
        for pair in pair_up(found, comparison.answers[one], comparison.answers[two])
    ]
    return _agreement([pair for pair in pairs if pair.winner != "unreadable" and not pair.equal], ratings(project))


def to_rate(
    comparison: Comparison, a: int, b: int, rated: Sequence[Rating]
) -> tuple[Example, StoredAnswer, StoredAnswer] | None:
    """The next pair for a person: an example with the two answers in an order that does not tell whose is whose.

    rated  this person's ratings; None when every pair of unlike answers was rated
    """
    done = {frozenset((one.first_id, one.second_id)) for one in rated}
    for place, example in enumerate(comparison.examples):
        one, two = comparison.answers[a][place], comparison.answers[b][place]
        told = one.error_key is None and two.error_key is None and one.text.strip() != two.text.strip()
        if told and frozenset((one.id, two.id)) not in done:
            # The key is a hash: it says nothing of the answers, and the same person finds the same order again.
            return (example, one, two) if int(example.input_key[-1], 16) % 2 else (example, two, one)
    return None


def _by_points(graded: Comparison, one: int, two: int) -> list[Judged]:
    pairs = []
    for place in range(graded.n):
        first, second = (graded.scores[row][place].values["judge"] for row in (one, two))
        ids = graded.answers[one][place].id, graded.answers[two][place].id
        pairs.append(Judged(*ids, "a" if first > second else "b" if second > first else "tie"))
    return pairs


def _difference(read: Sequence[Judged]) -> Difference:
    """Wins as shares of the same pairs: McNemar's exact test is then the sign test of wins against losses."""

    def won(side: str) -> list[ExampleScore]:
        return [ExampleScore(Parsed(one.winner, ""), {"accuracy": float(one.winner == side)}) for one in read]

    return paired("accuracy", won("a"), won("b"))


def _agreement(pairs: Sequence[Judged], rated: Sequence[Rating]) -> Agreement:
    people = people_say(rated)
    both: list[tuple[str, str]] = []
    for pair in pairs:
        key = frozenset((pair.a_id, pair.b_id))
        if key in people:
            preferred = people[key]
            told = "tie" if preferred is None else "a" if preferred == pair.a_id else "b"
            both.append((told, pair.winner))
    n, same = len(both), sum(one == two for one, two in both)
    interval, chance = wilson(same, n), _chance(both)
    trust: Trust = "unknown" if n < ENOUGH else "fair" if interval.low > chance else "low"
    return Agreement(n, same / n if n else 0.0, interval, _kappa(both), chance, trust, max(0, ENOUGH - n))


def _chance(both: Sequence[tuple[str, str]]) -> float:
    n = len(both) or 1
    people, judges = [one for one, _ in both], [two for _, two in both]
    return sum(people.count(name) * judges.count(name) for name in ("a", "b", "tie")) / n**2


def _kappa(both: Sequence[tuple[str, str]]) -> float | None:
    if len({name for pair in both for name in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score([one for one, _ in both], [two for _, two in both], labels=["a", "b", "tie"]))
