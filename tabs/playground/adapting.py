"""The trained adapter of the assistant in hand: which one, how to take it off, and which others there are."""

from __future__ import annotations

from typing import Any, get_args

import gradio as gr

from backend.assistants import AdapterRef, Assistant, Quantization
from backend.models.adapter_card import AdapterCard
from backend.models.adapters import adapters_of
from backend.projects.folder import Project
from tabs.playground.form import NONE, adapter_value
from tabs.text import Words
from tabs.widgets import method_name


def widgets(form: dict[str, Any], words: Words) -> None:
    """The picker of an adapter. It is there once the project has one, or the assistant names one."""
    form["adapter"] = gr.Dropdown(
        [(words.t("adapters.none"), NONE)],
        value=NONE,
        label=words.t("adapters.adapter"),
        info=words.t("adapters.adapter_info"),
        visible=False,
        elem_id="pg-adapter",
    )


def expert_widgets(form: dict[str, Any], words: Words) -> None:
    """How small the weights are made while they are loaded."""
    choices = [(words.t("adapters.quantization_none"), NONE)]
    choices += [(words.t(f"adapters.quantization_{name}"), name) for name in get_args(Quantization)]
    form["quantization"] = gr.Dropdown(
        choices,
        value=NONE,
        label=words.t("adapters.quantization"),
        info=words.t("adapters.quantization_info"),
        elem_id="pg-quantization",
    )


def adapter_update(project: Project, assistant: Assistant, words: Words) -> Any:
    """The picker with the project's adapters; the one in hand stays in the list even when its files are gone."""
    choices = [(words.t("adapters.none"), NONE)]
    found = adapters_of(project)
    choices += [(told(ref, card, words), adapter_value(ref)) for ref, card in found]
    current = assistant.adapter
    value = next((adapter_value(ref) for ref, _ in found if current is not None and ref.id == current.id), None)
    if value is None and current is not None:
        value = adapter_value(current)
        choices.append((words.t("adapters.gone", method=method_name(words, current.method)), value))
    return gr.update(choices=choices, value=value or NONE, visible=len(choices) > 1)


def told(ref: AdapterRef, card: AdapterCard, words: Words) -> str:
    """ "LoRA · matchum-starter · 3월 2일 14:05"."""
    when = words.when(card.created) if card.created else ref.id[:6]
    return " · ".join([method_name(words, card.method), card.base.label, when])
