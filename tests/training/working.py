"""What the tests of a training run stand on: a project of reviews, a tiny model, configs that take seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.examples.example import NewExample, Split
from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.installed import add_folder
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.work import work

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


def do(run: Run, settings: Settings) -> Progress:
    """The work of a run in this process, as its worker would do it."""
    folder = RunFolder(run.folder)
    progress = Progress(folder, folder.read_state())
    job = Job(run.folder, run.config, settings)
    job.output.mkdir(exist_ok=True)
    try:
        work(job, progress)
    finally:
        folder.write_state(progress.state())
    return progress


__all__ = ["add_folder", "config_for", "do", "fill", "submitted"]
