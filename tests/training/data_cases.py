"""Projects and models for the tests of what is trained on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from backend.assistants import Assistant, Instructions
from backend.examples.example import NewExample, Split
from backend.examples.task import Task
from backend.models.tokenizing import Tokenizing
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.training.config import TrainingConfig
from backend.training.rows.making import make_rows
from backend.training.values import IGNORED, Problem, Row, Rows
from tests.tiny import TALK, tiny_model

NO_SYSTEM = """\
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
<|{{ message['role'] }}|>
{{ message['content'] | trim }}<|end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|assistant|>
{% endif -%}"""
"""As Gemma's: no system role."""
THINKING = """\
{%- for message in messages -%}
<|{{ message['role'] }}|>
{% if message['role'] == 'assistant' and loop.last %}<think>

</think>

{% endif %}{{ message['content'] }}<|end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|assistant|>
{% endif -%}"""
"""As Qwen3's: the last answer is written with its thoughts before it, earlier ones without."""
KINDS = ("starter", "own", "plain", "no_system", "thinking")
INSTRUCTIONS = Instructions(system="감성을 한 낱말로 답하십시오.", template="문장: {input}\n감성:")
ASSISTANT = Assistant(instructions=INSTRUCTIONS)


def model_folder(kind: str, folder: Path, starter: Path) -> Path:
    """A copy of the shipped model, or a tiny one with the template of that kind."""
    if kind == "starter":
        return Path(shutil.copytree(starter, folder / kind))
    model = tiny_model(folder / kind, chat_template=kind != "plain", context=512)
    if kind in ("no_system", "thinking"):
        (model / "chat_template.jinja").write_text(NO_SYSTEM if kind == "no_system" else THINKING, "utf-8")
    return model


def new_project(folder: Path) -> Project:
    projects = Projects(folder / "projects")
    return projects.open("owner", projects.create("owner", "영화평").id)


def reviews(train: int = 12, dev: int = 3, test: int = 3) -> list[NewExample]:
    """Korean and English reviews, all different, with two labels."""
    splits: list[Split] = [*["train"] * train, *["dev"] * dev, *["test"] * test]  # type: ignore[list-item]
    n = len(TALK)
    texts = [f"{at}번째 {TALK[at % n]} 😀 {TALK[(at + 1 + at // n) % n]}" for at in range(len(splits))]
    return [
        NewExample(variables={"input": text}, output=("긍정", "부정")[at % 2], split=split)
        for at, (text, split) in enumerate(zip(texts, splits, strict=True))
    ]


def labelled(project: Project, *more: NewExample) -> Project:
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    project.examples.add([*reviews(), *more])
    return project


def config(assistant: Assistant = ASSISTANT, **fields: Any) -> TrainingConfig:
    return TrainingConfig(assistant=assistant, **fields)


def rows_of(project: Project, folder: Path, wanted: TrainingConfig, **more: Any) -> Rows:
    return make_rows(project, wanted, Tokenizing.open(folder), **more)


def counted(row: Row) -> list[int]:
    """The ids that count, having checked that each label is its own id."""
    assert len(row.labels) == len(row.input_ids)
    assert all(label in (IGNORED, token) for token, label in zip(row.input_ids, row.labels, strict=True))
    return [label for label in row.labels if label != IGNORED]


def named(problems: tuple[Problem, ...], name: str) -> Problem | None:
    return next((one for one in problems if one.name == name), None)
