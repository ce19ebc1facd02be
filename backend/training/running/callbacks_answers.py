"""Sample answers and the dev metric while a run trains. Only a worker imports this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from backend.assistants import Assistant
from backend.jobs.folder import append_line
from backend.jobs.progress import Progress
from backend.training.running.arguments import DEV_LOSS
from backend.training.running.cadence import METRIC_EVERY
from backend.training.running.sampling_answers import Answered, Asked, OneEngine
from backend.training.values import Built


class Answering(TrainerCallback):
    """Asks before the first step and at every METRIC_EVERY-th evaluation.

    The answers after the end are those of what is kept, asked by whoever keeps it (see `yielding`).
    """

    def __init__(self, asked: Asked, built: Built, assistant: Assistant, output: Path, progress: Progress) -> None:
        self._asked, self._built, self._assistant = asked, built, assistant
        self._output, self._progress = output, progress

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 0:
            answered = self._ask(state, "run.message.training_before")
            if answered is not None and answered.metric is not None:
                told = {"metric_name": self._asked.metric, "metric_n": self._asked.count}
                self._progress.result(metric_before=answered.metric, **told)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        times = sum(DEV_LOSS in told and told["step"] > 0 for told in state.log_history)
        ends = control.should_training_stop or state.global_step >= state.max_steps
        if times and times % METRIC_EVERY == 0 and not ends:
            self._ask(state, "run.message.training_answering")
            self._progress.message("run.message.training")

    def _ask(self, state: Any, message: str) -> Answered | None:
        if not state.is_world_process_zero:
            return None
        self._progress.message(message)
        with answering(self._built) as host:
            answered = self._asked.ask(host, self._assistant, self._progress.stop_event, metric=True)
        if answered is not None:
            tell(answered, state.global_step, self._output, self._progress)
        return answered


def tell(answered: Answered, step: int, output: Path, progress: Progress) -> None:
    """Write a metric line and a samples line."""
    if answered.metric is not None:
        progress.metric(step=step, metric=answered.metric)
    if answered.shown:
        append_line(output / "samples.jsonl", answered.line(step))


@contextmanager
def answering(built: Built) -> Iterator[OneEngine]:
    """The model under training as one that answers; afterwards everything about it is as it was."""
    from backend.models.opening import engine_over

    model, training = built.model, built.model.training
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        model.eval()
        engine = engine_over(model, built.tokenizer, built.labels)
        try:
            yield OneEngine(engine)
        finally:
            engine.close()
            model.train(training)
