"""The chat's wiring. The form travels by name with every event that brings an answer."""

from __future__ import annotations

import gradio as gr

from backend.services import Services
from tabs.errors import shown
from tabs.playground.asking import Asking
from tabs.playground.chat_view import ChatView, Screen
from tabs.playground.setup import Setup
from tabs.playground.tending import Tending
from tabs.playground.wiring import QUICK, STREAM
from tabs.session import Session
from tabs.text import Words


def wire(services: Services, words: Words, session: Session, setup: Setup, view: ChatView) -> Tending:
    """Connect the conversation. The form travels by name with every event that brings an answer."""
    screen = Screen(services, words, view)
    asking, tending = Asking(screen), Tending(screen)
    show, outputs = shown(words), view.outputs
    place = [session.project_id, view.chat_id]
    gr.on(
        [view.message.submit, view.send.click],
        show(asking.send),
        [view.message, *place],
        outputs,
        inputs_kwargs=setup.form,
        **STREAM,
    )
    view.conversation.ask(show(asking.ask), place, outputs, inputs_kwargs=setup.form, **STREAM)
    view.stop.click(show(tending.stop), **QUICK)
    view.new.click(show(tending.new), session.project_id, outputs, **QUICK)
    for listing in (view.conversation, view.chats, view.inside, view.sources):
        listing.tend(show(tending.tend), place, outputs, inputs_kwargs=setup.form, **QUICK)
    view.chat_id.change(show(tending.note), place, **QUICK)
    return tending
