"""PDFs: real ones, and made ones of which it is known what they hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from backend.documents.readers import pdf
from backend.documents.reading.limits import Limits
from backend.documents.values import Parsed
from backend.errors import BadInput
from tests.documents.pdfs import Sheet, save

FILES = Path(__file__).parent / "files"
ROOT = Path(__file__).resolve().parents[2]
PROSE = (
    "The tenant pays the rent by the third working day of each month, and",
    "the landlord confirms its receipt in writing within one week after it",
    "has come in. Whoever is late owes interest from that day on without",
    "any reminder being needed.",
)


def read(path: Path, limits: Limits | None = None) -> Parsed:
    return pdf.read(path, limits or Limits())


def texts(parsed: Parsed, kind: str) -> list[str]:
    return [block.text for block in parsed.blocks if block.kind == kind]


def notes(parsed: Parsed) -> dict[str, tuple[int, ...]]:
    return {note.name: note.pages for note in parsed.notes}


def test_headings_by_size_then_weight_and_paragraphs_whole(tmp_path: Path) -> None:
    sheet = Sheet().text(60, 780, "Rental agreement", 22)
    sheet.text(60, 740, "1. Rent", 14).lines(60, 715, PROSE).text(60, 640, "Late payment", bold=True)
    sheet.lines(60, 622, PROSE).text(60, 555, "- a first item").text(60, 541, "- a second item")
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    assert [(block.text, block.level) for block in parsed.blocks if block.kind == "heading"] == [
        ("Rental agreement", 1),
        ("1. Rent", 2),
        ("Late payment", 3),
    ]
    assert texts(parsed, "paragraph") == [" ".join(PROSE)] * 2
    assert texts(parsed, "list") == ["- a first item", "- a second item"]
    assert (parsed.title, parsed.dated, parsed.page_kind, parsed.pages) == ("Rental agreement", "2024-02-29", "page", 1)


def test_the_outline_of_the_file_decides_what_is_a_heading(tmp_path: Path) -> None:
    sheets = [Sheet().text(60, 780, f"Part {n}", 10).lines(60, 750, PROSE) for n in "ABC"]
    parsed = read(save(tmp_path / "a.pdf", sheets, "Told title", [(f"Part {n}", at) for at, n in enumerate("ABC")]))
    assert [(block.text, block.page) for block in parsed.blocks if block.kind == "heading"] == [
        ("Part A", 1),
        ("Part B", 2),
        ("Part C", 3),
    ]
    assert parsed.title == "Told title"


def test_chapters_and_articles_of_a_law_are_headings_in_plain_type(tmp_path: Path) -> None:
    sheet = Sheet().text(60, 780, "제1장 총칙").text(60, 740, "제1조(목적)")
    sheet.text(60, 700, "제2조의 규정에 따른 신고는 미리 하여야 한다.").text(60, 660, "제2장 임대차 ........ 17")
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    assert [(block.kind, block.level) for block in parsed.blocks] == [
        ("heading", 1),
        ("heading", 3),
        ("paragraph", 0),
        ("paragraph", 0),
    ]


def test_hangul_lines_are_joined_as_the_document_itself_writes_the_words(tmp_path: Path) -> None:
    whole = "이 계약은 개인정보를 수집하는 경우에 적용되며 그 밖의 경우에는 적용되지 아니한다"
    sheet = Sheet().text(60, 780, whole)
    # Set in three columns' width, each line ending within a word of the line above.
    sheet.lines(60, 700, ["먼저 이 계약은 개인정", "보를 수집하는 경", "우에 적용되며 그 밖의", "경우에는 아니한다"])
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    assert texts(parsed, "paragraph") == [
        whole,
        "먼저 이 계약은 개인정보를 수집하는 경우에 적용되며 그 밖의 경우에는 아니한다",
    ]


def test_headers_footers_and_page_numbers_that_repeat_are_left_out_and_told_of(tmp_path: Path) -> None:
    sheets = [
        Sheet()
        .text(60, 815, "Annual report 2024", 8)
        .text(290, 25, f"- {n} -", 8)
        .text(60, 760, f"{n}. Part", 16)
        .lines(60, 730, PROSE)
        for n in range(1, 6)
    ]
    parsed = read(save(tmp_path / "a.pdf", sheets))
    assert texts(parsed, "heading") == [f"{n}. Part" for n in range(1, 6)]
    assert texts(parsed, "paragraph") == [" ".join(PROSE)] * 5
    note = next(note for note in parsed.notes if note.name == "pdf_running_lines")
    assert note.details["count"] == "10"


def test_a_ruled_table_stands_between_the_text_around_it(tmp_path: Path) -> None:
    cells = [["Item", "Price", "Remark"], ["Deposit", "1,000", "on signing"], ["Rest", "", "on delivery"]]
    sheet = Sheet().lines(60, 780, PROSE).table([60, 200, 300, 500], [700, 680, 660, 640], cells).lines(60, 600, PROSE)
    for turn in (0, 90, 180, 270):
        sheet.turn = turn
        parsed = read(save(tmp_path / "a.pdf", [sheet]))
        assert "table" in [block.kind for block in parsed.blocks], turn
        found = next(block for block in parsed.blocks if block.kind == "table")
        if turn == 0:
            assert [block.kind for block in parsed.blocks] == ["paragraph", "table", "paragraph"]
            assert found.rows == tuple(map(tuple, cells))
            assert found.text.splitlines()[2] == "Rest |  | on delivery"
        assert "Deposit" in found.text


def test_a_table_open_at_its_sides_keeps_its_outer_columns(tmp_path: Path) -> None:
    cells = [["Item", "Price", "Remark"], ["Deposit", "1,000", "on signing"], ["Rest", "500", "on delivery"]]
    sheet = Sheet().table([200, 300], [700, 680, 660, 640], [row[1:2] for row in cells])
    for number, row in enumerate(cells):
        sheet.text(63, 687 - 20 * number, row[0]).text(303, 687 - 20 * number, row[2])
    for y in (700, 680, 660, 640):
        sheet.rule(60, y, 500, y)
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    assert [block.rows for block in parsed.blocks] == [tuple(map(tuple, cells))]


@pytest.mark.parametrize("name", ["movie-theater-booking-2024", "senate-expenditures", "pdflatex-forms"])
def test_not_a_letter_of_a_real_page_is_lost_or_doubled(name: str) -> None:
    path = FILES / f"{name}.pdf"
    with pdfium.PdfDocument(path) as document:
        drawn = "".join(page.get_textpage().get_text_range() for page in document)
    parsed = read(path)
    told = "".join(block.text.replace(" | ", "") for block in parsed.blocks)
    assert Counter("".join(told.split())) == Counter("".join(drawn.replace("\ufffe", "").split()))


def test_columns_drawn_row_by_row_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = [f"left column line {n} of its own text" for n in range(12)]
    right = [f"right column line {n} of another text" for n in range(12)]
    sheet = Sheet().text(60, 800, "Over both columns", 18)
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        sheet.text(60, 750 - 13 * number, one).text(320, 750 - 13 * number, other)
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    told = " ".join(block.text for block in parsed.blocks)
    assert told == " ".join(["Over both columns", *left, *right])


def test_footnotes_that_were_drawn_first_do_not_part_the_text_from_its_next_page(tmp_path: Path) -> None:
    note = [
        "1 A report of the year before, which can be found in the docket,",
        "with all that was said of it since then.",
    ]
    text = ["The first column of the page begins with a sentence and", "goes on to the foot of it, above the notes."]
    more = ["The second column says what else there is to say,", "and needs no notes at all."]
    page = Sheet().lines(60, 120, note, size=7).lines(60, 780, text).lines(330, 780, more)
    last = Sheet().lines(60, 780, text).lines(60, 120, note, size=7).text(290, 40, "2")
    path = save(tmp_path / "a.pdf", [page, last])
    assert [block.text.split()[0] for block in read(path).blocks] == ["The", "The", "1", "The", "1", "2"]


def test_a_page_drawn_from_its_foot_is_read_from_its_head(tmp_path: Path) -> None:
    sheet = Sheet()
    for number in reversed(range(6)):
        sheet.text(60, 780 - 40 * number, f"Sentence number {number} stands on its own here.")
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    assert texts(parsed, "paragraph") == [f"Sentence number {number} stands on its own here." for number in range(6)]


def test_form_fields_come_with_their_names(tmp_path: Path) -> None:
    sheet = Sheet(fields=[("Name", "Kim Minsu"), ("Empty", ""), ("City", "Busan")]).text(60, 780, "Application")
    parsed = read(save(tmp_path / "a.pdf", [sheet]))
    assert texts(parsed, "list") == ["Name: Kim Minsu", "City: Busan"]


def test_pages_without_text_are_named_and_the_others_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no text recognition here
    sheets = [Sheet().lines(60, 780, PROSE), Sheet(picture=True), Sheet(), Sheet(picture=True)]
    parsed = read(save(tmp_path / "a.pdf", sheets))
    assert notes(parsed) == {"pages_without_text": (2, 4)}
    assert texts(parsed, "paragraph") == [" ".join(PROSE)]
    with pytest.raises(BadInput) as caught:
        read(save(tmp_path / "b.pdf", [Sheet(picture=True)]))
    assert caught.value.key == "error.document_pdf_scanned"


@pytest.mark.parametrize(
    ("made", "key"),
    [
        (b"", "error.document_pdf_damaged"),
        (b"%PDF-1.7 and then nothing", "error.document_pdf_damaged"),
        (b"half", "error.document_pdf_damaged"),
        (b"none", "error.document_pdf_no_pages"),
        (b"claims", "error.document_pdf_damaged"),
    ],
)
def test_what_is_broken_is_told_so(tmp_path: Path, made: bytes, key: str) -> None:
    path = save(tmp_path / "a.pdf", [Sheet().lines(60, 780, PROSE)] if made != b"none" else [])
    whole = path.read_bytes()
    if made == b"half":
        path.write_bytes(whole[: len(whole) // 2])
    elif made == b"claims":  # pages that are not there
        path.write_bytes(save(path, []).read_bytes().replace(b"/Count 0", b"/Count 9"))
    elif made != b"none":
        path.write_bytes(made)
    with pytest.raises(BadInput) as caught:
        read(path)
    assert caught.value.key == key


def test_more_pages_than_the_limit_are_refused_and_exactly_as_many_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pdf", [Sheet().lines(60, 780, PROSE)] * 4)
    assert read(path, Limits(pages=4)).pages == 4
    with pytest.raises(BadInput) as caught:
        read(path, Limits(pages=3))
    assert (caught.value.key, caught.value.details) == ("error.document_pdf_pages", {"pages": "4", "most": "3"})
    with pytest.raises(BadInput) as caught:
        read(path, Limits(characters=300))
    assert caught.value.key == "error.document_too_long"


def test_an_empty_password_opens_and_another_does_not() -> None:
    assert texts(read(FILES / "r6-empty-password.pdf"), "paragraph") == ["pdf encryption test password: asdfzxcv"]
    with pytest.raises(BadInput) as caught:
        read(FILES / "r6-both-passwords.pdf")
    assert caught.value.key == "error.document_pdf_password"


def test_tables_without_rules_of_a_real_order_form() -> None:
    parsed = read(FILES / "movie-theater-booking-2024.pdf")
    tables = {block.rows[0][0]: block for block in parsed.blocks if block.kind == "table"}
    assert tables["Month"].rows == (
        ("Month", "# Shows", "Gross Amount", "Net Amount", "Occupancy"),
        ("December 2024", "48", "$12,500.00", "$11,250.00", "85%"),
        ("Totals", "48", "$12,500.00", "$11,250.00", "85%"),
    )
    assert ("Payment Terms:", "Corporate") in tables["Billing Type:"].rows
    assert "Booking Summary" in texts(parsed, "heading")


def test_records_of_two_and_three_lines_in_a_real_ledger_are_one_row_each() -> None:
    parsed = read(FILES / "senate-expenditures.pdf")
    ledger = next(block for block in parsed.blocks if block.kind == "table" and block.rows[0][0] == "DHAW20190001")
    assert len(ledger.rows) == 22
    assert all(row[0].startswith("DHAW2019") and len(row) == len(ledger.rows[0]) for row in ledger.rows)
    assert ledger.rows[3][2:] == (
        "CITIBANK - TRAVEL CBA CARD",
        "03/21/2019",
        "03/24/2019",
        "STAFF TRANSPORTATION AIRFARE FOR K FORD 3/21 WASHINGTON DC TO SAINT LOUIS, KANSAS CITY; 3/24 SAINT LOUIS TO "
        "WASHINGTON DC",
        "903.90",
    )


def test_an_empty_form_is_read_without_its_buttons() -> None:
    parsed = read(FILES / "pdflatex-forms.pdf")
    assert "Name" in " ".join(block.text for block in parsed.blocks)
    assert not texts(parsed, "list")


def test_a_page_that_does_not_open_is_named_and_the_others_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pdf", [Sheet().lines(60, 780, PROSE), Sheet().text(60, 780, "The last page.")])
    whole = path.read_bytes()
    first = re.search(rb"/Kids\[(\d+) 0 R", whole)
    assert first is not None
    path.write_bytes(whole.replace(b"%s 0 obj" % first[1], b"%s 0 xxx" % first[1]))
    parsed = read(path)
    assert notes(parsed) == {"pdf_pages_damaged": (1,)}
    assert [(block.page, block.text) for block in parsed.blocks] == [(2, "The last page.")]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_note_has_words_with_its_details(language: str) -> None:
    words = json.loads((ROOT / "assets" / "locale" / language / "reading.json").read_text("utf-8"))
    readers = ROOT / "backend" / "documents" / "readers"
    sources = [*readers.glob("pdf*.py"), readers / "image.py", readers / "ocr.py"]
    found = {name for path in sources for name in re.findall(r'Note\(name="(\w+)"', path.read_text("utf-8"))}
    assert found >= {"pages_without_text", "pdf_ocr", "pdf_running_lines"}
    assert not {name for name in found if f"documents.note.{name}" not in words}
