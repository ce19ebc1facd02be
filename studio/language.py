"""Which of the two pages a visitor gets, and the route of the header's switch."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from tabs.text import LANGUAGES, Language

COOKIE = "matchum_lang"
YEAR = 365 * 24 * 3600


def prefix(connection: HTTPConnection) -> str:
    """The path a reverse proxy put in front of the studio, without a slash at its end."""
    return str(connection.scope.get("root_path", "")).rstrip("/")


def language_of(connection: HTTPConnection) -> Language:
    """The visitor's choice, else what the browser asks for, else Korean."""
    chosen = connection.cookies.get(COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    return accepted(connection.headers.get("accept-language", ""))


def accepted(header: str) -> Language:
    """The better of our two languages in an Accept-Language header; English for those who read neither."""
    weights: dict[str, float] = {}
    for item in header.split(","):
        name, _, rest = item.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        short = name.strip().lower().partition("-")[0]
        weights[short] = max(weights.get(short, 0.0), weight)
    if not weights.get("ko") and not header.strip():
        return "ko"
    return "ko" if weights.get("ko", 0.0) > weights.get("en", 0.0) else "en"


def language_routes() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def home(request: Request) -> Response:
        return RedirectResponse(f"{prefix(request)}/{language_of(request)}/", status_code=307)

    @router.get("/lang/{language}")
    def switch(request: Request, language: str, next: str = "") -> Response:
        known = language if language in LANGUAGES else language_of(request)
        target = "/signin" if next == "/signin" else f"/{known}/"
        answer = RedirectResponse(prefix(request) + target, status_code=303)
        answer.set_cookie(COOKIE, known, max_age=YEAR, path=prefix(request) or "/", samesite="lax")
        return answer

    return router
