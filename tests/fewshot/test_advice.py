"""Advice on a set of examples: each finding is found, a good set is left alone, and each mend mends."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence

import pytest

from backend.assistants import PER_INPUT, Examples, Selection, Shot
from backend.evaluation.values import Difference
from backend.examples.example import NewExample, Split
from backend.examples.task import Task
from backend.fewshot.advice import Advice, advise, apply
from backend.fewshot.choosing import build_examples
from backend.fewshot.forms import Form
from backend.projects.folder import Project
from tests.fewshot.trying import TASK, fill, reviews
from tests.test_house import words

ANSWERING = Task(kind="question_answering", metric="char_f1")
WRITING = Task(kind="free_writing")
ENTITIES = Task(kind="entities", labels=("사람", "장소"), metric="span_f1")


def shot(text: str, output: str) -> Shot:
    return Shot(variables={"input": text}, output=output)


RIGHT = (shot("이야기가 엉성해서 내내 졸렸습니다", "부정"), shot("음악과 화면이 참 아름다웠어요", "긍정"))


def films(*labels: str) -> tuple[Shot, ...]:
    """Unlike inputs with these labels."""
    texts = [one.text() for one in reviews()[: len(labels)]]
    return tuple(shot(text, label) for text, label in zip(texts, labels, strict=True))


def found(project: Project, shots: Sequence[Shot], task: Task = TASK, **more: object) -> dict[str, Advice]:
    selection = more.pop("selection", None)
    examples = Examples(shots=tuple(shots), selection=selection)
    advice = advise(examples, task, project.examples, **more)  # type: ignore[arg-type]
    assert len({one.key for one in advice}) == len(advice), "a key comes once"
    for language in ("ko", "en"):
        known = words(language)
        for one in advice:
            for key in filter(None, (one.finding_key, one.why_key, one.mend_key)):
                assert known[key].format(**one.details)
    return {one.key: one for one in advice}


def mended(project: Project, shots: Sequence[Shot], key: str, task: Task = TASK, **more: object) -> tuple[Shot, ...]:
    """What the mend makes of the shots; the finding must be gone afterwards, and the original left as it was."""
    before = Examples(shots=tuple(shots), selection=more.get("selection"))
    one = found(project, shots, task, **dict(more))[key]
    assert one.mend is not None and pickle.loads(pickle.dumps(before)) == before
    after = apply(one, before)
    assert before.shots == tuple(shots)
    left = {"selection": after.selection} if after.selection else {}
    assert key not in found(project, after.shots, task, **left), "mended"
    return after.shots


def keep(project: Project, split: Split, *examples: NewExample) -> None:
    project.examples.add(examples, kind="hand")
    ids = [one.id for one in project.examples.page(limit=10_000)][-len(examples) :]
    project.examples.set_split(ids, split)


def outputs(shots: Sequence[Shot]) -> list[str]:
    return [one.output for one in shots]


@pytest.fixture
def filled(project: Project) -> Project:
    fill(project, train=60, dev=20, test=20)
    return project


def test_no_shots_no_advice_and_a_good_set_is_praised(filled: Project) -> None:
    assert advise(Examples(), TASK, filled.examples) == []
    train = list(filled.examples.each("train", "shots"))
    by_label = {label: [one.shot() for one in train if one.output == label] for label in TASK.labels}
    good = [one for pair in zip(by_label["긍정"][3:5], by_label["부정"][3:5], strict=True) for one in pair]
    advice = advise(Examples(shots=tuple(good)), TASK, filled.examples)
    assert [one.key for one in advice] == ["all_well"] and advice[0].mend_key is None


def test_problems_come_first(filled: Project) -> None:
    advice = list(found(filled, films("긍정", "긍정 ", "긍정적", "긍정")).values())
    severities = [one.severity for one in advice]
    assert severities == sorted(severities, key=lambda one: one != "problem") and severities[0] == "problem"


def test_test_data_among_the_shots(filled: Project) -> None:
    test = next(iter(filled.examples.each("test", "look")))
    dev = next(iter(filled.examples.each("dev", "look")))
    shots = [*films("긍정", "부정"), shot(test.text() + "!", "긍정"), dev.shot()]
    told = found(filled, shots)
    assert told["leak_test"].severity == "problem" and told["leak_test"].shots == (2,)
    assert told["leak_dev"].severity == "advice" and told["leak_dev"].shots == (3,)
    assert mended(filled, shots, "leak_test") == (*shots[:2], shots[3])


# --- format


def test_a_variable_is_lacking_and_something_is_empty(filled: Project) -> None:
    shots = [*films("긍정", "부정"), Shot(variables={"text": "다른 이름"}, output="긍정")]
    assert found(filled, shots)["lacks_variable"].details == {"count": 1, "variable": "{input}"}
    assert mended(filled, shots, "lacks_variable") == tuple(shots[:2])
    shots = [*films("긍정", "부정"), shot(" \n", "긍정"), shot("글입니다", "  ")]
    assert found(filled, shots)["empty"].shots == (2, 3)
    assert mended(filled, shots, "empty") == tuple(shots[:2])


def test_labels_are_spelt_as_the_task_does(filled: Project) -> None:
    shots = films("긍정", "부정", "긍 정.", "부정", "중립")
    assert found(filled, shots)["label_spelling"].details == {"count": 1, "shown": "긍 정.", "label": "긍정"}
    assert outputs(mended(filled, shots, "label_spelling")) == ["긍정", "부정", "긍정", "부정", "중립"]
    assert found(filled, shots)["label_unknown"].shots == (4,)
    assert outputs(mended(filled, shots, "label_unknown")) == ["긍정", "부정", "긍 정.", "부정"]
    english = Task(kind="classification", labels=("Positive", "Negative"), metric="accuracy")
    assert outputs(mended(filled, films("positive", "Negative"), "label_spelling", english)) == ["Positive", "Negative"]


def test_blanks_around_answers(filled: Project) -> None:
    assert outputs(mended(filled, films("긍정", " 부정\n"), "blank_edges")) == ["긍정", "부정"]


def test_entities_in_another_format(filled: Project) -> None:
    shots = [
        shot("이순신은 한산도에 있었다", "사람: 이순신\n장소: 한산도"),
        shot("허균이 썼다", "허균이라는 사람이 나옵니다"),
    ]
    assert mended(filled, shots, "entity_format", ENTITIES) == (shots[0],)


def test_json_of_another_structure(filled: Project) -> None:
    kept = [f'{{"이름": "{name}", "나이": {age}}}' for name, age in (("가", 1), ("나", 2), ("다", 3))]
    shots = films(*kept[:2], '{"이름": "라"}', kept[2], "모름")
    assert outputs(mended(filled, shots, "mixed_json", WRITING)) == kept
    assert "mixed_json" not in found(filled, films(*kept), WRITING)


def test_full_stops_here_and_not_there(filled: Project) -> None:
    with_marks = films("서울에 있다.", "부산에 있다.", "강릉에 있다")
    assert outputs(mended(filled, with_marks, "endings_without", ANSWERING))[2] == "강릉에 있다."
    without = films("서울", "부산", "강릉.")
    assert outputs(mended(filled, without, "endings_with", ANSWERING)) == ["서울", "부산", "강릉"]
    assert not {"endings_with", "endings_without"} & set(found(filled, films("서울", "부산."), ANSWERING)), "no pattern"


def test_mixed_styles_of_speech(filled: Project) -> None:
    shots = films("오늘 도착합니다.", "내일 보냅니다.", "아직 몰라요.", "모레 옵니다.")
    assert found(filled, shots, WRITING)["mixed_register"].shots == (2,)
    assert len(mended(filled, shots, "mixed_register", WRITING)) == 3


# --- truth


def test_contradictions_among_the_shots(filled: Project) -> None:
    shots = [shot("그저 그렇다", "부정"), shot("그저  그렇다", "긍정"), shot("그저 그렇다 ", "긍정"), *films("부정")]
    one = found(filled, shots)["contradiction"]
    assert one.severity == "problem" and one.shots == (0, 1, 2)
    assert outputs(mended(filled, shots, "contradiction")) == ["긍정", "긍정", "부정"]
    assert "contradiction" not in found(filled, shots, WRITING), "two answers may both be good writing"


def test_contradictions_with_the_data(filled: Project) -> None:
    train = next(iter(filled.examples.each("train", "shots")))
    other = "부정" if train.output == "긍정" else "긍정"
    shots = [train.shot().model_copy(update={"output": other}), *RIGHT]
    assert found(filled, shots)["against_data"].details["data"] == train.output
    assert outputs(mended(filled, shots, "against_data"))[0] == train.output
    keep(filled, "train", NewExample(variables=train.variables, output=other))
    assert len(mended(filled, shots, "against_data")) == 2, "the data do not agree: the shot goes"


def test_answers_of_the_test_split_do_not_come_in_through_a_mend(filled: Project) -> None:
    test = next(iter(filled.examples.each("test", "look")))
    wrong = test.shot().model_copy(update={"output": "부정" if test.output == "긍정" else "긍정"})
    assert "against_data" not in found(filled, [wrong, *RIGHT])


def test_near_repeats(filled: Project) -> None:
    text = "이 영화는 배우들의 연기가 정말 훌륭하고 이야기도 아주 좋았습니다"
    shots = [shot(text, "긍정"), *films("부정"), shot(text + "!", "긍정"), shot(text.replace(" ", ""), "긍정")]
    assert found(filled, shots)["near_duplicates"].shots == (0, 2, 3)
    assert mended(filled, shots, "near_duplicates") == tuple(shots[:2])


# --- cover


def test_labels_that_are_not_shown(filled: Project) -> None:
    added = mended(filled, films("긍정", "긍정"), "labels_missing")
    assert outputs(added) == ["부정", "긍정", "긍정"]
    train = {one.text() for one in filled.examples.each("train", "shots")}
    assert added[0].variables["input"] in train


def test_kinds_of_entities_that_are_not_shown(project: Project) -> None:
    keep(project, "train", NewExample(variables={"input": "한산도 앞바다에서"}, output="장소: 한산도"))
    shots = mended(project, [shot("허균이 썼다", "사람: 허균")], "labels_missing", ENTITIES)
    assert outputs(shots) == ["장소: 한산도", "사람: 허균"]


def test_five_thousand_labels_lead_to_the_nearest(project: Project) -> None:
    some = [NewExample(variables={"input": f"물건 {n} 번을 찾습니다"}, output=f"칸 {n}") for n in range(5_000)]
    keep(project, "train", *some)
    task = Task(kind="classification", labels=tuple(f"칸 {n}" for n in range(5_000)), metric="accuracy")
    built = build_examples(project, Selection(method="balanced", count=8))
    one = {one.key: one for one in advise(built, task, project.examples)}["labels_too_many"]
    assert one.details["count"] == 4_992 and one.details["of"] == 5_000
    after = apply(one, built)
    assert after.selection is not None and after.selection.method in PER_INPUT and len(after.shots) == 2_000


def test_labels_in_uneven_numbers(filled: Project) -> None:
    shots = films("긍정", "긍정", "긍정", "부정", "긍정", "긍정")
    assert found(filled, shots)["uneven"].details == {"most": "긍정", "many": 5, "least": "부정", "few": 1}
    assert Counter(outputs(mended(filled, shots, "uneven"))) == {"긍정": 2, "부정": 1}
    assert "uneven" not in found(filled, films("긍정", "부정", "긍정"))
    pool = Selection(method="nearest_bm25", count=2)
    assert not {"uneven", "block_last"} & set(found(filled, shots, selection=pool)), "each question has its own"


def test_one_answer_at_the_end(filled: Project) -> None:
    shots = films("긍정", "긍정", "부정", "부정")
    assert found(filled, shots)["block_last"].shots == (2, 3)
    assert outputs(mended(filled, shots, "block_last")) == ["긍정", "부정", "긍정", "부정"]
    assert "block_last" not in found(filled, films("긍정", "긍정", "긍정", "부정", "긍정", "긍정")), (
        "as good as it gets"
    )


def test_another_language(filled: Project) -> None:
    shots = [*films("긍정", "부정"), shot("This film is a quiet wonder", "긍정")]
    assert found(filled, shots)["not_korean"].shots == (2,)
    assert mended(filled, shots, "not_korean") == tuple(shots[:2])
    keep(filled, "train", *(NewExample(variables={"input": f"an English line {n}"}, output="긍정") for n in range(30)))
    assert "not_korean" not in found(filled, shots), "the data have both"


def test_shots_from_another_field(project: Project) -> None:
    rooms = ("거실", "침실", "부엌", "현관", "욕실", "서재")
    things = ("조명을", "난방을", "커튼을", "청소기를", "공기청정기를")
    acts = ("켜 주세요", "꺼 주세요", "낮춰 주세요", "올려 주세요")
    lines = [f"{room} {thing} {act}" for room in rooms for thing in things for act in acts]
    keep(project, "train", *(NewExample(variables={"input": line}, output=line.split()[-2]) for line in lines))
    shots = [shot("거실 조명을 지금 켜 주세요", "켜"), shot("홍길동전은 허균이 쓴 소설이다", "꺼")]
    assert found(project, shots, WRITING)["off_task"].shots == (1,)
    assert mended(project, shots, "off_task", WRITING) == (shots[0],)


def test_a_project_of_huge_examples_has_advice_too(project: Project) -> None:
    huge = (NewExample(variables={"input": f"{n} " + "가나다 " * 9_000}, output=f"칸 {n % 50}") for n in range(60))
    keep(project, "train", *huge)
    task = Task(kind="classification", labels=tuple(f"칸 {n}" for n in range(50)), metric="accuracy")
    assert found(project, films("칸 1", "칸 2"), task)["labels_too_many"].mend is None


def test_a_narrow_set(project: Project) -> None:
    kinds = {
        "조명": ["거실 조명 {}번 켜 줘", "침실 조명 {}번 꺼 줘"],
        "음악": ["신나는 노래 {}번 틀어", "조용한 노래 {}번 들려줘"],
        "날씨": ["내일 서울 날씨 {}시에는 어때", "부산 비 소식 {}시까지 있나"],
        "알람": ["아침 알람 {}시로 맞춰", "낮잠 자게 {}분 뒤 깨워"],
    }
    lines = [(text.format(n), label) for label, texts in kinds.items() for text in texts for n in range(40)]
    keep(project, "train", *(NewExample(variables={"input": text}, output=label) for text, label in lines))
    task = Task(kind="classification", labels=tuple(kinds), metric="accuracy")
    narrow = [shot(f"거실 조명 {n}번 켜 줘", label) for n, label in enumerate([*kinds, *kinds], 50)]
    after = mended(project, narrow, "narrow", task)
    assert Counter(outputs(after)) == dict.fromkeys(kinds, 2)


# --- cost


def form(name: str, shots: int, tokens: int, asked: int = 50) -> Form:
    return Form(name=name, shots=shots, messages=(), prompt="", tokens=tokens, context_length=512, asked=asked)  # type: ignore[arg-type]


def test_what_does_not_fit_the_window(filled: Project) -> None:
    shots = [*films("긍정", "부정", "긍정"), shot("길다 " * 300, "부정")]
    told = found(filled, shots, forms=[form("zero", 0, 40), form("few", 4, 900)])
    assert told["too_long"].severity == "problem" and told["too_long"].details["shots"] == 860
    assert apply(told["too_long"], Examples(shots=tuple(shots))).shots == tuple(shots[:3])
    told = found(filled, shots, forms=[form("zero", 0, 40), form("few", 4, 500)])
    assert told["answer_cut"].severity == "advice" and told["answer_cut"].details["room"] == 12
    assert not {"too_long", "answer_cut"} & set(found(filled, shots, forms=[form("zero", 0, 40), form("few", 4, 460)]))
    pool = Selection(method="nearest_bm25", count=8)
    told = found(filled, shots, selection=pool, forms=[form("zero", 0, 40), form("few", 8, 900)])
    after = apply(told["too_long"], Examples(shots=tuple(shots), selection=pool))
    assert after.shots == tuple(shots) and after.selection is not None and 1 <= after.selection.count < 5


def test_one_shot_that_is_far_longer(filled: Project) -> None:
    shots = [*films("긍정", "부정", "긍정"), shot("가나다라 마바사 " * 80, "부정")]
    assert found(filled, shots)["one_long"].shots == (3,)
    after = mended(filled, shots, "one_long")
    assert outputs(after) == outputs(shots) and len(after[3].variables["input"]) < 300
    assert len(mended(filled, shots, "one_long", WRITING)) == 3


def test_tokens_that_brought_nothing(filled: Project) -> None:
    shots = films("긍정", "부정", "긍정", "부정")
    forms = [form("zero", 0, 40), form("few", 4, 200)]
    nothing = Difference(value=0.01, low=-0.06, high=0.08, p=0.8, test="mcnemar", n=100)
    one = found(filled, shots, forms=forms, gain=nothing)["no_gain"]
    assert one.details == {"tokens": 160, "low": "-6", "high": "+8", "n": 100}
    assert sorted(outputs(apply(one, Examples(shots=shots)).shots)) == ["긍정", "부정"]
    better = Difference(value=0.1, low=0.03, high=0.17, p=0.01, test="mcnemar", n=100)
    assert "no_gain" not in found(filled, shots, forms=forms, gain=better)
