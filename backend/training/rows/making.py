"""Examples -> Rows: exactly the tokens that are trained on, and which of them count for the loss.

A prompt is composed, rendered and cut into tokens by the code that answers (backend.training.rows.turns,
backend.models.tokenizing), so it is what the trained model will be asked, token for token. After it come the
expected output and the token that ends an answer: these and nothing else count. Rows that do not fit are left out
and told, never cut; the test split cannot be read from here (see ExampleStore.each).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from backend.errors import BadInput, Refused
from backend.evaluation.labels import reader
from backend.examples.example import Example
from backend.models.tokenizing import Tokenizing, end_to_learn, many_forced
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.rows.cutting import answer_rows, head_row
from backend.training.rows.documents import document_rows
from backend.training.rows.found import Found
from backend.training.rows.turns import Asked, Asking
from backend.training.values import Row, Rows

VIRTUAL: Final = frozenset({"prompt_tuning", "p_tuning", "prefix_tuning"})
"""Methods that put tokens of their own before the prompt: these take room of the context."""
AT_ONCE: Final = 2_000
"""Examples whose texts are in memory together."""


def make_rows(
    project: Project,
    config: TrainingConfig,
    tokenizing: Tokenizing,
    documents: Sequence[Path] = (),
    watched: bool = True,
    only: Container[int] | None = None,
) -> Rows:
    """What a run of this config trains on and is watched by.

    documents  the files of the objective "documents", in the order of `config.documents`
    watched    whether dev rows are wanted too; a look at a few rows does without
    only       ids of the examples that are looked at, of those that are drawn; None for all
    Row.completion is the expected output without its end token. What is wrong with single examples is in `problems`;
    what is wrong with the data as a whole is told by `check_data.check_data`.
    Raises ModelProblem (a chat template that cannot be run), BadInput (a document that is no text).
    """
    if config.objective == "documents":
        return document_rows(config, tokenizing, documents, longest(config, tokenizing))
    found = Found(limit=longest(config, tokenizing))
    making = _Making(project, config, tokenizing, found)
    if config.assistant.documents is not None:
        found.note("without_passages")
    try:
        examples = drawn(project, config)
        train = making.rows([one for one in examples if only is None or one.id in only], "train")
        dev = making.rows(tagged(project.examples.each("dev", "tune"), config), "dev") if watched else ()
    except Refused as refused:
        if refused.key != "error.no_splits":
            raise
        found.note("no_splits")
        train = dev = ()
    return Rows(train, dev, found.problems(), making.labels)


def longest(config: TrainingConfig, tokenizing: Tokenizing) -> int | None:
    """Tokens that a row may have; None when neither the person nor the model says."""
    context = tokenizing.context
    if context is not None and config.method in VIRTUAL:
        context -= config.num_virtual_tokens
    return min((length for length in (config.max_length, context) if length is not None), default=None)


def drawn(project: Project, config: TrainingConfig) -> list[Example]:
    """The training examples of a config, in the order in which they came."""
    examples = list(tagged(project.examples.each("train", "train"), config))
    if config.limit is None or config.limit >= len(examples):
        return examples
    chosen = Random(config.seed).sample(range(len(examples)), config.limit)
    return [examples[at] for at in sorted(chosen)]


def tagged(examples: Iterator[Example], config: TrainingConfig) -> Iterator[Example]:
    """Those that a config takes of a split."""
    return (one for one in examples if config.tag is None or config.tag in one.tags)


class _Making:
    """Makes the rows of both splits for one config."""

    def __init__(self, project: Project, config: TrainingConfig, tokenizing: Tokenizing, found: Found) -> None:
        task = project.examples.task()
        self.labels = task.labels if config.objective == "head" and task is not None else ()
        self._reader = reader(self.labels) if self.labels else None
        self._head = config.objective == "head"
        self._asking = Asking(config, task)
        self._template = self._asking.assistant.chat_template
        self._decoding = self._asking.assistant.decoding
        self._tokenizing, self._found = tokenizing, found
        self._special = frozenset(tokenizing.tokenizer.all_special_ids)
        self._end = None if self._head else end_to_learn(tokenizing, self._template)
        if self._end is None and not self._head:
            found.note("no_end")

    def rows(self, examples: Sequence[Example] | Iterator[Example], split: str) -> tuple[Row, ...]:
        rows: list[Row] = []
        waiting: list[list[Asked]] = []
        for example in examples:
            asked = self._asked(example, split)
            waiting += [asked] if asked else []
            if len(waiting) >= AT_ONCE:
                rows += self._cut(waiting, split)
                waiting = []
        return (*rows, *self._cut(waiting, split))

    def _asked(self, example: Example, split: str) -> list[Asked]:
        """Empty for an example that cannot be trained on, which is told."""
        if not example.output.strip():
            self._found.add("no_answers", split, example.id)
            return []
        if self._head and (self._reader is None or self._reader.label(example.output) is None):
            self._found.add("unknown_label", split, example.id)
            return []
        try:
            asked = list(self._asking.asked(example))
        except BadInput:
            self._found.add("no_prompt", split, example.id)
            return []
        if self._asking.shows(example):
            self._found.add("own_shot", split, example.id)
        if len(asked) > 1:
            self._found.add("conversations", split, example.id)
        return asked[-1:] if self._head else asked

    def _cut(self, waiting: Sequence[Sequence[Asked]], split: str) -> Iterator[Row]:
        flat = [one for asked in waiting for one in asked]
        prompts = [self._tokenizing.render(one.messages, self._template) for one in flat]
        outputs = ["" if self._head else one.output for one in flat]
        pairs = list(zip(prompts, outputs, strict=True))
        forced = iter(zip(pairs, many_forced(self._tokenizing, pairs, self._end), strict=True))
        for asked in waiting:
            mine = [next(forced) for _ in asked]
            if self._head and self._reader is not None:
                label = self._reader.label(asked[-1].output) or ""
                rows = [head_row(asked[-1], mine[-1], label, self.labels.index(label))]
            else:
                rows = list(answer_rows(asked, mine))
            yield from self._found.fitting(rows, split, self._decoding, self._special)
