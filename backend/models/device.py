"""Which device computes. Imports torch and nothing over it: Unsloth has to come before transformers."""

from __future__ import annotations

import torch


def best_device() -> torch.device:
    """CUDA, else Apple's, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
