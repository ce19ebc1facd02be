"""A run as a Python script that knows nothing of this studio: TRL, PEFT and transformers by their own APIs.

On a processor in float32 it gives the very weights that the run gave: same rows in the same order, same starting
numbers, same arguments. The rows lie beside it as the run's own snapshot has them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

from backend.assistants import ModelRef
from backend.evaluation.report import libraries
from backend.jobs.run import Run
from backend.models.adapter_files import WHOLE_TENSORS
from backend.settings import ASSETS
from backend.training.config import TrainingConfig
from backend.training.methods.catalog import METHODS
from backend.training.values import Rows

TEMPLATE: Final = ASSETS / "takeaway" / "train.py.j2"
LIBRARIES: Final = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "bitsandbytes")
ABOUT_THE_FILE: Final = frozenset(
    {"base_model_name_or_path", "revision", "inference_mode", "peft_version", "auto_mapping", "runtime_config"}
)
"""Fields of a saved PEFT config that say where it was, not what it is."""
OURS: Final = frozenset({"output_dir", "save_total_limit", "load_best_model_at_end", "save_steps", "dataset_kwargs"})
"""Arguments that the script sets by itself."""


def script_text(run: Run, config: TrainingConfig, rows: Rows, adapter: Path, base_folder: Path) -> str:
    """The script of a finished run. `adapter` is the folder of what it yielded, `base_folder` its base model's."""
    from jinja2 import Environment, StrictUndefined

    # What it writes is Python, not HTML: every value goes in as a literal.
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["literal"] = repr
    told = _contents(run, config, rows, adapter, base_folder)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(**told)


def _contents(run: Run, config: TrainingConfig, rows: Rows, adapter: Path, base_folder: Path) -> dict[str, Any]:
    from backend.models.loading import best_device
    from backend.models.memory import numbers
    from backend.models.quantizing import NOT_QUANTIZED
    from backend.training.estimating.batches import cadence_of
    from backend.training.methods.building import weights_dtype
    from backend.training.methods.optimizers import LEAST_STEPS

    device = best_device()
    head, spec = config.objective == "head", METHODS[config.method]
    pace = cadence_of(config, rows)
    peft_class, fields = _peft(config, adapter) if spec.peft else ("", [])
    versions = libraries(LIBRARIES)
    told = {
        "title": _one_line(f"{run.title or config.method}: {config.method} over {config.assistant.model.label()}"),
        "libraries": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "packages": " ".join(
            f"{name}=={number.split('+')[0]}" for name, number in versions.items() if name in LIBRARIES
        ),
        "base": named(config.assistant.model),
        "labels": list(rows.labels) if head else [],
        "model_class": "AutoModelForSequenceClassification" if head else "AutoModelForCausalLM",
        "quantization": config.quantization,
        "whole_layers": list(NOT_QUANTIZED),
        "dtype": str(weights_dtype(config, device, numbers(base_folder))).removeprefix("torch."),
        "seed": config.seed,
        "checkpointing": config.gradient_checkpointing,
        "starts": config.assistant.adapter is not None,
        "peft_class": peft_class,
        "peft_fields": fields,
        "moving": [] if spec.peft else _tensors(adapter / WHOLE_TENSORS),
        "dev": pace.dev_rows > 0,
        "adalora": config.method == "adalora",
        "least_steps": LEAST_STEPS,
        "callbacks": _callbacks(config, pace.dev_rows > 0),
        "arguments_class": "TrainingArguments" if head else "SFTConfig",
        "trainer_class": "Trainer" if head else "SFTTrainer",
        "arguments": _arguments(config, rows, pace, device),
        "grouped": config.train_sampling_strategy == "group_by_length",
        "loraplus_lr_ratio": config.loraplus_lr_ratio if config.method == "lora_plus" else None,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
    }
    return {**told, "imports": _imports(told)}


def named(ref: ModelRef) -> str:
    """What the script calls the base: its hub id, or its folder's name, to which only this machine knows the way."""
    return ref.name if ref.kind == "hub" else ref.label()


def _arguments(config: TrainingConfig, rows: Rows, pace: Any, device: Any) -> list[tuple[str, Any]]:
    from backend.training.running.arguments import sft_arguments, shared_arguments

    shared = shared_arguments(config, pace, Path("checkpoints"), device, resumes=False)
    told = {name: value for name, value in shared.items() if name not in OURS and value is not None}
    told["save_steps"], told["save_total_limit"] = pace.eval_steps if pace.dev_rows else pace.save_steps, 2
    if pace.dev_rows:
        told["load_best_model_at_end"] = True
    if config.objective != "head":
        longest = max((*rows.lengths, *rows.dev_lengths), default=1)
        made = sft_arguments(config, shared, longest)
        own = ("max_length", "packing", "eval_packing", "dataset_kwargs", "loss_type")
        told.update(
            {name: getattr(made, name) for name in own if getattr(made, name) is not None or name == "max_length"}
        )
    return sorted(told.items())


def _peft(config: TrainingConfig, adapter: Path) -> tuple[str, list[tuple[str, Any]]]:
    """The class of PEFT's config and the fields that differ from its defaults."""
    from peft import PeftConfig

    kept = PeftConfig.from_pretrained(str(adapter))
    found = []
    for field in dataclasses.fields(kept):
        value = getattr(kept, field.name)
        value = sorted(value) if isinstance(value, set) else getattr(value, "value", value)
        default = field.default_factory() if callable(field.default_factory) else field.default
        if (
            field.name not in ABOUT_THE_FILE | {"peft_type"}
            and field.init
            and value != getattr(default, "value", default)
        ):
            found.append((field.name, _plain(value)))
    if config.init_lora_weights != "default" and config.method in {"lora", "rslora", "lora_plus"}:
        # What was saved is put over the untouched base, whatever it began with.
        found = [one for one in found if one[0] != "init_lora_weights"] + [
            ("init_lora_weights", config.init_lora_weights)
        ]
    return type(kept).__name__, found


def _callbacks(config: TrainingConfig, dev: bool) -> list[str]:
    patience = config.early_stopping_patience
    stops = [f"EarlyStoppingCallback({patience})"] if patience and dev else []
    return [*stops, *(["Ranks()"] if config.method == "adalora" else [])]


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def _tensors(file: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(file, "pt") as held:
        return sorted(held.keys())


def _imports(told: dict[str, Any]) -> list[str]:
    """Import lines for what the script uses, sorted as tools sort them."""
    peft = [name for name, wanted in (
        (told["peft_class"], bool(told["peft_class"]) and not told["starts"]),
        ("get_peft_model", bool(told["peft_class"]) and not told["starts"]),
        ("PeftModel", told["starts"]),
        ("prepare_model_for_kbit_training", bool(told["quantization"])),
    ) if wanted]  # fmt: skip
    head = bool(told["labels"])
    library = ["AutoTokenizer", told["model_class"]]
    library += ["BitsAndBytesConfig"] if told["quantization"] else []
    library += ["DataCollatorWithPadding", "Trainer", "TrainingArguments"] if head else []
    library += ["TrainerCallback"] if told["adalora"] else []
    library += ["EarlyStoppingCallback"] if any("Early" in one for one in told["callbacks"]) else []
    lines = ["from datasets import load_dataset"]
    lines += [f"from peft import {', '.join(sorted(peft))}"] if peft else []
    lines += ["from peft.optimizers import create_loraplus_optimizer"] if told["loraplus_lr_ratio"] else []
    lines += [f"from transformers import {', '.join(sorted(library))}"]
    lines += ["from transformers.trainer_pt_utils import get_length_grouped_indices"] if told["grouped"] else []
    return lines + ([] if head else ["from trl import SFTConfig, SFTTrainer"])


def _one_line(text: str) -> str:
    """For a docstring: nothing in a title may end it."""
    return " ".join(text.split()).replace("\\", " ").replace('"', "'")
