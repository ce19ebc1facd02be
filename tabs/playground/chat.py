"""The conversation: sending, streaming, stopping, versions, and the chats of the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.answering import Answer, Question, Trace
from backend.assistants import Assistant
from backend.errors import BadInput, NotFound, StudioError
from backend.projects.chats import ChatStore
from backend.projects.turns import Turn
from backend.services import Services
from backend.settings import ASSETS
from backend.text_limits import clean_text
from tabs.errors import shown
from tabs.playground.conversation import chats_view, conversation, writing
from tabs.playground.form import read
from tabs.playground.inside import inside
from tabs.playground.keeping import Page, stream, written
from tabs.playground.setup import Setup, values_of
from tabs.playground.strands import Stops
from tabs.playground.wiring import QUICK, STREAM
from tabs.session import Session, owner
from tabs.text import Words

CANDIDATES = 5
"""Best candidates kept per token, so that "look inside" shows what was weighed for that very answer."""
NOTE = "playground.chat"
WORK = "chat"

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

    @property
    def outputs(self) -> list[Any]:
        return [getattr(self, name) for name in self.__dataclass_fields__ if name != "new"]


def script(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def layout(words: Words) -> ChatView:
    t, clicks = words.t, script("playground.js")
    chat_id = gr.State(None)
    with gr.Row(elem_classes="pg-bar-row"):
        with gr.Accordion(t("playground.chats"), open=False, elem_id="pg-chats"):
            chats = gr.HTML(js_on_load=clicks, apply_default_css=False)
        new = gr.Button(t("playground.new_chat"), size="sm", scale=0, min_width=120, elem_id="pg-new")
    with gr.Column(elem_id="pg-talk", elem_classes="pg-talk"):
        finished = gr.HTML(
            conversation([], t, starters(words)), js_on_load=clicks, elem_id="pg-conversation", apply_default_css=False
        )
        growing = gr.HTML(js_on_load=script("playground_keys.js"), elem_id="pg-writing", apply_default_css=False)
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
    return ChatView(chat_id, new, chats, finished, growing, message, send, stop, shown_inside, inside_box)


def starters(words: Words) -> list[str]:
    """Three things to try, in the reader's language."""
    return [words.raw(f"playground.starter_{number}") for number in (1, 2, 3)]


class Chatting:
    """The handlers of the conversation. Holds no one's data: what is shown comes from the project each time."""

    def __init__(self, services: Services, words: Words, view: ChatView) -> None:
        self.services, self.words, self.view = services, words, view
        self.stops = Stops()

    # --- asking: these stream

    def send(
        self, message: str, project_id: str, chat_id: int | None, request: gr.Request, **form: Any
    ) -> Iterator[Updates]:
        """A new message. Nothing is stored, and the box keeps its text, until the message is known to be usable."""
        chats = self.chats(project_id, request)
        assistant, values = read(form), values_of(form)
        text = said(message)
        self.services.answers.compose(assistant, Question({**values, "input": text}))
        chat = self.existing(chats, chat_id) or chats.create().id
        turn = chats.add_user(chat, text)
        yield from self.answer(request, chats, chat, turn, assistant, values, sent=True)

    def ask(
        self, project_id: str, chat_id: int | None, request: gr.Request, event: gr.EventData, **form: Any
    ) -> Iterator[Updates]:
        """A button of the conversation that brings an answer: an example, again, further, or edited."""
        told = event._data if isinstance(event._data, dict) else {}
        act = told.get("act")
        if act == "example":
            yield from self.send(str(told.get("text", "")), project_id, chat_id, request, **form)
            return
        chats = self.chats(project_id, request)
        chat = self.existing(chats, chat_id)
        if chat is None:
            raise NotFound("error.chat_missing")
        assistant, values = read(form), values_of(form)
        turns = chats.turns(chat)
        if act == "edited":
            turn = chats.edit_user(turn_of(turns, told).id, said(str(told.get("text", ""))))
            yield from self.answer(request, chats, chat, turn, assistant, values)
        elif act == "continue" and turns and turns[-1].role == "assistant":
            yield from self.further(request, chats, chat, turns, assistant, values)
        elif act == "regenerate" and turns:
            yield from self.again(request, chats, chat, turns, assistant, values)

    def answer(
        self,
        request: gr.Request,
        chats: ChatStore,
        chat: int,
        turn: Turn,
        assistant: Assistant,
        values: Mapping[str, str],
        sent: bool = False,
    ) -> Iterator[Updates]:
        """Answer a person's turn with a new turn."""
        question = Question({**values, "input": turn.text}, chats.history(chat, turn.id), candidates=CANDIDATES)
        yield from self.run(request, chats, chat, question, Page(chats, chat, assistant), assistant, sent=sent)

    def again(
        self,
        request: gr.Request,
        chats: ChatStore,
        chat: int,
        turns: list[Turn],
        assistant: Assistant,
        values: Mapping[str, str],
    ) -> Iterator[Updates]:
        """Another version of the last answer. A fixed seed moves on by one per version, or every version would be equal."""
        last = turns[-1]
        if last.role == "user":
            yield from self.answer(request, chats, chat, last, assistant, values)
            return
        asked = [turn for turn in turns if turn.role == "user"]
        if not asked:
            raise NotFound("error.turn_missing")
        decoding = assistant.decoding
        if decoding.temperature == 0:
            self.words.say("playground.same_again")
        elif decoding.seed is not None:
            moved = decoding.model_copy(update={"seed": (decoding.seed + len(last.versions)) % 2**63})
            assistant = assistant.model_copy(update={"decoding": moved})
        question = Question(
            {**values, "input": asked[-1].text}, chats.history(chat, asked[-1].id), candidates=CANDIDATES
        )
        page = Page(chats, chat, assistant, turn_id=last.id)
        yield from self.run(request, chats, chat, question, page, assistant, hide_last=True)

    def further(
        self,
        request: gr.Request,
        chats: ChatStore,
        chat: int,
        turns: list[Turn],
        assistant: Assistant,
        values: Mapping[str, str],
    ) -> Iterator[Updates]:
        """Go on with the last answer where it ended."""
        version = turns[-1].shown
        asked = [turn for turn in turns if turn.role == "user"]
        if not asked:
            raise NotFound("error.turn_missing")
        question = Question(
            {**values, "input": asked[-1].text}, chats.history(chat, asked[-1].id), version.text, CANDIDATES
        )
        page = Page.continued(chats, chat, assistant, version.id)
        before = version.trace or Trace()
        yield from self.run(request, chats, chat, question, page, assistant, before=before, hide_last=True)

    def run(
        self,
        request: gr.Request,
        chats: ChatStore,
        chat: int,
        question: Question,
        page: Page,
        assistant: Assistant,
        *,
        before: Trace | None = None,
        hide_last: bool = False,
        sent: bool = False,
    ) -> Iterator[Updates]:
        """Stream one answer to this page. When the page turns to another chat, the answer is still written to its end."""
        here = str(request.session_hash)
        stop = self.stops.begin(here, WORK)

        def left() -> bool:
            return not self.stops.holds(here, WORK, stop)

        def answer() -> Iterator[Answer]:
            return written(self.services.answers, assistant, question, stop, page.keep, before)

        try:
            yield self.begun(chats, chat, question.prefill, hide_last, sent)
            shown = None
            for state in stream(answer, stop, left):
                if left():
                    return
                if state is None or state.text == shown:
                    yield gr.skip()
                else:
                    shown = state.text
                    yield {self.view.writing: writing(shown, self.words.t)}
            yield self.ended(chats, chat)
        except StudioError:
            yield self.ended(chats, chat)
            raise
        finally:
            self.stops.end(here, WORK, stop)

    # --- what is shown

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
        }

    # --- tending: these do not stream

    def restore(self, project_id: str, chat_id: int | None, request: gr.Request) -> Updates:
        """The project's chat as it was left. While this page streams, it is left alone."""
        if not project_id or self.stops.busy(str(request.session_hash), WORK):
            return gr.skip()
        project = self.project(project_id, request)
        noted = project.get_note(NOTE)
        chat = self.existing(project.chats, noted if isinstance(noted, int) else None)
        return self.ended(project.chats, chat)

    def note(self, project_id: str, chat_id: int | None, request: gr.Request) -> None:
        """Remember which chat is open, for the next visit."""
        if project_id:
            self.project(project_id, request).set_note(NOTE, chat_id)

    def new(self, project_id: str, request: gr.Request) -> Updates:
        self.stops.leave(str(request.session_hash), WORK)
        return self.ended(self.chats(project_id, request), None)

    def stop(self, request: gr.Request) -> None:
        """End this page's own answer; what was written stays."""
        self.stops.stop(str(request.session_hash), WORK)

    def tend(self, project_id: str, chat_id: int | None, request: gr.Request, event: gr.EventData) -> Updates:
        """A button of the conversation, of the list of chats or of the tokens."""
        told = event._data if isinstance(event._data, dict) else {}
        project_chats = self.chats(project_id, request)
        act = str(told.get("act", ""))
        if act in ("step", "remove", "unremove"):
            return self.change_turns(project_chats, chat_id, act, told)
        if act in ("inside", "token"):
            return self.look_inside(project_chats, chat_id, told)
        return self.change_chats(project_chats, chat_id, act, told, request)

    def change_turns(self, chats: ChatStore, chat_id: int | None, act: str, told: Mapping[str, Any]) -> Updates:
        if chat_id is None:
            raise NotFound("error.chat_missing")
        if act == "step":
            chats.choose(turn_of(chats.turns(chat_id), told).id, whole(told.get("to")))
        elif act == "remove":
            chats.remove_last(chat_id)
            turns = chats.turns(chat_id)
            shown = conversation(turns, self.words.t, starters(self.words), undo=True)
            return self.ended(chats, chat_id) | {self.view.conversation: shown}
        else:
            chats.undo_remove_last(chat_id)
        return self.ended(chats, chat_id)

    def change_chats(
        self, chats: ChatStore, chat_id: int | None, act: str, told: Mapping[str, Any], request: gr.Request
    ) -> Updates:
        """Open, rename, delete, bring back."""
        removed = False
        if act == "undelete":
            back = chats.undo_remove()
            chat_id = back.id if back and chat_id is None else chat_id
        else:
            target = chats.get(whole(told.get("chat"))).id
            if act == "renamed":
                chats.rename(target, str(told.get("text", "")))
                return {self.view.chats: chats_view(chats.list(), chat_id, self.words.t)}
            self.stops.leave(str(request.session_hash), WORK)
            if act == "delete":
                chats.remove(target)
                removed, chat_id = True, (None if target == chat_id else chat_id)
            elif act == "open":
                chat_id = target
        return self.ended(chats, chat_id, removed)

    def look_inside(self, chats: ChatStore, chat_id: int | None, told: Mapping[str, Any]) -> Updates:
        if chat_id is None:
            raise NotFound("error.chat_missing")
        turn = turn_of(chats.turns(chat_id), told)
        picked = whole(told.get("to", 0))
        return {
            self.view.inside: inside_of(turn, self.words.t, picked),
            self.view.inside_box: gr.update(open=True),
        }

    # --- whose things

    def project(self, project_id: str, request: gr.Request) -> Any:
        return self.services.projects.open(owner(request), project_id)

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


def said(message: object) -> str:
    """What a person typed, cleaned. Raises BadInput (empty, too long, binary)."""
    text = clean_text(str(message or ""))
    if not text.strip():
        raise BadInput("error.text_empty")
    return text


def turn_of(turns: list[Turn], told: Mapping[str, Any]) -> Turn:
    """The turn a button belongs to, if it is of this chat. Raises NotFound."""
    wanted = whole(told.get("turn"))
    for turn in turns:
        if turn.id == wanted:
            return turn
    raise NotFound("error.turn_missing")


def whole(value: object) -> int:
    """A number that the page sent as text. Raises NotFound for anything else."""
    try:
        return int(str(value))
    except ValueError as fault:
        raise NotFound("error.turn_missing") from fault


def inside_of(turn: Turn | None, t: Any, picked: int = 0) -> str:
    """The inside of an answer; without one, what to do to see something."""
    if turn is None:
        return inside([], t)
    return f'<div data-turn="{turn.id}">{inside(turn.shown.trace_json.get("choices") or [], t, picked)}</div>'


def wire(services: Services, words: Words, session: Session, setup: Setup, view: ChatView) -> Chatting:
    """Connect the conversation. The form travels by name with every event that brings an answer."""
    chat = Chatting(services, words, view)
    show, outputs = shown(words), view.outputs
    place = [session.project_id, view.chat_id]
    gr.on(
        [view.message.submit, view.send.click],
        show(chat.send),
        [view.message, *place],
        outputs,
        inputs_kwargs=setup.form,
        **STREAM,
    )
    view.conversation.ask(show(chat.ask), place, outputs, inputs_kwargs=setup.form, **STREAM)
    view.stop.click(show(chat.stop), **QUICK)
    view.new.click(show(chat.new), session.project_id, outputs, **QUICK)
    for listing in (view.conversation, view.chats, view.inside):
        listing.tend(show(chat.tend), place, outputs, **QUICK)
    view.chat_id.change(show(chat.note), place, **QUICK)
    session.on_project(show(chat.restore), [view.chat_id], outputs)
    return chat
