"""The examples of a project: what comes in, what is found, changed, undone, and what nobody gets to see."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from backend.errors import BadInput, Busy, NotFound, Refused
from backend.examples import adding, edits
from backend.examples.example import Example, NewExample, Span, input_key
from backend.examples.splits import make_splits, plan_splits
from backend.examples.store import Counts, ExampleStore, Filter, Purpose
from backend.examples.task import Task
from backend.projects.notes import NoteStore
from backend.projects.projects import Projects
from backend.projects.tables import ExampleEditRow, ExampleRow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ExampleStore]:
    projects = Projects(tmp_path / "home" / "projects")
    yield projects.open("owner", projects.create("owner", "분류").id).examples
    projects.close()


def new(text: str, output: str = "긍정", **more: object) -> NewExample:
    return NewExample.model_validate({"variables": {"input": text}, "output": output, **more})


def texts(store: ExampleStore, **asked: object) -> list[str]:
    return [example.text() for example in store.page(Filter(**asked))]  # type: ignore[arg-type]


# --- the task


def test_the_task_is_kept_and_a_metric_must_fit_it(store: ExampleStore) -> None:
    assert store.task() is None
    task = Task(kind="sentiment", labels=("긍정", "부정"), metric="macro_f1")
    store.set_task(task)
    assert store.task() == task
    with pytest.raises(BadInput, match="task_metric"):
        store.set_task(Task(kind="sentiment", metric="bleu"))
    assert store.task() == task


# --- coming in


def test_what_is_added_is_kept_as_it_was_handed_over(store: ExampleStore) -> None:
    span = Span(start=0, end=2, label="곳")
    given = new(
        "부산 바다",
        "곳: 부산",
        spans=(span,),
        rejected="모름",
        tags=("a", "b"),
        groups={"지역": "남"},
        origin="import:x.csv",
    )
    added = store.add([given])
    (kept,) = store.page()
    assert (added.count, added.already, added.refused) == (1, 0, 0)
    assert NewExample.model_validate(kept.model_dump(include=set(NewExample.model_fields))) == given
    assert (kept.revision, kept.split) == (1, None) and kept.created == kept.changed > 0
    assert store.get(kept.id) == kept and store.find_by_input(kept.input_key) == [kept]
    with pytest.raises(NotFound):
        store.get(99)


def test_the_same_input_with_the_same_answer_is_kept_once(store: ExampleStore) -> None:
    first = store.add([new("가"), new("가"), new("가", "부정"), new("가", rejected="나쁜 답")])
    again = store.add([new("가 ".strip()), new("나")])
    assert (first.count, first.already, again.count, again.already) == (3, 1, 1, 1)
    assert store.add([new("가")]).edit_id is None and len(store.edits()) == 2
    store.remove([example.id for example in store.page()])
    assert store.add([new("가")]).count == 1, "what was removed may come again"


def test_texts_are_composed_trimmed_and_marks_move_with_them(store: ExampleStore) -> None:
    taken_apart = "\u1107\u116e\u1109\u1161\u11ab"  # 부산 as another system writes it: five signs
    span = Span(start=len(taken_apart) + 1, end=len(taken_apart) + 3, label="것")
    store.add([new(f"{taken_apart} 바다", "  것: 바다\n", spans=(span,))])
    (kept,) = store.page()
    assert kept.text() == "부산 바다" and kept.output == "것: 바다"
    assert kept.spans == (Span(start=3, end=5, label="것"),)
    assert kept.input_key == input_key({"input": "부산 바다"})


def test_what_cannot_be_used_is_left_out_of_an_import_and_told(store: ExampleStore) -> None:
    rows = [
        new("좋다"),
        new("x" * 1_000_000),
        new("\0"),
        new("나쁘다"),
        new("짧다", spans=(Span(start=1, end=9, label="x"),)),
    ]
    added = store.add(rows)
    assert (added.count, added.refused) == (2, 3)
    assert [(note.key, note.details["number"]) for note in added.problems] == [
        ("error.text_too_long", 2),
        ("error.text_binary", 3),
        ("error.example_spans", 5),
    ]
    for broken in (new("x" * 1_000_000), new(" "), new("좋다", " ")):
        with pytest.raises(BadInput):
            store.add([broken], "hand")
    assert store.counts().total == 2 and len(store.edits()) == 1


def test_a_large_import_is_shown_all_at_once_or_not_at_all(
    store: ExampleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "CHUNK", 10)
    seen: list[int] = []

    def rows(break_at: int | None) -> Iterator[NewExample]:
        for number in range(35):
            if number == break_at:
                raise ValueError("the source broke")
            seen.append(store.counts().total)
            yield new(f"글 {number}")

    with pytest.raises(ValueError, match="the source broke"):
        store.add(rows(30))
    assert store.counts().total == 0 and store.edits() == [] and _rows(store) == 0
    added = store.add(rows(None))
    assert added.count == 35 and set(seen) == {0} and store.counts().total == 35
    assert store.add(rows(None)).count == 0 and _rows(store) == 35
    assert store.undo() is not None and store.counts().total == 0


def test_others_work_while_an_import_comes_in_and_nothing_doubles(
    store: ExampleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "CHUNK", 10)

    def rows() -> Iterator[NewExample]:
        for number in range(30):
            if number == 25:
                assert store.add([new("글 3"), new("손으로")], "hand").count == 2
            yield new(f"글 {number}")

    added = store.add(rows())
    assert added.count == 29 and added.already == 1
    assert sorted(texts(store)) == sorted([f"글 {number}" for number in range(30)] + ["손으로"])


def test_what_a_killed_import_left_is_not_seen_and_goes(
    store: ExampleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "CHUNK", 10)
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from backend.examples import adding\n"
        "from backend.examples.example import NewExample\n"
        "from backend.projects.projects import Projects\n"
        "adding.CHUNK = 10\n"
        "projects = Projects(Path(sys.argv[1]))\n"
        "store = projects.open('owner', projects.list('owner')[0].id).examples\n"
        "print(store.add([NewExample(variables={'input': 'kept'}, output='x')], 'hand').count, flush=True)\n"
        "def rows():\n"
        "    for number in range(1000):\n"
        "        if number == 45: print('middle', flush=True); time.sleep(60)\n"
        "        yield NewExample(variables={'input': f'lost {number}'}, output='x')\n"
        "store.add(rows())\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "home" / "projects")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert [child.stdout.readline().strip() for _ in range(2)] == ["1", "middle"]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert texts(store) == ["kept"] and [edit.kind for edit in store.edits()] == ["hand"]
    assert _rows(store) > 1, "hidden rows are there"
    with store.database.write() as session:
        session.execute(update(ExampleEditRow).values(created=time.time() - 2 * adding.SWEEP_S))
    store.add(new(f"글 {number}") for number in range(2 * adding.CHUNK))
    assert _rows(store) == 1 + 2 * adding.CHUNK == store.counts().total


def _rows(store: ExampleStore) -> int:
    with store.database.read() as session:
        return session.scalar(select(func.count()).select_from(ExampleRow)) or 0


# --- finding


def test_filters_find_what_they_say(store: ExampleStore) -> None:
    store.add(
        [
            new('그는 "좋다"고 했다', "긍정", tags=("뉴스", "a"), origin="import:a.csv", groups={"지역": "부산"}),
            new("100% 만족", "긍정", tags=("a_b",), origin="import:b.csv"),
            new("Bad_film", "부정", groups={"지역": "서울", "성별": "여"}),
            new("\\ 빗금", "중립"),
        ]
    )
    assert texts(store, text='"좋다"') == ['그는 "좋다"고 했다']
    assert texts(store, text="0%") == ["100% 만족"] and texts(store, text="%") == ["100% 만족"]
    assert texts(store, text="bad_F") == ["Bad_film"] and texts(store, text="badxf") == []
    assert texts(store, text="\\") == ["\\ 빗금"]
    assert texts(store, text="부정") == ["Bad_film"], "answers are searched too"
    assert texts(store, text="input") == [], "names of variables are not"
    assert texts(store, label="긍정", tag="a") == ['그는 "좋다"고 했다']
    assert texts(store, tag="A") == [] and texts(store, tag="b") == []
    assert texts(store, origin="import:b.csv") == ["100% 만족"]
    assert texts(store, ids=(2, 3, 77)) == ["100% 만족", "Bad_film"]
    assert store.count(Filter(split="none")) == 4 and store.count(Filter(split="test")) == 0
    assert store.labels() == {"긍정": 2, "부정": 1, "중립": 1} and next(iter(store.labels())) == "긍정"
    assert store.tags() == ["a", "a_b", "뉴스"] and store.origins() == ["hand", "import:a.csv", "import:b.csv"]
    assert store.group_names() == ["성별", "지역"]
    assert [len(store.page(offset=at, limit=3)) for at in (0, 3, 4, -1)] == [3, 1, 0, 3]


def test_many_examples_are_paged_and_counted_at_once(store: ExampleStore) -> None:
    draw = random.Random(0)
    store.add(new(f"{draw.getrandbits(64):x} 영화 {number}", f"라벨 {number % 7}") for number in range(20_000))
    with store.database.read() as session:
        took = {
            "counts": _quickest(store.counts),
            "count": _quickest(store.count),
            "first": _quickest(store.page),
            "last": _quickest(lambda: store.page(offset=19_950)),
            "label": _quickest(lambda: store.page(Filter(label="라벨 3"), 2_800)),
            "search": _quickest(lambda: store.count(Filter(text="영화 19999"))),
        }
        assert session.scalar(select(func.count()).select_from(ExampleRow)) == 20_000
    assert max(took.values()) < 0.1, took


def _quickest(call: object) -> float:
    """Seconds, the best of five: other work on the machine only ever adds."""
    assert callable(call)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


# --- changing


def test_the_later_of_two_people_is_told(store: ExampleStore) -> None:
    store.add([new("좋다", spans=(Span(start=0, end=1, label="x"),))])
    (seen,) = store.page()
    changed = store.edit(seen.id, seen.revision, output=" 부정 ", groups={"지역": "부산"})
    assert (changed.output, changed.groups, changed.revision) == ("부정", {"지역": "부산"}, 2)
    assert changed.spans is None, "the marks said what the old answer said"
    with pytest.raises(Busy, match="example_changed") as told:
        store.edit(seen.id, seen.revision, output="중립")
    assert told.value.details == {"id": seen.id, "revision": 2}
    assert store.get(seen.id).output == "부정"
    with pytest.raises(BadInput, match="example_empty"):
        store.edit(seen.id, 2, output=" ")
    with pytest.raises(NotFound):
        store.edit(99, 1, output="x")
    moved = store.edit(seen.id, 2, variables={"input": "아주 좋다"}, split="dev")
    assert moved.input_key == input_key({"input": "아주 좋다"}) and moved.split == "dev"


def test_of_many_at_once_exactly_one_wins(store: ExampleStore) -> None:
    store.add([new("좋다")])
    outcomes: list[str] = []

    def save(name: str) -> None:
        try:
            outcomes.append(store.edit(1, 1, output=name).output)
        except Busy:
            outcomes.append("busy")

    people = [threading.Thread(target=save, args=(f"답 {number}",)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert outcomes.count("busy") == 7 and store.get(1).output in outcomes and store.get(1).revision == 2


def test_rewriting_many_leaves_alone_what_changed_meanwhile(
    store: ExampleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.examples.changes.BATCH", 4)
    store.add([new(f"전화 010-{number:04}") for number in range(10)])
    seen = store.page()
    store.edit(3, 1, output="부정")
    store.remove([5])
    masked = [example.model_copy(update={"variables": {"input": "전화 ***"}, "split": "test"}) for example in seen]
    done = store.rewrite(masked, "mask")
    assert (done.count, done.stale) == (8, 2)
    assert store.count(Filter(text="***")) == 8 and store.counts() == Counts(total=9, unsplit=9)
    last, removal = store.edits(2)
    assert (last.kind, last.count, removal.kind) == ("mask", 8, "remove")
    store.undo()
    assert sorted(texts(store)) == sorted(f"전화 010-{number:04}" for number in range(10) if number != 4)


# --- undo


def test_everything_that_was_done_is_undone_step_by_step(store: ExampleStore) -> None:
    """A random walk over all edits; undoing all of it shows every earlier state again."""
    draw, states = random.Random(1), []
    store.add([new(f"글 {number}", draw.choice("가나다")) for number in range(30)])

    def state() -> list[dict[str, object]]:
        return [example.model_dump(exclude={"revision", "changed"}) for example in store.page(limit=999)]

    for step in range(40):
        before, count = state(), len(store.edits(999))
        some = draw.sample([example.id for example in store.page(limit=999)], 5)
        kind = draw.choice(["add", "edit", "remove", "tag", "untag", "split", "clean"])
        if kind == "add":
            store.add([new(f"새 글 {step} {number}") for number in range(3)], "hand")
        elif kind == "edit":
            store.edit(some[0], store.get(some[0]).revision, output=f"답 {step}", tags=("고침",))
        elif kind == "remove":
            store.remove(some)
        elif kind in ("tag", "untag"):
            (store.tag if kind == "tag" else store.untag)(some, draw.choice("xy"))
        elif kind == "split":
            store.set_split(some, draw.choice(["train", "dev", "test", None]))
        else:
            store.rewrite([store.get(one).model_copy(update={"output": f"합침 {step}"}) for one in some])
        if len(store.edits(999)) > count:
            states.append(before)
        else:
            assert state() == before, "what changes nothing is no edit"
    assert len(states) > 25
    for before in reversed(states):
        undone = store.undo()
        assert undone is not None and undone.undone and state() == before
    assert store.undo() is not None and store.counts().total == 0 and store.undo() is None


def test_who_has_an_example_open_is_told_of_an_undo(store: ExampleStore) -> None:
    store.add([new("좋다")])
    seen = store.edit(1, 1, output="부정")
    store.undo()
    with pytest.raises(Busy):
        store.edit(1, seen.revision, output="중립")


def test_adding_and_removing_copy_nothing_into_the_log(store: ExampleStore) -> None:
    store.add(new(f"글 {number}") for number in range(3_000))
    store.remove(range(1, 2_000))
    with store.database.read() as session:
        logged = session.scalars(select(ExampleEditRow.before)).all()
    assert [json.loads(text) for text in logged] == [{"added": [1, 3000]}, {"removed": [1, 1999]}]


def test_a_stranger_s_log_is_checked() -> None:
    row = edits.OldRow(
        id=1, input_key="x", variables="{}", output="", spans=None, rejected=None, tags="[]", groups="{}", split=None
    )
    for before in (edits.Before(rows=(row,)), edits.Before(column="tags", was=(("{}", (1,)),))):
        with pytest.raises(ValueError):
            edits.check_before(before)


# --- the lock


@pytest.fixture
def split(store: ExampleStore) -> ExampleStore:
    store.add(
        [new(f"글 {number * 7919 % 1000:03} {chr(0xAC00 + 97 * number)}", "가나"[number % 2]) for number in range(60)]
    )
    make_splits(store, plan_splits(store))
    return store


@pytest.mark.parametrize("purpose", ["train", "shots", "tune"])
def test_nothing_learns_from_the_test_split(split: ExampleStore, purpose: Purpose) -> None:
    with pytest.raises(Refused, match="test_locked"):
        split.each("test", purpose)
    with pytest.raises(Refused, match="test_locked"):
        split.each(None, purpose)
    assert {example.split for example in split.each("train", purpose)} == {"train"}
    assert {example.split for example in split.each("dev", purpose)} == {"dev"}


def test_the_test_split_is_looked_at_and_measured_on(split: ExampleStore) -> None:
    measured = list(split.each("test", "evaluate"))
    assert measured == list(split.each("test", "look")) == split.page(Filter(split="test"), 0, 99)
    assert len(list(split.each(None, "look"))) == 60


def test_without_splits_there_is_nothing_to_learn_from(store: ExampleStore) -> None:
    store.add([new("좋다"), new("나쁘다")])
    with pytest.raises(Refused, match="no_splits"):
        store.each("train", "shots")
    assert len(list(store.each(None, "look"))) == 2 and list(store.each("test", "look")) == []
    store.set_split([1], "train")
    assert [example.id for example in store.each("train", "shots")] == [1]


def test_reading_goes_page_by_page(split: ExampleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.examples.store.PAGE", 7)
    assert list(split.each("train", "train")) == split.page(Filter(split="train"), 0, 99)


def test_nothing_moves_in_or_out_of_test_once_it_is_locked(split: ExampleStore) -> None:
    before = {example.id: example.split for example in split.page(limit=99)}
    tested = next(example for example in split.each("test", "look"))
    learnt = next(example for example in split.each("train", "look"))
    attempts = [
        lambda: split.set_split([learnt.id], "test"),
        lambda: split.set_split([tested.id, learnt.id], "dev"),
        lambda: split.set_split([tested.id], None),
        lambda: split.edit(tested.id, tested.revision, split="train"),
        lambda: split.edit(learnt.id, learnt.revision, split="test"),
        lambda: split.undo(),
    ]
    for attempt in attempts:
        with pytest.raises(Refused, match=r"test_move|undo_splits"):
            attempt()
    split.rewrite([tested.model_copy(update={"split": "train"}), learnt.model_copy(update={"split": "test"})], "edit")
    given = split.add([new("새 글", split="test"), new("또 새 글", split="train")])
    assert given.count == 2 and split.counts().unsplit == 2
    assert {example.id: example.split for example in split.page(limit=60)} == before
    assert split.set_split([learnt.id], "dev") == 1, "train and dev are free"
    assert split.set_split([tested.id], "test") == 0, "where it is already"


def test_a_label_in_the_test_split_can_be_put_right(split: ExampleStore) -> None:
    tested = next(example for example in split.each("test", "look"))
    assert split.edit(tested.id, tested.revision, output="다").split == "test"
    assert split.remove([tested.id]) == 1
    undone = split.undo()
    assert undone is not None and undone.kind == "remove" and split.get(tested.id).split == "test"


# --- several at once


def test_threads_and_processes_write_and_read_and_nothing_is_lost(store: ExampleStore, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from backend.examples.example import NewExample\n"
        "from backend.projects.projects import Projects\n"
        "projects = Projects(Path(sys.argv[1]))\n"
        "store = projects.open('owner', projects.list('owner')[0].id).examples\n"
        "for number in range(8):\n"
        "    store.add([NewExample(variables={'input': f'child {number}'}, output='x')], 'hand')\n"
        "projects.close()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "home" / "projects")], cwd=ROOT)
    faults: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(6):
                store.add([new(f"{name} {number}")], "hand")
                store.tag([example.id for example in store.page(limit=3)], name)
                list(store.each(None, "look"))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert child.wait(60) == 0 and faults == []
    assert store.counts().total == 3 * 6 + 8 and set(store.tags()) == {"t0", "t1", "t2"}
    assert isinstance(store.page()[0], Example)


def test_a_task_whose_metric_is_of_another_kind_is_none(store: ExampleStore) -> None:
    kept = Task(kind="sentiment", labels=("가", "나"), metric="bleu").model_dump(mode="json")
    NoteStore(store.database).set("task", kept)
    assert store.task() is None
