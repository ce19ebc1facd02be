"""Mail as it lies in files: charsets under old names, forwarded mails, what is attached, broken parts."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from backend.documents.readers import email, msg
from backend.documents.reading.limits import Limits
from backend.documents.values import Parsed
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"
LIMITS = Limits()


def read(folder: Path, raw: bytes | EmailMessage) -> Parsed:
    path = folder / "original"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.as_bytes())
    return email.read(path, LIMITS)


def texts(parsed: Parsed) -> list[str]:
    return [block.text for block in parsed.blocks]


def noted(parsed: Parsed) -> dict[str, dict[str, str]]:
    return {note.name: note.details for note in parsed.notes}


def test_a_real_mail_with_an_attachment() -> None:
    parsed = email.read(FILES / "attachment_pdf.eml", LIMITS)
    assert parsed.title == "Another PDF with 🎉 Unicode chars in it 🍿"  # raw UTF-8 in the header
    assert parsed.dated == "2005-05-10"
    assert texts(parsed)[1].startswith("From: Test Tester <xxxx@xxxx.com>\nTo: xxxx@xxxx.com, xxxx@xxxx.com\nDate: ")
    assert texts(parsed)[2].startswith("Just attaching another PDF, here, to see what the message looks like,")
    assert noted(parsed) == {"attachments": {"count": "1", "names": "broken.pdf"}}


@pytest.mark.parametrize(
    ("file", "last"),
    [
        ("ks_c_5601-1987.eml", "스티해"),
        ("japanese_iso_2022.eml", "すみません。"),
        ("raw_email7.eml", "This is the first part."),
    ],
)
def test_real_mails_in_old_charsets(file: str, last: str) -> None:
    assert texts(email.read(FILES / file, LIMITS))[-1] == last


def test_a_real_mail_without_its_parts_keeps_its_headers() -> None:
    parsed = email.read(FILES / "missing_body.eml", LIMITS)
    assert (parsed.title, parsed.dated) == ("REDACTED", "2001-11-27")
    assert noted(parsed) == {}


def test_korean_headers_and_bodies_that_say_euc_kr_and_mean_cp949(tmp_path: Path) -> None:
    import base64

    word = base64.b64encode("똠방각하 회의".encode("cp949")).decode()
    raw = (
        f"Subject: =?ks_c_5601-1987?B?{word}?=\nFrom: =?euc-kr?B?{word}?= <a@b.kr>\nDate: 월요일\n"
        "Content-Type: text/plain; charset=ks_c_5601-1987\nContent-Transfer-Encoding: 8bit\n\n"
    ).encode() + "펲시를 마십니다.".encode("cp949")
    parsed = read(tmp_path, raw)
    assert parsed.title == "똠방각하 회의"
    assert texts(parsed) == ["똠방각하 회의", "From: 똠방각하 회의 <a@b.kr>\nDate: 월요일", "펲시를 마십니다."]
    assert parsed.dated is None


def test_raw_korean_in_a_header_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-8", "cp949"):
        raw = "Subject: 날것 그대로의 제목입니다\nFrom: a@b.kr\n\n본문입니다".encode(encoding)
        assert read(tmp_path, raw).title == "날것 그대로의 제목입니다"


@pytest.mark.parametrize("charset", ["x-unknown", "rot13", "utf-8", "does not exist"])
def test_unknown_charsets_are_told_by_the_bytes(tmp_path: Path, charset: str) -> None:
    raw = f'Subject: x\nFrom: a@b.c\nContent-Type: text/plain; charset="{charset}"\n\n한글 본문'.encode()
    assert texts(read(tmp_path, raw))[-1] == "한글 본문"


def test_of_two_versions_one_is_read_and_forwarded_mail_in_its_place(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner["Subject"], inner["From"] = "원래 메일", "c@d.kr"
    inner.set_content("원래 본문")
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["Date"] = "전달", "a@b.kr", "Tue, 05 Mar 2024 09:00:00 +0900"
    mail.set_content("글로 된 본문")
    mail.add_alternative("<p>꾸민 본문</p>", subtype="html")
    mail.add_attachment("첨부 내용", filename="회의록 3월.txt")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="계약서.pdf")
    mail.add_attachment(inner)
    parsed = read(tmp_path, mail)
    assert texts(parsed)[0] == "전달"
    assert texts(parsed)[2:] == ["글로 된 본문", "원래 메일", "From: c@d.kr", "원래 본문"]
    assert [block.level for block in parsed.blocks if block.kind == "heading"] == [1, 3]
    assert noted(parsed) == {"attachments": {"count": "2", "names": "회의록 3월.txt, 계약서.pdf"}}
    assert parsed.dated == "2024-03-05"


def test_a_body_in_html_only_is_read_without_its_code(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "안내"
    mail.set_content("<h3>일정</h3><table><tr><td>월<td>회의</table><script>x()</script><img src='http://a/b'>", "html")
    parsed = read(tmp_path, mail)
    assert texts(parsed) == ["안내", "일정", "월 | 회의"]
    assert set(noted(parsed)) == {"scripts_left_out", "images_left_out"}


def test_what_is_no_mail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, b"\n\n  \n")
    assert refused.value.key == "error.document_mail_empty"


def test_a_real_outlook_mail() -> None:
    parsed = msg.read(FILES / "msg_with_attachment.msg", LIMITS)
    assert (parsed.title, parsed.dated) == ("Email with Attachment", "2026-05-20")
    assert texts(parsed)[1].startswith("From: Alice Example <alice@example.com>\nTo: Bob Example <bob@example.com>")
    assert texts(parsed)[2] == "This email contains an attachment."
    assert noted(parsed) == {"attachments": {"count": "2", "names": "test.txt, report.pdf"}}


def test_a_real_outlook_mail_in_an_old_code_page() -> None:
    parsed = msg.read(FILES / "chinese-traditional.msg", LIMITS)
    assert parsed.title == "Alfresco MSG format testing ( MSG 格式測試 )"
    assert "中文測試" in texts(parsed)[2]
    assert parsed.dated == "2011-03-29"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_half_an_outlook_mail_is_damaged(tmp_path: Path, share: float) -> None:
    raw = (FILES / "msg_with_attachment.msg").read_bytes()
    path = tmp_path / "original"
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(BadInput) as refused:
        msg.read(path, LIMITS)
    assert refused.value.key == "error.document_damaged"


@pytest.mark.parametrize(
    ("number", "codec"), [(949, "cp949"), (950, "cp950"), (65001, "utf-8"), (1361, "johab"), (7, "cp1252")]
)
def test_code_pages_by_number(number: int, codec: str) -> None:
    assert msg.codec_numbered(number) == codec
