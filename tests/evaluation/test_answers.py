"""Answers kept once: found again by content, never asked twice, committed while others are still being written."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.answering import Answering
from backend.assistants import Assistant, Decoding, Examples, Instructions, ModelRef, Selection, Shot
from backend.errors import NotFound, StorageProblem, Unavailable
from backend.evaluation.answers import NewAnswer, answer_examples
from backend.evaluation.identity import fingerprint, known_fingerprint, remember
from backend.examples.example import NewExample
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.projects.folder import Project
from backend.settings import Settings
from tests.fakes import ChatServer, chat_server


def films(count: int) -> list[NewExample]:
    return [NewExample(variables={"input": f"film {at}"}, output="good") for at in range(count)]


def assistant(url: str, settings: Settings) -> Assistant:
    endpoint = Endpoints(settings.home).add("here", url, "sk-very-secret")
    model = ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id)
    return Assistant(instructions=Instructions(template="Label: {input}"), model=model)


@pytest.fixture
def host(settings: Settings) -> Iterator[ModelHost]:
    host = ModelHost(settings, Endpoints(settings.home))
    yield host
    host.close()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(words=["go", "od"]) as server:
        yield server


# --- which assistant --------------------------------------------------------------------------------------------------
def test_a_fingerprint_is_what_decides_the_answers_and_nothing_else(tiny: Path, tmp_path: Path) -> None:
    folders = {"starter": tiny}

    def where(ref: ModelRef) -> Path:
        return folders["starter"]

    shots = (Shot(variables={"input": "a"}, output="b"),)
    plain = Assistant(examples=Examples(shots=shots))
    known = fingerprint(plain, where)
    assert known == fingerprint(plain.model_copy(update={"name": "other"}), where)
    chosen = Examples(shots=shots, selection=Selection(method="balanced", seed=7))
    assert known == fingerprint(plain.model_copy(update={"examples": chosen}), where)
    per_input = Examples(shots=shots, selection=Selection(method="nearest_bm25"))
    assert known != fingerprint(plain.model_copy(update={"examples": per_input}), where)
    assert known == fingerprint(plain.model_copy(update={"decoding": Decoding(seed=None)}), where)
    assert known != fingerprint(plain.model_copy(update={"decoding": Decoding(max_new_tokens=9)}), where)
    assert known != fingerprint(Assistant(examples=Examples(shots=shots * 2)), where)

    copied = folders["starter"] = Path(shutil.copytree(tiny, tmp_path / "copy"))
    assert known == fingerprint(plain, where), "a copy of a model is that model"
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-3] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    assert known != fingerprint(plain, where)
    shutil.rmtree(copied)
    with pytest.raises(NotFound):
        fingerprint(plain, where)


def test_a_model_that_has_gone_is_still_known_by_its_last_fingerprint(project: Project, tiny: Path) -> None:
    def gone(ref: ModelRef) -> Path:
        raise NotFound("error.model_not_installed", model=ref.label())

    assert known_fingerprint(project, Assistant(), gone) is None
    known = fingerprint(Assistant(), lambda ref: tiny)
    remember(project, Assistant(), known)
    assert known_fingerprint(project, Assistant(), gone) == known_fingerprint(project, Assistant()) == known
    assert known_fingerprint(project, Assistant(instructions=Instructions(system="x"))) is None


# --- the store --------------------------------------------------------------------------------------------------------
def test_the_first_answer_of_an_input_stays(project: Project) -> None:
    store = project.answers
    store.add([NewAnswer("f", "k", "one", error_key=None), NewAnswer("f", "k", "two"), NewAnswer("g", "k", "other")])
    store.add([NewAnswer("f", "k", "three")])
    assert store.get("f")["k"].text == "one" and store.get("g", ["k"])["k"].text == "other"
    assert store.have("f") == {"k"} and store.have("f", ["x"]) == set() and store.count("f") == 1


def test_what_a_model_writes_is_kept_as_it_is(project: Project) -> None:
    store, odd = project.answers, "a\0b \ud800 =cmd() 긍정\n"
    store.add([NewAnswer("f", "k", odd, trace={"prompt": odd})])
    kept = store.get("f")["k"]
    assert kept.text == odd.replace("\ud800", "?") and store.trace(kept.id)["prompt"] == kept.text
    assert store.by_id([kept.id, 99]) == {kept.id: kept}
    with pytest.raises(NotFound):
        store.trace(99)


def test_many_keys_are_found_as_few_are(project: Project) -> None:
    keys = [f"k{at}" for at in range(1200)]
    project.answers.add([NewAnswer("f", key, key) for key in keys])
    assert project.answers.have("f", [*keys[:700], "x"]) == set(keys[:700])
    assert set(project.answers.get("f", keys[:3])) == set(keys[:3]) and len(project.answers.get("f", keys[:900])) == 900


# --- asking -----------------------------------------------------------------------------------------------------------
def test_each_input_is_asked_once(project: Project, host: ModelHost, settings: Settings, server: ChatServer) -> None:
    one, answers, done = assistant(server.url, settings), Answering(host), list[int]()
    first = answer_examples(project, answers, one, [*films(8), *films(5)], host.where, told=done.append)
    assert (first.asked, first.already, first.failed) == (8, 0, 0) and done == list(range(9))
    again = answer_examples(project, answers, one.model_copy(update={"name": "renamed"}), films(10), host.where)
    assert (again.asked, again.already, again.fingerprint) == (2, 8, first.fingerprint)
    assert len(server.asked) == 10
    kept = project.answers.get(first.fingerprint)
    assert set(kept) == {film.input_key for film in films(10)}
    assert {answer.text for answer in kept.values()} == {"good"}
    assert {(answer.finish, answer.prompt_tokens) for answer in kept.values()} == {("stop", 7)}
    assert "Label: film 3" in project.answers.trace(kept[films(4)[3].input_key].id)["prompt"]


def test_a_fault_of_the_example_itself_is_kept_and_forgotten_on_demand(
    project: Project, host: ModelHost, settings: Settings, server: ChatServer
) -> None:
    one = assistant(server.url, settings)
    odd = NewExample(variables={"inputt": "misspelt"}, output="")
    done = answer_examples(project, Answering(host), one, [*films(3), odd], host.where)
    assert (done.asked, done.failed) == (4, 1)
    kept = project.answers.get(done.fingerprint)[odd.input_key]
    assert kept.answer is None and kept.error_key == "error.variable_misspelt" and kept.error_details["near"]
    assert answer_examples(project, Answering(host), one, [odd], host.where).asked == 0
    assert project.answers.forget_faults(done.fingerprint, [odd.input_key, films(1)[0].input_key]) == 1
    assert project.answers.count(done.fingerprint) == 3


def test_a_connection_that_goes_down_leaves_what_was_answered(
    project: Project, host: ModelHost, settings: Settings, server: ChatServer
) -> None:
    one = assistant(server.url, settings)

    def down_after_some(done: int) -> None:
        if done == 40:
            server.mood = "broken"

    with pytest.raises(Unavailable):
        answer_examples(project, Answering(host), one, films(120), host.where, told=down_after_some)
    known = fingerprint(one, host.where)
    before = project.answers.count(known)
    assert 40 <= before < 120 and not any(answer.error_key for answer in project.answers.get(known).values())
    server.mood = "normal"
    assert answer_examples(project, Answering(host), one, films(120), host.where).asked == 120 - before


def test_answers_are_committed_while_others_are_being_written(
    project: Project, host: ModelHost, settings: Settings, server: ChatServer
) -> None:
    server.mood, server.pause_s = "slow", 0.4
    one, stop, seen = assistant(server.url, settings), threading.Event(), list[int]()
    known = fingerprint(one, host.where)

    def watch() -> None:
        while not stop.wait(0.1):
            seen.append(project.answers.count(known))
            if len(set(seen)) >= 3:
                stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer_examples(project, Answering(host), one, films(400), host.where, stop)
    watcher.join()
    assert 0 < max(seen) < 400
    assert {answer.text for answer in project.answers.get(known).values()} == {"good"}, "no half answers"


def test_a_full_disk_is_told(
    project: Project, host: ModelHost, settings: Settings, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(new: object) -> None:
        raise StorageProblem("error.disk_full", path="project.db")

    monkeypatch.setattr(project.answers, "add", full)
    with pytest.raises(StorageProblem):
        answer_examples(project, Answering(host), assistant(server.url, settings), films(3), host.where)


def test_a_real_model_answers_and_a_second_time_none_is_loaded(project: Project, settings: Settings) -> None:
    one = Assistant(decoding=Decoding(max_new_tokens=4))
    host = ModelHost(settings, Endpoints(settings.home))
    try:
        done = answer_examples(project, Answering(host), one, films(6), host.where)
        assert done.asked == 6
    finally:
        host.close()
    fresh = ModelHost(settings, Endpoints(settings.home))
    assert answer_examples(project, Answering(fresh), one, films(6), fresh.where).asked == 0
    assert fresh.loaded() == []
    kept = project.answers.get(done.fingerprint).values()
    assert all(answer.seconds and answer.prompt_tokens and answer.answer_tokens is not None for answer in kept)


def test_a_long_prompt_is_that_examples_fault(project: Project, settings: Settings) -> None:
    host = ModelHost(settings, Endpoints(settings.home))
    long = NewExample(variables={"input": "영화 " * 4000}, output="")
    try:
        done = answer_examples(
            project, Answering(host), Assistant(decoding=Decoding(max_new_tokens=2)), [long, *films(1)], host.where
        )
    finally:
        host.close()
    assert (done.asked, done.failed) == (2, 1)
    assert project.answers.get(done.fingerprint)[long.input_key].error_key == "error.prompt_too_long"
