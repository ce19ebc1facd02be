"""Splits: shares, labels, near-duplicates on one side, given splits, making them anew, and what comes later."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from statsmodels.stats.proportion import proportion_confint

from backend.errors import BadInput, Busy, Refused, StorageProblem
from backend.examples.example import NewExample, Span, Split
from backend.examples.near_duplicates import jaccard, plain, shingles
from backend.examples.split_notes import _points
from backend.examples.splits import SplitPlan, make_splits, place_new, plan_splits, splits_made
from backend.examples.store import ExampleStore, Filter
from backend.examples.stratify import Unit, assign
from backend.examples.task import Task
from backend.projects.notes import NoteStore
from backend.projects.projects import Projects

SHARES: dict[Split, float] = {"train": 0.6, "dev": 0.2, "test": 0.2}
TASK = Task(kind="classification", labels=("가", "나"), metric="accuracy")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ExampleStore]:
    projects = Projects(tmp_path / "home" / "projects")
    yield projects.open("owner", projects.create("owner", "분류").id).examples
    projects.close()


def sentences(count: int, seed: int = 0) -> list[str]:
    """Texts that have next to nothing in common."""
    draw = random.Random(seed)
    return ["".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(12)) for _ in range(count)]


def filled(store: ExampleStore, labels: Sequence[str], seed: int = 0, **more: object) -> ExampleStore:
    texts = sentences(len(labels), seed)
    store.add(
        NewExample.model_validate({"variables": {"input": text}, "output": label, **more})
        for text, label in zip(texts, labels, strict=True)
    )
    return store


def keys(plan: SplitPlan) -> set[str]:
    return {note.key.removeprefix("examples.split.") for note in plan.warnings}


def sides(store: ExampleStore) -> dict[str, Split | None]:
    return {example.text(): example.split for example in store.page(limit=100_000)}


# --- sharing out


@pytest.mark.parametrize("shares", [(0.6, 0.2, 0.2), (0.8, 0.1, 0.1), (0.34, 0.33, 0.33), (0.0, 0.5, 0.5)])
def test_every_label_keeps_the_shares(shares: tuple[float, float, float]) -> None:
    draw = random.Random(2)
    sizes = {f"라벨 {number}": draw.randrange(3, 400) for number in range(40)}
    units = [Unit(label, 1, draw.randbytes(8)) for label, size in sizes.items() for _ in range(size)]
    named: dict[Split, float] = dict(zip(SHARES, shares, strict=True))
    found = Counter(zip((unit.label for unit in units), assign(units, named), strict=True))
    for label, size in sizes.items():
        for split, share in named.items():
            assert abs(found[label, split] - share * size) <= 2, (label, split)
    for split, share in named.items():
        whole = sum(count for (_label, which), count in found.items() if which == split)
        assert abs(whole - share * len(units)) <= 0.01 * len(units)


def test_groups_stay_whole_and_the_shares_hold_all_the_same() -> None:
    draw = random.Random(3)
    units = [Unit("가나"[draw.randrange(2)], draw.choice([1, 1, 1, 5, 20]), draw.randbytes(8)) for _ in range(500)]
    total = sum(unit.weight for unit in units)
    got: Counter[Split] = Counter()
    for unit, split in zip(units, assign(units, SHARES), strict=True):
        got[split] += unit.weight
    assert all(abs(got[split] - share * total) <= 3 for split, share in SHARES.items())


def test_a_label_with_one_or_two_examples_is_learnt_first() -> None:
    units = [Unit("자주", 1, bytes([number])) for number in range(200)]
    units += [Unit("하나", 1, b"x"), Unit("둘", 1, b"y"), Unit("둘", 1, b"z")]
    found = assign(units, SHARES)
    assert found[200] == "train" and sorted(found[201:])[1] == "train" and len(set(found[201:])) == 2


def test_five_thousand_labels_with_one_example_each_are_still_shared_out() -> None:
    units = [Unit(f"라벨 {number}", 1, number.to_bytes(4, "big")) for number in range(5_000)]
    start = time.perf_counter()
    got = Counter(assign(units, SHARES))
    assert abs(got["train"] - 3_000) <= 5 and abs(got["test"] - 1_000) <= 5
    assert time.perf_counter() - start < 5


def test_a_hundred_thousand_examples_of_five_thousand_labels_take_seconds() -> None:
    draw = random.Random(4)
    units = [Unit(f"라벨 {int(draw.paretovariate(0.5)) % 5_000}", 1, draw.randbytes(8)) for _ in range(100_000)]
    start = time.perf_counter()
    got = Counter(assign(units, SHARES))
    assert time.perf_counter() - start < 30
    assert abs(got["test"] - 20_000) <= 200


# --- plans


def test_the_same_data_and_seed_are_split_alike_everywhere(store: ExampleStore, tmp_path: Path) -> None:
    filled(store, ["가", "나"] * 40)
    plan = plan_splits(store, seed=5)
    assert plan == plan_splits(store, seed=5)
    assert plan.sides != plan_splits(store, seed=6).sides
    make_splits(store, plan)
    elsewhere = Projects(tmp_path / "elsewhere" / "projects")
    other = elsewhere.open("lee", elsewhere.create("lee", "같은 것").id).examples
    other.add(reversed([NewExample(variables=one.variables, output=one.output) for one in store.page(limit=99)]))
    make_splits(other, plan_splits(other, seed=5))
    assert sides(other) == sides(store)
    elsewhere.close()


def test_a_plan_counts_what_it_would_make(store: ExampleStore) -> None:
    filled(store, ["가"] * 120 + ["나"] * 60 + ["다"] * 20).set_task(TASK)
    plan = plan_splits(store, 0, (0.5, 0.25, 0.25))
    assert plan.counts == {"train": 100, "dev": 50, "test": 50} and plan.warnings == []
    assert plan.per_label["나"] == {"train": 30, "dev": 15, "test": 15} and list(plan.per_label) == ["가", "나", "다"]
    assert store.counts().unsplit == 200, "a plan changes nothing"
    make_splits(store, plan)
    counts = store.counts()
    assert (counts.train, counts.dev, counts.test) == (100, 50, 50)
    assert store.labels("test") == {"가": 30, "나": 15, "다": 5}


def test_near_duplicates_never_stand_on_two_sides(store: ExampleStore) -> None:
    draw, originals = random.Random(7), sentences(60, seed=8)
    texts = [text + tail for text in originals for tail in ("", "!", " ?!", "~")]
    draw.shuffle(texts)
    store.add(NewExample(variables={"input": text}, output="가나"[number % 2]) for number, text in enumerate(texts))
    store.add([NewExample(variables={"input": originals[0]}, output="반대")])
    plan = plan_splits(store)
    make_splits(store, plan)
    where = sides(store)
    for text in originals:
        assert len({where[text + tail] for tail in ("", "!", " ?!", "~")}) == 1
    assert len({example.split for example in store.page(Filter(text=originals[0]))}) == 1, "whatever the answer"
    assert all(abs(plan.counts[split] - share * 241) <= 5 for split, share in SHARES.items())
    (told,) = [note for note in plan.warnings if note.key.endswith("together")]
    assert told.details == {"count": "241", "groups": "60"}


def test_a_chain_of_small_steps_does_not_swallow_everything(store: ExampleStore) -> None:
    signs = sentences(1, seed=9)[0] * 4
    chain = [signs[:30] + "".join(chr(0xAC00 + 31 * n) for n in range(step, step + 30)) for step in range(300)]
    assert jaccard(shingles(plain(chain[0])), shingles(plain(chain[1]))) > 0.8
    store.add(NewExample(variables={"input": text}, output="가나"[number % 2]) for number, text in enumerate(chain))
    plan = plan_splits(store)
    assert "chained" in keys(plan) and min(plan.counts.values()) > 30


def test_spans_are_stratified_by_their_kinds(store: ExampleStore) -> None:
    store.set_task(Task(kind="entities", labels=("곳", "사람"), metric="span_f1"))
    for label, count in (("곳", 90), ("사람", 10)):
        span = (Span(start=0, end=2, label=label),)
        store.add(
            NewExample(variables={"input": text}, output=f"{label}: {text[:2]}", spans=span)
            for text in sentences(count, seed=count)
        )
    plan = plan_splits(store)
    make_splits(store, plan)
    kinds = Counter(example.spans[0].label for example in store.each("test", "look") if example.spans)
    assert kinds == {"곳": 18, "사람": 2} and plan.per_label == {}


# --- warnings


def test_warnings_say_what_is_wrong_with_the_data(store: ExampleStore) -> None:
    filled(store, ["가"] * 20).set_task(TASK)
    plan = plan_splits(store)
    told = {note.key: note.details for note in plan.warnings}
    assert told["examples.split.small_test"] == {"count": 4, "points": 35}
    assert told["examples.split.one_label"] == {"label": "가"}
    filled(store, [f"라벨 {number}" for number in range(30)], seed=1)
    told = {note.key: note.details for note in plan_splits(store).warnings}
    assert "examples.split.labels_without_test" in told and "examples.split.labels_without_train" in told
    assert keys(plan_splits(store, 0, (0.0, 0.0, 1.0))) >= {"no_train", "no_dev"}


@pytest.mark.parametrize("count", [1, 4, 12, 29])
def test_how_far_off_a_small_test_is_follows_wilson(count: int) -> None:
    # Wilson's half width does not depend on which half of an odd count is right; statsmodels takes halves too.
    low, high = proportion_confint(count / 2, count, method="wilson")
    assert _points(count) == round(100 * (high - low) / 2)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_to_split(store: ExampleStore, count: int) -> None:
    filled(store, ["가"] * count)
    with pytest.raises(BadInput, match="split_too_few"):
        plan_splits(store)


def test_three_are_split_with_one_to_measure_on(store: ExampleStore) -> None:
    assert plan_splits(filled(store, ["가", "나", "가"])).counts["test"] == 1


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.0), (0.5, 0.1, 0.1), (-0.2, 0.6, 0.6), (float("nan"), 0.5, 0.5)])
def test_shares_must_be_shares(store: ExampleStore, shares: tuple[float, float, float]) -> None:
    filled(store, ["가"] * 10)
    with pytest.raises(BadInput, match="split_shares"):
        plan_splits(store, 0, shares)


# --- splits that the data names


def test_splits_in_the_data_are_respected_and_a_missing_one_is_taken_from_train(store: ExampleStore) -> None:
    filled(store, ["가", "나"] * 40, seed=1, split="train")
    filled(store, ["가", "나"] * 10, seed=2, split="test")
    given = {text: split for text, split in sides(store).items() if split == "test"}
    plan = plan_splits(store)
    assert plan.counts == {"train": 60, "dev": 20, "test": 20}
    assert {"given", "dev_from_train"} <= keys(plan) and "test_from_train" not in keys(plan)
    make_splits(store, plan)
    assert given.items() <= sides(store).items()


def test_examples_without_a_split_fill_up_the_given_ones(store: ExampleStore) -> None:
    filled(store, ["가"] * 30, seed=1, split="train")
    filled(store, ["가"] * 30, seed=2, split="test")
    filled(store, ["가"] * 90, seed=3)
    plan = plan_splits(store)
    assert plan.counts == {"train": 90, "dev": 30, "test": 30}
    assert plan_splits(store, keep=False).counts == {"train": 90, "dev": 30, "test": 30}
    make_splits(store, plan)
    assert splits_made(store) is not None


def test_given_splits_that_leak_are_told(store: ExampleStore) -> None:
    text = sentences(1, seed=3)[0]
    filled(store, ["가", "나"] * 10, seed=1, split="train")
    filled(store, ["가", "나"] * 5, seed=2, split="test")
    for split, tail in (("train", ""), ("test", "!"), (None, "?")):
        store.add([NewExample(variables={"input": text + tail}, output="가", split=split)])
    plan = plan_splits(store)
    assert [note.details for note in plan.warnings if note.key.endswith("given_leak")] == [{"count": "3"}]
    make_splits(store, plan)
    assert (sides(store)[text + "!"], sides(store)[text + "?"]) == ("test", "test"), "undecided ones follow the test"


# --- making them, once


def test_splits_are_made_once_and_anew_only_when_asked_for(store: ExampleStore) -> None:
    filled(store, ["가", "나"] * 30)
    assert splits_made(store) is None
    made = make_splits(store, plan_splits(store, 1))
    assert made == splits_made(store) and (made.seed, made.shares, made.test_count, made.times) == (
        1,
        (0.6, 0.2, 0.2),
        12,
        1,
    )
    before = sides(store)
    plan = plan_splits(store, 2)
    with pytest.raises(Refused, match="splits_made"):
        make_splits(store, plan)
    assert sides(store) == before
    moved = sum(before[store.get(one).text()] != "test" for one in plan.sides["test"])
    assert [note.details for note in plan.warnings if note.key.endswith("anew")] == [
        {"count": str(moved)}
    ] and moved > 0
    again = make_splits(store, plan, anew=True, reason="라벨을 고침")
    assert (again.times, again.seed) == (2, 2) and sides(store) != before
    assert [(edit.kind, edit.count) for edit in store.edits()] == [("splits", 60), ("splits", 60), ("import", 60)]
    with pytest.raises(Refused, match="undo_splits"):
        store.undo()


@pytest.mark.parametrize("change", ["add", "remove", "edit", "undo"])
def test_a_plan_of_other_examples_is_refused(store: ExampleStore, change: str) -> None:
    filled(store, ["가", "나"] * 10)
    store.tag([1], "x")
    plan = plan_splits(store)
    if change == "add":
        filled(store, ["가"], seed=9)
    elif change == "remove":
        store.remove([1])
    elif change == "edit":
        store.edit(2, 1, output="다")
    else:
        store.undo()
    with pytest.raises(Busy, match="examples_changed"):
        make_splits(store, plan)
    assert splits_made(store) is None and store.counts().train == 0


def test_a_note_that_cannot_be_read_keeps_the_lock(store: ExampleStore) -> None:
    filled(store, ["가", "나"] * 10)
    NoteStore(store.database).set("splits", {"of": "tomorrow"})
    with pytest.raises(StorageProblem, match="splits_note"):
        splits_made(store)
    with pytest.raises(Refused, match="test_move"):
        store.set_split([1], "test")


# --- what comes later


def test_what_comes_later_goes_where_its_like_is(store: ExampleStore) -> None:
    filled(store, ["가", "나"] * 50)
    with pytest.raises(Refused, match="no_splits"):
        place_new(store)
    make_splits(store, plan_splits(store))
    before = sides(store)
    like = {split: next(text for text, where in before.items() if where == split) for split in SHARES}
    store.add(NewExample(variables={"input": text + "!"}, output="가") for text in like.values())
    store.add([NewExample(variables={"input": like["test"]}, output="다른 답")])
    new = sentences(40, seed=77)
    store.add(NewExample(variables={"input": text}, output="가나"[number % 2]) for number, text in enumerate(new))
    placed = place_new(store)
    after = sides(store)
    assert {split: after[text + "!"] for split, text in like.items()} == {split: split for split in SHARES}
    assert {example.split for example in store.page(Filter(text=like["test"]))} == {"test"}
    assert before.items() <= after.items() and placed.test == 2
    assert {after[text] for text in new} == {"train", "dev"} and store.counts().unsplit == 0
    assert abs(store.counts().dev / (store.counts().train + store.counts().dev) - 0.25) < 0.02
    assert (
        store.edits(1)[0].kind == "place" and store.edits(1)[0].count == placed.train + placed.dev + placed.test == 44
    )


def test_new_ones_alike_stay_together_and_one_by_one_keeps_the_shares(store: ExampleStore) -> None:
    filled(store, ["가", "나"] * 20)
    make_splits(store, plan_splits(store))
    (text, *others) = sentences(17, seed=5)
    for tail in ("", "!", "?"):
        store.add([NewExample(variables={"input": text + tail}, output="가")], "hand")
    place_new(store)
    assert len({sides(store)[text + tail] for tail in ("", "!", "?")}) == 1
    for other in others:
        store.add([NewExample(variables={"input": other}, output="가")], "hand")
        assert place_new(store).test == 0
    counts = store.counts()
    assert counts.test == 8 and counts.unsplit == 0 and counts.dev >= 10
    assert place_new(store).train == 0, "nothing is left to place"


def test_what_was_added_and_placed_is_taken_back_at_once(store: ExampleStore) -> None:
    filled(store, ["가", "나"] * 20)
    make_splits(store, plan_splits(store))
    before = sides(store)
    store.add([NewExample(variables={"input": "새로 온 글"}, output="가")], "hand")
    place_new(store)
    last = store.edits(1)[0]
    with pytest.raises(Busy, match="examples_changed"):
        store.undo(last.id - 1)
    undone = store.undo(last.id)
    assert undone is not None and undone.kind == "hand"
    assert sides(store) == before and store.counts().unsplit == 0
    assert [edit.undone for edit in store.edits(2)] == [True, True]
    with pytest.raises(Refused, match="undo_splits"):
        store.undo()
