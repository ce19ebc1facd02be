"""What concerns the whole machine is the owner's: another account is refused by every handler that would change it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from backend.accounts import OWNER, owner_only
from backend.assistants import ModelRef
from backend.errors import Refused
from backend.models.installed import installed
from backend.services import Services, create_services
from backend.settings import Settings
from studio.app import build_app


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = create_services(Settings(home=tmp_path / "home", open_browser=False))
    yield made
    made.close()


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, **_: told.append(text))
    return told


def handlers(services: Services, name: str) -> list[Any]:
    page = build_app(services, "en")
    found = {event.fn for event in page.fns.values() if event.fn is not None and event.name == name}
    return [one for one in found if inspect.unwrap(one).__module__ == "tabs.models"]


def visitor(name: str) -> gr.Request:
    return gr.Request(username=name, session_hash="page")


def pressed(do: str, what: str) -> Any:
    return SimpleNamespace(_data={"do": do, "what": what})


def test_only_the_owner_may() -> None:
    owner_only(OWNER)
    with pytest.raises(Refused):
        owner_only("mina")


def test_another_account_adds_and_removes_nothing_of_the_machine(services: Services, toasts: list[str]) -> None:
    kept = services.endpoints.add("mine", "http://127.0.0.1:1/v1")
    folder = services.settings.models / "a--b" / ("0" * 40)
    folder.mkdir(parents=True)
    (add,), (connect,) = handlers(services, "add"), handlers(services, "connect")
    add("/somewhere", visitor("mina"))
    connect("n", "http://127.0.0.1:2/v1", "", visitor("mina"))
    removing = ModelRef(kind="hub", name="a/b", revision="0" * 40).model_dump_json()
    for press in handlers(services, "press"):
        for what in (kept.id, removing):
            press(pressed("remove", what), visitor("mina"))
    assert len(toasts) == 6 and all("'owner'" in told for told in toasts), toasts
    assert services.endpoints.list() == [kept] and folder.is_dir()
    assert all(model.ref.kind != "local" for model in installed(services.settings))
