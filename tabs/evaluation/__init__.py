"""Compare: any set of assistants on the same held-out examples, with honest intervals."""

from __future__ import annotations

from backend.services import Services
from tabs import widgets
from tabs.session import Session
from tabs.text import Words


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    widgets.heading(words.t("header.tab_evaluation"))
