"""Who may ask for what, decided in front of everything else that the studio serves.

On 127.0.0.1 without accounts everybody who reaches the port is "owner", so only this machine's own names are answered
(a page elsewhere that has its name resolve to 127.0.0.1 is not). With accounts every route needs a session, except the
sign-in page and what it is drawn with. A request that changes something must come from our own pages: the Origin is
compared.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.accounts import Accounts
from backend.settings import Settings

OWNER_KEY = "matchum.owner"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN_PATHS = ("/signin", "/assets/", "/favicon.ico", "/lang/")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_local(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    return host in LOCAL_HOSTS


def needs_accounts(settings: Settings) -> bool:
    return settings.share or not is_local(settings.host)


class Attempts:
    """How often sign-in may be tried: five a minute for one address and name, with a longer wait for those who go on.

    The limit over a name alone is wide, so that a stranger cannot easily lock its owner out.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_pair = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
        self._per_address = RateLimitItemPerHour(120)
        self._per_name = RateLimitItemPerHour(300)

    def wait(self, address: str, name: str) -> int:
        """Count one attempt. Returns 0 when it may go on, else the seconds to wait."""
        asked = [(limit, "pair", address, name) for limit in self._per_pair]
        asked += [(self._per_address, "address", address, ""), (self._per_name, "name", "", name)]
        refused = [keys for keys in asked if not self._limiter.hit(*keys)]
        if not refused:
            return 0
        resets = [self._limiter.get_window_stats(*keys).reset_time for keys in refused]
        return max(1, round(max(resets) - time.time()))


@dataclass(frozen=True)
class Access:
    """The rules of one studio, asked by the gate below, the sign-in page and Gradio's `auth_dependency`."""

    settings: Settings
    accounts: Accounts
    attempts: Attempts = field(default_factory=Attempts)

    @property
    def signs_in(self) -> bool:
        """Whether this studio asks for an account. True from the moment the first account exists."""
        return needs_accounts(self.settings) or bool(self.accounts.names())

    @property
    def cookie(self) -> str:
        """Cookies do not tell ports apart: two studios on one machine must not sign each other out."""
        return "matchum_" + hashlib.sha256(str(self.settings.home).encode()).hexdigest()[:10]

    def owner(self, connection: HTTPConnection) -> str | None:
        """Whose things this request may reach: "owner" on a studio without accounts, None when nobody is signed in."""
        if not self.signs_in:
            return "owner"
        token = connection.cookies.get(self.cookie, "")
        return self.accounts.holder(token) if token else None

    def known_host(self, connection: HTTPConnection) -> bool:
        """With accounts a foreign name is harmless (its pages have no session), else only this machine's names pass."""
        return self.signs_in or host_of("//" + connection.headers.get("host", "")) in LOCAL_HOSTS

    def own_origin(self, connection: HTTPConnection) -> bool:
        """Whether a request that changes something comes from our own page, or from no browser at all."""
        origin = connection.headers.get("origin")
        if origin is None:
            return connection.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
        hosts = [connection.headers.get(name, "") for name in ("host", "x-forwarded-host")]
        return urlsplit(origin).netloc.lower() in {host.lower() for host in hosts if host}


def host_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


class Gate:
    """ASGI middleware around the whole studio. It streams: nothing is read or held back."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = rooted(scope, self._access.settings.root_path.rstrip("/"))
        connection = HTTPConnection(scope)
        scope[OWNER_KEY] = self._access.owner(connection)
        refusal = self._refusal(scope, connection)
        if refusal is None:
            await self._app(scope, receive, guarded(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope, connection: HTTPConnection) -> Response | None:
        if not self._access.known_host(connection):
            return PlainTextResponse("This studio answers on this machine only.", status_code=403)
        safe = scope["type"] == "http" and scope["method"] in SAFE_METHODS
        if not safe and not self._access.own_origin(connection):
            return JSONResponse({"detail": "The request does not come from this studio's page."}, status_code=403)
        if scope[OWNER_KEY] is not None or open_to_all(path_of(scope)):
            return None
        if safe and "text/html" in connection.headers.get("accept", ""):
            target = f"{scope.get('root_path', '')}/signin?next={quote(path_of(scope))}"
            return RedirectResponse(target, status_code=303)
        return JSONResponse({"detail": "Not signed in."}, status_code=401)


def rooted(scope: Scope, root: str) -> Scope:
    """The request as ASGI has it behind a proxy: its path begins with `root`, even where the proxy took that off."""
    path = str(scope["path"])
    inside = path == root or path.startswith(root + "/")
    return {**scope, "root_path": root, "path": path if inside else root + path} if root else scope


def path_of(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root else path


def open_to_all(path: str) -> bool:
    return any(path == known or (known.endswith("/") and path.startswith(known)) for known in OPEN_PATHS)


def guarded(send: Send) -> Send:
    """Headers that every answer carries: not to be framed by other sites, not to be guessed at, no addresses told."""
    extra = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"content-security-policy", b"frame-ancestors 'self'"),
    ]

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            names = {name.lower() for name, _ in given}
            message["headers"] = given + [pair for pair in extra if pair[0] not in names]
        await send(message)

    return answer
