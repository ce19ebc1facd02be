"""An embedding model behind an OpenAI-compatible server.

How many texts it takes at once is found out: a server that refuses a batch is asked with half of it from then on
(text-embeddings-inference takes 32, others any number). One that says when to come again is waited for by the caller.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from backend.documents.embedding.embedders import guessed
from backend.documents.embedding.model import EmbeddingModel
from backend.errors import BadInput, Unavailable
from backend.models.endpoint_client import client, told
from backend.models.endpoints import Endpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE: Final = 64
CONNECT_S: Final = 5.0
READ_S: Final = 60.0
LONGEST_WAIT_S: Final = 120.0
"""A server that wants more rest than this is as good as down; the run can be resumed."""


class RemoteEmbedder:
    """See Embedder. Asks for as many texts at once as most servers take."""

    def __init__(self, model: EmbeddingModel, endpoint: Endpoint, key: str | None) -> None:
        self.model, self._endpoint, self._key = model, endpoint, key
        self._client = client(endpoint, key, CONNECT_S, READ_S)
        weakref.finalize(self, self._client.close)
        self._dimensions, self._at_once = 0, AT_ONCE

    @property
    def dimensions(self) -> int:
        """As the server makes them; asks it the first time. Raises Unavailable."""
        return self._dimensions or int(self.query("?").shape[0])

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        asked, found = [self.model.passage + text for text in texts], []
        while asked:
            some = asked[: self._at_once]
            try:
                found.append(self._points(some))
            except BadInput:
                if len(some) == 1:
                    raise
                self._at_once = len(some) // 2
                continue
            asked = asked[len(some) :]
        return np.concatenate(found)

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
            answer = self._answer(texts)
            rows = sorted(answer.data, key=lambda row: row.index)
            points = np.asarray([row.embedding for row in rows], dtype=np.float32)
        fine = points.ndim == 2 and points.shape[0] == len(texts) and np.isfinite(points).all()
        if not fine or (self._dimensions and points.shape[1] != self._dimensions):
            raise Unavailable("error.endpoint_nonsense", endpoint=self._endpoint.name)
        self._dimensions = points.shape[1]
        sizes = np.linalg.norm(points, axis=1, keepdims=True)
        return np.asarray(points / np.where(sizes > 0, sizes, 1), dtype=np.float32)

    def _answer(self, texts: list[str]) -> Any:
        """Raises Unavailable("error.endpoint_too_many", seconds=) with how long the server wants to be left alone."""
        import openai

        try:
            return self._client.embeddings.create(model=self.model.name, input=texts, encoding_format="float")
        except openai.RateLimitError as fault:
            told = fault.response.headers.get("retry-after", "")
            seconds = min(float(told), LONGEST_WAIT_S) if told.replace(".", "", 1).isdecimal() else 0.0
            raise Unavailable("error.endpoint_too_many", endpoint=self._endpoint.name, seconds=seconds) from None
