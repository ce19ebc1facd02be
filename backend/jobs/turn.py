"""A run's turn on the accelerator: whoever chats steps aside, and another run is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from backend.errors import Busy
from backend.jobs.progress import Progress

if TYPE_CHECKING:
    from backend.models.host import ModelHost

TURN_S: Final = 3.0


def take_accelerator(host: ModelHost, holder: str, progress: Progress) -> None:
    """Take the lease under the name `holder`, for as long as it takes; nothing to do without one. Raises Stopped."""
    from backend.models.loading import best_device

    if host.lease.held or best_device().type != "cuda":
        return
    while True:
        progress.check_stop()
        try:
            host.lease.take(holder, wait_s=TURN_S)
            return
        except Busy as taken:
            progress.message("run.message.waiting_device", holder=taken.details.get("holder", "?"))
