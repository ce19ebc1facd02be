"""Files that mean harm, or are harmed: each made in the test out of a good one."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from openpyxl import Workbook

from tests.documents.pdfs import Sheet, save

FILES = Path(__file__).parent / "files"
MIB = 1 << 20
MAIN = {
    "docx": ("tablecell.docx", "word/document.xml"),
    "pptx": ("powerpoint_sample.pptx", "ppt/slides/slide1.xml"),
    "xlsx": ("", "xl/worksheets/sheet1.xml"),
    "epub": ("test.epub", "EPUB/chap_1.xhtml"),
    "hwpx": ("no_manifest.hwpx", "Contents/section0.xml"),
}
"""Of each packed format a good file and the part of it that holds the text."""
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPE = f'<!DOCTYPE bomb [<!ENTITY l0 "lol">{LAUGHS}<!ENTITY f SYSTEM "file:///etc/passwd">]>'


def good(folder: Path, kind: str) -> bytes:
    """A file of the kind as its program writes it."""
    name = MAIN[kind][0]
    if name:
        return (FILES / name).read_bytes()
    book = Workbook()
    assert book.active is not None
    book.active.append(["품목", "수량"])
    book.active.append(["사과", 3])
    book.save(folder / "good.xlsx")
    return (folder / "good.xlsx").read_bytes()


def repacked(source: bytes, part: str, data: bytes, stored: bool = False) -> bytes:
    """The package with other bytes in one of its parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != part:
                new.writestr(info, old.read(info))
        new.writestr(part, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return made.getvalue()


def main_part(folder: Path, kind: str) -> str:
    with zipfile.ZipFile(io.BytesIO(good(folder, kind))) as opened:
        return opened.read(MAIN[kind][1]).decode("utf-8")


def bomb(folder: Path, kind: str, size: int = 2048 * MIB, claimed: int | None = None) -> bytes:
    """A package whose text unpacks to `size` bytes of blanks, and says so, or claims less.

    Compressed once and repeated: a full flush ends on a byte and refers to nothing before it (RFC 1951, 3.2.4).
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = piece * (size // MIB) + b"\x03\x00"
    part = MAIN[kind][1]
    raw = bytearray(repacked(good(folder, kind), part, packed, stored=True))
    with zipfile.ZipFile(io.BytesIO(raw)) as opened:
        local = opened.getinfo(part).header_offset
    central = raw.rfind(part.encode()) - 46
    told = size if claimed is None else claimed
    for at, method, sizes in ((local, 8, 18), (central, 10, 20)):  # APPNOTE 4.3.7 and 4.3.12
        struct.pack_into("<H", raw, at + method, zipfile.ZIP_DEFLATED)
        struct.pack_into("<II", raw, at + sizes, len(packed), told)
    return bytes(raw)


def entities(folder: Path, kind: str) -> bytes:
    """A package whose text asks for a billion laughs and for a file of this machine."""
    text = main_part(folder, kind)
    head, _, rest = text.partition("?>") if text.startswith("<?xml") else ("<?xml version='1.0'", "", text)
    rest = (
        rest[: rest.index("<!DOCTYPE")] + rest[rest.index(">", rest.index("<!DOCTYPE")) + 1 :]
        if ("<!DOCTYPE" in rest)
        else rest
    )
    at = next(place for place in _texts(rest))
    return repacked(good(folder, kind), MAIN[kind][1], f"{head}?>{DOCTYPE}{rest[:at]}&l9;&f;{rest[at:]}".encode())


def _texts(xml: str) -> Iterator[int]:
    """Places in the middle of letters between two tags."""
    at = 0
    while (at := xml.find(">", at)) >= 0:
        at += 1
        if at < len(xml) and xml[at] not in "<\r\n ":
            yield at


def many_pages(path: Path, count: int) -> Path:
    return save(path, [Sheet().text(60, 400, f"Section {number} begins here.") for number in range(1, count + 1)])


def scanned(path: Path) -> Path:
    return save(path, [Sheet(picture=True), Sheet(picture=True)])
