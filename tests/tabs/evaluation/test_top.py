"""The choice, what is lacking, the verdict and the leaderboard, on real answers without a browser."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr
import pytest

from backend.assistants import Assistant, Examples, ModelRef
from backend.errors import BadInput
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.identity import fingerprint
from backend.evaluation.perplexity import Perplexity
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import end_processes
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.services import Services
from tabs import plots
from tabs.evaluation import board, build, running, verdict_views
from tabs.evaluation import choice as choices
from tabs.evaluation.choice import Choice
from tabs.evaluation.cutting import read_pairs
from tabs.evaluation.desk import Desk
from tabs.evaluation.opening import Opening
from tabs.evaluation.standing import lack_view, standing
from tabs.session import Session
from tabs.text import Words
from tests.tabs.evaluation.conftest import answer

MOST_COMPONENTS = 65
"""Four of them are "Which method next?", which needs neither answers nor examples; one asks for the perplexity."""


@pytest.fixture
def comparison(services: Services, answered: Project, saved: tuple[SavedAssistant, ...]) -> Comparison:
    return compare(answered, [saved[0].id, saved[1].id], where=services.host.where)


def test_the_tab_stays_light_and_no_event_is_left_at_its_default(services: Services, words: Words) -> None:
    with gr.Blocks() as page:
        place = Session(
            project_id=gr.State(""), project=gr.Dropdown(), tray=gr.Timer(5), seen=gr.State(""), opened=gr.State(0)
        )
        before = len(page.blocks)
        build(services, words, place)
        layouts = (gr.State, gr.Row, gr.Column, gr.Group, gr.Tab, gr.Tabs)
        mounted = [block for block in page.blocks.values() if not isinstance(block, layouts)]
        assert len(mounted) - before <= MOST_COMPONENTS
        for function in page.fns.values():
            assert function.fn is None or function.concurrency_limit is None, function.name
            assert function.api_visibility == "private"


# --- what is lacking --------------------------------------------------------------------------------------------------


def test_each_state_on_the_way_says_what_comes_next(bare: Project) -> None:
    assert standing(bare, "test").lack == "no_examples"
    bare.examples.add([NewExample(variables={"input": "가"}, output="나")])
    assert standing(bare, "test").lack == "no_task"
    bare.examples.set_task(Task())
    assert standing(bare, "test").lack == "no_split"
    bare.examples.set_split([bare.examples.page()[0].id], "test")
    assert standing(bare, "dev").lack == "empty_split"
    assert standing(bare, "test").lack == "no_assistants"
    bare.assistants.save("하나", Assistant())
    assert standing(bare, "test").lack is None and standing(bare, "test").examples == 1


@pytest.mark.parametrize("lack", ["no_task", "no_examples", "no_split", "empty_split", "no_assistants"])
def test_every_lack_has_a_button_that_goes_there(words: Words, lack: Any) -> None:
    told = lack_view(words, lack)
    assert 'data-do="go"' in told and words.t(f"compare.{lack}_hint") in told
    assert f'data-what="{"playground" if lack == "no_assistants" else "fewshot"}"' in told


# --- the choice -------------------------------------------------------------------------------------------------------


def test_the_latest_version_of_each_name_is_chosen_to_begin_with(project: Project) -> None:
    project.assistants.save("하나", Assistant())
    latest = project.assistants.save("하나", Assistant())
    other = project.assistants.save("둘", Assistant())
    assert set(choices.sensible(project).assistants) == {latest.id, other.id}
    assert len(choices.offered(project, older=True)) == 3
    assert len(choices.offered(project, older=False)) == 2


def test_dev_examples_are_chosen_where_there_are_no_test_examples(bare: Project) -> None:
    assert choices.sensible(bare).split == "test", "nothing is there at all"
    bare.examples.add([NewExample(variables={"input": text}, output="나") for text in "가다"])
    one, two = (example.id for example in bare.examples.page())
    bare.examples.set_split([one], "dev")
    assert choices.sensible(bare).split == "dev" and standing(bare, "dev").lack != "empty_split"
    bare.examples.set_split([two], "test")
    assert choices.sensible(bare).split == "test"


def test_a_choice_is_kept_in_the_project_and_forgets_what_is_gone(project: Project) -> None:
    one, two = project.assistants.save("하나", Assistant()), project.assistants.save("둘", Assistant())
    choices.keep(project, Choice((one.id, two.id, 999), "dev", 20, "macro_f1", "tokens"))
    found = choices.sensible(project)
    assert found == Choice((one.id, two.id), "dev", 20, "macro_f1", "tokens")


def test_nobody_chosen_stays_nobody_chosen(project: Project) -> None:
    project.assistants.save("하나", Assistant())
    choices.keep(project, Choice(()))
    assert choices.sensible(project).assistants == ()


def test_a_metric_of_another_task_falls_back_to_the_tasks_own(project: Project) -> None:
    choices.keep(project, Choice((1,), metric="chrf"))
    assert choices.sensible(project).metric == "accuracy"
    project.examples.set_task(Task(kind="summarising", metric="judge"))
    assert choices.sensible(project).metric == "chrf"
    choices.keep(project, Choice((1,), metric="bleu"))
    assert choices.sensible(project).metric == "rouge_l"


@pytest.mark.parametrize("limit", [None, 0, -3, "x", 1e12])
def test_what_no_widget_holds_falls_back(limit: object) -> None:
    form = {"assistants": [3, "4", "x", None], "split": "train", "limit": limit, "metric": "beauty", "cost": "money"}
    assert choices.read(form) == Choice((3, 4))


# --- the verdict ------------------------------------------------------------------------------------------------------


def test_a_clear_difference_is_said_in_one_sentence(words: Words, comparison: Comparison) -> None:
    told = verdict_views.verdict_view(words, comparison, Choice())
    verdict = comparison.verdicts[0]
    assert verdict.outcome == "worse" and verdict.difference.n == 60
    assert "예시 &lt;둘&gt;" in told and "<둘>" not in told
    assert "cp-open" not in told, "a settled verdict is not drawn like an open one"
    assert words.t("compare.dev_note") not in told


def test_what_the_data_does_not_carry_is_not_said(
    words: Words, services: Services, answered: Project, saved: tuple[SavedAssistant, ...]
) -> None:
    few = compare(answered, [saved[0].id, saved[1].id], limit=8, where=services.host.where)
    told = verdict_views.verdict_view(words, few, Choice())
    assert few.verdicts[0].outcome == "not_distinguishable" and "cp-open" in told
    assert words.t("compare.practice") in told and 'data-what="models"' in told


def test_an_assistant_that_beats_no_constant_answer_is_told_so(
    words: Words, services: Services, answered: Project, saved: tuple[SavedAssistant, ...]
) -> None:
    alone = compare(answered, [saved[0].id], where=services.host.where)
    assert alone.rows[0].score is not None and alone.rows[0].score.value == 0.4
    assert verdict_views.constant(alone) == ("부정", 0.5)
    told = verdict_views.verdict_view(words, alone, Choice(split="dev"))
    assert words.t("compare.majority", label="부정", share="50") in told
    assert words.t("compare.dev_note") in told
    assert words.t("compare.based_one", split=words.t("compare.split_name_dev"), n=60) in told


def test_the_better_one_is_above_a_constant_answer(comparison: Comparison) -> None:
    assert verdict_views.constant(comparison) is None and not verdict_views.weak_model(comparison)


# --- the leaderboard --------------------------------------------------------------------------------------------------


def test_the_board_stands_best_first_with_every_interval(words: Words, comparison: Comparison) -> None:
    told = board.board_view(words, comparison, {})
    assert told.index("<b>예시 &lt;둘&gt; v1") < told.index("<b>지시문 v1")
    assert '<span class="cp-figure">90</span>' in told and '<span class="cp-figure">40</span>' in told
    assert told.count("cp-whisker") == 3  # two scores and one difference
    assert words.t("compare.unreadable_count", count=6) in told
    assert words.t("compare.outcome_worse") in told and words.t("compare.best") in told
    assert words.t("metrics.about.accuracy") in told.replace("&#x27;", "'")


def test_band_and_lost_model_are_told_beside_the_score(words: Words, comparison: Comparison) -> None:
    first = comparison.rows[0].saved.id
    told = board.board_view(words, comparison, {first: board.Beside((0.7, 0.95), True)})
    assert "cp-band" in told and words.t("compare.band_line", low="70", high="95") in told
    assert words.t("compare.model_gone") in told


def test_one_that_was_not_evaluated_is_listed_without_a_score(
    words: Words, services: Services, answered: Project, saved: tuple[SavedAssistant, ...]
) -> None:
    found = compare(answered, [one.id for one in saved], where=services.host.where)
    told = board.board_view(words, found, {})
    assert found.n == 60 and words.t("compare.left_out") in told and words.t("compare.missing", count=60) in told
    assert words.t("compare.some_left_out") in verdict_views.verdict_view(words, found, Choice())


def test_the_scatter_leaves_out_what_was_not_measured(comparison: Comparison) -> None:
    marks = board.scatter_marks(comparison.rows, "latency")
    assert [mark.value for mark in marks] == [90, 40]
    assert all(mark.low < mark.value < mark.high for mark in marks)
    assert board.scatter_marks(comparison.rows, "memory") == []
    assert [mark.cost for mark in board.scatter_marks(comparison.rows, "tokens")] == [76, 46]
    assert [mark.cost for mark in board.scatter_marks(comparison.rows, "making")] == [0, 0]


def test_a_perplexity_stands_under_the_score_only_where_one_was_measured(words: Words, comparison: Comparison) -> None:
    name = words.t("compare.perplexity_name")
    assert name not in board.board_view(words, comparison, {})
    told = {"n": 60, "tokens": 300, "left_out": 0, "split": "test", "basis": "x", "end": True}
    found = Perplexity.model_validate({"value": 12.345, "low": 9.0, "high": 1234.5, **told})
    model = ModelRef(kind="endpoint", name="large", endpoint="a")
    remote = replace(comparison.rows[1].saved, assistant=Assistant(model=model))
    rows = (replace(comparison.rows[0], perplexity=found), replace(comparison.rows[1], saved=remote))
    shown = board.board_view(words, replace(comparison, rows=rows), {})
    line = words.t("compare.perplexity_line", value="12.35", low="9.00", high="1,234", count=60)
    assert f"<small>{line}</small>" in shown and escape(words.t("compare.about_perplexity")) in shown
    assert shown.count(escape(words.t("compare.perplexity_endpoint"))) == 1


def test_the_perplexity_is_measured_only_where_it_is_ticked(
    desk: Desk, answered: Project, saved: tuple[SavedAssistant, ...], visitor: gr.Request
) -> None:
    assert Choice().perplexity is False and choices.read({"perplexity": "yes"}).perplexity is False
    opening = Opening(desk, [])
    assert opening.restore(answered.id, visitor)[desk.view.perplexity] is False
    form = {"assistants": [saved[0].id], "split": "test", "limit": None, "perplexity": True}
    opening.start(answered.id, {}, visitor, **form)
    (run,) = desk.runs(answered).list()
    assert RunFolder(run.folder).read_config().config["perplexity"] is True
    end_processes(RunFolder(run.folder))
    assert opening.restore(answered.id, visitor)[desk.view.perplexity] is True


# --- the handlers -----------------------------------------------------------------------------------------------------


def test_the_page_is_drawn_at_once_and_again_only_when_something_happened(
    desk: Desk, answered: Project, saved: tuple[SavedAssistant, ...], visitor: gr.Request
) -> None:
    opening, view = Opening(desk, []), desk.view
    drawn = opening.restore(answered.id, visitor)
    assert drawn[view.figures]["visible"] is True and drawn[view.start]["interactive"] is True
    assert desk.words.t("compare.some_left_out") in drawn[view.verdict]
    followed = opening.follow(answered.id, drawn[view.stamp], {}, visitor)
    assert set(followed) == {view.runs}
    answered.examples.remove([answered.examples.page()[0].id])
    assert opening.follow(answered.id, drawn[view.stamp], {}, visitor)[view.board]


def test_a_comparison_is_computed_once_for_each_state(
    desk: Desk, answered: Project, saved: tuple[SavedAssistant, ...]
) -> None:
    choice = desk.choice(answered)
    first = desk.comparison(answered, choice)
    assert first is not None and desk.comparison(answered, choice) is first
    answered.examples.tag([answered.examples.page()[0].id], "새")
    assert desk.comparison(answered, choice) is not first


def test_an_empty_project_is_told_what_to_do(desk: Desk, bare: Project, visitor: gr.Request) -> None:
    drawn = Opening(desk, []).restore(bare.id, visitor)
    assert desk.words.t("compare.no_examples") in drawn[desk.view.verdict]
    assert drawn[desk.view.figures]["visible"] is False and drawn[desk.view.start]["interactive"] is False


def test_nothing_starts_without_an_assistant(
    desk: Desk, project: Project, saved: tuple[SavedAssistant, ...], visitor: gr.Request
) -> None:
    with pytest.raises(BadInput) as fault:
        Opening(desk, []).start(project.id, {}, visitor, assistants=[], split="test", limit=None)
    assert fault.value.key == "error.compare_none"


def test_the_plan_counts_what_is_kept(desk: Desk, answered: Project, saved: tuple[SavedAssistant, ...]) -> None:
    opening = Opening(desk, [])
    both = Choice((saved[0].id, saved[1].id))
    assert desk.words.t("compare.plan_done", total=120) in opening.plan(answered, both)
    told = opening.plan(answered, Choice((saved[0].id, saved[2].id), limit=20))
    assert desk.words.t("compare.plan", examples=20, assistants=2, total=40, kept=20, left=20) in told
    assert desk.words.t("compare.plan_few", examples=20) in told


def test_what_an_assistant_cannot_be_asked_is_said_before_it_starts(
    desk: Desk, project: Project, visitor: gr.Request
) -> None:
    from backend.assistants import Instructions

    other = project.assistants.save("다른 변수", Assistant(instructions=Instructions(template="{question}")))
    told = Opening(desk, []).plan(project, Choice((other.id,)))
    assert "cp-bad" in told and "{question}" in told


# --- runs -------------------------------------------------------------------------------------------------------------


def run(project: Project, **fields: Any) -> Run:
    told = {"id": "a", "kind": "evaluation", "title": "둘", "state": "running", "created": 1.0}
    return Run(**{**told, "folder": project.folder, **fields})


def test_only_runs_of_this_tab_that_can_be_tended_are_listed(words: Words, project: Project) -> None:
    working, done = run(project, done=5, total=10), run(project, id="b", state="succeeded")
    assert 'data-what="project/a"' in running.runs_view(words, [working, done, run(project, id="c", kind="batch")])
    assert running.runs_view(words, [done]) == ""
    stopped = run(project, id="d", state="stopped")
    assert running.shown_runs([stopped, done]) == [stopped]
    assert running.shown_runs([done, stopped]) == [], "a later one went well"


def test_the_stamp_stands_still_while_a_run_moves_on(project: Project) -> None:
    assert running.stamp([run(project, done=1)]) == running.stamp([run(project, done=2)])
    assert running.stamp([run(project)]) != running.stamp([run(project, state="succeeded")])
    assert running.stamp([run(project, kind="batch")]) == running.stamp([])


def test_only_answers_of_those_compared_count_as_missing(
    words: Words, services: Services, answered: Project, saved: tuple[SavedAssistant, ...]
) -> None:
    found = compare(answered, [saved[0].id, saved[2].id], where=services.host.where)
    told = verdict_views.caveats(words, found, Choice())
    assert words.t("compare.some_left_out") in told
    assert words.t("compare.partly", missing=60, n=60) not in told


def test_a_changed_task_and_every_undo_make_the_comparison_anew(
    desk: Desk, answered: Project, saved: tuple[SavedAssistant, ...]
) -> None:
    stamps = [desk.state(answered)]
    task = answered.examples.task()
    assert task is not None
    answered.examples.set_task(task.model_copy(update={"labels": ("좋음", "나쁨")}))
    stamps.append(desk.state(answered))
    first, second, third = answered.examples.page(limit=3)
    for one in (first, second, third):
        answered.examples.tag([one.id], "새")
    stamps.append(desk.state(answered))
    for _ in range(3):
        answered.examples.undo()
        stamps.append(desk.state(answered))
    assert len(set(stamps)) == len(stamps)
    answered.examples.set_task(task)
    choice = desk.choice(answered)
    before = desk.comparison(answered, choice)
    answered.examples.set_task(task.model_copy(update={"labels": ("좋음", "나쁨")}))
    after = desk.comparison(answered, desk.choice(answered))
    assert before is not None and after is not None and after is not before and after.task.labels == ("좋음", "나쁨")


def test_shots_among_the_measured_examples_are_told_by_name(
    words: Words, services: Services, answered: Project, saved: tuple[SavedAssistant, ...], comparison: Comparison
) -> None:
    assert verdict_views.seen_before(comparison) == []
    known = answered.examples.page(limit=2)
    shots = Examples(shots=tuple(one.shot() for one in known))
    leaking = answered.assistants.save("새는 것", saved[1].assistant.model_copy(update={"examples": shots}))
    print_of = fingerprint(leaking.assistant, services.host.where)
    answered.answers.add([answer(print_of, one, 0, 54) for one in answered.examples.page(limit=60)])
    found = compare(answered, [saved[0].id, leaking.id], where=services.host.where)
    told = verdict_views.caveats(words, found, Choice())
    assert words.t("compare.seen_before", name="새는 것", count=2) in told


@pytest.mark.parametrize(
    "note", [{"assistants": 5}, {"assistants": [10**30, None, "x", 1]}, {"split": [], "limit": "a"}]
)
def test_a_choice_from_elsewhere_is_read_as_far_as_it_makes_sense(project: Project, note: dict[str, Any]) -> None:
    project.set_note(choices.NOTE, note)
    kept = choices.kept(project)
    assert kept is not None and set(kept.assistants) <= {1} and kept.split == "test"
    assert choices.sensible(project).metric == "accuracy"


@pytest.mark.parametrize("note", [5, [[1]], [["a"]], {"a": 1}, [["a", 2]], [["", "b"]]])
def test_swapped_words_from_elsewhere_that_are_no_words_are_left_out(note: object) -> None:
    assert read_pairs(note) == []
    assert read_pairs([["그", "그녀"], note]) == [("그", "그녀")]


def test_a_name_is_no_link_in_the_plot() -> None:
    name = '<a href="https://x">이</a>'
    figure = plots.scatter([plots.Mark(name, 1.0, 50.0, 40.0, 60.0)], "across", "up")
    told = [figure.data[0].name, *figure.data[0].text]
    assert all("<" not in one and "&lt;" in one for one in told)
