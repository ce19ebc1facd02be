"""Office, e-book and Hangul files through the reading process, and what a person is told of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import olefile
import pytest
from openpyxl import Workbook

from backend.documents.reading.limits import Limits
from backend.documents.reading.reader import Reader
from backend.documents.values import lay
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"
LOCALE = Path(__file__).parent.parent.parent / "assets" / "locale"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(Limits(seconds=60)) as opened:
        yield opened


def sentences(key: str, details: dict[str, object]) -> list[str]:
    """The words of a key in both languages, filled in; a placeholder without a detail raises."""
    return [
        json.loads((LOCALE / language / "reading.json").read_text("utf-8"))[key].format(**details)
        for language in ("ko", "en")
    ]


@pytest.mark.parametrize(
    ("file", "first"),
    [
        ("minimal-body-table.hwp", "편집 탭 – 표"),
        ("no_manifest.hwpx", "입 법 예 고"),
        ("unit_test_headers_numbered.docx", "Test Document"),
        ("powerpoint_sample.pptx", "Test Table Slide"),
        ("test.xls", "Sheet1"),
        ("test.epub", "Chapter 1: Test Content"),
    ],
)
def test_every_kind_is_told_from_its_bytes_and_read(reader: Reader, tmp_path: Path, file: str, first: str) -> None:
    path = tmp_path / "original"  # as the store keeps it: without an ending
    shutil.copy(FILES / file, path)
    parsed = reader.read(path, "이름 없는 파일")
    assert parsed.blocks[0].text == first
    laid = lay(parsed)
    assert all(laid.text[start:end] == b.text for b, (start, end) in zip(parsed.blocks, laid.spans, strict=True))
    for block in parsed.blocks:
        assert (
            block.text == "\n".join(" | ".join(row) for row in block.rows) if block.kind == "table" else not block.rows
        )
    for note in parsed.notes:
        assert all(sentences(f"documents.note.{note.name}", dict(note.details)))


def test_the_far_corner_does_not_end_the_reading_process(reader: Reader, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "처음", "끝"
    path = tmp_path / "original"
    book.save(path)
    assert [block.text for block in reader.read(path, "표.xlsx").blocks][1:] == ["처음", "끝"]


@pytest.mark.parametrize(("bit", "words"), [(0x02, "암호"), (0x04, "배포용"), (0x10, "DRM")])
def test_a_locked_hangul_document_is_refused_by_the_name_a_person_gave(
    reader: Reader, tmp_path: Path, bit: int, words: str
) -> None:
    path = tmp_path / "original"
    shutil.copy(FILES / "equation.hwp", path)
    with olefile.OleFileIO(str(path), write_mode=True) as container:
        header = bytearray(container.openstream("FileHeader").read())
        header[36] |= bit
        container.write_stream("FileHeader", bytes(header))
    with pytest.raises(BadInput) as raised:
        reader.read(path, "시행세칙.hwp")
    korean, english = sentences(raised.value.key, raised.value.details)
    assert words in korean and "시행세칙.hwp" in korean and "시행세칙.hwp" in english


def test_limits_are_told_with_their_figures() -> None:
    with Reader(Limits(cells=5, pages=1)) as narrow:
        for file, figure in (
            ("Table.hwpx", "5"),
            ("tablecell.docx", "5"),
            ("powerpoint_sample.pptx", "1"),
            ("test.xls", "1"),
        ):
            with pytest.raises(BadInput) as raised:
                narrow.read(FILES / file, file)
            for sentence in sentences(raised.value.key, raised.value.details):
                assert file in sentence and figure in sentence
