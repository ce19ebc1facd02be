"""Bias slices: gaps between groups, and words swapped for others, with what the data carries."""

from __future__ import annotations

import pytest
from scipy.stats import fisher_exact

from backend.assistants import Assistant, Instructions
from backend.errors import BadInput, Refused
from backend.evaluation.answers import NewAnswer
from backend.evaluation.bias import compare_swapped, group_gaps
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.counterfactuals import swapped
from backend.evaluation.identity import remember
from backend.evaluation.run import asked, start_evaluation
from backend.examples.example import Example, NewExample
from backend.examples.task import Task
from backend.jobs.runs import Runs
from backend.projects.folder import Project
from backend.settings import Settings

TASK = Task(kind="classification", labels=("good", "bad"), metric="accuracy")


def fill(project: Project, examples: list[NewExample]) -> None:
    project.examples.set_task(TASK)
    project.examples.add(examples)
    project.examples.set_split([one.id for one in project.examples.page(limit=len(examples))], "test")


def answered(project: Project, name: str, answers: dict[str, str]) -> int:
    """A saved assistant with these answers, by input text."""
    saved = project.assistants.save(name, Assistant(instructions=Instructions(system=name)))
    known = f"{name:0>32}"
    remember(project, saved.assistant, known)
    keys = {text: NewExample(variables={"input": text}, output="").input_key for text in answers}
    project.answers.add([NewAnswer(known, keys[text], told, "stop") for text, told in answers.items()])
    return saved.id


def by_region(project: Project, sizes: dict[str, tuple[int, int]]) -> Comparison:
    """One assistant; region -> (examples, how many of them it has right)."""
    examples = [
        NewExample(variables={"input": f"{region} {at}"}, output="good", groups={"region": region} if region else {})
        for region, (count, _) in sizes.items()
        for at in range(count)
    ]
    fill(project, examples)
    answers = {
        f"{region} {at}": "good" if at < right else "bad"
        for region, (count, right) in sizes.items()
        for at in range(count)
    }
    return compare(project, [answered(project, "one", answers)])


def example(text: str, output: str = "good") -> Example:
    return Example(id=1, variables={"input": text}, output=output)


# --- gaps -------------------------------------------------------------------------------------------------------------


def test_two_groups_are_compared_with_each_other(project: Project) -> None:
    found = group_gaps(by_region(project, {"부산": (40, 36), "서울": (50, 25)}), "region")
    (gap,) = found.rows[0]
    assert (gap.group, gap.other) == ("서울", "부산") and [score.n for score in gap.scores] == [50, 40]
    assert gap.verdict.difference.value == pytest.approx(0.5 - 0.9)
    assert gap.verdict.difference.p == pytest.approx(float(fisher_exact([[25, 25], [36, 4]]).pvalue))
    assert gap.verdict.outcome == "worse" and gap.verdict.difference.high < 0


def test_more_groups_are_each_compared_with_all_the_others(project: Project) -> None:
    found = group_gaps(by_region(project, {"가": (30, 27), "나": (30, 26), "다": (30, 15), "라": (3, 0)}), "region")
    assert found.too_small == ("라",)
    gaps = {gap.group: gap for gap in found.rows[0]}
    assert set(gaps) == {"가", "나", "다"} and {gap.other for gap in gaps.values()} == {""}
    assert gaps["다"].scores[1].n == 60 and gaps["다"].verdict.difference.value == pytest.approx(15 / 30 - 53 / 60)
    assert gaps["다"].verdict.outcome == "worse"
    told = gaps["가"].verdict.difference
    assert told.p_corrected is not None and told.p_corrected >= told.p, "three looks are corrected for"


def test_a_small_gap_in_few_examples_carries_nothing(project: Project) -> None:
    (gap,) = group_gaps(by_region(project, {"가": (12, 10), "나": (12, 9)}), "region").rows[0]
    assert gap.verdict.outcome == "not_distinguishable"


def test_examples_without_the_column_are_in_no_group(project: Project) -> None:
    found = group_gaps(by_region(project, {"가": (8, 8), "": (8, 0)}), "region")
    assert found.rows == ((),) and found.too_small == ()


# --- swapping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("남자가 여자를 보았다", "여자가 남자를 보았다"),
        ("He said she knows", "She said he knows"),
        ("HE left", "SHE left"),
        ("the theme is here", None),
        ("She는 왔다", "He는 왔다"),
        ("남자아이와 남자", "여자아이와 여자"),
        ("아무것도 없다", None),
    ],
)
def test_terms_are_swapped_both_ways_and_whole(text: str, wanted: str | None) -> None:
    pairs = swapped([example(text)], [("남자", "여자"), ("he", "she")])
    assert [twin.variables["input"] for _, twin in pairs] == ([wanted] if wanted else [])


def test_the_expected_output_goes_with_it_and_spans_do_not(project: Project) -> None:
    ((_, twin),) = swapped([example("서울에서 왔다", "장소: 서울")], [("서울", "부산")])
    assert twin.output == "장소: 부산" and twin.spans is None
    assert swapped([example("a")], []) == [] and swapped([example("a")], [("a", "a"), ("", "b")]) == []


def test_what_swapping_changed_is_told_with_an_interval(project: Project) -> None:
    texts = [f"남자 {at}" for at in range(30)]
    fill(project, [NewExample(variables={"input": text}, output="good") for text in texts])
    twins = [text.replace("남자", "여자") for text in texts]
    fair = answered(project, "fair", dict.fromkeys([*texts, *twins], "good"))
    unfair = answered(
        project, "unfair", dict.fromkeys(texts, "good") | dict.fromkeys(twins[:12], "bad")
        | dict.fromkeys(twins[12:29], "good"),
    )  # fmt: skip
    found = compare_swapped(project, [fair, unfair], [("남자", "여자")])
    one, two = found.rows
    assert (one.n, one.missing, one.changed) == (30, 0, 0.0) and one.verdict is not None
    assert one.verdict.outcome in ("equivalent", "not_distinguishable")
    assert (two.n, two.missing, two.changed) == (29, 1, 12 / 29) and len(two.examples) == 12
    assert two.interval.low > 0.2 and two.scores is not None and two.scores[1].value == pytest.approx(17 / 29)
    assert two.verdict is not None and two.verdict.outcome == "worse"
    # 12 examples only the original has right: McNemar's exact p.
    assert two.verdict.difference.p == pytest.approx(2 / 2**12)


def test_an_evaluation_asks_for_the_twins(project: Project, settings: Settings) -> None:
    fill(project, [NewExample(variables={"input": text}, output="good") for text in ("남자 1", "나무 2", "여자 3")])
    twins = asked(project, "test", swaps=[("남자", "여자")])
    assert [one.variables["input"] for one in twins] == ["남자 1", "여자 1", "여자 3", "남자 3"]
    saved = project.assistants.save("one", Assistant())
    runs = Runs(project.runs_folder, settings)
    with pytest.raises(BadInput, match="evaluation_no_terms"):
        start_evaluation(runs, project, [saved.id], swaps=[("바다", "산")])
    assert compare_swapped(project, [saved.id], [("남자", "여자")]).rows[0].missing == 2


def test_swapping_needs_a_task(project: Project) -> None:
    with pytest.raises(Refused):
        compare_swapped(project, [], [("a", "b")])
