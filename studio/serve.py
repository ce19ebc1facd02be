"""From Settings to a listening studio: both pages, the routes around them, access control, and the server itself."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import closing
from logging.handlers import RotatingFileHandler
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from backend.errors import Busy
from backend.services import Services
from backend.settings import ASSETS, Settings
from studio.access import OWNER_KEY, Access, Gate
from studio.app import build_app
from studio.language import language_routes
from studio.page import SpeakingPage
from studio.signin import signin_routes
from studio.theme import Celadon
from tabs.text import LANGUAGES, Language, Words

TRIES = 50
SHARED_ASSETS = ("studio.css", "signin.css", "logo.svg", "studio.js")


class Shared(StaticFiles):
    """The few files of assets/ that a page is drawn with; the rest of the folder is not the web's business."""

    def lookup_path(self, path: str) -> tuple[str, object]:  # type: ignore[override]
        return super().lookup_path(path) if path in SHARED_ASSETS else ("", None)


def create_app(services: Services) -> ASGIApp:
    """The whole studio as one ASGI application behind its gate."""
    settings = services.settings
    access = Access(settings, services.accounts)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(language_routes())
    app.include_router(signin_routes(access))
    app.mount("/assets", Shared(directory=ASSETS), name="assets")

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon() -> FileResponse:
        return FileResponse(ASSETS / "logo.svg", media_type="image/svg+xml")

    page: ASGIApp = app
    for language in LANGUAGES:
        mount_page(app, services, language)
        page = SpeakingPage(page, f"/{language}", language)
    return Gate(page, access)


def mount_page(app: FastAPI, services: Services, language: Language) -> None:
    def signed_in(request: Request) -> str | None:
        owner = request.scope.get(OWNER_KEY)
        return str(owner) if owner else None

    built = build_app(services, language)
    # Gradio asks whether a file that a request names was handed in only of a page that says it was launched, which a
    # mounted one never does by itself: without this line any account could have any file of this machine read.
    built.has_launched = True
    gr.mount_gradio_app(
        app,
        built,
        path=f"/{language}",
        auth_dependency=signed_in,
        allowed_paths=[str(ASSETS)],
        max_file_size=services.settings.max_upload_mb * 1_000_000,
        show_error=False,
        run_history=False,
        footer_links=[],
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=Celadon(),
        css=styles(Words(language)),
    )


def styles(words: Words) -> str:
    """The studio's css and each tab's, and the toasts' headings, which Gradio only knows in English."""
    files = [ASSETS / "studio.css", *sorted(set(ASSETS.glob("*.css")) - {ASSETS / "studio.css", ASSETS / "signin.css"})]
    headings = (
        f".toast-title.{kind}::before {{ content: {json.dumps(words.t(f'common.toast_{kind}'), ensure_ascii=False)}; }}"
        for kind in ("info", "success", "warning", "error")
    )
    return "\n".join([*(file.read_text(encoding="utf-8") for file in files), *headings])


def listen(host: str, port: int) -> socket.socket:
    """A socket on the wanted port or the next free one. Raises Busy("error.no_port", host=, first=, last=)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + TRIES, 65535) if port else 0
    for number in range(port, last + 1):
        trying = socket.socket(family, socket.SOCK_STREAM)
        # On Windows the option of the other systems would let two programs share a port.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        trying.setsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, number))
            trying.listen(128)
            return trying
        except OSError:
            trying.close()
    raise Busy("error.no_port", host=host, first=str(port), last=str(last))


def address(host: str, port: int, root_path: str = "") -> str:
    """What a person types into the browser of this machine."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{reached}:{port}{root_path.rstrip('/')}/"


def log_to(home: Path) -> None:
    """Everything the studio has to say goes to home/logs/studio.log; the terminal stays for the person."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / "studio.log", maxBytes=2_000_000, backupCount=4, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def run(services: Services, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until interrupted; `ready` is called once the first page can be asked for."""
    config = uvicorn.Config(
        create_app(services),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=3,
        forwarded_allow_ips="127.0.0.1",
    )
    server = uvicorn.Server(config)

    def announce() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.02)
        if server.started:
            ready()

    threading.Thread(target=announce, name="announce", daemon=True).start()
    with closing(listening):
        server.run(sockets=[listening])


def open_browser(settings: Settings, url: str) -> None:
    if settings.open_browser:
        webbrowser.open(url)
