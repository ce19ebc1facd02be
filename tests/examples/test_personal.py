"""Personal data. The numbers are made up; their check digits were worked out by hand after the published rules."""

from __future__ import annotations

import pytest
from stdnum import luhn
from stdnum.kr import rrn

from backend.examples.personal import Personal, find_personal, mask, masked


def found(text: str) -> list[tuple[str, str]]:
    return [(piece.kind, text[piece.start : piece.end]) for piece in find_personal(text)]


def test_resident_numbers_with_their_check_digit() -> None:
    # 2*9+3*0+4*0+5*1+6*0+7*1+8*1+9*2+2*3+3*4+4*5+5*6 = 124; (11 - 124 % 11) % 10 = 8
    whole = "9001011234568"
    assert rrn.is_valid(whole)
    assert found(f"번호 {whole} 입니다") == [("rrn", whole)]
    assert found(f"번호 {whole[:-1]}3 입니다") == []


@pytest.mark.parametrize(
    "number", ["210315-3123456", "211231-4999990", "900101-1234567", "850505 - 2345678", "750101-6123456"]
)
def test_numbers_drawn_at_random_are_known_by_their_shape(number: str) -> None:
    assert found(f"주민번호는 {number}이고") == [("rrn", number)]


@pytest.mark.parametrize(
    "text",
    [
        "901301-1234567",  # no thirteenth month
        "900230-1234567",  # no such day
        "991231-3234567",  # not born yet
        "바코드 8801043014809",  # an EAN-13 of a noodle soup that looks like the 4th of January 1988
        "버전 1.2.3, 2024-05-06 12:30:45",
        "주문 20240506-00012",
        "가격은 12,345,678원이고 1588-1234로 전화하세요",
        "좌표 37.5665, 126.9780",
        "ISBN 979-11-6224-123-4",
        "메일 주소는 @ 앞에 씁니다. a@b",
        "1234 5678 9012 3456",  # not a card: the last digit is wrong
        "0000-0000-0000-0000",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "number",
    ["010-1234-5678", "01012345678", "010 1234 5678", "011.123.4567", "02-123-4567", "(031) 123-4567", "070-1234-5678",
     "0507-1234-5678", "+82 10-1234-5678", "+82-2-123-4567", "(555) 123-4567", "555-123-4567", "+1 555 123 4567"],
)  # fmt: skip
def test_telephone_numbers(number: str) -> None:
    assert found(f"연락처는 {number}입니다.") == [("phone", number)]


@pytest.mark.parametrize("address", ["kim.minsu@example.co.kr", "a+b_c@sub.example.com", "X1@example.io"])
def test_addresses_and_the_particle_after_them(address: str) -> None:
    assert found(f"{address}로 보내 주세요") == [("email", address)]
    assert found(f"보낼 곳: {address}.") == [("email", address)]


@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "3530111333300000"]
)
def test_cards_by_their_last_digit(number: str) -> None:
    assert luhn.is_valid("".join(sign for sign in number if sign.isdigit()))
    assert found(f"카드 {number} 만료") == [("card", number)]


def test_several_in_one_text_are_masked_in_its_language() -> None:
    text = "김민수(900101-1234567), 010-1234-5678, kim@example.com, 4111-1111-1111-1111"
    assert mask(text) == "김민수([주민등록번호]), [전화번호], [이메일], [카드번호]"
    assert mask("call 555-123-4567 now") == "call [phone] now"
    assert mask(mask(text)) == mask(text) and mask("그냥 글") == "그냥 글"


def test_places_move_along_with_what_is_masked() -> None:
    text = "민수 010-1234-5678 부산, 영희 010-8765-4321 서울"
    one = masked(text)
    assert one.text == "민수 [전화번호] 부산, 영희 [전화번호] 서울"
    for word in ("민수", "부산", "영희", "서울"):
        start = text.index(word)
        assert one.text[one.moved(start) : one.moved(start + len(word))] == word
    start = text.index("010-1234")
    assert one.text[one.moved(start) : one.moved(start + 13)] == "[전화번호]"
    assert masked("없음").moved(1) == 1 and Personal("email", 0, 1).end == 1


def test_a_cell_of_a_hundred_thousand_addresses() -> None:
    """Each piece is compared with its neighbour only: with all before it this would take half an hour."""
    pieces = [f"a{number}@example.com" for number in range(100_000)]
    assert [text for _, text in found(" ".join(pieces))] == pieces


def test_what_is_likelier_wins_wherever_it_stands() -> None:
    text = "a@example.com 900101-1234567 010-1234-5678 b@example.com 4111 1111 1111 1111 010-2345-6789"
    assert [kind for kind, _ in found(text)] == ["email", "rrn", "phone", "email", "card", "phone"]
    assert found("0101234-5678@example.com") == [("email", "0101234-5678@example.com")]
