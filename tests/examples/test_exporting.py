"""Examples written to files: nothing in them runs in a spreadsheet, and what is read back is what was kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from backend.errors import BadInput, StorageProblem
from backend.examples import exporting
from backend.examples.example import NewExample, Span
from backend.examples.exporting import export_examples
from backend.examples.importing import examples_of, guess_mapping, guess_task, read_source
from backend.examples.store import ExampleStore
from tests.examples.stores import new_store

EVIL = '=HYPERLINK("http://example.com")'


@pytest.fixture
def store(tmp_path: Path) -> ExampleStore:
    made = new_store(tmp_path)
    made.add(
        [
            NewExample(
                variables={"input": EVIL}, output="-3.5", tags=("하나", "둘"), groups={"지역": "부산", "split": "x"}
            ),
            NewExample(variables={"input": "여러 줄\n둘째 줄"}, output="@SUM(A1)", split="dev"),
        ]
    )
    return made


def test_formulas_are_neutralised_in_csv(store: ExampleStore, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    assert export_examples(store, "csv", file) == 2
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert rows[0]["input"] == "'" + EVIL and rows[0]["output"] == "-3.5" and rows[1]["output"] == "'@SUM(A1)"
    assert rows[0]["tags"] == "하나, 둘" and rows[0]["지역"] == "부산" and rows[0]["group_split"] == "x"
    assert rows[1]["input"] == "여러 줄\n둘째 줄" and rows[1]["split"] == "dev"


def test_formulas_are_text_in_a_workbook(store: ExampleStore, tmp_path: Path) -> None:
    export_examples(store, "xlsx", tmp_path / "out.xlsx")
    sheet = load_workbook(tmp_path / "out.xlsx").active
    assert sheet is not None
    cell = sheet["A2"]
    assert (cell.value, cell.data_type) == (EVIL, "s")


def test_lines_are_read_back_as_they_were(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    kept = [
        NewExample(
            variables={"input": f"{number}번 민수는 서울에 산다"},
            output="사람: 민수\n장소: 서울",
            split="train",
            spans=(Span(start=3, end=5, label="사람"), Span(start=7, end=9, label="장소")),
            tags=("새것",),
        )
        for number in range(3)
    ]
    store.add(kept)
    file = tmp_path / "out.jsonl"
    export_examples(store, "jsonl", file)
    assert json.loads(file.read_text("utf-8").splitlines()[0])["spans"] == [[3, 5, "사람"], [7, 9, "장소"]]
    source = read_source(file)
    mapping = guess_mapping(source)
    again = list(examples_of(source, mapping, guess_task(source, mapping).task))
    assert [(one.variables, one.output, one.spans, one.split) for one in again] == [
        (one.variables, one.output, one.spans, one.split) for one in kept
    ]


def test_what_cannot_be_written_leaves_the_old_file(
    store: ExampleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "XLSX_ROWS", 1)
    with pytest.raises(BadInput, match=r"error\.export_rows"):
        export_examples(store, "xlsx", tmp_path / "out.xlsx")
    with pytest.raises(StorageProblem):
        export_examples(store, "csv", tmp_path / "no such folder" / "out.csv")
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".part")]


def test_a_variable_called_like_a_part_of_the_example_is_kept(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    variables = {"output": "안의 말", "split": "둘", "tags": "셋", "input_split": "넷"}
    store.add([NewExample(variables=variables, output="답", groups={"output": "무리", "input_output": "다섯"})])
    export_examples(store, "jsonl", tmp_path / "out.jsonl")
    (record,) = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert record["output"] == "답" and record["split"] is None and record["tags"] == []
    assert {record[f"input_{name}"] for name in ("output", "split_", "tags", "split")} == set(variables.values())
    assert record["group_output"] == "무리" and record["group_input_output"] == "다섯"
    export_examples(store, "csv", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as opened:
        names, cells = csv.reader(opened)
    assert len(set(names)) == len(names)
    assert {*record} >= {*names} and dict(zip(names, cells, strict=True))["input_split_"] == "둘"
