"""Small things a project remembers by key, as JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from backend.projects.database import Database
from backend.projects.tables import NoteRow
from backend.text_limits import writable


class NoteStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Any:
        """What was kept under the key; None when nothing was."""
        with self._database.read() as session:
            row = session.get(NoteRow, key)
            return None if row is None else json.loads(row.value)

    def set(self, key: str, value: Any) -> None:
        """Keep plain values (what json can write) under a key, in place of what was there."""
        text = writable(json.dumps(value, ensure_ascii=False))
        with self._database.write() as session:
            session.merge(NoteRow(key=key, value=text, changed=time.time()))
