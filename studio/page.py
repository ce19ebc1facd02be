"""What Gradio's page lacks and has no parameter for: its own language, from the first byte on.

Gradio writes `<html lang="en">` on every page and picks the words of its own widgets by the browser's language. Here
the page says which language it is in, and the widgets follow the page.
"""

from __future__ import annotations

import gzip
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabs.text import Language

LARGE = 1_000


class SpeakingPage:
    """ASGI middleware around the page of one language at `path`; everything else passes through untouched."""

    def __init__(self, app: ASGIApp, path: str, language: Language) -> None:
        self._app = app
        self._paths = {path, f"{path}/"}
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))
        if scope["type"] != "http" or scope["method"] != "GET" or inside not in self._paths:
            await self._app(scope, receive, send)
            return
        small = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
        await self._app({**scope, "headers": kept}, receive, self._rewriting(send, small))

    def _rewriting(self, send: Send, small: bool) -> Send:
        """Holds the answer back until it is whole; a page is some hundred kilobytes and is not streamed."""
        start: list[Message] = []
        parts: list[bytes] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = MutableHeaders(raw=list(start[0]["headers"]))
            body = b"".join(parts)
            if headers.get("content-type", "").startswith("text/html"):
                body = speaking(body, self._language)
            if small and len(body) > LARGE:
                body = gzip.compress(body, 5)
                headers["content-encoding"] = "gzip"
            headers["content-length"] = str(len(body))
            headers["cache-control"] = "no-cache"
            await send({**start[0], "headers": headers.raw})
            await send({"type": "http.response.body", "body": body})

        return answer


def speaking(html: bytes, language: Language) -> bytes:
    """The page with its language said, and without the pictures that only other sites would fetch."""
    follow = (
        f"<head><script>for (const [name, value] of [['language', '{language}'], ['languages', ['{language}']]])"
        " Object.defineProperty(navigator, name, {get: () => value});</script>"
        '<link rel="icon" type="image/svg+xml" href="../assets/logo.svg">'
    )
    html = html.replace(b'lang="en"', f'lang="{language}"'.encode(), 1)
    html = re.sub(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>', b"", html)
    return html.replace(b"<head>", follow.encode(), 1)
