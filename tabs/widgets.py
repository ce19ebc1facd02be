"""What two or more tabs draw: small HTML made of escaped pieces, lists with buttons in them, and the state of a run.

A list of twenty rows with three buttons each is one component, not sixty: the buttons are marked with `action(...)`
and a click arrives at one handler as `chosen(event)`.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from backend.errors import BadInput
from backend.jobs.run import Run
from tabs.text import Words

# `element` outlives every redrawing of what is in it, so one listener serves all rows there will ever be.
CLICKS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button || button.disabled) return;
  if (button.dataset.do === 'go') {
    document.getElementById('tab-' + button.dataset.what + '-button')?.click();
    return;
  }
  if (button.dataset.sure && !window.confirm(button.dataset.sure)) return;
  trigger('click', {do: button.dataset.do, what: button.dataset.what || ''});
});
"""


@dataclass(frozen=True)
class Chosen:
    """Which button of a list was pressed: what to do, and to which row. Typed by the page, so not to be trusted."""

    do: str
    what: str


def heading(title: str, note: str = "") -> gr.HTML:
    """A section's title and one sentence on what it is for."""
    under = f'<p class="note">{escape(note)}</p>' if note else ""
    return gr.HTML(f"<h2>{escape(title)}</h2>{under}", apply_default_css=False, js_on_load=None)


def clickable(value: str = "", **settings: Any) -> gr.HTML:
    """An HTML component whose marked buttons arrive at its `.click` handlers."""
    return gr.HTML(value, js_on_load=CLICKS, apply_default_css=False, **settings)


def chosen(event: gr.EventData) -> Chosen:
    """Raises BadInput("error.page_action") for what our own page does not send."""
    told = event._data if isinstance(event._data, dict) else {}
    do, what = told.get("do"), told.get("what", "")
    if not isinstance(do, str) or not isinstance(what, str) or len(do) > 40 or len(what) > 400:
        raise BadInput("error.page_action")
    return Chosen(do, what)


def action(label: str, do: str, what: str = "", *, sure: str = "", kind: str = "", title: str = "") -> str:
    """A button inside a list. `sure` asks first; `kind` is "primary", "stop" or "quiet"."""
    told = {"data-do": do, "data-what": what, "data-sure": sure, "title": title}
    marks = "".join(f' {name}="{escape(text)}"' for name, text in told.items() if text)
    return f'<button type="button" class="act {escape(kind)}"{marks}>{escape(label)}</button>'


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, css: str = "") -> str:
    """A plain table; heads are escaped here, cells are HTML already. Narrow pages show each cell under its head."""
    named = [escape(head) for head in heads]
    top = "".join(f'<th scope="col">{head}</th>' for head in named)
    body = "".join(f"<tr>{''.join(map(table_cell, row, cycle(named or [''])))}</tr>" for row in rows)
    head = f"<thead><tr>{top}</tr></thead>" if top else ""
    return f'<div class="scroll"><table class="plain {escape(css)}">{head}<tbody>{body}</tbody></table></div>'


def table_cell(cell: str, head: str) -> str:
    return f'<td data-head="{head}">{cell}</td>' if head else f"<td>{cell}</td>"


def empty(text: str, hint: str = "") -> str:
    """What stands where nothing is yet: what this is, and what to do next."""
    return f'<p class="empty">{escape(text)}{f"<br><span>{escape(hint)}</span>" if hint else ""}</p>'


def bar(fraction: float | None) -> str:
    """A progress bar; None is "under way, nobody knows how far"."""
    if fraction is None:
        return '<span class="bar unknown" role="progressbar"><i></i></span>'
    share = round(100 * max(0.0, min(1.0, fraction)))
    return f'<span class="bar" role="progressbar" aria-valuenow="{share}"><i style="width:{share}%"></i></span>'


def run_kind(words: Words, run: Run) -> str:
    return words.t(f"run.kind.{run.kind}") if words.has(f"run.kind.{run.kind}") else run.kind


def method_name(words: Words, method: str) -> str:
    """Of a way to train; one of a newer studio keeps its own name."""
    key = f"methods.name.{method}"
    return words.t(key) if words.has(key) else method or "?"


def run_name(words: Words, run: Run) -> str:
    return f"{run_kind(words, run)} · {run.title}" if run.title else run_kind(words, run)


def run_progress(words: Words, run: Run) -> str:
    """How far a run is, in one short line: "62 % · 3분 20초 남음", or its state."""
    parts = [words.t(f"run.state.{run.state}")]
    if run.state == "running":
        parts = [] if run.fraction is not None else parts
        if run.fraction is not None:
            parts.append(f"{run.fraction * 100:.0f} %")
        if run.seconds_left is not None:
            parts.append(words.t("common.left", time=words.duration(run.seconds_left)))
    return " · ".join(parts)


def run_detail(words: Words, run: Run) -> str:
    """Amounts and speed, or what went wrong: "310 MB / 1.2 GB · 4.1 MB/초"."""
    if run.error_key and not run.active:
        return told(words, run.error_key, run.error_details)
    parts = []
    if run.done or run.total:
        parts.append(amount(words, run))
    if run.rate and run.state == "running":
        per = words.size(run.rate) if run.unit == "bytes" else f"{run.rate:,.1f}"
        parts.append(words.t("common.per_second", amount=per))
    if run.message_key and run.active:
        parts.append(told(words, run.message_key, run.message_details))
    return " · ".join(parts)


def amount(words: Words, run: Run) -> str:
    def write(count: int) -> str:
        return words.size(count) if run.unit == "bytes" else f"{count:,}"

    return f"{write(run.done)} / {write(run.total)}" if run.total else write(run.done)


def told(words: Words, key: str, details: Mapping[str, Any]) -> str:
    return words.t(key, **details) if words.has(key) else key


def run_row(words: Words, run: Run, place: str, *, removable: bool = False) -> str:
    """One run with its buttons. `place` says whose list it is in ("house" or "project") and comes back with a click."""
    what = f"{place}/{run.id}"
    buttons = []
    if run.active:
        buttons.append(action(words.t("common.stop"), "stop", what, kind="stop"))
    if run.resumable:
        buttons.append(action(words.t("common.resume"), "resume", what))
    if removable and not run.active:
        buttons.append(action(words.t("common.remove"), "remove", what, kind="quiet"))
    meter = bar(run.fraction) if run.active else ""
    return (
        f'<li class="run {run.state}"><div><b>{escape(run_name(words, run))}</b>'
        f"<span>{escape(run_progress(words, run))}</span>{meter}"
        f"<small>{escape(run_detail(words, run))}</small></div><div>{''.join(buttons)}</div></li>"
    )


# --- files for the person ---------------------------------------------------------------------------------------------


def hidden_download(elem_id: str) -> gr.DownloadButton:
    """A download that starts by itself: set it to `handed_over(...)`, then run `click_download` as js."""
    return gr.DownloadButton("", visible="hidden", elem_id=elem_id)


def click_download(elem_id: str) -> str:
    """JavaScript that fetches what the hidden download now holds, once."""
    return (
        f"(file) => {{ if (file) setTimeout(() => {{ const at = document.getElementById('{elem_id}');"
        " (at.closest('a') || at.querySelector('a') || at).click(); }, 250); return file; }"
    )


def handed_over(file: Path) -> str:
    """Move a file to where Gradio may serve it from, under a name of its own that nobody can guess."""
    place = Path(get_upload_folder()) / secrets.token_hex(16)
    place.mkdir(parents=True)
    return str(shutil.move(file, place / file.name))


def handed_text(name: str, text: str) -> str:
    """A text as a file to download. `name` may hold what a file name must not."""
    place = Path(get_upload_folder()) / secrets.token_hex(16)
    place.mkdir(parents=True)
    file = place / (re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", name).lstrip(".")[-100:] or "file")
    file.write_text(text, encoding="utf-8")
    return str(file)
