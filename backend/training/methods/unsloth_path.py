"""The same model, made by Unsloth. Only a worker imports this, and calls `ready` before transformers is imported.

Unsloth patches transformers, PEFT and TRL for the whole process; since a worker is a process of its own, neither the
studio nor another run sees anything of it. It takes the same trainer, and its adapters are PEFT's, so everything before
and after is as with TRL.

On a processor (since 2026.10.9) it is transformers and PEFT as they are with a cross entropy that is worked out in
pieces and for counted tokens only, and AdamW's fused step; on CUDA it brings kernels of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.errors import ModelProblem, StudioError, first_line
from backend.training.config import TrainingConfig

if TYPE_CHECKING:
    import torch

    from backend.jobs.kinds import Job
    from backend.training.methods.engines import Build
    from backend.training.values import Built

CANNOT: Final = (ImportError, NotImplementedError, RuntimeError, AttributeError, TypeError, ValueError, KeyError)
"""What Unsloth raises for a machine, a model or a version that it does not know."""


def ready(home: Path) -> str | None:
    """Import Unsloth. None when it is ready, else why it is not."""
    os.environ.update(
        {
            # It would tell its makers by a download from their account which kind of machine runs it.
            "UNSLOTH_DISABLE_STATISTICS": "1",
            "UNSLOTH_DISABLE_LLM_COMPRESSOR_AUTOINSTALL": "1",
            # Kernels that it writes on CUDA; else they would lie in the folder of the program.
            "UNSLOTH_COMPILE_LOCATION": str(home / "unsloth"),
            "HF_HUB_OFFLINE": "1",
        }
    )
    try:
        import unsloth  # noqa: F401
    except CANNOT as fault:
        return first_line(fault, 200)
    return None


def build(
    config: TrainingConfig,
    base_folder: Path,
    labels: Sequence[str] = (),
    adapter: Path | None = None,
    device: torch.device | None = None,
) -> Built:
    """As `building.build`, for what `engines.choose` lets through. Raises what Unsloth raises."""
    import torch
    from unsloth import FastLanguageModel

    from backend.models.loading import best_device, check, read_json
    from backend.models.memory import numbers
    from backend.models.tokenizing import open_tokenizer
    from backend.training.methods.building import count, weights_dtype
    from backend.training.values import Built

    check(base_folder)
    device = device or best_device()
    torch.manual_seed(config.seed)
    told = read_json(base_folder / "config.json", base_folder)
    model, _ = FastLanguageModel.from_pretrained(
        str(base_folder),
        max_seq_length=config.max_length or int(told.get("max_position_embeddings") or 2048),
        dtype=weights_dtype(config, device, numbers(base_folder)),
        load_in_4bit=config.quantization == "nf4",
        load_in_8bit=config.quantization == "int8",
        full_finetuning=config.method == "full",
        use_gradient_checkpointing=config.gradient_checkpointing,
        random_state=config.seed,
        local_files_only=True,
        trust_remote_code=False,
    )
    if config.method != "full":
        model = _with_lora(config, model)
    model.train()
    # The rows are made by the tokenizer as it is; Unsloth mends the one that it gives.
    return Built(model, open_tokenizer(base_folder), *count(model), engine="unsloth")


def builder(job: Job) -> Build:
    """`build` that starts the run over with TRL when Unsloth cannot build the model."""

    def build_or_restart(*given: Any, **named: Any) -> Built:
        try:
            return build(*given, **named)
        except StudioError:
            raise
        except CANNOT as fault:
            from backend.training.running.faults import out_of_memory

            if out_of_memory(fault):
                raise ModelProblem("error.out_of_memory") from fault
            return start_over(job, first_line(fault, 200))

    return build_or_restart


def start_over(job: Job, why: str) -> Built:
    """Note that TRL trains this run, and begin this very process anew: what Unsloth patched cannot be taken back.

    Raises ModelProblem("error.engine_unsloth", why=) where a process cannot replace itself (Windows); resumed, the run
    goes on with TRL. Returns never.
    """
    from backend.training.methods.engines import Choice, note

    print(f"Unsloth cannot build this model, TRL does: {why}", file=sys.stderr, flush=True)
    note(job.folder, Choice("trl", "engines.reason.failed", {"why": why}))
    if sys.platform == "win32":
        raise ModelProblem("error.engine_unsloth", why=why)
    # The pid stays, and the locks of the run are let go and taken again.
    os.execv(sys.executable, [sys.executable, "-m", "backend.jobs.worker", str(job.folder)])


def _with_lora(config: TrainingConfig, model: Any) -> Any:
    from unsloth import FastLanguageModel

    from backend.training.methods.peft_configs import peft_config

    lora = peft_config(config, model)
    more = {"use_dora": True} if lora.use_dora else {}
    return FastLanguageModel.get_peft_model(
        model,
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=sorted(lora.target_modules),
        init_lora_weights=lora.init_lora_weights,
        use_rslora=lora.use_rslora,
        use_gradient_checkpointing=config.gradient_checkpointing,
        random_state=config.seed,
        **more,
    )
