"""What a chat needs beside answers: opening, naming, deleting, other versions, looking inside. Nothing streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from backend.errors import NotFound
from backend.projects.chats import ChatStore
from backend.projects.folder import Project
from tabs.playground.asking import WORK
from tabs.playground.chat_view import Screen, Updates, inside_of, starters
from tabs.playground.cited import quoted_of
from tabs.playground.conversation import chats_view, conversation
from tabs.playground.setup import values_of
from tabs.playground.source_page import opened_number
from tabs.playground.spoken import turn_of, whole
from tabs.playground.teaching import keep

NOTE = "playground.chat"


class Tending:
    """The handlers that change or show a chat without asking the model."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.words, self.stops, self.view = screen.words, screen.stops, screen.view

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """The project's chat as it was left. While this page streams, it is left alone."""
        if not project_id or self.stops.busy(str(request.session_hash), WORK):
            return gr.skip()
        project = self.screen.project(project_id, request)
        noted = project.get_note(NOTE)
        chat = self.screen.existing(project.chats, noted if isinstance(noted, int) else None)
        return self.screen.ended(project.chats, chat)

    def note(self, project_id: str, chat_id: int | None, request: gr.Request) -> None:
        """Remember which chat is open, for the next visit."""
        if project_id:
            self.screen.project(project_id, request).set_note(NOTE, chat_id)

    def new(self, project_id: str, request: gr.Request) -> Updates:
        self.stops.leave(str(request.session_hash), WORK)
        return self.screen.ended(self.screen.chats(project_id, request), None)

    def stop(self, request: gr.Request) -> None:
        """End this page's own answer; what was written stays."""
        self.stops.stop(str(request.session_hash), WORK)

    def tend(
        self, project_id: str, chat_id: int | None, request: gr.Request, event: gr.EventData, **form: Any
    ) -> Updates:
        """A button of the conversation, of the list of chats or of the tokens."""
        told = event._data if isinstance(event._data, dict) else {}
        project_chats = self.screen.chats(project_id, request)
        act = str(told.get("act", ""))
        if act == "teach":
            return self.teach(project_id, chat_id, told, request, form)
        if act in ("step", "remove", "unremove"):
            return self.change_turns(project_chats, chat_id, act, told)
        if act in ("inside", "token"):
            return self.look_inside(project_chats, chat_id, told)
        if act in ("sources", "cite"):
            return self.show_sources(self.screen.project(project_id, request), chat_id, act, told)
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
            return self.screen.ended(chats, chat_id) | {self.view.conversation: shown}
        else:
            chats.undo_remove_last(chat_id)
        return self.screen.ended(chats, chat_id)

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
        return self.screen.ended(chats, chat_id, removed)

    def teach(
        self,
        project_id: str,
        chat_id: int | None,
        told: Mapping[str, Any],
        request: gr.Request,
        form: Mapping[str, Any],
    ) -> Updates:
        """Keep an answer as an example. The boxes of the form stand in for what its own prompt does not say."""
        if chat_id is None:
            raise NotFound("error.chat_missing")
        project = self.screen.project(project_id, request)
        turns = project.chats.turns(chat_id)
        said = keep(project.examples, turns, turn_of(turns, told), values_of(form) if form else {})
        self.words.say(said, "success" if said == "data.kept" else "info")
        return {self.view.inside_box: gr.skip()}

    def show_sources(self, project: Project, chat_id: int | None, act: str, told: Mapping[str, Any]) -> Updates:
        """What an answer rests on; of a citation its passage, in its page."""
        if chat_id is None:
            raise NotFound("error.chat_missing")
        turn, opened = turn_of(project.chats.turns(chat_id), told), ""
        if act == "cite":
            opened = opened_number(project, quoted_of(turn.shown.trace_json), whole(told.get("to")), self.words)
        return self.screen.rests_on(turn, opened, open_box=True)

    def look_inside(self, chats: ChatStore, chat_id: int | None, told: Mapping[str, Any]) -> Updates:
        if chat_id is None:
            raise NotFound("error.chat_missing")
        turn = turn_of(chats.turns(chat_id), told)
        picked = whole(told.get("to", 0))
        return {
            self.view.inside: inside_of(turn, self.words.t, picked),
            self.view.inside_box: gr.update(open=True),
        }
