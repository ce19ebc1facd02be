"""The one small interface behind which a model runs: transformers here, a chat endpoint there.

An engine knows nothing of assistants, projects or pages. It takes a Request and streams Pieces.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from backend.assistants import Decoding
from backend.messages import Message

Finish = Literal["stop", "length", "stopped"]
"""Why an answer ended: by itself (end token or stop string), at max_new_tokens, or by the person's Stop."""


@dataclass(frozen=True)
class Choice:
    """One candidate for a token: its text and its probability, 0..1."""

    text: str
    probability: float


@dataclass(frozen=True)
class TokenChoice:
    """A token that was chosen, its probability 0..1 before sampling filters, and the best candidates, likeliest first.

    The byte tokens of one character come as one choice with the product of their probabilities, so that people see
    "긍" rather than three bytes; there may be fewer choices than answer tokens.
    """

    text: str
    probability: float
    best: tuple[Choice, ...]


@dataclass(frozen=True)
class Request:
    """What an engine is asked. `prefill` is the beginning of the answer, to be continued as it stands."""

    messages: tuple[Message, ...]
    decoding: Decoding
    chat_template: str | None = None
    prefill: str = ""
    candidates: int = 0
    """How many best candidates to report per token; 0 reports none."""
    text: str | None = None
    """What `render` made of it, when the caller has asked for that already."""


@dataclass(frozen=True)
class Piece:
    """A bit of an answer. Text pieces concatenate to the answer; the last piece has `finish` set.

    prompt_tokens and answer_tokens are counts so far (None where an endpoint does not tell).
    """

    text: str = ""
    choices: tuple[TokenChoice, ...] = ()
    finish: Finish | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


class Engine(Protocol):
    """A loaded model, or a connection to one. Every method may be called from any thread."""

    @property
    def context_length(self) -> int | None:
        """Tokens that prompt and answer may take together; None where an endpoint does not tell."""

    @property
    def chat_template(self) -> str | None:
        """The Jinja template in use (the tokenizer's, or the plain one for a base model); None for an endpoint."""

    @property
    def memory_bytes(self) -> int:
        """What it takes of this machine while loaded."""

    def render(self, messages: tuple[Message, ...], chat_template: str | None = None, prefill: str = "") -> str:
        """The exact text the model sees. For an endpoint a readable transcript: its server applies its own template."""

    def tokens(self, text: str) -> list[str] | None:
        """The text cut at token boundaries (pieces concatenate to the text); None where an endpoint does not tell."""

    def stream(self, request: Request, stop: threading.Event | None = None) -> Iterator[Piece]:
        """Answer. Requests that arrive together are batched. Setting `stop`, or closing the iterator, ends just this.

        Raises BadInput("error.prompt_too_long", tokens=, limit=), Unavailable, ModelProblem.
        """

    def close(self) -> None:
        """Give the memory back. Streams under way end with finish "stopped"."""
