"""The endpoint engine against a real little server that behaves and misbehaves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from backend.assistants import Decoding
from backend.errors import BadInput, Refused, StudioError, Unavailable
from backend.messages import Message
from backend.models.endpoint_engine import EndpointEngine, listed_models
from backend.models.endpoints import Endpoint
from backend.models.engine import Piece, Request
from tests.fakes import ChatServer, chat_server, unused_port, wait_until

KEY = "sk-very-secret-1234567890"
HELLO = (Message(role="system", content="짧게"), Message(role="user", content="안녕"))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def connect(url: str, key: str | None = KEY, read_s: float = 5.0) -> EndpointEngine:
    return EndpointEngine(Endpoint(id="e", name="desk", url=url), "small-model", key, connect_s=1.0, read_s=read_s)


def ask(engine: EndpointEngine, stop: threading.Event | None = None, **fields: object) -> list[Piece]:
    request = Request(HELLO, Decoding(**fields.pop("decoding", {})), **fields)  # type: ignore[arg-type]
    try:
        return list(engine.stream(request, stop))
    finally:
        engine.close()


def test_streams_the_answer_with_counts(server: ChatServer) -> None:
    pieces = ask(connect(server.url))
    assert "".join(piece.text for piece in pieces) == "안녕하세요. Hello!"
    assert len(pieces) == len(server.words) + 1
    assert pieces[-1] == Piece(finish="stop", prompt_tokens=7, answer_tokens=6)
    assert all(piece.finish is None for piece in pieces[:-1])


def test_sends_the_request_and_nothing_else(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-More: of-the-environment")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    decoding = {"temperature": 0.7, "top_p": 0.9, "top_k": 40, "min_p": 0.1, "seed": 7, "stop": ("끝",)}
    ask(connect(server.url), decoding=decoding | {"max_new_tokens": 99, "repetition_penalty": 1.1})
    assert server.asked == [
        {
            "model": "small-model",
            "messages": [{"role": "system", "content": "짧게"}, {"role": "user", "content": "안녕"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 99,
            "stop": ["끝"],
            "seed": 7,
            "top_k": 40,
            "min_p": 0.1,
            "repetition_penalty": 1.1,
        }
    ]
    sent = server.headers[0]
    assert sent["authorization"] == f"Bearer {KEY}"
    assert set(sent) <= {
        "host", "accept", "accept-encoding", "connection", "content-length", "content-type", "authorization"
    }  # fmt: skip


def test_a_server_without_a_key_gets_none_of_the_environment(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    ask(connect(server.url, key=None))
    assert "authorization" not in server.headers[0]


def test_what_is_not_asked_for_is_not_sent(server: ChatServer) -> None:
    ask(connect(server.url), decoding={"seed": None})
    assert not {"seed", "stop", "top_k", "min_p", "repetition_penalty", "logprobs"} & set(server.asked[0])


def test_length_is_told_apart_from_stop(server: ChatServer) -> None:
    assert ask(connect(server.url), decoding={"max_new_tokens": 2})[-1].finish == "length"


def test_candidates(server: ChatServer) -> None:
    pieces = ask(connect(server.url), candidates=50)
    assert server.asked[0]["top_logprobs"] == 20
    first = pieces[0].choices[0]
    assert first.text == "안녕" and first.probability == pytest.approx(0.9, abs=0.001)
    assert [choice.text for choice in first.best] == ["안녕", "other"]
    assert first.best[1].probability == pytest.approx(0.0, abs=1e-9)


def test_a_server_without_usage_is_no_fault(server: ChatServer) -> None:
    server.mood = "bare"
    assert ask(connect(server.url))[-1] == Piece(finish="stop")


def test_continuing_is_refused(server: ChatServer) -> None:
    with pytest.raises(Refused) as told:
        ask(connect(server.url), prefill="The answer")
    assert told.value.key == "error.endpoint_no_continue" and not server.asked


@pytest.mark.parametrize(
    ("mood", "kind", "key"),
    [
        ("key", Unavailable, "error.endpoint_key_refused"),
        ("missing", Unavailable, "error.endpoint_not_found"),
        ("many", Unavailable, "error.endpoint_too_many"),
        ("refuses", BadInput, "error.endpoint_refused"),
        ("broken", Unavailable, "error.endpoint_failed"),
        ("html", Unavailable, "error.endpoint_nonsense"),
        ("nonsense", Unavailable, "error.endpoint_nonsense"),
        ("cut", Unavailable, "error.endpoint_cut_off"),
        ("half", Unavailable, "error.endpoint_cut_off"),
    ],
)
def test_each_way_of_failing_has_its_sentence(
    server: ChatServer, mood: str, kind: type[StudioError], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.mood = mood  # type: ignore[assignment]
    caplog.set_level(logging.DEBUG)
    started = time.monotonic()
    with pytest.raises(StudioError) as told:
        ask(connect(server.url))
    assert (type(told.value), told.value.key) == (kind, key)
    assert len(server.asked) == 1 and time.monotonic() - started < 3, "no second try"
    assert KEY not in str(told.value) + repr(told.value.__cause__) + caplog.text


def test_nobody_there() -> None:
    with pytest.raises(Unavailable) as told:
        ask(connect(f"http://127.0.0.1:{unused_port()}/v1"))
    assert told.value.key == "error.endpoint_down"


def test_a_server_that_says_nothing_is_slow(server: ChatServer) -> None:
    server.mood = "silent"
    with pytest.raises(Unavailable) as told:
        ask(connect(server.url, read_s=0.3))
    assert told.value.key == "error.endpoint_slow"


def test_stop_does_not_wait_for_a_silent_server(server: ChatServer) -> None:
    server.mood, stop = "silent", threading.Event()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    assert ask(connect(server.url), stop)[-1].finish == "stopped"
    assert time.monotonic() - started < 1.5


def test_stop_keeps_the_text_and_hangs_up(server: ChatServer) -> None:
    server.mood, server.pause_s, server.words = "slow", 0.02, ["word "] * 400
    engine, stop = connect(server.url), threading.Event()
    pieces = []
    for piece in engine.stream(Request(HELLO, Decoding()), stop):
        pieces.append(piece)
        if len(pieces) == 3:
            stop.set()
    assert "".join(piece.text for piece in pieces).startswith("word word word ")
    assert pieces[-1].finish == "stopped" and len(pieces) < 20
    assert wait_until(server.left.is_set)


def test_closing_hangs_up(server: ChatServer) -> None:
    server.mood, server.pause_s, server.words = "slow", 0.02, ["word "] * 400
    stream = connect(server.url).stream(Request(HELLO, Decoding()))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert wait_until(server.left.is_set) and server.written < 20


def test_models_are_listed(server: ChatServer) -> None:
    endpoint = Endpoint(id="e", name="desk", url=server.url)
    assert listed_models(endpoint, KEY) == ["large-model", "small-model"]


@pytest.mark.parametrize(
    ("mood", "key"),
    [
        ("html", "error.endpoint_nonsense"),
        ("nonsense", "error.endpoint_nonsense"),
        ("key", "error.endpoint_key_refused"),
    ],
)
def test_a_list_that_is_none(server: ChatServer, mood: str, key: str) -> None:
    server.mood = mood  # type: ignore[assignment]
    with pytest.raises(Unavailable) as told:
        listed_models(Endpoint(id="e", name="desk", url=server.url), KEY)
    assert told.value.key == key


def test_a_transcript_stands_for_the_prompt(server: ChatServer) -> None:
    engine = connect(server.url)
    assert engine.render(HELLO) == "[system]\n짧게\n\n[user]\n안녕\n\n[assistant]\n"
    assert engine.tokens("x") is None and engine.context_length is None and engine.memory_bytes == 0
    engine.close()
