"""The playground: the assistant in hand on the left; what it answers on the right, in a chat, side by side or over a table."""

from __future__ import annotations

import gradio as gr

from backend.services import Services
from backend.settings import ASSETS
from tabs.playground import chat as chatting
from tabs.playground import setup as assistant_form
from tabs.session import Session
from tabs.text import Words


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    gr.HTML(f"<style>{(ASSETS / 'playground.css').read_text(encoding='utf-8')}</style>", elem_classes="pg-style")
    with gr.Row(elem_id="playground", equal_height=False):
        with gr.Column(scale=4, min_width=330, elem_id="pg-left"):
            setup = assistant_form.layout(words)
        with gr.Column(scale=7, min_width=330, elem_id="pg-right"), gr.Tabs(elem_id="pg-ways"):
            with gr.Tab(words.t("playground.tab_chat"), id="chat"):
                chat = chatting.layout(words)
    assistant_form.wire(services, words, session, setup)
    chatting.wire(services, words, session, setup, chat)
