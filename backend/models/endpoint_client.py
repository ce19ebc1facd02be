"""The official OpenAI client as this house uses it, and a sentence for each way in which a server can fail.

Nothing but the request goes out: no headers about this machine, no organisation or proxy from the environment,
no second try that would hide a long wait. `openai` is imported late.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from backend.errors import BadInput, StudioError, Unavailable
from backend.models.endpoints import Endpoint

LISTED = 1000
SENT = {"host", "accept", "accept-encoding", "connection", "content-length", "content-type"}
WATCH_S = 0.05


def client(endpoint: Endpoint, key: str | None, connect_s: float, read_s: float) -> Any:
    """An openai.OpenAI for this endpoint; waits at most so many seconds to reach it and for each word."""
    import openai

    def only_the_request(request: Any) -> None:
        # The client would add this machine's particulars, and whatever keys stand in the environment.
        for name in [name for name in request.headers if name.lower() not in SENT]:
            del request.headers[name]
        if key:
            request.headers["Authorization"] = f"Bearer {key}"

    timeout = openai.Timeout(read_s, connect=connect_s)
    http = openai.DefaultHttpxClient(
        timeout=timeout, trust_env=False, follow_redirects=False, event_hooks={"request": [only_the_request]}
    )
    return openai.OpenAI(base_url=endpoint.url, api_key=key or "none", timeout=timeout, max_retries=0, http_client=http)


@contextmanager
def told(endpoint: Endpoint, model: str = "", key: str | None = None) -> Iterator[None]:
    """Turns what goes wrong with a server into a StudioError; the client's own errors go no further."""
    import openai

    name = endpoint.name
    try:
        yield
    except StudioError:
        raise
    except openai.APITimeoutError as fault:
        slow = "Connect" not in type(fault.__cause__).__name__
        raise Unavailable("error.endpoint_slow" if slow else "error.endpoint_down", endpoint=name) from None
    except openai.APIConnectionError as fault:
        # Nothing heard means that nobody is there; a protocol error means that somebody talks something else.
        cause = type(fault.__cause__).__name__
        key_ = "error.endpoint_down" if "Connect" in cause else "error.endpoint_cut_off"
        raise Unavailable(key_, endpoint=name) from None
    except openai.APIStatusError as fault:
        raise _refusal(fault.status_code, _hidden(_why(fault), key), name, model) from None
    except openai.APIError as fault:
        raise Unavailable("error.endpoint_failed", endpoint=name, why=_hidden(_why(fault), key)) from None
    except (ValueError, TypeError, AttributeError, KeyError, LookupError):
        # No JSON, or JSON of another shape: the client builds its objects from whatever comes.
        raise Unavailable("error.endpoint_nonsense", endpoint=name) from None


def _refusal(status: int, why: str, name: str, model: str) -> StudioError:
    if status in (401, 403):
        return Unavailable("error.endpoint_key_refused", endpoint=name)
    if status == 404:
        return Unavailable("error.endpoint_not_found", endpoint=name, model=model)
    if status == 429:
        return Unavailable("error.endpoint_too_many", endpoint=name)
    if status in (400, 413, 422):
        return BadInput("error.endpoint_refused", endpoint=name, why=why)
    if status >= 500:
        return Unavailable("error.endpoint_failed", endpoint=name, why=why or f"HTTP {status}")
    return Unavailable("error.endpoint_nonsense", endpoint=name)


def _why(fault: Any) -> str:
    """The server's own words, one line of them."""
    body = fault.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    message = body.get("message") if isinstance(body, dict) else None
    text = message if isinstance(message, str) else json.dumps(body, ensure_ascii=False) if body else ""
    return " ".join(text.split())[:300]


def _hidden(text: str, key: str | None) -> str:
    """Some servers repeat the key in what they say of it."""
    return text.replace(key, "***") if key else text


class Listening:
    """A server's chunks, read by a thread of their own so that the listener can leave while nothing comes.

    Iterating yields chunks until the end, a fault of the reading, or until `ended` says that nobody wants more
    (looked at every WATCH_S seconds). Leaving closes the connection, which tells the server to stop.
    """

    def __init__(self, open_stream: Callable[[], Any], ended: Callable[[], bool]) -> None:
        self._open, self._ended = open_stream, ended
        self._heard: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._left = threading.Event()
        threading.Thread(target=self._read, name="endpoint", daemon=True).start()

    def __iter__(self) -> Iterator[Any]:
        try:
            while not self._ended():
                try:
                    kind, what = self._heard.get(timeout=WATCH_S)
                except Empty:
                    continue
                if kind == "end":
                    return
                if kind == "fault":
                    raise what
                yield what
        finally:
            self._left.set()

    def _read(self) -> None:
        try:
            with self._open() as chunks:
                for chunk in chunks:
                    if self._left.is_set():
                        return
                    self._heard.put(("chunk", chunk))
            self._heard.put(("end", None))
        except Exception as fault:  # carried over to the listener, who knows what to say
            self._heard.put(("fault", fault))
