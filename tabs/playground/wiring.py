"""What every event of this tab is given, so that no group of events is held back by a sibling left at its default."""

from __future__ import annotations

from typing import Any, Final

STREAM: Final[dict[str, Any]] = {
    "concurrency_limit": 32,
    "concurrency_id": "playground-stream",
    "trigger_mode": "once",
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""An event that brings an answer."""

QUICK: Final[dict[str, Any]] = {
    "concurrency_limit": 32,
    "concurrency_id": "playground-quick",
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""An event that is over at once."""
