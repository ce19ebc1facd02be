"""The engine of a model that ends in a classification head: its answer is the likeliest label.

The prompt is the one that a language model would get, so that a head and a written answer can be held against each
other. Requests that come together are read together; nothing is written token by token.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

from backend.errors import BadInput, ModelProblem
from backend.messages import Message
from backend.models.detokenizing import pieces_of
from backend.models.engine import Choice, Piece, Request, TokenChoice
from backend.models.loading import Loaded
from backend.models.tokenizing import Tokenizing, ids_of

ROWS: Final = 16
TOKENS: Final = 8_192
"""Tokens of a batch with its pads; a longer row is read alone."""


@dataclass(eq=False)
class _Asked:
    """A prompt that waits for its turn; `told` holds the probability of each label in the end."""

    ids: list[int]
    told: Future[list[float]] = field(default_factory=Future)


class HeadEngine:
    """A loaded sequence classification model behind the Engine interface; see backend.models.engine."""

    def __init__(self, loaded: Loaded, closed: Callable[[], object] = lambda: None) -> None:
        self.model, self.labels, self._closed = loaded.model, loaded.labels, closed
        self.device: torch.device = self.model.device
        self.memory_bytes = int(self.model.get_memory_footprint())
        self._reads = Tokenizing.over(self.model, loaded.tokenizer)
        self._waiting: deque[_Asked] = deque()
        self._turn = threading.Lock()

    @property
    def tokenizer(self) -> Any:
        return self._reads.tokenizer

    @property
    def ends(self) -> frozenset[int]:
        return self._reads.ends

    @property
    def context_length(self) -> int | None:
        return self._reads.context

    @property
    def chat_template(self) -> str:
        return self._reads.chat_template

    def render(self, messages: tuple[Message, ...], chat_template: str | None = None, prefill: str = "") -> str:
        return self._reads.render(messages, chat_template, prefill)

    def tokens(self, text: str) -> list[str] | None:
        return pieces_of(self.tokenizer, text)

    def stream(self, request: Request, stop: threading.Event | None = None) -> Iterator[Piece]:
        """One piece: the label, with its probability and the best other labels as its only token.

        Raises BadInput("error.adapter_head_prefill"): a label is chosen as a whole and cannot be continued.
        """
        if request.prefill:
            raise BadInput("error.adapter_head_prefill")
        text = request.text
        if text is None:
            text = self.render(request.messages, request.chat_template)
        ids, limit = ids_of(self.tokenizer, text), self.context_length
        if not ids:
            raise BadInput("error.prompt_empty")
        if limit is not None and len(ids) > limit:
            raise BadInput("error.prompt_too_long", tokens=len(ids), limit=limit)
        if stop is not None and stop.is_set():
            yield Piece(finish="stopped", prompt_tokens=len(ids), answer_tokens=0)
            return
        told = self._ask(ids)
        order = sorted(range(len(told)), key=lambda number: -told[number])
        best = tuple(Choice(self.labels[number], told[number]) for number in order[: request.candidates])
        label = self.labels[order[0]]
        choice = TokenChoice(label, told[order[0]], best)
        yield Piece(label, (choice,), "stop", prompt_tokens=len(ids), answer_tokens=1)

    def close(self) -> None:
        with self._turn:
            self.model = None
            self._closed()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _ask(self, ids: list[int]) -> list[float]:
        """The probability of each label. Whoever comes while others are read is read with the next ones."""
        mine = _Asked(ids)
        self._waiting.append(mine)
        while not mine.told.done():
            with self._turn:
                if not mine.told.done():
                    self._read()
        return mine.told.result()

    def _read(self) -> None:
        """Read the prompts at the head of the line that fit together; only by who has the turn."""
        group: list[_Asked] = []
        while self._waiting and len(group) < ROWS:
            longest = max(len(one.ids) for one in [*group, self._waiting[0]])
            if group and longest * (len(group) + 1) > TOKENS:
                break
            group.append(self._waiting.popleft())
        try:
            told = self._probabilities([one.ids for one in group])
        except (torch.OutOfMemoryError, MemoryError):
            _fail(group, ModelProblem("error.out_of_memory"))
        except Exception as fault:  # it must reach those who wait for it
            _fail(group, fault)
        else:
            for one, row in zip(group, told.tolist(), strict=True):
                one.told.set_result(row)

    @torch.inference_mode()
    def _probabilities(self, rows: list[list[int]]) -> Tensor:
        """(rows, labels); padded on the right with the token by which the model finds a row's end."""
        width, pad = max(len(row) for row in rows), self.model.config.get_text_config().pad_token_id or 0
        ids = torch.tensor([[*row, *([pad] * (width - len(row)))] for row in rows], device=self.device)
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        mask = (torch.arange(width, device=self.device) < lengths[:, None]).long()
        logits: Tensor = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return logits.float().softmax(-1)


def _fail(group: list[_Asked], fault: Exception) -> None:
    for one in group:
        one.told.set_exception(fault)
