"""A PDF opened by PDFium, and its faults in words.

PDFium is not safe in threads: a reader opens and reads within one thread of one (child) process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from backend.errors import BadInput


@contextmanager
def opened(path: Path, most_pages: int) -> Iterator[pdfium.PdfDocument]:
    """The document, closed afterwards. An empty user password opens without asking.

    Raises BadInput when it is protected, damaged, without a page or longer than `most_pages`.
    """
    _forget_faults()
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as fault:
        raise _told(fault) from fault
    try:
        with suppress(pdfium.PdfiumError):  # fields that cannot be read are left out; the pages still can
            document.init_forms()
        _check_pages(document, most_pages)
        yield document
    finally:
        document.close()


def _forget_faults() -> None:
    """A document without a single page fails without a code: the one asked for then is that of the fault before.

    So that it can be told, the fault before is made to be "no such file", which cannot come up otherwise.
    """
    pdfium_c.FPDF_LoadDocument(b"", None)


def _told(fault: pdfium.PdfiumError) -> BadInput:
    code = getattr(fault, "err_code", None)
    if code == pdfium_c.FPDF_ERR_FILE:
        return BadInput("error.document_pdf_no_pages")
    if code == pdfium_c.FPDF_ERR_PASSWORD:
        return BadInput("error.document_pdf_password")
    if code == pdfium_c.FPDF_ERR_SECURITY:
        return BadInput("error.document_pdf_security")
    return BadInput("error.document_pdf_damaged")


def _check_pages(document: pdfium.PdfDocument, most: int) -> None:
    # The count is the file's own claim: pages that are not there fail one by one, when they are opened.
    count = len(document)
    if count < 1:
        raise BadInput("error.document_pdf_no_pages")
    if count > most:
        raise BadInput("error.document_pdf_pages", pages=f"{count:,}", most=f"{most:,}")
