"""Zero-, one- and few-shot forms side by side, through a real tiny model and a real little server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.answering import Answering, Question
from backend.assistants import Assistant, Decoding, Examples, Instructions, ModelRef, Selection, Shot
from backend.errors import BadInput
from backend.fewshot.forms import forms, window_of
from backend.messages import Message
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.settings import Settings
from tests.fakes import chat_server

SHOTS = tuple(
    Shot(variables={"input": text}, output=label)
    for text, label in [("재미있다", "긍정"), ("지루하다", "부정"), ("훌륭한 영화", "긍정"), ("엉성한 이야기", "부정")]
)
ASKED = Question({"input": "지루한 영화"})


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelHost]:
    home = tmp_path_factory.mktemp("home")
    running = ModelHost(Settings(home=home), Endpoints(home))
    yield running
    running.close()


@pytest.fixture
def answering(host: ModelHost) -> Answering:
    return Answering(host)


@pytest.fixture
def assistant(host: ModelHost, tiny: Path) -> Assistant:
    return Assistant(
        model=add_folder(host._settings, str(tiny)),
        instructions=Instructions(system="긍정 또는 부정으로 답하십시오.", template="평: {input}"),
        decoding=Decoding(max_new_tokens=8),
    )


def with_(assistant: Assistant, *shots: Shot, selection: Selection | None = None) -> Assistant:
    return assistant.model_copy(update={"examples": Examples(shots=shots, selection=selection)})


def test_three_forms_with_their_exact_prompts(answering: Answering, assistant: Assistant, host: ModelHost) -> None:
    found = forms(with_(assistant, *SHOTS), ASKED, answering, host)
    assert [(form.name, form.shots) for form in found] == [("zero", 0), ("one", 1), ("few", 4)]
    for form in found:
        shown = with_(assistant, *SHOTS[: form.shots])
        text, tokens = answering.preview(shown, ASKED)
        assert form.prompt == text and tokens is not None and form.tokens == len(tokens)
        assert form.messages == answering.compose(shown, ASKED)
        assert form.context_length == 512 and form.room == 512 - len(tokens) and form.fits and not form.cut
    lengths = [form.tokens or 0 for form in found]
    assert lengths == sorted(set(lengths))


def test_forms_that_show_the_same_come_once(answering: Answering, assistant: Assistant, host: ModelHost) -> None:
    assert [form.name for form in forms(assistant, ASKED, answering, host)] == ["zero"]
    assert [form.name for form in forms(with_(assistant, SHOTS[0]), ASKED, answering, host)] == ["zero", "one"]


def test_a_conversation_is_not_counted_as_examples(answering: Answering, assistant: Assistant, host: ModelHost) -> None:
    history = (Message(role="user", content="재미있다"), Message(role="assistant", content="긍정"))
    found = forms(with_(assistant, *SHOTS), Question({"input": "글"}, history), answering, host)
    assert [form.shots for form in found] == [0, 1, 4]


def test_each_question_has_its_own(answering: Answering, assistant: Assistant, host: ModelHost) -> None:
    selection = Selection(method="nearest_embedding", count=2, order="nearest_last")
    found = forms(with_(assistant, *SHOTS, selection=selection), Question({"input": "지루했다"}), answering, host)
    assert [form.shots for form in found] == [0, 1, 2]
    assert found[1].messages[1].content == "평: 지루하다"
    assert found[2].messages[3].content == "평: 지루하다", "the nearest stands last"


def test_what_does_not_fit_is_told(answering: Answering, assistant: Assistant, host: ModelHost) -> None:
    long = Shot(variables={"input": "길고 긴 이야기 " * 200}, output="부정")
    zero, one = forms(with_(assistant, long), ASKED, answering, host)
    assert zero.fits and not one.fits and one.room is not None and one.room < 0
    greedy = with_(assistant, SHOTS[0]).model_copy(update={"decoding": Decoding(max_new_tokens=500)})
    assert all(form.fits and form.cut for form in forms(greedy, ASKED, answering, host))


def test_an_endpoint_tells_no_length(answering: Answering, host: ModelHost) -> None:
    with chat_server() as server:
        endpoint = host._endpoints.add("desk", server.url)
        model = ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id)
        zero, one = forms(with_(Assistant(model=model), SHOTS[0]), ASKED, answering, host)
        host._endpoints.remove(endpoint.id)
    assert (zero.tokens, zero.context_length, zero.room) == (None, None, None) and one.fits and not one.cut
    assert one.prompt.startswith("[user]\n재미있다\n\n[assistant]\n긍정")


def test_the_window_is_the_models_own(host: ModelHost, assistant: Assistant) -> None:
    assert window_of(host, assistant.model) == 512


def test_a_shot_that_cannot_be_put_in_is_a_sentence(
    answering: Answering, assistant: Assistant, host: ModelHost
) -> None:
    with pytest.raises(BadInput) as told:
        forms(with_(assistant, Shot(variables={"글": "x"}, output="y")), ASKED, answering, host)
    assert told.value.key.startswith("error.variable_")
