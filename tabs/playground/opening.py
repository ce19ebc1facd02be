"""Opening a project: every part of the tab as it was left, in one event, so that the page never shows half of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from backend.assistants import Weights
from backend.errors import StudioError
from tabs.errors import shown, tell
from tabs.playground.form import weights_of
from tabs.playground.wiring import QUICK
from tabs.session import Session
from tabs.text import Words

LOADED = ("model", "adapter", "quantization")
"""The fields of the form that say what has to be loaded."""

Restore = Callable[[str, gr.Request], Any]


def opened(words: Words, parts: Sequence[Restore], project_id: str, request: gr.Request) -> Any:
    """All parts' updates together. A part that cannot be restored says why and leaves the others alone."""
    if not project_id:
        return gr.skip()
    updates: dict[Any, Any] = {}
    for part in parts:
        try:
            restored = part(project_id, request)
        except StudioError as fault:
            tell(words, fault, halt=False)
            continue
        # A part that has nothing to change answers with gr.skip(), which names no widget.
        updates |= {widget: value for widget, value in restored.items() if not isinstance(widget, str)}
    return updates or gr.skip()


def wire(
    words: Words,
    session: Session,
    parts: Sequence[Restore],
    outputs: Sequence[Any],
    models: Callable[[str], Any],
    form: Mapping[str, Any],
    warm: Callable[[Weights], None],
) -> None:
    """Restore when the project is known, when it is switched, and when the person comes back to this tab.

    `models` then completes the list of models, which may have to ask other machines. `warm` gets the practice model
    ready, which costs little; a large one waits until somebody begins to type.
    """

    def get_ready(model: str, adapter: str, quantization: str) -> None:
        weights = weights_of({"model": model, "adapter": adapter, "quantization": quantization})
        if weights.model.kind == "starter":
            warm(weights)

    def restore(project_id: str, request: gr.Request) -> Any:
        return opened(words, parts, project_id, request)

    whole = session.on_project(shown(words)(restore), outputs=outputs)
    whole.then(shown(words)(get_ready), [form[name] for name in LOADED], None, **QUICK)
    whole.then(shown(words)(models), form["model"], form["model"], **QUICK)
