"""Perplexity of the expected outputs: how surprised an assistant's model is by the right answers to its own prompts.

The model reads exactly the prompt that an answer would follow, then the expected output and, where the chat template
ends an answer with an end token, that token. exp(sum of -ln p / number of those tokens): 1 is "never surprised". Its
tokens are the model's own, so that only models with the same tokenizer can be held against each other.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.answering import Answers
from backend.assistants import Assistant
from backend.errors import BadInput, ModelProblem
from backend.evaluation.identity import settled, turned
from backend.evaluation.intervals import student
from backend.examples.asking import question_of
from backend.examples.example import Example, NewExample, Split
from backend.examples.task import Task
from backend.jobs.run import Count
from backend.projects.folder import Project

if TYPE_CHECKING:
    from backend.models.engine import Engine
    from backend.models.forcing import Forced
    from backend.models.transformers_engine import TransformersEngine

NOTE: Final = "evaluation.perplexity."
MOST_LOSS: Final = 690.0
"""Per token; exp of more is no number that a note can hold."""
AT_ONCE: Final = 256
"""Examples whose tokens are held at a time; among them rows of like length are put together."""
ENDPOINT: Final = "compare.perplexity_endpoint"

Figure = Annotated[float, Field(ge=1, le=1e300, allow_inf_nan=False)]


class Perplexity(BaseModel):
    """What was measured. `low` and `high` are a 95 % interval over examples, None of fewer than two.

    n, tokens  examples measured and their tokens; left_out  those with nothing to measure, or too long for the model
    basis      names the examples asked for with their expected outputs, see `basis_of`
    end        whether the token that ends an answer was counted with each output
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    value: Figure
    low: Figure | None
    high: Figure | None
    n: Count
    tokens: Count
    left_out: Count
    split: Split
    basis: str
    end: bool


@dataclass(frozen=True)
class Measured:
    """The perplexity, or the words key of why it cannot be told; neither after a stop."""

    perplexity: Perplexity | None
    reason: str | None = None


def basis_of(examples: Iterable[tuple[str, str]]) -> str:
    """Names examples by (input key, expected output), in whatever order: 32 hex digits."""
    told = sorted(hashlib.sha256(f"{key}\0{said}".encode("utf-8", "surrogatepass")).digest() for key, said in examples)
    return hashlib.sha256(b"".join(told)).hexdigest()[:32]


def keyed(
    examples: Sequence[NewExample],
    assistant: Assistant | None = None,
    task: Task | None = None,
    keys: Sequence[str] | None = None,
) -> list[tuple[str, str]]:
    """(input key, expected output) of each, with a mark where the assistant is asked turn by turn: another prompt.

    `keys` are the input keys where they are known already.
    """

    def marked(key: str, example: NewExample) -> str:
        return turned(key) if assistant and question_of(example, assistant, task).history else key

    told = zip(keys or [example.input_key for example in examples], examples, strict=True)
    return [(marked(key, example), example.output) for key, example in told]


def perplexity_of(project: Project, known: str, basis: str) -> Perplexity | None:
    """What is kept of the assistant with this fingerprint; None when never measured, or of other examples."""
    kept = project.get_note(NOTE + known)
    try:
        found = None if kept is None else Perplexity.model_validate(kept)
    except ValidationError:
        return None
    return found if found is not None and found.basis == basis else None


def keep_perplexity(project: Project, known: str, found: Perplexity) -> None:
    project.set_note(NOTE + known, found.model_dump(mode="json"))


def measure(
    answers: Answers,
    engine: Engine,
    assistant: Assistant,
    examples: Sequence[Example],
    split: Split,
    stop: threading.Event | None = None,
    task: Task | None = None,
) -> Measured:
    """Measure the perplexity of these examples' expected outputs with the assistant's loaded model.

    task  the project's: by it a conversation is asked turn by turn (see `question_of`)
    An endpoint tells no probabilities of words that it did not write itself: its reason is `ENDPOINT`.
    Raises ModelProblem("error.perplexity_nothing" | "error.out_of_memory").
    """
    from backend.models.transformers_engine import TransformersEngine

    if not isinstance(engine, TransformersEngine):
        return Measured(None, ENDPOINT)
    from backend.models.forcing import end_of_turn, losses

    end = end_of_turn(engine, assistant.chat_template)
    pairs: list[tuple[float, int]] = []
    for start in range(0, len(examples), AT_ONCE):
        some = examples[start : start + AT_ONCE]
        rows = _rows(answers, engine, assistant, some, end, stop, task)
        pairs += [(total, len(rows[place].output)) for place, total in losses(engine, rows, stop)]
    if stop is not None and stop.is_set():
        return Measured(None)
    if not pairs or not all(math.isfinite(total) for total, _ in pairs):
        raise ModelProblem("error.perplexity_nothing")
    value, low, high = ratio([total for total, _ in pairs], [count for _, count in pairs])
    found = Perplexity(
        value=_exp(value),
        low=None if low is None else _exp(low),
        high=None if high is None else _exp(high),
        n=len(pairs),
        tokens=sum(count for _, count in pairs),
        left_out=len(examples) - len(pairs),
        split=split,
        basis=basis_of(keyed(examples, assistant, task)),
        end=end is not None,
    )
    return Measured(found)


def ratio(sums: Sequence[float], counts: Sequence[int]) -> tuple[float, float | None, float | None]:
    """sum(sums) / sum(counts) with a 95 % interval over the pairs; without one (None) for fewer than two pairs.

    The ratio estimator's linearised standard error (Cochran 1977, Sampling Techniques, chapter 6) with Student's t
    of n - 1 degrees of freedom. The limits of `intervals` are for scores between 0 and 1 and do not fit here.
    """
    n, size = len(sums), sum(counts)
    value = sum(sums) / size
    if n < 2:
        return value, None, None
    squares = sum((one - value * count) ** 2 for one, count in zip(sums, counts, strict=True))
    half = student(n - 1) * math.sqrt(n / (n - 1) * squares) / size
    return value, value - half, value + half


def _rows(
    answers: Answers,
    engine: TransformersEngine,
    assistant: Assistant,
    examples: Sequence[Example],
    end: int | None,
    stop: threading.Event | None,
    task: Task | None,
) -> list[Forced]:
    """Those that can be measured, up to a stop."""
    found: list[Forced] = []
    for example in examples:
        if stop is not None and stop.is_set():
            break
        row = _row(answers, engine, assistant, example, end, task)
        found += [row] if row is not None else []
    return found


def _row(
    answers: Answers,
    engine: TransformersEngine,
    assistant: Assistant,
    example: Example,
    end: int | None,
    task: Task | None,
) -> Forced | None:
    """None for what cannot be measured: no prompt can be made, no token is left, or the model is too short for it."""
    from backend.models.forcing import forced

    try:
        # The prompt that would be answered: with as many passages as the model can hold.
        prompt, _ = answers.preview(settled(assistant), question_of(example, assistant, task))
    except BadInput:
        return None  # its answer is kept as a failure, which the page counts
    row = forced(engine, prompt, example.output, end)
    fits = engine.context_length is None or len(row.ids) <= engine.context_length
    return row if row.prompt and row.output and fits else None


def _exp(loss: float) -> float:
    return math.exp(min(max(loss, 0.0), MOST_LOSS))
