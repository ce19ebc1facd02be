"""A copy of the points that is searched exactly: one file that is mapped into memory, one that says whose they are.

Chroma keeps the points. Its graph answers quickly but not exactly, takes a tenth of a second and more where a filter is
set, and does not see what another process wrote until it is loaded anew. Up to some 100,000 points a product of all of
them with the question is as quick, exact, costs the same with any filter, and every process maps the same file.

    points-0001-384.f32   float32 (n, 384)
    points-0001-384.ids   int64   (n, 4): row id, number of the put, document, language

Points are written at the end, and the ids after them: what is half written is beyond the shorter of both, and the next
writer cuts it off. Points of a put that does not count are passed over, and overwritten with zeros when it is swept.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from backend.documents.index.within import ALL, Hit, Within
from backend.files import make_folder, storing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backend.documents.index.vectors import Point

SOME: Final = 1_000
"""Zeros that are borne, and points that are copied in one go."""
FEW: Final = 8
"""Where not more than one part in so many is looked in, these are gathered first."""
ROW, PUT, DOCUMENT, LANGUAGE = range(4)
NUMBERS: Final = 4


class View(NamedTuple):
    """What one process sees: n points (n, d), whose they are (n, 4), and which of them count (n,).

    It stays what it is, whatever is written or closed meanwhile.
    """

    every: NDArray[np.float32]
    ids: NDArray[np.int64]
    live: NDArray[np.bool_]

    @property
    def counted(self) -> int:
        """Points that count."""
        return int(self.live.sum())

    def nearest(self, point: NDArray[np.float32], count: int, within: Within = ALL) -> list[Hit]:
        """Row ids with their cosine, the nearest first; of equals the one that was put first."""
        import numpy as np

        if self.every.shape[1] != len(point):
            return []
        inside = np.flatnonzero(self._inside(within))
        # Row by row rather than `@`: memory is the limit either way, and BLAS keeps a second core busy with waiting.
        few = len(inside) * FEW <= len(self.ids)
        scores = np.vecdot(self.every[inside], point) if few else np.vecdot(self.every, point)[inside]
        best = np.arange(len(scores))
        if count < len(scores):
            edge = np.partition(scores, len(scores) - count)[len(scores) - count]
            best = np.flatnonzero(scores >= edge)
        rows = self.ids[inside[best], ROW]
        order = np.lexsort((rows, -scores[best]))[:count]
        return [(int(rows[at]), float(scores[best[at]])) for at in order]

    def points(self, rows: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The points of these rows; those that are not there are left out."""
        import numpy as np

        places = np.flatnonzero(self.live & np.isin(self.ids[:, ROW], np.asarray(rows, dtype=np.int64)))
        return {int(self.ids[at, ROW]): np.array(self.every[at]) for at in places}

    def _inside(self, within: Within) -> NDArray[np.bool_]:
        import numpy as np

        inside = self.live
        if within.documents is not None:
            asked = np.fromiter(within.documents, dtype=np.int64, count=len(within.documents))
            inside = inside & np.isin(self.ids[:, DOCUMENT], asked)
        if within.languages:
            inside = inside & np.isin(self.ids[:, LANGUAGE], [named(one) for one in within.languages])
        return inside


class Scan:
    """The copy of one index. Any thread; one process writes, which the index's lock sees to."""

    def __init__(self, folder: Path) -> None:
        self._folder = make_folder(folder)
        self._lock = threading.Lock()
        self.view: View | None = None
        """As it was when it was looked at last."""

    # --- reading

    def refresh(self, puts: Sequence[int]) -> View:
        """See what was written since. `puts` are the ones that count.

        Who looks at the view before goes on with it.
        """
        with self._lock:
            self.view = self._seen(puts)
            return self.view

    def close(self) -> None:
        """Let go of the files, once nobody looks at a view of them any more."""
        with self._lock:
            self.view = None

    def _seen(self, puts: Sequence[int]) -> View:
        import numpy as np

        # A writer that writes the files anew may take away the ones that were just found: then it has others.
        for _ in range(2):
            with suppress(FileNotFoundError):
                stem = self._stem()
                if stem is None:
                    break
                points, ids = self._mapped(stem)
                live = np.isin(ids[:, PUT], np.asarray(puts, dtype=np.int64)) & (ids[:, ROW] > 0)
                return View(points, ids, live)
        return View(np.zeros((0, 0), np.float32), np.zeros((0, NUMBERS), np.int64), np.zeros(0, np.bool_))

    # --- writing

    def add(self, entries: Sequence[Point], points: NDArray[np.float32]) -> None:
        """One entry for each row of `points`; they count once their puts do. Raises StorageProblem."""
        import numpy as np

        if not entries:
            return
        ids = np.array([[*entry[:LANGUAGE], named(entry.language)] for entry in entries], dtype=np.int64)
        stem = self._stem() or f"points-0001-{points.shape[1]}"
        self._append(stem, ids, np.ascontiguousarray(points, dtype=np.float32))

    def remove(self, puts: Sequence[int]) -> None:
        """Overwrite the points of these puts; of many zeros the file is written anew without. Raises StorageProblem."""
        import numpy as np

        stem = self._stem()
        if stem is None:
            return
        with storing(self._file(stem, "ids")):
            points, ids = self._mapped(stem, "r+")
            gone = np.flatnonzero(np.isin(ids[:, PUT], np.asarray(puts, dtype=np.int64)))
            ids[gone], points[gone] = 0, 0
            for array in (ids, points):
                if isinstance(array, np.memmap):
                    array.flush()
        kept = np.flatnonzero(ids[:, ROW] > 0)
        if len(ids) - len(kept) > max(len(kept), SOME):
            self._anew(stem, points, ids, kept)

    def fill(self, named: Sequence[Point], points_of: Callable[[Sequence[int]], dict[int, Any]]) -> None:
        """Add those of `named` that are missing, by what `points_of` knows of them: an older index, or a lost file."""
        import numpy as np

        view = self.view
        have = set() if view is None else set(view.ids[view.live, ROW].tolist())
        missing = [entry for entry in named if entry.row not in have]
        for at in range(0, len(missing), SOME):
            found = points_of([entry.row for entry in missing[at : at + SOME]])
            there = [entry for entry in missing[at : at + SOME] if entry.row in found]
            if there:
                self.add(there, np.stack([found[entry.row] for entry in there]))

    # --- within

    def _anew(self, stem: str, points: NDArray[np.float32], ids: NDArray[np.int64], kept: NDArray[np.intp]) -> None:
        """The files without their zeros, under the next number: the ids, named last, make them count."""
        _, number, size = stem.split("-")
        new = f"points-{int(number) + 1:04}-{size}"
        part = f"{new}.part"
        for suffix in ("f32", "ids"):
            self._file(part, suffix).unlink(missing_ok=True)
        for at in range(0, len(kept), SOME):
            some = kept[at : at + SOME]
            self._append(part, ids[some], points[some])
        with storing(self._folder):
            for suffix in ("f32", "ids") if len(kept) else ():
                os.replace(self._file(part, suffix), self._file(new, suffix))
        for suffix in ("ids", "f32"):
            with suppress(OSError):  # on Windows somebody may still read them; they are not looked at any more
                self._file(stem, suffix).unlink()

    def _append(self, stem: str, ids: NDArray[np.int64], points: NDArray[np.float32]) -> None:
        there = self._count(stem)
        for suffix, rows in (("f32", points), ("ids", ids)):
            path = self._file(stem, suffix)
            with storing(path), path.open("r+b" if path.exists() else "w+b") as file:
                whole = there * rows.shape[1] * rows.itemsize
                if file.seek(0, os.SEEK_END) > whole:
                    file.truncate(whole)
                    file.seek(whole)
                file.write(rows.tobytes())
                file.flush()
                os.fsync(file.fileno())

    def _mapped(self, stem: str, mode: Any = "r") -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Points (n, d) and ids (n, 4). The ids are read, unless they are to be written."""
        import numpy as np

        count, size = self._count(stem), _size(stem)
        if not count:
            return np.zeros((0, size), np.float32), np.zeros((0, NUMBERS), np.int64)
        points = np.memmap(self._file(stem, "f32"), np.float32, mode, shape=(count, size))
        ids = np.memmap(self._file(stem, "ids"), np.int64, mode, shape=(count, NUMBERS))
        return np.asarray(points) if mode == "r" else points, np.array(ids) if mode == "r" else ids

    def _count(self, stem: str) -> int:
        """Points that are there whole."""
        sizes = (("f32", 4 * _size(stem)), ("ids", 8 * NUMBERS))
        paths = [(self._file(stem, suffix), size) for suffix, size in sizes]
        return min(path.stat().st_size // size if path.is_file() else 0 for path, size in paths)

    def _stem(self) -> str | None:
        """Of the files that count: the ones of the highest number."""
        return max((path.stem for path in self._folder.glob("points-*.ids") if ".part" not in path.name), default=None)

    def _file(self, stem: str, suffix: str) -> Path:
        return self._folder / f"{stem}.{suffix}"


def named(language: str) -> int:
    """A language as a number."""
    return zlib.crc32(language.encode())


def _size(stem: str) -> int:
    return int(stem.removesuffix(".part").rsplit("-", 1)[1])
