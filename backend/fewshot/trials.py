"""Trying candidates on dev examples: every answer through the one store, asked once, scored by the one rule."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from backend.answering import Answers
from backend.evaluation.answers import answer_examples, kept_answers
from backend.evaluation.identity import Where
from backend.evaluation.metrics import aggregate, score_example
from backend.evaluation.values import ExampleScore
from backend.examples.example import Example
from backend.fewshot.halving import Halving, better_half
from backend.fewshot.planning import metric_of
from backend.fewshot.speed import keep_speed
from backend.fewshot.tried import BASE, Candidate, Prepared, Tried, keep_tried, tried_in
from backend.jobs.progress import Progress
from backend.projects.folder import Project


class Trials:
    """The bookkeeping of one attempt of a run: which candidate answered how much, how fast, and how well."""

    def __init__(
        self, project: Project, answers: Answers, where: Where, prepared: Prepared, output: Path, progress: Progress
    ) -> None:
        self._project, self._answers, self._where = project, answers, where
        self._prepared, self._output, self._progress = prepared, output, progress
        self._metric = metric_of(prepared.task)
        self._done: dict[str, int] = {}
        self._scores: dict[str, list[ExampleScore]] = {}
        self._failed: dict[str, list[bool]] = {}
        self._told = {(tried.round, tried.name): tried for tried in tried_in(output)}
        self._timed: list[tuple[int, float]] = []

    def run(self) -> list[Tried]:
        """Try all candidates to the end of the plan; returns those of the last round, the base first.

        Raises Stopped, and what the model or the connection says when it fails for good; both can be resumed: what
        was answered stays answered.
        """
        base, halving = self._prepared.candidate(BASE), self._prepared.halving
        field = [one for one in self._prepared.candidates if one.name != BASE]
        self._progress.total(halving.answers, "answers")
        tried: list[Tried] = []
        try:
            for number, step in enumerate(halving.rounds, 1):
                self._tell(number, halving)
                tried = [self._try(one, number, step.examples) for one in [base, *field]]
                if number < len(halving.rounds):
                    field = self._cut(field, tried[1:], halving.rounds[number].candidates)
        finally:
            keep_speed(self._project, base.assistant.model, self._timed)
        return tried

    def _tell(self, number: int, halving: Halving) -> None:
        step = halving.rounds[number - 1]
        told = {"candidates": step.candidates + 1, "examples": step.examples}
        if len(halving.rounds) > 1:
            self._progress.message("run.message.search_round", round=number, rounds=len(halving.rounds), **told)
        else:
            self._progress.message("run.message.search_trying", **told)

    def scores(self, name: str) -> list[ExampleScore]:
        """One per example that the candidate answered, in the order of the examples."""
        return list(self._scores[name])

    @property
    def answered(self) -> int:
        """Answers that the candidates have by now, all together."""
        return sum(self._done.values())

    def _try(self, candidate: Candidate, number: int, count: int) -> Tried:
        examples = self._prepared.examples[:count]
        self._score(candidate, examples, self._answer(candidate, examples))
        tried = Tried(
            name=candidate.name,
            about=candidate.about,
            round=number,
            examples=len(examples),
            score=aggregate(self._prepared.task, self._metric, self._scores[candidate.name]),
            failed=sum(self._failed[candidate.name]),
        )
        self._keep(tried)
        return tried

    def _answer(self, candidate: Candidate, examples: Sequence[Example]) -> str:
        """Ask what is missing; returns the fingerprint under which the answers are kept."""

        def told(count: int) -> None:
            self._done[candidate.name] = count
            self._progress.done(self.answered)

        self._progress.check_stop()
        began, stop = time.monotonic(), self._progress.stop_event
        did = answer_examples(self._project, self._answers, candidate.assistant, examples, self._where, stop, told)
        if did.asked:
            self._timed.append((did.asked, time.monotonic() - began))
        self._progress.check_stop()
        return did.fingerprint

    def _score(self, candidate: Candidate, examples: Sequence[Example], known: str) -> None:
        """Scores of the examples that are new in this round; one that could not be answered counts as wrong."""
        scores = self._scores.setdefault(candidate.name, [])
        failed = self._failed.setdefault(candidate.name, [])
        new = examples[len(scores) :]
        kept = kept_answers(self._project, candidate.assistant, known, new)
        for example in new:
            # Another run may have made the faults be forgotten a moment ago: such an answer failed, too.
            found = kept.get(example.input_key)
            answer = None if found is None else found.answer
            scores.append(score_example(self._prepared.task, example, candidate.plain(answer)))
            failed.append(answer is None)

    def _cut(self, field: Sequence[Candidate], tried: Sequence[Tried], keep: int) -> list[Candidate]:
        value = {one.name: one.score.value for one in tried}
        left = better_half(field, keep, lambda candidate: value[candidate.name])
        stay = {candidate.name for candidate in left}
        for one in tried:
            if one.name not in stay:
                self._keep(one.model_copy(update={"kept": False}))
        return left

    def _keep(self, tried: Tried) -> None:
        """A line for what is new; an attempt after a stop finds its lines there."""
        before = self._told.get((tried.round, tried.name))
        if before is None or (before.kept and not tried.kept):
            keep_tried(self._output, tried)
            self._told[tried.round, tried.name] = tried
