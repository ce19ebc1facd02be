"""What an adapter folder says of itself: the card that travels with it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from backend.assistants import Part, Quantization
from backend.jobs.run import Count, Span

Method = Literal[
    "lora", "rslora", "lora_plus", "dora", "adalora", "loha", "lokr", "ia3", "vera", "oft",
    "prompt_tuning", "p_tuning", "prefix_tuning", "frozen", "last_layers", "full",
]  # fmt: skip
"""`frozen` trains nothing but a classification head (feature-based); QLoRA is `lora` with `quantization`."""


class BaseCard(Part):
    """Which model an adapter was made for: enough to refuse another one and to name both.

    identity  `backend.evaluation.identity.weights_identity` of its folder
    """

    label: str
    identity: str
    architecture: str = ""
    numbers: Count = 0


class AdapterCard(Part):
    """`matchum_adapter.json` in an adapter folder: what lies there and how it is put over its base.

    kind  "peft"     PEFT's own files (adapter_config.json, adapter_model.safetensors)
          "weights"  weights.safetensors: the tensors that were trained, under their names in the model
    task  "causal", or "head": a sequence classification head whose classes are `labels`
    """

    format: Literal["matchum-adapter-1"] = "matchum-adapter-1"
    kind: Literal["peft", "weights"]
    task: Literal["causal", "head"] = "causal"
    method: Method
    quantization: Quantization | None = None
    labels: tuple[str, ...] = ()
    base: BaseCard
    trainable: Count = 0
    created: Span = 0.0
    run: str = ""
    more: dict[str, Any] = Field(default_factory=dict)
