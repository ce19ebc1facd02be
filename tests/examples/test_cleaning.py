"""What is wrong with examples is found, shown and mended, and each mend can be undone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from backend.errors import BadInput
from backend.examples.cleaning import FindingKind, Mend, look_over, mend
from backend.examples.example import NewExample, Span
from backend.examples.filters import Filter
from backend.examples.findings import KINDS, MENDS, Finding
from backend.examples.store import ExampleStore
from backend.examples.task import Task
from tests.examples.stores import new_store

LABELS = Task(kind="classification", labels=("배송", "환불"), metric="accuracy")


def example(text: str, output: str = "배송") -> NewExample:
    return NewExample(variables={"input": text}, output=output)


WORDS = (
    "배송 주문 결제 카드 문의 상담 교환 영수증 포인트 회원 가입 비밀번호 주소 변경 확인 오류 화면 "
    "설치 예약 일정 가격 할인 쿠폰 재고 색상 크기 사용법 보증 수리 방문 매장 직원 포장 파손"
)
DRAW = random.Random(5)
PLAIN = [example(" ".join(DRAW.sample(WORDS.split(), 6)), ("배송", "환불")[number % 2]) for number in range(20)]


@pytest.fixture
def store(tmp_path: Path) -> ExampleStore:
    made = new_store(tmp_path)
    made.set_task(LABELS)
    return made


def only(store: ExampleStore, kind: FindingKind) -> Finding:
    found = {finding.kind: finding for finding in look_over(store)}
    assert set(found) == {kind}, sorted(found)
    return found[kind]


def outputs(store: ExampleStore) -> list[tuple[str, str]]:
    return [(one.variables["input"], one.output) for one in store.page(limit=1_000)]


def test_clean_examples_have_no_findings(store: ExampleStore) -> None:
    assert look_over(store) == []
    store.add(PLAIN)
    assert look_over(store) == []


@pytest.mark.parametrize(
    ("kind", "rows", "concerned", "how", "left"),
    [
        ("empty", [("   ", "배송"), ("배송이 어디쯤 왔는지요", " ")], 2, "drop", 0),
        ("duplicate", [("배송이 늦네요!", "배송"), ("배송이  늦네요", "배송"), ("배송이 늦네요.", "배송")], 2,
         "keep_first", 1),
        ("near_duplicate",
         [("어제 주문한 책이 아직도 오지 않아서 글을 남깁니다", "배송"),
          ("어제 주문한 책이 아직도 오지 않아서 글을 남깁니당", "배송")],
         1, "keep_first", 1),
        ("contradiction",
         [("언제 돌려받나요", "환불"), ("언제 돌려 받나요?", "환불"), ("언제 돌려받나요!", "배송")], 3,
         "keep_majority", 2),
        ("contradiction", [("언제 돌려받나요", "환불"), ("언제 돌려받나요", "배송")], 2, "keep_majority", 0),
        ("contradiction", [("언제 돌려받나요", "환불"), ("언제 돌려받나요", "배송")], 2, "drop", 0),
        ("huge", [("아주 " * 4_000, "배송")], 1, "drop", 0),
        ("mixed_language", [("Where is the parcel I ordered?", "배송")], 1, "drop", 0),
        ("personal_data", [("제 번호는 010-1234-5678 입니다", "배송")], 1, "mask", 1),
        ("rare_label", [("계정을 지우고 싶어요", "탈퇴")], 1, "drop", 0),
    ],
)  # fmt: skip
def test_found_shown_mended_and_undone(
    store: ExampleStore, kind: FindingKind, rows: list[tuple[str, str]], concerned: int, how: Mend, left: int
) -> None:
    store.add(PLAIN)
    store.add([example(*row) for row in rows])
    before = outputs(store)
    finding = next(finding for finding in look_over(store) if finding.kind == kind)
    assert finding.count == len(finding.ids) == concerned and 1 <= len(finding.samples) <= 5
    assert set(finding.ids) <= {one.id for one in store.page(limit=1_000)} and how in finding.mends
    mend(store, kind, how)
    assert kind not in {finding.kind for finding in look_over(store)}
    after = outputs(store)
    assert len(after) == len(PLAIN) + left and after[: len(PLAIN)] == before[: len(PLAIN)]
    undone = store.undo()
    assert undone is not None and undone.count > 0 and outputs(store) == before


def test_equal_inputs_with_other_answers_are_fine_where_answers_are_free(store: ExampleStore) -> None:
    store.set_task(Task(kind="free_writing", metric="chrf"))
    store.add([example("안녕하세요", "반갑습니다"), example("안녕하세요", "어서 오세요")])
    assert look_over(store) == []


def test_empty_inputs_do_not_contradict_each_other(store: ExampleStore) -> None:
    store.add([example(" ", "배송"), example("", "환불")])
    assert only(store, "empty").severity == "warning"


def test_labels_spelled_differently_become_the_commonest(store: ExampleStore) -> None:
    store.add(PLAIN)
    store.add([example(f"{number}번째 문의를 취소합니다", "주문_취소") for number in range(6)])
    store.add([example("이 주문을 없던 일로 해 주세요", "주문 취소"), example("사지 않겠습니다 취소요", "주문_취소 ")])
    finding = next(one for one in look_over(store) if one.kind == "label_spelling")
    assert finding.count == 1 and finding.about[0].details["labels"] == "주문 취소 → 주문_취소"
    assert mend(store, "label_spelling", "merge_label") == 1
    assert store.labels() == {"배송": 10, "환불": 10, "주문_취소": 8}


def test_rare_labels_are_merged_into_the_one_that_is_told(store: ExampleStore) -> None:
    store.add([*PLAIN, example("탈퇴할래요", "탈퇴"), example("회원을 그만두고 싶습니다", "탈퇴")])
    assert only(store, "rare_label").about[0].details == {"labels": "탈퇴 (2)", "count": 1, "few": 5}
    with pytest.raises(BadInput, match=r"error\.mend_label"):
        mend(store, "rare_label", "merge_label")
    assert mend(store, "rare_label", "merge_label", into="기타") == 2 and store.labels()["기타"] == 2


def test_a_small_beginning_is_not_full_of_rare_labels(store: ExampleStore) -> None:
    store.add([example("배송은 언제인가요", "배송"), example("환불해 주십시오", "환불")])
    assert look_over(store) == []


def test_only_the_chosen_ones_are_mended(store: ExampleStore) -> None:
    store.add([example("연락처는 010-1234-5678 입니다"), example("여기로 보내 주세요: minsu@example.com", "환불")])
    finding = only(store, "personal_data")
    told = [(note.key, note.details) for note in finding.about]
    assert told == [("cleaning.about.personal_phone", {"count": 1}), ("cleaning.about.personal_email", {"count": 1})]
    assert mend(store, "personal_data", "mask", ids=finding.ids[:1]) == 1
    assert outputs(store) == [
        ("연락처는 [전화번호] 입니다", "배송"),
        ("여기로 보내 주세요: minsu@example.com", "환불"),
    ]
    assert mend(store, "personal_data", "mask", ids=[10_000]) == 0


def test_masking_moves_the_marked_places_and_writes_the_answer_anew(store: ExampleStore) -> None:
    store.set_task(Task(kind="entities", labels=("사람", "연락처"), metric="span_f1"))
    text = "010-1234-5678로 민수에게 전화하세요"
    spans = (Span(start=0, end=13, label="연락처"), Span(start=15, end=17, label="사람"))
    answer = "연락처: 010-1234-5678\n사람: 민수"
    store.add([NewExample(variables={"input": text}, output=answer, spans=spans, rejected="010-1234-5678")])
    assert mend(store, "personal_data", "mask") == 1
    masked = store.page()[0]
    assert masked.variables == {"input": "[전화번호]로 민수에게 전화하세요"} and masked.rejected == "[전화번호]"
    assert masked.output == "연락처: [전화번호]\n사람: 민수"
    assert masked.spans == (Span(start=0, end=6, label="연락처"), Span(start=8, end=10, label="사람"))


def test_mends_that_do_not_fit_are_refused(store: ExampleStore) -> None:
    assert set(MENDS) == set(KINDS)
    with pytest.raises(BadInput, match=r"error\.mend\("):
        mend(store, "empty", "mask")


def test_more_findings_than_are_listed(store: ExampleStore) -> None:
    store.set_task(Task(kind="free_writing", metric="chrf"))
    store.add([example(f"{chr(0xAC00 + number)}{number} 번 손님", " ") for number in range(1_500)], "import")
    finding = next(one for one in look_over(store, ["empty"]) if one.kind == "empty")
    assert (finding.count, len(finding.ids), len(finding.samples)) == (1_500, 1_000, 5)
    assert mend(store, "empty", "drop") == 1_500 and store.count(Filter()) == 0
