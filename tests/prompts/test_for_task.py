"""A plain prompt for a task: the task's labels in it, the task's inputs as its variables."""

from __future__ import annotations

from typing import get_args

import pytest

from backend.examples.task import METRICS, Task, TaskKind
from backend.prompts.for_task import LISTED, plain_assistant, plain_instructions
from backend.prompts.templates import render, variables


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("kind", get_args(TaskKind))
@pytest.mark.parametrize("inputs", [("input",), ("context", "input"), ("제목", "본문")])
def test_every_task_gets_a_prompt_that_takes_its_inputs(kind: TaskKind, language: str, inputs: tuple[str, ...]) -> None:
    task = Task(kind=kind, labels=("가", "나"), inputs=inputs, metric=METRICS[kind][0])
    assistant = plain_assistant(task, language)
    assert set(variables(assistant.instructions.template)) == set(inputs)
    told = render(assistant.instructions.template, {name: f"<{name}>" for name in inputs})
    assert all(f"<{name}>" in told for name in inputs)
    assert assistant.decoding.temperature == 0


def test_labels_are_listed_as_they_are_spelt_until_there_are_too_many() -> None:
    few = Task(kind="classification", labels=("배송", "환불"), metric="accuracy")
    assert "'배송', '환불'" in plain_instructions(few, "ko").system
    assert "'배송', '환불'" in plain_instructions(few, "en").system
    many = few.model_copy(update={"labels": tuple(f"label {number}" for number in range(LISTED + 1))})
    assert "label 7" not in plain_instructions(many, "en").system


def test_entities_are_asked_for_by_the_kinds_the_task_knows() -> None:
    task = Task(kind="entities", labels=("PS", "OG"), metric="span_f1")
    assert "PS, OG" in plain_instructions(task, "ko").system
    assert "PS" not in plain_instructions(task.model_copy(update={"labels": ()}), "ko").system
