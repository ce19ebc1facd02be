"""The files of an adapter folder.

matchum_adapter.json          AdapterCard
adapter_config.json           kind "peft": PEFT's own files
adapter_model.safetensors
weights.safetensors           kind "weights": the tensors that were trained, under their names in the model
"""

from __future__ import annotations

from typing import Final

CARD: Final = "matchum_adapter.json"
WEIGHTS: Final = "weights.safetensors"
PEFT_CONFIG: Final = "adapter_config.json"
PEFT_WEIGHTS: Final = "adapter_model.safetensors"
