"""How documents are cut."""

from __future__ import annotations

from pydantic import Field, model_validator

from backend.assistants import Part


class SplitSettings(Part):
    """In tokens of the index's embedding model.

    size     of a passage at most
    overlap  what a passage repeats of the end of the one before, at most half of `size`; not across headings and rows

    256 is what all-MiniLM-L6-v2 sees of a passage. By BM25 on XQuAD (48 English articles, 595 questions) the first
    2,000 characters found held the answer for 0.966 of the questions at 128, 0.965 at 192, 0.968 at 256, 0.953 at 384
    and 0.877 at 512 tokens; the first 4,000 for 0.98 at all sizes. Korean counted by its tokenizer came to passages
    of 163 characters (median); counted evenly, six tokens for ten syllables (`Embedders.counter`), to 501. By BM25 on
    720 Korean PDF pages with 114 questions, the first 2,000 characters found held 0.69 of the page asked for instead
    of 0.47, and something of it for 0.98 of the questions instead of all; the first five passages for 0.99 instead of
    0.98. Passages of 709 characters found it in the first 1,000 characters for 0.95, those of 501 for 0.97.
    """

    size: int = Field(256, ge=16, le=8192)
    overlap: int = Field(32, ge=0, le=4096)

    @model_validator(mode="after")
    def _half_at_most(self) -> SplitSettings:
        if 2 * self.overlap > self.size:
            raise ValueError("overlap is more than half of size")
        return self
