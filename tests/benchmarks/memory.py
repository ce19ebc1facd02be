"""Is the estimate honest? Configs are probed, estimated, and then run; peak and time are set beside the estimate.

    python -m tests.benchmarks.memory [--full] [--only lora head ...]

Each config has a probe and a run of its own, both in workers as the studio starts them, on the practice model and the
reviews that ship. The peak is the worker's largest resident set. The time is from the run's first moment to its last,
without what its threads spent waiting while other programs had the cores (Linux counts that): on a machine left alone
the two are the same, on a busy one only this says anything about the estimate. The plain time is in `detail`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.prompts.for_task import plain_assistant
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.estimating.estimate import Estimate
from backend.training.estimating.plan import plan
from backend.training.estimating.probe import start_probe
from backend.training.estimating.quiet import Stopwatch
from tests.benchmarks.report import Figure, report
from tests.fewshot.trying import fill

TASK: Final = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
POLL_S: Final = 0.25
CONFIGS: Final[dict[str, dict[str, Any]]] = {
    "lora": {},
    "lora_16": {"per_device_train_batch_size": 16},
    "lora_summed": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
    "lora_random": {"train_sampling_strategy": "random"},
    "lora_recomputed": {"gradient_checkpointing": True, "per_device_train_batch_size": 16},
    "dora": {"method": "dora"},
    "qlora": {"quantization": "nf4"},
    "ia3": {"method": "ia3"},
    "prompt_tuning": {"method": "prompt_tuning"},
    "last_layers": {"method": "last_layers"},
    "full": {"method": "full"},
    "full_32": {"method": "full", "per_device_train_batch_size": 32},
    "head": {"objective": "head"},
    "frozen": {"objective": "head", "method": "frozen"},
}


@dataclass(frozen=True)
class Measured:
    """`seconds` as the clock has it, `undisturbed` without waiting for other programs."""

    name: str
    estimate: Estimate
    peak_bytes: int
    seconds: float
    undisturbed: float

    @property
    def memory_off(self) -> float:
        return self.estimate.memory.value / self.peak_bytes - 1

    @property
    def time_off(self) -> float:
        return self.estimate.seconds.value / self.undisturbed - 1

    def told(self) -> dict[str, object]:
        return {
            "memory_mb": round(self.peak_bytes / 2**20),
            "memory_estimate_mb": round(self.estimate.memory.value / 2**20),
            "memory_off": round(self.memory_off, 3),
            "seconds": round(self.seconds, 1),
            "undisturbed_s": round(self.undisturbed, 1),
            "seconds_estimate": round(self.estimate.seconds.value, 1),
            "time_off": round(self.time_off, 3),
            "probe_disturbed": self.estimate.disturbed,
        }


def watched(runs: Runs, run: Run) -> tuple[Run, float]:
    """The run after its end, and its seconds of work without waiting for other programs."""
    folder, watch = RunFolder(run.folder), None
    while (run := runs.get(run.id)).active:
        process = folder.process()
        if watch is None and process is not None and run.state == "running":
            watch = Stopwatch(process.pid)
        elif watch is not None:
            watch.lap()
        time.sleep(POLL_S)
    if run.state != "succeeded":
        raise RuntimeError(f"{run.error_key}: {runs.log(run.id)[-2_000:]}")
    return run, watch.seconds if watch is not None else 0.0


def measured(name: str, project: Project, runs: Runs, host: ModelHost, config: TrainingConfig) -> Measured:
    watched(runs, start_probe(runs, config, name))
    told = plan(project, host, config).estimate
    run, undisturbed = watched(runs, runs.submit("training", config.model_dump(mode="json"), name))
    spent = (run.ended or 0.0) - (run.started or 0.0)
    return Measured(name, told, int(run.result["peak_bytes"]), spent, min(spent, undisturbed))


def figures(home: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    settings, projects = Settings(home=home), Projects(home / "projects")
    project = projects.open("owner", projects.create("owner", "memory").id)
    fill(project, *((400, 80, 10) if arguments.full else (100, 24, 10)), TASK)
    host, runs = ModelHost(settings, Endpoints(home, True)), Runs(project.runs_folder, settings)
    base = TrainingConfig(assistant=plain_assistant(TASK, "ko"), engine="trl", early_stopping_patience=0)
    base = base.model_copy(update={"num_train_epochs": 4.0 if arguments.full else 3.0, "learning_rate": 1e-3})
    found, faults = [], {}
    for name in arguments.only or CONFIGS:
        try:
            one = measured(name, project, runs, host, base.model_copy(update=CONFIGS[name]))
        except RuntimeError as fault:
            faults[name] = str(fault)
            continue
        found.append(one)
        yield Figure(f"memory_{name}", round(abs(one.memory_off), 3), "of 1", "<= 0.15", one.told())
        yield Figure(f"time_{name}", round(abs(one.time_off), 3), "of 1", "<= 0.2", {"seconds": round(one.seconds, 1)})
    host.close()
    projects.close()
    yield share("memory_within_15", [abs(one.memory_off) <= 0.15 for one in found], faults)
    yield share("time_within_20", [abs(one.time_off) <= 0.2 for one in found], faults)


def share(name: str, within: list[bool], faults: dict[str, str]) -> Figure:
    if not within:
        return Figure(name, None, "of 1", ">= 0.9", {"why": "no config ran", "failed": faults})
    return Figure(
        name, round(sum(within) / len(within), 3), "of 1", ">= 0.9", {"configs": len(within), "failed": faults}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="longer runs on more examples")
    parser.add_argument("--only", nargs="+", choices=list(CONFIGS), help="these configs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        report(figures(Path(home), arguments))


if __name__ == "__main__":
    main()
