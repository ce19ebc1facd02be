"""The engine that asks an OpenAI-compatible server.

The server applies its own chat template, so `render` shows a plain transcript. A key appears in no log, no
error and no repr of this module.

Continuing an answer: the chat API has no agreed way. vLLM wants flags of its own for it, hosted servers refuse
or begin anew, and an answer begun anew but glued to the old beginning would be a lie. So a prefill is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from math import exp
from typing import Any

from backend.errors import Refused, Unavailable
from backend.messages import Message
from backend.models.endpoint_client import LISTED, Listening, client, told
from backend.models.endpoints import Endpoint
from backend.models.engine import Choice, Finish, Piece, Request, TokenChoice

CONNECT_S, READ_S = 5.0, 60.0
"""Seconds to reach the server, and to wait for its next word."""
LIST_S = 10.0
MOST_CANDIDATES = 20  # the API's own limit


class EndpointEngine:
    """A connection behind the Engine interface; see backend.models.engine for what each method does."""

    def __init__(
        self, endpoint: Endpoint, model: str, key: str | None, connect_s: float = CONNECT_S, read_s: float = READ_S
    ) -> None:
        self.endpoint, self.model, self._key = endpoint, model, key
        self._client = client(endpoint, key, connect_s, read_s)

    @property
    def context_length(self) -> int | None:
        return None

    @property
    def chat_template(self) -> str | None:
        return None

    @property
    def memory_bytes(self) -> int:
        return 0

    def render(self, messages: tuple[Message, ...], chat_template: str | None = None, prefill: str = "") -> str:
        turns = [f"[{message.role}]\n{message.content}" for message in messages]
        return "\n\n".join([*turns, f"[assistant]\n{prefill}"])

    def tokens(self, text: str) -> list[str] | None:
        return None

    def stream(self, request: Request, stop: threading.Event | None = None) -> Iterator[Piece]:
        """See Engine. Raises Refused("error.endpoint_no_continue"), and what `endpoint_client.told` tells."""
        if request.prefill:
            raise Refused("error.endpoint_no_continue", endpoint=self.endpoint.name)
        with told(self.endpoint, self.model, self._key):
            yield from self._pieces(request, stop)

    def close(self) -> None:
        self._client.close()

    def _pieces(self, request: Request, stop: threading.Event | None) -> Iterator[Piece]:
        finish: Finish | None = None
        counts: tuple[int | None, int | None] = (None, None)
        heard = False
        ended = (stop or threading.Event()).is_set
        for chunk in Listening(lambda: self._client.chat.completions.create(**self._asked(request)), ended):
            heard = True
            counts = _counts(chunk) or counts
            for choice in chunk.choices or ():
                text, chosen = choice.delta.content or "", tuple(_token_choices(choice))
                if text or chosen:
                    yield Piece(text=text, choices=chosen)
                if choice.finish_reason:
                    finish = "length" if choice.finish_reason == "length" else "stop"
        if finish is None and ended():
            finish = "stopped"
        if finish is None:
            raise Unavailable(
                "error.endpoint_cut_off" if heard else "error.endpoint_nonsense", endpoint=self.endpoint.name
            )
        yield Piece(finish=finish, prompt_tokens=counts[0], answer_tokens=counts[1])

    def _asked(self, request: Request) -> dict[str, Any]:
        """The request's fields. What the chat API does not know goes beside them, where vLLM and others read it."""
        decoding = request.decoding
        asked: dict[str, Any] = {
            "model": self.model,
            "messages": [message.model_dump() for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "max_tokens": decoding.max_new_tokens,
        }
        if decoding.stop:
            asked["stop"] = list(decoding.stop)
        if decoding.seed is not None:
            asked["seed"] = decoding.seed
        if request.candidates:
            asked |= {"logprobs": True, "top_logprobs": min(request.candidates, MOST_CANDIDATES)}
        beside: dict[str, float] = {}
        if decoding.top_k:
            beside["top_k"] = decoding.top_k
        if decoding.min_p:
            beside["min_p"] = decoding.min_p
        if decoding.repetition_penalty != 1.0:
            beside["repetition_penalty"] = decoding.repetition_penalty
        return asked | ({"extra_body": beside} if beside else {})


def listed_models(endpoint: Endpoint, key: str | None, connect_s: float = CONNECT_S) -> list[str]:
    """The names of a server's models, sorted. Raises what `endpoint_client.told` tells."""
    connection = client(endpoint, key, connect_s, LIST_S)
    try:
        with told(endpoint, key=key):
            names = [model.id for model in connection.models.list().data]
            if not all(isinstance(name, str) for name in names):
                raise ValueError("a model without a name")
            return sorted(names)[:LISTED]
    finally:
        connection.close()


def _counts(chunk: Any) -> tuple[int | None, int | None] | None:
    usage = getattr(chunk, "usage", None)
    return None if usage is None else (usage.prompt_tokens, usage.completion_tokens)


def _token_choices(choice: Any) -> Iterator[TokenChoice]:
    logprobs = getattr(choice, "logprobs", None)
    for token in (logprobs.content if logprobs else None) or ():
        best = tuple(Choice(one.token, _probability(one.logprob)) for one in token.top_logprobs or ())
        yield TokenChoice(token.token, _probability(token.logprob), best)


def _probability(logprob: float) -> float:
    """Servers write -9999 for "next to nothing"; rounding may leave a little more than one."""
    return min(exp(max(logprob, -100.0)), 1.0)
