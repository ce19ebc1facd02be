"""The models tab: what is on this machine, what can be had, and which servers are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from backend.accounts import owner_only
from backend.assistants import ModelRef
from backend.errors import BadInput
from backend.models.catalog import CATALOG, fits
from backend.models.download import start_download
from backend.models.installed import add_folder, installed, remove
from backend.models.memory import machine
from backend.services import Services
from tabs import models_views as views
from tabs import widgets
from tabs.errors import shown
from tabs.session import QUIET, Session, owner
from tabs.text import Words

SERVERS = {
    "Ollama": "http://127.0.0.1:11434/v1",
    "LM Studio": "http://127.0.0.1:1234/v1",
    "vLLM": "http://127.0.0.1:8000/v1",
}


@dataclass(frozen=True)
class Layout:
    """The components of the tab, named as the handlers need them."""

    here: gr.HTML
    downloads: gr.HTML
    catalog: gr.HTML
    hub_id: gr.Textbox
    fetch: gr.Button
    folder: gr.Textbox
    add: gr.Button
    endpoints: gr.HTML
    tested: gr.HTML
    server: gr.Radio
    name: gr.Textbox
    url: gr.Textbox
    key: gr.Textbox
    connect: gr.Button


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    parts = layout(words)

    @shown(words)
    def refresh() -> Any:
        return everything(services, words)

    drawn = [parts.here, parts.downloads, parts.catalog, parts.endpoints]
    gr.on([session.opened.change, session.seen.change], refresh, None, drawn, **QUIET)
    wire_local(services, words, parts, drawn)
    wire_endpoints(services, words, parts, drawn)


def everything(services: Services, words: Words) -> tuple[str, ...]:
    """(installed, downloads, catalog, endpoints) as they are now."""
    found, runs, now = installed(services.settings), services.house_runs.list(), machine()
    here = {model.ref.name for model in found if model.ref.kind == "hub"}
    coming = {str(run.config.get("model")) for run in runs if run.kind == "download" and run.active}
    return (
        views.installed_view(words, found, services.host.loaded()),
        views.downloads_view(words, runs),
        views.catalog_view(words, ((model, fits(model, now)) for model in CATALOG), here, coming),
        views.endpoints_view(words, services.endpoints.list()),
    )


def layout(words: Words) -> Layout:
    t = words.t
    widgets.heading(t("models.here"), t("models.here_note"))
    here = widgets.clickable(elem_id="installed")
    downloads = widgets.clickable(elem_id="downloads")
    with gr.Row(equal_height=True):
        with gr.Column(elem_classes="card"):
            hub_id = gr.Textbox(
                label=t("models.hub_id"), info=t("models.hub_id_info"), placeholder="Qwen/Qwen3-0.6B", max_lines=1
            )
            fetch = gr.Button(t("models.download"), size="sm")
        with gr.Column(elem_classes="card"):
            folder = gr.Textbox(label=t("models.folder"), info=t("models.folder_info"), max_lines=1)
            add = gr.Button(t("models.add_folder"), size="sm")
    widgets.heading(t("models.endpoints"), t("models.endpoints_note"))
    endpoints = widgets.clickable(elem_id="endpoints")
    tested = gr.HTML(apply_default_css=False, js_on_load=None)
    with gr.Column(elem_classes="card"):
        server = gr.Radio([*SERVERS, t("models.other_server")], label=t("models.server"))
        with gr.Row():
            name = gr.Textbox(label=t("models.endpoint_name"), max_lines=1, max_length=200)
            url = gr.Textbox(label=t("models.endpoint_url"), placeholder="https://…/v1", max_lines=1, max_length=2000)
            key = gr.Textbox(
                label=t("models.endpoint_key"),
                type="password",
                max_lines=1,
                placeholder=t("models.endpoint_key_hint"),
                html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
            )
        connect = gr.Button(t("models.connect"), size="sm", variant="primary")
    widgets.heading(t("models.catalog"), t("models.catalog_note"))
    catalog = widgets.clickable(elem_id="catalog")
    found = locals()
    return Layout(**{name: found[name] for name in Layout.__dataclass_fields__})


def wire_local(services: Services, words: Words, parts: Layout, drawn: list[Any]) -> None:
    def begin(model: str) -> None:
        run = start_download(services.house_runs, services.settings, model)
        words.say("models.download_started", name=run.title)

    @shown(words)
    def fetch(model: str) -> Any:
        begin(model)
        return ("", *everything(services, words))

    @shown(words)
    def add(path: str, request: gr.Request) -> Any:
        owner_only(owner(request))
        ref = add_folder(services.settings, path)
        words.say("models.folder_added", "success", name=ref.label())
        return ("", *everything(services, words))

    @shown(words)
    def press(event: gr.EventData, request: gr.Request) -> Any:
        pressed = widgets.chosen(event)
        if pressed.do == "download":
            begin(pressed.what)
        elif pressed.do == "unload":
            services.host.unload(pressed.what)
        elif pressed.do == "remove":
            owner_only(owner(request))
            ref = model_ref(pressed.what)
            services.host.unload(ref.label())
            remove(services.settings, ref)
            words.say("models.removed", name=ref.label())
        else:
            raise BadInput("error.page_action")
        return everything(services, words)

    @shown(words)
    def act(event: gr.EventData) -> Any:
        pressed = widgets.chosen(event)
        services.act_on_run("", "", pressed.do, pressed.what)
        return everything(services, words)

    for listen in (parts.fetch.click, parts.hub_id.submit):
        listen(fetch, parts.hub_id, [parts.hub_id, *drawn], **QUIET)
    for listen in (parts.add.click, parts.folder.submit):
        listen(add, parts.folder, [parts.folder, *drawn], **QUIET)
    for component in (parts.here, parts.catalog):
        component.click(press, None, drawn, **QUIET)
    parts.downloads.click(act, None, drawn, **QUIET)


def model_ref(text: str) -> ModelRef:
    """The model a button names. Raises BadInput("error.page_action")."""
    try:
        return ModelRef.model_validate_json(text)
    except ValidationError as fault:
        raise BadInput("error.page_action") from fault


def wire_endpoints(services: Services, words: Words, parts: Layout, drawn: list[Any]) -> None:
    @shown(words)
    def suggest(server: str) -> Any:
        return (server, SERVERS[server]) if server in SERVERS else ("", "")

    @shown(words)
    def connect(name: str, url: str, key: str, request: gr.Request) -> Any:
        owner_only(owner(request))
        made = services.endpoints.add(name, url, key or None)
        words.say("models.connected", "success", name=made.name)
        return (None, "", "", "", *everything(services, words))

    @shown(words)
    def press(event: gr.EventData, request: gr.Request) -> Any:
        pressed = widgets.chosen(event)
        if pressed.do == "test":
            name = services.endpoints.get(pressed.what).name
            return (
                views.tested_view(words, name, services.endpoints.models(pressed.what)),
                *everything(services, words),
            )
        if pressed.do != "remove":
            raise BadInput("error.page_action")
        owner_only(owner(request))
        services.endpoints.remove(pressed.what)
        return ("", *everything(services, words))

    parts.server.input(suggest, parts.server, [parts.name, parts.url], **QUIET)
    filled = [parts.name, parts.url, parts.key]
    parts.connect.click(connect, filled, [parts.server, *filled, *drawn], **QUIET)
    parts.endpoints.click(press, None, [parts.tested, *drawn], **{**QUIET, "show_progress": "minimal"})
