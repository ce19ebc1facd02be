"""The map of the passages: which are drawn, that neighbours stay so, where a question falls, when it is redrawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings
from backend.documents.mapping.projecting import FILE, draw, drawn_rows, known, place
from backend.documents.values import Passage
from backend.errors import Refused

GROUPS, EACH = 3, 12
RNG = np.random.default_rng(7)
CENTRES = np.linalg.qr(RNG.normal(size=(32, GROUPS)))[0].T


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Three documents, each about one thing."""
    made = Index(tmp_path, IndexSettings())
    for document in range(GROUPS):
        points = unit(CENTRES[document] + 0.1 * RNG.normal(size=(EACH, 32)))
        made.put(document + 1, passages(document + 1, EACH), points)
    yield made
    made.close()


def passages(document: int, count: int) -> list[Passage]:
    return [
        Passage(document_id=document, number=n, text=f"글 {document} {n}", start=9 * n, end=9 * n + 5)
        for n in range(count)
    ]


def test_the_map_keeps_neighbours_together_and_is_drawn_once(index: Index) -> None:
    assert known(index) is None
    drawn = draw(index)
    assert len(drawn.passages) == drawn.of == GROUPS * EACH and drawn.places.shape == (GROUPS * EACH, 2)
    own = np.array([one.document_id for one in drawn.passages])
    apart = np.linalg.norm(drawn.places[:, None] - drawn.places[None], axis=2)
    nearest = np.argsort(apart, axis=1)[:, 1:4]
    assert (own[nearest] == own[:, None]).mean() > 0.95
    kept = known(index)
    assert kept is not None and kept.passages == drawn.passages and np.array_equal(kept.places, drawn.places)
    again = draw(index)
    assert np.array_equal(again.places, drawn.places)


def test_a_question_falls_among_the_passages_that_are_near_in_meaning(index: Index) -> None:
    drawn = draw(index)
    for document in range(GROUPS):
        found = place(drawn, CENTRES[document].astype(np.float32))
        assert found is not None and [one for _, one in found.nearest] == sorted(
            (c for _, c in found.nearest), reverse=True
        )
        near = {drawn.passages[at].document_id for at, _ in found.nearest}
        middle = drawn.places[[one.document_id == document + 1 for one in drawn.passages]].mean(0)
        others = drawn.places[[one.document_id != document + 1 for one in drawn.passages]].mean(0)
        here = np.array([found.x, found.y])
        assert near == {document + 1} and np.linalg.norm(here - middle) < np.linalg.norm(here - others)


def test_a_change_of_the_index_or_a_damaged_file_asks_for_a_new_map(index: Index) -> None:
    draw(index)
    index.drop(1)
    assert known(index) is None
    assert {one.document_id for one in draw(index).passages} == {2, 3}
    (index.folder / FILE).write_bytes(b"PK\x03\x04 half of a file")
    assert known(index) is None


def test_few_passages_and_none_are_drawn_too(tmp_path: Path) -> None:
    small = Index(tmp_path, IndexSettings())
    assert draw(small).places.shape == (0, 2) and place(draw(small), CENTRES[0]) is None
    small.put(1, passages(1, 2), unit(CENTRES[:2]))
    assert draw(small).places.shape == (2, 2)
    small.put(1, passages(1, 4), np.repeat(unit(CENTRES[:1]), 4, axis=0))
    assert np.isfinite(draw(small).places).all()
    small.close()


def test_an_index_without_points_has_no_map(tmp_path: Path) -> None:
    words = Index(tmp_path, IndexSettings(embedding=EmbeddingModel(kind="none", name="")))
    words.put(1, passages(1, 3))
    with pytest.raises(Refused):
        draw(words)
    words.close()


def test_of_many_passages_each_document_keeps_its_share() -> None:
    rows = [(n, 1) for n in range(900)] + [(n + 900, 2) for n in range(99)] + [(999, 3)]
    chosen = drawn_rows(rows, 100)
    by_document = [sum(1 for row in chosen if dict(rows)[row] == document) for document in (1, 2, 3)]
    assert len(chosen) == len(set(chosen)) == 100 and by_document[0] in range(88, 92) and by_document[2] == 1
    assert drawn_rows(rows, 5000) == [row for row, _ in rows]
    assert len(drawn_rows([(n, n) for n in range(50)], 10)) == 10
