"""Connections are kept without their keys; keys are kept where only their owner reads them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from backend.errors import BadInput, NotFound, StorageProblem, Unavailable
from backend.models.endpoints import Endpoints, checked_url
from tests.fakes import chat_server

KEY = "sk-very-secret-1234567890"


def test_added_listed_removed(tmp_path: Path) -> None:
    kept = Endpoints(tmp_path)
    assert kept.list() == []
    desk = kept.add(" Ollama ", "http://127.0.0.1:11434/v1/")
    cloud = kept.add("구름", "https://api.example.com/v1", KEY)
    assert (desk.name, desk.url, desk.has_key) == ("Ollama", "http://127.0.0.1:11434/v1", False)
    assert Endpoints(tmp_path).list() == [desk, cloud] and cloud.has_key
    assert (kept.key(desk.id), kept.key(cloud.id)) == (None, KEY)
    kept.remove(cloud.id)
    assert kept.list() == [desk] and kept.key(cloud.id) is None
    with pytest.raises(NotFound):
        kept.get(cloud.id)
    with pytest.raises(NotFound):
        kept.remove(cloud.id)


def test_the_key_is_in_its_own_file_alone(tmp_path: Path) -> None:
    endpoint = Endpoints(tmp_path).add("구름", "https://api.example.com/v1", KEY)
    holding = [file for file in tmp_path.rglob("*") if file.is_file() and KEY in file.read_text("utf-8")]
    assert [file.name for file in holding] == ["secrets.json"]
    assert KEY not in repr(endpoint) + endpoint.model_dump_json()
    if os.name != "nt":
        assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "url",
    [
        "", "ollama", "ftp://host/v1", "file:///etc/passwd", "http://", "http://a b/v1", "http://u:p@host/v1",
        "http://host/v1?key=1", "http://host/v1#x", "http://host:99999/v1", "http://[::1/v1", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(BadInput) as told:
        checked_url(url, has_key=False)
    assert told.value.key == "error.endpoint_url"


@pytest.mark.parametrize("url", ["http://api.example.com/v1", "http://8.8.8.8/v1", "http://0.0.0.0:8000/v1"])
def test_a_key_does_not_travel_in_the_open(url: str) -> None:
    assert checked_url(url, has_key=False) == url
    with pytest.raises(BadInput) as told:
        checked_url(url, has_key=True)
    assert told.value.key == "error.endpoint_plain_http"


@pytest.mark.parametrize(
    "url", ["http://localhost:1234/v1", "http://127.0.0.1/v1", "http://192.168.0.7:8000/v1", "http://gpu-box:8000/v1",
            "http://[::1]:8000/v1", "http://box.local/v1", "https://api.example.com/v1"]
)  # fmt: skip
def test_a_key_may_travel_here_and_encrypted(url: str) -> None:
    assert checked_url(url, has_key=True) == url


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput) as told:
        Endpoints(tmp_path).add(name, "http://127.0.0.1/v1")
    assert told.value.key == "error.endpoint_name"


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    kept = Endpoints(tmp_path)
    kept.add("a", "http://127.0.0.1/v1")
    with pytest.raises(BadInput) as told:
        kept.add("a", "http://127.0.0.1:2/v1")
    assert told.value.key == "error.endpoint_name_taken"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "한글"])
def test_keys_that_cannot_be(tmp_path: Path, key: str) -> None:
    with pytest.raises(BadInput) as told:
        Endpoints(tmp_path).add("a", "http://127.0.0.1/v1", key)
    assert told.value.key == "error.endpoint_key" and key not in str(told.value)


def test_broken_files_say_so(tmp_path: Path) -> None:
    kept = Endpoints(tmp_path)
    (tmp_path / "endpoints.json").write_text("[{]")
    (tmp_path / "secrets.json").write_text('"' + KEY)
    with pytest.raises(StorageProblem):
        kept.list()
    with pytest.raises(StorageProblem) as told:
        kept.key("x")
    assert KEY not in str(told.value)


def test_offline_reaches_this_machine_only(tmp_path: Path) -> None:
    with chat_server() as server:
        kept = Endpoints(tmp_path, offline=True)
        here = kept.add("here", server.url)
        there = kept.add("there", "https://api.example.com/v1", KEY)
        assert kept.models(here.id) == ["large-model", "small-model"]
        with pytest.raises(Unavailable) as told:
            kept.models(there.id)
    assert told.value.key == "error.endpoint_offline"
