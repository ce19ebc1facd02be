"""Did training help? Base, few-shot, LoRA and full fine-tuning on the locked test split of open data, with intervals.

    python -m tests.benchmarks.gain --data reviews.csv banking.csv questions.csv [--rows 1500] [--effort balanced]
                                    [--model FOLDER] [--methods lora full] [--keep FOLDER]

Each table is brought in, guessed and split as the page does it. What is trained, and how, comes from the presets that
the page fills its form with; nothing is tuned for a set. First come scores on the test split with their 95 % intervals
and what each cost to make, then every pair with its verdict in words.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.assistants import Assistant, Selection
from backend.evaluation.comparison import Comparison
from backend.fewshot.choosing import build_examples
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.prompts.for_task import plain_assistant
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.estimating.plan import prefilled
from backend.training.start import start_training
from backend.training.telling.outcome import save_assistant
from tabs.text import Words
from tests.benchmarks.report import Figure, report
from tests.benchmarks.walk import bring, measured, waited

SHOTS = 4


@dataclass(frozen=True)
class Studio:
    """One home folder and one project in it."""

    settings: Settings
    projects: Projects
    project: Project
    runs: Runs
    host: ModelHost

    def close(self) -> None:
        self.host.close()
        self.projects.close()


def opened(home: Path, name: str) -> Studio:
    settings, projects = Settings(home=home), Projects(home / "projects")
    project = projects.open("owner", projects.create("owner", name).id)
    host = ModelHost(settings, Endpoints(home, True))
    return Studio(settings, projects, project, Runs(project.runs_folder, settings), host)


def trained(studio: Studio, parent: int, method: str, effort: str) -> tuple[int, Run]:
    """The id of the assistant that a run by the page's own preset made, and the run."""
    base: Assistant = studio.project.assistants.get(parent).assistant
    asked = TrainingConfig(assistant=base, parent_id=parent, method=method, effort=effort)  # type: ignore[arg-type]
    config = prefilled(studio.project, studio.host, asked)
    run = waited(studio.runs, start_training(studio.runs, studio.project, studio.host, config, method))
    return save_assistant(studio.project, studio.host.adapters, run, method).id, run


def figures(home: Path, data: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    studio, words = opened(home, data.stem), Words(arguments.language)
    table = bring(studio.project, data, arguments.rows)
    task = studio.project.examples.task()
    if task is None:
        raise RuntimeError("the table gave no task")
    plain = plain_assistant(task, words.language)
    if arguments.model:
        plain = plain.model_copy(update={"model": add_folder(studio.settings, str(arguments.model.resolve()))})
    shown = build_examples(studio.project, Selection(method="balanced" if task.labelled else "random", count=SHOTS))
    base = studio.project.assistants.save("base", plain)
    shots = studio.project.assistants.save("few-shot", plain.model_copy(update={"examples": shown}), parent=base.id)
    made = {base.id: {}, shots.id: {}}
    for method in arguments.methods:
        number, run = trained(studio, base.id, method, arguments.effort)
        made[number] = told_of(run)
    comparison, seconds = measured(studio.project, studio.runs, list(made))
    yield from scores(data.stem, comparison, made, table)
    yield from verdicts(data.stem, comparison, words)
    yield Figure(f"{data.stem}_evaluation_s", round(seconds, 1), "s", ">= 0", {"answers": comparison.n * len(made)})
    studio.close()


def told_of(run: Run) -> dict[str, Any]:
    wanted = ("engine", "steps", "best_step", "seconds", "trainable", "total", "tokens_per_s", "peak_bytes")
    return {name: run.result[name] for name in wanted if name in run.result}


def scores(name: str, comparison: Comparison, made: dict[int, Any], table: dict[str, Any]) -> Iterator[Figure]:
    for row in comparison.rows:
        if row.score is None:
            continue
        between = [round(row.score.interval.low, 3), round(row.score.interval.high, 3)]
        told = {"metric": row.score.metric, "interval": between, "n": row.score.n, "unreadable": row.unreadable}
        value = round(row.score.value, 3)
        yield Figure(f"{name}_{row.name}", value, "of 1", ">= 0", {**told, **made[row.saved.id], **table})


def verdicts(name: str, comparison: Comparison, words: Words) -> Iterator[Figure]:
    for (first, second), verdict in comparison.pairs.items():
        difference = verdict.difference
        between = [round(difference.low, 3), round(difference.high, 3)]
        sentence = words.t(verdict.key, **verdict.details)
        pair = f"{name}_{comparison.rows[second].name} - {comparison.rows[first].name}"
        told = {"verdict": sentence, "interval": between, "p": difference.p_corrected}
        yield Figure(pair, round(difference.value, 3), "of 1", ">= -1", told)


def every(arguments: argparse.Namespace) -> Iterator[Figure]:
    for data in arguments.data:
        if arguments.keep:
            yield from figures(arguments.keep / data.stem, data, arguments)
            continue
        with tempfile.TemporaryDirectory() as home:
            yield from figures(Path(home), data, arguments)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, nargs="+", required=True)
    arguments.add_argument("--language", choices=("ko", "en"), default="en")
    arguments.add_argument("--rows", type=int, default=1500)
    arguments.add_argument("--effort", choices=("quick", "balanced", "thorough"), default="balanced")
    arguments.add_argument("--methods", nargs="+", default=["lora", "full"])
    arguments.add_argument("--model", type=Path, help="a model folder; the practice model without it")
    arguments.add_argument("--keep", type=Path)
    report(every(arguments.parse_args()))


if __name__ == "__main__":
    main()
