"""The one path from an input to an answer, through a real tiny model and a real little server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from backend.answering import Answer, Answering, Question
from backend.assistants import Assistant, Decoding, Examples, Instructions, ModelRef, Selection, Shot
from backend.errors import BadInput, StudioError
from backend.messages import Message
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server, wait_until
from tests.tiny import tiny_model


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHost]:
    home = tmp_path_factory.mktemp("home")
    running = ModelHost(Settings(home=home), Endpoints(home))
    yield running
    running.close()


@pytest.fixture(scope="module")
def answering(host: ModelHost) -> Answering:
    return Answering(host)


@pytest.fixture(scope="module")
def assistant(host: ModelHost, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    return Assistant(model=add_folder(host._settings, str(folder)), decoding=Decoding(max_new_tokens=12))


def with_(assistant: Assistant, **fields: object) -> Assistant:
    return assistant.model_copy(update=fields)


def endless(assistant: Assistant) -> Assistant:
    return with_(assistant, decoding=Decoding(max_new_tokens=400, temperature=5.0, seed=1))


def said(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


def test_compose_puts_everything_in_its_order(answering: Answering, assistant: Assistant) -> None:
    full = with_(
        assistant,
        instructions=Instructions(system="짧게.", template="분류: {input} ({kind})"),
        examples=Examples(shots=(Shot(variables={"input": "좋다", "kind": "영화"}, output="긍정"),)),
    )
    history = (Message(role="user", content="싫다"), Message(role="assistant", content="부정"))
    question = Question({"input": "그저 그렇다", "kind": "책"}, history)
    assert said(answering.compose(full, question)) == [
        ("system", "짧게."),
        ("user", "분류: 좋다 (영화)"),
        ("assistant", "긍정"),
        ("user", "분류: 싫다 (책)"),
        ("assistant", "부정"),
        ("user", "분류: 그저 그렇다 (책)"),
    ]


def test_compose_chooses_shots_for_each_question(answering: Answering, assistant: Assistant) -> None:
    told = {"내일 서울 날씨 알려줘": "날씨", "신나는 음악 틀어줘": "음악", "일곱 시 알람 맞춰 줘": "알람"}
    shots = tuple(Shot(variables={"input": text}, output=label) for text, label in told.items())
    selection = Selection(method="nearest_embedding", count=1)
    nearest = with_(assistant, examples=Examples(shots=shots, selection=selection))
    for text, label in {"부산 날씨 알려줘": "날씨", "조용한 음악 틀어줘": "음악", "알람 여섯 시": "알람"}.items():
        shown = said(answering.compose(nearest, Question({"input": text})))
        assert len(shown) == 3 and shown[1] == ("assistant", label) and shown[2] == ("user", text)
    known = said(answering.compose(nearest, Question({"input": "신나는 음악 틀어줘"})))
    assert ("assistant", "음악") not in known, "the question is not answered by its own example"
    listed = with_(assistant, examples=Examples(shots=shots, selection=Selection(method="random", count=1)))
    assert len(answering.compose(listed, Question({"input": "글"}))) == 7, "what was chosen once is shown as listed"
    past = (Message(role="user", content="안녕"), Message(role="assistant", content="네"))
    assert len(answering.compose(nearest, Question({"input": "음악"}, past))) == 5


def test_many_questions_each_get_their_own_shots(answering: Answering, assistant: Assistant) -> None:
    shots = tuple(Shot(variables={"input": f"글 {number}"}, output=f"답 {number}") for number in range(30))
    selection = Selection(method="nearest_bm25", count=2, order="nearest_last")
    nearest = with_(assistant, examples=Examples(shots=shots, selection=selection))
    questions = [Question({"input": f"글 {number} 입니다"}) for number in range(10, 16)]
    for index, answer in answering.answer_many(nearest, questions):
        assert answer.trace.messages == answering.compose(nearest, questions[index])
        assert answer.trace.messages[3].content == f"답 {10 + index}"


def test_compose_without_a_system_prompt(answering: Answering, assistant: Assistant) -> None:
    blank = with_(assistant, instructions=Instructions(system=" \n"))
    assert said(answering.compose(blank, Question({"input": "{input}"}))) == [("user", "{input}")]


def test_an_unknown_variable_is_a_sentence(answering: Answering, assistant: Assistant) -> None:
    asking = with_(assistant, instructions=Instructions(template="{input} {context}"))
    with pytest.raises(BadInput) as told:
        list(answering.answer(asking, Question({"input": "x"})))
    assert told.value.key == "error.variable_missing"


def test_preview_is_what_the_model_sees(answering: Answering, assistant: Assistant) -> None:
    question = Question({"input": "안녕"}, prefill="네, ")
    text, tokens = answering.preview(assistant, question)
    assert text == "<|user|>\n안녕<|end|><|assistant|>\n네, "
    assert tokens is not None and "".join(tokens) == text
    last = list(answering.answer(assistant, question))[-1]
    assert last.trace.prompt == text and last.trace.prompt_tokens == len(tokens)


def test_the_answer_grows_and_ends_with_its_trace(answering: Answering, assistant: Assistant) -> None:
    answers = list(answering.answer(assistant, Question({"input": "안녕하세요"}, candidates=3)))
    for before, after in pairwise(answers):
        assert after.text.startswith(before.text)
    assert [answer.trace.finish for answer in answers[:-1]] == [None] * (len(answers) - 1)
    trace = answers[-1].trace
    assert trace.finish in ("stop", "length") and trace.messages[-1].content == "안녕하세요"
    assert trace.answer_tokens and trace.prompt_tokens and 0 < len(trace.choices) <= trace.answer_tokens
    assert trace.first_token_s is not None and 0 < trace.first_token_s <= trace.total_s
    assert trace.tokens_per_s is not None and trace.tokens_per_s > 0


def test_a_continued_answer_is_the_whole_answer(answering: Answering, assistant: Assistant) -> None:
    answers = list(answering.answer(assistant, Question({"input": "안녕"}, prefill="점심은")))
    assert all(answer.text.startswith("점심은") for answer in answers)


def test_stop_keeps_the_text(answering: Answering, assistant: Assistant) -> None:
    stop, last = threading.Event(), Answer("")
    for number, last in enumerate(answering.answer(endless(assistant), Question({"input": "안녕"}), stop)):  # noqa: B007
        if number == 3:
            stop.set()
    assert last.trace.finish == "stopped" and last.text and (last.trace.answer_tokens or 0) < 100


def test_leaving_in_the_middle_ends_the_answer(answering: Answering, assistant: Assistant, host: ModelHost) -> None:
    answers = answering.answer(endless(assistant), Question({"input": "안녕"}))
    next(answers)
    assert host.loaded()[0].busy
    answers.close()  # type: ignore[attr-defined]
    assert not host.loaded()[0].busy


def test_many_are_what_each_is_alone(answering: Answering, assistant: Assistant) -> None:
    questions = [Question({"input": f"질문 {number} " + "와 " * number}) for number in range(40)]
    many = dict(answering.answer_many(assistant, iter(questions)))
    assert sorted(many) == list(range(40))
    for number in (0, 7, 39):
        alone = list(answering.answer(assistant, questions[number]))[-1]
        assert many[number].text == alone.text and many[number].trace.finish == alone.trace.finish
    assert list(answering.answer_many(assistant, [])) == []


def test_a_bad_row_is_raised_or_told_and_the_rest_go_on(answering: Answering, assistant: Assistant) -> None:
    questions = [Question({"input": text}) for text in ("하나", "길다 " * 600, "셋")]
    with pytest.raises(BadInput):
        list(answering.answer_many(assistant, questions))
    faults: list[tuple[int, StudioError]] = []
    many = dict(answering.answer_many(assistant, questions, on_fault=lambda row, fault: faults.append((row, fault))))
    assert sorted(many) == [0, 2]
    assert [(row, fault.key) for row, fault in faults] == [(1, "error.prompt_too_long")]


def test_questions_are_taken_as_there_is_room(answering: Answering, assistant: Assistant) -> None:
    taken = 0

    def source() -> Iterator[Question]:
        nonlocal taken
        for taken in range(1, 1000):
            yield Question({"input": str(taken)})

    answers = answering.answer_many(assistant, source())
    for _ in range(5):
        next(answers)
    assert taken < 100
    started = time.monotonic()
    answers.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 10


def test_stop_ends_the_rows_under_way_and_begins_no_new_one(answering: Answering, assistant: Assistant) -> None:
    stop = threading.Event()
    many = []
    for index, answer in answering.answer_many(
        with_(assistant, decoding=Decoding(max_new_tokens=6)), (Question({"input": str(n)}) for n in range(10**6)), stop
    ):
        many.append((index, answer))
        if len(many) == 10:
            stop.set()
    assert len(many) < 150
    assert sorted(index for index, _ in many) == list(range(len(many))), "none missing among those begun"


def test_an_exception_of_the_questions_source_is_raised(answering: Answering, assistant: Assistant) -> None:
    def source() -> Iterator[Question]:
        yield Question({"input": "하나"})
        raise OSError("the table is gone")

    with pytest.raises(OSError, match="the table is gone"):
        list(answering.answer_many(assistant, source()))


@pytest.fixture
def desk(host: ModelHost) -> Iterator[tuple[ChatServer, Assistant]]:
    with chat_server() as server:
        endpoint = host._endpoints.add("desk", server.url)
        yield server, Assistant(model=ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id))
        host._endpoints.remove(endpoint.id)


def test_an_endpoint_answers_by_the_same_path(answering: Answering, desk: tuple[ChatServer, Assistant]) -> None:
    server, assistant = desk
    last = list(answering.answer(assistant, Question({"input": "안녕"})))[-1]
    assert last.text == "안녕하세요. Hello!" and last.trace.finish == "stop"
    assert (last.trace.prompt_tokens, last.trace.answer_tokens) == (7, 6)
    assert server.asked[0]["messages"] == [{"role": "user", "content": "안녕"}]
    assert answering.preview(assistant, Question({"input": "안녕"})) == ("[user]\n안녕\n\n[assistant]\n", None)


def test_an_endpoint_that_breaks_off_keeps_what_was_heard(
    answering: Answering, desk: tuple[ChatServer, Assistant]
) -> None:
    server, assistant = desk
    server.mood = "cut"
    heard = []
    with pytest.raises(StudioError) as told:
        for answer in answering.answer(assistant, Question({"input": "안녕"})):
            heard.append(answer.text)
    assert told.value.key == "error.endpoint_cut_off" and heard == ["안녕"]
    assert wait_until(lambda: threading.active_count() < 20)


def test_an_assistant_read_back_from_its_file_answers_alike(answering: Answering, assistant: Assistant) -> None:
    drawing = with_(assistant, decoding=Decoding(max_new_tokens=12, temperature=1.0, seed=3))
    again = Assistant.from_json(drawing.to_json())
    question = Question({"input": "안녕"})
    texts = {list(answering.answer(one, question))[-1].text for one in (drawing, again)}
    assert len(texts) == 1


def test_the_starter_has_a_place(host: ModelHost) -> None:
    assert host.where(ModelRef()) == Path(Settings().starter)
