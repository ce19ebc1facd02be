"""The history part of the training tab."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from backend.services import Services
from tabs.inner import Inside
from tabs.text import Words


@dataclass(frozen=True)
class HistoryPart:
    """The components."""

    body: gr.HTML


def layout(words: Words) -> HistoryPart:
    return HistoryPart(gr.HTML())


def wire(services: Services, words: Words, inside: Inside, view: HistoryPart) -> None:
    """Handlers of this part."""
