"""Models are loaded once, kept within memory, and let go when nobody uses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backend.assistants import Decoding, ModelRef, Weights
from backend.errors import BadInput, Busy, ModelProblem, NotFound, Unavailable
from backend.messages import Message
from backend.models.endpoints import Endpoints
from backend.models.engine import Request
from backend.models.host import ModelHost
from backend.models.installed import add_folder, remembered
from backend.models.lease import Lease
from backend.models.memory import Machine, needed_bytes
from backend.models.transformers_engine import TransformersEngine
from backend.settings import Settings
from tests.fakes import chat_server, wait_until
from tests.tiny import tiny_model

PLENTY = Machine(cores=2, memory_bytes=2**34, memory_available_bytes=2**33)


def local(folder: Path) -> ModelRef:
    return ModelRef(kind="local", name=str(folder))


class Everything(list[str]):
    """As if every folder had been added: most tests here are about what happens then."""

    def __contains__(self, folder: object) -> bool:
        return True


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.models.host.remembered", lambda settings: Everything())


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., ModelHost]]:
    made: list[ModelHost] = []

    def host(available: int = PLENTY.memory_available_bytes, **settings: Any) -> ModelHost:
        chosen = Settings(home=tmp_path / "home", **settings)
        look = Machine(cores=2, memory_bytes=2**34, memory_available_bytes=available)
        made.append(ModelHost(chosen, Endpoints(chosen.home, chosen.offline), lambda: look))
        return made[-1]

    yield host
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("three")
    return [tiny_model(root / name, seed) for seed, name in enumerate(("a", "b", "c"))]


def test_two_callers_share_one_model(make: Callable[..., ModelHost], tiny: Path) -> None:
    host = make()

    def use(_: int) -> int:
        with host.engine(local(tiny)) as engine:
            time.sleep(0.05)
            return id(engine)

    with ThreadPoolExecutor(6) as people:
        assert len(set(people.map(use, range(6)))) == 1
    (loaded,) = host.loaded()
    assert loaded.label == "tiny" and loaded.memory_bytes > 0 and not loaded.busy


def test_the_one_used_longest_ago_goes_first(
    make: Callable[..., ModelHost], three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.models.host.LEAST_CACHE", 1)
    host = make(memory_limit_mb=64)
    need = needed_bytes(three[0], 4)
    limit = int(need * 2.2)  # two fit, three do not
    monkeypatch.setattr(host, "_free", lambda _: limit - sum(model.memory_bytes for model in host.loaded()))
    for folder in (three[0], three[1], three[0], three[2]):
        with host.engine(local(folder)):
            pass
    assert [model.label for model in host.loaded()] == ["c", "a"]
    with host.engine(local(three[2])), host.engine(local(three[0])):
        assert all(model.busy for model in host.loaded())
        with pytest.raises(ModelProblem), host.engine(local(three[1])):
            pass
        assert len(host.loaded()) == 2, "a model in use stays"


def test_a_model_that_cannot_fit_is_refused_before_loading(
    make: Callable[..., ModelHost], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TransformersEngine, "open", lambda *_: pytest.fail("must not load"))
    host = make(available=1000)
    with pytest.raises(ModelProblem) as told, host.engine(local(tiny)):
        pass
    assert told.value.key == "error.model_too_big"
    assert set(told.value.details) == {"model", "needed", "available"}


def test_the_memory_limit_of_the_settings_holds(make: Callable[..., ModelHost], tiny: Path) -> None:
    assert make(memory_limit_mb=100)._free(False) == 100 * 2**20
    assert make(memory_limit_mb=100, available=1000)._free(False) == 800


def test_a_damaged_model_raises_and_loads_once_it_is_mended(make: Callable[..., ModelHost], tmp_path: Path) -> None:
    folder, host = tmp_path / "later", make()
    for _ in range(2):
        with pytest.raises(ModelProblem), host.engine(local(folder)):
            pass
    tiny_model(folder)
    with host.engine(local(folder)) as engine:
        assert engine.context_length == 512


def test_a_model_is_loaded_ahead_of_time(
    make: Callable[..., ModelHost], tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = make()
    host.warm(local(tiny))
    host.warm(local(tmp_path / "nothing"))
    assert wait_until(lambda: bool(host.loaded()) and "ahead of time" in caplog.text)


def test_unload_spares_who_is_busy(make: Callable[..., ModelHost], tiny: Path) -> None:
    host = make()
    with host.engine(local(tiny)):
        host.unload("tiny")
        assert [model.busy for model in host.loaded()] == [True]
    host.unload("nothing of that name")
    host.unload("tiny")
    assert host.loaded() == []


def test_where_models_lie(make: Callable[..., ModelHost], tmp_path: Path) -> None:
    host = make()
    assert host.where(ModelRef()).name == "starter"
    hub = ModelRef(kind="hub", name="org/model")
    with pytest.raises(NotFound) as told:
        host.where(hub)
    assert told.value.key == "error.model_not_installed"
    commit = tmp_path / "home" / "models" / "org--model" / ("a" * 40)
    commit.mkdir(parents=True)
    assert host.where(hub) == host.where(hub.model_copy(update={"revision": "a" * 40})) == commit
    with pytest.raises(NotFound):
        host.where(hub.model_copy(update={"revision": "b" * 40}))
    with pytest.raises(NotFound):
        host.where(hub.model_copy(update={"revision": "../../../secrets"}))
    with pytest.raises(BadInput):
        host.where(ModelRef(kind="hub", name="../.."))


def test_an_endpoint_takes_no_memory_and_is_gone_once_removed(make: Callable[..., ModelHost]) -> None:
    with chat_server() as server:
        host = make(available=0)
        desk = host._endpoints.add("desk", server.url)
        ref = ModelRef(kind="endpoint", name="small-model", endpoint=desk.id)
        request = Request((Message(role="user", content="안녕"),), Decoding())
        with host.engine(ref) as engine:
            assert "".join(piece.text for piece in engine.stream(request)) == "안녕하세요. Hello!"
        assert host.loaded() == []
        host._endpoints.remove(desk.id)
        with pytest.raises(NotFound), host.engine(ref):
            pass


def test_offline_refuses_at_once(make: Callable[..., ModelHost]) -> None:
    host = make(offline=True)
    there = host._endpoints.add("there", "https://api.example.com/v1")
    started = time.monotonic()
    with pytest.raises(Unavailable), host.engine(ModelRef(kind="endpoint", name="m", endpoint=there.id)):
        pass
    assert time.monotonic() - started < 1


def test_close_ends_answers_under_way(make: Callable[..., ModelHost], tiny: Path) -> None:
    host = make()
    decoding = Decoding(max_new_tokens=400, temperature=5.0)
    with host.engine(local(tiny)) as engine:
        stream = engine.stream(Request((Message(role="user", content="안녕"),), decoding))
        next(stream)
        host.close()
        assert list(stream)[-1].finish == "stopped"


def test_the_lease_has_one_holder_by_name(tmp_path: Path) -> None:
    chat, training = Lease(tmp_path), Lease(tmp_path)
    assert chat.holder() is None
    chat.take("chat")
    chat.take("chat")
    assert chat.held and training.holder() == "chat" and not training.held
    with pytest.raises(Busy) as told:
        training.take("run 7")
    assert told.value.details == {"holder": "chat"}
    chat.release()
    training.take("run 7")
    assert chat.holder() == "run 7"
    training.release()
    training.release()


def test_one_who_waits_is_seen_and_gets_it(tmp_path: Path) -> None:
    chat, training = Lease(tmp_path), Lease(tmp_path)
    chat.take("chat")
    waiting = threading.Thread(target=training.take, args=("run 7", 10.0))
    waiting.start()
    assert wait_until(lambda: chat.wanted() == "run 7")
    chat.release()
    waiting.join(10)
    assert training.held and chat.wanted() is None
    training.release()


def test_a_dead_holders_note_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "accelerator.json").write_text('{"holder": "run 1", "pid": 999999999}')
    assert Lease(tmp_path).holder() is None
    (tmp_path / "accelerator.json").write_text("{")
    assert Lease(tmp_path).holder() is None


def test_the_host_steps_aside_for_a_run(
    make: Callable[..., ModelHost], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.models.host.WATCH_S", 0.02)
    host = make()
    with host.engine(local(tiny)):
        pass
    host._places[Weights(model=local(tiny))].accelerated = True  # as it would be with a GPU
    host._hold_accelerator()
    training = Lease(tmp_path / "home")
    training.take("run 7", wait_s=10.0)
    assert host.loaded() == [] and not host.lease.held
    with pytest.raises(Busy) as told:
        host._hold_accelerator()
    assert told.value.details == {"holder": "run 7"}
    training.release()


def test_a_host_that_works_for_a_run_keeps_what_the_run_took(make: Callable[..., ModelHost], tmp_path: Path) -> None:
    host, other = make(), Lease(tmp_path / "home")
    host.lease.take("batch")

    def wish() -> None:
        with pytest.raises(Busy):
            other.take("run 7", 0.5)

    waiting = threading.Thread(target=wish)
    waiting.start()
    assert wait_until(lambda: host.lease.wanted() == "run 7")
    host._hold_accelerator()
    waiting.join()
    assert other.holder() == "batch"


def test_a_model_in_use_is_not_taken_from_its_users(
    make: Callable[..., ModelHost], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.models.host.WATCH_S", 0.02)
    host = make()
    training = Lease(tmp_path / "home")
    with host.engine(local(tiny)):
        host._places[Weights(model=local(tiny))].accelerated = True
        host._hold_accelerator()
        with pytest.raises(Busy):
            training.take("run 7", wait_s=0.3)
        assert len(host.loaded()) == 1
    training.take("run 7", wait_s=10.0)
    training.release()


def test_a_folder_that_nobody_added_here_is_not_even_looked_at(
    make: Callable[..., ModelHost], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.models.host.remembered", remembered)
    host = make()
    for folder in (tiny, Path("/nowhere")):
        with pytest.raises(NotFound) as told, host.engine(local(folder)):
            pass
        assert told.value.key == "error.model_not_added"
    with host.engine(add_folder(host._settings, str(tiny))) as engine:
        assert engine.context_length
