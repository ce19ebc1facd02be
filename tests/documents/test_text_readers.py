"""Plain text, Markdown, HTML and tables as text: blocks in their order, on real files and on files made to be odd."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.documents.readers import csv, html, markdown, text
from backend.documents.reading.limits import Limits
from backend.documents.values import Block
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"
LIMITS = Limits()


def made(folder: Path, content: str | bytes) -> Path:
    path = folder / "original"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def told(blocks: tuple[Block, ...] | list[Block]) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, block.text) for block in blocks]


# --- plain text -------------------------------------------------------------------------------------------------------


def test_paragraphs_stand_between_blank_lines(tmp_path: Path) -> None:
    path = made(tmp_path, "첫 줄\r\n둘째 줄\r\n \r\n\r\n셋째\0 문단\n\u3000\n끝".encode("cp949"))
    parsed = text.read(path, LIMITS)
    assert [block.text for block in parsed.blocks] == ["첫 줄\n둘째 줄", "셋째 문단", "끝"]
    assert not parsed.notes


def test_numbered_lines_that_stand_alone_are_headings(tmp_path: Path) -> None:
    lines = ["제1장 총칙", "이 규정은 근무에 관한 사항을 정한다.", "제2장 휴가", "휴가는 다음과 같이 나눈다.", "끝."]
    parsed = text.read(made(tmp_path, "\n\n".join(lines)), LIMITS)
    assert [block.kind for block in parsed.blocks] == ["heading", "paragraph", "heading", "paragraph", "paragraph"]


def test_letters_that_are_lost_are_counted(tmp_path: Path) -> None:
    parsed = text.read(made(tmp_path, ("한글 문서입니다. " * 50).encode("cp949") + b"\xff\xff"), LIMITS)
    assert parsed.blocks[0].text.startswith("한글 문서입니다.")
    assert [(note.name, note.details) for note in parsed.notes] == [("letters_lost", {"count": "2"})]


# --- Markdown ---------------------------------------------------------------------------------------------------------


def test_markdown_gives_headings_lists_tables_and_code(tmp_path: Path) -> None:
    source = (
        "---\ntitle: 설치 안내\ndate: 2024-03-05\n---\n# 1장 *설치*\n\n"
        "문단 [링크](http://example.com/x) `코드`\n둘째 줄\n\n"
        "- 하나\n- 둘\n  1. 안쪽\n\n> 인용\n\n| 이름 | 값 |\n|---|---|\n| 가 | **1** |\n\n```py\nx = 1\n\ny = 2\n```\n"
        "![그림 설명](http://example.com/a.png)\n\n<div>원래 <b>HTML</b><script>alert(1)</script></div>\n"
    )
    parsed = markdown.read(made(tmp_path, source), LIMITS)
    assert (parsed.title, parsed.dated) == ("설치 안내", "2024-03-05")
    assert told(parsed.blocks) == [
        ("paragraph", 0, "title: 설치 안내\ndate: 2024-03-05"),
        ("heading", 1, "1장 설치"),
        ("paragraph", 0, "문단 링크 코드\n둘째 줄"),
        ("list", 1, "하나"),
        ("list", 1, "둘"),
        ("list", 2, "안쪽"),
        ("paragraph", 0, "인용"),
        ("table", 0, "이름 | 값\n가 | 1"),
        ("code", 0, "x = 1\n\ny = 2\n"),
        ("paragraph", 0, "그림 설명"),
        ("paragraph", 0, "원래 HTML"),
    ]
    assert parsed.blocks[7].rows == (("이름", "값"), ("가", "1"))


@pytest.mark.parametrize("source", [">" * 3000 + " 깊은 인용", "- " * 3000 + "깊은 목록", "[" * 300_000 + "깊은 괄호"])
def test_markdown_that_nests_without_end_keeps_its_text(tmp_path: Path, source: str) -> None:
    parsed = markdown.read(made(tmp_path, source), LIMITS)
    assert source[-5:] in parsed.blocks[-1].text


def test_underlined_lines_of_a_form_are_no_heading() -> None:
    kinds = [block.kind for block in markdown.blocks_of("합계 3,000\n세금 300\n=====\n\n제목\n---\n")]
    assert kinds == ["paragraph", "heading"]


# --- HTML -------------------------------------------------------------------------------------------------------------


def test_a_real_page_with_tables() -> None:
    parsed = html.read(FILES / "html_rich_table_cells.html", LIMITS)
    assert parsed.title == "Rich Table Cells in HTML"
    caption, table = parsed.blocks[1:3]
    assert (caption.kind, caption.text) == ("caption", "Basic duck facts")
    assert table.rows[0] == ("Name", "Habitat", "Comment")
    assert table.rows[2] == ("Mallard", "Ponds, lakes, rivers", "Quack")


def test_a_real_page_with_nested_lists() -> None:
    parsed = html.read(FILES / "html_nested_block_in_list_item.html", LIMITS)
    assert told(parsed.blocks)[-3:] == [
        ("list", 1, "Step instruction text"),
        ("list", 2, "Nested detail 1"),
        ("list", 2, "Nested detail 2"),
    ]


def test_letters_of_cp949_in_a_page_that_says_euc_kr_are_not_the_end_of_it(tmp_path: Path) -> None:
    page = '<html><head><meta charset="euc-kr"><title>똠방각하</title></head><body><p>펲시</p><p>그다음 문단</p>'
    parsed = html.read(made(tmp_path, page.encode("cp949")), LIMITS)
    assert parsed.title == "똠방각하"
    assert [block.text for block in parsed.blocks] == ["펲시", "그다음 문단"]


def test_pieces_of_a_page_in_their_order() -> None:
    blocks, notes = html.blocks_of(
        "머리 글<h2>제목\n둘</h2>앞<br>뒤<ul><li>하나<ol><li>안쪽</ol>꼬리<li>둘</ul><pre>a\n  b</pre>"
        "<nav>메뉴</nav><style>p{}</style><noscript>켜세요</noscript><p>끝 &lt;b&gt; &amp;nbsp;</p><!-- 숨김 -->"
    )
    assert told(blocks) == [
        ("paragraph", 0, "머리 글"),
        ("heading", 2, "제목 둘"),
        ("paragraph", 0, "앞\n뒤"),
        ("list", 1, "하나"),
        ("list", 2, "안쪽"),
        ("list", 1, "꼬리"),
        ("list", 1, "둘"),
        ("code", 0, "a\n  b"),
        ("paragraph", 0, "끝 <b> &nbsp;"),
    ]
    assert not notes


def test_merged_cells_stand_in_their_columns() -> None:
    blocks, _ = html.blocks_of(
        "<table><tr><th rowspan=2>구분<th colspan=2>실적<tr><th>1분기<th>2분기<tr><td rowspan=2>서울<td>1<td>2"
        "<tr><td>3<td>4</table>"
    )
    assert blocks[0].rows == (
        ("구분", "실적", ""),
        ("구분", "1분기", "2분기"),
        ("서울", "1", "2"),
        ("서울", "3", "4"),
    )


def test_cells_that_claim_to_span_millions_cost_nothing() -> None:
    blocks, _ = html.blocks_of("<table><tr><td rowspan=99999999 colspan=65534>가<td>나<tr><td>다</table>")
    assert blocks[0].rows[0] == ("가", "나")
    assert "다" in blocks[0].rows[1]


def test_tables_that_only_arrange_a_page_are_walked_through() -> None:
    blocks, _ = html.blocks_of("<table><tr><td><h1>제목</h1><p>글</p><td>옆</table><table><tr><td>한 칸</table>")
    assert told(blocks) == [
        ("heading", 1, "제목"),
        ("paragraph", 0, "글"),
        ("paragraph", 0, "옆"),
        ("paragraph", 0, "한 칸"),
    ]


def test_two_hundred_and_fifty_five_is_not_the_deepest() -> None:
    blocks, _ = html.blocks_of("<div>" * 1500 + "깊은 곳" + "</div>" * 1500 + "<p>그다음")
    assert [block.text for block in blocks] == ["깊은 곳", "그다음"]


def test_deeper_than_can_be_read_is_an_error_and_not_silence() -> None:
    with pytest.raises(BadInput) as refused:
        html.blocks_of("<div>" * 3000 + "깊은 곳")
    assert refused.value.key == "error.document_nested"


# --- tables as text ---------------------------------------------------------------------------------------------------


def test_real_tables() -> None:
    parsed = csv.read(FILES / "csv-semicolon.csv", LIMITS)
    assert [len(row) for row in parsed.blocks[0].rows] == [12] * 6
    ragged = csv.read(FILES / "csv-too-few-columns.csv", LIMITS)
    assert [len(row) for row in ragged.blocks[0].rows] == [4] * 5


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949", "utf-16"])
def test_delimiters_and_encodings(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [["이름", "설명", "값"], ["가", "쉼표, 세미콜론; 있음", "1"], ["나", '따옴표 "안"', "2"]] * 3
    lines = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    parsed = csv.read(made(tmp_path, "\r".join(lines).encode(encoding)), LIMITS)
    assert [list(row) for row in parsed.blocks[0].rows] == rows


def test_long_tables_come_in_parts_with_the_header_over_each(tmp_path: Path) -> None:
    lines = ["번호,내용", *(f"{at},내용 {at}" for at in range(350))]
    parsed = csv.read(made(tmp_path, "\n".join(lines)), LIMITS)
    assert len(parsed.blocks) == 4
    assert {block.rows[0] for block in parsed.blocks} == {("번호", "내용")}
    assert [row[0] for block in parsed.blocks for row in block.rows[1:]] == [str(at) for at in range(350)]
    assert all(block.text == "\n".join(" | ".join(row) for row in block.rows) for block in parsed.blocks)


def test_a_first_row_of_numbers_is_no_header(tmp_path: Path) -> None:
    parsed = csv.read(made(tmp_path, "\n".join(f"{at},{at * 2}" for at in range(150))), LIMITS)
    assert [block.rows[0] for block in parsed.blocks] == [("0", "0"), ("100", "200")]


def test_a_field_over_lines_is_one_field(tmp_path: Path) -> None:
    parsed = csv.read(made(tmp_path, '이름,주소\n가,"서울\n종로"\n나,"부산\n동래"'), LIMITS)
    assert parsed.blocks[0].rows == (("이름", "주소"), ("가", "서울 종로"), ("나", "부산 동래"))


def test_a_quote_that_nobody_closes_does_not_swallow_the_rest(tmp_path: Path) -> None:
    lines = ["이름,키", '가,"5', *(f"나{at},{at}" for at in range(50))]
    parsed = csv.read(made(tmp_path, "\n".join(lines)), LIMITS)
    assert len(parsed.blocks[0].rows) == 52
    assert parsed.blocks[0].rows[-1] == ("나49", "49")


def test_one_column_is_a_text(tmp_path: Path) -> None:
    parsed = csv.read(made(tmp_path, "첫째\n둘째\n셋째"), LIMITS)
    assert told(parsed.blocks) == [("paragraph", 0, "첫째\n둘째\n셋째")]


def test_too_many_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        csv.read(made(tmp_path, "가,나\n" * 600), Limits(cells=1000))
    assert refused.value.key == "error.document_too_many_cells"
