"""Comparisons: paired on what all have answered, cut into slices, beside each other, scored once."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.assistants import Assistant, Instructions
from backend.errors import NotFound, Refused
from backend.evaluation.answers import NewAnswer
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.cost import Cost, cost_of, keep_cost, keep_making
from backend.evaluation.identity import known_fingerprint, remember
from backend.evaluation.raw_answers import export_answers
from backend.evaluation.scored import scores_of
from backend.evaluation.side_by_side import answers_where, counts_where
from backend.evaluation.slices import language, slices, ways
from backend.examples.example import NewExample
from backend.examples.filters import Filter
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.projects.tables import ScoreRow

TASK = Task(kind="classification", labels=("긍정", "부정"), metric="accuracy")


def fill(project: Project, examples: Sequence[NewExample], task: Task = TASK) -> None:
    project.examples.set_task(task)
    project.examples.add(list(examples))
    project.examples.set_split([one.id for one in project.examples.page(limit=len(examples))], "test")


def films(count: int) -> list[NewExample]:
    """긍정, 부정 in turn; Korean and English in turn of two; region by tens."""
    return [
        NewExample(
            variables={"input": f"영화 이야기 {at}" if at % 4 < 2 else f"a film about things {at}"},
            output="긍정" if at % 2 == 0 else "부정",
            tags=("long",) if at % 3 == 0 else (),
            groups={"region": "부산" if at < count // 2 else "서울"},
        )
        for at in range(count)
    ]


def answered(project: Project, name: str, answers: Mapping[str, str | None], note: str = "") -> int:
    """A saved assistant with these answers, by input text; None is an answer that failed."""
    saved = project.assistants.save(name, Assistant(instructions=Instructions(system=name + note)))
    known = f"{name + note:0>32}"
    remember(project, saved.assistant, known)
    new = [
        NewAnswer(
            known,
            NewExample(variables={"input": text}, output="").input_key,
            answer or "",
            "stop",
            100,
            3,
            0.5 + 0.01 * at,
            error_key=None if answer is not None else "error.prompt_too_long",
        )
        for at, (text, answer) in enumerate(answers.items())
    ]
    project.answers.add(new)
    keep_cost(project, known, saved.assistant.model, Cost(answers=len(new), seconds=2.0, memory_bytes=5_000_000))
    return saved.id


def right_but(examples: Sequence[NewExample], wrong: int, word: str | None = None) -> dict[str, str | None]:
    """Right answers, but for the first `wrong` ones: the other label, or `word`."""
    other = {"긍정": "부정", "부정": "긍정"}
    return {
        one.variables["input"]: (word or other[one.output]) if at < wrong else one.output
        for at, one in enumerate(examples)
    }


@pytest.fixture
def three(project: Project) -> Comparison:
    """Of 40 examples: good is right on 38, fair on 30, poor on 20, and 4 of poor's answers say no label."""
    examples = films(40)
    fill(project, examples)
    good = answered(project, "good", right_but(examples, 2))
    fair = answered(project, "fair", right_but(examples, 10))
    poor = answered(project, "poor", {**right_but(examples, 20), **right_but(examples[:4], 4, "모르겠습니다")})
    return compare(project, [poor, fair, good])


def test_the_best_stands_first_with_its_interval_and_what_the_data_carries(three: Comparison) -> None:
    assert [(row.name, row.score.value if row.score else None, row.unreadable) for row in three.rows] == [
        ("good", 0.95, 0),
        ("fair", 0.75, 0),
        ("poor", 0.5, 4),
    ]
    good = three.rows[0].score
    # Wilson for 38 of 40, by hand: (0.8350, 0.9862).
    assert good is not None and (good.interval.low, good.interval.high) == pytest.approx((0.8350, 0.9862), abs=5e-5)
    assert three.n == 40 and set(three.pairs) == {(0, 1), (0, 2), (1, 2)}
    fair, poor = three.verdicts
    # 8 examples only the better one has right: McNemar's exact p is 2 / 2^8, Holm's over three pairs comes after.
    assert fair.difference.p == pytest.approx(2 / 2**8) and fair.outcome == poor.outcome == "worse"
    assert fair.difference.p_corrected is not None and fair.difference.p_corrected >= fair.difference.p
    assert three.rows[0].latency[0] == pytest.approx(0.5 + 0.01 * 19.5)
    assert (three.rows[0].prompt_tokens, three.rows[0].answer_tokens, three.rows[0].memory_bytes) == (100, 3, 5_000_000)


def test_confusion_and_labels_of_one_row(three: Comparison) -> None:
    table = three.confusion(2)
    assert table is not None and table.labels == ("긍정", "부정")
    assert table.matrix == ((10, 8, 2), (8, 10, 2))
    assert three.per_label(2)["긍정"][:3] == pytest.approx((10 / 18, 0.5, 20 / 38))
    assert three.per_label(2)["긍정"].n == 20


def test_only_what_all_have_answered_is_compared(project: Project) -> None:
    examples = films(20)
    fill(project, examples)
    whole = answered(project, "whole", right_but(examples, 0))
    part = answered(project, "part", right_but(examples[:14], 2))
    begun = answered(project, "begun", right_but(examples[:3], 0))
    never = project.assistants.save("never", Assistant()).id
    found = compare(project, [never, begun, part, whole])
    assert [(row.name, row.answered, row.missing, row.score is None) for row in found.rows] == [
        ("whole", 20, 0, False),
        ("part", 14, 6, False),
        ("never", 0, 20, True),
        ("begun", 3, 17, True),
    ]
    assert found.n == 14 and found.asked == 20
    assert [row.score.n for row in found.rows if row.score] == [14, 14] and len(found.verdicts) == 1
    assert found.row(part) == 1
    with pytest.raises(Refused):
        found.row(begun)


def test_a_failed_answer_counts_as_wrong(project: Project) -> None:
    examples = films(10)
    fill(project, examples)
    answers: dict[str, str | None] = {**right_but(examples, 0), examples[0].variables["input"]: None}
    row = compare(project, [answered(project, "one", answers)]).rows[0]
    assert row.score is not None and (row.score.value, row.failures, row.unreadable) == (0.9, 1, 1)


def test_nothing_and_nobody(project: Project) -> None:
    one = project.assistants.save("one", Assistant()).id
    with pytest.raises(Refused, match="evaluation_task"):
        compare(project, [one])
    fill(project, films(4))
    found = compare(project, [one])
    assert (found.n, found.scores, found.verdicts, found.rows[0].missing) == (0, (), (), 4)
    assert slices(found, "label") == [] and ways(found) == []
    assert compare(project, []).rows == ()
    with pytest.raises(NotFound):
        compare(project, [77])


def test_two_versions_of_one_name_are_told_apart(project: Project) -> None:
    examples = films(6)
    fill(project, examples)
    ids = [answered(project, "same", right_but(examples, 0)), answered(project, "same", right_but(examples, 3), " v2")]
    assert [row.name for row in compare(project, ids).rows] == ["same v1", "same v2"]


def test_a_filter_and_a_limit_narrow_what_is_compared(project: Project) -> None:
    examples = films(40)
    fill(project, examples)
    one = answered(project, "one", right_but(examples, 10))
    tagged = compare(project, [one], filter=Filter(tag="long"))
    assert tagged.n == 14 and all("long" in example.tags for example in tagged.examples)
    assert compare(project, [one], limit=12).n == 12
    assert compare(project, [one], limit=12).examples == compare(project, [one], limit=12).examples
    assert compare(project, [one], split="dev").n == 0


def test_slices_add_up_to_the_whole(three: Comparison) -> None:
    assert set(ways(three)) == {"language", "length", "tag", "label", "group:region"}
    by = {name: {one.name: one for one in slices(three, name)} for name in ways(three)}
    assert {name: one.n for name, one in by["language"].items()} == {"ko": 20, "en": 20}
    assert {name: one.n for name, one in by["label"].items()} == {"긍정": 20, "부정": 20}
    assert {name: one.n for name, one in by["tag"].items()} == {"": 26, "long": 14}
    assert by["group:region"]["부산"].scores[2].value == 0.0 and by["group:region"]["서울"].scores[2].value == 1.0
    for slices_of in by.values():
        for row in range(3):
            right = sum(one.scores[row].value * one.n for one in slices_of.values())
            assert right == pytest.approx(sum(score.values["accuracy"] for score in three.scores[row]))
    lengths = [one.name for one in slices(three, "length")]
    assert lengths == sorted(lengths, key=lambda name: int(name.split("-")[0])) and 1 < len(lengths) <= 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("안녕하세요", "ko"),
        ("LG 노트북을 샀습니다", "ko"),
        ("Hello 안녕", "mixed"),
        ("Ça va", "en"),
        ("123 !?", "other"),
    ],
)
def test_the_language_of_a_text(text: str, expected: str) -> None:
    assert language(text) == expected


def test_answers_beside_each_other(three: Comparison) -> None:
    page = answers_where(three, 0, 2, "a_right_b_wrong", limit=5)
    assert page.total == 18 and len(page.items) == 5
    for item in page.items:
        assert item.sides[0].value == 1.0 and item.sides[1].value == 0.0
        assert item.sides[0].answer.text == item.example.output != item.sides[1].answer.text
    assert answers_where(three, 0, 2, "a_right_b_wrong", offset=15).total == 18
    counts = counts_where(three, 0, 2)
    assert counts == {
        "a_right_b_wrong": 18,
        "b_right_a_wrong": 0,
        "both_wrong": 2,
        "both_right": 20,
        "differ": 20,
        "unreadable": 4,
        "all": 40,
    }


def test_scores_are_kept_and_a_changed_task_measures_anew(project: Project, three: Comparison) -> None:
    def kept() -> int:
        with project.database.read() as session:
            return len(session.execute(select(ScoreRow.rule)).all())

    ids = [row.saved.id for row in three.rows]
    assert kept() == 120
    again = compare(project, ids)
    assert kept() == 120 and again.scores == three.scores and again.pairs == three.pairs
    project.examples.set_task(TASK.model_copy(update={"labels": ("긍정", "부정", "모르겠습니다")}))
    changed = compare(project, ids)
    assert kept() == 240 and changed.rows[2].unreadable == 0 and changed.rows[0].score == three.rows[0].score


def test_raw_answers_as_files_hold_no_formula(project: Project, tmp_path: Path) -> None:
    examples = [NewExample(variables={"input": "=1+1"}, output="긍정", groups={"=x": "@y"}), *films(2)]
    fill(project, examples)
    answers: dict[str, str | None] = {**right_but(examples, 0), "=1+1": "=HYPERLINK(1)"}
    found = compare(project, [answered(project, "-one", answers), answered(project, "two", right_but(examples, 0))])
    raw = export_answers(found, "csv", tmp_path / "answers.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(raw.splitlines()))
    assert len(rows) == 6 and {row["assistant"] for row in rows} == {"'-one", "two"}
    assert not [cell for row in rows for cell in (*row, *row.values()) if cell and cell[0] in "=@"]
    lines = export_answers(found, "jsonl", tmp_path / "answers.jsonl").read_text("utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    assert "=HYPERLINK(1)" in {one["answer"] for one in told} and {one["accuracy"] for one in told} == {0.0, 1.0}
    assert list(tmp_path.glob(".*")) == []


def test_what_making_it_took_is_shown(project: Project) -> None:
    fill(project, films(4))
    one = answered(project, "one", right_but(films(4), 0))
    keep_making(project, project.assistants.get(one).assistant, 93.5)
    assert compare(project, [one]).rows[0].made_seconds == 93.5


def test_five_assistants_on_two_thousand_examples_are_scored_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = films(2000)
    fill(project, examples)
    ids = [answered(project, f"one {number}", right_but(examples, 100 * number)) for number in range(1, 6)]
    first = compare(project, ids)

    def again(*_asked: object) -> None:
        raise AssertionError("an answer was scored a second time")

    monkeypatch.setattr("backend.evaluation.scored.score_example", again)
    found = compare(project, ids)
    assert found.n == 2000 and len(found.pairs) == 10 and found.pairs == first.pairs


def test_scores_of_answers_that_were_forgotten_meanwhile_are_left_out(project: Project) -> None:
    examples = films(6)
    fill(project, examples)
    saved = project.assistants.get(answered(project, "one", {**right_but(examples, 0), examples[0].text(): None}))
    known = known_fingerprint(project, saved.assistant) or ""
    there = list(project.examples.each("test", "evaluate"))
    kept = project.answers.get(known)
    answers = [kept[one.input_key] for one in there]
    assert project.answers.forget_faults(known, list(kept)) == 1
    assert len(scores_of(project.database, TASK, known, there, answers)) == 6
    with project.database.read() as session:
        assert len(session.execute(select(ScoreRow.rule)).all()) == 5


def test_the_cost_of_a_few_asked_again_does_not_replace_that_of_many(project: Project) -> None:
    model = Assistant().model
    many, few = Cost(answers=40, seconds=20.0, memory_bytes=9_000_000), Cost(answers=1, seconds=9.0, memory_bytes=1)
    keep_cost(project, "a", model, few)
    assert cost_of(project, "a") == few, "better than nothing"
    keep_cost(project, "a", model, many)
    keep_cost(project, "a", model, few)
    assert cost_of(project, "a") == many
    newer = Cost(answers=12, seconds=2.0)
    keep_cost(project, "a", model, newer)
    assert cost_of(project, "a") == newer
