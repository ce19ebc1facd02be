"""The last choice among candidates: read again by a cross-encoder, and kept from saying the same twice."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.embedding.embedders import folder_of
from backend.documents.embedding.local import import_whole
from backend.documents.embedding.model import EmbeddingModel
from backend.errors import BadInput, ModelProblem, first_line
from backend.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH: Final = 16
LONGEST: Final = 512


class Rerankers:
    """The cross-encoder that was used last, kept open. Any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = ""
        self._encoder: Any = None
        self._lock = threading.Lock()

    def scores(self, name: str, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, by the model's own measure; more is better.

        `name` is a hub id or a local folder. Raises ModelProblem("error.rerank_missing" | "error.rerank_damaged").
        """
        if not texts:
            return []
        with self._lock:
            if self._encoder is None or self._name != name:
                self._encoder, self._name = self._opened(name), name
            told = self._encoder.predict(
                [(question, text) for text in texts], batch_size=BATCH, show_progress_bar=False
            )
        if getattr(told, "ndim", 1) != 1:
            raise ModelProblem("error.rerank_damaged", model=name, why=f"{told.shape[-1]} scores")
        return [float(score) for score in told]

    def close(self) -> None:
        with self._lock:
            self._encoder, self._name = None, ""

    def _opened(self, name: str) -> Any:
        folder = reranker_folder(self._settings, name)
        import_whole()
        from sentence_transformers import CrossEncoder

        try:
            return CrossEncoder(
                str(folder),
                max_length=LONGEST,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as fault:
            raise ModelProblem("error.rerank_damaged", model=name, why=first_line(fault)) from fault


def reranker_folder(settings: Settings, name: str) -> Path:
    """Where a cross-encoder lies. Raises ModelProblem("error.rerank_missing", model=)."""
    local = Path(name).expanduser()
    model = EmbeddingModel(kind="local" if local.is_dir() else "hub", name=name)
    try:
        return folder_of(settings, model)
    except (ModelProblem, BadInput) as fault:
        raise ModelProblem("error.rerank_missing", model=name) from fault


def mmr(
    hits: Sequence[tuple[int, float]], points: Mapping[int, NDArray[np.float32]], trade: float, count: int
) -> list[tuple[int, float]]:
    """Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): `count` of the hits, in the order chosen.

    `trade` 1 is relevance alone, 0 difference alone. Relevance is brought to 0..1; likeness is the cosine to the most
    alike that was chosen. A hit without a point is like no other.
    """
    import numpy as np

    if not hits:
        return []
    rows = [row for row, _ in hits]
    size = len(next(iter(points.values()), np.zeros(1)))
    vectors = np.stack([points.get(row, np.zeros(size, dtype=np.float32)) for row in rows])
    scores = np.array([score for _, score in hits], dtype=np.float64)
    span = scores.max() - scores.min()
    relevance = (scores - scores.min()) / span if span else np.ones(len(scores))
    likeness = np.zeros(len(rows))
    chosen: list[tuple[int, float]] = []
    left = np.ones(len(rows), dtype=bool)
    while left.any() and len(chosen) < count:
        worth = np.where(left, trade * relevance - (1 - trade) * likeness, -np.inf)
        best = int(worth.argmax())
        left[best] = False
        chosen.append((rows[best], float(worth[best])))
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return chosen
