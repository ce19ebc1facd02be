"""A map of the passages: their points laid out on a plane so that what is near there is near in meaning.

Only as much is true of it as of every such drawing: neighbours are neighbours, the distance between far groups and the
axes mean nothing. Drawn once for each state of the index and kept beside it (index/<key>/map.npz).
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from backend.documents.index.index import Index
from backend.documents.values import Passage
from backend.errors import StorageProblem, Unavailable
from backend.files import write_atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST: Final = 2_000
"""Passages that are drawn: t-SNE of so many takes about four seconds of one core, and more are one blot."""
LONGEST_S: Final = 300.0
FILE: Final = "map.npz"
Some = TypeVar("Some")
NEIGHBOURS: Final = 5
SHARPNESS: Final = 8
"""How much nearer passages pull a question more than farther ones: their cosine to this power."""


@dataclass(frozen=True)
class PassageMap:
    """The passages that are drawn. Row i of `places` (n, 2) and of `points` (n, d) belongs to passages[i].

    of  how many the index holds in all
    """

    passages: tuple[Passage, ...]
    places: NDArray[Any]
    points: NDArray[Any]
    of: int


@dataclass(frozen=True)
class Placed:
    """A question on the map, and the passages nearest to it (indexes into `passages`, the nearest first; cosines)."""

    x: float
    y: float
    nearest: tuple[tuple[int, float], ...]


def known(index: Index) -> PassageMap | None:
    """The map of the index as it stands; None when it was not drawn yet. Raises StorageProblem."""
    import numpy as np

    try:
        # Opened here: of a damaged file numpy would forget to close it.
        with (index.folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if int(kept["generation"]) != index.generation():
                return None
            rows, places, points = kept["rows"], kept["places"], kept["points"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return _with_passages(index, [int(row) for row in rows], places, points)


def draw(index: Index) -> PassageMap:
    """Draw the map anew and keep it.

    Raises Refused("error.index_no_vectors"), Unavailable, StorageProblem.
    """
    import numpy as np

    generation = index.generation()
    rows = drawn_rows(index.rows.rows_of(), MOST)
    by_row = index.points(rows)
    rows = [row for row in rows if row in by_row]
    points = np.stack([by_row[row] for row in rows]) if rows else np.zeros((0, 1))
    places = _laid_out(points.astype(np.float32))
    _keep(index.folder / FILE, generation=generation, rows=rows, places=places, points=points.astype(np.float16))
    return _with_passages(index, rows, places, points)


def drawn_rows(rows: Sequence[tuple[int, int]], most: int) -> list[int]:
    """Which of (row id, document) are drawn, in order: all, or so many of each document as it has of the whole.

    A document keeps at least one while there are not more documents than places.
    """
    if len(rows) <= most:
        return [row for row, _ in rows]
    by_document = [[row for row, _ in some] for _, some in groupby(rows, key=itemgetter(1))]
    by_document = _spread(by_document, most)
    left, held, chosen = most, sum(map(len, by_document)), []
    for number, some in enumerate(by_document):
        still = len(by_document) - number - 1
        share = max(1, min(left - still, len(some) * left // held))
        chosen += _spread(some, share)
        left, held = left - share, held - len(some)
    return chosen


def _spread(found: Sequence[Some], count: int) -> list[Some]:
    """So many of them, evenly from the first on."""
    count = min(count, len(found))
    return [found[at * len(found) // count] for at in range(count)]


def place(drawn: PassageMap, point: NDArray[Any], count: int = NEIGHBOURS) -> Placed | None:
    """Where a question (a unit row of the same model) belongs: between the passages nearest to it, by how near.

    None on an empty map.
    """
    import numpy as np

    if not len(drawn.passages):
        return None
    near = np.asarray(drawn.points, dtype=np.float32) @ np.asarray(point, dtype=np.float32).reshape(-1)
    first = np.argsort(-near, kind="stable")[:count]
    pull = np.clip(near[first], 1e-3, None) ** SHARPNESS
    x, y = (np.asarray(drawn.places)[first] * pull[:, None]).sum(0) / pull.sum()
    return Placed(float(x), float(y), tuple((int(at), float(near[at])) for at in first))


def _with_passages(index: Index, rows: Sequence[int], places: NDArray[Any], points: NDArray[Any]) -> PassageMap:
    """Without what was dropped in this moment."""
    found = index.rows.by_row(list(rows))
    here = [number for number, row in enumerate(rows) if row in found]
    return PassageMap(tuple(found[rows[number]] for number in here), places[here], points[here], index.count())


def _laid_out(points: NDArray[Any]) -> NDArray[Any]:
    """(n, d) -> (n, 2), worked out in a child process. Raises Unavailable("error.docs_map", why=)."""
    import numpy as np

    if len(points) < 3:
        return np.asarray([[float(at), 0.0] for at in range(len(points))], dtype=np.float32).reshape(-1, 2)
    with tempfile.TemporaryDirectory(prefix="matchum-map-") as beside:
        given, wanted = Path(beside, "points.npy"), Path(beside, "places.npy")
        np.save(given, points, allow_pickle=False)
        asked = [sys.executable, "-m", "backend.documents.mapping.child", str(given), str(wanted)]
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
        root = Path(__file__).resolve().parents[3]
        try:
            subprocess.run(asked, cwd=root, env=quiet, timeout=LONGEST_S, check=True, capture_output=True, text=True)
            return np.asarray(np.load(wanted, allow_pickle=False))
        except subprocess.CalledProcessError as fault:
            why = (str(fault.stderr).strip().splitlines() or ["?"])[-1][:200]
            raise Unavailable("error.docs_map", why=why) from fault
        except (subprocess.TimeoutExpired, OSError, ValueError) as fault:
            raise Unavailable("error.docs_map", why=type(fault).__name__) from fault


def _keep(path: Path, **arrays: Any) -> None:
    """A map that cannot be kept, on a full disk, is drawn again the next time."""
    import numpy as np

    made = io.BytesIO()
    np.savez_compressed(made, **arrays)
    try:
        write_atomic(path, made.getvalue())
    except StorageProblem:
        return
