"""A file that a request names must be one that was handed in: anything else of this machine is nobody's input."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from gradio.context import LocalContext
from gradio.exceptions import InvalidPathError
from gradio.state_holder import SessionState

from backend.services import Services
from studio.serve import mount_page
from tests.studio.conftest import Ask

TAKES_FILES = {"file", "uploadbutton", "downloadbutton"}


def handed_in(page: Any, path: Path) -> list[str]:
    """What becomes of a request that names `path` where a handler takes a file, for every such place."""
    told = []
    LocalContext.blocks.set(page)
    for event in page.fns.values():
        for place, component in enumerate(event.inputs):
            if component.get_block_name() in TAKES_FILES:
                named: list[Any] = [None] * len(event.inputs)
                named[place] = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
                try:
                    asyncio.run(page.preprocess_data(event, named, SessionState(page), explicit_call=False))
                    told.append("read")
                except InvalidPathError:
                    told.append("refused")
                except Exception as fault:
                    told.append(type(fault).__name__)
    LocalContext.blocks.set(None)
    return told


@pytest.mark.parametrize("name", ["a.csv", "a.zip", "a.json", "a.txt"])
def test_no_event_reads_a_file_that_was_not_handed_in(local: tuple[Services, Ask], tmp_path: Path, name: str) -> None:
    services, _ = local
    app = FastAPI()
    mount_page(app, services, "en")
    page = app.routes[-1].app.get_blocks()  # type: ignore[attr-defined]
    secret = tmp_path / name
    secret.write_text("input\nsecret\n")
    told = handed_in(page, secret)
    assert told and set(told) == {"refused"}
