"""A process of its own that trains a tiny model with one engine, once per config, and tells what it saw as JSON.

    python -m tests.training.engine_child ENGINE MODEL_FOLDER OUTPUT_FOLDER '{"lora": {"method": "lora", ...}, ...}'

Unsloth patches a process for good, so a test never imports it. Every name that is looked up and every address that is
connected to is told: there shall be none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

from backend.jobs.kinds import Job
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.methods.engines import begin, build_of
from backend.training.values import Row, Rows

OUTSIDE = ("socket.getaddrinfo", "socket.connect", "urllib.Request")


def rows(count: int = 24, vocabulary: int = 300) -> Rows:
    """Rows of unlike length; only their last few tokens count."""
    random, made = Random(0), []
    for _ in range(count):
        ids = [random.randrange(10, vocabulary) for _ in range(random.randint(12, 40))]
        labels = [-100] * (len(ids) - 6) + ids[-6:]
        made.append(Row(tuple(ids), tuple(labels), "", ""))
    return Rows(tuple(made), (), ())


def train(config: TrainingConfig, model: Path, output: Path) -> dict[str, Any]:
    """Eight steps; what moved is left in the output folder."""
    output.mkdir()
    job = Job(output, {}, Settings(home=output, offline=True))
    choice = begin(job, config, "cpu")
    built = build_of(choice, job)(config, model)
    from safetensors.torch import save_file
    from transformers import TrainerCallback

    from backend.training.running.cadence import cadence
    from backend.training.running.loop import make_trainer

    losses, norms = [], []

    class Seen(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "loss" in logs:
                losses.append(logs["loss"])
                norms.append(logs["grad_norm"])

    data = rows()
    make_trainer(config, built, data, cadence(config, len(data.train), 0), output / "steps", [Seen()]).train()
    moved = {name: one.detach().clone() for name, one in built.model.named_parameters() if one.requires_grad}
    save_file(moved, output / "moved.safetensors")
    choice_told = {"engine": choice.engine, "reason": choice.reason, "details": dict(choice.details)}
    sizes = {"trainable": built.trainable, "total": built.total}
    return {**choice_told, **sizes, "losses": losses, "norms": norms}


def main() -> None:
    engine, model, output, configs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
    asked: list[str] = []
    sys.addaudithook(lambda name, given: asked.append(f"{name} {given[1:]}") if name in OUTSIDE else None)
    told = {}
    for name, fields in configs.items():
        config = TrainingConfig(engine=engine, max_steps=8, metric_examples=0, dtype="float32", **fields)  # type: ignore[arg-type]
        told[name] = train(config, model, output / name)
    print(json.dumps({"runs": told, "patched": "unsloth" in sys.modules, "asked": asked}), flush=True)


if __name__ == "__main__":
    main()
