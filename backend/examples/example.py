"""An example: an input with its expected output and a split."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from backend.assistants import Part, Shot

Split = Literal["train", "dev", "test"]


class Span(Part):
    """A named piece of the input: characters start..end (end not included) of the variable `variable`."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    label: str
    variable: str = "input"


class NewExample(Part):
    """What is brought in or written by hand.

    variables  fill the prompt template, e.g. {"input": "..."}
    output     the expected answer as text; of entities the spans written in the task's answer format
    spans      entities only: where they are; None for other tasks
    rejected   a worse answer, of preference data
    groups     further columns by name, for slices: {"region": "부산"}
    origin     "import:<file name>", "hand", "playground" or "feedback"
    split      which split the data itself names for it; None where it names none
    """

    variables: dict[str, str]
    output: str
    spans: tuple[Span, ...] | None = None
    rejected: str | None = None
    tags: tuple[str, ...] = ()
    groups: dict[str, str] = Field(default_factory=dict)
    origin: str = "hand"
    split: Split | None = None

    @property
    def input_key(self) -> str:
        return input_key(self.variables)

    def shot(self) -> Shot:
        return Shot(variables=self.variables, output=self.output)

    def text(self) -> str:
        """The whole input as one text, for comparing and embedding."""
        return "\n".join(self.variables.values())


class Example(NewExample):
    """One that is kept. `revision` counts its changes: whoever saves an older one is told that another was first."""

    id: int
    revision: int = 1
    created: float = 0.0
    changed: float = 0.0


def input_key(variables: Mapping[str, str]) -> str:
    """Names an input by its content (sha256, 32 hex digits): equal inputs have equal keys, in every project."""
    told = json.dumps(dict(sorted(variables.items())), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
