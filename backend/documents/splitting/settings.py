"""How documents are cut."""

from __future__ import annotations

from pydantic import Field, model_validator

from backend.assistants import Part


class SplitSettings(Part):
    """In tokens of the index's embedding model.

    size     of a passage at most
    overlap  what a passage repeats of the end of the one before, at most half of `size`; not across headings and rows
    """

    size: int = Field(256, ge=16, le=8192)
    overlap: int = Field(32, ge=0, le=4096)

    @model_validator(mode="after")
    def _half_at_most(self) -> SplitSettings:
        if 2 * self.overlap > self.size:
            raise ValueError("overlap is more than half of size")
        return self
