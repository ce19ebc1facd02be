"""Downloads from a small hub of our own, by the real worker over real HTTP."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import BadInput, ModelProblem, StorageProblem, Unavailable
from backend.jobs.folder import RunFolder
from backend.jobs.runs import Runs, end_processes
from backend.models import download
from backend.models.download import start_download
from backend.models.hub import HubFile, Plan, check_id, choose
from backend.settings import Settings
from tests.models.hub_server import COMMIT, Hub, serving
from tests.waiting import ended, until

NAME = "tiny/llama"
CONFIG = b'{"model_type": "llama"}'
FILES = {
    "config.json": CONFIG,
    "tokenizer.json": b"{}" * 1000,
    "README.md": "# 모델\n".encode(),
    "LICENSE": b"Apache-2.0",
    "model.safetensors": os.urandom(6_000_000),
    "pytorch_model.bin": b"never",
    "modeling_tiny.py": b"never",
    "original/consolidated.safetensors": b"never",
    "consolidated.safetensors": b"never",
}
WANTED = {"config.json", "tokenizer.json", "README.md", "LICENSE", "model.safetensors"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving(Hub(models={NAME: dict(FILES)})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def runs(settings: Settings) -> Iterator[Runs]:
    service = Runs(settings.home / "runs", settings)
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def target(settings: Settings) -> Path:
    return settings.models / "tiny--llama" / COMMIT


def test_a_whole_model_arrives_checked_and_without_pickles(hub: Hub, runs: Runs, settings: Settings) -> None:
    over = ended(runs, start_download(runs, settings, f" {NAME} "))
    assert (over.state, over.error_key, over.error_details) == ("succeeded", None, {})
    assert names(target(settings)) == WANTED
    assert all((target(settings) / name).read_bytes() == FILES[name] for name in WANTED)
    assert over.result == {"path": str(target(settings)), "model": NAME, "revision": COMMIT}
    assert over.unit == "bytes" and over.done == over.total == sum(len(FILES[name]) for name in WANTED)
    assert not any("never" in path or ".bin" in path or ".py" in path for path, _ in hub.asked)
    assert names(settings.models / ".partial") <= {f"tiny--llama/{COMMIT}.lock"}
    again = ended(runs, start_download(runs, settings, NAME))
    assert again.state == "succeeded" and again.done == over.done


def test_killed_and_resumed_it_goes_on_at_the_byte(hub: Hub, runs: Runs, settings: Settings) -> None:
    hub.chunk_s = 0.05
    run = start_download(runs, settings, NAME)
    part = settings.models / ".partial" / "tiny--llama" / COMMIT / "model.safetensors.part"
    until(lambda: part.exists() and part.stat().st_size > 2_000_000)
    assert start_download(runs, settings, NAME).id == run.id
    now = runs.get(run.id)
    assert now.state == "running" and now.message_key == "run.message.downloading"
    assert now.message_details == {"file": "model.safetensors"} and now.rate and now.seconds_left
    process = RunFolder(run.folder).process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: runs.get(run.id).state == "interrupted")
    kept = part.stat().st_size
    assert not target(settings).exists()
    hub.chunk_s, hub.commit = 0.0, COMMIT
    runs.resume(run.id)
    assert ended(runs, run).state == "succeeded"
    assert hub.asked[-1][1] == f"bytes={kept}-"
    assert (target(settings) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert sum(path.startswith("/api/") for path, _ in hub.asked) == 1


def test_stop_keeps_what_came_and_a_hub_without_ranges_starts_over(hub: Hub, runs: Runs, settings: Settings) -> None:
    hub.chunk_s = 0.05
    run = start_download(runs, settings, NAME)
    until(lambda: runs.get(run.id).done > 1_500_000)
    runs.stop(run.id)
    over = ended(runs, run)
    assert over.state == "stopped" and over.resumable
    hub.chunk_s, hub.ranges = 0.0, False
    runs.resume(run.id)
    assert ended(runs, run).state == "succeeded"
    assert (target(settings) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_a_line_that_breaks_is_taken_up_again(hub: Hub, runs: Runs, settings: Settings) -> None:
    hub.cut_at = 3_000_000
    over = ended(runs, start_download(runs, settings, NAME))
    assert (over.state, over.error_key) == ("succeeded", None)
    assert (target(settings) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_told_and_fetched_again(hub: Hub, runs: Runs, settings: Settings, file: str) -> None:
    hub.damage = {file}
    run = start_download(runs, settings, NAME)
    over = ended(runs, run)
    assert (over.state, over.error_key, over.error_details) == ("failed", "error.model_checksum", {"file": file})
    assert not target(settings).exists()
    hub.damage = set()
    runs.resume(run.id)
    assert ended(runs, run).state == "succeeded"


REFUSED = {
    "tiny/pickled": ({"config.json": CONFIG, "pytorch_model.bin": b"x"}, "error.hub_pickled"),
    "tiny/gguf": ({"config.json": CONFIG, "model.gguf": b"x"}, "error.hub_no_weights"),
    "tiny/own-code": ({"config.json": b'{"model_type":"odd","auto_map":{}}'}, "error.model_custom_code"),
    "tiny/unheard": ({"config.json": b'{"model_type":"odd"}'}, "error.model_unknown"),
    "tiny/broken": ({"config.json": b"{"}, "error.model_damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_before_its_weights_are_fetched(
    hub: Hub, runs: Runs, settings: Settings, name: str
) -> None:
    files, key = REFUSED[name]
    weights = {} if len(files) > 1 else {"model.safetensors": bytes(10_000)}
    hub.models[name] = {**files, **weights}
    over = ended(runs, start_download(runs, settings, name))
    assert (over.state, over.error_key) == ("failed", key)
    assert not [path for path, _ in hub.asked if "safetensors" in path or ".bin" in path]


def test_unknown_names_revisions_and_licences_not_accepted(hub: Hub, runs: Runs, settings: Settings) -> None:
    hub.models["tiny/gated"] = dict(FILES)
    hub.gated = {"tiny/gated"}
    asked = {
        ("tiny/none", None): "error.model_not_found",
        (NAME, "v9"): "error.model_revision",
        ("tiny/gated", None): "error.model_gated",
    }
    started = {key: start_download(runs, settings, *what) for what, key in asked.items()}
    for key, run in started.items():
        assert ended(runs, run).error_key == key


def test_no_network_is_told_within_seconds(
    hub: Hub, runs: Runs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        started = time.monotonic()
        over = ended(runs, start_download(runs, settings, NAME))
    assert (over.state, over.error_key) == ("failed", "error.no_network") and over.resumable
    assert time.monotonic() - started < 10


def test_a_hub_that_talks_nonsense(hub: Hub, runs: Runs, settings: Settings) -> None:
    hub.page = b"<html>Welcome to our cafe</html>"
    over = ended(runs, start_download(runs, settings, NAME))
    assert over.error_key == "error.hub_nonsense"
    hub.page, hub.status = None, 503
    over = ended(runs, start_download(runs, settings, NAME))
    assert (over.error_key, over.error_details) == ("error.hub_nonsense", {"why": "HTTP 503"})


def test_offline_is_told_at_once_and_by_a_resume_too(hub: Hub, runs: Runs, settings: Settings) -> None:
    run = start_download(runs, settings, "tiny/none")
    ended(runs, run)
    offline = Settings(home=settings.home, offline=True)
    with pytest.raises(Unavailable, match=r"error\.offline"):
        start_download(runs, offline, NAME)
    Runs(runs.folder, offline).resume(run.id)
    assert ended(runs, run).error_key == "error.offline"


def test_too_little_disk_is_told_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(model=NAME, revision=COMMIT, files=(HubFile(name="model.safetensors", size=10**9),))
    partial = tmp_path / ".partial" / "tiny--llama" / COMMIT
    partial.mkdir(parents=True)
    usage = download.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage._replace(free=1_050_000_000))
    with pytest.raises(StorageProblem) as told:
        download._check_disk(plan, partial)
    assert told.value.details == {"model": NAME, "need": "1.0 GB", "free": "1001 MB", "folder": str(tmp_path)}
    (partial / "model.safetensors.part").write_bytes(bytes(100_000_000))
    download._check_disk(plan, partial)


@pytest.mark.parametrize("name", ["", "llama", "a/b/c", "../etc", "a/..", "a--b/c", "a/b--c", "https://x/y", "a b/c"])
def test_what_is_no_model_id(name: str, runs: Runs, settings: Settings) -> None:
    with pytest.raises(BadInput, match="model_id"):
        start_download(runs, settings, name)
    assert runs.list() == []


def test_ids_as_they_are() -> None:
    for name in ("Qwen/Qwen3-0.6B", "LGAI-EXAONE/EXAONE-4.0-1.2B", "meta-llama/Llama-3.2-1B_x"):
        assert check_id(name) == name


def test_which_files_are_chosen() -> None:
    base = ["config.json", "tokenizer.model"]
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    assert choose("a/b", [*base, *shards, "consolidated.safetensors"]) == {*base, *shards}
    assert choose("a/b", [*base, *shards, "model.safetensors"]) == {*base, "model.safetensors"}
    assert choose("a/b", [*base, "model.safetensors", "../x.json", "/etc/x.json", "a\\..\\x.txt", ".x.json"]) == {
        *base,
        "model.safetensors",
    }
    for bare in (base, ["model.safetensors"], ["adapter_model.safetensors", "config.json"]):
        with pytest.raises(ModelProblem, match="no_weights"):
            choose("a/b", bare)
