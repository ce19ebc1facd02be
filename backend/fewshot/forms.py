"""An assistant with no, one and all of its examples, side by side: the exact prompt and what it takes of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.answering import Answers, Host, Question
from backend.assistants import PER_INPUT, Assistant, Examples, ModelRef, Weights
from backend.messages import Message

Name = Literal["zero", "one", "few"]


@dataclass(frozen=True)
class Form:
    """One form of a prompt; counts in tokens, None where an endpoint does not tell.

    shots           examples shown for this question
    prompt          the exact text after the chat template
    context_length  what prompt and answer may take together
    asked           the longest answer that the assistant may give
    """

    name: Name
    shots: int
    messages: tuple[Message, ...]
    prompt: str
    tokens: int | None
    context_length: int | None
    asked: int

    @property
    def room(self) -> int | None:
        """Left for the answer; not more than 0 when the prompt alone is too long."""
        if self.tokens is None or self.context_length is None:
            return None
        return self.context_length - self.tokens

    @property
    def fits(self) -> bool:
        """Whether the model takes the prompt, as far as that is known."""
        return self.room is None or self.room > 0

    @property
    def cut(self) -> bool:
        """Whether the longest answer would have to be cut short."""
        return self.room is not None and self.room < self.asked


def forms(assistant: Assistant, question: Question, answers: Answers, host: Host) -> list[Form]:
    """Zero-, one- and few-shot forms of the prompt for a question.

    Forms that would show the same number of examples are not repeated. Loads the model.
    Raises BadInput (a variable of the template has no value, ...), and what loading a model raises.
    """
    window = window_of(host, assistant.weights)
    parts: dict[Name, Examples] = {"zero": Examples(), "one": first_of(assistant.examples), "few": assistant.examples}
    found: list[Form] = []
    for name, part in parts.items():
        form = _form(name, assistant.model_copy(update={"examples": part}), question, answers, window)
        if all(form.shots != other.shots for other in found):
            found.append(form)
    return found


def first_of(examples: Examples) -> Examples:
    """The examples with one shot: the first listed, or the nearest where each question has its own."""
    if examples.selection is None or examples.selection.method not in PER_INPUT:
        return examples.model_copy(update={"shots": examples.shots[:1]})
    one = examples.selection.model_copy(update={"count": min(1, examples.selection.count)})
    return examples.model_copy(update={"selection": one})


def window_of(host: Host, model: Weights | ModelRef) -> int | None:
    """Tokens that prompt and answer may take together. Loads the model; None where an endpoint does not tell."""
    with host.engine(model) as engine:
        return engine.context_length


def _form(name: Name, assistant: Assistant, question: Question, answers: Answers, window: int | None) -> Form:
    messages = answers.compose(assistant, question)
    prompt, tokens = answers.preview(assistant, question)
    return Form(
        name=name,
        shots=_shots(messages, question),
        messages=messages,
        prompt=prompt,
        tokens=None if tokens is None else len(tokens),
        context_length=window,
        asked=assistant.decoding.max_new_tokens,
    )


def _shots(messages: tuple[Message, ...], question: Question) -> int:
    """What is neither system prompt nor conversation comes in pairs of question and answer."""
    system = bool(messages) and messages[0].role == "system"
    return (len(messages) - system - len(question.history) - 1) // 2
