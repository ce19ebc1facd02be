"""What to change first when memory does not suffice: one rule for card, fault and restart."""

from __future__ import annotations

from typing import Literal

from backend.training.config import TrainingConfig

Lower = Literal["batch", "checkpointing"]


def what_to_lower(config: TrainingConfig) -> Lower | None:
    """The batch first, which changes nothing that is learned; then what is kept for the way back is worked out again.

    None when neither is left: the length or the model has to be smaller. Prefix tuning cannot recompute.
    """
    if config.per_device_train_batch_size > 1:
        return "batch"
    if not config.gradient_checkpointing and config.method != "prefix_tuning":
        return "checkpointing"
    return None
