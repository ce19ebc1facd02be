"""The engine that runs a model of this machine with transformers, for several people at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from backend.assistants import Decoding
from backend.errors import BadInput
from backend.messages import Message
from backend.models.batching import Job, Limits, StepLoop
from backend.models.chat_templates import PLAIN_STOPS, PLAIN_TEMPLATE, render, template_of
from backend.models.detokenizing import TextStream, decoder, pieces_of, token_text
from backend.models.engine import Piece, Request
from backend.models.loading import Loaded, load
from backend.models.rows import SlotRows, rows_for
from backend.models.sampling import Sampler
from backend.models.tokenizing import Tokenizing

CONTEXT = 4  # tokens of the prompt that tell the text of a continued answer's first token


class TransformersEngine:
    """A loaded language model behind the Engine interface; see backend.models.engine for what each method does."""

    def __init__(self, loaded: Loaded, cache_bytes: int = 1 << 30, closed: Callable[[], object] = lambda: None) -> None:
        """`cache_bytes` is what the answers under way may take together beside the weights; `closed` is called last."""
        self.model, self.tokenizer, self.prefix = loaded.model, loaded.tokenizer, loaded.prefix
        self._closed = closed
        self.device: torch.device = self.model.device
        self.memory_bytes = int(self.model.get_memory_footprint())
        self._decode = decoder(self.tokenizer)
        reads = Tokenizing.over(self.model, self.tokenizer)
        self.ends = reads.ends
        lead = self.prefix.length if self.prefix else 0
        self._context = None if reads.context is None else reads.context - lead
        token_bytes = _token_bytes(self.model)
        chunk = 512 if self.model.device.type == "cpu" else 4096
        limits = Limits(chunk=chunk, memory_bytes=cache_bytes, token_bytes=token_bytes)
        self._loop = StepLoop(rows_for(self.model, self.prefix), limits, self._name)

    @classmethod
    def open(cls, folder: Path, cache_bytes: int = 1 << 30) -> TransformersEngine:
        """Load a folder. Raises ModelProblem."""
        return cls(load(folder), cache_bytes)

    @property
    def reads_together(self) -> bool:
        """Whether rows of unlike length may be read in one pass, padded."""
        return isinstance(self._loop.rows, SlotRows)

    @property
    def context_length(self) -> int | None:
        return self._context

    @property
    def chat_template(self) -> str:
        return template_of(self.tokenizer)

    def render(self, messages: tuple[Message, ...], chat_template: str | None = None, prefill: str = "") -> str:
        return render(self.tokenizer, messages, chat_template or self.chat_template, prefill)

    def tokens(self, text: str) -> list[str] | None:
        return pieces_of(self.tokenizer, text)

    def stream(self, request: Request, stop: threading.Event | None = None) -> Iterator[Piece]:
        job = self._job(request, stop)
        self._loop.submit(job)
        try:
            while True:
                piece = job.pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if piece.finish:
                    return
        finally:
            job.left = True

    def close(self) -> None:
        self._loop.close()
        self._loop.rows.model = self.model = self.prefix = None
        self._closed()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _job(self, request: Request, stop: threading.Event | None) -> Job:
        text = request.text
        if text is None:
            text = self.render(request.messages, request.chat_template, request.prefill)
        ids: list[int] = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        limit = self.context_length
        if not ids:
            raise BadInput("error.prompt_empty")
        if limit is not None and len(ids) >= limit:
            raise BadInput("error.prompt_too_long", tokens=len(ids), limit=limit)
        decoding = request.decoding
        room = decoding.max_new_tokens if limit is None else min(decoding.max_new_tokens, limit - len(ids))
        return Job(
            ids=ids,
            room=room,
            ends=self.ends,
            sampler=Sampler(decoding, self.device),
            text=TextStream(self._decode, self._stops(request), ids[-CONTEXT:] if request.prefill else ()),
            candidates=request.candidates,
            stop=stop,
        )

    def _stops(self, request: Request) -> tuple[str, ...]:
        decoding: Decoding = request.decoding
        plain = (request.chat_template or self.chat_template) == PLAIN_TEMPLATE
        return (*decoding.stop, *PLAIN_STOPS) if plain else decoding.stop

    def _name(self, token: int) -> str:
        return token_text(self.tokenizer, self._decode, token)


def _token_bytes(model: Any) -> int:
    """What one token of one answer takes of the cache; a little too much for windowed layers."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * size * model.dtype.itemsize)
