"""What stands above every tab: whose studio, which project, what is running, which machine, which language."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from backend.jobs.run import Run
from backend.models.memory import machine
from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.session import QUIET, Session, owner, project_list
from tabs.text import Words

POLL_S = 2.0
RECENT_S = 24 * 3600.0
TOGGLE = """() => {
  const panel = document.getElementById('tray-panel');
  if (!panel.classList.toggle('open')) return;
  const away = (event) => {
    if (panel.contains(event.target)) return;
    document.removeEventListener('click', away);
    if (!event.target.closest('#tray')) panel.classList.remove('open');
  };
  setTimeout(() => document.addEventListener('click', away));
}"""


def build_header(services: Services, words: Words, page: gr.Blocks) -> Session:
    """Lay out the header and keep it alive; returns what the tabs are handed."""
    t = words.t
    with gr.Row(elem_id="top", equal_height=True):
        gr.HTML(brand(words), elem_id="brand", apply_default_css=False, js_on_load=None)
        project = gr.Dropdown(
            [], label=t("header.project"), container=False, elem_id="project", interactive=True, min_width=180
        )
        tray = gr.Button(t("header.nothing_runs"), size="sm", elem_id="tray")
        chip = gr.HTML(elem_id="machine", apply_default_css=False, js_on_load=None)
        leave = gr.HTML(links(words), elem_id="links", apply_default_css=False, js_on_load=None)
    panel = widgets.clickable(elem_id="tray-panel")
    project_id = gr.State("")
    seen, machine = gr.State(""), gr.State("")
    timer = gr.Timer(POLL_S)
    session = Session(project_id=project_id, project=project, tray=timer, seen=seen, opened=project_id)

    @shown(words)
    def load(request: gr.Request) -> tuple[Any, str, str]:
        who = owner(request)
        open_id = services.first_project(who, words.t("header.first_project"))
        return project_list(services, who, open_id), open_id, links(words, who if services.accounts.names() else "")

    @shown(words)
    def switch(chosen_id: str, request: gr.Request) -> str:
        who = owner(request)
        services.projects.open(who, chosen_id)
        services.projects.remember(who, chosen_id)
        return chosen_id

    @shown(words)
    def poll(open_id: str, before: str, before_chip: str, request: gr.Request) -> Any:
        runs = services.runs_seen(owner(request), open_id, RECENT_S)
        label, listed, told = tray_label(words, runs), tray_list(words, runs), machine_chip(words)
        now = f"{label}\n{listed}"
        # The machine's memory always moves a little: that draws its chip, and is no reason for any tab to look again.
        work = (gr.skip(), gr.skip(), gr.skip()) if now == before else (tray_button(label, runs), listed, now)
        chips = (gr.skip(), gr.skip()) if told == before_chip else (told, told)
        return gr.skip() if before == now and told == before_chip else (*work, *chips)

    @shown(words)
    def act(event: gr.EventData, open_id: str, request: gr.Request) -> Any:
        pressed = widgets.chosen(event)
        services.act_on_run(owner(request), open_id, pressed.do, pressed.what)
        return poll(open_id, "", "", request)

    shown_there = [tray, panel, seen, chip, machine]
    page.load(load, None, [project, project_id, leave], **QUIET)
    project.input(switch, project, project_id, **QUIET)
    tray.click(None, js=TOGGLE, api_visibility="private")
    panel.click(act, project_id, shown_there, **QUIET)
    gr.on([timer.tick, project_id.change], poll, [project_id, seen, machine], shown_there, **QUIET)
    return session


def brand(words: Words) -> str:
    return (
        f'<a href="./" class="brand"><img src="../assets/logo.svg" alt="" width="30" height="30">'
        f"<b>{escape(words.t('header.brand'))}</b> <em>Matchum</em></a><span>{escape(words.t('header.tagline'))}</span>"
    )


def links(words: Words, account: str = "") -> str:
    """The other language, and the way out for who came in by an account."""
    other = "en" if words.language == "ko" else "ko"
    switch = f'<a class="chip" lang="{other}" href="../lang/{other}">{escape(words.t("header.language"))}</a>'
    if not account:
        return switch
    leave = escape(words.t("header.sign_out", account=account))
    return f'{switch}<form method="post" action="../signout"><button class="chip">{leave}</button></form>'


def tray_label(words: Words, runs: Sequence[tuple[str, Run]]) -> str:
    active = [run for _, run in runs if run.active]
    if not active:
        return words.t("header.nothing_runs")
    first = f"{widgets.run_name(words, active[0])} · {widgets.run_progress(words, active[0])}"
    return first if len(active) == 1 else words.t("header.runs_and_more", first=first, more=len(active) - 1)


def tray_button(label: str, runs: Sequence[tuple[str, Run]]) -> Any:
    busy = any(run.active for _, run in runs)
    return gr.Button(label, elem_classes=["busy"] if busy else [])


def tray_list(words: Words, runs: Sequence[tuple[str, Run]]) -> str:
    listed = [(place, run) for place, run in runs if run.active or run.resumable]
    if not listed:
        return widgets.empty(words.t("header.tray_empty"), words.t("header.tray_hint"))
    return "<ul class='runs'>" + "".join(widgets.run_row(words, run, place) for place, run in listed) + "</ul>"


def machine_chip(words: Words) -> str:
    """Cores and memory, or the accelerator and its memory."""
    here = machine()
    parts = [words.t("header.cores", count=here.cores), memory(words, here.memory_used_bytes, here.memory_bytes)]
    if here.gpus:
        gpu = here.gpus[0]
        count = f" × {len(here.gpus)}" if len(here.gpus) > 1 else ""
        parts = [gpu.name + count, memory(words, gpu.memory_used_bytes, gpu.memory_bytes)]
    return f'<span class="chip" title="{escape(words.t("header.machine"))}">{escape(" · ".join(parts))}</span>'


def memory(words: Words, used: float, total: float) -> str:
    """In steps of 0.1 GB, so that the chip stands still while nothing happens."""
    return words.t("header.memory", used=f"{used / 1e9:.1f}", total=f"{total / 1e9:.0f}")
