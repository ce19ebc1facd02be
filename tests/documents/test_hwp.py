"""Hangul documents, HWP 5 and HWPX: real files, and the same files made bad."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import olefile
import pytest
from hwpx import HwpxDocument
from lxml import etree

from backend.documents.readers import hwp
from backend.documents.readers.owpml import Mark, Walk
from backend.documents.readers.owpmlnumbers import Numbers
from backend.documents.readers.wordnumbers import roman
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Parsed
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"


def read(name: str, limits: Limits | None = None) -> Parsed:
    return hwp.read(FILES / name, limits or Limits())


def repacked(source: Path, target: Path, part: str, change: Callable[[str], str]) -> Path:
    """A copy of a HWPX with one part changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, change(data.decode()).encode() if info.filename == part else data)
    return target


def test_a_text_box_a_line_and_a_table_come_in_reading_order() -> None:
    parsed = read("Table.hwpx")
    assert [block.kind for block in parsed.blocks] == ["paragraph", "paragraph", "table"]
    assert parsed.blocks[0].text == "C반 기말고사"  # stands in a text box: the library's own `.text` is empty there
    assert parsed.blocks[2].rows[:2] == (("이름", "국어", "영어", "수학"), ("개똥이", "89", "65", "78"))
    assert parsed.blocks[2].text.splitlines()[1] == "개똥이 | 89 | 65 | 78"
    assert (parsed.title, parsed.dated, parsed.page_kind, parsed.pages) == ("제목", "2023-05-02", "none", None)


def test_a_label_that_spans_rows_is_said_in_each_of_them() -> None:
    assert read("SimpleTable.hwpx").blocks[0].rows == (("1", "", "2"), ("1", "", "3"), ("5", "4", ""))


def test_cells_stand_where_their_address_says() -> None:
    """The converted tree of this file holds the first cell of row 3 within the element of row 2."""
    tables = [block for block in read("minimal-body-table.hwp").blocks if block.kind == "table"]
    assert tables[0].rows == (("제목", "담당자", "세부 내용"), ("2222", "", ""))
    assert tables[2].rows[1:] == (("셀 편집", "하임", ""), ("셀 합치기", "", ""))


def test_deleted_text_of_tracked_changes_is_left_out() -> None:
    text = read("ChangeTrack.hwpx").blocks[0].text
    assert text.split() == ["변경", "인간은"]


def test_a_deletion_reaches_across_paragraphs(tmp_path: Path) -> None:
    def stretch(section: str) -> str:
        end = '<hp:deleteEnd Id="2" TcId="2" paraend="0"/>'
        assert end in section
        gone, left = (f"<hp:p><hp:run><hp:t>{text}</hp:t></hp:run></hp:p>" for text in ("사라진 줄", f"{end}남은 줄"))
        return section.replace(end, "").replace("</hs:sec>", f"{gone}{left}</hs:sec>")

    path = repacked(FILES / "ChangeTrack.hwpx", tmp_path / "a.hwpx", "Contents/section0.xml", stretch)
    assert [block.text for block in hwp.read(path, Limits()).blocks] == ["변경", "남은 줄"]


def test_outline_levels_are_headings_and_running_heads_come_last() -> None:
    blocks = read("header-footer.hwp").blocks
    assert [(block.kind, block.level, block.text) for block in blocks[:3]] == [
        ("heading", 1, "1. aaa"),
        ("heading", 2, "가. 2233"),
        ("heading", 2, "나. 596687"),
    ]
    assert max(block.level for block in blocks) <= 6
    assert blocks[-1].kind == "paragraph" and "개요1" in [block.text for block in blocks[-3:]]


def test_numbered_lines_are_list_items() -> None:
    items = [block for block in read("numbered.hwp").blocks if block.kind == "list"]
    assert [block.text for block in items] == ["1. 문단번호", "2. 문단번호", "3. 문단번호", "글머리표", "글머리표"]
    assert {block.level for block in items} == {1}


def test_numbers_that_hangul_makes_stand_in_the_text() -> None:
    """The author of this file wrote into each heading the number that Hangul shows before it."""
    blocks = read("outline-numbers.hwp").blocks
    heads = [block.text.split() for block in blocks if block.kind == "heading"]
    assert len(heads) == 100
    assert [[shown, written] for shown, written in heads] == [[f"{roman(at)}.", str(at)] for at in range(1, 101)]
    items = [block.text for block in blocks if block.kind == "list"]
    assert items[:3] == ["1. 1", "2. 2", "3. 3"]
    assert items[15:18] == ["1", "2", "3"]  # syllables from the 46th on: no number is better than a wrong one


def test_numbers_begin_again_below_a_new_heading_and_pass_over_what_is_unknown() -> None:
    def head(level: int, kind: str, text: str, start: int = 1) -> str:
        return f'<paraHead level="{level}" numFormat="{kind}" start="{start}">{text}</paraHead>'

    heads = (
        head(1, "DIGIT", "제^1조", 3)
        + head(2, "CIRCLED_DIGIT", "^2")
        + head(3, "DIGIT", "^1.^3)")
        + head(4, "?", "^4.")
    )
    numbers = Numbers([etree.fromstring(f'<h><numbering id="7">{heads}{head(5, "DIGIT", "^N")}</numbering></h>')])
    levels = (1, 2, 2, 1, 2, 3, 4, 5, 6, 1)
    assert [numbers.label("7", level) for level in levels] == [
        *("제3조", "①", "②", "제4조", "①", "4.1)", "", "", "", "제5조")
    ]
    assert numbers.label("8", 1) == ""


def test_a_paragraph_with_a_table_in_it_is_counted_once() -> None:
    """The lists of this file are of one level; its first item gets a table between two pieces of text."""
    with HwpxDocument.open(FILES / "Table.hwpx") as source:
        shapes = {"1": Mark("NUMBER", "1", 1)}
        heads = '<h><numbering id="1"><paraHead level="1" numFormat="DIGIT" start="1">^1.</paraHead></numbering></h>'
        table = next(source.sections[0].element.iter("{*}tbl"))
        run = "<run><t>{}</t></run>"
        first = etree.fromstring(f"<p paraPrIDRef='1'>{run.format('앞')}<run/>{run.format('뒤')}</p>")
        first[1].append(table)
        empty, second = (
            etree.fromstring("<p paraPrIDRef='1'/>"),
            etree.fromstring(f"<p paraPrIDRef='1'>{run.format('다음')}</p>"),
        )
        walk = Walk(shapes, Numbers([etree.fromstring(heads)]), 1000)
        texts = [block.text for block in walk.blocks([first, empty, second]) if block.kind == "list"]
    assert texts == ["1. 앞", "뒤", "3. 다음"]


def test_boxes_captions_and_equations() -> None:
    boxes = read("text-boxes.hwp")
    assert [(block.kind, block.text) for block in boxes.blocks] == [
        ("paragraph", "ABC"),
        ("caption", "그림"),
        ("paragraph", "123"),
        ("paragraph", "ABC"),
    ]
    assert boxes.notes == ()  # what the conversion left out there is looks, not words
    equation = read("equation.hwp")
    assert equation.blocks[0].text == "(a+b) ^{2} =a ^{2} +2ab+b ^{2}"
    assert [(note.name, note.details) for note in equation.notes] == [("hwp_left_out", {"count": "1"})]


def test_a_notice_without_outline_gets_its_headings_and_its_table() -> None:
    parsed = read("no_manifest.hwpx")
    heads = [block.text for block in parsed.blocks if block.kind == "heading"]
    assert heads[:2] == ["1. 개정이유", "2. 주요내용"] and "6. 참고사항" in heads
    assert not any(head.startswith(("가.", "나.", "다.")) for head in heads)  # a list, not headings
    assert parsed.blocks[-1].rows[0] == ("현 행", "개 정 안")
    assert "법 제81조제2항" in parsed.blocks[-1].text


@pytest.mark.parametrize(
    ("bit", "key"),
    [
        (0x02, "error.document_password"),
        (0x04, "error.document_distribution"),
        (0x10, "error.document_drm"),
    ],
)
def test_a_locked_document_is_refused_with_its_reason(tmp_path: Path, bit: int, key: str) -> None:
    path = tmp_path / "locked.hwp"
    shutil.copy(FILES / "equation.hwp", path)
    with olefile.OleFileIO(str(path), write_mode=True) as container:
        header = bytearray(container.openstream("FileHeader").read())
        header[36] |= bit  # the flags of the file header (HWP 5.0 format, Hancom, 4.1.1)
        container.write_stream("FileHeader", bytes(header))
    with pytest.raises(BadInput) as raised:
        hwp.read(path, Limits())
    assert raised.value.key == key
    assert raised.value.details["name"] == "locked.hwp"


def test_an_encrypted_hwpx_asks_for_one_without_password(tmp_path: Path) -> None:
    path = repacked(
        FILES / "SimpleTable.hwpx",
        tmp_path / "a.hwpx",
        "META-INF/manifest.xml",
        lambda _: (
            '<odf:manifest xmlns:odf="urn:x"><odf:file-entry><odf:encryption-data/></odf:file-entry></odf:manifest>'
        ),
    )
    with pytest.raises(BadInput) as raised:
        hwp.read(path, Limits())
    assert raised.value.key == "error.document_password"


@pytest.mark.parametrize("name", ["equation.hwp", "Table.hwpx"])
def test_half_a_file_is_damaged(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = (FILES / name).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput) as raised:
        hwp.read(path, Limits())
    assert raised.value.key == "error.document_damaged"


@pytest.mark.parametrize("name", ["equation.hwp", "minimal-body-table.hwp", "Table.hwpx"])
def test_flipped_bytes_never_end_in_anything_but_words(tmp_path: Path, name: str) -> None:
    whole = (FILES / name).read_bytes()
    path = tmp_path / name
    outcomes = set()
    for start in range(12):
        broken = bytearray(whole)
        for at in range(start * 37 + 512, len(broken), len(broken) // 9):
            broken[at] ^= 0xA5
        path.write_bytes(broken)
        try:
            outcomes.add(type(hwp.read(path, Limits())).__name__)
        except BadInput as fault:
            outcomes.add(fault.key)
    assert outcomes <= {"Parsed", "error.document_damaged", "error.document_bomb", "error.document_password"}
    assert "error.document_damaged" in outcomes


def test_a_damaged_list_of_parts_is_damage(tmp_path: Path) -> None:
    """zipfile goes to a place before the file's beginning, and the system answers "Invalid argument"."""
    data = (FILES / "Table.hwpx").read_bytes()
    path = tmp_path / "a.hwpx"
    path.write_bytes(data[:10_000] + data[10_100:])
    with pytest.raises(BadInput) as raised:
        hwp.read(path, Limits())
    assert raised.value.key == "error.document_damaged"


def test_entities_are_not_unfolded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    path = repacked(
        FILES / "SimpleTable.hwpx",
        tmp_path / "a.hwpx",
        "Contents/section0.xml",
        lambda section: section.replace("<hs:sec", f"{bomb}<hs:sec", 1).replace("<hp:t>1</hp:t>", "<hp:t>&b;</hp:t>"),
    )
    with pytest.raises(BadInput) as raised:
        hwp.read(path, Limits())
    assert raised.value.key in {"error.document_bomb", "error.document_damaged"}


def test_a_table_of_too_many_cells_is_refused() -> None:
    with pytest.raises(BadInput) as raised:
        read("Table.hwpx", Limits(cells=8))
    assert raised.value.key == "error.document_too_many_cells"
    assert raised.value.details["most"] == "8"


def test_a_claimed_address_costs_nothing(tmp_path: Path) -> None:
    path = repacked(
        FILES / "SimpleTable.hwpx",
        tmp_path / "a.hwpx",
        "Contents/section0.xml",
        lambda section: section.replace('rowAddr="2"', 'rowAddr="2000000000"').replace(
            'rowSpan="2"', 'rowSpan="2000000000"'
        ),
    )
    rows = hwp.read(path, Limits()).blocks[0].rows
    assert rows == (("1", "", "2"), ("1", "", "3"), ("5", "4", ""))


def block(kind: str, text: str) -> Block:
    return Block.model_validate({"kind": kind, "text": text, "level": 0})


def test_headings_are_guessed_only_where_there_are_none() -> None:
    from backend.documents.readers.outline import with_guessed_headings

    lines = ["제1장 총칙", "제1조(목적)", "이 규정은 목적을 정한다.", "제2장 구성", "제2조(위원회)", "위원회를 둔다."]
    guessed = with_guessed_headings([block("paragraph", line) for line in lines])
    assert [(b.level, b.kind == "heading") for b in guessed] == [
        (1, True),
        (2, True),
        (0, False),
        (1, True),
        (2, True),
        (0, False),
    ]
    items = [
        block("list", "제1조 (목적)"),
        block("paragraph", "글."),
        block("list", "1. 사과"),
        block("paragraph", "글."),
    ]
    assert [b.kind for b in with_guessed_headings(items)] == ["heading", "paragraph", "list", "paragraph"]
    told = [Block(kind="heading", text="머리말", level=1), block("paragraph", "1. 배경"), block("paragraph", "글.")]
    assert with_guessed_headings(told) == told
    shopping = [block("paragraph", line) for line in ("1. 사과", "2. 배", "3. 감")]
    assert with_guessed_headings(shopping) == shopping
    assert with_guessed_headings([]) == []
