"""The library of task templates: prompts that work, to start from. The texts are data in assets/prompts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from backend.assistants import Decoding, Examples, Instructions, Shot
from backend.errors import NotFound
from backend.prompts.presets import PRESETS
from backend.settings import ASSETS

FOLDER: Final = ASSETS / "prompts"
LANGUAGES: Final = ("ko", "en")
TASKS: Final = (
    "chat",
    "classification",
    "sentiment",
    "extraction",
    "entities",
    "question_answering",
    "summarising",
    "translation",
    "rewriting",
)

Shots = Literal["zero", "one", "few"]


@dataclass(frozen=True)
class TaskTemplate:
    """A ready prompt. `sample` holds values for the template's variables, to fill an empty page with."""

    task: str
    language: str
    shots: Shots
    instructions: Instructions
    examples: Examples
    decoding: Decoding
    preset: str
    sample: dict[str, str] = field(default_factory=dict)

    @property
    def title_key(self) -> str:
        return f"prompts.task.{self.task}.title"

    @property
    def about_key(self) -> str:
        return f"prompts.task.{self.task}.about"


class _Text(BaseModel):
    """One task in one language, as its file holds it; the first shot is the one of the one-shot form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    template: str
    preset: str
    max_new_tokens: int = Field(ge=1)
    sample: dict[str, str]
    shots: tuple[Shot, ...] = Field(min_length=2)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ko: _Text
    en: _Text


def tasks() -> list[str]:
    """The ids of all tasks, in the order they are shown; words under prompts.task.<id>.title and .about."""
    return list(TASKS)


def get(task: str, language: str, shots: str = "zero") -> TaskTemplate:
    """One template. Raises NotFound("error.task_template_missing", task=) for a task, language or form not in it."""
    if task not in TASKS or language not in LANGUAGES or shots not in get_args(Shots):
        raise NotFound("error.task_template_missing", task=f"{task}/{language}/{shots}")
    text = _file(task).ko if language == "ko" else _file(task).en
    form: Shots = "zero" if shots == "zero" else "one" if shots == "one" else "few"
    count = {"zero": 0, "one": 1, "few": len(text.shots)}[form]
    return TaskTemplate(
        task=task,
        language=language,
        shots=form,
        instructions=Instructions(system=text.system, template=text.template),
        examples=Examples(shots=text.shots[:count]),
        decoding=PRESETS[text.preset].model_copy(update={"max_new_tokens": text.max_new_tokens}),
        preset=text.preset,
        sample=dict(text.sample),
    )


@cache
def _file(task: str) -> _File:
    return _File.model_validate_json((FOLDER / f"{task}.json").read_text(encoding="utf-8"))
