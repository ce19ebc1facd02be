"""Mail (RFC 5322): headers, the body once, and what is attached by name. Forwarded mails are read in their place."""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header
from email.message import Message
from pathlib import Path
from typing import Final

from backend.documents.readers import html
from backend.documents.readers.text import lost_letters, paragraphs
from backend.documents.reading.encodings import clean, codec_named, decode
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

SHOWN: Final = ("From", "To", "Cc", "Date")
DEEPEST: Final = 20
UNSUPPORTED: Final = re.compile(r"[\udc80-\udcff]")


@dataclass
class Gathered:
    """What was met on the way through the parts of a mail."""

    blocks: list[Block] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput("error.document_mail_empty"), ("error.document_nested")."""
    # The compat32 policy hands headers over as they stand; the newer one replaces raw Korean letters by U+FFFD.
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
    found = Gathered()
    _mail(mail, found, 0)
    if not found.blocks:
        raise BadInput("error.document_mail_empty")
    return parsed_of(found, header(mail, "Subject"), _day(header(mail, "Date")))


def parsed_of(found: Gathered, subject: str, dated: str | None) -> Parsed:
    notes = [*found.notes, *lost_letters("".join(block.text for block in found.blocks))]
    if found.attached:
        names = ", ".join(found.attached)
        notes.append(Note(name="attachments", details={"count": str(len(found.attached)), "names": names}))
    return Parsed(title=subject, blocks=tuple(found.blocks), dated=dated, notes=tuple(notes))


def top(subject: str, fields: dict[str, str], depth: int = 0) -> Iterator[Block]:
    """The head of a mail as it is read: the subject over everything, then who, to whom and when."""
    if subject:
        yield Block(kind="heading", text=subject, level=min(depth + 1, 6))
    if said := "\n".join(f"{name}: {value}" for name, value in fields.items() if value):
        yield Block(kind="paragraph", text=said, level=0)


def _mail(mail: Message, found: Gathered, depth: int) -> None:
    found.blocks.extend(top(header(mail, "Subject"), {name: header(mail, name) for name in SHOWN}, depth))
    _part(mail, found, depth)


def _part(part: Message, found: Gathered, depth: int) -> None:
    if depth > DEEPEST:
        raise BadInput("error.document_nested")
    kind = part.get_content_type()
    inner = part.get_payload() if part.is_multipart() else []
    parts = [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []
    if kind == "message/rfc822" and parts:
        _mail(parts[0], found, depth + 1)
    elif kind == "multipart/alternative" and parts:
        _part(_best(parts), found, depth + 1)
    elif kind == "multipart/related" and parts:  # one text; the rest are its pictures and styles
        _part(parts[0], found, depth + 1)
        found.attached.extend(
            _attached(one) or "?" for one in parts[1:] if one.get_content_disposition() == "attachment"
        )
    elif parts:
        for one in parts:
            _part(one, found, depth + 1)
    elif name := _attached(part):
        found.attached.append(name)
    else:
        _text(part, kind, found)


def _best(parts: list[Message]) -> Message:
    """Of versions of one text the plain one, unless it is empty; else HTML; else the last, which is the richest."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and _payload(part).strip():
                return part
    return next((part for part in parts if part.is_multipart()), parts[-1])


def _attached(part: Message) -> str | None:
    """The name of what is no text of the mail itself; None where it is."""
    name = header_text(part.get_filename() or "")
    kind = part.get_content_maintype()
    if part.get_content_disposition() == "attachment" or kind not in {"text", "multipart"}:
        return name or part.get_content_type()
    return name or None


def _payload(part: Message) -> bytes:
    raw = part.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""


def _text(part: Message, kind: str, found: Gathered) -> None:
    raw = _payload(part)
    text = clean(decode(raw, part.get_content_charset())[0])
    if kind == "text/html" and text.strip():
        blocks, notes = html.blocks_of(text)
        found.blocks.extend(blocks)
        found.notes.extend(notes)
    else:
        found.blocks.extend(paragraphs(text))


def header(mail: Message, name: str) -> str:
    """A header as people read it, "" where there is none. Taken raw: `mail[name]` replaces letters beyond ASCII."""
    return next((header_text(str(value)) for key, value in mail.raw_items() if key.lower() == name.lower()), "")


def header_text(value: str) -> str:
    if UNSUPPORTED.search(value):
        value = decode(value.encode("ascii", "surrogateescape"))[0]
    try:
        parts = decode_header(value)
    except ValueError:  # base64 that is none
        parts = [(value, None)]
    said = [
        part if isinstance(part, str) else part.decode(codec_named(charset or "") or "utf-8", errors="replace")
        for part, charset in parts
    ]
    return " ".join(clean("".join(said)).split())


def _day(written: str) -> str | None:
    try:
        return email.utils.parsedate_to_datetime(written).date().isoformat()
    except (ValueError, TypeError, IndexError):
        return None
