"""A plain prompt for a task: what to begin with before anything is tuned. Its words are data in assets."""

from __future__ import annotations

from functools import cache
from typing import Final

from pydantic import BaseModel, ConfigDict

from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.examples.task import Task
from backend.prompts import library
from backend.prompts.presets import PRESETS
from backend.prompts.templates import variables
from backend.settings import ASSETS

FILE: Final = ASSETS / "prompts_for_task.json"
LISTED: Final = 100
"""More labels than this are not listed in a prompt: it would be longer than the text it is about."""

LIBRARY: Final = {
    "entities": "entities",
    "question_answering": "question_answering",
    "summarising": "summarising",
    "translation": "translation",
    "free_writing": "chat",
}
LABEL_TOKENS: Final = 24
ANSWER_TOKENS: Final = 256


class _Words(BaseModel):
    """One language's words; `{labels}` in `choose` is filled here, the rest belongs to the template."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choose: str
    choose_unlisted: str
    kinds: str
    text: str
    label: str
    answer: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ko: _Words
    en: _Words


def plain_assistant(task: Task, language: str, model: ModelRef | None = None, name: str = "") -> Assistant:
    """A zero-shot assistant for the task, greedy, in the language of its data ("ko" or "en")."""
    limit = LABEL_TOKENS if task.labelled else ANSWER_TOKENS
    decoding: Decoding = PRESETS["precise"].model_copy(update={"max_new_tokens": limit})
    return Assistant(
        name=name, model=model or ModelRef(), instructions=plain_instructions(task, language), decoding=decoding
    )


def plain_instructions(task: Task, language: str) -> Instructions:
    """System prompt and template, whose variables are the task's inputs."""
    words = _file().ko if language == "ko" else _file().en
    if task.labelled:
        return Instructions(system=_choice(task, words), template=_template(task, words, words.label))
    found = library.get(LIBRARY[task.kind], "ko" if language == "ko" else "en").instructions
    fits = set(variables(found.template)) == set(task.inputs)
    template = found.template if fits else _template(task, words, words.answer)
    # The library names people, organisations and places; a task that knows its kinds of entity names those.
    system = words.kinds.replace("{labels}", ", ".join(task.labels)) if _named(task) else found.system
    return Instructions(system=system, template=template)


def _named(task: Task) -> bool:
    return task.kind == "entities" and 0 < len(task.labels) <= LISTED


def _choice(task: Task, words: _Words) -> str:
    if not 0 < len(task.labels) <= LISTED:
        return words.choose_unlisted
    return words.choose.replace("{labels}", ", ".join(f"'{label}'" for label in task.labels))


def _template(task: Task, words: _Words, answer: str) -> str:
    named = [f"{words.text if name == 'input' else name}: {{{name}}}" for name in task.inputs]
    return "\n".join([*named, f"{answer}:"])


@cache
def _file() -> _File:
    return _File.model_validate_json(FILE.read_text(encoding="utf-8"))
