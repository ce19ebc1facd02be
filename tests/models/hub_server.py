"""A small model hub on 127.0.0.1 that speaks the part of the hub's protocol a download uses."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the hub holds, how it misbehaves, and what it was asked."""

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    chunk_s: float = 0.0
    ranges: bool = True
    cut_at: int | None = None
    """Close the connection after so many bytes of a file's body, once per request."""
    damage: set[str] = field(default_factory=set)
    page: bytes | None = None
    status: int = 200
    commit: str = COMMIT
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def siblings(self, model: str) -> list[dict[str, object]]:
        return [sibling(name, raw) for name, raw in self.models[model].items()]


def sibling(name: str, raw: bytes) -> dict[str, object]:
    entry: dict[str, object] = {
        "rfilename": name,
        "size": len(raw),
        "blobId": hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest(),
    }
    if name.endswith((".safetensors", ".bin")):
        entry["lfs"] = {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "pointerSize": 134}
    return entry


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.hub.asked.append((self.path, self.headers.get("Range")))
        if self.hub.status != 200:
            return self.reply(self.hub.status, b"{}")
        if self.hub.page is not None:
            return self.reply(200, self.hub.page, {"Content-Type": "text/html"})
        path = self.path.split("?")[0]
        if path.startswith("/api/models/"):
            return self.describe(path.removeprefix("/api/models/"))
        model, _, rest = path[1:].partition("/resolve/")
        commit, _, name = rest.partition("/")
        if model in self.hub.gated:
            return self.reply(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        if commit != self.hub.commit or name not in self.hub.models.get(model, {}):
            return self.reply(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        self.serve(name, self.hub.models[model][name])

    def describe(self, path: str) -> None:
        model, _, revision = path.partition("/revision/")
        if model not in self.hub.models:
            return self.reply(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", self.hub.commit):
            return self.reply(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        told = {"id": model, "modelId": model, "sha": self.hub.commit, "siblings": self.hub.siblings(model)}
        self.reply(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self, name: str, raw: bytes) -> None:
        start, asked = 0, self.headers.get("Range")
        if asked and self.hub.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        body = bytes(len(raw)) if name in self.hub.damage else raw
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(raw) - start))
        self.send_header("ETag", f'"{hashlib.sha256(raw).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.hub.commit)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(raw) - 1}/{len(raw)}")
        self.end_headers()
        for at in range(start, len(raw), 65536):
            if self.hub.cut_at is not None and at - start >= self.hub.cut_at:
                self.close_connection = True
                return
            try:
                self.wfile.write(body[at : min(at + 65536, len(raw))])
            except OSError:
                self.close_connection = True
                return
            time.sleep(self.hub.chunk_s)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
