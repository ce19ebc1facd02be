"""Texts that are nearly the same: found by MinHash and banding, then verified by their true Jaccard similarity.

A text is the set of its runs of letters (shingles): two letters, four where they are all ASCII, of its NFC form
without case, blanks and sentence marks. So Hangul needs no word boundaries, "좋아요 !" is "좋아요", and one syllable
more or less in twenty still makes a near-duplicate. Signatures
come from rensa (fast similarity sketching, Dahlgaard, Knudsen, Thorup 2017), which took 0.6 s for 100,000 short Korean
texts where datasketch took 30 s; both found every pair that an exact join found. Candidates share one band of the
signature (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3); whether they are near-duplicates is
decided by the sets themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

THRESHOLD: Final = 0.8
SIGNATURE: Final = 128
"""Numbers per signature; a few may go unused, so that bands are equally long."""
SURE: Final = 0.999
"""A pair that is just as similar as the threshold becomes a candidate with at least this probability."""
COMPARED: Final = 20_000
"""Letters of a text that are looked at; of a longer one the beginning decides."""
WINDOW: Final = 32
"""A text is compared with at most so many of its neighbours in a band, so that one crowded band takes no hours."""
CHUNK: Final = 2_000_000
"""Letters whose shingles are in memory at once."""
BLANK: Final = re.compile(r"(?<!\d)[\s.,]+|[\s.,]+(?!\d)|[!?~…'\"“”‘’]+")


@dataclass(frozen=True)
class Match:
    """A query (its index) is near to a text (its index); `similarity` is their Jaccard similarity, 0..1."""

    query: int
    text: int
    similarity: float


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> list[list[int]]:
    """Groups, of two or more indices each, of texts that are near-duplicates, directly or through others between.

    Indices rise inside of a group, and groups are ordered by their first. Texts alike but for case, blanks and
    sentence marks are always together. 100,000 texts of 25 letters take about 6 s and 200 MB.
    """
    same: dict[str, list[int]] = {}
    for index, text in enumerate(texts):
        same.setdefault(plain(text), []).append(index)
    distinct = list(same)
    leader = list(range(len(distinct)))
    for bucket in _buckets(_band_keys(distinct, threshold)):
        _join(bucket, distinct, leader, threshold)
    groups: dict[int, list[int]] = {}
    for at, members in enumerate(same.values()):
        groups.setdefault(_leader_of(leader, at), []).extend(members)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def near_to(texts: Sequence[str], queries: Sequence[str], threshold: float = THRESHOLD, most: int = 10) -> list[Match]:
    """For each query the `most` nearest of the texts that are near-duplicates of it, the nearest first."""
    return NearIndex(texts, threshold).near(queries, most)


class NearIndex:
    """Texts that are asked about more than once. 200 bytes per text, and the texts themselves."""

    def __init__(self, texts: Sequence[str], threshold: float = THRESHOLD) -> None:
        self._plain = [plain(text) for text in texts]
        self._threshold = threshold
        keys = _band_keys(self._plain, threshold)
        self._order = keys.argsort(axis=0, kind="stable")
        keys.sort(axis=0)
        self._keys = keys

    def near(self, queries: Sequence[str], most: int = 10) -> list[Match]:
        asked = [plain(query) for query in queries]
        found = []
        for number, keys in enumerate(_band_keys(asked, self._threshold)):
            mine = shingles(asked[number])
            matches = (
                Match(number, text, jaccard(mine, shingles(self._plain[text]))) for text in self._candidates(keys)
            )
            near = [match for match in matches if match.similarity >= self._threshold]
            found += sorted(near, key=lambda match: (-match.similarity, match.text))[:most]
        return found

    def _candidates(self, keys: Keys) -> list[int]:
        """Texts that share a band with a query, those that share the most first, at most 30 * WINDOW."""
        import numpy as np

        runs = []
        for band, key in enumerate(keys):
            column = self._keys[:, band]
            low, high = np.searchsorted(column, key, "left"), np.searchsorted(column, key, "right")
            runs.append(self._order[low : min(high, low + 30 * WINDOW), band])
        indices, shared = np.unique(np.concatenate(runs), return_counts=True)
        best: list[int] = indices[np.argsort(-shared, kind="stable")][: 30 * WINDOW].tolist()
        return best


def plain(text: str) -> str:
    """What is compared of a text. One of nothing but marks stays as it is."""
    folded = unicodedata.normalize("NFC", text[: 2 * COMPARED]).casefold()
    return (BLANK.sub("", folded) or folded.strip())[:COMPARED]


def shingles(text: str) -> set[str]:
    """The runs of letters of a plain text; one of two letters or fewer is its only run."""
    if len(text) <= 2:
        return {text}
    runs = (text[at : at + 4] for at in range(max(len(text) - 3, 1) if text.isascii() else len(text) - 1))
    return {run if run.isascii() else run[:2] for run in runs}


def jaccard(left: set[str], right: set[str]) -> float:
    """Shared over all, 0..1."""
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def rows_and_bands(threshold: float) -> tuple[int, int]:
    """Numbers per band and bands: the longest bands that still find a pair at the threshold as good as SURE.

    A pair of similarity s shares a band of r numbers with probability 1 - (1 - s^r)^bands.
    """
    fitting = (rows for rows in range(16, 1, -1) if 1 - (1 - threshold**rows) ** (SIGNATURE // rows) >= SURE)
    rows = next(fitting, 1)
    return rows, SIGNATURE // rows


def _band_keys(texts: Sequence[str], threshold: float) -> Keys:
    """One 64-bit key per text and band, of shape (texts, bands)."""
    import numpy as np
    from rensa import RMinHash

    rows, bands = rows_and_bands(threshold)
    keys = np.empty((len(texts), bands), dtype=np.uint64)
    done = 0
    for chunk in _chunks(texts):
        sets = [list(shingles(text)) for text in chunk]
        digests = RMinHash.digest_matrix_from_token_sets(sets, rows * bands, 1).to_rows()
        numbers = np.array(digests, dtype=np.uint64).reshape(len(chunk), bands, rows)
        key = np.zeros((len(chunk), bands), dtype=np.uint64)
        for row in range(rows):
            # A multiplicative hash; two bands that fall together by chance are told apart by the Jaccard similarity.
            key = (key ^ numbers[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        keys[done : done + len(chunk)] = key
        done += len(chunk)
    return keys


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    letters = 0
    for text in texts:
        chunk.append(text)
        letters += len(text) + SIGNATURE
        if letters > CHUNK:
            yield chunk
            chunk, letters = [], 0
    if chunk:
        yield chunk


def _buckets(keys: Keys) -> Iterator[list[int]]:
    """For each band the texts that share its key, two or more."""
    import numpy as np

    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        column = keys[order, band]
        starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]])
        ends = np.r_[starts[1:], len(column)]
        for start, end in zip(*(cut[ends - starts > 1].tolist() for cut in (starts, ends)), strict=True):
            yield order[start:end].tolist()


def _join(bucket: Iterable[int], texts: Sequence[str], leader: list[int], threshold: float) -> None:
    """Put the texts of a bucket that are near-duplicates under one leader (union by the smaller index)."""
    members = list(bucket)
    if len({_leader_of(leader, member) for member in members}) == 1:
        return
    before: deque[tuple[int, set[str]]] = deque(maxlen=WINDOW)
    for member in members:
        mine = shingles(texts[member])
        for other, theirs in before:
            first, second = sorted((_leader_of(leader, member), _leader_of(leader, other)))
            if first != second and jaccard(mine, theirs) >= threshold:
                leader[second] = first
        before.append((member, mine))


def _leader_of(leader: list[int], at: int) -> int:
    while leader[at] != at:
        leader[at] = leader[leader[at]]
        at = leader[at]
    return at
