"""The values a chat is read as, and how a trace is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from backend.answering import Trace
from backend.assistants import Assistant
from backend.messages import Message
from backend.projects.assistants import read_assistant
from backend.projects.moments import moment
from backend.projects.tables import TurnRow, TurnVersionRow
from backend.text_limits import writable

Speaker = Literal["user", "assistant"]


@dataclass(frozen=True)
class TurnVersion:
    """One text of a turn: an answer and how it came about, or what a person wrote.

    trace_json      the Trace as plain values, {} where there is none
    assistant_json  the assistant that answered, None for a person's text
    """

    id: int
    text: str
    trace_json: dict[str, Any]
    assistant_json: str | None
    created: datetime

    @property
    def trace(self) -> Trace | None:
        """None where nothing was kept."""
        return TypeAdapter(Trace).validate_python(self.trace_json) if self.trace_json else None

    @property
    def assistant(self) -> Assistant | None:
        """None for a person's text. Raises StorageProblem when a newer studio wrote it."""
        return None if self.assistant_json is None else read_assistant(self.assistant_json, "")


@dataclass(frozen=True)
class Turn:
    """One turn and its versions, oldest first; `chosen` is the index of the one shown."""

    id: int
    role: Speaker
    versions: tuple[TurnVersion, ...]
    chosen: int

    @property
    def shown(self) -> TurnVersion:
        return self.versions[self.chosen]

    @property
    def text(self) -> str:
        return self.shown.text

    def message(self) -> Message:
        return Message(role=self.role, content=self.text)


@dataclass(frozen=True)
class Chat:
    """A conversation. `title` is the beginning of its first message until somebody names it; "" while it is empty."""

    id: int
    title: str
    created: datetime
    changed: datetime


def read_turn(row: TurnRow) -> Turn:
    versions = tuple(read_version(version) for version in row.versions)
    role: Speaker = "user" if row.role == "user" else "assistant"
    return Turn(row.id, role, versions, min(max(row.chosen, 0), len(versions) - 1))


def read_version(row: TurnVersionRow) -> TurnVersion:
    trace = json.loads(row.trace)
    return TurnVersion(row.id, row.text, trace, row.assistant, moment(row.created))


def trace_text(trace: Trace | Mapping[str, Any]) -> str:
    """JSON of a trace, as it is kept."""
    plain = TypeAdapter(Trace).dump_python(trace, mode="json") if isinstance(trace, Trace) else dict(trace)
    return writable(json.dumps(plain, ensure_ascii=False))
