"""Several assistants on the same examples: how good each is, how sure that is, and what each cost.

Paired throughout: only examples that all of the compared assistants have answered count, so that the difference
between two scores is the assistants' and not the examples'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean
from typing import Final

from backend.assistants import Assistant
from backend.errors import Refused
from backend.evaluation.answer_store import StoredAnswer
from backend.evaluation.answers import kept_answers
from backend.evaluation.cost import Cost, cost_of, making
from backend.evaluation.grounded import Grounded, grounded
from backend.evaluation.identity import Where, known_fingerprint
from backend.evaluation.judge_prompts import rule_of
from backend.evaluation.metrics import Confusion, LabelScore, aggregate, confusion, latency, per_label
from backend.evaluation.opinions import latest_points
from backend.evaluation.perplexity import Perplexity, basis_of, keyed, perplexity_of
from backend.evaluation.run import drawn
from backend.evaluation.scored import rules_of, scores_of
from backend.evaluation.values import ExampleScore, Score, Verdict
from backend.evaluation.verdicts import family
from backend.examples.example import Example, Split
from backend.examples.filters import Filter
from backend.examples.task import METRICS, Metric, Task
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project

LEAST_SHARE: Final = 0.5
"""An assistant that has answered less than this share of what the most complete one has is shown, but not compared:
its evaluation is not through, and the others would shrink to its few examples."""


@dataclass(frozen=True)
class Row:
    """One assistant of the leaderboard. Counts are of examples; seconds, tokens and characters are per answer.

    score       the metric over the compared examples; None when it is not compared (see `answered`, `missing`)
    others      the task's other metrics
    answered    of all examples asked for, those that have an answer (or failed); missing  the others
    failures    compared examples that could not be answered, which count as wrong; unreadable  those not understood
    refusals    compared answers that refuse
    latency     (median, 95th percentile) seconds, with others answered beside it
    cost        measured by the last evaluation: memory, loading, pace; made_seconds  what making it took
    perplexity  of the expected outputs of all examples asked for, where it was measured on exactly these
    grounded    how the answers rest on their passages; None of an assistant without documents
    """

    saved: SavedAssistant
    name: str
    fingerprint: str | None
    answered: int = 0
    missing: int = 0
    score: Score | None = None
    others: Mapping[Metric, Score] = field(default_factory=dict)
    unreadable: int = 0
    failures: int = 0
    refusals: int = 0
    latency: tuple[float | None, float | None] = (None, None)
    prompt_tokens: float | None = None
    answer_tokens: float | None = None
    characters: float | None = None
    cost: Cost | None = None
    made_seconds: float | None = None
    perplexity: Perplexity | None = None
    grounded: Grounded | None = None

    @property
    def memory_bytes(self) -> int | None:
        return self.cost.memory_bytes if self.cost else None


@dataclass(frozen=True)
class Comparison:
    """What was compared. `rows` stand best first, those that are not compared last; n examples were compared.

    examples   the compared ones; `scores[row]` and `answers[row]` are of the compared rows, aligned with them
    verdicts   each compared row against the best one, in the order of the rows; `pairs` has every pair (i, j), j
               against i, i < j, corrected together
    """

    task: Task
    split: Split
    metric: Metric
    asked: int
    rows: tuple[Row, ...]
    examples: tuple[Example, ...]
    scores: tuple[tuple[ExampleScore, ...], ...]
    answers: tuple[tuple[StoredAnswer, ...], ...]
    pairs: Mapping[tuple[int, int], Verdict]
    seed: int = 0

    @property
    def n(self) -> int:
        return len(self.examples)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(self.pairs[0, other] for other in range(1, len(self.scores)))

    def row(self, assistant_id: int) -> int:
        """The place of an assistant in `rows`. Raises Refused("error.comparison_left_out") when it is not compared."""
        for place, row in enumerate(self.rows[: len(self.scores)]):
            if row.saved.id == assistant_id:
                return place
        raise Refused("error.comparison_left_out")

    def confusion(self, place: int) -> Confusion | None:
        """None for a task without labels."""
        return confusion(self.task, self.scores[place]) if self.task.labelled else None

    def per_label(self, place: int) -> dict[str, LabelScore]:
        """Empty for a task without labels."""
        return per_label(self.task, self.scores[place]) if self.task.labelled else {}


@dataclass(frozen=True)
class _Asked:
    """The examples with their keys, which are worked out once for all assistants."""

    examples: Sequence[Example]
    keys: Sequence[str]
    task: Task

    def basis_for(self, assistant: Assistant) -> str:
        """Most assistants ask nothing turn by turn: theirs is worked out once."""
        told = keyed(self.examples, assistant, self.task, self.keys)
        return self._plain if told == self._told else basis_of(told)

    @cached_property
    def _told(self) -> list[tuple[str, str]]:
        return [(key, example.output) for key, example in zip(self.keys, self.examples, strict=True)]

    @cached_property
    def _plain(self) -> str:
        return basis_of(self._told)


@dataclass(frozen=True)
class _Entry:
    """An assistant with what it has answered, by input key."""

    row: Row
    answers: Mapping[str, StoredAnswer]


def compare(
    project: Project,
    assistant_ids: Sequence[int],
    split: Split = "test",
    metric: Metric | None = None,
    filter: Filter | None = None,
    limit: int | None = None,
    seed: int = 0,
    where: Where | None = None,
) -> Comparison:
    """Compare saved assistants by what they have answered so far; asks nothing and loads nothing.

    metric  None is the task's own; "judge" is what the judge that graded last gave, on the examples graded for all;
            where nothing was graded the first metric of the task's kind is used instead (see Comparison.metric)
    filter  only examples that match; limit, seed  as of start_evaluation
    where   `ModelHost.where`, to notice a model folder that was changed since; without it the last known counts
    Raises Refused("error.evaluation_task"), NotFound (an assistant).
    """
    task = project.examples.task()
    if task is None:
        raise Refused("error.evaluation_task")
    examples = drawn(project, split, limit, seed)
    if filter is not None:
        few = {one.id for one in project.examples.page(replace(filter, split=split), 0, 10**9)}
        examples = [one for one in examples if one.id in few]
    saved = [project.assistants.get(number) for number in dict.fromkeys(assistant_ids)]
    asked = _Asked(examples, [one.input_key for one in examples], task)
    entries = [_entry(project, one, name, asked, where) for one, name in zip(saved, names(saved), strict=True)]
    return _compared(project, task, split, metric or task.metric, asked, entries, seed)


def names(saved: Sequence[SavedAssistant]) -> list[str]:
    """What they are called: their name, with the number of the version where two share it."""
    told = [one.name for one in saved]
    return [one.name if told.count(one.name) == 1 else f"{one.name} v{one.number}" for one in saved]


def _entry(project: Project, saved: SavedAssistant, name: str, asked: _Asked, where: Where | None) -> _Entry:
    known = known_fingerprint(project, saved.assistant, where)
    answers = kept_answers(project, saved.assistant, known, asked.examples) if known else {}
    answered = sum(key in answers for key in asked.keys)
    row = Row(
        saved,
        name,
        known,
        answered,
        len(asked.keys) - answered,
        cost=cost_of(project, known) if known else None,
        made_seconds=making(project, saved.assistant),
        perplexity=perplexity_of(project, known, asked.basis_for(saved.assistant)) if known else None,
        grounded=grounded(project, answers.values()) if saved.assistant.documents else None,
    )
    return _Entry(row, answers)


def _compared(
    project: Project, task: Task, split: Split, metric: Metric, asked: _Asked, entries: Sequence[_Entry], seed: int
) -> Comparison:
    most = max((entry.row.answered for entry in entries), default=0)
    into = [entry for entry in entries if entry.row.answered and entry.row.answered >= LEAST_SHARE * most]
    places = [place for place, key in enumerate(asked.keys) if into and all(key in entry.answers for entry in into)]
    points: Mapping[int, float] = {}
    if metric == "judge":
        points = latest_points(project, rule_of(task, "rubric"))
        graded = [at for at in places if all(entry.answers[asked.keys[at]].id in points for entry in into)]
        places, metric = (graded, metric) if graded else (places, METRICS[task.kind][0])
    shared = [asked.examples[place] for place in places]
    rules = rules_of(task, shared)
    measured = []
    for entry in into if shared else ():
        kept = tuple(entry.answers[asked.keys[place]] for place in places)
        scores = scores_of(project.database, task, entry.row.fingerprint or "", shared, kept, rules)
        if metric == "judge":
            scores = [judged(score, points[answer.id]) for score, answer in zip(scores, kept, strict=True)]
        measured.append((_measured(entry.row, task, metric, scores, kept, seed), tuple(scores), kept))
    measured.sort(key=lambda one: -(one[0].score.value if one[0].score else 0.0))
    pairs = family(metric, [(row.name, scores) for row, scores, _ in measured], seed)
    left_out = [entry.row for entry in entries if not shared or entry not in into]
    return Comparison(
        task=task,
        split=split,
        metric=metric,
        asked=len(asked.keys),
        rows=(*(row for row, _, _ in measured), *left_out),
        examples=tuple(shared),
        scores=tuple(scores for _, scores, _ in measured),
        answers=tuple(kept for _, _, kept in measured),
        pairs=pairs,
        seed=seed,
    )


def judged(score: ExampleScore, value: float) -> ExampleScore:
    """The score with what a judge gave, 0..1."""
    return replace(score, values={**score.values, "judge": value})


def _measured(
    row: Row, task: Task, metric: Metric, scores: Sequence[ExampleScore], answers: Sequence[StoredAnswer], seed: int
) -> Row:
    good = [answer for answer in answers if answer.error_key is None]
    score = aggregate(task, metric, scores, seed)
    return replace(
        row,
        score=score,
        others={
            other: aggregate(task, other, scores, seed)
            for other in METRICS[task.kind]
            if other not in (metric, "judge")
        },
        unreadable=score.unreadable,
        failures=len(answers) - len(good),
        refusals=sum(one.values.get("refusal", 0.0) >= 1.0 for one in scores),
        latency=latency([answer.seconds for answer in good if answer.seconds is not None]),
        prompt_tokens=_mean([answer.prompt_tokens for answer in good]),
        answer_tokens=_mean([answer.answer_tokens for answer in good]),
        characters=_mean([len(answer.text.strip()) for answer in good]),
    )


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
