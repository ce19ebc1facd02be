"""The band: changes that change no meaning, their cost, and what the practice model makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from backend.assistants import Assistant, Examples, Instructions, Selection, Shot
from backend.errors import Refused
from backend.evaluation.identity import fingerprint
from backend.evaluation.values import Interval, Score
from backend.examples.task import Task
from backend.fewshot.basis import basis_of
from backend.fewshot.candidates import identity_of
from backend.fewshot.choosing import pool_for
from backend.fewshot.curve import curve_from, curve_of, keep_curve
from backend.fewshot.formats import format_changes
from backend.fewshot.sensitivity import (
    Extent,
    band_from,
    band_in,
    band_of,
    keep_band,
    plan_sensitivity,
    start_sensitivity,
)
from backend.fewshot.tried import BASE, Candidate, Saying, Tried, prepared_in
from backend.fewshot.variants import kind_of, variants
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.prompts.templates import render
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server
from tests.fewshot.trying import PLAIN, TASK, do, fill, kept, remote, reviews, with_shots
from tests.waiting import ended, until

SHOTS = tuple(one.shot() for one in reviews()[:4])
ENGLISH = Task(kind="classification", labels=("late parcel", "refund"))


def changed(assistant: Assistant, task: Task = TASK, korean: bool = True) -> dict[str, list[Assistant]]:
    found: dict[str, list[Assistant]] = {}
    for change in format_changes(assistant, task, "ko" if korean else "en"):
        found.setdefault(change.about.key.split(".")[-1], []).append(change.assistant)
    return found


# --- formats ----------------------------------------------------------------------------------------------------------


def test_separators_and_spacing_go_through_shots_and_question_alike() -> None:
    found = changed(with_shots(PLAIN, *SHOTS))
    templates = [one.instructions.template for one in found["separator"]]
    assert templates == [
        "평 - {input}\n감성 -",
        "평:\n{input}\n감성:",
        "평 = {input}\n감성 =",
        "평 : {input}\n감성 :",
        "평：{input}\n감성：",
    ]
    assert [one.instructions.template for one in found["blank_line"]] == ["평: {input}\n\n감성:"]
    assert [one.instructions.template for one in found["one_line"]] == ["평: {input} | 감성:", "평: {input} 감성:"]
    assert "no_blank_line" not in found, "there is none to take away"
    assert not {"case_upper", "case_lower", "label_upper", "label_capital"} & found.keys(), "Hangul has no cases"
    every = [one for listed in found.values() for one in listed]
    assert len({one.model_dump_json() for one in every}) == len(every)
    for one in every:
        assert "{" not in render(one.instructions.template, {"input": "재미"})
        assert one.examples.shots[0].variables == SHOTS[0].variables


def test_casing_is_for_letters_that_have_cases() -> None:
    base = Assistant(instructions=Instructions(template="Message text: {input}\nCategory:"))
    found = changed(base, ENGLISH, korean=False)
    assert [one.instructions.template for key in ("case_upper", "case_lower", "case_title") for one in found[key]] == [
        "MESSAGE TEXT: {input}\nCATEGORY:",
        "message text: {input}\ncategory:",
        "Message Text: {input}\nCategory:",
    ]


def test_a_template_without_names_of_fields_gets_some() -> None:
    found = changed(Assistant(instructions=Instructions(template="{input}")), ENGLISH, korean=False)
    assert [one.instructions.template for one in found["named"]] == ["Text: {input}", "Text: {input}\nAnswer:"]
    assert found["quoted"][0].instructions.template == '"{input}"'


def test_labels_are_spelt_otherwise_wherever_they_stand_and_read_back() -> None:
    base = Assistant(
        instructions=Instructions(system="Choose 'late parcel' or refund, no refunds of parcels.", template="{input}"),
        examples=Examples(shots=(Shot(variables={"input": "refund"}, output="refund"),)),
    )
    by = {change.about.key.split(".")[-1]: change for change in format_changes(base, ENGLISH, "en")}
    boxed, loud = by["label_brackets"], by["label_upper"]
    assert boxed.assistant.instructions.system == "Choose [late parcel] or [refund], no refunds of parcels."
    assert loud.assistant.instructions.system == "Choose 'LATE PARCEL' or REFUND, no refunds of parcels."
    assert boxed.assistant.examples.shots == (Shot(variables={"input": "refund"}, output="[refund]"),)
    one = Candidate(name="f01", about=boxed.about, assistant=boxed.assistant, respelt=boxed.respelt)
    assert one.plain("[late parcel]") == "late parcel" and one.plain("refund") == "refund" and one.plain(None) is None
    assert not any(change.respelt for change in format_changes(base, Task(kind="free_writing"), "en"))


def test_labels_that_would_become_one_are_left_alone() -> None:
    same = Task(kind="classification", labels=("a", "A"))
    assert not {"label_upper", "label_capital"} & changed(PLAIN, same).keys()


# --- variants ---------------------------------------------------------------------------------------------------------


def test_a_third_of_each_kind_none_twice_and_the_same_each_time() -> None:
    base, pool = with_shots(PLAIN, *SHOTS), reviews()[4:40]
    found = variants(base, TASK, pool, "ko", 12, 0)
    assert found == variants(base, TASK, pool, "ko", 12, 0) and found[0].assistant == base
    assert Counter(kind_of(one.name) for one in found) == {None: 1, "order": 4, "sample": 4, "format": 4}
    assert len({one.assistant.model_dump_json() for one in found}) == 13
    for one in found[1:]:
        shots, kind = one.assistant.examples.shots, kind_of(one.name)
        assert len(shots) == 4
        assert kind != "order" or (shots != SHOTS and singly(shots) == singly(SHOTS))
        assert kind != "sample" or Counter(shot.output for shot in shots) == {"긍정": 2, "부정": 2}


def singly(shots: tuple[Shot, ...]) -> set[str]:
    return {identity_of([shot]) for shot in shots}


def test_without_examples_only_the_format_can_change() -> None:
    found = variants(PLAIN, TASK, [], "ko", 12, 0)
    assert {kind_of(one.name) for one in found[1:]} == {"format"} and len(found) > 8


def test_two_examples_have_one_other_order_and_the_rest_goes_to_the_others() -> None:
    kinds = Counter(kind_of(one.name) for one in variants(with_shots(PLAIN, *SHOTS[:2]), TASK, reviews(), "ko", 12, 0))
    assert kinds["order"] == 1 and sum(kinds.values()) == 13


def test_examples_chosen_for_each_input_vary_in_order_and_pool() -> None:
    selection = Selection(method="nearest_bm25", count=2, order="nearest_last")
    base = PLAIN.model_copy(
        update={"examples": Examples(shots=pool_for(reviews()[:30], selection), selection=selection)}
    )
    found = variants(base, TASK, reviews()[:30], "ko", 9, 0)
    orders = [one.assistant.examples.selection for one in found if kind_of(one.name) == "order"]
    assert {one.order for one in orders if one} == {"nearest_first", "shuffled"}
    samples = [one.assistant.examples for one in found if kind_of(one.name) == "sample"]
    assert samples and all(one.selection == selection and len(one.shots) == 20 for one in samples)


# --- the band ---------------------------------------------------------------------------------------------------------


def a_try(name: str, value: float) -> Tried:
    score = Score("accuracy", value, Interval(0, 1, "wilson"), 20)
    return Tried(name=name, about=Saying(key="search.tried.base"), round=1, examples=20, score=score)


def test_the_band_is_the_extent_of_what_was_tried(project: Project) -> None:
    tried = [a_try(BASE, 0.6), a_try("o01", 0.5), a_try("o02", 0.7), a_try("f01", 0.8), a_try("s01", 0.4)]
    band = band_from(tried, {"o01": "order", "o02": "order", "f01": "format", "s01": "sample"})
    assert (band.low, band.high, band.median, band.value, band.n) == (0.4, 0.8, 0.6, 0.6, 20)
    assert band.by == {"order": (0.5, 0.7), "format": (0.6, 0.8), "sample": (0.4, 0.6)}
    assert band.values == (0.6, 0.5, 0.7, 0.8, 0.4) and band.spread == pytest.approx(0.4)
    assert band_of(project, "0" * 32) is None
    keep_band(project, "0" * 32, band)
    assert band_of(project, "0" * 32) == band.model_copy(update={"basis": basis_of(project)})
    project.set_note("fewshot.band." + "0" * 32, {"low": "of a newer studio"})
    assert band_of(project, "0" * 32) is None


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(words=["긍정"]) as server:
        yield server


def test_the_practice_model_has_a_band_beside_its_score(project: Project, resting: Runs, settings: Settings) -> None:
    fill(project, 30, 16)
    base, extent = with_shots(PLAIN, *SHOTS), Extent(variants=6, examples=14)
    plan = plan_sensitivity(project, base, extent)
    assert (plan.candidates, plan.examples, plan.answers, plan.seconds) == (6, 14, 7 * 14, None)
    run = start_sensitivity(resting, project, base, extent)
    state = do(run, settings).state()
    assert (state.done, state.total) == (98, 98) == (len(kept(project)), 98)
    band = band_in(run)
    assert band is not None and band.n == 14 and len(band.variants) == 7
    assert band.low <= band.median <= band.high and band.low <= band.value <= band.high
    assert set(band.by) == {"order", "sample", "format"}
    host = ModelHost(settings, Endpoints(settings.home))
    assert band_of(project, fingerprint(base, host.where)) == band
    assert band_of(project, fingerprint(PLAIN, host.where)) is None, "another assistant's"
    host.close()
    test = {one.input_key for one in project.examples.each("test", "look")}
    assert not test & {key for _, key in kept(project)}


def test_a_worker_stopped_goes_on_where_it_was(
    project: Project, runs: Runs, settings: Settings, server: ChatServer
) -> None:
    fill(project, 12, 12)
    server.mood, server.pause_s = "slow", 0.2
    base = remote(settings, server.url).model_copy(update={"examples": Examples(shots=SHOTS)})
    run = start_sensitivity(runs, project, base, Extent(variants=9, examples=12))
    until(lambda: len(kept(project)) >= 20)
    runs.stop(run.id)
    assert ended(runs, run).state == "stopped" and band_in(run) is None
    before = len(kept(project))
    runs.resume(run.id)
    over = ended(runs, run)
    assert (over.state, over.done, over.total) == ("succeeded", 120, 120), runs.log(run.id)
    assert len(kept(project)) == 120 and before < 120 and len(server.asked) <= 120 + 12
    prepared = prepared_in(run.output)
    assert prepared is not None and len(prepared.candidates) == 10
    band = band_in(over)
    assert band is not None and band.spread == 0, "a model that always says the same has no band"


def test_what_is_missing_is_said(project: Project, resting: Runs) -> None:
    with pytest.raises(Refused, match="search_no_task"):
        plan_sensitivity(project, PLAIN)
    project.examples.set_task(Task(kind="free_writing", metric="chrf", inputs=("input", "더")))
    with pytest.raises(Refused, match="search_no_dev"):
        start_sensitivity(resting, project, PLAIN)


def test_a_band_and_a_curve_are_gone_when_what_they_were_measured_on_is_another(project: Project) -> None:
    fill(project, 4, 6)
    known, tried = "0" * 32, [a_try(BASE, 0.6), a_try("o01", 0.5)]
    band, curve = band_from(tried, {"o01": "order"}), curve_from(tried, {BASE: 0, "o01": 1}, "random")

    def there() -> tuple[bool, bool]:
        return band_of(project, known) is not None, curve_of(project, known) is not None

    def keep() -> None:
        keep_band(project, known, band)
        keep_curve(project, [known], curve)
        assert there() == (True, True)

    keep()
    one = next(iter(project.examples.each("train", "look")))
    project.examples.edit(one.id, one.revision, output="부정" if one.output == "긍정" else "긍정")
    project.examples.set_task(TASK.model_copy(update={"good": "짧은 답"}))
    assert there() == (True, True), "neither is what they were measured by"
    dev = next(iter(project.examples.each("dev", "look")))
    project.examples.edit(dev.id, dev.revision, output="부정" if dev.output == "긍정" else "긍정")
    assert there() == (False, False), "another right answer"
    keep()
    project.examples.set_task(TASK.model_copy(update={"labels": ("좋음", "나쁨")}))
    assert there() == (False, False), "other labels"
    keep()
    project.examples.set_split([dev.id], "train")
    assert there() == (False, False), "other dev examples"
