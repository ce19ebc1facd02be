"""How weights that are loaded are named: for finding them again, and for people."""

from __future__ import annotations

from backend.assistants import ModelRef, Weights


def plain(weights: Weights | ModelRef) -> Weights:
    """What is loaded is named by content: an adapter by its id, whatever its method is called."""
    if isinstance(weights, ModelRef):
        return Weights(model=weights)
    if weights.adapter is None or not weights.adapter.method:
        return weights
    return weights.model_copy(update={"adapter": weights.adapter.model_copy(update={"method": ""})})


def variant(weights: Weights) -> str:
    """What is over the model, and how small it was made; empty for the model as it is."""
    adapter = weights.adapter.id[:6] if weights.adapter else None
    return " · ".join(filter(None, [adapter, weights.quantization]))


def label(weights: Weights) -> str:
    return " · ".join(filter(None, [weights.label(), variant(weights)]))
