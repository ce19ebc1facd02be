"""Text recognition: with the engine where it is installed, and with a stand-in that answers as the engine does."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from PIL import Image

from backend.documents.readers import image, pdf
from backend.documents.readers.ocr import find_engine
from backend.documents.reading.limits import Limits
from backend.errors import BadInput
from tests.documents.pdfs import Sheet, save

FILES = Path(__file__).parent / "files"
COLUMNS = "level page_num block_num par_num line_num word_num left top width height conf text"
WORDS = [
    ("1", "1", "1", 96.0, "계약"),
    ("1", "1", "1", 95.0, "con-"),
    ("1", "1", "2", 95.0, "tract"),
    ("1", "1", "2", 4.0, "~|;"),
    ("1", "2", "1", 95.0, '"둘째'),
    ("2", "1", "1", 95.0, "End"),
]


def engine(folder: Path, languages: str, answer: str) -> None:
    """A program called tesseract that tells `languages` and answers `answer` to any picture."""
    program = folder / "tesseract"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"if '--list-langs' in sys.argv: print({languages!r})\n"
        "else:\n"
        "    assert sys.stdin.buffer.read().startswith(b'\\x89PNG')\n"
        f"    sys.stdout.buffer.write({answer!r}.encode())\n",
        "utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def table() -> str:
    rows = [
        "\t".join(["5", "1", block, par, line, "1", "0", "0", "9", "9", str(sure), word])
        for block, par, line, sure, word in WORDS
    ]
    return "\n".join(["\t".join(COLUMNS.split()), "\t".join(["1", "1", *["0"] * 8, "-1", ""]), *rows]) + "\n"


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def picture(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    Image.new("RGB", size, "white").save(path)
    return path


def test_words_of_the_engine_become_paragraphs(only: Path) -> None:
    engine(only, "List of available languages (2):\neng\nkor\nosd", table())
    parsed = image.read(picture(only / "a.png"), Limits())
    assert [block.text for block in parsed.blocks] == ["계약 contract", '"둘째', "End"]
    assert (parsed.pages, parsed.page_kind) == (1, "page")
    assert [note.name for note in parsed.notes] == ["pdf_ocr"]


def test_scanned_pages_of_a_pdf_are_recognised_in_their_place(only: Path) -> None:
    engine(only, "eng", table())
    sheets = [Sheet().text(60, 700, "Written text"), Sheet(picture=True), Sheet().text(60, 700, "The end of it")]
    parsed = pdf.read(save(only / "a.pdf", sheets), Limits())
    assert [(block.page, block.text) for block in parsed.blocks] == [
        (1, "Written text"),
        (2, "계약 contract"),
        (2, '"둘째'),
        (2, "End"),
        (3, "The end of it"),
    ]
    found = {note.name: note for note in parsed.notes}
    assert found["pdf_ocr"].pages == (2,)
    assert found["pdf_ocr_language"].details == {"missing": "kor"}


def test_an_engine_that_fails_leaves_a_note(only: Path) -> None:
    engine(only, "eng", "")
    parsed = pdf.read(save(only / "a.pdf", [Sheet().text(60, 700, "Written text"), Sheet(picture=True)]), Limits())
    assert [(note.name, note.pages) for note in parsed.notes] == [("pdf_ocr_failed", (2,))]
    with pytest.raises(BadInput) as caught:
        image.read(picture(only / "a.png"), Limits())
    assert caught.value.key == "error.document_ocr_empty"


def test_pictures_say_what_is_wrong(only: Path) -> None:
    path = picture(only / "a.png")
    with pytest.raises(BadInput) as caught:
        image.read(path, Limits())
    assert caught.value.key == "error.document_ocr_absent"
    engine(only, "eng", table())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BadInput) as caught:
        image.read(path, Limits())
    assert caught.value.key == "error.document_image_damaged"
    Image.new("1", (20_000, 20_000)).save(path)
    with pytest.raises(BadInput) as caught:
        image.read(path, Limits())
    assert caught.value.key == "error.document_image_large"


def test_a_tiff_of_several_pictures_has_pages(only: Path) -> None:
    engine(only, "eng kor", table())
    frames = [Image.new("RGBA", (40, 30), (0, 0, 0, 0)) for _ in range(3)]
    frames[0].save(only / "a.tiff", save_all=True, append_images=frames[1:])
    parsed = image.read(only / "a.tiff", Limits())
    assert [block.page for block in parsed.blocks] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    with pytest.raises(BadInput) as caught:
        image.read(only / "a.tiff", Limits(pages=2))
    assert caught.value.key == "error.document_image_pages"


@pytest.mark.skipif(find_engine() is None, reason="Tesseract is not installed")
def test_the_engine_itself_reads_a_scan_that_lies_upside_down() -> None:
    parsed = pdf.read(FILES / "ocr_test_rotated_180.pdf", Limits())
    assert "bundles PDF document conversion to JSON and Markdown" in parsed.blocks[0].text
