"""Chatting while a run trains on the same cores: what each of the two keeps of its speed alone.

    python -m tests.benchmarks.together [--full]

The practice model trains (LoRA, in its worker) and answers (in this process, as the studio does). While one run goes
on, windows without and with a chat take turns. `training_share` is the median over pairs of neighbouring windows of
steps per second with the chat to that without; `chat_share` the median tokens per second of a chat beside the run to
that of one before and after it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

# Before torch is imported for the first time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from backend.answering import Answering, Question
from backend.assistants import Assistant, Decoding, ModelRef
from backend.jobs.folder import read_lines
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from backend.training.config import TrainingConfig
from tests.benchmarks.report import Figure, report
from tests.training.working import config_for, fill

TOKENS = 96
ASKED = "이 영화는 배우들의 연기가 훌륭하고 이야기도 좋았습니다. 어떤 영화였는지 길게 말해 주십시오."


class Chat:
    """Somebody who asks one question after another."""

    def __init__(self, host: ModelHost) -> None:
        self._answering = Answering(host)
        self._assistant = Assistant(decoding=Decoding(max_new_tokens=TOKENS, temperature=1.0, seed=None))

    def rate(self, seconds: float) -> float:
        """Tokens per second of answers, one after another, for about so long."""
        began, tokens = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            *_, last = self._answering.answer(self._assistant, Question({"input": ASKED}))
            tokens += last.trace.answer_tokens or 0
        return tokens / (time.perf_counter() - began)


def training(project: Project, runs: Runs) -> Run:
    """A run that lasts longer than the benchmark."""
    fill(project, train=400, dev=8)
    config = config_for(
        Path("starter"), num_train_epochs=1000.0, per_device_train_batch_size=16, eval_steps=1_000_000,
        save_steps=1_000_000, metric_examples=0, sample_inputs=0, learning_rate=1e-5, r=8,
    )  # fmt: skip
    starter = config.assistant.model_copy(update={"model": ModelRef()})
    config = TrainingConfig.model_validate({**config.model_dump(), "assistant": starter.model_dump()})
    return runs.submit("training", config.model_dump(mode="json"), "together")


def steps_per_s(run: Run, since: float, until: float) -> float:
    """Of the steps that were told between two moments (seconds since 1970)."""
    times = [line["time"] for line in read_lines(run.folder / "metrics.jsonl") if "loss" in line]
    inside = [one for one in times if since <= one <= until]
    return (len(inside) - 1) / (inside[-1] - inside[0]) if len(inside) > 2 else 0.0


def shares(pairs: int, window: float) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(home=Path(place) / "home")
        projects = Projects(settings.home / "projects")
        project = projects.open("owner", projects.create("owner", "together").id)
        runs = Runs(project.runs_folder, settings)
        host = ModelHost(settings, Endpoints(settings.home, offline=True))
        chat = Chat(host)
        chat.rate(1)
        alone = [chat.rate(window / 2) for _ in range(2)]
        run = training(project, runs)
        while (runs.get(run.id).done or 0) < 5:
            if not runs.get(run.id).active:
                raise RuntimeError(runs.log(run.id))
            time.sleep(0.2)
        quiet, busy, chats = [], [], []
        for _ in range(pairs):
            since = time.time()
            time.sleep(window)
            quiet.append(steps_per_s(run, since, time.time()))
            since = time.time()
            chats.append(chat.rate(window))
            busy.append(steps_per_s(run, since, time.time()))
        runs.stop(run.id, force=True)
        alone += [chat.rate(window / 2) for _ in range(2)]
        host.close()
        projects.close()
    told = {
        "chat_alone": _two(alone),
        "chat_beside": _two(chats),
        "steps_alone": _two(quiet),
        "steps_beside": _two(busy),
    }
    yield Figure("chat_share", round(median(chats) / median(alone), 3), "x", ">= 0.35", {**told, "unit": "tokens/s"})
    ratios = [with_chat / without for with_chat, without in zip(busy, quiet, strict=True) if without]
    if ratios:
        yield Figure(
            "training_share", round(median(ratios), 3), "x", ">= 0.5", {"all": _two(ratios), "unit": "steps/s"}
        )
    else:
        yield Figure("training_share", None, "x", ">= 0.5", {"why": "no step was done in a window"})


def _two(values: list[float]) -> list[float]:
    return [round(value, 2) for value in values]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more and longer windows")
    full = parser.parse_args().full
    report(shares(8, 20.0) if full else shares(4, 12.0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
