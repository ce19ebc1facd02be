"""Which kind of file it is, told from its bytes; the name decides only between texts that look alike."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from backend.documents.reading.encodings import is_text
from backend.errors import BadInput

Kind = Literal[
    "pdf",
    "docx",
    "pptx",
    "xlsx",
    "xls",
    "csv",
    "html",
    "eml",
    "msg",
    "md",
    "txt",
    "epub",
    "hwp",
    "hwpx",
    "image",
    "zip",
]

HEAD: Final = 64 * 1024
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DIRECTORY: Final = 32 << 20
"""Bytes of a ZIP's list of names; Python holds some twenty times as much for it."""

PICTURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
PROGRAMS: Final = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\0asm")
BY_MIMETYPE: Final[dict[bytes, Kind]] = {
    b"application/hwp+zip": "hwpx",
    b"application/hwpml-package+xml": "hwpx",
    b"application/haansofthwpx": "hwpx",
    b"application/epub+zip": "epub",
}
BY_FOLDER: Final[tuple[tuple[str, Kind], ...]] = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
BY_ENDING: Final[dict[str, Kind]] = {
    ".md": "md",
    ".markdown": "md",
    ".csv": "csv",
    ".tsv": "csv",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".eml": "eml",
}
HTML: Final = re.compile(
    rb"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]", re.DOTALL | re.I
)
HEADERS: Final = re.compile(rb"(?:From .*\n)?(?:[!-9;-~]+:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){2,}")
MAIL: Final = re.compile(rb"(?im)^(from|to|subject|date|received|mime-version|message-id|return-path|content-type):")


def kind_of(path: Path, name: str) -> Kind:
    """The kind of the file at `path`, which a person calls `name`.

    Raises BadInput, each with `name`: "error.document_empty", "error.document_damaged" (a container that cannot be
    opened), "error.document_password" (an encrypted Office file), "error.document_too_large" and, for what is
    recognised and not read, "error.document_kind_program", ..._old_office, ..._old_hwp, ..._rtf, ..._odf,
    ..._drawing; else "error.document_kind" with `found`, the ending of the name.
    """
    try:
        return _kind(path, name)
    except BadInput as fault:
        raise BadInput(fault.key, **{"name": name, **fault.details}) from fault


def _kind(path: Path, name: str) -> Kind:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise BadInput("error.document_empty")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(OLE):
        return _of_ole(path)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _of_zip(path)
    if head.startswith(PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or _is_bitmap(head):
        return "image"
    return _of_text(path, head, PurePosixPath(name.replace("\\", "/")).suffix.lower())


def _is_bitmap(head: bytes) -> bool:
    """BMP: two letters alone could begin a text; the four reserved bytes after the size are zero in a picture."""
    return head.startswith(b"BM") and head[6:10] == bytes(4)


def _of_text(path: Path, head: bytes, ending: str) -> Kind:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"HWP Document File V") or (start.startswith(b"<?xml") and b"<HWPML" in head):
        raise BadInput("error.document_kind_old_hwp")
    if head.startswith(b"{\\rtf"):
        raise BadInput("error.document_kind_rtf")
    if head.startswith(PROGRAMS) and not is_text(head):
        raise BadInput("error.document_kind_program")
    if not is_text(head):
        raise BadInput("error.document_kind", found=ending or "-")
    if HTML.match(start):
        return "html"
    # A text may open like a mail: it takes two words of mails, and an ending that does not say otherwise.
    headers = HEADERS.match(head)
    words = set(MAIL.findall(headers.group().lower())) if headers else set()
    if len(words) > 1 and ending not in {".md", ".txt", ".csv", ".tsv"}:
        return "eml"
    return BY_ENDING.get(ending, "txt")


def _of_ole(path: Path) -> Kind:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as ole:
            if ole.exists("FileHeader") and ole.openstream("FileHeader").read(17) == b"HWP Document File":
                return "hwp"
            if ole.exists("EncryptedPackage"):
                raise BadInput("error.document_password")
            if ole.exists("__properties_version1.0"):
                return "msg"
            if ole.exists("Workbook") or ole.exists("Book"):
                return "xls"
            if ole.exists("WordDocument") or ole.exists("PowerPoint Document"):
                raise BadInput("error.document_kind_old_office")
            if not ole.listdir() or ole.exists("FileHeader"):  # cut off: no list of parts, or a part without its bytes
                raise BadInput("error.document_damaged")
    except BadInput:
        raise
    except Exception as fault:  # what a parser makes of a stranger's bytes cannot be foreseen: loops, depths, numbers
        raise BadInput("error.document_damaged") from fault
    raise BadInput("error.document_kind", found="OLE")


def _of_zip(path: Path) -> Kind:
    if directory_bytes(path) > DIRECTORY:
        raise BadInput("error.document_bomb")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            declared = b""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                declared = archive.read("mimetype").strip()
    except Exception as fault:  # as above; `zipfile` lets through what zlib, lzma and struct say
        raise BadInput("error.document_damaged") from fault
    if declared in BY_MIMETYPE:
        return BY_MIMETYPE[declared]
    if declared.startswith(b"application/vnd.oasis"):
        raise BadInput("error.document_kind_odf")
    return _of_names(names)


def _of_names(names: set[str]) -> Kind:
    if "Contents/content.hpf" in names or any(re.fullmatch(r"Contents/section\d+\.xml", name) for name in names):
        return "hwpx"
    if "[Content_Types].xml" in names:
        for folder, kind in BY_FOLDER:
            if any(name.startswith(folder) for name in names):
                return kind
        if any(name.startswith("visio/") for name in names):
            raise BadInput("error.document_kind_drawing")
    if "META-INF/container.xml" in names:
        return "epub"
    return "zip"


def directory_bytes(path: Path) -> int:
    """What a ZIP says its list of names weighs, before anybody reads that list; 0 where no end of a ZIP is found.

    (Layout of the end records: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.14 and 4.3.16.)
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - HEAD - 1024))
        tail = file.read()
    end, end64 = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    told = int(struct.unpack_from("<I", tail, end + 12)[0]) if 0 <= end <= len(tail) - 16 else 0
    if 0 <= end64 <= len(tail) - 48:
        told = max(told if told != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, end64 + 40)[0]))
    return told
