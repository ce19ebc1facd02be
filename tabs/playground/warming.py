"""Loading a model while its first message is still being typed, so that the answer does not wait for it."""

from __future__ import annotations

import threading

from backend.assistants import ModelRef
from backend.errors import StudioError
from backend.services import Services


class Warming:
    """Loads each model once in the background. What goes wrong is told when the model is asked."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._asked: set[ModelRef] = set()
        self._lock = threading.Lock()

    def warm(self, ref: ModelRef) -> None:
        """Returns at once. Endpoints have nothing to load here."""
        with self._lock:
            if ref.kind == "endpoint" or ref in self._asked:
                return
            self._asked.add(ref)
        threading.Thread(target=self._load, args=(ref,), daemon=True, name="matchum-warming").start()

    def _load(self, ref: ModelRef) -> None:
        try:
            with self._services.host.engine(ref):
                pass
        except StudioError:
            with self._lock:
                self._asked.discard(ref)
