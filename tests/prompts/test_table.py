"""Tables as people really have them: Korean Excel's CP949, UTF-16, torn quotes, odd headings, and far too much."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from backend.errors import BadInput, StorageProblem
from backend.prompts import table as tables
from backend.prompts.table import Table, read_pasted, read_table

REVIEWS = '번호,감상\n1,영화가 정말 재미있었다\n2,"배우는 좋은데, 이야기가 늘어진다"\n'
ROWS = [{"번호": "1", "감상": "영화가 정말 재미있었다"}, {"번호": "2", "감상": "배우는 좋은데, 이야기가 늘어진다"}]


def rows(table: Table) -> list[dict[str, str]]:
    return list(table.rows)


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp949", "cp949"), ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32"),
    ],
)  # fmt: skip
def test_encodings_of_korean_tables(codec: str, told: str) -> None:
    table = read_table(REVIEWS.encode(codec), "감상.csv")
    assert (rows(table), table.encoding, table.problems) == (ROWS, told, ())


@pytest.mark.parametrize(
    "text",
    ["맛있다", "네", "그렇습니까", "안녕하세요", "좋아요!", "ㅋㅋㅋ", "뷁 똠방각하 펲시콜라", "힣",
     "묻고 답하기: A/S 가능?", "1등급 韓牛 세트", "값: 3,000원 · 할인 ★"],
)  # fmt: skip
def test_short_korean_of_old_windows(text: str) -> None:
    table = read_table(text.encode("cp949"), "짧은.txt")
    assert (table.encoding, rows(table)) == ("cp949", [{"input": text}])


@pytest.mark.parametrize(
    ("text", "codec"),
    [("café très bon, naïve résumé à la crème\n" * 3, "cp1252"), ("映画はとても面白かったです。\n" * 3, "cp932")],
)
def test_other_languages_are_left_to_statistics(text: str, codec: str) -> None:
    assert read_table(text.encode(codec), "x.txt").cells[0][0] == text.splitlines()[0]


def test_a_few_broken_letters_are_shown_and_told() -> None:
    whole = ("번호,감상\n" + "1,영화가 재미있었다\n" * 40).encode("cp949")
    for raw, encoding in ((whole[:-2], "cp949"), (whole.decode("cp949").encode()[:-2], "utf-8")):
        table = read_table(raw, "cut.csv")
        assert table.encoding == encoding and len(table.rows) == 40
        assert [problem.key for problem in table.problems] == ["table.problem.letters"]
    with pytest.raises(BadInput, match=r"table_(encoding|binary)"):
        read_table(bytes(range(128, 256)) * 20, "noise.csv")


@pytest.mark.parametrize(
    "raw",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(500), b"\x7fELF" + bytes(range(256)) * 9,
     b"a,b\n1,\0\n2,3\n", b"%PDF-1.4\n\x00\x01"],
)  # fmt: skip
def test_binary_files_are_refused(raw: bytes) -> None:
    with pytest.raises(BadInput, match="table_binary"):
        read_table(raw, "picture.csv")


@pytest.mark.parametrize("raw", [b"", b"  \r\n\n", b"a,b\n", b",,\n\n", "\ufeff".encode()])
def test_nothing_in_it(raw: bytes) -> None:
    with pytest.raises(BadInput, match="table_empty"):
        read_table(raw, "empty.csv")


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters(delimiter: str) -> None:
    text = delimiter.join(["a", "b", "c"]) + "\n" + delimiter.join(["1", "x y", "3"]) + "\n"
    table = read_table(text.encode(), "t.csv")
    assert (table.delimiter, rows(table)) == (delimiter, [{"a": "1", "b": "x y", "c": "3"}])


def test_a_single_column_keeps_its_commas() -> None:
    text = 'input\nI liked it, mostly\n"Quoted, and ""said"""\nline; with; semicolons\n'
    table = read_table(text.encode(), "one.csv")
    assert [row["input"] for row in table.rows] == [
        "I liked it, mostly",
        'Quoted, and "said"',
        "line; with; semicolons",
    ]
    assert table.problems == () and table.columns == ("input",)
    assert read_table(b"input\nx\n", "one.tsv").columns == ("input",)


def test_prose_with_commas_does_not_confuse_the_columns() -> None:
    text = "id\treview\n1\tgood, fast, cheap\n2\tbad; slow, dear\n"
    for name in ("x.csv", "x.tsv", "x.dat"):
        assert [row["review"] for row in read_table(text.encode(), name).rows] == [
            "good, fast, cheap",
            "bad; slow, dear",
        ]


def test_line_ends_and_lines_inside_of_cells() -> None:
    for end in ("\n", "\r\n", "\r"):
        text = f'a,b{end}1,"x{end}y"{end}{end}2,z{end}'
        table = read_table(text.encode(), "t.csv")
        assert [cells[1] for cells in table.cells] == [f"x{end}y", "z"]
        assert list(table.numbers) == [2, 4]


def test_ragged_rows_lose_nothing_and_are_told() -> None:
    table = read_table(b"a,b\n1\n1,2,3\n1,2\n1,2,,\n", "t.csv")
    assert table.columns == ("a", "b", "column_3")
    assert list(table.cells) == [("1", "", ""), ("1", "2", "3"), ("1", "2", ""), ("1", "2", "")]
    assert [problem.details for problem in table.problems] == [
        {"row": 2, "found": 1, "expected": 2},
        {"row": 3, "found": 3, "expected": 2},
    ]
    many = read_table(b"a,b\n" + b"1\n" * 50, "t.csv")
    assert len(many.problems) == 21 and many.problems[-1].details == {"count": 30}


def test_headings_without_a_name_or_twice() -> None:
    table = read_table(b"a,,a, b  c ,a\n1,2,3,4,5\n", "t.csv")
    assert table.columns == ("a", "column_2", "a_2", "b c", "a_3")
    assert [(problem.key.rsplit("_", 1)[1], problem.details["name"]) for problem in table.problems] == [
        ("empty", "column_2"), ("twice", "a_2"), ("twice", "a_3"),
    ]  # fmt: skip
    assert rows(read_table(b"1,2\n3,4\n", "t.csv", header=False)) == [
        {"column_1": "1", "column_2": "2"},
        {"column_1": "3", "column_2": "4"},
    ]


def test_quotes_that_never_close_are_told() -> None:
    table = read_table(b'a,b\n1,"open\n2,x\n3,y\n', "t.csv")
    assert table.problems[0].key == "table.problem.quotes"
    assert "open\n2,x" in table.cells[0][1]
    assert read_table(b'a,b\n1,5" pipe\n', "t.csv").cells[0][1] == '5" pipe'


def test_too_much_is_told_with_its_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        read_table(b"a\nx\n" + b"y" * 200_001, "t.csv")
    assert (told.value.key, told.value.details["row"]) == ("error.table_cell", 3)
    with pytest.raises(BadInput, match="table_cell"):
        read_table(b'a\n"' + b"y" * 900_000, "t.csv")
    with pytest.raises(BadInput, match="table_columns"):
        read_table(b"a,b\n" + b"," * 5_000 + b"x\n", "t.csv")
    monkeypatch.setattr(tables, "MAX_ROWS", 10)
    assert len(read_table(b"a\n" + b"x\n" * 10, "t.csv").rows) == 10
    for name in ("t.csv", "t.txt"):
        with pytest.raises(BadInput, match="table_rows"):
            read_table(b"a\n" + b"x\n" * 12, name)
    monkeypatch.setattr(tables, "MAX_BYTES", 100)
    (tmp_path / "t.csv").write_bytes(b"a\n" * 100)
    with pytest.raises(BadInput, match="table_large"):
        read_table(tmp_path / "t.csv")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(StorageProblem, match="table_broken"):
            read_table(path)


def test_json_lines() -> None:
    text = '{"q": "무엇?", "n": 1}\n\n{"q": "x", "list": [1, "가"], "no": null, "yes": true}\n'
    table = read_table(text.encode(), "t.jsonl")
    assert table.columns == ("q", "n", "list", "no", "yes") and table.problems == ()
    assert rows(table)[1] == {"q": "x", "n": "", "list": '[1, "가"]', "no": "", "yes": "true"}
    assert list(table.numbers) == [1, 3]
    assert rows(read_table(b'[{"a": 1}, {"a": 2}]', "t.json")) == [{"a": "1"}, {"a": "2"}]
    for broken, row in ((b'{"a": 1}\n{"a": \n', 2), (b'{"a": 1}\n"text"\n', 2), (b"[1]", 1), (b"[" * 100_000, 1)):
        with pytest.raises(BadInput) as told:
            read_table(broken, "t.jsonl")
        assert (told.value.key, told.value.details["row"]) == ("error.table_json", row)


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_workbooks() -> None:
    moment = datetime(2026, 11, 21, 8, 5)
    raw = workbook(
        {
            "감상": [
                ["글", "점수", None, "때"],
                ["재미\n있다", 3.0, None, moment],
                [],
                ["나쁘다", 2.5, True, moment.date()],
            ],
            "다른": [],
        }
    )
    for name in ("감상.xlsx", "renamed.csv"):
        table = read_table(raw, name)
        assert table.columns == ("글", "점수", "column_3", "때") and table.encoding is None
        assert list(table.cells) == [
            ("재미\n있다", "3", "", "2026-11-21 08:05:00"),
            ("나쁘다", "2.5", "TRUE", "2026-11-21"),
        ]
        assert list(table.numbers) == [2, 4]
        assert {problem.key for problem in table.problems} == {"table.problem.sheets", "table.problem.header_empty"}


def test_workbooks_that_are_none() -> None:
    good = workbook({"a": [["x"], ["y"]]})
    stranger = io.BytesIO()
    with zipfile.ZipFile(stranger, "w") as packed:
        packed.writestr("hello.txt", "x")
    for raw in (
        good[: len(good) // 2],
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9,
        stranger.getvalue(),
        b"hello",
    ):
        with pytest.raises(BadInput, match="table_xlsx"):
            read_table(raw, "t.xlsx")
    with pytest.raises(BadInput, match="table_empty"):
        read_table(workbook({"a": []}), "t.xlsx")


@pytest.mark.parametrize(
    ("text", "columns", "count"),
    [
        ("one line, with a comma", ("input",), 1),
        ("첫 줄입니다.\n둘째 줄, 쉼표도 있습니다.\n\n셋째", ("input",), 3),
        ("글\t점수\n좋다\t1\n나쁘다\t0", ("글", "점수"), 2),
        ("q,a\n1,2\n3,4\n", ("q", "a"), 2),
        ('{"a": 1}\n{"a": 2}', ("a",), 2),
    ],
)
def test_pasted_text(text: str, columns: tuple[str, ...], count: int) -> None:
    table = read_pasted(text)
    assert (table.columns, len(table.rows), table.problems) == (columns, count, ())


def test_pasting_nothing_or_binary() -> None:
    with pytest.raises(BadInput, match="table_empty"):
        read_pasted(" \n")
    with pytest.raises(BadInput, match="table_binary"):
        read_pasted("a\0b")


def test_columns_by_name() -> None:
    table = read_table(REVIEWS.encode(), "t.csv")
    assert table.column("번호") == ["1", "2"]
    with pytest.raises(BadInput) as told:
        table.column("점수")
    assert told.value.details == {"column": "점수", "columns": "번호, 감상"}
    assert table.rows[-1] == ROWS[1] and table.rows[:1] == ROWS[:1] and len(table.rows) == 2


def test_a_hundred_thousand_rows_are_a_matter_of_seconds() -> None:
    line = json.dumps("재미있는 영화였습니다, 정말로", ensure_ascii=False)
    raw = ("번호,감상\n" + "".join(f"{number},{line}\n" for number in range(100_000))).encode("cp949")
    started = time.process_time()
    table = read_table(raw, "large.csv")
    assert len(table.rows) == 100_000 and table.rows[99_999]["번호"] == "99999"
    assert time.process_time() - started < 5


# --- small files that would be large tables


def _refused_early(monkeypatch: pytest.MonkeyPatch, raw: bytes, name: str, key: str, most: int) -> None:
    """Refused after at most `most` records were read: what is counted is the work, not the time."""
    from backend.prompts import json_records, table_formats

    seen = 0

    def counted(source: Callable[..., Iterator[object]]) -> Callable[..., Iterator[object]]:
        def through(*asked: object) -> Iterator[object]:
            nonlocal seen
            for one in source(*asked):
                seen += 1
                yield one

        return through

    monkeypatch.setattr(table_formats, "json_records", counted(json_records.json_records))
    monkeypatch.setattr(tables, "_within_limits", counted(tables._within_limits))
    with pytest.raises(BadInput, match=rf"error\.{key}"):
        read_table(raw, name)
    assert seen <= most


def test_a_new_key_in_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = "\n".join(json.dumps({f"k{number}": 1}) for number in range(12_000)).encode()
    _refused_early(monkeypatch, raw, "keys.jsonl", "table_columns", 1_001)


def test_one_wide_line_does_not_make_every_row_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_CELLS", 20_000)
    wide = json.dumps({f"k{number}": 1 for number in range(900)})
    _refused_early(monkeypatch, (wide + "\n" + '{"k0":1}\n' * 5_000).encode(), "wide.jsonl", "table_cells", 24)


def test_a_cell_in_the_last_column_of_a_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    from openpyxl import Workbook

    from backend.prompts import table_formats

    book, file, seen = Workbook(write_only=True), io.BytesIO(), []
    sheet = book.create_sheet()
    for _ in range(3):
        sheet.append([*[None] * 16_383, "x"])
    book.save(file)
    plain = table_formats._xlsx_cell
    monkeypatch.setattr(table_formats, "_xlsx_cell", lambda value: seen.append(1) or plain(value))
    with pytest.raises(BadInput, match=r"error\.table_columns"):
        read_table(file.getvalue(), "far.xlsx")
    assert len(seen) == 16_384, "one row was enough"


def test_one_text_in_every_row_of_a_parquet_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setattr(tables, "MAX_CHARACTERS", 1_000_000)
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["x" * 50_000] * 1_000}), file)
    assert len(file.getvalue()) < 10_000
    _refused_early(monkeypatch, file.getvalue(), "same.parquet", "table_unpacked", 21)


def test_rows_read_at_once_are_fewer_where_cells_may_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from backend.prompts import parquet_records as records

    monkeypatch.setattr(records, "BATCH_BYTES", 100_000)
    for length, rows in ((10, records.BATCH), (25_000, 3)):
        file = io.BytesIO()
        pq.write_table(pa.table({"text": ["x" * length] * 2}), file)
        assert records._batch(pq.ParquetFile(file).metadata) == rows


def test_a_document_told_again_for_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_CHARACTERS", 1_000_000)
    asked = [{"question": f"q{number}", "answers": [{"text": "a"}]} for number in range(2_000)]
    squad = {"data": [{"paragraphs": [{"context": "x" * 50_000, "qas": asked}]}]}
    with pytest.raises(BadInput, match=r"error\.table_unpacked"):
        read_table(json.dumps(squad).encode(), "squad.json")
