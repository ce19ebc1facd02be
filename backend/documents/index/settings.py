"""How an index is made. What is searched is the one whose settings the project has noted."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from backend.assistants import Part
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.analysis import MORPHEMES, Analysis
from backend.documents.splitting.settings import SplitSettings
from backend.errors import BadInput
from backend.projects.folder import Project

NOTE: Final = "documents.index"
EMBEDDED: Final = "embedded"
ROWS: Final = "passages.db"


class IndexSettings(Part):
    """analysis: how words are counted. chroma: "embedded", or a Chroma server's address as in http://127.0.0.1:8000."""

    split: SplitSettings = SplitSettings()
    embedding: EmbeddingModel = EmbeddingModel()
    analysis: Analysis = MORPHEMES
    chroma: str = Field(EMBEDDED, max_length=500)

    @field_validator("chroma")
    @classmethod
    def _address(cls, text: str) -> str:
        text = text.strip().rstrip("/")
        if text == EMBEDDED:
            return text
        try:
            parts = urlsplit(text)
            fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            fine = False
        if not fine or parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("not the address of a Chroma server")
        return text

    @property
    def key(self) -> str:
        """Name of its folder: the first 16 hex digits of the sha256 of its JSON."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def checked(**fields: object) -> IndexSettings:
    """Settings from what a form holds. Raises BadInput("error.index_settings", field=)."""
    try:
        return IndexSettings.model_validate(fields)
    except ValidationError as fault:
        where = ".".join(str(step) for step in fault.errors()[0]["loc"])
        raise BadInput("error.index_settings", field=where) from fault


def active(project: Project) -> IndexSettings:
    """The project's settings; the usual ones when nobody chose, or in a way that is not known here."""
    kept = project.get_note(NOTE)
    try:
        return IndexSettings() if kept is None else IndexSettings.model_validate(kept)
    except ValueError:
        return IndexSettings()


def activate(project: Project, settings: IndexSettings) -> None:
    """From now on this index is searched, and filled by the next indexing run."""
    project.set_note(NOTE, settings.model_dump(mode="json"))


def index_folder(folder: Path, settings: IndexSettings) -> Path:
    """Where the index of a project (its folder) lies."""
    return folder / "index" / settings.key


def rows_file(folder: Path, settings: IndexSettings) -> Path:
    """The passages of an index; without it nothing was ever put in."""
    return index_folder(folder, settings) / ROWS
