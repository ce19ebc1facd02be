"""Hangul documents: HWP 5 and HWPX, by python-hwpx (which turns HWP 5 into the tree of HWPX) and one walk of the tree.

A distribution document (배포용 문서), a password or DRM is refused with a sentence: its author locked it on purpose.
Neither format knows pages before it is drawn, so `page` is None.
"""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backend.documents.readers.outline import with_guessed_headings
from backend.documents.readers.owpml import Walk, marks
from backend.documents.readers.owpmlnumbers import Numbers
from backend.documents.readers.packages import damage, day, named
from backend.documents.values import Note, Parsed
from backend.errors import BadInput, first_line

if TYPE_CHECKING:
    from hwpx import HwpxDocument

    from backend.documents.reading.limits import Limits

REFUSED = {
    "hwp5-distribution": "error.document_distribution",
    "hwp5-password": "error.document_password",
    "hwp5-drm": "error.document_drm",
    "hwp5-limit-exceeded": "error.document_bomb",
    "hwp5-version-unsupported": "error.document_kind_old_hwp",
}

WORDED = {"equation-caption", "master-page", "control-gso", "control-eqed", "control-form", "control-without-record"}
"""What the conversion of a HWP 5 may leave out that can hold words; the rest is looks."""


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput: locked (distribution, password, DRM), damaged, or larger inside than the limits allow."""
    with named(path), damage(), faults(), opened(path) as document:
        headers = [header.element for header in document.oxml.headers]
        walk = Walk(marks(headers), Numbers(headers), limits.cells)
        blocks = [block for section in document.sections for block in walk.section(section.element)]
        blocks += (block for block in walk.edges if any(letter.isalpha() for letter in block.text))
        about = document.parts.metadata
        return Parsed(
            title=" ".join(((about.title if about else "") or "").split()),
            blocks=tuple(with_guessed_headings(blocks)),
            dated=day(about.modified_date or about.created_date) if about else None,
            notes=left_out(document),
        )


@contextmanager
def opened(path: Path) -> Iterator[HwpxDocument]:
    """The document; what the library warns of (it left something out) is asked of its report instead."""
    from hwpx import HwpxDocument
    from hwpx.errors import Hwp5ConversionWarning

    logging.getLogger("hwpx").setLevel(logging.CRITICAL)  # it logs tracebacks of faults that are told here
    if zipfile.is_zipfile(path):
        refuse_encrypted(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Hwp5ConversionWarning)
        document = HwpxDocument.open(path)
    with document:
        yield document


def refuse_encrypted(path: Path) -> None:
    """A HWPX with a password names how each part is encrypted in its manifest, as OpenDocument does."""
    with zipfile.ZipFile(path) as package:
        if "META-INF/manifest.xml" in package.namelist():
            with package.open("META-INF/manifest.xml") as manifest:
                if b"encryption-data" in manifest.read(1 << 20):
                    raise BadInput("error.document_password")


@contextmanager
def faults() -> Iterator[None]:
    """What python-hwpx raises, as one kind of fault; what it stands on is caught around it (`damage`)."""
    from hwpx.errors import Hwp5Error, HwpxError
    from hwpx.opc.package import HwpxPackageError
    from hwpx.opc.security import HwpxSecurityError

    try:
        yield
    except Hwp5Error as fault:
        raise BadInput(REFUSED.get(fault.code, "error.document_damaged"), detail=first_line(fault)) from fault
    except HwpxSecurityError as fault:
        raise BadInput("error.document_bomb", detail=first_line(fault)) from fault
    except (HwpxError, HwpxPackageError) as fault:
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault


def left_out(document: HwpxDocument) -> tuple[Note, ...]:
    """What the conversion of a HWP 5 could not bring along (captions of equations, master pages), counted."""
    report = document.conversion_report
    unconverted = report.unconverted if report is not None else {}
    count = sum(times for kind, times in unconverted.items() if kind in WORDED)
    return (Note(name="hwp_left_out", details={"count": str(count)}),) if count else ()
