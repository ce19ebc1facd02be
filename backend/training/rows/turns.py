"""How an example is asked: what the assistant reads before the answer, turn by turn where the example has turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from backend.answering import Answering, Question
from backend.assistants import PER_INPUT, Assistant, Examples, Shot
from backend.examples.asking import question_of
from backend.examples.example import Example
from backend.examples.task import Task
from backend.fewshot.nearest import same
from backend.messages import Message
from backend.models.engine import Engine
from backend.training.config import TrainingConfig


@dataclass(frozen=True)
class Asked:
    """One answer that is trained: the messages before it, and the answer.

    `last` is true of an example's own answer, false of one of the earlier answers of its conversation.
    """

    example: Example
    messages: tuple[Message, ...]
    output: str
    last: bool = True


def trained_assistant(config: TrainingConfig) -> Assistant:
    """Who is asked while training, and how the trained one shall be asked later.

    Its examples stay in the prompt for the objective "prompt_based" only: the others learn to do without them. An
    example's answer was not written from passages, so none stand before its question.
    """
    asked = config.assistant.model_copy(update={"documents": None})
    if config.objective == "prompt_based":
        return asked
    return asked.model_copy(update={"examples": Examples()})


class Asking:
    """Composes prompts for one config by the code that answers; loads no model."""

    def __init__(self, config: TrainingConfig, task: Task | None) -> None:
        self.assistant = trained_assistant(config)
        self._task = task
        self._answering = Answering(_NoModels())
        shots, selection = self.assistant.examples.shots, self.assistant.examples.selection
        fixed = selection is None or selection.method not in PER_INPUT
        self._shown = {_text(shot.variables, shot) for shot in shots} if fixed else set()

    def asked(self, example: Example) -> Iterator[Asked]:
        """The example's answer, with every earlier answer of its conversation before it.

        A shot of the prompt that is the example itself is left out of it: the answer would stand in its own prompt.
        Raises BadInput (unknown variable, ...).
        """
        assistant, question = self._without(example), question_of(example, self.assistant, self._task)
        turns = [turn.content for turn in question.history]
        for at in range(0, len(turns), 2):
            before = Question({**question.variables, "input": turns[at]}, question.history[:at])
            yield Asked(example, self._answering.compose(assistant, before), turns[at + 1], last=False)
        yield Asked(example, self._answering.compose(assistant, question), example.output)

    def shows(self, example: Example) -> bool:
        """Whether the example itself is one of the shots in the prompt."""
        return bool(self._shown) and any(
            _text(example.variables, shot) in self._shown and _is(example, shot)
            for shot in self.assistant.examples.shots
        )

    def _without(self, example: Example) -> Assistant:
        if not self.shows(example):
            return self.assistant
        examples = self.assistant.examples
        left = tuple(shot for shot in examples.shots if not _is(example, shot))
        return self.assistant.model_copy(update={"examples": examples.model_copy(update={"shots": left})})


def _text(variables: dict[str, str], shot: Shot) -> str:
    return same("\n".join(variables.get(name, "") for name in shot.variables))


def _is(example: Example, shot: Shot) -> bool:
    return _text(example.variables, shot) == _text(shot.variables, shot)


class _NoModels:
    """Composing asks for no engine; whoever does has taken the wrong way."""

    def engine(self, ref: object) -> AbstractContextManager[Engine]:
        raise AssertionError("prompts are composed without a model")
