"""A real studio, wired over a home folder of its own, asked without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from backend.services import Services, create_services
from backend.settings import Settings
from studio.serve import create_app

Ask = Callable[..., httpx.Response]


def asker(app: object, base: str) -> Ask:
    """ask("GET", "/path", ...) -> the answer; cookies are not kept, so that each test says what it sends."""

    def ask(method: str, path: str, cookies: dict[str, str] | None = None, **details: object) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=base, cookies=cookies) as client:
                return await client.request(method, path, **details)  # type: ignore[arg-type]

        # A thread of its own: a browser test before this one may have left its event loop in ours.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, once()).result()

    return ask


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Ask]]:
    """A studio as it starts by default: this machine only, no accounts."""
    services = create_services(Settings(home=tmp_path_factory.mktemp("local"), open_browser=False))
    yield services, asker(create_app(services), "http://127.0.0.1:7860")
    services.close()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Ask]]:
    """A studio that other machines can reach, with the accounts "mina" and "jun"."""
    home: Path = tmp_path_factory.mktemp("shared")
    services = create_services(Settings(home=home, host="0.0.0.0", open_browser=False))
    services.accounts.add("mina", "mina's long secret")
    services.accounts.add("jun", "jun's long secret")
    yield services, asker(create_app(services), "http://studio.test:7860")
    services.close()
