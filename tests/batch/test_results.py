"""What a person takes home from a batch: pages, CSV, XLSX and JSON lines, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from openpyxl import load_workbook

from backend.assistants import Assistant
from backend.batch.results import Results, harmless
from backend.batch.rows import AnswersWriter, BatchConfig, RowAnswer, write_rows
from backend.prompts.table import read_table

TABLE = 'answer,글\n=1+1,재미있다\n-5,"두 줄\n입니다"\n"@SUM(A1)",x\n'.encode()
ANSWERS = [
    RowAnswer(row=1, answer='=HYPERLINK("http://x")', answer_tokens=3, seconds=0.5),
    RowAnswer(row=0, error_key="error.prompt_too_long", error_details={"tokens": 9}),
]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    table = read_table(TABLE, "t.csv")
    (tmp_path / "input").mkdir()
    write_rows(tmp_path / "input" / "rows.jsonl", table, 3)
    with AnswersWriter(tmp_path) as writer:
        for answer in ANSWERS:
            writer.add(answer)
    config = BatchConfig(assistant=Assistant(), columns=table.columns, mapping={}, rows=3, name="내 표/../감상 1.csv")
    return Results(tmp_path, config)


def test_pages(results: Results) -> None:
    assert results.counts() == (2, 1)
    first, second, third = results.page()
    assert (first.index, first.number, first.cells) == (0, 2, {"answer": "=1+1", "글": "재미있다"})
    assert first.answer and first.answer.error_key == "error.prompt_too_long"
    assert second.answer and second.answer.answer == '=HYPERLINK("http://x")'
    assert third.answer is None and third.number == 4
    assert [result.index for result in results.page(1, 1)] == [1]
    assert results.page(3, 10) == []


def test_csv_opens_in_excel_and_runs_nothing(results: Results) -> None:
    path = results.export("csv", lambda key, details: f"{key}: {details['tokens']} tokens")
    assert path.name == "감상-1-answers.csv" and path.parent == results.folder / "output"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["answer", "글", "answer_2", "error", "answer_tokens", "seconds"]
    assert rows == [
        ["'=1+1", "재미있다", "", "error.prompt_too_long: 9 tokens", "", ""],
        ["-5", "두 줄\n입니다", '\'=HYPERLINK("http://x")', "", "3", "0.5"],
        ["'@SUM(A1)", "x", "", "", "", ""],
    ]
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_workbook(results: Results) -> None:
    sheet = load_workbook(results.export("xlsx")).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[1][:2] == ["=1+1", "재미있다"] and sheet["A2"].data_type == "s"
    assert rows[2] == ["-5", "두 줄\n입니다", '=HYPERLINK("http://x")', None, 3, 0.5]


def test_a_workbook_takes_any_text(results: Results) -> None:
    with AnswersWriter(results.folder) as writer:
        writer.add(RowAnswer(row=2, answer="\x07" + "가" * 40_000))
    text = load_workbook(results.export("xlsx")).worksheets[0]["C4"].value
    assert isinstance(text, str) and len(text) == 32_767 and text.endswith("가…")


def test_json_lines(results: Results) -> None:
    rows = [json.loads(line) for line in results.export("jsonl").read_text("utf-8").splitlines()]
    assert rows[1] == {
        "answer": "-5", "글": "두 줄\n입니다", "answer_2": '=HYPERLINK("http://x")',
        "error": None, "answer_tokens": 3, "seconds": 0.5,
    }  # fmt: skip


def test_what_a_spreadsheet_takes_for_a_formula() -> None:
    for cell in ("=1", "+1+1", "-x", "@x", "\t=1", "\r=1", "＝1", "-1+cmd|'x'", "+82-10-1234"):
        assert harmless(cell) == "'" + cell
    for plain in ("-5", "+3.14", "-1,000", "-3%", "a=1", "", "글", 3, None):
        assert harmless(plain) == plain


def test_a_page_of_a_large_batch_is_quick(tmp_path: Path) -> None:
    table = read_table(("review\n" + "영화가 재미있다\n" * 100_000).encode(), "t.csv")
    (tmp_path / "input").mkdir()
    (tmp_path / "output").mkdir()
    write_rows(tmp_path / "input" / "rows.jsonl", table, 100_000)
    line = '{"row":%d,"answer":"긍정","finish":"stop","answer_tokens":2,"seconds":0.1}\n'
    (tmp_path / "output" / "answers.jsonl").write_text("".join(line % row for row in range(100_000)), "utf-8")
    results = Results(tmp_path, BatchConfig(assistant=Assistant(), columns=table.columns, mapping={}, rows=100_000))
    started = time.process_time()
    assert [result.answer.answer for result in results.page(99_990, 20) if result.answer] == ["긍정"] * 10
    assert results.counts() == (100_000, 0)
    assert time.process_time() - started < 1.5
