"""Passages and points for tests of the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.documents.embedding.model import EmbeddingModel
from backend.documents.languages import language_of
from backend.documents.values import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 16
LETTERS = EmbeddingModel(kind="local", name="letters", languages="multi")


def passages(document: int, *texts: str, headings: tuple[str, ...] = ()) -> list[Passage]:
    found, at = [], 0
    for number, text in enumerate(texts):
        found.append(
            Passage(
                document_id=document,
                number=number,
                text=text,
                start=at,
                end=at + len(text),
                headings=headings,
                language=language_of(text),
            )
        )
        at += len(text) + 2
    return found


@dataclass(frozen=True)
class LetterEmbedder:
    """An Embedder whose points count letters: quick, the same everywhere, and alike texts lie together."""

    model: EmbeddingModel = LETTERS
    dimensions: int = DIMENSIONS

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        points = np.full((len(texts), self.dimensions), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if letter.isalnum():
                    points[row, ord(letter) % self.dimensions] += 1
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    def query(self, text: str) -> NDArray[np.float32]:
        point: NDArray[np.float32] = self.passages([text])[0]
        return point

    def count(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None: ...
