"""Workbooks: a real one, and workbooks made with openpyxl for what real ones here do not hold."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from backend.documents.readers import xls, xlsx
from backend.documents.readers.sheets import blocks
from backend.documents.reading.limits import Limits
from backend.documents.values import Parsed
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"


def saved(path: Path, *rows: list[Any], title: str = "매출") -> tuple[Path, Workbook]:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path, book


def read(path: Path, limits: Limits | None = None) -> Parsed:
    return xlsx.read(path, limits or Limits())


def told(parsed: Parsed) -> list[tuple[str, int | None, str]]:
    return [(block.kind, block.page, block.text) for block in parsed.blocks]


def refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(BadInput) as raised:
        read(path, limits)
    assert raised.value.details["name"] == path.name
    return raised.value.key


def test_an_old_workbook_is_read_without_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "original"
    shutil.copy(FILES / "test.xls", path)
    parsed = xls.read(path, Limits())
    assert (parsed.page_kind, parsed.pages, parsed.names[0], parsed.dated) == ("sheet", 2, "Sheet1", "2024-12-20")
    assert [(block.kind, block.page) for block in parsed.blocks] == [
        ("heading", 1),
        ("table", 1),
        ("heading", 2),
        ("table", 2),
    ]
    assert parsed.blocks[1].rows[:2] == (("Alpha", "Beta", "Gamma", "Delta"), ("89", "82", "100", "12"))


def test_values_are_written_as_a_person_would(tmp_path: Path) -> None:
    row = [12.0, 0.1 + 0.2, True, dt.date(2026, 3, 1), dt.datetime(2026, 3, 1, 9, 30), " 두\n줄 "]
    path, _ = saved(tmp_path / "a.xlsx", ["수", "몫", "참", "날", "때", "글"], row)
    assert read(path).blocks[1].rows[1] == ("12", "0.3", "TRUE", "2026-03-01", "2026-03-01 09:30", "두 줄")


def test_titles_blank_rows_and_a_second_table(tmp_path: Path) -> None:
    path, _ = saved(
        tmp_path / "a.xlsx",
        ["2026년 매출 현황"],
        [],
        ["", "구분", "2025", "2026"],
        ["", "서울", 10, 20],
        [],
        ["", "부산", 5, 6],
        [],
        ["", "담당", "전화", ""],
        ["", "김", "02-1", ""],
    )
    assert told(read(path)) == [
        ("heading", 1, "매출"),
        ("paragraph", 1, "2026년 매출 현황"),
        ("table", 1, "구분 | 2025 | 2026\n서울 | 10 | 20\n부산 | 5 | 6"),
        ("table", 1, "담당 | 전화\n김 | 02-1"),
    ]


def test_a_long_table_comes_in_pieces_each_under_its_header() -> None:
    rows = [["이름", "값"], *([f"이름{number}", str(number)] for number in range(250))]
    tables = [block for block in blocks("시트", rows, 3) if block.kind == "table"]
    assert [len(block.rows) for block in tables] == [101, 101, 51]
    assert {block.rows[0] for block in tables} == {("이름", "값")}
    assert [row for block in tables for row in block.rows[1:]] == [tuple(row) for row in rows[1:]]
    assert {block.page for block in tables} == {3}


def test_a_table_without_header_is_not_given_one() -> None:
    rows = [[str(number), "x"] for number in range(150)]
    tables = [block for block in blocks("시트", rows, 1) if block.kind == "table"]
    assert [row for block in tables for row in block.rows] == [tuple(row) for row in rows]


def test_a_label_merged_over_rows_is_said_in_each(tmp_path: Path) -> None:
    path, book = saved(tmp_path / "a.xlsx", ["지점", "월", "값"], ["서울", "1월", 1], [None, "2월", 2])
    book.active.merge_cells("A2:A3")  # type: ignore[union-attr]
    book.save(path)
    assert read(path).blocks[1].rows[1:] == (("서울", "1월", "1"), ("서울", "2월", "2"))


def test_hidden_sheets_are_left_out_and_named(tmp_path: Path) -> None:
    path, book = saved(tmp_path / "a.xlsx", ["이름", "값"], ["가", 1])
    for name in ("코드표", "빈 시트"):
        book.create_sheet(name)
    book["코드표"].append(["비밀", "표"])
    book["코드표"].sheet_state = "hidden"
    book.properties.title = "월간 보고"
    book.save(path)
    parsed = read(path)
    assert (parsed.title, parsed.names, parsed.pages) == ("월간 보고", ("매출", "빈 시트"), 2)
    assert "비밀" not in str(told(parsed))
    assert [(note.name, note.details) for note in parsed.notes] == [
        ("hidden_sheets", {"count": "1", "names": "코드표"})
    ]
    assert parsed.dated == dt.datetime.now(dt.UTC).date().isoformat()


def test_one_cell_at_the_far_corner_costs_little(tmp_path: Path) -> None:
    """calamine alone ends the whole process here (asking for 17 thousand million cells)."""
    path, book = saved(tmp_path / "a.xlsx", ["이름", "값"], ["가", 1])
    book["매출"]["XFD1048576"] = "끝"
    book.save(path)
    parsed = read(path)
    assert told(parsed) == [
        ("heading", 1, "매출"),
        ("table", 1, "이름 | 값\n가 | 1"),
        ("paragraph", 1, "끝"),
    ]
    assert [note.name for note in parsed.notes] == ["sparse_sheets"]


def test_addresses_are_found_across_the_blocks_they_are_read_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = saved(tmp_path / "a.xlsx", *([f"값{row}", row] for row in range(40)))
    with zipfile.ZipFile(path) as opened:
        whole = list(xlsx.addresses(opened, "xl/worksheets/sheet1.xml"))
        monkeypatch.setattr(xlsx, "BLOCK", 7)
        assert list(xlsx.addresses(opened, "xl/worksheets/sheet1.xml")) == whole
    assert whole[:3] == [(1, 1), (2, 1), (1, 2)] and len(whole) == 80
    assert [xlsx.column_number(letters) for letters in (b"A", b"Z", b"AA", b"XFD")] == [1, 26, 27, 16384]


def test_limits_of_cells_and_sheets(tmp_path: Path) -> None:
    path, book = saved(tmp_path / "a.xlsx", *([1, 2, 3] for _ in range(10)))
    assert refused(path, Limits(cells=29)) == "error.document_too_many_cells"
    assert len(read(path, Limits(cells=30)).blocks) == 2
    book.create_sheet("둘째")
    book.save(path)
    assert refused(path, Limits(pages=1)) == "error.document_too_many_pages"
    assert read(path, Limits(pages=2)).pages == 2


def test_broken_workbooks_are_told_in_words(tmp_path: Path) -> None:
    path, _ = saved(tmp_path / "a.xlsx", ["이름", "값"])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path) == "error.document_damaged"
    old = tmp_path / "a.xls"
    old.write_bytes((FILES / "test.xls").read_bytes()[:9000])
    assert refused(old) == "error.document_damaged"
    shutil.copy(FILES / "tablecell.docx", path)
    assert refused(path) == "error.document_damaged"


@pytest.mark.parametrize("name", ["test.xls", "made.xlsx"])
def test_flipped_bytes_never_end_in_anything_but_words(tmp_path: Path, name: str) -> None:
    source = FILES / name
    if name == "made.xlsx":
        source, _ = saved(tmp_path / "source.xlsx", ["이름", "값"], *([f"값{row}", row] for row in range(50)))
    whole, path, outcomes = source.read_bytes(), tmp_path / name, set()
    for start in range(20):
        data = bytearray(whole)
        for at in range(start * 53 + 80, len(data), len(data) // 6):
            data[at] ^= 0x33
        path.write_bytes(data)
        try:
            outcomes.add(type(read(path)).__name__)
        except BadInput as fault:
            outcomes.add(fault.key)
    assert outcomes <= {"Parsed", "error.document_damaged", "error.document_password", "error.document_bomb"}
    assert "error.document_damaged" in outcomes


def test_formulas_give_their_last_value(tmp_path: Path) -> None:
    """What a program computed and saved is read; what was never computed is empty, and nothing is computed here."""
    path, _ = saved(tmp_path / "a.xlsx", ["합", "값"], ["=1+1", 3])
    assert read(path).blocks[1].rows[1] == ("", "3")
    with zipfile.ZipFile(path) as old:
        parts = {info.filename: old.read(info) for info in old.infolist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b"<v/>" in sheet or b"<v />" in sheet or b"<v></v>" in sheet
    for empty in (b"<v/>", b"<v />", b"<v></v>"):
        sheet = sheet.replace(empty, b"<v>2</v>")
    with zipfile.ZipFile(path, "w") as new:
        for name, data in parts.items():
            new.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else data)
    assert read(path).blocks[1].rows[1] == ("2", "3")


def test_a_panic_of_the_library_is_damage_and_not_the_end(tmp_path: Path) -> None:
    """pyo3's PanicException is no Exception: let through, it would end the reading process."""
    from python_calamine import CalamineWorkbook

    data = bytearray((FILES / "test.xls").read_bytes())
    data[12_244] = (data[12_244] + 77) % 256  # a length of a record, found by trying
    path = tmp_path / "a.xls"
    path.write_bytes(data)
    with pytest.raises(BaseException, match="out of range") as raised:
        CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    assert not isinstance(raised.value, Exception)
    assert refused(path) == "error.document_damaged"
