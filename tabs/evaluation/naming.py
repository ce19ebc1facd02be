"""How assistants, metrics and models are called on this page. Pure functions."""

from __future__ import annotations

from backend.assistants import PER_INPUT, Assistant, ModelRef
from backend.examples.task import Metric
from backend.projects.assistants import SavedAssistant
from tabs.text import Words

SHARES: frozenset[Metric] = frozenset({"accuracy", "exact_match"})
"""Metrics of which "86 of 100 are right" may be said."""


def version(words: Words, saved: SavedAssistant) -> str:
    return words.t("compare.version", name=saved.name, number=saved.number)


def metric(words: Words, name: str) -> str:
    key = f"metrics.name.{name}"
    return words.t(key) if words.has(key) else name


def about_metric(words: Words, name: str) -> str:
    key = f"metrics.about.{name}"
    return words.t(key) if words.has(key) else ""


def model(words: Words, ref: ModelRef) -> str:
    return words.t("compare.practice_model") if ref.kind == "starter" else ref.label()


def made_of(words: Words, assistant: Assistant) -> str:
    """The model, and what it is shown: "practice model · 4 examples"."""
    chosen, shots = assistant.examples.selection, assistant.examples.shots
    if chosen is not None and chosen.method in PER_INPUT and shots:
        shown = words.t("compare.shots_each", count=min(chosen.count, len(shots)))
    elif shots:
        shown = words.t("compare.shots", count=len(shots))
    else:
        shown = words.t("compare.prompt_only")
    return f"{model(words, assistant.model)} · {shown}"
