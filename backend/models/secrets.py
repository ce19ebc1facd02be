"""Keys of this home folder, in one file that only its owner can read. Nothing here is logged or exported."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from backend.errors import StorageProblem
from backend.files import write_atomic


class Secrets:
    """Named strings kept in a file of mode 0600. Every method may be called from any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        return self._read().get(name)

    def put(self, name: str, value: str) -> None:
        with self._lock:
            self._write({**self._read(), name: value})

    def remove(self, name: str) -> None:
        with self._lock:
            kept = self._read()
            if kept.pop(name, None) is not None:
                self._write(kept)

    def _read(self) -> dict[str, str]:
        """Raises StorageProblem("error.secrets_file") without saying what the file holds."""
        try:
            found = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise StorageProblem("error.secrets_file", path=self._file.name) from None
        if not isinstance(found, dict):
            raise StorageProblem("error.secrets_file", path=self._file.name)
        return {str(name): str(value) for name, value in found.items()}

    def _write(self, values: dict[str, str]) -> None:
        write_atomic(self._file, json.dumps(values, indent=2), private=True)
