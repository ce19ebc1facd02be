"""Words on screen: `Words("ko").t("header.brand")` for labels, `.say(...)` for toasts.

The words live in assets/locale/<language>/<part>.json under flat dotted keys; the parts are merged, and a key that
stands in two of them is refused. Details that fill a sentence are written for people: bytes as "1.2 GB", seconds as
"3분 20초".
"""

from __future__ import annotations

import json
import math
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from backend.settings import ASSETS

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")
METHODS = ("method", "wanted")
"""Details that hold a way of training by its id."""


def read_words(language: str, folder: Path = ASSETS / "locale") -> dict[str, str]:
    """All words of one language. Raises ValueError when a key stands in two part files."""
    merged: dict[str, str] = {}
    for part in sorted((folder / language).glob("*.json")):
        words: dict[str, str] = json.loads(part.read_text(encoding="utf-8"))
        twice = merged.keys() & words.keys()
        if twice:
            raise ValueError(f"{part} repeats keys of another part: {', '.join(sorted(twice))}")
        merged |= words
    return merged


class Sentence(string.Formatter):
    """Fills a sentence. A detail that is missing leaves its name instead of failing while a fault is being told.

    {count:page|pages} is "1 page" or "12 pages": the word after the bar is for more than one, or none.
    """

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), f"{{{key}}}")

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" in format_spec:
            one, many = format_spec.split("|", 1)
            return f"{self.format_field(value, '')} {one if value == 1 else many}"
        if format_spec and not isinstance(value, (int, float)):
            return str(value)
        if not format_spec and isinstance(value, int) and not isinstance(value, bool):
            return f"{value:,}"
        return str(super().format_field(value, format_spec))


class Words:
    """The words of one language, and the ways numbers are written in it."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._words = read_words(language)
        self._sentence = Sentence()

    def t(self, key: str, /, **details: object) -> str:
        """The text under `key`, filled. Raises KeyError for a key that nobody wrote."""
        told = {name: self._written(name, value) for name, value in details.items()}
        return self._sentence.vformat(self._words[key], (), told)

    def raw(self, key: str) -> str:
        """The text as it stands, for words whose braces are not ours to fill."""
        return self._words[key]

    def has(self, key: str) -> bool:
        return key in self._words

    def say(self, key: str, kind: Literal["info", "success", "warning"] = "info", **details: object) -> None:
        """Show a toast. Gradio draws it as HTML, pictures of other hosts included, so a detail is escaped here."""
        details = {
            name: escape(value, quote=False) if isinstance(value, str) else value for name, value in details.items()
        }
        show = {"info": gr.Info, "success": gr.Success, "warning": gr.Warning}[kind]
        show(self.t(key, **details), title=self.t(f"common.toast_{kind}"), duration=6 if kind != "warning" else 10)

    def _written(self, name: str, value: object) -> object:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            if name.endswith("bytes"):
                return self.size(value)
            if name.endswith("seconds"):
                return self.duration(value)
        if name in METHODS and isinstance(value, str):
            return self._words.get(f"methods.name.{value}", value)
        return value

    def size(self, count: float) -> str:
        """Bytes as people read them: 940 MB, 1.2 GB (decimal, as disks and hubs count)."""
        for unit, step in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
            if count >= step * 0.9995:
                amount = count / step
                return f"{amount:.1f} {unit}" if amount < 10 and unit != "kB" else f"{amount:,.0f} {unit}"
        return f"{count:.0f} B"

    def duration(self, seconds: float) -> str:
        """A length of time to two units: 45초, 3분 20초, 2시간 5분."""
        whole = max(0, round(seconds))
        hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
        if hours:
            return self.t("common.hours", hours=hours, minutes=minutes)
        if minutes:
            return self.t("common.minutes", minutes=minutes, rest=rest)
        return self.t("common.secs", rest=rest)

    def when(self, moment: datetime | float | None) -> str:
        """A date and time in this machine's own time zone."""
        if moment is None:
            return "–"
        if isinstance(moment, datetime):
            known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        else:
            known = datetime.fromtimestamp(moment, UTC)
        return known.astimezone().strftime("%Y-%m-%d %H:%M")
