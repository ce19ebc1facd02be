"""The sign-in page: plain HTML in both languages, no script, and the two routes behind it."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from studio.access import Access
from studio.language import language_of, prefix
from tabs.text import LANGUAGES, Words

PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{root}/favicon.ico"><link rel="stylesheet" href="{root}/assets/signin.css">
</head>
<body>
<main>
<p class="brand"><img src="{root}/assets/logo.svg" alt="" width="32" height="32">
<b>{brand}</b> <span>{tagline}</span></p>
<h1>{title}</h1>
{told}
<form method="post" action="{root}/signin">
<input type="hidden" name="next" value="{next}">
<label>{name}<input name="name" autocomplete="username" autocapitalize="none" required autofocus
value="{given}"></label>
<label>{password}<input name="password" type="password" autocomplete="current-password" required></label>
<button>{enter}</button>
</form>
<p class="hint">{hint}</p>
<p class="hint"><a href="{root}/lang/{other}?next=/signin">{switch}</a></p>
</main>
</body>
</html>
"""


def page(words: Words, root: str, following: str, told: str = "", given: str = "") -> str:
    other = "en" if words.language == "ko" else "ko"
    alert = f'<p class="told" role="alert">{escape(told)}</p>' if told else ""
    return PAGE.format(
        lang=words.language,
        root=escape(root),
        other=other,
        told=alert,
        next=escape(following),
        given=escape(given),
        title=words.t("header.sign_in"),
        brand=words.t("header.brand"),
        tagline=words.t("header.tagline"),
        name=words.t("header.account"),
        password=words.t("header.password"),
        enter=words.t("header.enter"),
        hint=words.t("header.sign_in_hint"),
        switch=words.t("header.language"),
    )


def safe_next(target: str) -> str:
    """Where to go afterwards, inside this studio only: "/ko/", never another host."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if inside and not target.startswith("/signin") else "/"


def signin_routes(access: Access) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    words = {language: Words(language) for language in LANGUAGES}

    @router.get("/signin")
    def show(request: Request, next: str = "/") -> Response:
        if access.owner(request) is not None:
            return RedirectResponse(prefix(request) + safe_next(next), status_code=303)
        return HTMLResponse(page(words[language_of(request)], prefix(request), safe_next(next)))

    @router.post("/signin")
    async def enter(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=5)
        name, password, target = (str(form.get(key, ""))[:300] for key in ("name", "password", "next"))
        spoken = words[language_of(request)]
        wait = access.attempts.wait(request.client.host if request.client else "", name)
        if wait:
            told = spoken.t("header.sign_in_wait", time=spoken.duration(wait))
            body = page(spoken, prefix(request), safe_next(target), told, name)
            return HTMLResponse(body, status_code=429, headers={"Retry-After": str(wait)})
        # argon2 takes tens of milliseconds on purpose; other people's requests must not wait for it.
        if not await asyncio.to_thread(access.accounts.check, name, password):
            told = spoken.t("header.sign_in_wrong")
            return HTMLResponse(page(spoken, prefix(request), safe_next(target), told, name), status_code=401)
        answer = RedirectResponse(prefix(request) + safe_next(target), status_code=303)
        answer.set_cookie(
            access.cookie,
            access.accounts.open_session(name),
            max_age=14 * 24 * 3600,
            path=prefix(request) or "/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.post("/signout")
    def leave(request: Request) -> Response:
        access.accounts.close_session(request.cookies.get(access.cookie, ""))
        answer = RedirectResponse(prefix(request) + "/signin", status_code=303)
        answer.delete_cookie(access.cookie, path=prefix(request) or "/")
        return answer

    return router
