"""What stands on a PDF page beside its text: filled form fields, text boxes, remarks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from backend.documents.readers.pdf_lines import tidy

MOST_ANNOTATIONS = 5_000
_NO_REMARKS = (pdfium_c.FPDF_ANNOT_POPUP, pdfium_c.FPDF_ANNOT_WIDGET, pdfium_c.FPDF_ANNOT_LINK)
_TICKED = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)


@dataclass
class Beside:
    """Of one page: fields as "name: value", the text of boxes, and the number of remarks (not taken in)."""

    fields: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    remarks: int = 0


def beside(document: pdfium.PdfDocument, page: pdfium.PdfPage) -> Beside:
    """Reads them off a page; fields only when `document.init_forms()` was called before the page was opened."""
    found = Beside()
    form = document.formenv
    for number in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), MOST_ANNOTATIONS)):
        with _annotation(page, number) as annotation:
            if annotation is None:
                continue
            kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium_c.FPDF_ANNOT_WIDGET and form is not None:
                found.fields += _field(form, annotation)
            elif kind == pdfium_c.FPDF_ANNOT_FREETEXT:
                found.boxes += _contents(annotation)
            elif kind not in _NO_REMARKS:
                found.remarks += len(_contents(annotation))
    return found


@contextmanager
def _annotation(page: pdfium.PdfPage, number: int) -> Iterator[object]:
    annotation = pdfium_c.FPDFPage_GetAnnot(page, number)
    try:
        yield annotation or None
    finally:
        if annotation:
            pdfium_c.FPDFPage_CloseAnnot(annotation)


def _field(form: pdfium.PdfFormEnv, annotation: object) -> list[str]:
    """The field's name (the one shown to people, where it has one) and what is filled in; nothing where nothing is."""

    def asked(get: Callable[..., int]) -> str:
        return _told(lambda buffer, length: get(form, annotation, buffer, length))

    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in {pdfium_c.FPDF_FORMFIELD_PUSHBUTTON, pdfium_c.FPDF_FORMFIELD_SIGNATURE}:
        return []
    if kind in _TICKED:
        value = "✓" if pdfium_c.FPDFAnnot_IsChecked(form, annotation) else ""
    else:
        value = asked(pdfium_c.FPDFAnnot_GetFormFieldValue)
    name = asked(pdfium_c.FPDFAnnot_GetFormFieldAlternateName) or asked(pdfium_c.FPDFAnnot_GetFormFieldName)
    return [f"{name}: {value}" if name else value] if value else []


def _contents(annotation: object) -> list[str]:
    text = _told(lambda buffer, length: pdfium_c.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, length))
    return [text] if text else []


def _told(get: Callable[[object, int], int]) -> str:
    """A text of PDFium's, asked twice: how long (bytes of UTF-16 with the closing zero), then what."""
    length = get(None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    get(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
    return tidy(buffer.raw[: length - 2].decode("utf-16-le", "replace"))
