"""The work of a judging run: every case that was not judged yet is put to the judge, and kept within a second."""

from __future__ import annotations

import time
from typing import Final

from pydantic import ValidationError

from backend.answering import Answer, Answering, Answers
from backend.documents.grounding.library import passages_of_run
from backend.errors import StorageProblem, StudioError
from backend.evaluation.comparison import compare
from backend.evaluation.judge import Bench, Case, JudgingConfig, bench_of, cases
from backend.evaluation.judge_prompts import read_opinion, read_points
from backend.evaluation.opinions import Judgement, add_judgements, judgements
from backend.evaluation.work import opened
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.turn import take_accelerator
from backend.projects.folder import Project
from backend.rounds import answer_all

KEEP_S: Final = 0.5


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the judge's model or connection says when it fails for good; both can be resumed."""
    try:
        config = JudgingConfig.model_validate(job.config)
    except ValidationError as fault:
        raise StorageProblem("error.evaluation_config") from fault
    with opened(job) as (project, host), passages_of_run(project, job.settings) as passages:
        bench = bench_of(project, config.judge, config.mode)
        comparison = compare(project, config.assistants, config.split)
        every = cases(comparison, config.mode, config.n, config.seed)
        if config.judge.kind != "endpoint":
            progress.message("run.message.loading_model")
            take_accelerator(host, "judging", progress)
        judge(project, Answering(host, passages), bench, every, progress)


def judge(project: Project, answers: Answers, bench: Bench, every: list[Case], progress: Progress) -> None:
    """Ask what was not judged yet. Two answers of the same words are equal, and no judge is asked."""
    had = judgements(project, bench.judge, bench.rule)
    left = [case for case in every if case.asked not in had]
    progress.total(len(every), "judgements")
    kept = _Kept(project, bench, progress, len(every) - len(left))
    try:
        for case in left:
            if case.equal():
                kept.add(Judgement(*case.asked, "equal", {}))
        unlike = [case for case in left if not case.equal()]
        if unlike:
            progress.message("run.message.judging")
            answer_all(answers, bench.assistant, unlike, bench.question, kept.answer, kept.fault, progress.stop_event)
    finally:
        kept.flush()
    progress.result(unreadable=kept.unreadable)
    progress.check_stop()


class _Kept:
    """Gathers judgements and commits them twice a second."""

    def __init__(self, project: Project, bench: Bench, progress: Progress, before: int) -> None:
        self._project, self._bench, self._progress = project, bench, progress
        self._done, self._pending, self._committed = before, list[Judgement](), time.monotonic()
        self.unreadable = 0
        progress.done(before)

    def answer(self, case: Case, answer: Answer) -> None:
        verdict = self._read(answer.text)
        self.unreadable += verdict is None
        self.add(Judgement(*case.asked, verdict or "unreadable", {"text": answer.text}))

    def fault(self, case: Case, fault: StudioError) -> None:
        """A case that could not be put to the judge (two long answers in a short window) is unreadable, too."""
        self.unreadable += 1
        self.add(Judgement(*case.asked, "unreadable", {"error": fault.key}))

    def _read(self, text: str) -> str | None:
        if self._bench.mode == "pairwise":
            return read_opinion(text)
        points = read_points(text)
        return None if points is None else str(points)

    def add(self, new: Judgement) -> None:
        self._pending.append(new)
        if time.monotonic() - self._committed >= KEEP_S:
            self.flush()
        self._done += 1
        self._progress.done(self._done)

    def flush(self) -> None:
        add_judgements(self._project, self._bench.judge, self._bench.rule, self._pending)
        self._pending, self._committed = [], time.monotonic()
