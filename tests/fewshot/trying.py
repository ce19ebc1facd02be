"""What the tests of search, sensitivity and learning curve stand on: films with labels, a worker to wait for."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from typing import Any

from backend.assistants import Assistant, Decoding, Examples, Instructions, ModelRef, Shot
from backend.examples.example import NewExample, Split
from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.kinds import Job, kind_named
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.settings import ASSETS, Settings

TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
PLAIN = Assistant(
    name="영화평",
    instructions=Instructions(
        system="영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오.", template="평: {input}\n감성:"
    ),
    decoding=Decoding(max_new_tokens=4),
)
ONE = Shot(variables={"input": "정말 좋았다"}, output="긍정")


def reviews() -> list[NewExample]:
    """The Korean reviews that come with the studio."""
    with (ASSETS / "samples" / "reviews.csv").open(encoding="utf-8-sig") as file:
        return [NewExample(variables={"input": row["input"]}, output=row["label"]) for row in csv.DictReader(file)]


def fill(project: Project, train: int, dev: int, test: int = 10, task: Task = TASK) -> None:
    """The first so many reviews of each split."""
    project.examples.set_task(task)
    project.examples.add(reviews()[: train + dev + test])
    ids = [one.id for one in project.examples.page(limit=train + dev + test)]
    parts: list[tuple[Split, list[int]]] = [("train", ids[:train]), ("dev", ids[train : train + dev])]
    for split, some in [*parts, ("test", ids[train + dev :])]:
        project.examples.set_split(some, split)  # type: ignore[arg-type]


def with_shots(assistant: Assistant, *shots: Shot) -> Assistant:
    return assistant.model_copy(update={"examples": Examples(shots=shots)})


def remote(settings: Settings, url: str) -> Assistant:
    """The assistant through a server on this machine."""
    endpoint = Endpoints(settings.home).add("here", url, "sk-very-secret")
    model = ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id)
    return PLAIN.model_copy(update={"model": model})


def do(run: Run, settings: Settings) -> Progress:
    """The work of a run in this process, as its worker would do it."""
    folder = RunFolder(run.folder)
    progress = Progress(folder, folder.read_state())
    job = Job(run.folder, run.config, settings)
    job.output.mkdir(exist_ok=True)
    kind_named(run.kind).load()(job, progress)
    return progress


def tell(key: str, details: Any) -> str:
    """Stands for the words of a page: the key, and its details."""
    return f"{key} {dict(details)}"


def kept(project: Project) -> list[tuple[str, str]]:
    """(fingerprint, input) of every answer in the store."""
    with closing(sqlite3.connect(project.folder / "project.db", timeout=20)) as database:
        return database.execute("SELECT assistant, input_key FROM answers").fetchall()
