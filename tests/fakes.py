"""What tests put in the place of the world: an OpenAI-compatible server that misbehaves on demand, runs that rest."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from backend.jobs.folder import RunFolder
from backend.jobs.runs import Runs

Mood = Literal[
    "normal", "slow", "silent", "nonsense", "html", "key", "missing", "many", "refuses", "broken", "cut", "half", "bare"
]
"""normal    answers                            slow     answers, `pause_s` before each word
silent    takes the request and says nothing html     sends a web page           nonsense  sends JSON of another shape
key       401, repeating the key it was sent missing  404    many  429    refuses  400    broken  500
cut       ends after the first word          half     breaks the connection in the middle of an event
bare      answers without usage and reasons that it does not know"""


@dataclass
class ChatServer:
    """What the server answers, how it behaves, and what it was asked."""

    words: list[str] = field(default_factory=lambda: ["안녕", "하세", "요", ". ", "Hello", "!"])
    models: list[str] = field(default_factory=lambda: ["small-model", "large-model"])
    mood: Mood = "normal"
    pause_s: float = 0.05
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    written: int = 0
    """Words sent so far, over all answers."""
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a caller closed the connection before the end."""
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def chat_server(**fields: Any) -> Iterator[ChatServer]:
    """A running server; `server.url` is the base address of its API."""
    fake = ChatServer(**fields)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Handler(BaseHTTPRequestHandler):
    fake: ChatServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.fake.headers.append({name.lower(): value for name, value in self.headers.items()})
        if self._misbehaves():
            return
        self._json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.fake.models]})

    def do_POST(self) -> None:
        self.fake.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.fake.asked.append(body)
        if self._misbehaves():
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            self._answer(body)
        except (BrokenPipeError, ConnectionResetError):
            self.fake.left.set()

    def _misbehaves(self) -> bool:
        key = self.headers.get("Authorization", "")
        plain: dict[str, tuple[int, str]] = {
            "key": (401, f"Incorrect key: {key}"),
            "missing": (404, "no such model"),
            "many": (429, "slow down"),
            "refuses": (400, f"context too long, says {key}"),
            "broken": (500, "out of luck"),
        }
        mood = self.fake.mood
        if mood in plain:
            self._json(plain[mood][0], {"error": {"message": plain[mood][1]}})
        elif mood == "silent":
            self.fake.closing.wait(20)
        elif mood == "html":
            self._send(200, "text/html", b"<html><body>Welcome to the guest network</body></html>")
        elif mood == "nonsense" and self.command == "GET":
            self._json(200, {"data": [{"id": 5}, "x"]})
        else:
            return False
        return True

    def _answer(self, body: dict[str, Any]) -> None:
        mood, words = self.fake.mood, self.fake.words
        if mood == "nonsense":
            self._event({"choices": [{"delta": "no object"}, 7]})
            return
        for number, word in enumerate(words[: body.get("max_tokens", 1000)]):
            if mood == "slow" and self.fake.closing.wait(self.fake.pause_s):
                return
            self._event({"choices": [{"index": 0, "delta": {"content": word}, **self._logprobs(body, word)}]})
            self.fake.written += 1
            if mood == "cut":
                return
            if mood == "half" and number == 1:
                self.wfile.write(b'data: {"choices": [{"index"')
                return
        reason = "length" if body.get("max_tokens", 1000) < len(words) else "stop"
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason if mood != "bare" else "eos"}]})
        if mood != "bare" and body.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)}
            self._event({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _logprobs(self, body: dict[str, Any], word: str) -> dict[str, Any]:
        if not body.get("logprobs"):
            return {}
        best = [
            {"token": word, "logprob": -0.105, "bytes": None},
            {"token": "other", "logprob": -9999.0, "bytes": None},
        ]
        return {"logprobs": {"content": [{**best[0], "top_logprobs": best[: body["top_logprobs"]]}]}}

    def _event(self, data: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps({'id': 'a', 'object': 'chat.completion.chunk', **data})}\n\n".encode())
        self.wfile.flush()

    def _json(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(data).encode())

    def _send(self, status: int, kind: str, raw: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def wait_until(true: Any, seconds: float = 5.0) -> bool:
    """Look until `true()` is, or the time is over; says which."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return bool(true())


class Resting(Runs):
    """Makes run folders and starts no worker: the test does the work itself."""

    def _start(self, folder: RunFolder) -> None:
        pass
