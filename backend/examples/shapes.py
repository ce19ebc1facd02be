"""What a file of examples was recognized as: its rows in named columns, and which of the usual shapes they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from backend.examples.notes import Note
from backend.prompts.table import Problem, Table

Shape = Literal["table", "messages", "prompt_completion", "instruction", "preference", "iob", "spans", "pairs"]
"""table              columns of any names
messages           conversations with roles; read into the columns system, input, output
prompt_completion  prompt and completion
instruction        instruction, input (which may be empty), output
preference         prompt, chosen, rejected
iob                a token and its tag per line or row (CoNLL); read into the columns text and spans
spans              a text and a list of marked places in it
pairs              two texts, such as two languages"""

TEXT: Final = "text"
SPANS: Final = "spans"


@dataclass(frozen=True)
class Source:
    """A file of examples. `reasons` say what it was taken for and why; `table.problems` what had to be mended."""

    name: str
    table: Table
    shape: Shape
    reasons: tuple[Note, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.table.problems

    @property
    def encoding(self) -> str | None:
        return self.table.encoding
