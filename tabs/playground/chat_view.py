"""The conversation's widgets, and what they show for a chat as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.errors import NotFound
from backend.projects.chats import ChatStore
from backend.projects.turns import Turn
from backend.services import Services
from backend.settings import ASSETS
from tabs.playground.conversation import chats_view, conversation, writing
from tabs.playground.inside import inside
from tabs.playground.sources import sources_view
from tabs.playground.strands import Stops
from tabs.session import owner
from tabs.text import Words

Updates = dict[Any, Any]


@dataclass(frozen=True)
class ChatView:
    """The widgets of the conversation. `conversation` holds finished turns, `writing` the answer that streams."""

    chat_id: gr.State
    new: gr.Button
    chats: gr.HTML
    conversation: gr.HTML
    writing: gr.HTML
    message: gr.Textbox
    send: gr.Button
    stop: gr.Button
    inside: gr.HTML
    inside_box: gr.Accordion
    sources: gr.HTML
    sources_box: gr.Accordion

    @property
    def outputs(self) -> list[Any]:
        return [getattr(self, name) for name in self.__dataclass_fields__ if name != "new"]


def page_code(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def layout(words: Words) -> ChatView:
    t, clicks = words.t, page_code("playground.js")
    chat_id = gr.State(None)
    with gr.Row(elem_classes="pg-bar-row"):
        with gr.Accordion(t("playground.chats"), open=False, elem_id="pg-chats"):
            chats = gr.HTML(js_on_load=clicks, apply_default_css=False)
        new = gr.Button(t("playground.new_chat"), size="sm", scale=0, min_width=120, elem_id="pg-new")
    with gr.Column(elem_id="pg-talk", elem_classes="pg-talk"):
        # Filled once the project is known, so that no welcome flashes up before a chat that is there.
        finished = gr.HTML(js_on_load=clicks, elem_id="pg-conversation", apply_default_css=False)
        growing = gr.HTML(js_on_load=page_code("playground_keys.js"), elem_id="pg-writing", apply_default_css=False)
    with gr.Row(elem_classes="pg-compose", equal_height=False):
        message = gr.Textbox(
            show_label=False,
            label=t("playground.message"),
            placeholder=t("playground.message_placeholder"),
            lines=1,
            max_lines=8,
            container=False,
            scale=6,
            autofocus=True,
            elem_id="pg-message",
        )
        send = gr.Button(t("playground.send"), variant="primary", scale=1, min_width=96, elem_id="pg-send")
        stop = gr.Button(
            t("playground.stop_now"),
            variant="stop",
            scale=1,
            min_width=96,
            visible=False,
            elem_id="pg-stop",
            elem_classes="pg-stop",
        )
    with gr.Accordion(t("playground.inside"), open=False, elem_id="pg-inside") as inside_box:
        shown_inside = gr.HTML(inside([], t), js_on_load=clicks, apply_default_css=False)
    with gr.Accordion(t("grounding.sources"), open=False, visible=False, elem_id="pg-sources") as sources_box:
        sources = gr.HTML("", js_on_load=clicks, apply_default_css=False)
    return ChatView(
        chat_id, new, chats, finished, growing, message, send, stop, shown_inside, inside_box, sources, sources_box
    )


def starters(words: Words) -> list[str]:
    """Three things to try, in the reader's language."""
    return [words.raw(f"playground.starter_{number}") for number in (1, 2, 3)]


class Screen:
    """What asking and tending share: the services, the page's widgets, and who streams where."""

    def __init__(self, services: Services, words: Words, view: ChatView) -> None:
        self.services, self.words, self.view = services, words, view
        self.stops = Stops()

    def begun(self, chats: ChatStore, chat: int, prefill: str, hide_last: bool, sent: bool) -> Updates:
        view, turns = self.view, chats.turns(chat)
        return {
            view.chat_id: chat,
            view.conversation: conversation(turns[:-1] if hide_last else turns, self.words.t, busy=True),
            view.writing: writing(prefill, self.words.t),
            view.send: gr.update(visible=False),
            view.stop: gr.update(visible=True),
            **({view.message: ""} if sent else {}),
        }

    def ended(self, chats: ChatStore, chat: int | None, removed: bool = False) -> Updates:
        """The page at rest: the chat as it is stored."""
        view, t = self.view, self.words.t
        turns = chats.turns(chat) if chat is not None else []
        last = turns[-1] if turns and turns[-1].role == "assistant" else None
        return {
            view.chat_id: chat,
            view.conversation: conversation(turns, t, starters(self.words)),
            view.writing: "",
            view.send: gr.update(visible=True),
            view.stop: gr.update(visible=False),
            view.chats: chats_view(chats.list(), chat, t, removed),
            view.inside: inside_of(last, t),
            **self.rests_on(last),
        }

    def rests_on(self, turn: Turn | None, opened: str = "", open_box: bool = False) -> Updates:
        """The passages of an answer; the box is not there for one that used no documents."""
        trace = turn.shown.trace_json if turn is not None else {}
        if turn is None or not trace.get("retrieval"):
            return {self.view.sources: "", self.view.sources_box: gr.update(visible=False)}
        told = sources_view(turn.text, trace, self.words, opened)
        box = gr.update(visible=True, open=True) if open_box else gr.update(visible=True)
        return {self.view.sources: f'<div data-turn="{turn.id}">{told}</div>', self.view.sources_box: box}

    def project(self, project_id: str, request: gr.Request) -> Any:
        """The project on the page. A message sent before the page knew it goes to the one that is about to open."""
        who = owner(request)
        opened = project_id or self.services.first_project(who, self.words.t("header.first_project"))
        return self.services.projects.open(who, opened)

    def chats(self, project_id: str, request: gr.Request) -> ChatStore:
        store: ChatStore = self.project(project_id, request).chats
        return store

    @staticmethod
    def existing(chats: ChatStore, chat_id: int | None) -> int | None:
        """The chat's id if it is this project's and still there."""
        try:
            return chats.get(chat_id).id if chat_id is not None else None
        except NotFound:
            return None


def inside_of(turn: Turn | None, t: Any, picked: int = 0) -> str:
    """The inside of an answer; without one, what to do to see something."""
    if turn is None:
        return inside([], t)
    return f'<div data-turn="{turn.id}">{inside(turn.shown.trace_json.get("choices") or [], t, picked)}</div>'
