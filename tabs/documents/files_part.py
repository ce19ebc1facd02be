"""The files part: where documents are handed over, how far each is, and how they are made ready for searching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.documents.files_doing import Doing
from tabs.documents.files_preparing import wire_settings
from tabs.documents.files_settings import SettingsView, settings_layout
from tabs.documents.files_state import Listed
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET
from tabs.text import Words

SHOW_DETAIL: Final = (
    "() => { const at = document.getElementById('dc-detail');"
    " if (at && at.offsetParent) at.scrollIntoView({block: 'nearest', behavior: 'smooth'}); }"
)


@dataclass(frozen=True)
class FilesPart:
    """The components. `detail` is shown for an opened file."""

    listed: gr.State
    kept: gr.HTML
    files: gr.File
    into: gr.Textbox
    brought: gr.HTML
    standing: gr.HTML
    filter: gr.Row
    text: gr.Textbox
    state: gr.Dropdown
    folder: gr.Dropdown
    tag: gr.Dropdown
    language: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    listing: gr.HTML
    detail: gr.Column
    facts: gr.HTML
    tags: gr.Textbox
    save: gr.Button
    settings: SettingsView


def layout(words: Words) -> FilesPart:
    t = words.t
    listed = gr.State(Listed())
    widgets.heading(t("docs.files_title"), t("docs.files_note"))
    kept = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dc-kept")
    with gr.Row(equal_height=False, elem_id="dc-bring"):
        files = gr.File(
            label=t("docs.files"), file_count="multiple", height=176, scale=3, min_width=260, elem_id="dc-drop"
        )
        with gr.Column(scale=2, min_width=240):
            into = gr.Textbox(
                label=t("docs.into"), info=t("docs.into_info"), max_length=200, max_lines=1, elem_id="dc-into"
            )
            gr.HTML(f'<p class="note">{t("docs.kinds_note")}</p>', apply_default_css=False, js_on_load=None)
    brought = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dc-brought")
    standing = widgets.clickable(elem_id="dc-standing")
    with gr.Row(visible=False, elem_id="dc-filter") as filters:
        text = gr.Textbox(
            label=t("docs.text"), placeholder=t("docs.text_info"), max_length=200, max_lines=1, elem_id="dc-text",
            scale=2, min_width=190,
        )  # fmt: skip
        state, folder, tag, language = (_choice(words, name) for name in ("state", "folder", "tag", "language"))
        since, until = (day_field(words, name, f"dc-{name}") for name in ("since", "until"))
    with gr.Column(visible=False, elem_classes="card", elem_id="dc-detail") as detail:
        facts = widgets.clickable(elem_id="dc-facts")
        with gr.Row(elem_classes="dc-tagging"):
            tags = gr.Textbox(
                label=t("docs.tags"), info=t("docs.tags_info"), max_length=600, max_lines=1, elem_id="dc-tags", scale=5
            )
            save = gr.Button(t("common.save"), size="sm", elem_id="dc-save-tags", scale=0, min_width=100)
    listing = widgets.clickable(elem_id="dc-list")
    settings = settings_layout(words)
    return FilesPart(
        listed, kept, files, into, brought, standing, filters, text, state, folder, tag, language, since, until,
        listing, detail, facts, tags, save, settings,
    )  # fmt: skip


def _choice(words: Words, name: str) -> gr.Dropdown:
    """A filter that is filled when the part is drawn; "" is all."""
    t = words.t
    return gr.Dropdown(
        [(t(f"docs.{name}_all"), "")],
        value="",
        label=t(f"docs.{name}"),
        elem_id=f"dc-{name}",
        min_width=130,
    )


def day_field(words: Words, name: str, elem_id: str, **settings: Any) -> gr.Textbox:
    """One end of a span of days, typed: Gradio's own calendar speaks English only."""
    return gr.Textbox(
        label=words.t(f"docs.{name}"), placeholder="2024-01-31", max_length=12, max_lines=1, elem_id=elem_id,
        **({"min_width": 110} | settings),
    )  # fmt: skip


def wire(services: Services, words: Words, inside: Inside, view: FilesPart) -> None:
    doing, show, current = Doing(services, words, view, inside.parts), shown(words), inside.project_id
    looking = [current, view.listed]
    polled = [view.listed, view.standing, view.listing]
    narrowed = [view.text, view.state, view.folder, view.tag, view.language, view.since, view.until]
    drawn = [*polled, view.kept, view.brought, view.filter, *narrowed, view.detail, view.tags, view.facts]
    inside.on_project(show(doing.restore), [view.listed], drawn)
    inside.seen.change(show(doing.follow), looking, polled, **QUIET)
    gr.on(
        [
            view.text.submit, view.text.blur, view.state.input, view.folder.input, view.tag.input, view.language.input,
            view.since.submit,
            view.since.blur, view.until.submit, view.until.blur,
        ],
        show(doing.seek),
        [*looking, *narrowed],
        polled,
        **QUIET,
    )  # fmt: skip
    handing = QUIET | {"show_progress": "minimal"}
    view.files.upload(show(doing.hand_over), [*looking, view.files, view.into], [*drawn, view.files], **handing)
    for pressed in (view.standing, view.listing, view.facts):
        done = pressed.click(show(doing.press), looking, [*drawn, inside.parts], **QUIET)
        if pressed is view.listing:
            done.success(None, js=SHOW_DETAIL, api_visibility="private")
    gr.on([view.save.click, view.tags.submit], show(doing.tag), [*looking, view.tags], drawn, **QUIET)
    saved = wire_settings(services, words, inside, view.settings)
    saved.success(show(doing.restore), looking, drawn, **QUIET)
