"""The work of an evaluation: every assistant answers what it has not answered yet, one assistant after another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from backend.answering import Answering, Answers
from backend.documents.grounding.library import passages_of_run
from backend.errors import ModelProblem, StorageProblem, StudioError
from backend.evaluation.answers import answer_examples, forget_faults, kept_answers, missing
from backend.evaluation.cost import Cost, Memory, keep_cost
from backend.evaluation.identity import fingerprint, remember
from backend.evaluation.perplexity import basis_of, keep_perplexity, keyed, measure, perplexity_of
from backend.evaluation.run import EvaluationConfig, asked, drawn
from backend.evaluation.scored import scores_of
from backend.examples.example import Example, Split
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.turn import take_accelerator
from backend.models.weights import plain
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project

if TYPE_CHECKING:
    from backend.models.host import ModelHost


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and a fault when an assistant could not answer; after both it can be resumed."""
    with opened(job) as (project, host), passages_of_run(project, job.settings) as passages:
        try:
            config = EvaluationConfig.model_validate(job.config)
        except ValidationError as fault:
            raise StorageProblem("error.evaluation_config") from fault
        examples = asked(project, config.split, config.limit, config.seed, config.swaps)
        saved = [project.assistants.get(number) for number in config.assistants]
        forced = drawn(project, config.split, config.limit, config.seed) if config.perplexity else []
        evaluation = Evaluation(
            project,
            host,
            Answering(host, passages),
            examples,
            progress,
            config.ask_faults_again,
            forced,
            config.split,
        )
        evaluation.run(saved)


@contextmanager
def opened(job: Job) -> Iterator[tuple[Project, ModelHost]]:
    """The project in whose folder the run lies, and where its models come from."""
    from backend.models.endpoints import Endpoints
    from backend.models.host import ModelHost

    host = ModelHost(job.settings, Endpoints(job.settings.home, job.settings.offline))
    project = Project(job.folder.parent.parent, threading.Lock())
    try:
        yield project, host
    finally:
        host.close()
        project.close()


@dataclass
class Evaluation:
    """One attempt: what each assistant still has to answer, and who failed.

    forced, split  examples whose expected outputs' perplexity is measured too, and where they are from
    """

    project: Project
    host: ModelHost
    answers: Answers
    examples: Sequence[Example]
    progress: Progress
    ask_faults_again: bool = False
    forced: Sequence[Example] = ()
    split: Split = "test"
    _lacking: set[int] = field(default_factory=set)
    _done: dict[int, int] = field(default_factory=dict)
    _faults: dict[int, StudioError] = field(default_factory=dict)

    def run(self, saved: Sequence[SavedAssistant]) -> None:
        """Raises Stopped; the fault of a single assistant as it is, of several error.evaluation_partly at the end."""
        inputs = len({example.input_key for example in self.examples})
        self.progress.total(len(saved) * inputs, "answers")
        to_do = [one for one in saved if self._look(one)]
        # Those with the same weights follow each other, so that they are loaded once.
        order = list(dict.fromkeys(plain(one.assistant.weights) for one in to_do))
        for one in sorted(to_do, key=lambda one: order.index(plain(one.assistant.weights))):
            self.progress.check_stop()
            self._make_room(one)
            try:
                if one.id in self._lacking:
                    self._ask(one)
                self._measure(one)
            except StorageProblem:
                raise
            except StudioError as fault:
                self._failed(one, fault)
        self.progress.check_stop()
        self._tell(saved)

    def _look(self, one: SavedAssistant) -> bool:
        """Whether there is anything to ask or to measure; loads nothing."""
        try:
            known = fingerprint(one.assistant, self.host.where, self.project)
        except StudioError as fault:
            self._failed(one, fault)
            return False
        remember(self.project, one.assistant, known)
        if self.ask_faults_again:
            forget_faults(self.project, known, self.examples)
        left, already = missing(self.project, one.assistant, known, self.examples)
        self._count(one, already)
        if left:
            self._lacking.add(one.id)
        return bool(left) or self._unmeasured(one, known)

    def _make_room(self, coming: SavedAssistant) -> None:
        """Models of assistants that are through make room, so that each one's memory is its own."""
        self.host.unload_others(coming.assistant.weights)

    def _ask(self, one: SavedAssistant) -> None:
        local = one.assistant.model.kind != "endpoint"
        if local:
            self._prepare()
        began = time.perf_counter()
        with Memory() as memory, self.host.engine(one.assistant.weights) as engine:
            loaded = time.perf_counter()
            self.progress.message("run.message.evaluating", name=f"{one.name} {one.number}")
            did = answer_examples(
                self.project, self.answers, one.assistant, self.examples, self.host.where, self.progress.stop_event,
                lambda done: self._count(one, done),
            )  # fmt: skip
            spent, least = time.perf_counter() - loaded, engine.memory_bytes
        memory_bytes = max(least, memory.peak_bytes) if local else None
        cost = Cost(
            answers=did.asked, seconds=spent, load_s=loaded - began if local else None, memory_bytes=memory_bytes
        )
        keep_cost(self.project, did.fingerprint, one.assistant.model, cost)
        self.progress.check_stop()
        self._score(one, did.fingerprint)

    def _prepare(self) -> None:
        """Before a model of this machine is loaded."""
        # The libraries' memory is not the model's: transformers imports most of itself with the first model.
        from transformers.models.auto import modeling_auto  # noqa: F401

        import backend.models.transformers_engine  # noqa: F401

        self.progress.message("run.message.loading_model")
        take_accelerator(self.host, "evaluation", self.progress)

    def _unmeasured(self, one: SavedAssistant, known: str) -> bool:
        """Whether its perplexity is asked for, can be measured, and is not kept yet."""
        if not self.forced or one.assistant.model.kind == "endpoint":
            return False
        basis = basis_of(keyed(self.forced, one.assistant, self.project.examples.task()))
        return perplexity_of(self.project, known, basis) is None

    def _measure(self, one: SavedAssistant) -> None:
        known = fingerprint(one.assistant, self.host.where, self.project)
        if not self._unmeasured(one, known):
            return
        self._prepare()
        with self.host.engine(one.assistant.weights) as engine:
            self.progress.message("run.message.perplexity", name=f"{one.name} {one.number}")
            stop, task = self.progress.stop_event, self.project.examples.task()
            found = measure(self.answers, engine, one.assistant, self.forced, self.split, stop, task).perplexity
        self.progress.check_stop()
        if found is not None:
            keep_perplexity(self.project, known, found)

    def _score(self, one: SavedAssistant, known: str) -> None:
        """Measure now what the page will show, so that it opens at once: morphemes of long answers take a while."""
        task = self.project.examples.task()
        if task is None:
            return
        self.progress.message("run.message.scoring", name=f"{one.name} {one.number}")
        kept = kept_answers(self.project, one.assistant, known, self.examples)
        there = [(example, kept[key]) for example in self.examples if (key := example.input_key) in kept]
        scores_of(self.project.database, task, known, [one for one, _ in there], [answer for _, answer in there])

    def _count(self, one: SavedAssistant, done: int) -> None:
        self._done[one.id] = done
        self.progress.done(sum(self._done.values()))

    def _failed(self, one: SavedAssistant, fault: StudioError) -> None:
        self._faults[one.id] = fault
        told = {str(number): {"key": fault.key, "details": _plain(fault)} for number, fault in self._faults.items()}
        self.progress.result(faults=told)

    def _tell(self, saved: Sequence[SavedAssistant]) -> None:
        if not self._faults:
            self.progress.result(faults={})
        elif len(saved) == 1:
            raise self._faults[saved[0].id]
        else:
            names = ", ".join(f"{one.name} {one.number}" for one in saved if one.id in self._faults)
            raise ModelProblem("error.evaluation_partly", names=names, failed=len(self._faults), of=len(saved))


def _plain(fault: StudioError) -> dict[str, object]:
    keep = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, keep) else str(value) for name, value in fault.details.items()}
