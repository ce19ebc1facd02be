"""Answers while a run trains: the task's metric on dev examples, and a few answers to look at, before and after.

They come about as every answer does (`Answering`), over the very model that is being trained.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backend.answering import Answering, Answers, Host, Question
from backend.assistants import Assistant, Examples
from backend.evaluation.identity import settled
from backend.evaluation.metrics import aggregate, score_example
from backend.examples.asking import question_of
from backend.examples.example import Example
from backend.examples.task import METRICS, Metric, Task
from backend.training.config import TrainingConfig
from backend.training.telling.outcome import KEEP_EXAMPLES

if TYPE_CHECKING:
    from backend.models.engine import Engine

LEAST_TOKENS = 24
"""Room for an answer however short the expected ones are: an untrained model's way of putting it counts too."""


class OneEngine:
    """A Host that has one engine, whatever it is asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def engine(self, ref: Any) -> Iterator[Engine]:
        yield self._engine


def asked_as(config: TrainingConfig) -> Assistant:
    """Who is asked before and while it trains: the assistant as it will be afterwards, but for what it learns."""
    examples = config.assistant.examples if config.objective in KEEP_EXAMPLES else Examples()
    return config.assistant.model_copy(update={"quantization": config.quantization, "examples": examples})


@dataclass(frozen=True)
class Answered:
    """What the asked examples came to: the metric (None without a task or examples) and (example, answer) to show."""

    metric: float | None
    shown: tuple[tuple[Example, str], ...]

    def line(self, step: int) -> dict[str, Any]:
        """As it stands in samples.jsonl."""
        items = [
            {"example_id": one.id, "input": one.text(), "expected": one.output, "answer": answer}
            for one, answer in self.shown
        ]
        return {"step": step, "items": items}


class Asked:
    """The dev examples that are asked, drawn once by the seed; the shown ones are the first of them."""

    def __init__(self, config: TrainingConfig, task: Task | None, dev: Sequence[Example], tokenizer: Any) -> None:
        most = max(config.metric_examples, config.sample_inputs)
        drawn = random.Random(config.seed).sample(range(len(dev)), min(most, len(dev)))
        self._examples = [dev[place] for place in drawn]
        self._config, self._task = config, task
        self._room = _room(tokenizer, self._examples)

    @property
    def metric(self) -> Metric | None:
        """What is measured: the task's metric; where that takes a judge, the first that does not."""
        if self._task is None or not self._config.metric_examples or not self._examples:
            return None
        if self._task.metric != "judge":
            return self._task.metric
        return next(name for name in METRICS[self._task.kind] if name != "judge")

    @property
    def count(self) -> int:
        """Of how many dev examples the metric is; 0 when there is none."""
        return min(self._config.metric_examples, len(self._examples)) if self.metric else 0

    def ask(self, host: Host, assistant: Assistant, stop: threading.Event, metric: bool) -> Answered | None:
        """Ask them: all of them for the metric, else only those that are shown. None when it was stopped meanwhile."""
        examples = self._examples[: max(self.count if metric else 0, self._config.sample_inputs)]
        asked = self._shortened(assistant)
        questions = [question_of(example, asked, self._task) for example in examples]
        given = answers_of(Answering(host), asked, questions, stop) if questions else []
        if stop.is_set():
            return None
        shown = tuple(zip(examples, given, strict=True))[: self._config.sample_inputs]
        return Answered(self._measured(examples, given) if metric else None, shown)

    def _shortened(self, assistant: Assistant) -> Assistant:
        """Without the room that no expected answer needs, which an untrained model would fill each time; and without
        documents, as it is trained.
        """
        room = min(assistant.decoding.max_new_tokens, self._room)
        decoding = assistant.decoding.model_copy(update={"max_new_tokens": room})
        return settled(assistant.model_copy(update={"decoding": decoding, "documents": None}))

    def _measured(self, examples: Sequence[Example], given: Sequence[str]) -> float | None:
        if self._task is None or self.metric is None:
            return None
        pairs = list(zip(examples, given, strict=True))[: self.count]
        scores = [score_example(self._task, example, answer) for example, answer in pairs]
        return aggregate(self._task, self.metric, scores).value


def answers_of(
    answers: Answers, assistant: Assistant, questions: Sequence[Question], stop: threading.Event
) -> list[str]:
    """The answer to each, in order; a question that the model cannot take (too long for it) has an empty one."""
    given = [""] * len(questions)
    for place, answer in answers.answer_many(assistant, questions, stop, on_fault=lambda place, fault: None):
        given[place] = answer.text
    return given


def _room(tokenizer: Any, examples: Sequence[Example]) -> int:
    """Tokens that an answer may take: twice the longest expected one."""
    longest = max((len(tokenizer(one.output, add_special_tokens=False)["input_ids"]) for one in examples), default=0)
    return max(LEAST_TOKENS, 2 * longest)
