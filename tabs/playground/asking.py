"""What brings an answer: a new message, an example, again, further, or a message said differently. These stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from backend.answering import Answer, Question, Trace
from backend.assistants import Assistant, Documents
from backend.documents.grounding.grounding import Ground
from backend.errors import NotFound, StudioError
from backend.projects.chats import ChatStore
from backend.projects.folder import Project
from backend.projects.turns import Turn, TurnVersion
from tabs.errors import sentence, tell
from tabs.playground.chat_view import Screen, Updates
from tabs.playground.conversation import writing
from tabs.playground.form import read
from tabs.playground.keeping import Page, stream, written
from tabs.playground.prose import plain
from tabs.playground.setup import values_of
from tabs.playground.spoken import answered, said, turn_of

CANDIDATES = 5
"""Best candidates kept per token, so that "look inside" shows what was weighed for that very answer."""
WORK = "chat"


class Asking:
    """The handlers that stream. Holds no one's data: what is shown comes from the project each time."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.services, self.words, self.stops, self.view = screen.services, screen.words, screen.stops, screen.view

    def send(
        self, message: str, project_id: str, chat_id: int | None, request: gr.Request, **form: Any
    ) -> Iterator[Updates]:
        """A new message. Nothing is stored, and the box keeps its text, until the message is known to be usable."""
        project = self.screen.project(project_id, request)
        assistant, values, chats = read(form), values_of(form), project.chats
        text = said(message)
        # Whether the prompt can be made; its passages are found once the message is kept.
        bare = assistant.model_copy(update={"documents": None})
        self.services.answers.compose(bare, Question({**values, "input": text}))
        chat = self.screen.existing(chats, chat_id) or chats.create().id
        turn = chats.add_user(chat, text)
        yield from self.answer(request, project, chat, turn, assistant, values, sent=True)

    def ask(
        self, project_id: str, chat_id: int | None, request: gr.Request, event: gr.EventData, **form: Any
    ) -> Iterator[Updates]:
        """A button of the conversation that brings an answer: an example, again, further, or edited."""
        told = event._data if isinstance(event._data, dict) else {}
        act = told.get("act")
        if act == "example":
            yield from self.send(str(told.get("text", "")), project_id, chat_id, request, **form)
            return
        project = self.screen.project(project_id, request)
        chats = project.chats
        chat = self.screen.existing(chats, chat_id)
        if chat is None:
            raise NotFound("error.chat_missing")
        assistant, values = read(form), values_of(form)
        turns = chats.turns(chat)
        if act == "edited":
            turn = chats.edit_user(turn_of(turns, told).id, said(str(told.get("text", ""))))
            yield from self.answer(request, project, chat, turn, assistant, values)
        elif act == "continue" and turns and turns[-1].role == "assistant":
            yield from self.further(request, project, chat, turns, assistant, values)
        elif act == "regenerate" and turns:
            yield from self.again(request, project, chat, turns, assistant, values)

    def answer(
        self,
        request: gr.Request,
        project: Project,
        chat: int,
        turn: Turn,
        assistant: Assistant,
        values: Mapping[str, str],
        sent: bool = False,
    ) -> Iterator[Updates]:
        """Answer a person's turn with a new turn."""
        history = answered(project.chats.history(chat, turn.id))
        question = Question({**values, "input": turn.text}, history, candidates=CANDIDATES)
        page = Page(project.chats, chat, assistant)
        yield from self.run(request, project, chat, question, page, assistant, sent=sent)

    def again(
        self,
        request: gr.Request,
        project: Project,
        chat: int,
        turns: Sequence[Turn],
        assistant: Assistant,
        values: Mapping[str, str],
    ) -> Iterator[Updates]:
        """Another version of the last answer. A fixed seed moves on by one per version, or all would be equal."""
        last = turns[-1]
        if last.role == "user":
            yield from self.answer(request, project, chat, last, assistant, values)
            return
        question = asked_last(project.chats, chat, turns, values)
        decoding = assistant.decoding
        if decoding.temperature == 0:
            self.words.say("playground.same_again")
        elif decoding.seed is not None:
            moved = decoding.model_copy(update={"seed": (decoding.seed + len(last.versions)) % 2**63})
            assistant = assistant.model_copy(update={"decoding": moved})
        page = Page(project.chats, chat, assistant, turn_id=last.id)
        yield from self.run(request, project, chat, question, page, assistant, hide_last=True)

    def further(
        self,
        request: gr.Request,
        project: Project,
        chat: int,
        turns: Sequence[Turn],
        assistant: Assistant,
        values: Mapping[str, str],
    ) -> Iterator[Updates]:
        """Go on with the last answer where it ended, with the passages that it rests on and the form as it is now."""
        version = turns[-1].shown
        before = version.trace or Trace()
        assistant, rests_on = going_on(assistant, version, before)
        question = replace(asked_last(project.chats, chat, turns, values, version.text), rests_on=rests_on)
        page = Page.continued(project.chats, chat, assistant, version.id)
        yield from self.run(request, project, chat, question, page, assistant, before=before, hide_last=True)

    def run(
        self,
        request: gr.Request,
        project: Project,
        chat: int,
        question: Question,
        page: Page,
        assistant: Assistant,
        *,
        before: Trace | None = None,
        hide_last: bool = False,
        sent: bool = False,
    ) -> Iterator[Updates]:
        """Stream one answer to this page. If the page turns to another chat, the answer is still written to its end."""
        here, chats = str(request.session_hash), project.chats
        stop = self.stops.begin(here, WORK)
        answers = self.services.answers_in(project)

        def left() -> bool:
            return not self.stops.holds(here, WORK, stop)

        def answer() -> Iterator[Answer]:
            return written(answers, assistant, question, stop, page.keep, before)

        try:
            yield self.screen.begun(chats, chat, question.prefill, hide_last, sent)
            shown = None
            for state in stream(answer, stop, left):
                if left():
                    return
                if state is None or state.text == shown:
                    yield gr.skip()
                else:
                    shown = state.text
                    yield {self.view.writing: writing(shown, self.words.t)}
            yield self.screen.ended(chats, chat)
        except StudioError as fault:
            # Told here rather than by `shown`, whose "nothing changes" would be the last word and leave Stop there.
            tell(self.words, fault, halt=False)
            told = f'<p class="pg-fault" role="alert">{plain(sentence(self.words, fault))}</p>'
            yield self.screen.ended(chats, chat) | {self.view.writing: told}
        finally:
            self.stops.end(here, WORK, stop)


def going_on(assistant: Assistant, version: TurnVersion, before: Trace) -> tuple[Assistant, Ground | None]:
    """The assistant as it may continue this version: its citations [1], [2] go on meaning what they mean."""
    if before.retrieval is None:
        return assistant.model_copy(update={"documents": None}), None
    began = version.assistant.documents if version.assistant is not None else None
    wanted = began or assistant.documents or Documents()
    rests_on = Ground(before.passages, before.cut, before.retrieval)
    return assistant.model_copy(update={"documents": wanted}), rests_on


def asked_last(
    chats: ChatStore, chat: int, turns: Sequence[Turn], values: Mapping[str, str], prefill: str = ""
) -> Question:
    """The question that the last answer of a chat is for. Raises NotFound("error.turn_missing")."""
    asked = [turn for turn in turns if turn.role == "user"]
    if not asked:
        raise NotFound("error.turn_missing")
    history = answered(chats.history(chat, asked[-1].id))
    return Question({**values, "input": asked[-1].text}, history, prefill, CANDIDATES)
