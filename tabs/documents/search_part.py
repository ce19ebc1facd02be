"""Placeholder: its owner replaces this file."""

from __future__ import annotations

from typing import Any

from backend.services import Services
from tabs.inner import Inside
from tabs.text import Words


def layout(words: Words) -> Any:
    return None


def wire(services: Services, words: Words, inside: Inside, view: Any) -> None:
    return None
