"""A newcomer's walk over a table of their own: import, split, plain prompt, examples, search, compare, report.

    python -m tests.benchmarks.walk --data reviews.csv [--language ko] [--rows 1000] [--answers 600] [--keep FOLDER]

The table is read, mapped and its task guessed as the page does it. Four assistants answer the same test examples: the
input alone, the task's plain prompt, the plain prompt with four examples even over the labels, and what the search for
instructions found on dev. First come scores on the test split with their intervals, then every pair with its verdict.
`--keep` leaves the home folder and the report there.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from backend.assistants import Instructions, Selection
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.report import Extras, write_report
from backend.evaluation.run import start_evaluation
from backend.examples.guessing import guess_task
from backend.examples.importing import examples_of, read_source
from backend.examples.mapping import guess_mapping
from backend.examples.splits import make_splits, plan_splits
from backend.fewshot.choosing import build_examples
from backend.fewshot.instructions import InstructionBudget, start_instructions
from backend.fewshot.outcome import outcome_of, save_candidate
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.prompts.for_task import plain_assistant
from backend.settings import Settings
from tabs.text import Words
from tests.benchmarks.report import Figure, report

POLL_S = 0.5


def bring(project: Project, data: Path, rows: int) -> dict[str, Any]:
    """Import a drawn part of the table; what was guessed of it."""
    source = read_source(data, data.name)
    mapping = guess_mapping(source)
    task = guess_task(source, mapping).task
    project.examples.set_task(task)
    every = list(islice(examples_of(source, mapping, task), 200_000))
    added = project.examples.add(random.Random(0).sample(every, min(rows, len(every))), "import")
    make_splits(project.examples, plan_splits(project.examples))
    counts = project.examples.counts()
    told = {"kind": task.kind, "labels": len(task.labels), "metric": task.metric, "added": added.count}
    return {**told, "train": counts.train, "dev": counts.dev, "test": counts.test}


def waited(runs: Runs, run: Run) -> Run:
    while runs.get(run.id).active:
        time.sleep(POLL_S)
    over = runs.get(run.id)
    if over.state != "succeeded":
        raise RuntimeError(f"{over.kind} ended {over.state}: {over.error_key} {over.error_details}")
    return over


def assistants(project: Project, runs: Runs, words: Words, answers: int) -> list[int]:
    """The ids of the four, as a person would come to them."""
    task = project.examples.task()
    if task is None:
        raise RuntimeError("the table gave no task")
    plain = plain_assistant(task, words.language)
    bare = plain.model_copy(update={"instructions": Instructions(template="\n".join(f"{{{n}}}" for n in task.inputs))})
    saved = [project.assistants.save("input alone", bare), project.assistants.save("plain prompt", plain)]
    shots = build_examples(project, Selection(method="balanced", count=4))
    saved.append(project.assistants.save("four examples", plain.model_copy(update={"examples": shots})))
    run = waited(runs, start_instructions(runs, project, bare, InstructionBudget(answers=answers), saved[0].id))
    outcome = outcome_of(run)
    if outcome is not None and outcome.better:
        saved.append(save_candidate(project, run, lambda key, told: words.t(key, **told), "searched instructions"))
    return [one.id for one in saved]


def measured(project: Project, runs: Runs, ids: list[int]) -> tuple[Comparison, float]:
    began = time.perf_counter()
    waited(runs, start_evaluation(runs, project, ids, "test"))
    return compare(project, ids, "test"), time.perf_counter() - began


def figures(home: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    settings, words = Settings(home=home), Words(arguments.language)
    projects = Projects(home / "projects")
    project = projects.open("owner", projects.create("owner", arguments.data.stem).id)
    runs = Runs(project.runs_folder, settings)
    table = bring(project, arguments.data, arguments.rows)
    ids = assistants(project, runs, words, arguments.answers)
    comparison, seconds = measured(project, runs, ids)
    for row in comparison.rows:
        if row.score is None:
            continue
        between = [round(row.score.interval.low, 3), round(row.score.interval.high, 3)]
        told = {"interval": between, "n": row.score.n, "unreadable": row.unreadable, **table}
        yield Figure(row.name.replace(" ", "_"), round(row.score.value, 3), "of 1", ">= 0", told)
    for (first, second), verdict in comparison.pairs.items():
        sentence, difference = words.t(verdict.key, **verdict.details), verdict.difference
        between = [round(difference.low, 3), round(difference.high, 3)]
        told = {"verdict": sentence, "interval": between, "p": difference.p_corrected}
        name = f"{comparison.rows[second].name} - {comparison.rows[first].name}".replace(" ", "_")
        yield Figure(name, round(difference.value, 3), "of 1", ">= -1", told)
    yield Figure("evaluation_s", round(seconds, 1), "s", ">= 0", {"answers": comparison.n * len(ids)})
    tell = lambda key, told: words.t(key, **told)  # noqa: E731
    write_report(
        home / "report.html", project.info.name, comparison, tell, words.language, words.when(time.time()), Extras({})
    )
    projects.close()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--language", choices=("ko", "en"), default="ko")
    arguments.add_argument("--rows", type=int, default=1000)
    arguments.add_argument("--answers", type=int, default=600)
    arguments.add_argument("--keep", type=Path)
    chosen = arguments.parse_args()
    if chosen.keep:
        report(figures(chosen.keep, chosen))
        return
    with tempfile.TemporaryDirectory() as home:
        report(figures(Path(home), chosen))


if __name__ == "__main__":
    main()
