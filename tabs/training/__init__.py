"""Training: set a run up, watch it learn, and keep what helped."""

from __future__ import annotations

from backend.services import Services
from tabs.inner import build_parts
from tabs.session import Session
from tabs.text import Words
from tabs.training import history_part, setup_part, watch_part

PARTS = {"setup": setup_part, "watch": watch_part, "history": history_part}


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    build_parts(PARTS, "tr-part", "train.tab_", services, words, session)
