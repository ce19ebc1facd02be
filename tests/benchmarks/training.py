"""How fast a run trains: against a bare TRL script, against that script's defaults, Unsloth against TRL; and its start.

    python -m tests.benchmarks.training [--model FOLDER] [--pairs 3] [--steps 20] [--full]

Process for process: a run is submitted to the run service and done by its worker; a script is a process with TRL's
trainer and a clock. Both train the same rows, the film reviews that ship, in fp32 on the processor. Tokens per second
are those that are no padding, over the time of the steps, without loading, evaluating and saving. Rounds follow each
other; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backend.assistants import Assistant, ModelRef
from backend.examples.example import NewExample
from backend.jobs.child import ROOT, cores, environment
from backend.jobs.folder import read_lines
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.projects.sample import ASSISTANTS, REVIEWS, TASK, chat_template
from backend.settings import ASSETS, Settings
from backend.training.config import TrainingConfig
from tests.benchmarks.report import Figure, median_of, report
from tests.waiting import ended

LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
SAME = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "gradient_checkpointing",
    "train_sampling_strategy",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "max_steps",
    "optim",
    "seed",
)
"""Arguments that a script of the same config takes over as they are."""


@dataclass(frozen=True)
class Trained:
    """One process's training: useful tokens per second, and seconds from its start to the end of the first step."""

    tokens_s: float
    first_s: float
    detail: dict[str, Any]


class Bench:
    """A home with one project of short reviews, all of them for training."""

    def __init__(self, home: Path, model: Path, steps: int) -> None:
        self.settings = Settings(home=home, offline=True)
        self.model, self.steps = model, steps
        self.projects = Projects(home / "projects")
        self.project: Project = self.projects.open("owner", self.projects.create("owner", "reviews").id)
        self._fill()
        self.runs = Runs(self.project.runs_folder, self.settings)
        self.rows: Path | None = None

    def _fill(self) -> None:
        """No dev split: a script has none either."""
        store = self.project.examples
        with (ASSETS / "samples" / REVIEWS).open(encoding="utf-8-sig", newline="") as file:
            _names, *rows = csv.reader(file)
        store.set_task(TASK)
        store.add(NewExample(variables={"input": row[0]}, output=row[1]) for row in rows)
        store.set_split([one.id for one in store.page(limit=len(rows))], "train")

    def assistant(self) -> Assistant:
        own = self.model.resolve() != self.settings.starter.resolve()
        ref = add_folder(self.settings, str(self.model.resolve())) if own else ModelRef()
        return ASSISTANTS[0].model_copy(update={"model": ref, "chat_template": chat_template(self.model)})

    def config(self, **fields: Any) -> TrainingConfig:
        told = {"target_modules": "all-linear", "metric_examples": 0, "sample_inputs": 0, "dtype": "float32", **fields}
        return TrainingConfig(
            assistant=self.assistant(), max_steps=self.steps, engine=told.pop("engine", "trl"), **told
        )

    def defaults(self) -> TrainingConfig:
        """What the page fills in by itself, cut to as many steps."""
        from backend.training.estimating.plan import prefilled

        host = ModelHost(self.settings, Endpoints(self.settings.home, True))
        asked = TrainingConfig(assistant=self.assistant(), effort="balanced")
        config = prefilled(self.project, host, asked)
        host.close()
        return config.model_copy(update={"max_steps": self.steps, "metric_examples": 0, "sample_inputs": 0})

    def run(self, config: TrainingConfig) -> Trained:
        """Raises RuntimeError with the end of its log when it fails."""
        began = time.time()
        run: Run = ended(self.runs, self.runs.submit("training", config.model_dump(mode="json"), "benchmark"))
        if run.state != "succeeded":
            raise RuntimeError(f"{run.error_key} {run.error_details}\n{self.runs.log(run.id)[-2000:]}")
        self.rows = run.folder / "data" / "train.jsonl"
        first = next(line["time"] for line in read_lines(run.folder / "metrics.jsonl") if "loss" in line)
        told = {name: run.result.get(name) for name in ("engine", "tokens", "seconds", "steps", "peak_bytes")}
        return Trained(float(run.result["tokens_per_s"]), first - began, told)

    def script(self, **arguments: Any) -> Trained:
        """A bare script over the rows of the run before it."""
        given = {"model": str(self.model), "rows": str(self.rows), "lora": LORA, "began": time.time()}
        place = {"output_dir": str(self.settings.home / "bare"), "use_cpu": True}
        told = json.dumps({**given, "arguments": {**place, **arguments}})
        own = environment(os.environ, all_cores=True)
        command = [sys.executable, "-m", "tests.benchmarks.bare_trl", told]
        done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=900)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        found = json.loads(done.stdout.strip().splitlines()[-1])
        return Trained(found["tokens"] / found["seconds"], found["first"], found)

    def close(self) -> None:
        self.projects.close()


def same(config: TrainingConfig) -> dict[str, Any]:
    """A config in the words of the script, with what TRL would do by default and the run does not, switched off."""
    told = {name: getattr(config, name) for name in SAME}
    return {**told, "bf16": False, "max_length": None}


@dataclass
class Rounds:
    """What each kind of process took, round by round."""

    ours: list[Trained]
    bare: list[Trained]
    fast: list[Trained]
    chosen: list[Trained]
    plain: list[Trained]


def measured(bench: Bench, pairs: int) -> Rounds:
    rounds = Rounds([], [], [], [], [])
    config, chosen = bench.config(), bench.defaults()
    for number in range(pairs):
        told(f"round {number + 1} of {pairs}")
        rounds.ours.append(bench.run(config))
        rounds.bare.append(bench.script(**same(config)))
        if find_spec("unsloth") is not None:
            rounds.fast.append(bench.run(config.model_copy(update={"engine": "unsloth"})))
        rounds.chosen.append(bench.run(chosen))
        # TRL computes in bf16 by default, which takes thirty times longer on a processor; nobody would leave it so.
        rounds.plain.append(bench.script(bf16=False, max_steps=bench.steps))
    return rounds


def figures(bench: Bench, pairs: int) -> Iterator[Figure]:
    rounds = measured(bench, pairs)
    yield compared("script_ratio", rounds.ours, rounds.bare, ">= 0.97", what="run by TRL over a bare TRL script")
    defaults = "the page's own config over TRL's defaults but for bf16, which is off in both"
    yield compared("defaults_ratio", rounds.chosen, rounds.plain, ">= 1.5", what=defaults, engine=engine(rounds.chosen))
    yield median_of(
        "start_overhead_s", [beyond_loading(*pair) for pair in zip(rounds.ours, rounds.bare, strict=True)], "s", "<= 5",
        to_first_step_s=[round(one.first_s, 1) for one in rounds.ours],
        script_to_first_step_s=[round(one.first_s, 1) for one in rounds.bare],
        script_beyond_loading_s=[round(beyond_loading(one, one), 1) for one in rounds.bare],
    )  # fmt: skip
    if rounds.fast and engine(rounds.fast) == "unsloth":
        starts = [round(one.first_s, 1) for one in rounds.fast]
        what = "run by Unsloth over run by TRL"
        yield compared("unsloth_ratio", rounds.fast, rounds.ours, ">= 1", what=what, to_first_step_s=starts)
    else:
        why = "Unsloth is not installed" if not rounds.fast else "Unsloth does not take this model"
        yield Figure("unsloth_ratio", None, "x", ">= 1", {"why": why})


def compared(name: str, ours: list[Trained], theirs: list[Trained], aim: str, **detail: Any) -> Figure:
    ratios = [one.tokens_s / other.tokens_s for one, other in zip(ours, theirs, strict=True)]
    return median_of(
        name, ratios, "x", aim, tokens_s=[round(one.tokens_s) for one in ours],
        against_tokens_s=[round(one.tokens_s) for one in theirs], steps=ours[0].detail["steps"], cores=cores(),
        **detail,
    )  # fmt: skip


def beyond_loading(ours: Trained, bare: Trained) -> float:
    """Seconds to the end of the first step without what a bare script takes to load the model and to do that step."""
    return ours.first_s - float(bare.detail["loaded"]) - float(bare.detail["first_step"])


def engine(trained: list[Trained]) -> str:
    return str(trained[0].detail["engine"])


def told(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=Settings().starter, help="model folder (default: the starter)")
    arguments.add_argument("--pairs", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--full", action="store_true", help="seven rounds of sixty steps")
    given = arguments.parse_args()
    pairs, steps = (7, 60) if given.full else (given.pairs, given.steps)
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home), given.model, steps)
        try:
            report(figures(bench, pairs))
        finally:
            bench.close()


if __name__ == "__main__":
    main()
