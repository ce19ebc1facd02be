"""Find good instructions: the studio's wordings, what a model proposes and what of it is tried, through real runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from backend.assistants import Assistant, Instructions, ModelRef
from backend.errors import BadInput, Unavailable
from backend.examples.task import LABELLED, METRICS, Task, TaskKind
from backend.fewshot.instructions import (
    InstructionBudget,
    outcome_of,
    plan_instructions,
    save_best_instructions,
    skipped_of,
    start_instructions,
    tried_of,
)
from backend.fewshot.proposing import look_at, prompts_for
from backend.fewshot.tried import BASE, prepared_in
from backend.fewshot.wordings import language_of, wordings
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.prompts.templates import render, variables
from backend.prompts.unwrapping import tidied
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server
from tests.fewshot.trying import ONE, PLAIN, TASK, do, fill, kept, remote, reviews, tell, with_shots


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(words=["긍정"]) as server:
        yield server


def proposer_at(settings: Settings, url: str) -> ModelRef:
    endpoint = Endpoints(settings.home).add("proposer", url, "sk-very-secret")
    return ModelRef(kind="endpoint", name="strong-model", endpoint=endpoint.id)


# --- the studio's wordings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("kind", get_args(TaskKind))
@pytest.mark.parametrize("inputs", [("input",), ("context", "input"), ("본문",)])
def test_every_kind_of_task_has_wordings_that_take_its_inputs(
    kind: TaskKind, language: str, inputs: tuple[str, ...]
) -> None:
    labels = ("좋음{x}", "나쁨") if kind in LABELLED or kind == "entities" else ()
    task = Task(kind=kind, labels=labels, metric=METRICS[kind][0], inputs=inputs)
    found = wordings(task, "ko" if language == "ko" else "en")
    assert len(found) >= 3 and len(set(found)) == len(found)
    for one in found:
        assert set(variables(one.template)) == set(inputs)
        told = one.system + render(one.template, dict.fromkeys(inputs, "값"))
        assert "{labels}" not in told and "{input}" not in told
        assert kind not in LABELLED or ("좋음{x}" in told and "나쁨" in told), one


def test_the_library_s_labels_give_way_to_the_task_s() -> None:
    task = Task(kind="classification", labels=("반품", "문의"), metric="accuracy")
    library = wordings(task, "ko")[1]
    assert (
        library.system
        == "고객 문의를 읽고 '반품', '문의' 가운데 가장 알맞은 분류 하나를 고르십시오. 분류 이름만 쓰십시오."
    )
    english = wordings(Task(kind="sentiment", labels=("good", "bad", "mixed"), metric="accuracy"), "en")[1]
    assert english.system == "Read the film review and answer with one word only: 'good', 'bad', 'mixed'."


def test_what_a_good_answer_is_belongs_to_the_wording() -> None:
    task = Task(kind="summarising", metric="rouge_l", good="세 문장을 넘지 않는다.")
    assert any("좋은 답: 세 문장을 넘지 않는다." in one.system for one in wordings(task, "ko"))


def test_labels_too_many_to_list_are_not_listed() -> None:
    task = Task(kind="classification", labels=tuple(f"label {at}" for at in range(500)), metric="accuracy")
    found = wordings(task, "en")
    assert found and not any("label 499" in one.system + one.template for one in found)


def test_the_language_is_that_of_the_texts() -> None:
    assert language_of(one.text() for one in reviews()) == "ko"
    assert language_of(["The CEO of 삼성 said that it was fine for everybody involved."]) == "en"
    assert language_of([]) == "en"


# --- proposals --------------------------------------------------------------------------------------------------------


def test_what_models_put_around_an_instruction_is_taken_off() -> None:
    assert tidied('<think>hm {input}\n</think>\n"리뷰: {input}\n답:"') == "리뷰: {input}\n답:"
    assert tidied("Sure!\n```text\nLabel it: {input}\n```\nGood luck.") == "Label it: {input}"
    assert tidied("**New instruction:** Read {input} well.") == "Read {input} well."
    assert tidied("새 지시문: {input} 을 읽으십시오.") == "{input} 을 읽으십시오."
    assert tidied("<think>never ends") == ""


def test_proposals_that_cannot_be_tried_are_told_and_why() -> None:
    known = [Instructions(template="평을 읽고 답하십시오: {input}")]
    proposals = [
        "리뷰를 읽고 느낌을 쓰십시오.\n{input}",
        "리뷰를 읽고 느낌을 쓰십시오.",
        "{input}의 {language} 느낌을 쓰십시오.",
        "{input}",
        "평을 읽고  답하십시오:\n{input}",
        "네 네 " * 200 + "{input}",
        "리뷰를 읽고  느낌을 쓰십시오. {input}",
    ]
    good, skipped = look_at(proposals, TASK, PLAIN, known)
    assert good == [Instructions(template="리뷰를 읽고 느낌을 쓰십시오.\n{input}")]
    assert [one.key.split(".")[-1] for one in skipped] == [
        "lost_variable",
        "unknown_variable",
        "nonsense",
        "same",
        "nonsense",
        "same",
    ]
    assert skipped[0].details == {"missing": "{input}", "text": "리뷰를 읽고 느낌을 쓰십시오."}
    assert skipped[1].details["unknown"] == "{language}"


def test_the_proposer_is_told_the_work_and_asked_in_another_manner_each_time() -> None:
    prompts = prompts_for(TASK.model_copy(update={"good": "한 단어"}), PLAIN, reviews()[:20], "ko", 8, 0)
    assert len(set(prompts)) == 8
    for one in prompts:
        assert "'긍정', '부정'" in one and "한 단어" in one and PLAIN.instructions.template in one and "{input}" in one
        assert "{kind}" not in one and "{shots}" not in one and sum(review.text() in one for review in reviews()) >= 4


# --- runs -------------------------------------------------------------------------------------------------------------


def test_wordings_and_proposals_are_tried_and_a_better_one_is_saved(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 20, 24)
    base = remote(settings, server.url)
    saved = project.assistants.save("영화평", base)
    with chat_server(words=["새 지시문: ", "느낌을 고르십시오. ", "{input}"]) as strong:
        budget = InstructionBudget(answers=400, proposals=3, proposer=proposer_at(settings, strong.url))
        run = start_instructions(resting, project, base, budget, saved.id)
        state = do(run, settings).state()
        assert len(strong.asked) == 3 and strong.asked[0]["model"] == "strong-model"
    prepared, outcome, plan = prepared_in(run.output), outcome_of(run), plan_instructions(project, base, budget)
    assert prepared is not None and outcome is not None and state.done == state.total <= plan.answers <= 400
    names = [one.name for one in prepared.candidates]
    assert names[:3] == [BASE, "w01", "p01"] and names.count("p01") == 1 and "p02" not in names
    assert prepared.candidate("p01").assistant.instructions == Instructions(template="느낌을 고르십시오. {input}")
    assert [one.key for one in skipped_of(run)] == ["search.skipped.same"] * 2
    assert not outcome.better, "a model that always answers alike is right as often under every wording"
    with pytest.raises(BadInput, match="search_nothing_better"):
        save_best_instructions(project, run, tell)
    secret = b"".join(path.read_bytes() for path in run.folder.rglob("*") if path.is_file())
    assert b"sk-very-secret" not in secret


def test_the_practice_model_gets_better_than_a_wording_that_asks_for_nothing(
    project: Project, resting: Runs, settings: Settings
) -> None:
    fill(project, 10, 40)
    base = with_shots(PLAIN, ONE).model_copy(update={"instructions": Instructions(template="{input}")})
    saved = project.assistants.save("영화평", base)
    run = start_instructions(resting, project, base, InstructionBudget(answers=240), saved.id)
    do(run, settings)
    outcome = outcome_of(run)
    assert outcome is not None and outcome.better and outcome.difference is not None
    assert outcome.difference.n == outcome.best.examples and outcome.difference.p_corrected is not None
    assert outcome.difference.p_corrected == pytest.approx(min(1.0, outcome.difference.p * outcome.tried))
    best = save_best_instructions(project, run, tell, "영화평 2")
    assert (best.name, best.parent_id) == ("영화평 2", saved.id)
    assert best.assistant.examples == base.examples and best.assistant.instructions != base.instructions
    assert "search.tried.wording" in best.note and "search.caution" in best.note
    assert {one.name for one in tried_of(run)} >= {BASE, "w01"}


def test_a_proposer_that_is_gone_ends_the_run_and_a_resume_asks_only_what_is_missing(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 8, 6)
    with chat_server(words=["느낌을 고르십시오: ", "{input}"]) as strong:
        budget = InstructionBudget(answers=90, library=False, proposals=4, proposer=proposer_at(settings, strong.url))
        run = start_instructions(resting, project, remote(settings, server.url), budget)
        strong.mood = "broken"
        with pytest.raises(Unavailable):
            do(run, settings)
        assert kept(project) == [] and prepared_in(run.output) is None
        strong.mood = "normal"
        (run.output / "proposed.jsonl").write_text('{"number": 0, "text": "평을 읽고 고르십시오: {input}"}\n', "utf-8")
        before = len(strong.asked)
        do(run, settings)
        assert len(strong.asked) == before + 3
    prepared = prepared_in(run.output)
    assert prepared is not None and [one.name for one in prepared.candidates] == [BASE, "p01", "p02"]


def test_with_nothing_to_try_it_says_so(
    project: Project, resting: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 8, 6)
    run = start_instructions(resting, project, remote(settings, server.url), InstructionBudget(library=False))
    with pytest.raises(BadInput, match="search_one_only"):
        do(run, settings)


def test_an_assistant_that_is_a_wording_of_ours_is_not_tried_against_itself(project: Project) -> None:
    fill(project, 8, 30)
    ours = wordings(TASK, "ko")
    plans = [
        plan_instructions(project, Assistant(instructions=one)).candidates for one in (ours[0], PLAIN.instructions)
    ]
    assert plans == [len(ours) - 1, len(ours)]
