"""Outlook's mail files: properties in streams of an OLE file, read with olefile.

(Layout and property tags: MS-OXMSG and MS-OXPROPS, https://learn.microsoft.com/openspecs/exchange_server_protocols)
"""

from __future__ import annotations

import codecs
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backend.documents.readers import html
from backend.documents.readers.email import Gathered, parsed_of, top
from backend.documents.readers.text import paragraphs
from backend.documents.reading.encodings import clean, decode
from backend.documents.reading.limits import Limits
from backend.documents.values import Note, Parsed
from backend.errors import BadInput

if TYPE_CHECKING:
    import olefile

PROPERTIES: Final = "__properties_version1.0"
ATTACHMENT: Final = "__attach_version1.0_#"
SUBJECT, SENDER, ADDRESSES, TO, CC = 0x0037, 0x0C1A, (0x5D01, 0x0C1F), 0x0E04, 0x0E03
BODY, BODY_HTML, BODY_RTF = 0x1000, 0x1013, 0x1009
SENT, DELIVERED = 0x0039, 0x0E06
CODE_PAGES: Final = (0x3FFD, 0x3FDE)
"""Of the message, else of its text on the internet."""
NAMES: Final = (0x3707, 0x3704, 0x3001)
BY_NUMBER: Final = {
    65001: "utf-8",
    20127: "ascii",
    28591: "latin-1",
    51949: "cp949",
    1361: "johab",
    50220: "iso2022_jp",
    50225: "iso2022_kr",
}
TOP_HEAD, ATTACHMENT_HEAD = 32, 8


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput("error.document_damaged"), ("error.document_mail_empty")."""
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as ole:
            return _Mail(ole).parsed()
    except (OSError, struct.error, IndexError) as fault:
        raise BadInput("error.document_damaged") from fault


class _Mail:
    def __init__(self, ole: olefile.OleFileIO) -> None:
        self._ole = ole
        self._fixed = self._properties("", TOP_HEAD)
        numbers = [self._fixed[tag] & 0xFFFFFFFF for tag in CODE_PAGES if tag in self._fixed]
        self._codec = codec_numbered(numbers[0] if numbers else 1252)

    def parsed(self) -> Parsed:
        found, subject = Gathered(), self._text(SUBJECT)
        sender = self._text(SENDER)
        address = next((told for tag in ADDRESSES if "@" in (told := self._text(tag))), "")
        fields = {
            "From": f"{sender} <{address}>" if sender and address and address != sender else sender or address,
            "To": self._text(TO),
            "Cc": self._text(CC),
            "Date": f"{sent:%Y-%m-%d %H:%M} UTC" if (sent := self._sent()) else "",
        }
        found.blocks.extend(top(subject, fields))
        self._body(found)
        found.attached.extend(self._attached())
        if not found.blocks:
            raise BadInput("error.document_mail_empty")
        return parsed_of(found, subject, sent.date().isoformat() if sent else None)

    def _body(self, found: Gathered) -> None:
        if plain := self._text(BODY):
            found.blocks.extend(paragraphs(clean(plain)))
        elif page := self._raw("", BODY_HTML, "0102"):
            declared = html.DECLARED.search(page[:4096])
            text = decode(page, declared.group(1).decode("ascii", "replace") if declared else self._codec)[0]
            blocks, notes = html.blocks_of(clean(text))
            found.blocks.extend(blocks)
            found.notes.extend(notes)
        elif page_text := self._text(BODY_HTML):
            found.blocks.extend(html.blocks_of(clean(page_text))[0])
        elif self._raw("", BODY_RTF, "0102"):
            found.notes.append(Note(name="mail_rtf"))

    def _attached(self) -> list[str]:
        folders = sorted({entry[0] for entry in self._ole.listdir(streams=True, storages=True)})
        return [
            next((name for tag in NAMES if (name := self._text(tag, f"{folder}/"))), "?")
            for folder in folders
            if folder.startswith(ATTACHMENT)
        ]

    def _sent(self) -> datetime | None:
        """FILETIME: tenths of microseconds since 1601."""
        ticks = self._fixed.get(SENT) or self._fixed.get(DELIVERED)
        try:
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def _properties(self, place: str, head: int) -> dict[int, int]:
        """The properties of fixed length: tag -> eight bytes as a number."""
        raw = self._stream(place + PROPERTIES)[head:]
        return {tag >> 16: value for tag, _, value in struct.iter_unpack("<IIQ", raw[: len(raw) - len(raw) % 16])}

    def _text(self, tag: int, place: str = "") -> str:
        if wide := self._raw(place, tag, "001F"):
            return wide.decode("utf-16-le", errors="replace").rstrip("\0").strip()
        return self._raw(place, tag, "001E").decode(self._codec, errors="replace").rstrip("\0").strip()

    def _raw(self, place: str, tag: int, kind: str) -> bytes:
        return self._stream(f"{place}__substg1.0_{tag:04X}{kind}")

    def _stream(self, name: str) -> bytes:
        return bytes(self._ole.openstream(name).read()) if self._ole.exists(name) else b""


def codec_numbered(number: int) -> str:
    """Python's codec for a Windows code page; Western where Python has none."""
    name = BY_NUMBER.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"
