"""What the tests of a training run stand on: a project of reviews, a tiny model, configs that take seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.examples.example import NewExample, Split
from backend.examples.task import Task
from backend.jobs.folder import RunFolder, read_lines
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress, Stopped
from backend.jobs.run import Run, RunState
from backend.jobs.runs import Runs
from backend.models.installed import add_folder
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.running.work import work

TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
WORDS = ["영화는", "이야기가", "배우가", "음악이", "정말", "끝이", "화면이", "대사가"]
GOOD, BAD = ["좋았다", "훌륭합니다", "재미있었습니다"], ["지루하고", "엉성합니다", "나빴다"]


def examples(count: int) -> list[NewExample]:
    """Short reviews of unlike length whose last word decides the label; no two alike."""
    found = []
    for number in range(count):
        words = [WORDS[(number * 3 + at) % len(WORDS)] for at in range(1 + number % 6)]
        good = number % 2 == 0
        last = (GOOD if good else BAD)[number // 2 % 3]
        text = f"{number} {' '.join(words)} {last}"
        found.append(NewExample(variables={"input": text}, output="긍정" if good else "부정"))
    return found


def fill(project: Project, train: int = 24, dev: int = 8, test: int = 4) -> None:
    project.examples.set_task(TASK)
    project.examples.add(examples(train + dev + test))
    ids = [one.id for one in project.examples.page(limit=train + dev + test)]
    parts: list[tuple[Split, list[int]]] = [("train", ids[:train]), ("dev", ids[train : train + dev])]
    for split, some in [*parts, ("test", ids[train + dev :])]:
        project.examples.set_split(some, split)  # type: ignore[arg-type]


def config_for(folder: Path, **fields: Any) -> TrainingConfig:
    """LoRA on the model in `folder`, a dozen steps."""
    assistant = Assistant(
        name="영화평",
        model=ModelRef(kind="local", name=str(folder)),
        instructions=Instructions(template="평: {input}\n감성:"),
        decoding=Decoding(max_new_tokens=8),
    )
    told: dict[str, Any] = {
        "assistant": assistant,
        "method": "lora",
        "r": 4,
        "lora_alpha": 8,
        "learning_rate": 5e-3,
        "num_train_epochs": 2.0,
        "per_device_train_batch_size": 4,
        "dtype": "float32",
        "eval_steps": 4,
        "metric_examples": 4,
        "sample_inputs": 2,
        "engine": "trl",
        **fields,
    }
    return TrainingConfig(**told)


def submitted(runs: Runs, config: TrainingConfig) -> Run:
    return runs.submit("training", config.model_dump(mode="json"), "영화평")


class Minded(Progress):
    """Does something the moment a step is done: `at` step -> what."""

    def __init__(self, folder: RunFolder, state: RunState, at: Mapping[int, Callable[[], object]]) -> None:
        super().__init__(folder, state)
        self._at = dict(at)

    def done(self, done: int) -> None:
        super().done(done)
        if done in self._at:
            self._at.pop(done)()


def do(run: Run, settings: Settings, stop_at: int | None = None, **at: Callable[[], object]) -> Progress:
    """The work of a run in this process, as its worker would do it; `step_5=...` is called after step 5."""
    folder = RunFolder(run.folder)
    happens = {int(name.removeprefix("step_")): what for name, what in at.items()}
    progress = Minded(folder, folder.read_state(), happens)
    if stop_at is not None:
        progress._at[stop_at] = progress.ask_to_stop
    job = Job(run.folder, run.config, settings)
    job.output.mkdir(exist_ok=True)
    try:
        work(job, progress)
    finally:
        folder.write_state(progress.state())
    return progress


def stopped(run: Run, settings: Settings, at: int) -> None:
    """An attempt that ends by a stop after step `at`."""
    with pytest.raises(Stopped):
        do(run, settings, stop_at=at)


def points(run: Run) -> dict[tuple[str, int], float]:
    """(name, step) -> value of the run's curves, as a reader sees them: what a resume undid is left out."""
    found: dict[tuple[str, int], float] = {}
    for line in read_lines(run.folder / "metrics.jsonl"):
        if "resumed" in line:
            found = {key: value for key, value in found.items() if key[1] <= line["resumed"]}
        found |= {(name, line["step"]): line[name] for name in ("loss", "eval_loss", "metric") if name in line}
    return found


def result(run: Run) -> dict[str, Any]:
    return RunFolder(run.folder).read_state().result


__all__ = ["add_folder", "config_for", "do", "fill", "points", "result", "stopped", "submitted"]
