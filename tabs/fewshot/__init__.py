"""Teach by example: task data, the few-shot builder, search and sensitivity."""

from __future__ import annotations

from backend.services import Services
from tabs.fewshot import build_part, data_part, search_part
from tabs.inner import build_parts
from tabs.session import Session
from tabs.text import Words

PARTS = {"data": data_part, "build": build_part, "search": search_part}


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    build_parts(PARTS, "fs-part", "data.tab_", services, words, session)
