"""The playground: the assistant in hand on the left; on the right its answers: a chat, side by side, over a table."""

from __future__ import annotations

import gradio as gr

from backend.services import Services
from backend.settings import ASSETS
from tabs.playground import (
    batch,
    batch_view,
    chat,
    chat_view,
    compare,
    editing,
    library,
    opening,
    preview,
    prompts,
    setup,
    shelf,
)
from tabs.session import Session
from tabs.text import Words


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    gr.HTML(f"<style>{(ASSETS / 'playground.css').read_text(encoding='utf-8')}</style>", elem_classes="pg-style")
    with gr.Row(elem_id="playground", equal_height=False):
        with gr.Column(scale=4, min_width=330, elem_id="pg-left"):
            form = setup.layout(words)
            seen = preview.layout(words)
            tasks = library.layout(words)
            kept = prompts.layout(words)
            saved = shelf.layout(words)
        with gr.Column(scale=7, min_width=330, elem_id="pg-right"):  # noqa: SIM117  two levels of the page
            with gr.Tabs(elem_id="pg-ways"):
                with gr.Tab(words.t("playground.tab_chat"), id="chat", elem_id="pg-way-chat"):
                    talk = chat_view.layout(words)
                with gr.Tab(words.t("playground.tab_sides"), id="sides", elem_id="pg-way-sides"):
                    sides = compare.layout(words)
                with gr.Tab(words.t("playground.tab_batch"), id="batch", elem_id="pg-way-batch"):
                    rows = batch_view.layout(words)
    edit = editing.Editing(services, words, session, form)
    preview.wire(services, words, session, form, edit, seen, talk.message, talk.chat_id)
    editing.wire(session, form, edit)
    shelves = shelf.wire(services, words, session, form, edit, saved)
    library.wire(words, form, edit, tasks, talk.message)
    prompting = prompts.wire(services, words, session, form, edit, kept)
    tending = chat.wire(services, words, session, form, talk)
    comparing = compare.wire(services, words, session, form, edit, shelves, sides)
    batching = batch.wire(services, words, session, form, rows)
    opening.wire(
        words,
        session,
        [edit.restore, shelves.restore, tending.restore, prompting.restore, comparing.restore, batching.restore],
        [*shelves.outputs, form.checkup, *talk.outputs, kept.saved, sides.chosen, *rows.result],
        shelves.models,
        form.form,
        services.host.warm,
    )
