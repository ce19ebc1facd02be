"""An embedding model of this machine, by sentence-transformers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.embedding.model import EmbeddingModel
from backend.errors import ModelProblem, first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH: Final = 16
BATCH_GPU: Final = 128


def import_whole() -> None:
    """The model host may import them in another thread just now: whole packages are waited for, half of one is not."""
    import accelerate  # noqa: F401
    import transformers  # noqa: F401


class LocalEmbedder:
    """See Embedder. Its tokenizer cuts off what is longer than `max_tokens`."""

    def __init__(self, model: EmbeddingModel, folder: Path) -> None:
        """Raises ModelProblem("error.embedding_damaged")."""
        import_whole()
        from sentence_transformers import SentenceTransformer

        self.model = model
        self._lock = threading.Lock()
        try:
            self._encoder: Any = SentenceTransformer(
                str(folder), local_files_only=True, trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )
            self.dimensions = int(self._encoder.get_embedding_dimension() or 0)
        except (OSError, ValueError, KeyError, RuntimeError) as fault:
            raise ModelProblem("error.embedding_damaged", model=model.name, why=first_line(fault)) from fault
        self._encoder.max_seq_length = min(int(self._encoder.max_seq_length or model.max_tokens), model.max_tokens)
        self._batch = BATCH if self._encoder.device.type == "cpu" else BATCH_GPU

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._points(list(texts), self.model.passage)

    def query(self, text: str) -> NDArray[np.float32]:
        point: NDArray[np.float32] = self._points([text], self.model.query)[0]
        return point

    def count(self, text: str) -> int:
        with self._lock:
            return len(self._encoder.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def close(self) -> None:
        with self._lock:
            self._encoder = None

    def _points(self, texts: list[str], prompt: str) -> NDArray[np.float32]:
        """`prompt` is given also when it is empty, else a prompt that the model's folder names would be used."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        with self._lock:
            points = self._encoder.encode(
                texts, prompt=prompt, batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
            )
        found = np.asarray(points, dtype=np.float32)
        if not np.isfinite(found).all():
            raise ModelProblem("error.embedding_damaged", model=self.model.name, why="NaN")
        return found
