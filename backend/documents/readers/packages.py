"""Office files are ZIPs of XML: opened with limits, their XML parsed without entities and without the network.

python-docx, python-pptx and calamine have no limits of their own (a DOCX of 160 kB took 2.2 GB): what a package
claims to be unpacked is looked at before any of them opens it.
"""

from __future__ import annotations

import copy
import errno
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import BadInput, first_line

if TYPE_CHECKING:
    from backend.documents.reading.limits import Limits

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    UnicodeDecodeError,
    NotImplementedError,  # a way of packing that does not exist
    EOFError,
    KeyError,  # a part that another one names is missing
)
"""What zipfile and what reads through it raise for damaged packages."""
MOST_ENTRIES = 20_000
RATIO_FROM = 4 << 20
"""Bytes from which a part's ratio of packing counts: small parts of blanks pack well without meaning harm."""
PIECE = 1 << 20
XML = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """A fault that was raised deep inside is told with the file's name."""
    try:
        yield
    except BadInput as fault:
        if "name" in fault.details:
            raise
        raise BadInput(fault.key, **{**fault.details, "name": path.name}) from fault


@contextmanager
def damage() -> Iterator[None]:
    """What zipfile and lxml raise for damaged files, as one kind of fault."""
    from lxml.etree import LxmlError

    try:
        yield
    except (*BROKEN, LxmlError) as fault:
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault
    except OSError as fault:  # a damaged list of parts sends zipfile to places before the file's beginning
        if fault.errno != errno.EINVAL:
            raise
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault
    except RuntimeError as fault:  # zipfile's word for an encrypted entry
        if "encrypted" not in str(fault):
            raise
        raise BadInput("error.document_password") from fault


@contextmanager
def package(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """The package, guarded. Raises BadInput: damaged, locked, or larger inside than a document is."""
    with damage(), zipfile.ZipFile(path) as opened:
        guard(opened, limits)
        yield opened


def guard(opened: zipfile.ZipFile, limits: Limits) -> None:
    """Looks at what a package claims to hold, before a library takes all of it into memory. Raises BadInput."""
    parts = opened.infolist()
    dense = any(part.file_size > RATIO_FROM and part.file_size > limits.ratio * part.compress_size for part in parts)
    texts = [part.file_size for part in parts if part.filename.lower().endswith(XML)]
    whole = sum(part.file_size for part in parts)
    too_much = max(texts, default=0) > limits.part_bytes or whole > limits.unpacked_bytes
    if dense or too_much or len(parts) > MOST_ENTRIES:
        raise BadInput("error.document_bomb")
    for part in parts:
        _measure(opened, part)


def _measure(opened: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpacks a part in small pieces to see whether it is as large as it claims. Raises BadInput when it is larger.

    zipfile unpacks a whole part before it looks at the claim: 2 MB that claimed 900 bytes took 2 GB.
    """
    if part.compress_type == zipfile.ZIP_STORED or part.is_dir():
        return
    freely = copy.copy(part)
    freely.file_size = part.file_size + 1
    done = 0
    with opened.open(freely) as stream:
        while piece := stream.read(PIECE):
            done += len(piece)
            if done > part.file_size:
                raise BadInput("error.document_bomb")


def properties(opened: zipfile.ZipFile) -> tuple[str, str | None]:
    """(title, date of the last change or else of making) that an Office package tells of itself."""
    from lxml.etree import XMLSyntaxError

    if "docProps/core.xml" not in opened.namelist():
        return "", None
    try:
        root = tree(opened.read("docProps/core.xml"))
    except XMLSyntaxError:  # what a document says about itself is never worth losing the document
        return "", None
    told = {str(part.tag).rpartition("}")[2]: (part.text or "").strip() for part in root}
    return " ".join(told.get("title", "").split()), day(told.get("modified")) or day(told.get("created"))


def tree(data: bytes) -> Any:
    """The root of an XML part: entities stay unresolved, nothing is fetched. Raises lxml's XMLSyntaxError."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(data, parser)


def day(written: object) -> str | None:
    """YYYY-MM-DD of a date as formats write it (ISO 8601 and its neighbours); None where there is none."""
    found = re.match(r"\s*(\d{4})-(\d{2})-(\d{2})", str(written or ""))
    return "-".join(found.groups()) if found and "1980" < found[1] < "2200" else None
