"""Marked buttons inside the lists of task data, and what a click on one brings: fields of its form, ticked rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import gradio as gr

from backend.errors import BadInput
from backend.settings import ASSETS

MOST_FIELDS: Final = 200
MOST_TICKED: Final = 200
LONGEST_FIELD: Final = 2_000_000


@dataclass(frozen=True)
class Pressed:
    """Which button was pressed: what to do, to what, with which fields, on which rows. Not to be trusted."""

    do: str
    what: str
    fields: Mapping[str, str] = field(default_factory=dict)
    ticked: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        """`what` as the id of a row. Raises BadInput("error.page_action")."""
        return whole(self.what)


def whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise BadInput("error.page_action")
    return int(text)


def pressed(event: gr.EventData) -> Pressed:
    """Raises BadInput("error.page_action") for what our own page does not send."""
    told = event._data if isinstance(event._data, dict) else {}
    do, what = told.get("do"), told.get("what", "")
    if not isinstance(do, str) or not isinstance(what, str) or len(do) > 40 or len(what) > 400:
        raise BadInput("error.page_action")
    ticked = told.get("ticked") or []
    if not isinstance(ticked, list) or len(ticked) > MOST_TICKED:
        raise BadInput("error.page_action")
    return Pressed(do, what, _fields(told.get("fields") or {}), tuple(whole(str(one)) for one in ticked))


def _fields(told: Any) -> dict[str, str]:
    if not isinstance(told, dict) or len(told) > MOST_FIELDS:
        raise BadInput("error.page_action")
    if any(not isinstance(text, str) or len(text) > LONGEST_FIELD for text in told.values()):
        raise BadInput("error.page_action")
    return {str(name): text for name, text in told.items()}


def marked(value: str = "", **settings: Any) -> gr.HTML:
    """An HTML component whose marked buttons, and typing in the search box, arrive as its events."""
    code = (ASSETS / "fewshot.js").read_text(encoding="utf-8")
    return gr.HTML(value, js_on_load=code, apply_default_css=False, **settings)


def button(label: str, do: str, what: str = "", *, kind: str = "", sure: str = "", enter: bool = False) -> str:
    """A button of a list. `enter` makes it the one that the Enter key presses in its form."""
    told = {"data-do": do, "data-what": what, "data-sure": sure}
    marks = "".join(f' {name}="{escape(text)}"' for name, text in told.items() if text)
    return (
        f'<button type="button" class="act {escape(kind)}"{marks}{" data-enter" if enter else ""}>'
        f"{escape(label)}</button>"
    )


def short(text: str, longest: int = 400) -> str:
    """A text for the page, escaped, cut where it is too long to be read in a list."""
    return escape(text if len(text) <= longest else text[:longest].rstrip() + "…")
