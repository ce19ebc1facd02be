"""The prompts saved in a project, and the difference between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backend.assistants import Change, Instructions
from backend.projects.moments import moment
from backend.projects.tables import PromptRow
from backend.projects.versions import VersionStore, version_name, version_note
from backend.text_limits import clean_text


@dataclass(frozen=True)
class SavedPrompt:
    """One version of a system prompt and template."""

    id: int
    name: str
    number: int
    parent_id: int | None
    note: str
    created: datetime
    instructions: Instructions


class PromptStore(VersionStore[PromptRow, SavedPrompt]):
    row = PromptRow
    missing = "error.prompt_missing"

    def save(self, name: str, instructions: Instructions, note: str = "", parent: int | None = None) -> SavedPrompt:
        """Keep a new version under `name`. Raises BadInput (name; a text too long or binary), NotFound."""
        row = PromptRow(
            name=version_name(name),
            note=version_note(note),
            system=clean_text(instructions.system),
            template=clean_text(instructions.template),
        )
        with self._database.write() as session:
            return self._add(session, row, parent)

    def _saved(self, row: PromptRow) -> SavedPrompt:
        kept = Instructions(system=row.system, template=row.template)
        return SavedPrompt(row.id, row.name, row.number, row.parent_id, row.note, moment(row.created), kept)


def difference(before: Instructions, after: Instructions) -> list[Change]:
    """What differs between two prompts, "system" first; Change.lines() gives the lines."""
    pairs = (("system", before.system, after.system), ("template", before.template, after.template))
    return [Change(field=field, before=old, after=new) for field, old, new in pairs if old != new]
