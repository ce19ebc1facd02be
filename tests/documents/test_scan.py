from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.documents.index.scan import SOME, Scan
from backend.documents.index.vectors import Point
from backend.documents.index.within import Within

SIZE = 8


def unit(count: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(count, SIZE))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def of(first: int, count: int, put: int, document: int, language: str = "ko") -> list[Point]:
    return [Point(row, put, document, language) for row in range(first, first + count)]


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """Three documents of 40 points: rows 1-120, puts 1-3; of the third one the half is English."""
    made = Scan(tmp_path)
    for number in range(3):
        points = unit(40, number)
        first = 40 * number + 1
        made.add(of(first, 20, number + 1, number + 1), points[:20])
        made.add(of(first + 20, 20, number + 1, number + 1, "en" if number == 2 else "ko"), points[20:])
    made.refresh([1, 2, 3])
    return made


def test_the_nearest_are_exact_with_any_filter(scan: Scan) -> None:
    every, asked = np.concatenate([unit(40, number) for number in range(3)]), unit(1, 9)[0]
    cosines = every @ asked
    for within, rows in (
        (Within(), range(1, 121)),
        (Within(frozenset([2])), range(41, 81)),
        (Within(frozenset([1, 3])), [*range(1, 41), *range(81, 121)]),
        (Within(None, ("en",)), range(101, 121)),
        (Within(frozenset([1]), ("en",)), ()),
    ):
        wanted = sorted(rows, key=lambda row: -cosines[row - 1])[:7]
        hits = scan.view.nearest(asked, 7, within)
        assert [row for row, _ in hits] == wanted
        assert [score for _, score in hits] == pytest.approx([cosines[row - 1] for row in wanted], abs=1e-6)
    assert len(scan.view.nearest(asked, 1000)) == 120


def test_what_does_not_count_is_not_found(scan: Scan) -> None:
    scan.refresh([1, 3])
    rows = [row for row, _ in scan.view.nearest(unit(1)[0], 200)]
    assert scan.view.counted == len(rows) == 80 and not set(rows) & set(range(41, 81))
    assert set(scan.view.points([1, 41])) == {1}


def test_equals_stand_in_the_order_of_their_rows(tmp_path: Path) -> None:
    scan, point = Scan(tmp_path), unit(1)
    for row in (5, 3, 9, 1):
        scan.add(of(row, 1, 1, 1), point)
    scan.refresh([1])
    assert [row for row, _ in scan.view.nearest(point[0], 2)] == [1, 3]


def test_what_is_removed_is_gone_from_the_files(scan: Scan, tmp_path: Path) -> None:
    secret = unit(40, 1)[7].tobytes()
    held = lambda: [path.name for path in tmp_path.iterdir() if secret in path.read_bytes()]  # noqa: E731
    assert held() == ["points-0001-8.f32"]
    scan.remove([2])
    assert held() == []
    scan.refresh([1, 2, 3])
    assert scan.view.counted == 80


def test_many_holes_are_closed_while_a_reader_goes_on(tmp_path: Path) -> None:
    writer, reader = Scan(tmp_path), Scan(tmp_path)
    points = unit(3 * SOME)
    for put in range(3):
        writer.add(of(put * SOME + 1, SOME, put + 1, put + 1), points[put * SOME : (put + 1) * SOME])
    reader.refresh([1, 2, 3])
    writer.remove([1, 3])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["points-0002-8.f32", "points-0002-8.ids"]
    assert len(reader.view.nearest(points[0], 5)) == 5  # the files that it has mapped are still there for it
    reader.refresh([2])
    assert reader.view.counted == SOME and reader.view.nearest(points[SOME], 1) == [(SOME + 1, pytest.approx(1.0))]
    writer.add(of(9_001, 1, 4, 4), points[:1])
    reader.refresh([2, 4])
    assert reader.view.counted == SOME + 1
    writer.remove([2, 4])
    reader.refresh([])
    assert reader.view.counted == 0 and reader.view.nearest(points[0], 5) == []


@pytest.mark.parametrize(("suffix", "kept"), [("f32", 100), ("ids", 90)])
def test_half_a_write_is_cut_off(scan: Scan, tmp_path: Path, suffix: str, kept: int) -> None:
    path = tmp_path / f"points-0001-8.{suffix}"
    path.write_bytes(path.read_bytes()[: kept * 32 + (5 if suffix == "f32" else 3)])
    scan.refresh([1, 2, 3])
    assert scan.view.counted == kept
    scan.fill([point for put in range(3) for point in of(40 * put + 1, 40, put + 1, put + 1)], known_points)
    scan.refresh([1, 2, 3])
    assert scan.view.counted == 120
    assert scan.view.nearest(unit(40, 2)[39], 1) == [(120, pytest.approx(1.0))]


def known_points(rows: list[int]) -> dict[int, np.ndarray]:
    every = np.concatenate([unit(40, number) for number in range(3)])
    return {row: every[row - 1] for row in rows}


def test_points_of_another_size_find_nothing(scan: Scan) -> None:
    assert scan.view.nearest(np.ones(3, dtype=np.float32), 5) == []


def test_who_looks_goes_on_with_what_there_was(scan: Scan) -> None:
    view = scan.view
    assert view is not None
    scan.close()
    assert scan.view is None and len(view.nearest(unit(1)[0], 5)) == 5 and set(view.points([1])) == {1}


def test_nobody_finds_nothing_while_the_files_are_looked_at_anew(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    during, mapped = [], scan._mapped

    def slowly(stem: str) -> object:
        during.append(scan.view is not None and scan.view.counted)
        return mapped(stem)

    monkeypatch.setattr(scan, "_mapped", slowly)
    scan.refresh([1])
    assert during == [120] and scan.view is not None and scan.view.counted == 40
