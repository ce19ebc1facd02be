"""What Korean offices send every day: workbooks with formulas and dates, CSV of Excel, mail in mail, pages that lie."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from openpyxl import Workbook

from backend.documents.reading.reader import Reader
from backend.documents.values import Parsed


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


def read(reader: Reader, folder: Path, raw: bytes, name: str) -> Parsed:
    path = folder / "original"
    path.write_bytes(raw)
    return reader.read(path, name)


def text_of(parsed: Parsed) -> str:
    return "\n".join(block.text for block in parsed.blocks)


def test_a_workbook_with_formulas_dates_and_merged_cells(reader: Reader, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "3월 매출"
    sheet.append(["지점", "날짜", "매출", "비고"])
    sheet.append(["서울", dt.date(2026, 3, 2), 1200.5, "첫 주"])
    sheet.append([None, dt.datetime(2026, 3, 9, 14, 30), 800, None])
    sheet.append(["합계", None, "=SUM(C2:C3)", None])
    sheet.merge_cells("A2:A3")
    book.save(tmp_path / "book.xlsx")
    parsed = read(reader, tmp_path, (tmp_path / "book.xlsx").read_bytes(), "매출.xlsx")
    (table,) = [block for block in parsed.blocks if block.rows]
    assert parsed.names == ("3월 매출",) and parsed.blocks[0].text == "3월 매출"
    assert table.rows[:3] == (
        ("지점", "날짜", "매출", "비고"),
        ("서울", "2026-03-02", "1200.5", "첫 주"),
        ("서울", "2026-03-09 14:30", "800", ""),
    )
    assert table.rows[3][0] == "합계" and "SUM" not in table.text


def test_a_csv_of_korean_excel_with_semicolons(reader: Reader, tmp_path: Path) -> None:
    raw = '이름;부서;메모\n김민아;총무;"긴 메모; 줄\n바꿈"\n똠방각하;펲시;없음\n이준;영업;있음\n'.encode("cp949")
    (table,) = read(reader, tmp_path, raw, "명단.csv").blocks
    assert table.rows == (
        ("이름", "부서", "메모"),
        ("김민아", "총무", "긴 메모; 줄 바꿈"),
        ("똠방각하", "펲시", "없음"),
        ("이준", "영업", "있음"),
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp949", "johab"])
def test_a_text_in_any_encoding_of_windows(reader: Reader, tmp_path: Path, encoding: str) -> None:
    text = "보증 기간은 구입한 날부터 2년입니다.\r\n\r\n수리는 서비스 센터에 맡기십시오."
    parsed = read(reader, tmp_path, text.encode(encoding), "안내.txt")
    assert [block.text for block in parsed.blocks] == text.split("\r\n\r\n")


def test_mail_in_mail_with_korean_headers_of_old_programs(reader: Reader, tmp_path: Path) -> None:
    def word(text: str) -> str:
        return f"=?EUC-KR?B?{base64.b64encode(text.encode('cp949')).decode()}?="

    deepest = EmailMessage()
    deepest["Subject"], deepest["From"] = "가장 안쪽", "c@d.kr"
    deepest.set_content("안쪽 본문입니다.")
    middle = EmailMessage()
    middle["Subject"], middle["From"] = "가운데", "b@d.kr"
    middle.set_content("가운데 본문입니다.")
    middle.add_attachment(deepest)
    middle.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="자료 모음.zip")
    outer = EmailMessage()
    outer["Subject"], outer["From"], outer["Date"] = "x", "a@d.kr", "Mon, 02 Mar 2026 09:00:00 +0900"
    outer.set_content("바깥 본문입니다.", charset="euc-kr", cte="base64")
    outer.add_attachment(middle)
    raw = outer.as_bytes().replace(b"Subject: x", f"Subject: {word('회의 자료')}\n {word('(최종)')}".encode())
    parsed = read(reader, tmp_path, raw, "편지.eml")
    assert parsed.title == "회의 자료(최종)" and parsed.dated == "2026-03-02"
    text = text_of(parsed)
    assert text.index("바깥 본문") < text.index("가운데 본문") < text.index("안쪽 본문")
    assert [note.details["names"] for note in parsed.notes if note.name == "attachments"] == ["자료 모음.zip"]


@pytest.mark.parametrize(
    ("told", "real"),
    [("utf-8", "cp949"), ("euc-kr", "utf-8"), ("iso-8859-1", "cp949"), ("utf-16", "utf-8"), ("x", "cp949")],
)
def test_a_page_that_lies_about_its_letters(reader: Reader, tmp_path: Path, told: str, real: str) -> None:
    body = "<h1>보증 안내</h1><p>보증 기간은 구입한 날부터 두 해이며, 영수증이 있어야 합니다.</p>"
    raw = f'<!DOCTYPE html><html><head><meta charset="{told}"><title>안내</title></head><body>{body}</body></html>'
    parsed = read(reader, tmp_path, raw.encode(real), "안내.html")
    assert [block.text for block in parsed.blocks] == [
        "보증 안내",
        "보증 기간은 구입한 날부터 두 해이며, 영수증이 있어야 합니다.",
    ]
