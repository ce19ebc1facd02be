"""What a run that tries several assistants on the dev examples keeps in its folder. Values and files, no work.

output/plan.json    candidates and dev examples, frozen at the first attempt: a resume tries the same on the same
output/tried.jsonl  one line per candidate and round, only ever appended
output/outcome.json what came out, written once at the end
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from backend.assistants import Assistant, Part
from backend.errors import StorageProblem
from backend.evaluation.values import Score
from backend.examples.example import Example
from backend.examples.task import Task
from backend.fewshot.halving import Halving
from backend.files import storing, write_atomic
from backend.jobs.folder import append_line, read_lines
from backend.jobs.run import Details, Run

Tell = Callable[[str, Mapping[str, Any]], str]
"""Makes a sentence of a words key and its details."""

BASE: Final = "base"
"""The name of the candidate that was there before: the assistant whose examples or wording are sought."""

Model = TypeVar("Model", bound=BaseModel)


class Saying(Part):
    """A sentence to be: a key of the words files and its details."""

    key: str
    details: Details = Field(default_factory=dict)


class Candidate(Part):
    """One assistant to try. `respelt` is label -> how this candidate spells it; empty: as the task does."""

    name: str
    about: Saying
    assistant: Assistant
    respelt: dict[str, str] = Field(default_factory=dict)

    def plain(self, answer: str | None) -> str | None:
        """An answer with this candidate's spellings of the labels turned back, to be read by the one rule."""
        if answer is None or not self.respelt:
            return answer
        back = {spelling: label for label, spelling in self.respelt.items()}
        spellings = "|".join(re.escape(spelling) for spelling in sorted(back, key=len, reverse=True))
        return re.sub(spellings, lambda found: back[found[0]], answer)


class Tried(Part):
    """A candidate after a round: it answered the first `examples` of the dev examples, `failed` of them with an error.

    kept  whether it goes on to the next round, or stands in the last
    """

    name: str
    about: Saying
    round: int
    examples: int
    score: Score
    failed: int = 0
    kept: bool = True

    @property
    def base(self) -> bool:
        return self.name == BASE


class Prepared(Part):
    """What is tried on what, by which plan. `skipped` tells of candidates that were left out before they were tried.

    splits, basis  the marks of the splits and of what is measured on when this was made (see `basis`)
    """

    task: Task
    halving: Halving
    candidates: tuple[Candidate, ...]
    examples: tuple[Example, ...]
    skipped: tuple[Saying, ...] = ()
    splits: str = ""
    basis: str = ""

    @model_validator(mode="after")
    def _each_has_its_name(self) -> Prepared:
        if len({one.name for one in self.candidates}) != len(self.candidates):
            raise ValueError("two candidates of one name")
        return self

    def candidate(self, name: str) -> Candidate:
        """Raises StorageProblem("error.search_files") for a name that is not there."""
        found = next((one for one in self.candidates if one.name == name), None)
        if found is None:
            raise StorageProblem("error.search_files")
        return found


def keep_prepared(output: Path, prepared: Prepared) -> None:
    write_atomic(output / "plan.json", prepared.model_dump_json())


def prepared_in(output: Path) -> Prepared | None:
    """None before the first attempt got so far. Raises StorageProblem("error.search_files")."""
    return _read(output / "plan.json", Prepared)


def keep_tried(output: Path, tried: Tried) -> None:
    path = output / "tried.jsonl"
    with storing(path):
        append_line(path, tried.model_dump(mode="json"))


def tried_in(output: Path) -> list[Tried]:
    """Every line, in the order in which they were tried; one that a kill cut short is left out."""
    found: dict[tuple[int, str], Tried] = {}
    for line in read_lines(output / "tried.jsonl"):
        try:
            tried = Tried.model_validate(line)
        except ValidationError:
            continue
        # A kill between two lines of a round makes the whole round be told again; the later line counts.
        found[tried.round, tried.name] = tried
    return list(found.values())


def tried_of(run: Run) -> list[Tried]:
    """Each candidate as it stood after the last round it was in: those of the last round first, best first."""
    last: dict[str, Tried] = {}
    for tried in tried_in(run.output):
        last[tried.name] = tried
    return sorted(last.values(), key=lambda tried: (-tried.round, -tried.score.value, not tried.base))


def keep_outcome(output: Path, outcome: BaseModel) -> None:
    write_atomic(output / "outcome.json", outcome.model_dump_json())


def outcome_in(output: Path, kind: type[Model]) -> Model | None:
    """None while there is none. Raises StorageProblem("error.search_files")."""
    return _read(output / "outcome.json", kind)


def _read(path: Path, kind: type[Model]) -> Model | None:
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as fault:
        raise StorageProblem("error.search_files") from fault
