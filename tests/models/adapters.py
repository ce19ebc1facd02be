"""Small real adapters for tests: what PEFT or a training would leave, over the tiny model of tests.tiny."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from backend.evaluation.identity import weights_identity
from backend.models.adapter_card import AdapterCard, BaseCard
from backend.models.adapter_files import WHOLE_TENSORS, write_card

LINEAR: Final = ["q_proj", "v_proj", "down_proj"]
KINDS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = MappingProxyType(
    {
        "lora": ("LoraConfig", {"r": 4, "target_modules": LINEAR}),
        "rslora": ("LoraConfig", {"r": 4, "target_modules": LINEAR, "use_rslora": True}),
        "dora": ("LoraConfig", {"r": 4, "target_modules": LINEAR, "use_dora": True}),
        "pissa": ("LoraConfig", {"r": 4, "target_modules": LINEAR, "init_lora_weights": "pissa"}),
        "adalora": (
            "AdaLoraConfig",
            {"init_r": 4, "target_r": 2, "target_modules": LINEAR, "total_step": 10, "tinit": 1, "tfinal": 1},
        ),
        "loha": ("LoHaConfig", {"r": 4, "target_modules": LINEAR}),
        "lokr": ("LoKrConfig", {"r": 4, "target_modules": LINEAR}),
        "ia3": ("IA3Config", {"target_modules": LINEAR, "feedforward_modules": ["down_proj"]}),
        "vera": ("VeraConfig", {"r": 4, "target_modules": ["q_proj", "o_proj"]}),
        "oft": ("OFTConfig", {"r": 4, "oft_block_size": 0, "target_modules": LINEAR}),
        "prompt_tuning": ("PromptTuningConfig", {"num_virtual_tokens": 5, "prompt_tuning_init": "SAMPLE_VOCAB"}),
        "p_tuning": ("PromptEncoderConfig", {"num_virtual_tokens": 5, "encoder_hidden_size": 8}),
        "prefix_tuning": ("PrefixTuningConfig", {"num_virtual_tokens": 5}),
    }
)
"""Every kind of PEFT adapter that training makes: its config class and fields."""


def base_card(folder: Path, label: str = "matchum-starter") -> BaseCard:
    return BaseCard(label=label, identity=weights_identity(folder), architecture="LlamaForCausalLM")


def stirred(model: Any, kind: str, task: str = "CAUSAL_LM", seed: int = 1) -> Any:
    """The model under PEFT with trainable numbers far enough from their start to change answers, not training."""
    import peft
    import torch

    name, fields = KINDS[kind]
    if task == "SEQ_CLS":
        fields = fields | {"modules_to_save": ["score"]}
    torch.manual_seed(seed)
    over = peft.get_peft_model(model, getattr(peft, name)(task_type=task, **fields))
    for parameter in over.parameters():
        if parameter.requires_grad:
            parameter.data += torch.randn_like(parameter) * 0.3
    return over.eval()


def peft_adapter(folder: Path, base: Path, kind: str = "lora", seed: int = 1, **card: Any) -> Path:
    """An adapter folder of a kind over the model in `base`."""
    import transformers

    model: Any = transformers.AutoModelForCausalLM.from_pretrained(base)
    stirred(model, kind, seed=seed).save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    method = "lora" if kind == "pissa" else kind
    write_card(folder, AdapterCard(**{"kind": "peft", "method": method, "base": base_card(base), **card}))
    return folder


def weights_adapter(folder: Path, identity: str, label: str = "matchum-starter") -> Path:
    """An adapter folder that is whole and over a model that need not be there."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    save_file({"model.norm.weight": torch.ones(4)}, folder / WHOLE_TENSORS, metadata={"format": "pt"})
    base = BaseCard(label=label, identity=identity)
    write_card(folder, AdapterCard(kind="weights", method="last_layers", base=base, created=1_700_000_000.0))
    return folder
