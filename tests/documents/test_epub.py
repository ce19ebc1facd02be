"""E-books: a real one, and the same with chapters of other kinds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from backend.documents.readers import epub
from backend.documents.reading.limits import Limits
from backend.documents.values import Parsed
from backend.errors import BadInput

BOOK = Path(__file__).parent / "files" / "test.epub"
FIRST = "EPUB/chap_1.xhtml"


def read(path: Path, limits: Limits | None = None) -> Parsed:
    return epub.read(path, limits or Limits())


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as book:
        return {info.filename: book.read(info) for info in book.infolist()}


def packed(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts.items():
            book.writestr(name, data)
    return path


def with_chapter(path: Path, text: str, encoding: str = "utf-8") -> Path:
    return packed(path, {**parts_of(BOOK), FIRST: text.encode(encoding)})


def told(parsed: Parsed) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, block.text) for block in parsed.blocks]


def test_chapters_come_in_the_order_of_the_spine() -> None:
    parsed = read(BOOK)
    assert told(parsed) == [
        ("heading", 1, "Chapter 1: Test Content"),
        ("paragraph", 0, "This is a test paragraph with some formatting."),
        ("paragraph", 0, "It includes:"),
        ("list", 1, "A bullet point"),
        ("list", 1, "Another point"),
        ("heading", 1, "Chapter 2: More Content"),
        ("paragraph", 0, "Here's a second chapter with a different style."),
        ("paragraph", 0, "This is a blockquote for testing."),
    ]
    assert (parsed.title, parsed.dated, parsed.page_kind, parsed.pages) == (
        "Test EPUB Document",
        "2024-12-18",
        "none",
        None,
    )


def test_xhtml_is_not_read_as_html(tmp_path: Path) -> None:
    """An empty title or anchor, a comment, entities of HTML and a table, in a chapter without a heading."""
    page = (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "xhtml11.dtd">'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><style>p {}</style></head><body><a id="top"/>'
        "<!-- 안 보임 --><p>가&nbsp;나&amp;다 &hellip;</p><script>alert(1)</script><p><img src='http://x/y.png'/>끝</p>"
        "<table><tr><th>이름</th><th>값</th></tr><tr><td>가</td><td>1</td></tr></table></body></html>"
    )
    parsed = read(with_chapter(tmp_path / "a.epub", page))
    lines = [(kind, level, " ".join(text.split())) for kind, level, text in told(parsed)[:4]]
    assert lines[:3] == [("heading", 1, "Chapter 1"), ("paragraph", 0, "가 나&다 …"), ("paragraph", 0, "끝")]
    assert parsed.blocks[3].rows == (("이름", "값"), ("가", "1"))
    assert [(note.name, note.details) for note in parsed.notes] == [("images_left_out", {"count": "1"})]


def test_a_chapter_that_is_no_xml_is_read_all_the_same(tmp_path: Path) -> None:
    page = "<html><head><title>x</title></head><body><h2>소제목<h2/><p>닫지 않은 단락<p>다음 단락<br>둘째 줄"
    texts = [text for _, _, text in told(read(with_chapter(tmp_path / "a.epub", page)))]
    assert "닫지 않은 단락" in texts and "다음 단락\n둘째 줄" in texts


def test_korean_encodings(tmp_path: Path) -> None:
    body = "<body><h1>제1장</h1><p>똠방각하의 하루</p><a id='x'/></body>"
    page = f'<?xml version="1.0" encoding="euc-kr"?><html><head><title/></head>{body}</html>'
    texts = [text for _, _, text in told(read(with_chapter(tmp_path / "a.epub", page, "cp949")))]
    assert texts[:2] == ["제1장", "똠방각하의 하루"]


def test_a_damaged_chapter_costs_only_itself(tmp_path: Path) -> None:
    parts = parts_of(BOOK)
    del parts[FIRST]
    parsed = read(packed(tmp_path / "a.epub", parts))
    assert parsed.blocks[0].text == "Chapter 2: More Content"
    assert [(note.name, note.details) for note in parsed.notes] == [
        ("damaged_parts", {"count": "1", "names": "chap_1.xhtml"})
    ]


def test_an_old_book_is_named_by_its_ncx(tmp_path: Path) -> None:
    parts = parts_of(BOOK)
    parts["EPUB/content.opf"] = parts["EPUB/content.opf"].replace(b'properties="nav"', b"").replace(b"nav.xhtml", b"x")
    parts[FIRST] = b"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>Only a line.</p></body></html>"
    assert b"<text>Chapter 1</text>" in parts["EPUB/toc.ncx"]
    assert told(read(packed(tmp_path / "a.epub", parts)))[:2] == [
        ("heading", 1, "Chapter 1"),
        ("paragraph", 0, "Only a line."),
    ]


def refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(BadInput) as raised:
        read(path, limits)
    assert raised.value.details["name"] == path.name
    return raised.value.key


def encryption(name: str) -> bytes:
    data = (
        f'<enc:EncryptedData><enc:CipherData><enc:CipherReference URI="{name}"/></enc:CipherData></enc:EncryptedData>'
    )
    return f'<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#">{data}</encryption>'.encode()


def test_a_locked_chapter_is_refused_and_an_obscured_font_is_not(tmp_path: Path) -> None:
    locked = {**parts_of(BOOK), "META-INF/encryption.xml": encryption(FIRST)}
    assert refused(packed(tmp_path / "a.epub", locked)) == "error.document_epub_drm"
    fonts = {**parts_of(BOOK), "META-INF/encryption.xml": encryption("EPUB/fonts/a.otf")}
    assert len(read(packed(tmp_path / "b.epub", fonts)).blocks) == 8


def test_broken_books_are_told_in_words(tmp_path: Path) -> None:
    whole, path = BOOK.read_bytes(), tmp_path / "a.epub"
    path.write_bytes(whole[:1500])
    assert refused(path) == "error.document_damaged"
    for part in ("META-INF/container.xml", "EPUB/content.opf"):
        parts = parts_of(BOOK)
        assert refused(packed(path, {**parts, part: b"zzz"})) == "error.document_damaged"
        del parts[part]
        assert refused(packed(path, parts)) == "error.document_damaged"
    bomb = {**parts_of(BOOK), FIRST: b"<html>" + b" " * 9_000_000 + b"</html>"}
    assert refused(packed(path, bomb)) == "error.document_bomb"


def test_a_book_cannot_reach_outside_itself(tmp_path: Path) -> None:
    parts = parts_of(BOOK)
    parts["EPUB/content.opf"] = parts["EPUB/content.opf"].replace(b"chap_1.xhtml", b"../../../../etc/hostname")
    parsed = read(packed(tmp_path / "a.epub", parts))
    assert [note.name for note in parsed.notes] == ["damaged_parts"]
    entities = '<!DOCTYPE html [<!ENTITY f SYSTEM "file:///etc/hostname">]><html><body><h1>표지</h1><p>앞&f;뒤</p></body></html>'
    texts = " ".join(text for _, _, text in told(read(with_chapter(tmp_path / "b.epub", entities))))
    assert Path("/etc/hostname").read_text().strip() not in texts and "표지" in texts
