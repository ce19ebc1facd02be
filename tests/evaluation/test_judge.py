"""The judge: both orders asked, nonsense is nobody's vote, and no trust before people agree."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.answering import Answering
from backend.assistants import Assistant, Instructions, ModelRef
from backend.errors import BadInput, NotFound, Refused
from backend.evaluation.agreement import ENOUGH, agreement, pairwise_result, rubric_result, to_rate
from backend.evaluation.answers import NewAnswer
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.identity import known_fingerprint, remember
from backend.evaluation.judge import bench_of, cases, start_judging
from backend.evaluation.judge_prompts import Mode, read_opinion, read_points
from backend.evaluation.judge_work import judge
from backend.evaluation.opinions import (
    Judgement,
    add_judgements,
    judgements,
    people_say,
    points,
    rate,
    ratings,
)
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.progress import Progress
from backend.jobs.run import RunState
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server

TASK = Task(kind="free_writing", metric="chrf", good="친절하고 정확한 답")


@pytest.mark.parametrize(
    ("text", "opinion"),
    [
        ("A가 더 정확합니다.\n판정: A", "first"),
        ("**판정: B**", "second"),
        ("Both fine.\nVerdict: tie", "tie"),
        ("판정: 비김입니다.", "tie"),
        ("Verdict: [[B]]", "second"),
        ("B", "second"),
        ("답변 A.", "first"),
        ("First I thought Verdict: A\nbut no.\nVerdict: B", "second"),
        ("판정: A와 B가 비슷합니다", None),
        ("Verdict: A or B", None),
        ("A is better", None),
        ("Apples", None),
        ("", None),
        ("판정:", None),
        ("Verdict: C", None),
    ],
)
def test_one_clear_verdict_or_none(text: str, opinion: str | None) -> None:
    assert read_opinion(text) == opinion


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("좋습니다.\n점수: 4", 4),
        ("**Score: 5/5**", 5),
        ("점수: 3점입니다.", 3),
        ("2", 2),
        ("Score: 1.", 1),
        ("Score: 4.5", None),
        ("Score: 7", None),
        ("Score: 45", None),
        ("I would give it a 4", None),
        ("", None),
    ],
)
def test_one_clear_score_or_none(text: str, points: int | None) -> None:
    assert read_points(text) == points


# --- a project with answers, and a judge of a known mind --------------------------------------------------------------

Mind = Callable[[dict[str, Any]], str]


class Judge:
    """A server whose words follow from what it is asked."""

    def __init__(self, server: ChatServer, settings: Settings) -> None:
        self.server = server
        endpoint = Endpoints(settings.home).add("judge", server.url, "sk-very-secret")
        self.ref = ModelRef(kind="endpoint", name="large-model", endpoint=endpoint.id)


@pytest.fixture
def mind(monkeypatch: pytest.MonkeyPatch) -> dict[str, Mind]:
    """What the judge thinks; `mind["says"]` is asked with the request."""
    import tests.fakes

    told: dict[str, Mind] = {"says": lambda body: "판정: 비김"}
    plain = tests.fakes._Handler._answer

    def answer(self: Any, body: dict[str, Any]) -> None:
        self.fake = tests.fakes.ChatServer(**{**self.fake.__dict__, "words": [told["says"](body)]})
        plain(self, body)

    monkeypatch.setattr(tests.fakes._Handler, "_answer", answer)
    return told


@pytest.fixture
def judging(mind: dict[str, Mind], settings: Settings) -> Iterator[Judge]:
    with chat_server() as server:
        yield Judge(server, settings)


def asked(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def likes(word: str) -> Mind:
    """Prefers the answer that has `word`, wherever it stands."""

    def says(body: dict[str, Any]) -> str:
        first, second = asked(body).split("[답변 B]")
        place = "A" if word in first.split("[답변 A]")[1] else "B" if word in second else "비김"
        return f"이유.\n판정: {place}"

    return says


def fill(project: Project, texts: dict[str, list[str]]) -> Comparison:
    """Assistants by name with their answers, one per example."""
    count = len(next(iter(texts.values())))
    project.examples.set_task(TASK)
    project.examples.add([NewExample(variables={"input": f"질문 {at}"}, output=f"모범 {at}") for at in range(count)])
    project.examples.set_split([one.id for one in project.examples.page(limit=count)], "test")
    found = project.examples.page(limit=count)
    ids = []
    for name, answers in texts.items():
        saved = project.assistants.save(name, Assistant(instructions=Instructions(system=name)))
        known = f"{name:0>32}"
        remember(project, saved.assistant, known)
        assert known_fingerprint(project, saved.assistant) == known
        project.answers.add(
            [NewAnswer(known, one.input_key, text, "stop") for one, text in zip(found, answers, strict=True)]
        )
        ids.append(saved.id)
    return compare(project, ids)


def ask(
    project: Project, settings: Settings, judging: Judge, comparison: Comparison, mode: Mode, folder: Path
) -> Progress:
    progress = Progress(RunFolder(folder), RunState())
    host = ModelHost(settings, Endpoints(settings.home))
    try:
        bench = bench_of(project, judging.ref, mode)
        judge(project, Answering(host), bench, cases(comparison, mode, 1000), progress)
    finally:
        host.close()
    return progress


def two_sorts(kind: str, cold: str, count: int) -> dict[str, list[str]]:
    return {"kind": [f"{kind} {at}" for at in range(count)], "cold": [f"{cold} {at}" for at in range(count)]}


def place(comparison: Comparison, name: str) -> int:
    return next(at for at, row in enumerate(comparison.rows) if row.name == name)


def test_both_orders_are_asked_and_the_answer_wins_not_the_place(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(
        project, {"kind": [f"따뜻한 답 {at}" for at in range(10)], "cold": [f"차가운 답 {at}" for at in range(10)]}
    )
    mind["says"] = likes("따뜻한")
    progress = ask(project, settings, judging, found, "pairwise", tmp_path)
    assert (progress.state().done, progress.state().total, len(judging.server.asked)) == (20, 20, 20)
    told = pairwise_result(project, found, place(found, "kind"), place(found, "cold"), judging.ref)
    assert (told.n, told.a, told.b, told.ties, told.unreadable, told.position) == (10, 10, 0, 0, 0, 0.0)
    assert told.difference is not None and told.difference.value == -1.0
    # Ten wins of ten: the sign test's p is 2 / 2^10.
    assert told.difference.p == pytest.approx(2 / 2**10)
    assert told.verdict is not None and told.verdict.outcome == "worse"
    body = json.dumps(judging.server.asked[0], ensure_ascii=False)
    assert "친절하고 정확한 답" in body and "모범" in body and body.count("<<<") == 2
    ask(project, settings, judging, found, "pairwise", tmp_path)
    assert len(judging.server.asked) == 20, "what was judged is not asked again"


def test_a_judge_that_follows_the_place_makes_ties_and_is_shown_to_do_so(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(project, {"one": [f"가 {at}" for at in range(8)], "two": [f"나 {at}" for at in range(8)]})
    mind["says"] = lambda body: "판정: A"
    ask(project, settings, judging, found, "pairwise", tmp_path)
    told = pairwise_result(project, found, 0, 1, judging.ref)
    assert (told.a, told.b, told.ties, told.position) == (0, 0, 8, 1.0)
    assert told.position_interval.low > 0.6


def test_nonsense_is_unreadable_and_never_a_tie(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(project, {"one": ["가", "다", "같다"], "two": ["나", "라", "같다"]})
    mind["says"] = lambda body: "바나나" if "다\n" in asked(body) and "라" in asked(body) else "판정: A"
    progress = ask(project, settings, judging, found, "pairwise", tmp_path)
    told = pairwise_result(project, found, 0, 1, judging.ref)
    assert (told.n, told.ties, told.unreadable) == (2, 2, 1) and progress.state().result == {"unreadable": 2}
    assert len(judging.server.asked) == 4, "two answers of the same words need no judge"
    assert told.position == 1.0, "equal answers say nothing of the place"
    bench = bench_of(project, judging.ref, "pairwise")
    verdicts = sorted(one.verdict for one in judgements(project, bench.judge, bench.rule).values())
    assert verdicts == ["equal", "equal", "first", "first", "unreadable", "unreadable"]


def test_points_are_a_score_with_an_interval(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(project, {"kind": [f"따뜻 {at}" for at in range(12)], "cold": [f"차가움 {at}" for at in range(12)]})
    mind["says"] = lambda body: "점수: 5" if "따뜻" in asked(body) else "점수: 2" if "7" not in asked(body) else "모름"
    ask(project, settings, judging, found, "rubric", tmp_path)
    told = rubric_result(project, found, judging.ref)
    values = {found.rows[at].name: score.value for at, score in enumerate(told.scores)}
    assert values == {"kind": 1.0, "cold": 0.25} and (told.n, told.unreadable) == (11, 1)
    assert told.agreement.trust == "unknown" and told.agreement.needed == ENOUGH
    ids = [row.saved.id for row in found.rows]
    board = compare(project, ids, metric="judge")
    assert (board.metric, board.n) == ("judge", 11), "only what was graded for both"
    assert [(row.name, row.score.value if row.score else None) for row in board.rows] == [("kind", 1.0), ("cold", 0.25)]
    assert board.verdicts[0].outcome == "worse"


def test_without_a_judge_another_metric_ranks(project: Project) -> None:
    found = fill(project, {"one": ["가"], "two": ["나"]})
    assert compare(project, [row.saved.id for row in found.rows], metric="judge").metric == "chrf"


def test_trust_needs_people_who_agree(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    count = ENOUGH + 4
    found = fill(
        project, {"kind": [f"따뜻 {at}" for at in range(count)], "cold": [f"추움 {at}" for at in range(count)]}
    )
    # The judge sees what everybody sees in three of four cases, and takes the other one else.
    mind["says"] = lambda body: likes("따뜻" if "질문 3" not in asked(body) else "추움")(body)
    ask(project, settings, judging, found, "pairwise", tmp_path)
    kind, cold = place(found, "kind"), place(found, "cold")
    assert agreement(project, found, judging.ref, "pairwise").trust == "unknown"
    rated = 0
    while (pair := to_rate(found, kind, cold, ratings(project, "민지"))) is not None:
        _, first, second = pair
        wanted = "따뜻" if rated % 2 else "추움"
        rate(project, "민지", first.id, second.id, "first" if wanted in first.text else "second")
        rated += 1
    assert rated == count
    torn = agreement(project, found, judging.ref, "pairwise")
    assert torn.n == count and torn.trust == "low" and torn.kappa is not None and abs(torn.kappa) < 0.3
    for one in ratings(project, "민지"):
        texts = project.answers.by_id([one.first_id, one.second_id])
        rate(project, "민지", one.first_id, one.second_id, "first" if "따뜻" in texts[one.first_id].text else "second")
    fair = agreement(project, found, judging.ref, "pairwise")
    assert fair.share == pytest.approx((count - 1) / count) and fair.interval.low > 0.7
    assert len(ratings(project)) == count, "the last rating of a pair counts"


def test_agreement_is_cohens_kappa_as_worked_by_hand(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(project, {"kind": [f"따뜻 {at}" for at in range(10)], "cold": [f"추움 {at}" for at in range(10)]})
    mind["says"] = lambda body: likes("따뜻" if asked(body).count("질문 0") == 0 else "추움")(body)
    ask(project, settings, judging, found, "pairwise", tmp_path)
    kind, cold = place(found, "kind"), place(found, "cold")
    # People: kind for the examples 0-5, cold for 6-9. The judge: cold for 0, kind for 1-9.
    for at, example in enumerate(found.examples):
        a, b = found.answers[kind][at], found.answers[cold][at]
        number = int(example.variables["input"].split()[1])
        rate(project, "a", a.id, b.id, "first" if number <= 5 else "second")
    told = agreement(project, found, judging.ref, "pairwise")
    # Agreed 5 of 10; by chance 0.6 * 0.9 + 0.4 * 0.1 = 0.58; kappa = (0.5 - 0.58) / 0.42.
    assert told.share == 0.5 and told.chance == pytest.approx(0.58)
    assert told.kappa == pytest.approx((0.5 - 0.58) / 0.42)


def test_people_are_many_and_the_majority_counts(project: Project) -> None:
    found = fill(project, {"one": ["가"], "two": ["나"]})
    a, b = found.answers[0][0].id, found.answers[1][0].id
    rate(project, "x", a, b, "first")
    rate(project, "y", b, a, "first")
    assert people_say(ratings(project)) == {frozenset((a, b)): None}
    rate(project, "z", b, a, "first")
    assert people_say(ratings(project)) == {frozenset((a, b)): b}
    rate(project, "z", a, b, "both_bad")
    assert people_say(ratings(project)) == {frozenset((a, b)): None}
    with pytest.raises(BadInput):
        rate(project, "z", a, b, "left")  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        rate(project, " ", a, b, "first")
    with pytest.raises(NotFound):
        rate(project, "z", a, 999, "first")


def test_what_cannot_be_judged_is_told_before_it_starts(project: Project, settings: Settings, judging: Judge) -> None:
    found = fill(project, {"one": ["가"], "two": ["나"]})
    runs = Runs(project.runs_folder, settings)
    ids = [row.saved.id for row in found.rows]
    with pytest.raises(BadInput, match="judging_two"):
        start_judging(runs, project, judging.ref, "pairwise", ids[:1])
    with pytest.raises(BadInput, match="judging_count"):
        start_judging(runs, project, judging.ref, "pairwise", ids, n=0)
    fresh = project.assistants.save("fresh", Assistant())
    with pytest.raises(Refused, match="judging_nothing"):
        start_judging(runs, project, judging.ref, "pairwise", [ids[0], fresh.id])
    assert runs.list() == []


def test_a_judging_run_works_in_a_process_of_its_own(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge
) -> None:
    found = fill(project, {"kind": ["따뜻 1", "따뜻 2"], "cold": ["추움 1", "추움 2"]})
    mind["says"] = likes("따뜻")
    runs = Runs(project.runs_folder, settings)
    run = start_judging(runs, project, judging.ref, "pairwise", [row.saved.id for row in found.rows])
    end = time.monotonic() + 120
    while runs.get(run.id).active:
        assert time.monotonic() < end
        time.sleep(0.1)
    over = runs.get(run.id)
    assert (over.state, over.error_key, over.done) == ("succeeded", None, 4), runs.log(run.id)
    assert pairwise_result(project, found, place(found, "kind"), place(found, "cold"), judging.ref).a == 2


def test_points_are_of_one_to_five_and_of_the_task_as_it_is(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(project, {"one": ["가", "다"], "two": ["나", "라"]})
    mind["says"] = lambda body: "점수: 4"
    ask(project, settings, judging, found, "rubric", tmp_path)
    bench = bench_of(project, judging.ref, "rubric")
    for verdict in ("99", "12", "0", "٣", ""):
        first = found.answers[0][0].id
        add_judgements(project, bench.judge, bench.rule, [Judgement(first, None, verdict, {})])
        given = points(project, bench.judge, bench.rule)
        assert first not in given and set(given.values()) == {0.75}, verdict
    add_judgements(project, bench.judge, bench.rule, [Judgement(found.answers[0][0].id, None, "5", {})])
    ids = [row.saved.id for row in found.rows]
    assert compare(project, ids, metric="judge").metric == "judge"
    project.examples.set_task(TASK.model_copy(update={"good": "전혀 다른 기준"}))
    assert compare(project, ids, metric="judge").metric != "judge", "graded by what was asked for before"


def test_what_was_unreadable_of_other_answers_is_not_told(
    project: Project, settings: Settings, mind: dict[str, Mind], judging: Judge, tmp_path: Path
) -> None:
    found = fill(project, {"one": ["가", "다"], "two": ["나", "라"], "other": ["마", "바"]})
    mind["says"] = lambda body: "모름" if "마" in asked(body) else "점수: 4"
    ask(project, settings, judging, found, "rubric", tmp_path)
    assert rubric_result(project, found, judging.ref).unreadable == 1
    two = compare(project, [row.saved.id for row in found.rows if row.name != "other"])
    assert rubric_result(project, two, judging.ref).unreadable == 0
