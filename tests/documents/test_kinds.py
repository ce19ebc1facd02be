"""Kinds are told from bytes: real files under wrong names, files made to mislead."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
from pathlib import Path

import pytest

from backend.documents.reading.kinds import kind_of
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"


def made(folder: Path, raw: bytes) -> Path:
    path = folder / "original"
    path.write_bytes(raw)
    return path


def package(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("tablecell.docx", "docx"),
        ("powerpoint_sample.pptx", "pptx"),
        ("test.xls", "xls"),
        ("test.epub", "epub"),
        ("Table.hwpx", "hwpx"),
        ("no_manifest.hwpx", "hwpx"),
        ("numbered.hwp", "hwp"),
        ("msg_with_attachment.msg", "msg"),
        ("attachment_pdf.eml", "eml"),
        ("html_rich_table_cells.html", "html"),
    ],
)
def test_the_bytes_decide_whatever_the_name_says(file: str, kind: str) -> None:
    for name in (file, "보고서.pdf", "no ending"):
        assert kind_of(FILES / file, name) == kind


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "image"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image"),
        (b"BM" + struct.pack("<IHHI", 58, 0, 0, 54), "image"),
        (package(a=b"x"), "zip"),
        (package(**{"[Content_Types].xml": b"<x/>", "xl__workbook.xml": b"<x/>"}), "xlsx"),
    ],
)
def test_kinds_without_a_real_file_here(tmp_path: Path, raw: bytes, kind: str) -> None:
    assert kind_of(made(tmp_path, raw), "x.txt") == kind


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("a,b\n1,2", "표.CSV", "csv"),
        ("a,b\n1,2", "표.txt", "txt"),
        ("# 제목", "README.md", "md"),
        ("# 제목", "README", "txt"),
        ("BMW 자동차 설명서", "차.txt", "txt"),
        ("MZ세대 보고서", "mz.txt", "txt"),
        ("<!-- x -->\n<!DOCTYPE html><p>a", "x.txt", "html"),
        ('<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "a" "b"><html/>', "x", "html"),
        ("<p>조각", "조각.html", "html"),
        ("From: a@b.c\nSubject: x\n\n본문", "편지", "eml"),
        ("From: 서울\nTo: 부산\n", "여행.txt", "txt"),
        ("Subject: x\n\n본문", "하나.eml", "eml"),
    ],
)
def test_names_decide_between_texts(tmp_path: Path, text: str, name: str, kind: str) -> None:
    assert kind_of(made(tmp_path, text.encode()), name) == kind


def test_text_in_any_encoding_is_text(tmp_path: Path) -> None:
    for encoding in ("utf-8", "cp949", "johab", "utf-16", "utf-16-le", "iso2022_kr"):
        raw = ("한글 문서를 읽는 시험입니다.\n" * 5000).encode(encoding)  # longer than what is looked at
        assert kind_of(made(tmp_path, raw), "글.txt") == "txt", encoding


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"", "error.document_empty"),
        (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8" + bytes(range(256)) * 8, "error.document_kind_program"),
        (Path(sys.executable).resolve().read_bytes()[:100_000], "error.document_kind_program"),
        (b"HWP Document File V3.00 \x1a\x01\x02\x03\x04\x05", "error.document_kind_old_hwp"),
        (b'<?xml version="1.0"?><HWPML Version="2.9">', "error.document_kind_old_hwp"),
        (rb"{\rtf1\ansi hello}", "error.document_kind_rtf"),
        (package(mimetype=b"application/vnd.oasis.opendocument.text"), "error.document_kind_odf"),
        (b"PK\x03\x04" + bytes(range(256)), "error.document_damaged"),
        ((FILES / "tablecell.docx").read_bytes()[:7000], "error.document_damaged"),
        ((FILES / "numbered.hwp").read_bytes()[:1500], "error.document_damaged"),
        ((FILES / "protected_agile.docx").read_bytes(), "error.document_password"),
        (b"\x1f\x8b\x08\0" + os.urandom(5000), "error.document_kind"),
        (b"SQLite format 3\0" + bytes(5000), "error.document_kind"),
    ],
)
def test_what_is_no_document_is_refused_by_name(tmp_path: Path, raw: bytes, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        kind_of(made(tmp_path, raw), "계약서.docx")
    assert refused.value.key == key
    assert refused.value.details["name"] == "계약서.docx"


def test_a_zip_that_promises_a_giant_list_of_names_is_not_opened(tmp_path: Path) -> None:
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 1 << 30, 0, 0)
    with pytest.raises(BadInput) as refused:
        kind_of(made(tmp_path, b"PK\x03\x04" + bytes(100) + end), "x.zip")
    assert refused.value.key == "error.document_bomb"
