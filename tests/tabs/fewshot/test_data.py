"""The data part over a real project: what is brought in, split, edited, looked over and undone, and what is told."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backend.answering import Answering
from backend.errors import BadInput, Busy, Refused
from backend.examples.example import NewExample, Span
from backend.examples.splits import make_splits, plan_splits
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.projects.projects import Projects
from tabs.fewshot import data_layout, data_part
from tabs.fewshot.data_bring import Bringing
from tabs.fewshot.data_desk import Desk, Place, last_edit
from tabs.fewshot.data_listing import Listing
from tabs.fewshot.data_looking import Looking
from tabs.fewshot.data_sources import Sources
from tabs.fewshot.data_splitting import Splitting, shares_of
from tabs.fewshot.data_standing import Standing
from tabs.fewshot.data_working import Counted, working
from tabs.session import OWNER, Session
from tabs.text import Words

MOST_COMPONENTS = 46
"""Of the data part, without rows and columns, which only hold others."""

HOLDERS = (gr.State, gr.Row, gr.Column, gr.Group)
SUBJECTS = ("배우", "음악", "이야기", "화면", "결말", "대사", "연출", "의상", "초반", "조명")
TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Any]:
    projects = Projects(tmp_path / "projects")
    opened = projects.create(OWNER, "시험").id
    # Composing a prompt needs no model.
    yield SimpleNamespace(projects=projects, answers=Answering(SimpleNamespace()), project_id=opened)  # type: ignore[arg-type]
    projects.close()


@pytest.fixture
def project(services: Any) -> Project:
    found: Project = services.projects.open(OWNER, services.project_id)
    return found


@pytest.fixture(scope="module")
def view() -> data_layout.Layout:
    with gr.Blocks():
        return data_layout.layout(Words("ko"))


@pytest.fixture
def desk(services: Any, view: data_layout.Layout, monkeypatch: pytest.MonkeyPatch) -> Desk:
    words = Words("ko")
    monkeypatch.setattr(words, "say", lambda key, *kind, **details: words.t(key, **details))
    return Desk(services, words, view)


@pytest.fixture
def request_() -> gr.Request:
    return gr.Request(username=None, session_hash="page-1")


def click(do: str, what: str = "", ticked: list[str] | None = None, **fields: str) -> gr.EventData:
    return gr.EventData(None, {"do": do, "what": what, "fields": fields, "ticked": ticked or []})


def place(**changed: Any) -> dict[str, Any]:
    return {"search": "", "split": "", "label": "", "tag": "", "page": 0, "row": "", "only": []} | changed


def fill(project: Project, count: int = 30) -> None:
    """Reviews of which no two are nearly the same; every other one is good."""
    project.examples.set_task(TASK)
    project.examples.add(
        NewExample(variables={"input": text_of(number)}, output="긍정" if number % 2 else "부정")
        for number in range(count)
    )


def text_of(number: int) -> str:
    said = "마음에 들어 두 번 보았다" if number % 2 else "지루해서 끝까지 못 보았다"
    return f"{SUBJECTS[number // 4 % len(SUBJECTS)]} {said} {number * 7919}"


def last(steps: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = list(steps)[-1]
    return found


def form_of(desk: Desk, updates: dict[Any, Any], **changed: Any) -> dict[str, Any]:
    """What the page would send back of the columns and the task after these updates."""
    view = desk.view.bring
    named = {**view.columns, **dict(zip(("kind", "metric", "labels", "good"), view.task.fields, strict=True))}
    values = {
        name: update.get("value") if isinstance(update := updates.get(widget, ""), dict) else update
        for name, widget in named.items()
    }
    return values | changed


# --- the page


def test_the_part_stays_light_and_no_event_is_left_at_its_default(services: Any) -> None:
    with gr.Blocks() as page:
        session = Session(
            project_id=gr.State(""), project=gr.Dropdown(), tray=gr.Timer(5), seen=gr.State(""), opened=gr.State(0)
        )
        before = {id(block) for block in page.blocks.values()}
        words = Words("ko")
        data_part.wire(services, words, session, data_part.layout(words))
        own = [block for block in page.blocks.values() if id(block) not in before and not isinstance(block, HOLDERS)]
        # Gradio draws a frame of its own around neighbouring fields.
        assert len([block for block in own if type(block).__name__ != "Form"]) <= MOST_COMPONENTS
        for function in page.fns.values():
            assert function.fn is None or function.concurrency_limit is None, function.name
            assert function.api_visibility == "private"


def test_an_empty_project_says_what_to_do(desk: Desk, project: Project, request_: gr.Request) -> None:
    listing = Listing(desk)
    drawn = listing.restore(project.id, request_, **place())
    assert 'data-do="sample"' in drawn[desk.view.standing] and "아직 예시가 없습니다" in drawn[desk.view.standing]
    assert drawn[desk.view.bring.box]["open"] is True
    assert drawn[desk.view.look]["interactive"] is False
    assert listing.restore("", request_, **place()) == gr.skip()


def test_what_stands_is_told_by_split_and_label(desk: Desk, project: Project, request_: gr.Request) -> None:
    fill(project)
    project.examples.set_task(TASK.model_copy(update={"good": "<b>굵게</b>"}))
    drawn = Listing(desk).restore(project.id, request_, **place())
    standing = drawn[desk.view.standing]
    assert "예시 30개" in standing and "나누지 않음 30" in standing and "open_split" in standing
    assert standing.count("<b>15</b>") == 2 and "50 %" in standing
    assert "<b>굵게</b>" not in standing and "감성 분류" in standing
    assert "1–25" in drawn[desk.view.rows.listing] and drawn[desk.view.rows.listing].count("data-row=") == 25


# --- bringing in


def test_a_file_is_read_guessed_corrected_and_kept(
    desk: Desk, project: Project, request_: gr.Request, tmp_path: Path
) -> None:
    bringing, view = Bringing(desk), desk.view.bring
    file = tmp_path / "문의.csv"
    rows = [
        f"배송이 늦어서 {number}번이나 물었습니다,{'나쁨' if number % 2 else '좋음'},상담{number % 3}"
        for number in range(24)
    ]
    file.write_bytes("\n".join(["문의내용,판정,담당", *rows]).encode("cp949"))
    guessed = last(bringing.look(str(file), "", "auto", project.id, request_))
    assert "24행" in guessed[view.facts] and "CP949" in guessed[view.facts]
    assert guessed[view.columns["output"]]["value"] == "담당" and "상담0" in guessed[view.preview]
    assert "글: 배송이 늦어서 0번이나 물었습니다" in guessed[view.preview], "as the model will see it"
    corrected = bringing.rematch(
        str(file), "", "auto", project.id, request_, **form_of(desk, guessed, output="판정", groups=["담당"])
    )
    assert "나쁨" in corrected[view.preview] and "상담0" not in corrected[view.preview]
    assert corrected[view.task.kind] == "sentiment" or corrected[view.task.kind] == "classification"
    assert set(corrected[view.task.labels]["value"].split("\n")) == {"나쁨", "좋음"}
    form = form_of(desk, guessed | corrected, output="판정", groups=["담당"])
    done = last(bringing.start(str(file), "", "auto", project.id, request_, **form))
    assert done[view.file] is None and done[view.guess]["visible"] is False
    kept = project.examples.page(limit=50)
    assert len(kept) == 24 and {one.output for one in kept} == {"나쁨", "좋음"}
    assert kept[0].groups == {"담당": "상담0"} and kept[0].origin == "import:문의.csv"
    task = project.examples.task()
    assert task is not None and set(task.labels) == {"나쁨", "좋음"} and task.inputs == ("input",)


def test_a_second_file_keeps_the_task_and_its_new_labels_are_told(
    desk: Desk, project: Project, request_: gr.Request
) -> None:
    fill(project, 6)
    bringing, view = Bringing(desk), desk.view.bring
    pasted = "글\t판정\n처음 보는 영화였다\t보통\n배우 지루해서 끝까지 못 보았다 0\t부정\n" + "또 다른 글이다\t보통\n"
    guessed = last(bringing.look(None, pasted, "auto", project.id, request_))
    assert "보통" in guessed[view.reasons] and guessed[view.task.kind] == "sentiment"
    assert guessed[view.task.labels]["value"] == "긍정\n부정\n보통"
    last(bringing.start(None, pasted, "auto", project.id, request_, **form_of(desk, guessed)))
    assert project.examples.counts().total == 8, "one was there already"
    task = project.examples.task()
    assert task is not None and task.labels == ("긍정", "부정", "보통")


def test_a_fault_is_told_in_place_and_nothing_is_kept(
    desk: Desk, project: Project, request_: gr.Request, tmp_path: Path
) -> None:
    bringing, view = Bringing(desk), desk.view.bring
    empty = tmp_path / "빈.csv"
    empty.write_bytes(b"")
    told = last(bringing.look(str(empty), "", "auto", project.id, request_))
    assert "fs-fault" in told[view.facts] and told[view.guess]["visible"] is False
    assert last(bringing.look(None, "  ", "auto", project.id, request_))[view.facts] == ""
    guessed = last(bringing.look(None, "글\t답\n가나다라\t나\n마바사아\t다\n", "auto", project.id, request_))
    same = form_of(desk, guessed, inputs=["답"], output="답")
    assert (
        "fs-fault"
        in bringing.rematch(None, "글\t답\n가나다라\t나\n마바사아\t다\n", "auto", project.id, request_, **same)[
            view.preview
        ]
    )
    with pytest.raises(BadInput, match="data_same_column"):
        list(bringing.start(None, "글\t답\n가나다라\t나\n마바사아\t다\n", "auto", project.id, request_, **same))
    assert project.examples.counts().total == 0


def test_the_sample_is_brought_in_as_any_file(desk: Desk, project: Project, request_: gr.Request) -> None:
    drawn = Bringing(desk).sample(project.id, click("sample", "en"), request_)
    view = desk.view.bring
    assert drawn[view.file].endswith("reviews_en.csv") and drawn[view.columns["output"]]["value"] == "label"
    assert "negative" in drawn[view.preview]
    assert Bringing(desk).sample(project.id, click("change"), request_) == gr.skip()


def test_a_source_is_read_once_and_forgotten_in_turn(tmp_path: Path) -> None:
    sources = Sources()
    files = [tmp_path / f"{number}.csv" for number in range(5)]
    for file in files:
        file.write_text("a,b\n1,하나\n2,둘\n", encoding="utf-8")
    first = sources.read(str(files[0]), "", "auto", "표")
    assert sources.read(str(files[0]), "", "auto", "표") is first
    for file in files[1:]:
        sources.read(str(file), "", "auto", "표")
    assert sources.read(str(files[0]), "", "auto", "표") is not first
    with pytest.raises(BadInput, match="data_no_source"):
        sources.read(None, " ", "auto", "표")


# --- the task


def test_the_task_is_changed_and_its_metrics_follow(desk: Desk, project: Project, request_: gr.Request) -> None:
    standing, view = Standing(desk), desk.view
    fill(project, 4)
    opened = standing.press(project.id, click("change"), request_)
    assert opened[view.change]["visible"] and opened[view.task.kind] == "sentiment"
    assert [value for _, value in standing.kind("translation")[view.task.metric]["choices"]] == [
        "chrf",
        "bleu",
        "judge",
    ]
    standing.save(
        "classification", "macro_f1", "긍정\n부정 \n\n긍정", "마지막 말을 따릅니다", project.id, request_, **place()
    )
    kept = project.examples.task()
    assert kept is not None and kept.labels == ("긍정", "부정") and kept.metric == "macro_f1"
    with pytest.raises(BadInput, match="data_labels"):
        many = "\n".join(str(number) for number in range(5_001))
        standing.save("classification", "accuracy", many, "", project.id, request_, **place())
    with pytest.raises(BadInput, match="data_task"):
        standing.save("anything", "accuracy", "", "", project.id, request_, **place())


# --- splitting


def test_a_plan_is_shown_then_made_and_the_test_part_is_locked(
    desk: Desk, project: Project, request_: gr.Request
) -> None:
    fill(project)
    splitting, split = Splitting(desk), desk.view.split
    steps = list(splitting.plan(20, 20, 7, project.id, request_))
    assert steps[0][split.look]["interactive"] is False, "the page is told that it is at work"
    assert "긍정" in steps[-1][split.plan] and steps[-1][split.make]["interactive"]
    assert project.examples.counts().test == 0
    made = last(splitting.make(20, 20, 7, False, project.id, request_, **place()))
    assert "잠겨" in made[split.plan] and made[split.dev]["visible"] is False
    test = project.examples.counts().test
    assert test > 0
    listing = Listing(desk)
    moved = [str(one.id) for one in project.examples.page(limit=50) if one.split == "train"][:1]
    with pytest.raises(Refused):
        listing.press(project.id, click("move", ticked=moved, split="test"), request_, **place())
    drawn = listing.restore(project.id, request_, **place())[desk.view.rows.listing]
    assert 'value="test"' not in drawn, "the list does not even offer it"
    with pytest.raises(Refused):
        list(splitting.make(20, 20, 8, False, project.id, request_, **place()))
    opened = splitting.press(click("anew"))
    assert opened[split.anew] is True
    last(splitting.make(20, 30, 8, True, project.id, request_, **place()))
    assert project.examples.counts().test > test


@pytest.mark.parametrize(("dev", "test"), [(60, 40), (0, 20), (20, 0)])
def test_shares_that_leave_nothing_are_refused(dev: float, test: float) -> None:
    with pytest.raises(BadInput, match="data_shares"):
        shares_of(dev, test)


def test_a_fault_leaves_the_page_at_rest(desk: Desk, project: Project, request_: gr.Request) -> None:
    project.examples.add([NewExample(variables={"input": "하나"}, output="긍정")])
    seen = []
    with pytest.raises(BadInput):
        seen.extend(Splitting(desk).plan(20, 20, 0, project.id, request_))
        pytest.fail("a single example was split")
    steps = Splitting(desk).plan(20, 20, 0, project.id, request_)
    drawn = []
    with pytest.raises(BadInput):
        while True:
            drawn.append(next(steps))
    assert drawn[-1][desk.view.split.look]["interactive"] is True


# --- the list


def test_an_example_is_edited_and_the_edit_is_undone(desk: Desk, project: Project, request_: gr.Request) -> None:
    fill(project)
    listing, first = Listing(desk), project.examples.page(limit=1)[0]
    opened = listing.press(project.id, click("edit", str(first.id)), request_, **place())
    assert (
        'name="v:input"' in opened[desk.view.rows.listing]
        and f'value="{first.revision}"' in opened[desk.view.rows.listing]
    )
    typed = {"v:input": "고친 글", "output": "긍정", "revision": str(first.revision)}
    saved = listing.press(project.id, click("save", str(first.id), **typed), request_, **place(row=str(first.id)))
    assert saved[desk.view.rows.row] == "" and "고친 글" in saved[desk.view.rows.listing]
    assert project.examples.get(first.id).variables == {"input": "고친 글"}
    listing.press(project.id, click("undo", str(last_edit(project.examples).id)), request_, **place())
    assert project.examples.get(first.id).variables == first.variables


def test_the_later_of_two_editors_is_told_and_sees_the_newer_text(
    desk: Desk, project: Project, request_: gr.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("tabs.fewshot.data_listing.tell", lambda words, fault, halt: told.append(fault.key))
    fill(project, 4)
    listing, first = Listing(desk), project.examples.page(limit=1)[0]
    typed = {"output": "긍정", "revision": str(first.revision)}
    listing.press(project.id, click("save", str(first.id), **typed, **{"v:input": "먼저"}), request_, **place())
    later = listing.press(project.id, click("save", str(first.id), **typed, **{"v:input": "나중"}), request_, **place())
    html = later[desk.view.rows.listing]
    assert told == ["error.example_changed"]
    assert ">\n먼저</textarea>" in html and "<dd>나중</dd>" in html and later[desk.view.rows.row] == str(first.id)
    assert project.examples.get(first.id).variables == {"input": "먼저"}


def test_examples_are_added_tagged_moved_removed_and_found(desk: Desk, project: Project, request_: gr.Request) -> None:
    fill(project, 10)
    listing, rows = Listing(desk), desk.view.rows
    with pytest.raises(BadInput, match="data_half_filled"):
        listing.press(project.id, click("add", output="긍정", **{"v:input": " "}), request_, **place())
    added = listing.press(
        project.id, click("add", output="긍정", **{"v:input": "손으로 쓴 글"}), request_, **place(row="new")
    )
    assert added[rows.row] == "" and project.examples.counts().total == 11
    found = listing.filtered(project.id, request_, **place(search="손으로", page=25))
    assert found[rows.listing].count("data-row=") == 1 and found[rows.page] == 0
    number = str(project.examples.page(offset=10, limit=1)[0].id)
    listing.press(project.id, click("tag", ticked=[number], tag=" 살펴볼  것 "), request_, **place())
    tagged = listing.press(project.id, click("move", ticked=[number], split="dev"), request_, **place())
    assert ("살펴볼 것", "살펴볼 것") in tagged[rows.tag]["choices"]
    assert (
        listing.filtered(project.id, request_, **place(tag="살펴볼 것", split="dev"))[rows.listing].count("data-row=")
        == 1
    )
    gone = listing.press(project.id, click("remove", ticked=[number]), request_, **place())
    assert project.examples.counts().total == 10 and "되돌리기: 1개 지우기" in gone[rows.listing]
    for do, key in (("remove", "data_none_ticked"), ("tag", "data_none_ticked")):
        with pytest.raises(BadInput, match=key):
            listing.press(project.id, click(do), request_, **place())
    with pytest.raises(BadInput, match="data_no_tag"):
        listing.press(project.id, click("tag", ticked=["1"], tag="  "), request_, **place())
    for do in ("", "drop_everything"):
        with pytest.raises(BadInput):
            listing.press(project.id, click(do, ticked=["1"]), request_, **place())


def test_entities_are_written_as_lines_and_looked_up_in_the_text(
    desk: Desk, project: Project, request_: gr.Request
) -> None:
    project.examples.set_task(Task(kind="entities", labels=("사람", "장소"), metric="span_f1"))
    project.examples.add([NewExample(variables={"input": "이순신은 한산도에 있었다"}, output="없음", spans=())])
    listing, first = Listing(desk), project.examples.page(limit=1)[0]
    typed = {"v:input": "이순신은 한산도에 있었다", "revision": str(first.revision)}
    for answer, key in (("사람: 원균", "data_spans"), ("모르겠습니다", "data_spans_format")):
        with pytest.raises(BadInput, match=key):
            listing.press(project.id, click("save", str(first.id), output=answer, **typed), request_, **place())
    answer = "사람: 이순신\n장소: 한산도"
    listing.press(project.id, click("save", str(first.id), output=answer, **typed), request_, **place())
    spans = project.examples.get(first.id).spans
    assert spans == (Span(start=0, end=3, label="사람"), Span(start=5, end=8, label="장소"))


def test_what_is_added_after_the_split_finds_its_place(desk: Desk, project: Project, request_: gr.Request) -> None:
    fill(project)
    make_splits(project.examples, plan_splits(project.examples))
    typed = {"v:input": "전혀 다른 이야기를 하는 긴 글을 하나 더한다", "output": "긍정"}
    Listing(desk).press(project.id, click("add", **typed), request_, **place())
    assert project.examples.counts().unsplit == 0


def test_all_examples_are_taken_out_as_a_file(desk: Desk, project: Project, request_: gr.Request) -> None:
    listing, rows = Listing(desk), desk.view.rows
    with pytest.raises(Refused, match="data_nothing_to_export"):
        listing.press(project.id, click("export", "csv"), request_, **place())
    fill(project, 3)
    project.examples.add([NewExample(variables={"input": "=1+1"}, output="긍정")])
    handed = Path(listing.press(project.id, click("export", "csv"), request_, **place())[rows.download])
    with handed.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 4 and not found[-1]["input"].startswith("=") and handed.name == "시험.csv"
    with pytest.raises(BadInput):
        listing.press(project.id, click("export", "exe"), request_, **place())


def test_texts_of_strangers_are_shown_and_not_run(desk: Desk, project: Project, request_: gr.Request) -> None:
    bad = '<img src=x onerror=alert(1)>"'
    project.examples.set_task(Task(kind="classification", labels=(bad,), metric="accuracy"))
    project.examples.add([NewExample(variables={bad: bad, "b": bad}, output=bad, groups={bad: bad}, tags=(bad[:20],))])
    number = project.examples.page(limit=1)[0].id
    drawn = Listing(desk).restore(project.id, request_, **place(row=str(number)))
    closed = Listing(desk).restore(project.id, request_, **place())
    for html in (drawn[desk.view.rows.listing], closed[desk.view.rows.listing], closed[desk.view.standing]):
        assert "<img" not in html


@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        {"do": 3},
        {"do": "edit", "what": "x" * 500},
        {"do": "remove", "ticked": ["../x"]},
        {"do": "add", "fields": {"v:input": 3}},
    ],
)
def test_what_our_page_never_sends_is_refused(desk: Desk, project: Project, request_: gr.Request, data: Any) -> None:
    with pytest.raises(BadInput, match="page_action"):
        Listing(desk).press(project.id, gr.EventData(None, data), request_, **place())


# --- looking over


def test_findings_are_shown_narrowed_mended_and_undone(desk: Desk, project: Project, request_: gr.Request) -> None:
    fill(project, 12)
    project.examples.add([NewExample(variables={"input": "제 전화는 010-1234-5678 입니다"}, output="부정")])
    looking, view = Looking(desk), desk.view
    steps = list(looking.look(project.id, request_))
    assert "fs-busy" in steps[0][view.findings]
    html, ids = steps[-1][view.findings], steps[-1][view.found]
    assert 'data-kind="personal_data"' in html and "010-1234-5678" in html and "personal_data/mask" in html
    narrowed = last(looking.press(project.id, ids, click("show", "personal_data"), request_))
    assert narrowed[view.rows.listing].count("data-row=") == 1 and narrowed[view.rows.only] == ids["personal_data"]
    list(looking.press(project.id, ids, click("mend", "personal_data/mask"), request_))
    masked = project.examples.page(offset=12, limit=1)[0]
    assert "1234" not in masked.variables["input"]
    Listing(desk).press(project.id, click("undo", str(last_edit(project.examples).id)), request_, **place())
    assert "010-1234-5678" in project.examples.page(offset=12, limit=1)[0].variables["input"]
    for what in ("personal_data/merge_label", "anything/drop", ""):
        with pytest.raises(BadInput, match="page_action"):
            list(looking.press(project.id, ids, click("mend", what), request_))


def test_clean_data_is_told_to_be_fine(desk: Desk, project: Project, request_: gr.Request) -> None:
    project.examples.set_task(TASK)
    texts = (
        "봄에는 꽃이 핀다",
        "여름 바다가 푸르다",
        "가을 하늘이 높다",
        "겨울 눈이 하얗게 내린다",
        "장마가 길어졌다",
        "단풍이 곱게 물들었다",
    )
    project.examples.add(
        NewExample(variables={"input": text}, output=TASK.labels[at % 2]) for at, text in enumerate(texts * 1)
    )
    html = last(Looking(desk).look(project.id, request_))[desk.view.findings]
    assert "data-kind" not in html or "rare_label" in html


# --- long work


def test_long_work_tells_that_it_goes_on_and_ends_with_its_result() -> None:
    gate, counted = threading.Event(), Counted()

    def work() -> int:
        gate.wait(5)
        return sum(counted.through(range(10)))

    steps = working(work, lambda: {"count": counted.count})
    assert next(steps) == {"count": 0} and next(steps) == {"count": 0}
    gate.set()
    with pytest.raises(StopIteration) as ended:
        while True:
            next(steps)
    assert ended.value.value == 45 and counted.count == 10


def test_place_says_the_filter_of_the_store() -> None:
    asked = Place(search=" 영화 ", split="none", label="", tag="", only=[3, 4]).filter()
    assert (asked.text, asked.split, asked.label, asked.tag, asked.ids) == ("영화", "none", None, None, (3, 4))


# --- another import, another person, another project ------------------------------------------------------------------


def test_a_second_file_keeps_the_inputs_that_the_examples_have(
    desk: Desk, project: Project, request_: gr.Request
) -> None:
    fill(project, 6)
    bringing = Bringing(desk)
    pasted = "title\treview\tlabel\n" + "".join(f"제목 {n}\t새 영화평 글입니다 {n}\t긍정\n" for n in range(4))
    guessed = last(bringing.look(None, pasted, "auto", project.id, request_))
    two = form_of(desk, guessed, inputs=["title", "review"], output="label")
    with pytest.raises(BadInput, match="data_one_input"):
        last(bringing.start(None, pasted, "auto", project.id, request_, **two))
    assert project.examples.task() == TASK and project.examples.counts().total == 6
    one = form_of(desk, guessed, inputs=["review"], output="label")
    last(bringing.start(None, pasted, "auto", project.id, request_, **one))
    task = project.examples.task()
    assert task is not None and task.inputs == ("input",)
    assert all(set(example.variables) == {"input"} for example in project.examples.page(limit=20))


def test_undo_takes_back_only_the_edit_that_its_button_named(
    desk: Desk, project: Project, request_: gr.Request
) -> None:
    fill(project, 6)
    listing, first = Listing(desk), project.examples.page(limit=1)[0]
    shown_before = last_edit(project.examples)
    project.examples.tag([first.id], "남의 일")
    assert shown_before is not None
    with pytest.raises(Busy, match="data_undo_other"):
        listing.press(project.id, click("undo", str(shown_before.id)), request_, **place())
    assert project.examples.counts().total == 6 and project.examples.get(first.id).tags == ("남의 일",)
    drawn = listing.restore(project.id, request_, **place())
    now = last_edit(project.examples)
    assert now is not None and f'data-do="undo" data-what="{now.id}"' in drawn[desk.view.rows.listing]


def test_the_filters_of_another_project_are_not_taken_along(desk: Desk, project: Project, request_: gr.Request) -> None:
    fill(project, 6)
    kept = {"project": project.id, "split": "", "label": "긍정", "tag": ""}
    here = Listing(desk).opened(project.id, "", kept, 0, "", [], request_)
    assert here[desk.view.rows.listing].count("data-row=") == 3 and here[desk.view.rows.filters] == kept
    other = Listing(desk).opened(project.id, "", {**kept, "project": "another"}, 0, "", [1], request_)
    assert other[desk.view.rows.listing].count("data-row=") == 6
