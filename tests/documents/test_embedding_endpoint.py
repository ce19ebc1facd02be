"""Points from a connected server that has its own ideas: how many texts at once, when, and what it answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import Embedder, EmbeddingModel
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.indexing.start import start_indexing
from backend.documents.shelf.intake import bring
from backend.errors import Refused, Unavailable
from backend.jobs.runs import Runs
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.settings import Settings
from tests.documents.test_intake import texts
from tests.waiting import until

KEY = "key-of-nobody"


@dataclass
class Embedding:
    """What the server answers and was asked. `status` is given to the next `times` requests, then it answers."""

    dimensions: int = 8
    most: int = 1000
    status: int = 200
    times: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    wrong: str = ""
    asked: list[list[str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    fake: Embedding

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        fake, body = self.fake, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake.asked.append(body["input"])
        fake.keys.add(self.headers.get("Authorization", ""))
        if fake.times > 0:
            fake.times -= 1
            return self.reply(fake.status, {"error": {"message": "no"}}, fake.headers)
        if len(body["input"]) > fake.most:
            return self.reply(413, {"error": {"message": "batch size > maximum"}})
        rows = [{"index": at, "object": "embedding", "embedding": self.point(t)} for at, t in enumerate(body["input"])]
        self.reply(200, {"object": "list", "model": body["model"], "data": rows[::-1], "usage": {}})

    def point(self, text: str) -> list[float]:
        size = self.fake.dimensions + (1 if self.fake.wrong == "size" and len(self.fake.asked) > 1 else 0)
        point = [0.01] * size
        for letter in text:
            point[ord(letter) % size] += 1.0
        if self.fake.wrong == "nan":
            point[0] = float("nan")
        return point

    def reply(self, status: int, told: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def serving(fake: Embedding, port: int = 0) -> Iterator[Embedding]:
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Embeddings", (Handler,), {"fake": fake}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def model_of(home: Path, url: str) -> EmbeddingModel:
    found = Endpoints(home).add("내 서버", url, KEY)
    return EmbeddingModel(
        kind="endpoint", name="bge-m3", endpoint=found.id, passage="p: ", query="q: ", languages="multi"
    )


@contextmanager
def opened(home: Path, fake: Embedding) -> Iterator[Embedder]:
    embedders = Embedders(Settings(home=home), Endpoints(home))
    try:
        yield embedders.open(model_of(home, fake.url))
    finally:
        embedders.close()


def test_a_server_that_takes_few_at_once_is_asked_for_few(tmp_path: Path) -> None:
    with serving(Embedding(most=20)) as fake, opened(tmp_path, fake) as embedder:
        points = embedder.passages([f"글 {n}" for n in range(100)])
        assert points.shape == (100, 8) and np.allclose(np.linalg.norm(points, axis=1), 1)
        assert [len(asked) for asked in fake.asked] == [64, 32, 16, 16, 16, 16, 16, 16, 4]
        assert np.allclose(points[7], embedder.passages(["글 7"])[0]) and fake.asked[-1] == ["p: 글 7"]
        embedder.query("글 7")
        assert fake.asked[-1] == ["q: 글 7"] and fake.keys == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("fake", "key"),
    [
        (Embedding(wrong="nan"), "endpoint_nonsense"),
        (Embedding(status=401, times=9), "endpoint_key_refused"),
        (Embedding(status=404, times=9), "endpoint_not_found"),
        (Embedding(status=503, times=9), "endpoint_failed"),
        (Embedding(status=429, times=9, headers={"Retry-After": "3"}), "endpoint_too_many"),
    ],
)
def test_each_way_of_failing_has_its_sentence(tmp_path: Path, fake: Embedding, key: str) -> None:
    with serving(fake), opened(tmp_path, fake) as embedder, pytest.raises(Unavailable, match=key) as told:
        embedder.passages(["글"])
    assert KEY not in str(told.value)
    assert told.value.details.get("seconds") == (3.0 if fake.status == 429 else None)


def test_points_of_another_length_in_the_middle_are_refused(tmp_path: Path) -> None:
    with serving(Embedding(wrong="size")) as fake, opened(tmp_path, fake) as embedder:
        embedder.passages(["하나"])
        with pytest.raises(Unavailable, match="endpoint_nonsense"):
            embedder.passages(["둘"])


def ended(runs: Runs, run_id: str) -> Any:
    until(lambda: not runs.get(run_id).active, 180)
    return runs.get(run_id)


def test_a_run_whose_server_goes_away_loses_nothing(project: Project, runs: Runs, tmp_path: Path) -> None:
    with serving(Embedding(status=429, times=1, headers={"Retry-After": "1"})) as fake:
        model = model_of(tmp_path / "home", fake.url)
        activate(project, IndexSettings(embedding=model))
        assert KEY not in json.dumps(project.get_note("documents.index"))
        bring(project, texts(tmp_path, 하나="전세 계약은 두 해이다.", 둘="보증금을 돌려준다."))
        run = ended(runs, start_indexing(runs, project).id)
        assert run.state == "succeeded" and len(fake.asked) >= 2
        port = int(fake.url.rsplit(":", 1)[1].removesuffix("/v1"))
        fake.status, fake.times = 401, 99
        bring(project, texts(tmp_path, 셋="가스 요금은 따로 낸다."))
        begun = time.monotonic()
        refused = ended(runs, start_indexing(runs, project).id)
        assert (refused.state, refused.error_key) == ("failed", "error.endpoint_key_refused")
        assert KEY not in runs.log(run.id) and time.monotonic() - begun < 60
    with serving(Embedding(), port):
        again = ended(runs, runs.resume(refused.id).id)
        assert again.state == "succeeded" and again.result["indexed"] == 1
    index = Index(project.folder, active(project))
    try:
        assert len(index.documents()) == 3 and index.count() == 3
        with pytest.raises(Refused, match="index_other_size"):
            index.put(9, index.passages(1), np.ones((1, 9), dtype=np.float32) / 3)
    finally:
        index.close()
