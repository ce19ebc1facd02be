"""Points of many dimensions to places on a plane, in a process of its own: seconds of work, then the memory is free.

    python -m backend.documents.mapping.child POINTS.npy PLACES.npy

t-SNE (van der Maaten & Hinton, 2008) by openTSNE, after PCA to fifty dimensions; started from the PCA, so that the same
points come to the same places.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS: Final = 50
PERPLEXITY: Final = 30
"""About how many neighbours a point keeps near it; fewer where there are few points."""
ROUNDS: Final = {"early_exaggeration_iter": 150, "n_iter": 250}


def places_of(points: NDArray[Any]) -> NDArray[np.float32]:
    """(n, d) -> (n, 2). Fewer than ten points, or all of them alike, are drawn by their two main directions."""
    from sklearn.decomposition import PCA

    known = np.asarray(points, dtype=np.float32)
    narrow = PCA(min(DIMENSIONS, *known.shape), random_state=0, svd_solver="full" if len(known) < 500 else "randomized")
    spread = narrow.fit_transform(known)
    if len(known) < 10 or not np.ptp(spread, axis=0).any():
        return np.pad(spread[:, :2], ((0, 0), (0, max(0, 2 - spread.shape[1])))).astype(np.float32)
    return _neighbourly(spread)


def _neighbourly(spread: NDArray[Any]) -> NDArray[np.float32]:
    from openTSNE import TSNE

    perplexity = min(PERPLEXITY, (len(spread) - 1) / 3)
    drawn = TSNE(perplexity=perplexity, random_state=0, n_jobs=1, neighbors="exact", **ROUNDS).fit(spread)
    return np.asarray(drawn, dtype=np.float32)


if __name__ == "__main__":
    given, wanted = map(Path, sys.argv[1:3])
    np.save(wanted, places_of(np.load(given, allow_pickle=False)), allow_pickle=False)
