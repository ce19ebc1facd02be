"""Documents cut into passages: exact places, nothing lost, headings, sentences, tables, overlap."""

from __future__ import annotations

import math
import random
import re
import time
from itertools import pairwise

import pytest
from pydantic import ValidationError

from backend.documents.splitting.passages import preview, split
from backend.documents.splitting.sentences import sentences, unmarked
from backend.documents.splitting.settings import SplitSettings
from backend.documents.splitting.units import SIGNS_A_TOKEN
from backend.documents.values import Block, Parsed, Passage, lay


def words(text: str) -> int:
    return len(text.split())


def halves(text: str) -> int:
    """Like the tokenizer of a model: words in pieces, and parts that do not add up to the whole."""
    return sum(math.ceil(len(word) / 3) for word in re.findall(r"\w+|[^\w\s]", text)) + text.count("\n")


def heading(text: str, level: int = 1, page: int | None = None) -> Block:
    return Block(kind="heading", text=text, level=level, page=page)


def paragraph(text: str, page: int | None = None) -> Block:
    return Block(kind="paragraph", text=text, page=page)


def table(*rows: tuple[str, ...], page: int | None = None) -> Block:
    return Block(kind="table", text="\n".join(" | ".join(row) for row in rows), rows=rows, page=page)


def cut(*blocks: Block, size: int = 16, overlap: int = 0, **more: object) -> list[Passage]:
    parsed = Parsed.model_validate({"blocks": blocks, **more})
    return preview(parsed, SplitSettings(size=size, overlap=overlap), words)


def sentence(count: int, name: str) -> str:
    return " ".join(f"{name}{n}" for n in range(count - 1)) + f" {name}끝."


# --- places


PIECES = (
    "계약은 2026년 3월 1일부터 효력이 있다. ",
    '그는 "이미 끝났다."라고 말했다. ',
    "It ends here. Dr. Kim agreed, i.e. he signed. ",
    "👩🏽‍💻🇰🇷 가나다 각 ",
    "\u00a0\u2003 ",
    "\t",
    "\n",
    "\x1c",
    "1. 개정이유\n",
    "제1조(목적) 이 규정은 다음과 같다 ",
    "x" * 400,
    "한글" * 150,
    "가. 나. 다. ",
    "表は以下の通り。次へ進む！",
    "…?! ",
)
KINDS = ("heading", "paragraph", "list", "table", "code", "caption")


def some_document(seed: int) -> Parsed:
    draw = random.Random(seed)
    blocks = []
    page = 1
    for _ in range(draw.randint(1, 25)):
        text = "".join(draw.choices(PIECES, k=draw.choice((0, 1, 2, 5, 20, 60))))
        kind = draw.choice(KINDS)
        page += draw.random() < 0.2
        rows = tuple(tuple(line.split(" | ")) for line in text.split("\n")) if kind == "table" else ()
        blocks.append(Block(kind=kind, text=text, level=draw.randint(0, 6), page=page, rows=rows))
    kind = draw.choice(("page", "slide", "sheet", "none"))
    return Parsed(blocks=tuple(blocks), page_kind=kind, pages=page, names=("표지", "자료") if kind == "sheet" else ())


@pytest.mark.parametrize("seed", range(60))
def test_every_passage_is_the_text_at_its_place_and_nothing_is_left_out(seed: int) -> None:
    parsed = some_document(seed)
    laid = lay(parsed)
    draw = random.Random(-seed - 1)
    size = draw.choice((16, 40, 200))
    count = draw.choice((words, halves, len))
    settings = SplitSettings(size=size, overlap=draw.choice((0, size // 8, size // 2)))
    found = split(parsed, laid, settings, count, 7)
    covered = [False] * len(laid.text)
    for number, passage in enumerate(found):
        assert (passage.number, passage.document_id) == (number, 7)
        assert passage.text == laid.text[passage.start : passage.end] and passage.text == passage.text.strip() != ""
        assert passage.tokens == count(passage.text)
        assert max(passage.tokens, math.ceil(len(passage.text) / SIGNS_A_TOKEN)) <= max(size, count(passage.text[:1]))
        covered[passage.start : passage.end] = [True] * (passage.end - passage.start)
    left = [sign for sign, inside in zip(laid.text, covered, strict=True) if not inside and not sign.isspace()]
    assert left == []
    assert [passage.start for passage in found] == sorted({passage.start for passage in found})
    assert [passage.end for passage in found] == sorted({passage.end for passage in found})
    if settings.overlap == 0:
        assert all(before.end <= after.start for before, after in pairwise(found))
    for passage in found:
        touched = zip(parsed.blocks, laid.spans, strict=True)
        pages = [block.page for block, (s, e) in touched if s < passage.end and e > passage.start]
        assert (passage.page, passage.page_end) == (pages[0], pages[-1])


def test_overlap_is_no_more_than_asked_for() -> None:
    for seed in range(30):
        parsed = some_document(seed)
        found = preview(parsed, SplitSettings(size=40, overlap=10), words)
        for before, after in pairwise(found):
            if after.start < before.end:
                assert words(lay(parsed).text[after.start : before.end]) <= 10


# --- what passages are made of


def test_a_heading_starts_a_passage_and_is_the_path_of_what_follows() -> None:
    found = cut(
        paragraph("머리말 하나"),
        heading("1장 총칙"),
        heading("1조 목적", 2),
        paragraph("이 규정은 목적이 있다."),
        heading("2조 정의", 2),
        paragraph(sentence(12, "뜻")),
        paragraph(sentence(12, "말")),
        heading("2장 벌칙"),
        paragraph("벌이 있다."),
    )
    assert [passage.headings for passage in found] == [
        (),
        ("1장 총칙", "1조 목적"),
        ("1장 총칙", "2조 정의"),
        ("1장 총칙", "2조 정의"),
        ("2장 벌칙",),
    ]
    assert found[1].text == "1장 총칙\n\n1조 목적\n\n이 규정은 목적이 있다."
    assert found[2].text.startswith("2조 정의\n\n뜻0") and found[3].text.startswith("말0")


def test_a_heading_goes_along_with_what_it_is_about() -> None:
    body = f"{sentence(9, '가')} {sentence(9, '나')}"
    found = cut(heading("제목 둘"), paragraph(body))
    assert [passage.text for passage in found] == [f"제목 둘\n\n{sentence(9, '가')}", sentence(9, "나")]
    assert found[1].headings == ("제목 둘",)


def test_a_last_heading_without_text_is_a_passage() -> None:
    found = cut(paragraph("글"), heading("부록"))
    assert [(passage.text, passage.headings) for passage in found] == [("글", ()), ("부록", ("부록",))]


def test_paragraphs_stay_whole_where_they_fit_else_sentences_do() -> None:
    first, second = sentence(10, "가"), sentence(10, "나")
    assert [passage.text for passage in cut(paragraph(first), paragraph(second))] == [first, second]
    assert [passage.text for passage in cut(paragraph(f"{first} {second}"))] == [first, second]
    short = [sentence(4, name) for name in "가나다"]
    assert len(cut(*(paragraph(text) for text in short))) == 1


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    text = " ".join(f"낱말{n}" for n in range(50))
    found = cut(paragraph(text))
    assert all(passage.tokens <= 16 and re.fullmatch(r"(낱말\d+ ?)+", passage.text) for passage in found)
    assert " ".join(passage.text for passage in found) == text


def test_overlap_begins_at_a_sentence_else_at_a_word() -> None:
    short = [sentence(4, name) for name in "가나다라마바"]
    found = cut(paragraph(" ".join(short)), overlap=5)
    assert [passage.text for passage in found] == [" ".join(short[:4]), " ".join(short[3:])]
    long = [sentence(14, name) for name in "가나"]
    found = cut(paragraph(" ".join(long)), size=20, overlap=5)
    assert found[1].text == f"가9 가10 가11 가12 가끝. {long[1]}"


def test_a_new_section_repeats_nothing() -> None:
    found = cut(paragraph(sentence(10, "가")), heading("새로"), paragraph(sentence(10, "나")), overlap=8)
    assert found[1].text == f"새로\n\n{sentence(10, '나')}"


def test_a_table_that_fits_stays_with_its_text_and_a_large_one_keeps_its_header() -> None:
    small = table(("이름", "값"), ("a", "1"))
    assert len(cut(paragraph("다음 표."), small)) == 1
    rows = tuple((f"행{n}", str(n)) for n in range(12))
    found = cut(heading("자료"), paragraph("앞."), table(("이름", "값"), *rows), paragraph("뒤."))
    assert [passage.text for passage in found][:2] == ["자료\n\n앞.", "이름 | 값\n행0 | 0\n행1 | 1\n행2 | 2\n행3 | 3"]
    assert found[1].headings == ("자료",)
    assert found[2].headings == ("자료", "이름 | 값") and found[2].text.startswith("행4 | 4\n행5")
    assert (found[-1].text, found[-1].headings) == ("뒤.", ("자료",))


def test_slides_and_sheets_are_not_mixed_and_pages_are() -> None:
    blocks = (paragraph("하나", 1), paragraph("둘", 2))
    assert [passage.page for passage in cut(*blocks, page_kind="slide")] == [1, 2]
    (both,) = cut(*blocks, page_kind="page")
    assert (both.page, both.page_end) == (1, 2)
    sheets = cut(*blocks, page_kind="sheet", names=("매출", "비용"))
    assert [passage.headings for passage in sheets] == [("매출",), ("비용",)]


def test_languages_are_told() -> None:
    texts = ("이것은 한국어 문장이다.", "This is English.", "딥러닝 모델 transformer architecture 설명", "12 345")
    assert [cut(paragraph(text))[0].language for text in texts] == ["ko", "en", "mixed", "other"]
    assert cut(paragraph("これは日本語の文です。"))[0].language == "other"


def test_an_overlap_of_more_than_half_is_refused() -> None:
    with pytest.raises(ValidationError):
        SplitSettings(size=64, overlap=33)


def test_ten_megabytes_on_one_line_are_cut_in_seconds() -> None:
    started = time.monotonic()
    found = cut(paragraph("x" * 3_000_000), paragraph("말 " * 1_000_000), size=256)
    assert time.monotonic() - started < 30
    assert max(len(passage.text) for passage in found) <= 256 * SIGNS_A_TOKEN
    assert sum(len(passage.text.replace(" ", "")) for passage in found) == 4_000_000


# --- sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("첫째다. 둘째다! 셋째인가? 끝", ["첫째다.", "둘째다!", "셋째인가?", "끝"]),
        ('그는 "끝났다." 라고 말했다. 정말이다.', ['그는 "끝났다." 라고 말했다.', "정말이다."]),
        ("그는 ‘끝났다.’고 했다. 끝.", ["그는 ‘끝났다.’고 했다.", "끝."]),
        ("1. 목적 이 법은 있다. 2. 정의", ["1. 목적 이 법은 있다.", "2. 정의"]),
        ("가. 첫 항목이다. 나. 둘째 항목이다.", ["가. 첫 항목이다.", "나. 둘째 항목이다."]),
        ("비율은 3.5이다. 2026. 3. 1. 시행한다.", ["비율은 3.5이다.", "2026. 3. 1. 시행한다."]),
        ("Dr. Kim left. Then J. Park came, i.e. late.", ["Dr. Kim left.", "Then J. Park came, i.e. late."]),
        ("줄이 끝나도\n문장이다", ["줄이 끝나도", "문장이다"]),
        ("次へ。終わり！はい", ["次へ。", "終わり！", "はい"]),
        ("", []),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_people_end_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


def test_korean_without_marks_is_cut_at_its_verbs() -> None:
    text = "오늘 회의를 시작하겠습니다 지난주 매출은 크게 늘었습니다 다음 안건으로 넘어가겠습니다"
    found = [text[start:end] for start, end in unmarked(text)]
    assert found == ["오늘 회의를 시작하겠습니다", "지난주 매출은 크게 늘었습니다", "다음 안건으로 넘어가겠습니다"]
    assert next(passage.text for passage in cut(paragraph(f"{text} " * 12))).endswith("습니다")
