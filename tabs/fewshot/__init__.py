"""Teach by example: task data, the few-shot builder, search and sensitivity."""

from __future__ import annotations

from backend.services import Services
from tabs import widgets
from tabs.session import Session
from tabs.text import Words


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    widgets.heading(words.t("header.tab_fewshot"))
