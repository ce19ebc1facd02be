"""An embedding model behind an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from backend.documents.embedders import guessed
from backend.documents.embedding import EmbeddingModel
from backend.errors import Unavailable
from backend.models.endpoint_client import client, told
from backend.models.endpoints import Endpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE: Final = 64
CONNECT_S: Final = 5.0
READ_S: Final = 60.0


class RemoteEmbedder:
    """See Embedder. Asks for as many texts at once as most servers take."""

    def __init__(self, model: EmbeddingModel, endpoint: Endpoint, key: str | None) -> None:
        self.model, self._endpoint, self._key = model, endpoint, key
        self._client = client(endpoint, key, CONNECT_S, READ_S)
        self._dimensions = 0

    @property
    def dimensions(self) -> int:
        """As the server makes them; asks it the first time. Raises Unavailable."""
        return self._dimensions or int(self.query("?").shape[0])

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        asked = [self.model.passage + text for text in texts]
        return np.concatenate([self._points(asked[at : at + AT_ONCE]) for at in range(0, len(asked), AT_ONCE)])

    def query(self, text: str) -> NDArray[np.float32]:
        point: NDArray[np.float32] = self._points([self.model.query + text])[0]
        return point

    def count(self, text: str) -> int:
        return guessed(text)

    def close(self) -> None:
        self._client.close()

    def _points(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows. Raises Unavailable with the sentence for each way of failing."""
        import numpy as np

        with told(self._endpoint, self.model.name, self._key):
            answer = self._client.embeddings.create(model=self.model.name, input=texts, encoding_format="float")
            rows = sorted(answer.data, key=lambda row: row.index)
            points = np.asarray([row.embedding for row in rows], dtype=np.float32)
        fine = points.ndim == 2 and points.shape[0] == len(texts) and np.isfinite(points).all()
        if not fine or (self._dimensions and points.shape[1] != self._dimensions):
            raise Unavailable("error.endpoint_nonsense", endpoint=self._endpoint.name)
        self._dimensions = points.shape[1]
        sizes = np.linalg.norm(points, axis=1, keepdims=True)
        return np.asarray(points / np.where(sizes > 0, sizes, 1), dtype=np.float32)
