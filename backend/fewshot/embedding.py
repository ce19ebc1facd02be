"""Texts as points, so that alike texts lie close together: weighted character n-grams, fitted to the pool itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_READ = 4_000
"""Characters of a text that are looked at."""


class Space:
    """The points of a pool: sparse unit rows (texts, n-grams), whose products are cosines 0..1.

    Fitted once to the pool; another text is then placed among its points. May be used from any thread.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Raises ValueError for no texts."""
        if not texts:
            raise ValueError("no texts")
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, 3), preprocessor=plain, sublinear_tf=True, dtype=np.float32
        )
        # A pool of blank texts has no n-gram at all; the sign keeps the space from being empty.
        self.points: Any = self._vectorizer.fit_transform([*texts, "."])[:-1]
        self._by_gram: Any = self.points.T.tocsr()

    def place(self, texts: Sequence[str]) -> Any:
        """Sparse unit rows (texts, n-grams); a row of zeros for a text that shares no n-gram with the pool."""
        return self._vectorizer.transform(texts)

    def similarities(self, text: str) -> NDArray[np.float32]:
        """How alike the text is to each of the pool: cosines 0..1, shape (pool,)."""
        scores: NDArray[np.float32] = (self.place([text]) @ self._by_gram).toarray()[0]
        return scores


def plain(text: str) -> str:
    """How texts are compared: one spelling of each character (NFKC), small letters, no longer than needed."""
    return unicodedata.normalize("NFKC", text[:MOST_READ]).lower()
