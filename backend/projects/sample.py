"""The sample project: something real to try on the first day, in both languages, with the practice model."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from backend.assistants import Assistant, Decoding, Instructions
from backend.errors import StorageProblem
from backend.examples.example import NewExample
from backend.examples.splits import LEAST, make_splits, plan_splits
from backend.examples.store import ExampleStore
from backend.examples.task import Task
from backend.files import storing
from backend.projects.folder import Project
from backend.prompts.presets import with_preset

NAME = "맞춤 연습 · Matchum sample"

SHORT = Decoding(max_new_tokens=8)
TALK = with_preset(Decoding(max_new_tokens=128), "balanced")

ASSISTANTS = (
    Assistant(
        name="영화평 감성 분류",
        instructions=Instructions(
            system="영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오.", template="평: {input}\n감성:"
        ),
        decoding=SHORT,
    ),
    Assistant(
        name="Film review sentiment",
        instructions=Instructions(
            system="Read the film review and answer with one word only: positive or negative.",
            template="Review: {input}\nSentiment:",
        ),
        decoding=SHORT,
    ),
    Assistant(name="일상 대화 · Small talk", decoding=TALK),
)
"""The small-talk one comes last, so that it stands first in a list and in the form."""

REVIEWS = "reviews.csv"
TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")


def fill(project: Project, samples: Path, starter: Path | None = None) -> None:
    """Save the assistants, copy what lies in `samples` into the project's files, and keep the film reviews as examples.

    `starter` is the practice model's folder, by default beside `samples`. Raises StorageProblem.
    """
    template = chat_template(starter or samples.parent / "starter")
    for assistant in ASSISTANTS:
        saved = project.assistants.save(assistant.name, assistant.model_copy(update={"chat_template": template}))
    project.keep_draft(saved.assistant)
    with storing(project.files):
        if samples.is_dir():
            shutil.copytree(samples, project.files, dirs_exist_ok=True)
    fill_examples(project.examples, samples / REVIEWS)


def fill_examples(store: ExampleStore, reviews: Path) -> None:
    """The task, its examples and their splits, so that Few-shot and Compare have something to work on at once."""
    if not reviews.is_file():
        return
    with storing(reviews), reviews.open(encoding="utf-8-sig", newline="") as file:
        _names, *rows = csv.reader(file)
    store.set_task(TASK)
    store.add(NewExample(variables={"input": row[0]}, output=row[1], origin=f"import:{REVIEWS}") for row in rows)
    if store.counts().total >= LEAST:
        make_splits(store, plan_splits(store, seed=0))


def chat_template(model: Path) -> str | None:
    """The chat template of a model folder as text, without loading its tokenizer; None where it has none."""
    separate, config = model / "chat_template.jinja", model / "tokenizer_config.json"
    try:
        if separate.is_file():
            return separate.read_text(encoding="utf-8")
        if config.is_file():
            found = json.loads(config.read_text(encoding="utf-8")).get("chat_template")
            return found if isinstance(found, str) else None
    except (OSError, ValueError, AttributeError) as fault:
        raise StorageProblem("error.starter_damaged", path=model.name) from fault
    return None
