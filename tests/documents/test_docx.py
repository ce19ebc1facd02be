"""Word documents: real files, and documents made for what real ones here do not hold."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml import parse_xml

from backend.documents.readers import docx
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Parsed
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"
NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    ' xmlns:v="urn:schemas-microsoft-com:vml"'
)


def read(path: Path, limits: Limits | None = None) -> Parsed:
    return docx.read(path, limits or Limits())


def saved(path: Path, *elements: str, also: Callable[[Any], None] | None = None) -> Path:
    """A document whose body holds `elements` (WordprocessingML without namespaces' declarations)."""
    document = Document()
    body = document.element.body
    for element in elements:
        body.insert(len(body) - 1, parse_xml(f"<w:box {NAMES}>{element}</w:box>")[0])
    if also:
        also(document)
    document.save(str(path))
    return path


def with_part(source: Path, target: Path, part: str, data: bytes) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info, data if info.filename == part else old.read(info))
    return target


def told(parsed: Parsed) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, block.text) for block in parsed.blocks]


def line(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_headings_levels_and_lists_of_a_real_document() -> None:
    blocks = told(read(FILES / "unit_test_headers_numbered.docx"))
    assert blocks[:7] == [
        ("heading", 1, "Test Document"),
        ("heading", 1, "1. Section 1"),
        ("paragraph", 0, "Paragraph 1.1"),
        ("paragraph", 0, "Paragraph 1.2"),
        ("heading", 2, "1.1. Section 1.1"),
        ("paragraph", 0, "Paragraph 1.1.1"),
        ("paragraph", 0, "Paragraph 1.1.2"),
    ]
    assert ("list", 2, "1.1. Section A.1") in blocks and ("list", 3, "1.1.1. Detail A.1.1") in blocks


def test_numbers_that_word_makes_stand_in_the_text() -> None:
    """The author of this file called its sections by the numbers that Word shows."""
    texts = [text for _, _, text in told(read(FILES / "unit_test_headers_numbered.docx"))]
    for text in ("1.1. Section 1.1", "1.2. Section 1.2", "2. Section 2", "2.1.1. Section 2.1.1", "2.1. Section 2.1"):
        assert text in texts
    assert "2.3.1. Hardware Constraints – Egde Case" in texts  # its list starts at 2 and 3 without such a line


def test_korean_numbers_overrides_and_lines_out_of_the_list(tmp_path: Path) -> None:
    def level(depth: int, kind: str, text: str, more: str = "") -> str:
        inner = f'<w:start w:val="1"/><w:numFmt w:val="{kind}"/>{more}<w:lvlText w:val="{text}"/>'
        return f'<w:lvl w:ilvl="{depth}">{inner}</w:lvl>'

    levels = (
        level(0, "decimal", "제%1조", '<w:pStyle w:val="jo"/>') + level(1, "ganada", "%2.") + level(2, "bullet", "•")
    )
    anew = '<w:num %s w:numId="91"><w:abstractNumId w:val="90"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="10"/>'
    odd = '<w:abstractNum %s w:abstractNumId="92">' + level(0, "taiwaneseCounting", "%1.") + "</w:abstractNum>"

    def lists(document: Any) -> None:
        root = document.part.numbering_part.element
        for made in (
            f'<w:abstractNum %s w:abstractNumId="90">{levels}</w:abstractNum>',
            odd,
            '<w:num %s w:numId="90"><w:abstractNumId w:val="90"/></w:num>',
            anew + "</w:lvlOverride></w:num>",
            '<w:num %s w:numId="92"><w:abstractNumId w:val="92"/></w:num>',
        ):
            root.append(parse_xml(made.replace("%s", NAMES, 1)))
        style = '<w:style %s w:type="paragraph" w:styleId="jo"><w:name w:val="조"/>'
        shape = '<w:pPr><w:numPr><w:numId w:val="90"/></w:numPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
        document.styles.element.append(parse_xml((style + shape) % NAMES))

    def item(text: str, name: int, depth: int) -> str:
        place = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{name}"/></w:numPr>'
        return f"<w:p><w:pPr>{place}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"

    def article(text: str, more: str = "") -> str:
        return f'<w:p><w:pPr><w:pStyle w:val="jo"/>{more}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'

    out = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    path = saved(
        tmp_path / "a.docx",
        *(article("(목적)"), article("(정의)"), item("첫째", 90, 1), item("둘째", 90, 1), item("점", 90, 2)),
        *(
            article("(부칙)", out),
            article("(범위)"),
            item("다시 첫째", 90, 1),
            item("(새로)", 91, 0),
            article("(이어)"),
        ),
        item("모르는 수", 92, 0),
        also=lists,
    )
    assert told(read(path)) == [
        ("heading", 2, "제1조 (목적)"),
        ("heading", 2, "제2조 (정의)"),
        ("list", 2, "가. 첫째"),
        ("list", 2, "나. 둘째"),
        ("list", 3, "점"),
        ("heading", 2, "(부칙)"),
        ("heading", 2, "제3조 (범위)"),
        ("list", 2, "가. 다시 첫째"),
        ("list", 1, "제10조 (새로)"),
        ("heading", 2, "제11조 (이어)"),
        ("list", 1, "모르는 수"),
    ]


def test_numbers_are_written_as_word_writes_them() -> None:
    from backend.documents.readers.wordnumbers import FORMATS

    assert [FORMATS["upperRoman"](number) for number in (1, 4, 9, 14, 40, 99, 1990)] == [
        *("I", "IV", "IX", "XIV", "XL", "XCIX", "MCMXC")
    ]
    assert [FORMATS["lowerLetter"](number) for number in (1, 26, 27, 53)] == ["a", "z", "aa", "aaa"]
    assert [FORMATS["ganada"](number) for number in (1, 2, 14)] == ["가", "나", "하"]
    assert [FORMATS["decimalEnclosedCircle"](number) for number in (1, 20, 21)] == ["①", "⑳", "21"]


def test_equations_are_read_in_their_place() -> None:
    texts = [text.replace("\u2061", "") for _, _, text in told(read(FILES / "equations.docx"))]
    assert texts[0] == "For m=1,"
    assert texts[1] == "sinθ=mλ/a=(1)550×10^-6 mm/2.5 mm=2.2×10^-4"


def test_a_table_stands_between_its_neighbours() -> None:
    parsed = read(FILES / "tablecell.docx")
    kinds = [block.kind for block in parsed.blocks]
    assert kinds == ["list", "list", "paragraph", "table", "paragraph"]
    assert parsed.blocks[3].rows == (("Tab1", "Tab2", "Tab3"), ("A", "B", "C"), ("D", "E", "F"))
    assert parsed.dated == "2024-11-12"


def test_comments_are_left_out_and_counted() -> None:
    parsed = read(FILES / "test_with_comment.docx")
    assert [(note.name, note.details) for note in parsed.notes] == [("comments_left_out", {"count": "2"})]
    assert parsed.blocks[0] == Block(
        kind="heading",
        level=1,
        text="AutoGen: Enabling Next-Gen LLM Applications via Multi-Agent Conversation",
    )


def test_what_the_library_alone_would_lose_is_there(tmp_path: Path) -> None:
    """Content controls, tracked changes, text boxes (once, though the file holds each twice)."""
    box = f"<w:txbxContent>{line('글상자 안')}</w:txbxContent>"
    path = saved(
        tmp_path / "a.docx",
        f"<w:sdt><w:sdtContent>{line('내용 컨트롤 단락')}</w:sdtContent></w:sdt>",
        "<w:p><w:r><w:t>남은 </w:t></w:r>"
        "<w:del><w:r><w:delText>지운</w:delText></w:r><w:r><w:t>지운2</w:t></w:r></w:del>"
        "<w:ins><w:r><w:t>넣은</w:t></w:r></w:ins>"
        "<w:sdt><w:sdtContent><w:r><w:t> 이름</w:t></w:r></w:sdtContent></w:sdt>"
        "<w:moveFrom><w:r><w:t>옮겨진</w:t></w:r></w:moveFrom></w:p>",
        "<w:p><w:r><w:t>앞</w:t></w:r><w:r><mc:AlternateContent>"
        f"<mc:Choice Requires='wps'><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        "<w:r><w:t>뒤</w:t></w:r></w:p>",
    )
    assert [block.text for block in read(path).blocks] == ["내용 컨트롤 단락", "남은 넣은 이름", "앞뒤", "글상자 안"]


def test_merged_cells_nested_tables_and_frames(tmp_path: Path) -> None:
    def cell(text: str, shape: str = "") -> str:
        return f"<w:tc><w:tcPr>{shape}</w:tcPr>{line(text)}</w:tc>"

    wide, top, below = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    inner = f"<w:tbl><w:tr>{cell('속1')}{cell('속2')}</w:tr></w:tbl>"
    path = saved(
        tmp_path / "a.docx",
        f"<w:tbl><w:tr>{cell('구분')}{cell('금액', wide)}</w:tr>"
        f"<w:tr>{cell('본사', top)}{cell('1')}{cell('2')}</w:tr>"
        f"<w:tr>{cell('', below)}{cell('3')}<w:tc>{inner}{line('끝')}</w:tc></w:tr>"
        f"<w:tr><w:trPr><w:del/></w:trPr>{cell('지운 줄')}{cell('x')}{cell('y')}</w:tr></w:tbl>",
        f"<w:tbl><w:tr>{cell('틀 안의 글')}</w:tr></w:tbl>",
    )
    table, frame = read(path).blocks
    assert table.rows == (("구분", "금액", ""), ("본사", "1", "2"), ("본사", "3", "속1 | 속2 끝"))
    assert table.text.splitlines() == [" | ".join(row) for row in table.rows]
    assert (frame.kind, frame.text) == ("paragraph", "틀 안의 글")


def test_a_table_that_holds_the_page_is_read_as_the_page(tmp_path: Path) -> None:
    """Official forms lay a whole page out in a table, with the real tables in its cells."""
    inner = f"<w:tbl><w:tr><w:tc>{line('항목')}</w:tc><w:tc>{line('값')}</w:tc></w:tr></w:tbl>"
    long = "이 고시는 업무의 처리에 필요한 사항을 정하는 것을 목적으로 한다. " * 12
    page = f"<w:tc>{line('제1장 총칙')}{line(long)}{inner}</w:tc>"
    column = "".join(f"<w:tr><w:tc>{line(text)}</w:tc></w:tr>" for text in ("첫 칸", "둘째 칸"))
    path = saved(
        tmp_path / "a.docx", f"<w:tbl><w:tr><w:tc>{line('옆')}</w:tc>{page}</w:tr></w:tbl>", f"<w:tbl>{column}</w:tbl>"
    )
    blocks = read(path).blocks
    assert [block.text for block in blocks] == ["옆", "제1장 총칙", long.strip(), "항목 | 값", "첫 칸", "둘째 칸"]
    assert blocks[3].rows == (("항목", "값"),)


def test_styles_decide_even_with_ids_of_another_language(tmp_path: Path) -> None:
    """Korean Word numbers the ids of its styles; a style may inherit its level, a paragraph may take it back."""

    def style(document: Any) -> None:
        for made in (
            '<w:style %s w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/>'
            '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>',
            '<w:style %s w:type="paragraph" w:styleId="a7"><w:name w:val="장 제목"/><w:basedOn w:val="1"/></w:style>',
            '<w:style %s w:type="paragraph" w:styleId="x1"><w:name w:val="돌고"/><w:basedOn w:val="x2"/></w:style>',
            '<w:style %s w:type="paragraph" w:styleId="x2"><w:name w:val="도는"/><w:basedOn w:val="x1"/></w:style>',
            '<w:style %s w:type="paragraph" w:styleId="t1"><w:name w:val="toc 1"/></w:style>',
        ):
            document.styles.element.append(parse_xml(made % NAMES))

    def styled(name: str, text: str, more: str = "") -> str:
        return f'<w:p><w:pPr><w:pStyle w:val="{name}"/>{more}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'

    path = saved(
        tmp_path / "a.docx",
        styled("t1", "제1장 총칙 3"),
        styled("a7", "제1장 총칙"),
        styled("1", "본문으로 되돌린 줄", '<w:outlineLvl w:val="9"/>'),
        styled("x1", "돌고 도는 양식"),
        styled("x1", "본문 안의 소제목", '<w:outlineLvl w:val="2"/>'),
        also=style,
    )
    assert told(read(path)) == [
        ("heading", 1, "제1장 총칙"),
        ("paragraph", 0, "본문으로 되돌린 줄"),
        ("paragraph", 0, "돌고 도는 양식"),
        ("heading", 3, "본문 안의 소제목"),
    ]


def test_headers_and_footers_come_once_at_the_end(tmp_path: Path) -> None:
    def edges(document: Any) -> None:
        document.sections[0].header.paragraphs[0].text = "대외비 2026"
        document.sections[0].footer.paragraphs[0].text = "- 3 -"
        document.add_section().header.is_linked_to_previous = False
        document.sections[1].header.paragraphs[0].text = "대외비 2026"

    path = saved(tmp_path / "a.docx", line("본문"), also=edges)
    assert [block.text for block in read(path).blocks] == ["본문", "대외비 2026"]


def test_a_footnote_is_read_after_the_paragraph_that_points_at_it(tmp_path: Path) -> None:
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    notes = (
        f"<w:footnotes {NAMES}><w:footnote w:type='separator' w:id='-1'>{line('줄')}</w:footnote>"
        f"<w:footnote w:id='1'>{line('각주의 글')}</w:footnote></w:footnotes>"
    )

    def footnotes(document: Any) -> None:
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
        part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
        document.part.relate_to(part, relation)

    first = '<w:p><w:r><w:t>첫 단락</w:t></w:r><w:r><w:footnoteReference w:id="1"/></w:r></w:p>'
    path = saved(tmp_path / "a.docx", first, line("둘째 단락"), also=footnotes)
    assert [block.text for block in read(path).blocks] == ["첫 단락", "각주의 글", "둘째 단락"]


def test_a_document_without_headings_gets_those_its_lines_show(tmp_path: Path) -> None:
    lines = ("제1조(목적)", "이 계약은 목적을 정한다.", "제2조(기간)", "기간은 1년으로 한다.")
    path = saved(tmp_path / "a.docx", *(line(text) for text in lines))
    assert [block.kind for block in read(path).blocks] == ["heading", "paragraph", "heading", "paragraph"]


def test_the_title_comes_from_the_properties(tmp_path: Path) -> None:
    def name(document: Any) -> None:
        document.core_properties.title = "업무 규정"

    assert read(saved(tmp_path / "a.docx", line("글"), also=name)).title == "업무 규정"


def broken(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "계약서.docx"
    path.write_bytes(data)
    with pytest.raises(BadInput) as raised:
        read(path)
    assert raised.value.details["name"] == "계약서.docx"
    return raised.value.key


def test_broken_files_are_told_in_words(tmp_path: Path) -> None:
    whole = (FILES / "tablecell.docx").read_bytes()
    assert broken(tmp_path, whole[: len(whole) // 2]) == "error.document_damaged"
    assert broken(tmp_path, b"PK\x03\x04 nothing") == "error.document_damaged"
    assert broken(tmp_path, (FILES / "powerpoint_sample.pptx").read_bytes()) == "error.document_damaged"
    made = with_part(FILES / "tablecell.docx", tmp_path / "x.docx", "word/document.xml", b"zzz")
    assert broken(tmp_path, made.read_bytes()) == "error.document_damaged"


def test_flipped_bytes_never_end_in_anything_but_words(tmp_path: Path) -> None:
    whole = (FILES / "tablecell.docx").read_bytes()
    outcomes = set()
    path = tmp_path / "a.docx"
    for start in range(25):
        data = bytearray(whole)
        for at in range(start * 41, len(data), len(data) // 7):
            data[at] ^= 0x5A
        path.write_bytes(data)
        try:
            outcomes.add(type(read(path)).__name__)
        except BadInput as fault:
            outcomes.add(fault.key)
    assert "error.document_damaged" in outcomes
    assert outcomes <= {"Parsed", "error.document_damaged", "error.document_password", "error.document_bomb"}


def test_bombs_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    empty = f"<w:document {NAMES}><w:body>{'<w:p/>' * 2_000_000}</w:body></w:document>".encode()
    made = with_part(FILES / "tablecell.docx", tmp_path / "x.docx", "word/document.xml", empty)
    assert broken(tmp_path, made.read_bytes()) == "error.document_bomb"
    with pytest.raises(BadInput) as raised:
        read(FILES / "tablecell.docx", Limits(part_bytes=1000))
    assert raised.value.key == "error.document_bomb"


def test_entities_are_never_unfolded(tmp_path: Path) -> None:
    entities = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    body = f"{entities}<w:document {NAMES}><w:body>{line('&a;&f;글')}</w:body></w:document>"
    made = with_part(FILES / "tablecell.docx", tmp_path / "x.docx", "word/document.xml", body.encode())
    try:
        text = " ".join(block.text for block in read(made).blocks)
    except BadInput as fault:
        assert fault.key == "error.document_damaged"
    else:
        assert "haha" not in text and Path("/etc/hostname").read_text().strip() not in text


def test_a_locked_entry_asks_for_a_file_without_password(tmp_path: Path) -> None:
    data = bytearray((FILES / "tablecell.docx").read_bytes())
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"docProps/core.xml"))
    local = int.from_bytes(data[at + 42 : at + 46], "little")
    data[at + 8] |= 1  # general purpose flag, bit 0: encrypted (APPNOTE 4.4.4)
    data[local + 6] |= 1
    assert broken(tmp_path, bytes(data)) == "error.document_password"


def test_a_table_of_too_many_cells_is_refused() -> None:
    with pytest.raises(BadInput) as raised:
        read(FILES / "tablecell.docx", Limits(cells=4))
    assert raised.value.key == "error.document_too_many_cells"
