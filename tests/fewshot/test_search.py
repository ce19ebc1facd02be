"""Find good examples: the plan, the candidates, the real worker killed and resumed, and what is said."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from backend.answering import Answering
from backend.assistants import Assistant, Instructions, Selection
from backend.errors import BadInput, Busy, Refused, StorageProblem
from backend.evaluation.statistics import paired
from backend.evaluation.values import Difference, ExampleScore, Parsed
from backend.evaluation.verdicts import outcome_of as said_of
from backend.examples.example import NewExample, Split
from backend.examples.splits import make_splits, plan_splits
from backend.examples.task import Task
from backend.fewshot.candidates import Budget, identity_of, shot_candidates
from backend.fewshot.halving import LEAST, Halving, better_half, plan_halving, spread_over
from backend.fewshot.outcome import save_candidate
from backend.fewshot.planning import dev_examples
from backend.fewshot.search import outcome_of, plan_search, save_best, start_search, tried_of
from backend.fewshot.trials import Trials
from backend.fewshot.tried import BASE, prepared_in, tried_in
from backend.jobs.folder import RunFolder
from backend.jobs.progress import Progress
from backend.jobs.run import Run, RunState
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server
from tests.fewshot.trying import ONE, PLAIN, TASK, do, fill, kept, remote, reviews, tell, with_shots
from tests.waiting import ended, until

BUDGET = Budget(answers=120, candidates=6, counts=(1, 2), methods=("balanced", "random"))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(words=["긍정"]) as server:
        yield server


# --- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("candidates", [1, 2, 7, 16, 64])
@pytest.mark.parametrize("available", [1, 20, 300])
@pytest.mark.parametrize("budget", [50, 600, 5_000])
def test_a_plan_halves_and_stays_within_its_budget(candidates: int, available: int, budget: int) -> None:
    plan = plan_halving(candidates, available, budget)
    assert plan.answers <= budget and 1 <= plan.candidates <= candidates
    before = (plan.candidates * 2, 0)
    for step in plan.rounds:
        assert step.candidates == -(-before[0] // 2) and before[1] < step.examples <= available
        before = (step.candidates, step.examples)
    assert plan.rounds[0].examples >= min(LEAST, available)


def test_what_fits_is_tried_on_everything_at_once_and_else_each_round_costs_alike() -> None:
    assert [(step.candidates, step.examples) for step in plan_halving(8, 40, 1_000).rounds] == [(8, 40)]
    plan = plan_halving(16, 10_000, 2_000)
    costs = [(16 + 1) * plan.rounds[0].examples] + [
        (after.candidates + 1) * (after.examples - before.examples)
        for before, after in zip(plan.rounds, plan.rounds[1:], strict=False)
    ]
    assert len(costs) == 4 and max(costs) - min(costs) <= 17, "within one example for each, as Karnin et al. have it"
    assert sum(costs) == plan.answers > 1_900


def test_a_budget_for_nothing_still_tries_one() -> None:
    assert plan_halving(9, 100, 1) == Halving((replace(plan_halving(1, LEAST, 100).rounds[0]),))


def simulated(truth: list[float], plan: Halving, base: float, draw: Random) -> tuple[int, list[list[bool]], list[bool]]:
    """A search in which candidate i is right with chance truth[i]: the winner's place, and everybody's answers."""
    answers = [[draw.random() < chance for _ in range(plan.examples)] for chance in truth]
    field = list(range(len(truth)))
    for step, after in zip(plan.rounds, [*plan.rounds[1:], None], strict=True):
        if after is not None:
            field = better_half(field, after.candidates, lambda at, n=step.examples: sum(answers[at][:n]))  # type: ignore[misc]
    return max(field, key=lambda at: sum(answers[at])), answers, [draw.random() < base for _ in range(plan.examples)]


def test_halving_finds_better_ones_than_an_even_budget() -> None:
    draw, budget = Random(5), 400
    plan, even = plan_halving(16, 1_000, budget), budget // 16
    halved, evenly = [], []
    for _ in range(400):
        truth = [draw.betavariate(8, 4) for _ in range(16)]
        halved.append(truth[simulated(truth, plan, 0.5, draw)[0]])
        told = [sum(draw.random() < chance for _ in range(even)) for chance in truth]
        evenly.append(truth[told.index(max(told))])
    assert fmean(halved) > fmean(evenly) + 0.005


def test_the_best_of_many_that_are_all_alike_is_rarely_called_better() -> None:
    """The winner's curse: uncorrected, the best of 16 would be called better far too often."""
    draw, plan = Random(7), plan_halving(16, 100, 900)
    corrected = raw = 0
    for _ in range(300):
        winner, answers, base = simulated([0.7] * 16, plan, 0.7, draw)
        told = Counter(zip(base, answers[winner], strict=True))
        pair = compared(told[True, False], told[False, True], plan.examples)
        raw += said_of(pair) == "better"
        corrected += said_of(replace(pair, p_corrected=min(1.0, pair.p * 16))) == "better"
    assert corrected <= 0.05 * 300 < raw


@cache
def compared(a_only: int, b_only: int, n: int) -> Difference:
    """Of n examples, so many that only one of two had right."""
    right = [(True, False)] * a_only + [(False, True)] * b_only + [(True, True)] * (n - a_only - b_only)
    scored = [
        [ExampleScore(Parsed("긍정", "metrics.rule.label"), {"accuracy": float(one)}) for one in side]
        for side in zip(*right, strict=True)
    ]
    return paired("accuracy", *scored)


def test_any_first_few_examples_hold_the_labels_as_the_whole_does() -> None:
    whole = ["a"] * 80 + ["b"] * 20
    spread = spread_over((one, one) for one in whole)
    assert Counter(spread) == Counter(whole)
    for count in range(5, 101):
        assert abs(spread[:count].count("b") - count * 0.2) <= 1


# --- the candidates ---------------------------------------------------------------------------------------------------


def test_candidates_differ_in_way_size_and_order_and_are_the_same_each_time() -> None:
    pool = reviews()[:40]
    budget = Budget(counts=(2, 4), methods=("balanced", "diverse", "random"))
    found = shot_candidates(with_shots(PLAIN, ONE), pool, 24, budget)
    assert found == shot_candidates(with_shots(PLAIN, ONE), pool, 24, budget)
    base, zero, *drawn = found
    assert base.assistant == with_shots(PLAIN, ONE) and zero.assistant == PLAIN and len(drawn) == 23
    assert len({identity_of(one.assistant.examples.shots) for one in found}) == 25
    sizes = [len(one.assistant.examples.shots) for one in drawn]
    assert sizes == sorted(sizes) and set(sizes) == {2, 4}
    assert {one.about.key.split(".")[-1] for one in drawn} >= {"balanced", "diverse", "random", "balanced_reordered"}
    sets = Counter(frozenset(shot.variables["input"] for shot in one.assistant.examples.shots) for one in drawn)
    assert max(sets.values()) >= 2, "some sets come in two orders"
    for one in drawn:
        labels = Counter(shot.output for shot in one.assistant.examples.shots)
        assert not one.about.key.startswith("search.tried.balanced") or len(set(labels.values())) == 1


def test_a_small_pool_gives_what_it_has() -> None:
    pool = reviews()[:2]
    found = shot_candidates(PLAIN, pool, 50, Budget(counts=(1, 2, 64), methods=("random",)))
    assert len(found) == 1 + 2 + 2, "each alone, and both in two orders"
    assert [one.name for one in found] == [BASE, "c01", "c02", "c03", "c04"]


def test_nearest_can_be_among_them() -> None:
    found = shot_candidates(PLAIN, reviews()[:20], 4, Budget(counts=(2, 4), methods=("nearest_bm25",)))
    chosen = [one.assistant.examples.selection for one in found[1:]]
    assert {(one.count, one.order) for one in chosen if one} == {
        (2, "nearest_last"),
        (4, "nearest_last"),
        (2, "nearest_first"),
        (4, "nearest_first"),
    }


# --- before it starts -------------------------------------------------------------------------------------------------


def test_what_is_missing_is_said_before_anything_runs(project: Project, runs: Runs) -> None:
    def refused() -> str:
        with pytest.raises((Refused, BadInput)) as fault:
            start_search(runs, project, PLAIN)
        with pytest.raises((Refused, BadInput), match=fault.value.key):
            plan_search(project, PLAIN)
        return fault.value.key

    assert refused() == "error.search_no_task"
    project.examples.set_task(TASK)
    assert refused() == "error.search_no_dev"
    project.examples.add(reviews()[:4])
    ids = [one.id for one in project.examples.page()]
    project.examples.set_split(ids[:2], "dev")
    assert refused() == "error.search_no_train"
    project.examples.set_split(ids[2:], "train")
    other = PLAIN.model_copy(update={"instructions": Instructions(template="{context} {input}")})
    with pytest.raises(BadInput, match="search_variables") as fault:
        start_search(runs, project, other)
    assert fault.value.details == {"missing": "{context}", "known": "{input}"}
    assert plan_search(project, PLAIN).seconds is None and runs.list() == []


def test_dev_examples_come_in_one_order_each_input_once(project: Project) -> None:
    fill(project, 10, 40)
    twice = next(iter(project.examples.each("dev", "tune")))
    project.examples.add([NewExample(variables=twice.variables, output="부정" if twice.output == "긍정" else "긍정")])
    project.examples.set_split([one.id for one in project.examples.page(limit=99) if one.split is None], "dev")
    found = dev_examples(project, TASK, 99, seed=3)
    assert len(found) == len({one.input_key for one in found}) == 40
    assert found == dev_examples(project, TASK, 99, seed=3) != dev_examples(project, TASK, 99, seed=4)
    assert found[:7] == dev_examples(project, TASK, 7, seed=3)


# --- the work ---------------------------------------------------------------------------------------------------------


def test_the_practice_model_searches_and_the_best_is_a_version(
    project: Project, resting: Runs, settings: Settings
) -> None:
    fill(project, 40, 24, 20)
    base = with_shots(PLAIN, ONE)
    saved = project.assistants.save("영화평", base)
    budget = Budget(answers=110, candidates=5, counts=(2,), methods=("balanced", "random"))
    run = start_search(resting, project, base, budget, saved.id)
    progress = do(run, settings)
    plan, outcome = plan_search(project, base, budget), outcome_of(run)
    state = progress.state()
    assert (state.done, state.total, state.unit) == (plan.answers, plan.answers, "answers") and plan.answers <= 110
    assert plan.seconds is not None and 0 < plan.seconds < 600, "measured by this run"
    assert outcome is not None and outcome.tried == 5 and outcome.answers == plan.answers == len(kept(project))
    assert outcome.base.name == BASE and outcome.best.examples == outcome.base.examples == plan.examples

    tried = tried_of(run)
    assert sorted(one.name for one in tried) == [BASE, "c01", "c02", "c03", "c04", "c05"]
    assert Counter(one.round for one in tried) == {len(plan.rounds): 1 + plan.rounds[-1].candidates, 1: 5 - 3 + 0, 2: 1}
    final = [one for one in tried if one.round == len(plan.rounds)]
    assert outcome.best.score.value == max(one.score.value for one in final)
    assert all(one.score.n == one.examples and one.score.interval.method == "wilson" for one in tried)

    prepared = prepared_in(run.output)
    assert prepared is not None
    test = {one.input_key for one in project.examples.each("test", "look")}
    assert len(test) == 20 and not test & {key for _, key in kept(project)}, "the test split was not asked"
    shown = {shot.variables["input"] for one in prepared.candidates for shot in one.assistant.examples.shots}
    assert shown - {ONE.variables["input"]} <= {one.text() for one in project.examples.each("train", "look")}
    if outcome.better:
        best = save_best(project, run, tell)
        assert (best.name, best.parent_id, best.number) == ("영화평", saved.id, 2)
        assert best.assistant.examples == prepared.candidate(outcome.best.name).assistant.examples
        assert "'tried': 5" in best.note and "search.caution" in best.note
        said = outcome.verdict("old", "new")
        assert said is not None and said.difference.p_corrected is not None
    else:
        with pytest.raises(BadInput, match="search_nothing_better"):
            save_best(project, run, tell)

    before = kept(project)
    again = start_search(resting, project, base, budget, saved.id)
    second = do(again, settings)
    assert second.state().done == plan.answers and kept(project) == before, "the same search costs nothing"
    assert tried_in(again.output) == tried_in(run.output)


def test_a_shot_that_nearly_stands_in_the_test_split_is_not_drawn(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 3, 8, 4)
    twin = next(iter(project.examples.each("test", "look"))).text()
    project.examples.add([NewExample(variables={"input": twin + "!"}, output="긍정")])
    project.examples.set_split([one.id for one in project.examples.page(limit=99) if one.split is None], "train")
    base = remote(settings, server.url)
    budget = Budget(answers=99, candidates=8, counts=(1, 2, 3), methods=("random",))
    run = start_search(resting, project, base, budget)
    do(run, settings)
    prepared = prepared_in(run.output)
    assert prepared is not None and len(prepared.candidates) == 9
    shots = [shot for one in prepared.candidates for shot in one.assistant.examples.shots]
    assert shots and twin + "!" not in {shot.variables["input"] for shot in shots}


def test_failed_answers_count_as_wrong_and_are_told(
    project: Project, resting: Runs, settings: Settings, tiny: Path
) -> None:
    from backend.models.installed import add_folder

    fill(project, 12, 6)
    one = next(iter(project.examples.each("train", "look")))
    project.examples.edit(one.id, one.revision, variables={"input": "길다 " * 2_000})
    base = PLAIN.model_copy(update={"model": add_folder(settings, str(tiny))})
    budget = Budget(answers=99, candidates=2, counts=(12,), methods=("random",))
    run = start_search(resting, project, base, budget)
    do(run, settings)
    tried = {one.name: one for one in tried_of(run)}
    assert tried[BASE].failed == 0
    assert (tried["c01"].failed, tried["c01"].score.value, tried["c01"].score.unreadable) == (6, 0.0, 6)


# --- the real worker --------------------------------------------------------------------------------------------------


def lines(run: Run) -> list[dict[str, object]]:
    path = run.output / "tried.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def test_stopped_killed_and_resumed_it_asks_nothing_twice(
    project: Project, runs: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 30, 30)
    server.mood, server.pause_s = "slow", 0.15
    run = start_search(runs, project, remote(settings, server.url), BUDGET)
    plan = plan_search(project, PLAIN, BUDGET)
    assert plan.candidates == 5 and 100 < plan.answers <= 120, "six would have too few examples each to begin with"

    until(lambda: len(kept(project)) >= 15)
    runs.stop(run.id)
    assert ended(runs, run).state == "stopped"
    frozen, first = (run.output / "plan.json").read_bytes(), kept(project)
    with pytest.raises(Busy, match="search_unfinished"):
        save_best(project, runs.get(run.id), tell)
    runs.resume(run.id)
    until(lambda: len(kept(project)) >= 60)
    before, told = set(kept(project)), lines(run)
    process = RunFolder(run.folder).process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: runs.get(run.id).state == "interrupted")
    assert set(first) <= before <= set(kept(project)), "what was kept stays"
    runs.resume(run.id)
    over = ended(runs, run)
    assert (over.state, over.error_key, over.done, over.total) == ("succeeded", None, plan.answers, plan.answers)
    assert len(kept(project)) == plan.answers and set(Counter(kept(project)).values()) == {1}
    # Asked again is at most what was under way at the stop, and at the kill with the half second before it.
    assert plan.answers <= len(server.asked) <= plan.answers + 60
    assert (run.output / "plan.json").read_bytes() == frozen and lines(run)[: len(told)] == told
    places = Counter((line["round"], line["name"], line["kept"]) for line in lines(run))
    assert set(places.values()) == {1}, "no line twice"
    outcome = outcome_of(over)
    assert outcome is not None and not outcome.better and outcome.base.score.value == outcome.best.score.value
    with pytest.raises(BadInput, match="search_nothing_better"):
        save_best(project, over, tell)


def test_broken_files_are_told(project: Project, resting: Runs, settings: Settings, server: ChatServer) -> None:
    fill(project, 10, 8)
    run = start_search(resting, project, remote(settings, server.url), BUDGET)
    do(run, settings)
    with (run.output / "tried.jsonl").open("a") as file:
        file.write('{"name": "c01", "round"')
    assert len(tried_of(run)) == 7
    (run.output / "outcome.json").write_text("{}")
    with pytest.raises(StorageProblem, match="search_files"):
        outcome_of(run)


def test_a_config_from_elsewhere_is_refused(project: Project, resting: Runs, settings: Settings) -> None:
    fill(project, 5, 5)
    with pytest.raises(StorageProblem, match="search_files"):
        do(resting.submit("fewshot_search", {"assistant": {"model": 5}}), settings)


def test_tasks_that_need_a_judge_are_searched_by_what_can_be_counted() -> None:
    from backend.fewshot.planning import metric_of

    assert metric_of(Task(kind="summarising", metric="judge")) == "rouge_l"
    assert metric_of(Task(kind="translation", metric="bleu")) == "bleu"


def test_the_kept_selection_says_how_it_was_drawn() -> None:
    one = shot_candidates(Assistant(), reviews()[:9], 1, Budget(counts=(3,), methods=("random",), seed=4))[1]
    assert one.assistant.examples.selection == Selection(method="random", count=3, seed=4)


# --- splits that are made anew ----------------------------------------------------------------------------------------


def split_anew(project: Project, test: list[int]) -> None:
    """These become the test split, the rest dev and train, and the splits are made."""
    store = project.examples
    plan = plan_splits(store, seed=5)
    rest = [one.id for one in store.page(limit=999) if one.id not in test]
    sides: dict[Split, tuple[int, ...]] = {"test": tuple(test), "dev": tuple(rest[:8]), "train": tuple(rest[8:])}
    make_splits(store, replace(plan, sides=sides), anew=True)


def test_a_search_is_not_resumed_on_splits_that_were_made_anew(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 12, 8, 10)
    split_anew(project, [one.id for one in project.examples.each("test", "look")])
    run = start_search(resting, project, remote(settings, server.url), BUDGET)
    do(run, settings)
    asked = len(server.asked)
    do(run, settings)
    assert len(server.asked) == asked, "resumed on the same splits, and nothing was missing"
    split_anew(project, [one.id for one in project.examples.each("dev", "look")])
    with pytest.raises(Refused, match="search_splits_anew"):
        do(run, settings)
    assert len(server.asked) == asked


def test_a_candidate_whose_examples_are_test_examples_by_now_is_not_saved(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 12, 8, 10)
    run = start_search(resting, project, remote(settings, server.url), BUDGET)
    do(run, settings)
    prepared = prepared_in(run.output)
    assert prepared is not None
    chosen = next(one for one in prepared.candidates if one.assistant.examples.shots)
    shown = {shot.variables["input"] for shot in chosen.assistant.examples.shots}
    split_anew(project, [one.id for one in project.examples.each("train", "look") if one.text() in shown])
    with pytest.raises(Refused, match="search_leak") as fault:
        save_candidate(project, run, tell, candidate=chosen.name)
    assert fault.value.details["count"] == len(shown) and project.assistants.list() == []
    free = [one for one in prepared.candidates if one.name != BASE and not shown & _inputs(one.assistant)]
    for one in free[:1]:
        assert save_candidate(project, run, tell, candidate=one.name).number == 1


def _inputs(assistant: Assistant) -> set[str]:
    return {shot.variables["input"] for shot in assistant.examples.shots}


def test_an_answer_that_another_run_has_forgotten_is_one_that_failed(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 12, 8)
    run = start_search(resting, project, remote(settings, server.url), BUDGET)
    do(run, settings)
    prepared, host = prepared_in(run.output), ModelHost(settings, Endpoints(settings.home))
    assert prepared is not None
    trials = Trials(
        project, Answering(host), host.where, prepared, run.output, Progress(RunFolder(run.folder), RunState())
    )
    trials._score(prepared.candidate(BASE), prepared.examples[:3], "nobody answered under this name")
    host.close()
    assert [one.parsed.rule for one in trials.scores(BASE)] == ["metrics.rule.failed"] * 3
