"""The assistants saved in a project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backend.assistants import Assistant
from backend.errors import StorageProblem
from backend.projects.moments import moment
from backend.projects.tables import AssistantRow
from backend.projects.versions import VersionStore, version_name, version_note
from backend.text_limits import check_text

BODY_LIMIT = 2_000_000
"""Characters of an assistant's JSON; its single texts are limited where they are typed."""


@dataclass(frozen=True)
class SavedAssistant:
    """One version. `assistant.name` is `name`; `parent_id` is the version it was made from."""

    id: int
    name: str
    number: int
    parent_id: int | None
    note: str
    created: datetime
    assistant: Assistant


class AssistantStore(VersionStore[AssistantRow, SavedAssistant]):
    row = AssistantRow
    missing = "error.assistant_missing"

    def save(self, name: str, assistant: Assistant, note: str = "", parent: int | None = None) -> SavedAssistant:
        """Keep a new version under `name`, which the assistant then carries. Raises BadInput, NotFound (parent)."""
        name = version_name(name)
        body = assistant.model_copy(update={"name": name}).model_dump_json()
        check_text(body, BODY_LIMIT)
        row = AssistantRow(name=name, note=version_note(note), body=body)
        with self._database.write() as session:
            return self._add(session, row, parent)

    def _saved(self, row: AssistantRow) -> SavedAssistant:
        return SavedAssistant(
            row.id,
            row.name,
            row.number,
            row.parent_id,
            row.note,
            moment(row.created),
            read_assistant(row.body, row.name),
        )


def read_assistant(body: str, name: str) -> Assistant:
    """The value in a row. Raises StorageProblem when it is not one: a newer studio wrote it, or the file is damaged."""
    try:
        return Assistant.model_validate_json(body)
    except ValueError as fault:
        raise StorageProblem("error.saved_assistant", name=name) from fault
