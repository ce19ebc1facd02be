"""Teacher forcing: how likely a loaded model finds given words after a given prompt, without writing any itself."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from jinja2.exceptions import TemplateError
from torch import Tensor
from torch.nn.functional import cross_entropy

from backend.errors import ModelProblem
from backend.messages import Message
from backend.models.transformers_engine import TransformersEngine

ROWS: Final = 8
TOKENS: Final = 8_192
"""Tokens of a batch with its pads; a longer row is read alone."""
LOGITS_BYTES: Final = 256 * 2**20
"""What the logits of a batch may take; one row takes what its own output needs."""


@dataclass(frozen=True)
class Forced:
    """Token ids: a prompt, which is only read, and the output after it, whose every token is measured."""

    prompt: tuple[int, ...]
    output: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return self.prompt + self.output

    @property
    def first(self) -> int:
        """The position whose logits tell the output's first token."""
        return len(self.prompt) - 1


def end_of_turn(engine: TransformersEngine, chat_template: str | None) -> int | None:
    """The token with which the template ends an answer, if it writes an answer as prompt, answer, end token.

    None where it writes something else (a template that rewrites answers, a tokenizer without an end token). What a
    template puts behind that token is never written by the model and does not count.
    """
    asked = (Message(role="user", content="x"),)
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    template = chat_template or engine.chat_template
    try:
        before = engine.render(asked, template)
        whole = str(engine.tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False))
    except (TemplateError, ModelProblem):
        return None
    if not whole.startswith(before + "y"):
        return None
    ids = _ids(engine, whole[len(before) + 1 :])
    return ids[0] if ids and ids[0] in engine.ends else None


def forced(engine: TransformersEngine, prompt: str, output: str, end: int | None) -> Forced:
    """The tokens of a rendered prompt, read as an answer's prompt is, and of what follows it.

    The output is cut together with the prompt, unless a token would reach over their border: then by itself.
    """
    before, both = _ids(engine, prompt), _ids(engine, prompt + output)
    after = both[len(before) :] if both[: len(before)] == before else _ids(engine, output)
    return Forced(tuple(before), (*after, *(() if end is None else (end,))))


def losses(
    engine: TransformersEngine, rows: Sequence[Forced], stop: threading.Event | None = None
) -> Iterator[tuple[int, float]]:
    """(index, sum of -ln p over the row's output), in order of length; rows have at least one token of each part.

    Rows are padded on the right, where a causal model does not look; a model that answers its rows one by one reads
    them one by one here too. Ends early after `stop`. Raises ModelProblem("error.out_of_memory").
    """
    order = sorted(range(len(rows)), key=lambda place: (len(rows[place].prompt), len(rows[place].output)))
    vocabulary = int(engine.model.get_input_embeddings().num_embeddings)
    most = ROWS if engine.reads_together else 1
    while order and not (stop is not None and stop.is_set()):
        count = 1
        while count < min(most, len(order)) and _fits([rows[at] for at in order[: count + 1]], vocabulary):
            count += 1
        group, order = order[:count], order[count:]
        try:
            found = _losses(engine.model, [rows[at] for at in group])
        except (torch.OutOfMemoryError, MemoryError) as fault:
            raise ModelProblem("error.out_of_memory") from fault
        yield from zip(group, found, strict=True)


def _fits(group: Sequence[Forced], vocabulary: int) -> bool:
    width = max(len(row.ids) for row in group)
    told = max(len(row.ids) for row in group) - min(row.first for row in group)
    return len(group) * width <= TOKENS and len(group) * told * vocabulary * 4 <= LOGITS_BYTES


@torch.inference_mode()
def _losses(model: Any, group: Sequence[Forced]) -> list[float]:
    """One pass over rows that fit together; only places that tell an output token go through the vocabulary."""
    width, start = max(len(row.ids) for row in group), min(row.first for row in group)
    ids = torch.tensor([[*row.ids, *([0] * (width - len(row.ids)))] for row in group], device=model.device)
    more: dict[str, Any] = {}
    if any(len(row.ids) < width for row in group):
        lengths = torch.tensor([len(row.ids) for row in group], device=model.device)
        more["attention_mask"] = (torch.arange(width, device=model.device) < lengths[:, None]).long()
    some = "logits_to_keep" in inspect.signature(model.forward).parameters
    if some:
        more["logits_to_keep"] = torch.arange(start, width - 1, device=model.device)
    logits: Tensor = model(input_ids=ids, use_cache=False, **more).logits
    shift = start if some else 0
    found = []
    for place, row in enumerate(group):
        told = logits[place, row.first - shift : row.first - shift + len(row.output)]
        wanted = torch.tensor(row.output, device=told.device)
        found.append(float(cross_entropy(told.float(), wanted, reduction="sum")))
    return found


def _ids(engine: TransformersEngine, text: str) -> list[int]:
    return list(engine.tokenizer(text, add_special_tokens=False)["input_ids"])
