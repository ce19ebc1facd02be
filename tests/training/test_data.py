"""What is trained on is what is asked: the prompt's ids against those that the engine feeds; what counts; what is
left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.answering import Answering, Question
from backend.assistants import Assistant, Decoding, Documents, Examples, Instructions, Selection, Shot
from backend.errors import Refused
from backend.examples.asking import conversation_in, question_of
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.models.batching import Job, StepLoop
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.models.tokenizing import Tokenizing, end_to_learn
from backend.projects.folder import Project
from backend.projects.tables import ExampleRow
from backend.settings import Settings
from backend.training.rows.making import make_rows
from backend.training.rows.turns import trained_assistant
from backend.training.values import IGNORED, Row
from tests.training.data_cases import (
    ASSISTANT,
    KINDS,
    config,
    counted,
    labelled,
    model_folder,
    named,
    new_project,
    reviews,
    rows_of,
)

SHOTS = Examples(shots=(Shot(variables={"input": "지루합니다."}, output="부정"),))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    there = tmp_path_factory.mktemp("models")
    return {kind: model_folder(kind, there, Settings(home=there).starter) for kind in KINDS}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModelHost]:
    settings = Settings(home=tmp_path / "home")
    host = ModelHost(settings, Endpoints(settings.home))
    yield host
    host.close()


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The prompts, as ids, that engines are given to read."""
    seen: list[list[int]] = []
    submit = StepLoop.submit

    def spy(loop: StepLoop, job: Job) -> None:
        seen.append(list(job.ids))
        submit(loop, job)

    monkeypatch.setattr(StepLoop, "submit", spy)
    return seen


def prompt_of(row: Row) -> list[int]:
    """The ids before the answer that stands at the end of the row."""
    end = len(row.labels)
    while end and row.labels[end - 1] != IGNORED:
        end -= 1
    return list(row.input_ids[:end])


def local(tmp_path: Path, folder: Path, assistant: Assistant) -> Assistant:
    """The assistant with the model of this folder and, as everywhere, the template it was made with."""
    settings = Settings(home=tmp_path / "home")
    ref = add_folder(settings, str(folder))
    few = Decoding(max_new_tokens=2)
    return assistant.model_copy(update={"model": ref, "decoding": few})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("objective", ["answers", "prompt_based", "head"])
def test_a_rows_prompt_is_what_the_engine_is_fed_for_the_same_question(
    kind: str, objective: str, project: Project, host: ModelHost, fed: list[list[int]], folders: Any, tmp_path: Path
) -> None:
    labelled(project)
    assistant = local(tmp_path, folders[kind], ASSISTANT.model_copy(update={"examples": SHOTS}))
    wanted = config(assistant, objective=objective)
    rows = rows_of(project, folders[kind], wanted)
    examples = {one.id: one for one in project.examples.page(limit=100)}
    assert len(rows.train) == 12 and len(rows.dev) == 3
    for row in (*rows.train[:3], *rows.dev[:1]):
        question = Question(examples[row.example_id or 0].variables)
        list(Answering(host).answer(trained_assistant(wanted), question))
        assert (list(row.input_ids) if objective == "head" else prompt_of(row)) == fed[-1]
        assert ("지루합니다." in row.prompt) == (objective == "prompt_based")


@pytest.mark.parametrize("kind", KINDS)
def test_just_the_answer_and_its_end_token_count(kind: str, project: Project, folders: Any) -> None:
    labelled(
        project, NewExample(variables={"input": "배송이 늦었습니다"}, output="  긍정\n그리고 😀 👍🏽!", split="train")
    )
    reads = Tokenizing.open(folders[kind])
    rows = make_rows(project, config(), reads)
    assert len(rows.train) == 13
    for row in rows.train:
        ids = counted(row)
        assert ids[-1] in reads.ends and not reads.ends.intersection(ids[:-1])
        assert reads.tokenizer.decode(ids[:-1]) == row.completion
        assert row.labels[: -len(ids)] == (IGNORED,) * (len(row.labels) - len(ids))
        assert reads.tokenizer.decode(row.input_ids[: -len(ids)]) == row.prompt


def test_the_trained_end_is_the_one_that_stops_the_engine(
    project: Project, host: ModelHost, folders: Any, tmp_path: Path
) -> None:
    for kind in KINDS:
        with host.engine(add_folder(Settings(home=tmp_path / "home"), str(folders[kind]))) as engine:
            reads = Tokenizing.open(folders[kind])
            assert reads.ends == engine.ends and reads.context == engine.context_length  # type: ignore[attr-defined]
            assert end_to_learn(reads, None) in engine.ends  # type: ignore[attr-defined]


def test_a_token_that_reaches_over_the_border_is_no_part_of_the_answer(tmp_path: Path, project: Project) -> None:
    """The prompt ends with a space and the answer begins with a word: cut together they would share a token."""
    from tests.tiny import tiny_tokenizer

    tokenizer = tiny_tokenizer(chat_template=False, words=600)
    tokenizer.chat_template = "{{ messages[-1]['content'] }}"
    reads = Tokenizing.settle(tokenizer, frozenset({1}), None)
    prompt, output = "What did you have ", "for lunch"
    both = tokenizer(prompt + output, add_special_tokens=False)["input_ids"]
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert both[: len(before)] != before
    assistant = Assistant(instructions=Instructions(template=prompt))
    project.examples.add([NewExample(variables={"input": "x"}, output=output, split="train")])
    (row,) = make_rows(project, config(assistant), reads).train
    assert prompt_of(row) == before and tokenizer.decode(counted(row)) == output + "<|end|>"


TALKED = (
    "사용자: 점심은 무엇을 드셨습니까?\n도우미: 김치찌개를 먹었습니다.\n"
    "사용자: 맛있었습니까?\n도우미: 네.\n사용자: 또 갑니까?"
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_of_a_conversation_counts_and_is_asked_as_in_a_chat(
    kind: str, project: Project, host: ModelHost, fed: list[list[int]], folders: Any, tmp_path: Path
) -> None:
    project.examples.set_task(Task())
    project.examples.add([NewExample(variables={"input": TALKED}, output="내일도 갑니다.", split="train")])
    plain = Assistant(instructions=Instructions(system="친절하게 답하십시오."))
    assistant = local(tmp_path, folders[kind], plain)
    rows = rows_of(project, folders[kind], config(assistant))
    reads = Tokenizing.open(folders[kind])
    (end,) = {end_to_learn(reads, None)}
    said = "".join(f"{answer}{reads.tokenizer.convert_ids_to_tokens(end)}" for answer in ANSWERS)
    assert reads.tokenizer.decode([one for row in rows.train for one in counted(row)]) == said
    example = project.examples.page()[0]
    question = question_of(example, assistant, project.examples.task())
    assert [turn.content for turn in question.history] == [
        "점심은 무엇을 드셨습니까?", ANSWERS[0], "맛있었습니까?", ANSWERS[1],
    ]  # fmt: skip
    list(Answering(host).answer(assistant, question))
    assert prompt_of(rows.train[-1]) == fed[-1]
    assert len(rows.train) == 1 or kind not in ("starter", "own", "plain")
    if len(rows.train) == 1:
        # In place: what stands before each answer is what the chat was fed at that turn.
        starts = [at for at, label in enumerate(rows.train[0].labels) if label != IGNORED]
        for turn in (0, 1):
            first = Question({"input": question.history[2 * turn].content}, question.history[: 2 * turn])
            list(Answering(host).answer(assistant, first))
            assert list(rows.train[0].input_ids[: len(fed[-1])]) == fed[-1]
            assert len(fed[-1]) in starts and len(fed[-1]) - 1 not in starts
    problem = named(rows.problems, "conversations")
    assert problem is not None and problem.example_ids == (example.id,)


ANSWERS = ("김치찌개를 먹었습니다.", "네.", "내일도 갑니다.")


def test_a_template_that_shows_earlier_answers_otherwise_gets_a_row_for_each(project: Project, folders: Any) -> None:
    """An answer that the template shows trimmed later is not what was written at its turn."""
    project.examples.set_task(Task())
    talk = "User: Hello.\nAssistant:   soup with rice\nUser: And today?"
    new = NewExample(variables={"input": '[{"role": "user", "content": "Hello."}, '
        '{"role": "assistant", "content": "  soup with rice  "}, {"role": "user", "content": "And today?"}]'},
        output="rice", split="train")  # fmt: skip
    project.examples.add([new])
    rows = rows_of(project, folders["no_system"], config(Assistant()))
    assert [row.completion for row in rows.train] == ["  soup with rice  ", "rice"]
    assert rows.train[0].input_ids[: len(prompt_of(rows.train[0]))] == tuple(prompt_of(rows.train[0]))
    assert conversation_in(talk) == [("user", "Hello."), ("assistant", "soup with rice"), ("user", "And today?")]


def test_what_only_looks_like_a_conversation_is_asked_as_it_is(project: Project) -> None:
    for text in (
        "사용자: 안녕",
        "가: 안녕\n나: 그래",
        "사용자: 안녕\n도우미: 네",
        "Assistant: hi\nUser: x\nAssistant: y",
    ):
        assert conversation_in(text) is None
    example = NewExample(variables={"input": TALKED}, output="요약", split="train")
    project.examples.add([example])
    kept = project.examples.page()[0]
    summary = Task(kind="summarising", metric="rouge_l")
    assert question_of(kept, Assistant(), summary).history == ()
    asked = Assistant(instructions=Instructions(template="요약: {input}"))
    assert question_of(kept, asked, None).variables["input"] == TALKED


def test_a_shot_is_never_shown_its_own_answer(project: Project, folders: Any) -> None:
    labelled(project)
    first, second = project.examples.page(limit=2)
    shown = Examples(shots=(first.shot(), second.shot()), selection=Selection(method="balanced"))
    rows = rows_of(
        project, folders["own"], config(ASSISTANT.model_copy(update={"examples": shown}), objective="prompt_based")
    )
    for row in rows.train:
        seen = [one.variables["input"] in row.prompt for one in (first, second)]
        assert seen == [True, True]
        shots = row.prompt.count("<|assistant|>") - 1
        assert shots == (1 if row.example_id in (first.id, second.id) else 2)
    problem = named(rows.problems, "own_shot")
    assert problem is not None and problem.example_ids == (first.id, second.id)


def test_test_examples_can_never_get_in(project: Project, folders: Any) -> None:
    secret = NewExample(variables={"input": "시험에만 나오는 비밀 문장"}, output="긍정", split="test")
    labelled(project, secret)
    test = {one.id for one in project.examples.each("test", "look")}
    assert len(test) == 4
    for objective in ("answers", "prompt_based", "head"):
        rows = rows_of(project, folders["own"], config(objective=objective))
        used = {row.example_id for row in (*rows.train, *rows.dev)}
        assert len(used) == 15 and not used & test
        assert not any("비밀" in row.prompt for row in (*rows.train, *rows.dev))
    for purpose in ("train", "shots", "tune"):
        with pytest.raises(Refused):
            project.examples.each("test", purpose)  # type: ignore[arg-type]


def test_rows_that_do_not_fit_are_left_out_and_told_and_never_cut(project: Project, folders: Any) -> None:
    long = NewExample(variables={"input": "아주 긴 글 " * 300}, output="긍정", split="train")
    long_answer = NewExample(variables={"input": "짧은 글"}, output="긴 답 " * 300, split="dev")
    project.examples.set_task(Task())
    project.examples.add([*reviews(), long, long_answer])
    rows = rows_of(project, folders["own"], config(max_length=200))
    told = named(rows.problems, "too_long")
    ids = {one.variables["input"]: one.id for one in project.examples.page(limit=100)}
    assert told is not None and told.example_ids == (ids[long.variables["input"]], ids["짧은 글"])
    assert told.details["train"] == 1 and told.details["dev"] == 1 and told.details["limit"] == 200
    assert max(len(row.input_ids) for row in rows.train) <= 200 and len(rows.train) == 12
    # The model's own context holds where the person asks for more; virtual tokens take room of it.
    assert (
        named(rows_of(project, folders["own"], config(max_length=5_000)).problems, "too_long").details["limit"] == 512
    )  # type: ignore[union-attr]
    virtual = rows_of(project, folders["own"], config(method="prompt_tuning", num_virtual_tokens=30))
    assert named(virtual.problems, "too_long").details["limit"] == 482  # type: ignore[union-attr]


def test_what_cannot_be_trained_on_is_told(project: Project, folders: Any) -> None:
    odd = [
        NewExample(variables={"input": "빈 답"}, output="  ", split="train"),
        NewExample(variables={"text": "다른 이름"}, output="긍정", split="train"),
        NewExample(variables={"input": "기호"}, output="긍정<|end|>부정", split="train"),
        NewExample(variables={"input": "멈춤"}, output="긍정 끝 부정", split="train"),
        NewExample(variables={"input": "길다"}, output="긍정 " * 20, split="train"),
    ]
    labelled(project)
    project.examples.add(odd, kind="import")
    assistant = ASSISTANT.model_copy(update={"decoding": Decoding(max_new_tokens=12, stop=("끝",))})
    rows = rows_of(project, folders["own"], config(assistant))
    by_text = {next(iter(one.variables.values())): one.id for one in project.examples.page(limit=100)}
    for name, text in (("no_prompt", "다른 이름"), ("special_inside", "기호"), ("stop_inside", "멈춤"),
                       ("truncated", "길다")):  # fmt: skip
        told = named(rows.problems, name)
        assert told is not None and by_text[text] in told.example_ids, name
    assert named(rows.problems, "no_prompt").example_ids == (by_text["다른 이름"],)  # type: ignore[union-attr]
    head = rows_of(project, folders["own"], config(assistant, objective="head"))
    assert head.labels == ("긍정", "부정")
    assert all(head.labels[row.label or 0] == row.completion and row.labels == () for row in head.train)
    assert {by_text["기호"]} <= set(named(head.problems, "unknown_label").example_ids)  # type: ignore[union-attr]


def test_an_empty_output_is_left_out(project: Project, folders: Any) -> None:
    labelled(project)
    first = project.examples.page(limit=1)[0]
    with project.database.write() as session:
        session.get_one(ExampleRow, first.id).output = "  "  # as an older studio, or another hand, may have left it
    rows = rows_of(project, folders["own"], config())
    assert named(rows.problems, "no_answers").example_ids == (first.id,)  # type: ignore[union-attr]
    assert first.id not in {row.example_id for row in rows.train} and len(rows.train) == 11


def test_a_limit_and_a_tag_draw_the_same_rows_each_time(project: Project, folders: Any) -> None:
    labelled(project)
    project.examples.tag([one.id for one in project.examples.page(limit=6)], "가려냄")
    tagged = rows_of(project, folders["own"], config(tag="가려냄"))
    assert len(tagged.train) == 6 and tagged.dev == ()
    some = [rows_of(project, folders["own"], config(limit=5, seed=seed)).train for seed in (1, 1, 2)]
    assert some[0] == some[1] != some[2] and [len(one) for one in some] == [5, 5, 5]
    assert rows_of(project, folders["own"], config(), watched=False).dev == ()


def test_without_splits_there_are_no_rows(project: Project, folders: Any) -> None:
    project.examples.set_task(Task())
    project.examples.add([NewExample(variables={"input": "x"}, output="y")])
    rows = rows_of(project, folders["own"], config())
    assert rows.train == () and named(rows.problems, "no_splits") is not None


def test_a_tokenizer_without_an_end_token_is_told(project: Project) -> None:
    from tests.tiny import tiny_tokenizer

    labelled(project)
    tokenizer = tiny_tokenizer(chat_template=False)
    tokenizer.eos_token = None
    rows = make_rows(project, config(ASSISTANT), Tokenizing.settle(tokenizer, frozenset(), None))
    assert named(rows.problems, "no_end") is not None
    assert tokenizer.decode(counted(rows.train[0])) == rows.train[0].completion


def test_ten_thousand_examples_take_seconds(project: Project, folders: Any) -> None:
    import time

    project.examples.set_task(Task())
    text = "이 영화 {}번은 정말 재미있었습니다. 배우들의 연기가 훌륭합니다."
    new = [NewExample(variables={"input": text.format(at)}, output="긍정", split="train") for at in range(10_000)]
    project.examples.add(new)
    reads = Tokenizing.open(folders["starter"])
    start = time.process_time()
    rows = make_rows(project, config(ASSISTANT), reads)
    assert len(rows.train) == 10_000
    assert time.process_time() - start < 20


def test_an_assistant_with_documents_is_told_to_be_trained_without_them(project: Project, folders: Any) -> None:
    labelled(project)
    asked = ASSISTANT.model_copy(update={"documents": Documents()})
    rows, bare = (rows_of(project, folders["own"], config(one)) for one in (asked, ASSISTANT))
    assert named(rows.problems, "without_passages") is not None and named(bare.problems, "without_passages") is None
    assert [row.prompt for row in rows.train] == [row.prompt for row in bare.train]
