"""Opening a project: every part of the tab as it was left, in one event, so that the page never shows half of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from backend.assistants import ModelRef
from backend.errors import StudioError
from tabs.errors import shown, tell
from tabs.playground.form import model_of
from tabs.playground.wiring import QUICK
from tabs.session import Session
from tabs.text import Words

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
    model: gr.Dropdown,
    warm: Callable[[ModelRef], None],
) -> None:
    """Restore when the project is known, when it is switched, and when the person comes back to this tab.

    `models` then completes the list of models, which may have to ask other machines. `warm` gets the practice model
    ready, which costs little; a large one waits until somebody begins to type.
    """

    def get_ready(chosen: str) -> None:
        ref = model_of(chosen)
        if ref.kind == "starter":
            warm(ref)

    def restore(project_id: str, request: gr.Request) -> Any:
        return opened(words, parts, project_id, request)

    known = [session.project_id.change, *([session.tab.select] if session.tab is not None else [])]
    whole = gr.on(known, shown(words)(restore), session.project_id, list(outputs), **QUICK)
    whole.then(shown(words)(get_ready), model, None, **QUICK)
    whole.then(shown(words)(models), model, model, **QUICK)
