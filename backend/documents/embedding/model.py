"""Which model turns passages and questions into points, and what such a model must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol

from pydantic import Field

from backend.assistants import Part
from backend.documents.languages import language_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["minilm", "hub", "local", "endpoint", "none"]
Languages = Literal["en", "multi"]

MINILM: Final = "all-MiniLM-L6-v2"


class EmbeddingModel(Part):
    """A model that makes points, so completely told that two equal ones make the same points.

    kind        minilm    all-MiniLM-L6-v2, which is installed with the studio: English, 384 numbers
                hub       `name` is a hub id, fetched once into the home folder      local  `name` is a folder
                endpoint  `name` is the model's name at the connection `endpoint`
                none      no points: only words are searched
    query, passage  what is written before a question and before a passage, as the model's makers ask ("query: ")
    max_tokens  what a passage may have at most; the rest of a longer one is not seen by the model
    languages   what it is good for: en, or multi for many, Korean among them
    """

    kind: Kind = "minilm"
    name: str = Field(MINILM, max_length=500)
    revision: str | None = None
    endpoint: str | None = None
    query: str = Field("", max_length=500)
    passage: str = Field("", max_length=500)
    max_tokens: int = Field(256, ge=16, le=32_768)
    languages: Languages = "en"

    def understands(self, question: str) -> bool:
        """Whether its points mean something for this question; an English model's do not for a Korean one."""
        return self.kind != "none" and (self.languages == "multi" or language_of(question) in ("en", "other"))


class Embedder(Protocol):
    """A loaded model. May be used from any thread; calls wait for each other."""

    @property
    def model(self) -> EmbeddingModel: ...

    @property
    def dimensions(self) -> int: ...

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows (texts, dimensions). Raises Unavailable, ModelProblem."""
        ...

    def query(self, text: str) -> NDArray[np.float32]:
        """A unit row (dimensions,)."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text by the model's own tokenizer; without one, a careful guess."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...
