"""Side by side: up to four assistants answer the same input at once; the best one becomes the assistant in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.answering import Answer, Question
from backend.assistants import Assistant
from backend.documents.grounding.values import Quoted
from backend.errors import BadInput, NotFound, StudioError
from backend.projects.folder import Project
from backend.services import Services
from tabs.errors import sentence, shown
from tabs.playground.cited import grounded
from tabs.playground.conversation import act, cost, named
from tabs.playground.editing import Editing
from tabs.playground.form import read
from tabs.playground.prose import plain
from tabs.playground.setup import CLICKS, Setup, values_of
from tabs.playground.shelf import Shelf, offered
from tabs.playground.source_page import opened_number
from tabs.playground.sources import sources_view
from tabs.playground.spoken import said, whole
from tabs.playground.strands import Stops, Strand, watch
from tabs.playground.wiring import QUICK, STREAM
from tabs.session import Session, owner
from tabs.text import Words

MOST = 4
HERE = 0
"""The choice that stands for the form as it is."""
WORK = "compare"


@dataclass(frozen=True)
class CompareView:
    chosen: gr.Dropdown
    text: gr.Textbox
    start: gr.Button
    stop: gr.Button
    answers: gr.HTML
    passages: gr.State
    opened: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        return [self.answers, self.start, self.stop, self.passages, self.opened]


@dataclass(frozen=True)
class Side:
    """One column: who answers. `saved_id` is HERE for the form as it is."""

    saved_id: int
    title: str
    assistant: Assistant


def layout(words: Words) -> CompareView:
    t = words.t
    chosen = gr.Dropdown(
        [(t("playground.this_form"), HERE)],
        value=[HERE],
        multiselect=True,
        max_choices=MOST,
        label=t("playground.sides"),
        info=t("playground.sides_info"),
        elem_id="pg-sides",
    )
    with gr.Row(elem_classes="pg-compose"):
        text = gr.Textbox(
            show_label=False,
            label=t("playground.message"),
            placeholder=t("playground.sides_placeholder"),
            lines=1,
            max_lines=8,
            container=False,
            scale=6,
            elem_id="pg-sides-text",
        )
        start = gr.Button(
            t("playground.sides_start"), variant="primary", scale=1, min_width=110, elem_id="pg-sides-start"
        )
        stop = gr.Button(
            t("playground.stop_now"), variant="stop", scale=1, min_width=110, visible=False, elem_classes="pg-stop"
        )
    answers = gr.HTML(sides_hint(words), js_on_load=CLICKS, apply_default_css=False, elem_id="pg-sides-answers")
    opened = gr.HTML("", js_on_load=None, apply_default_css=False, elem_classes="pg-opened")
    return CompareView(chosen, text, start, stop, answers, gr.State([]), opened)


def sides_hint(words: Words) -> str:
    return f'<p class="pg-quiet pg-hint">{plain(words.t("playground.sides_hint"))}</p>'


def sides_view(sides: Sequence[Side], strands: Sequence[Strand[Answer]], words: Words) -> str:
    """One card per assistant: its answer so far, time and tokens; at the end a button to keep it."""
    pairs = zip(sides, strands, strict=True)
    cards = "".join(card(side, strand, words, place) for place, (side, strand) in enumerate(pairs))
    return f'<div class="pg-cards pg-cards-{len(sides)}">{cards}</div>'


def card(side: Side, strand: Strand[Answer], words: Words, place: int = 0) -> str:
    t, answer = words.t, strand.latest
    told = f'<p class="pg-quiet pg-thinking">{plain(t("playground.thinking"))}</p>'
    if answer is not None and answer.text:
        told = grounded(answer.text, answer.trace.passages if strand.done else (), t)
    elif strand.done and strand.fault is None:
        told = f'<p class="pg-quiet">{plain(t("playground.empty_answer"))}</p>'
    if strand.fault is not None:
        shown_fault = (
            sentence(words, strand.fault) if isinstance(strand.fault, StudioError) else t("playground.side_failed")
        )
        told = f'{told if answer else ""}<p class="pg-fault">{plain(shown_fault)}</p>'
    trace = answer.trace if answer is not None else None
    figures = (
        cost(trace_facts(trace), named(side.assistant.model, t), t) if trace else plain(named(side.assistant.model, t))
    )
    keep = act("keep", t("playground.keep"), to=str(side.saved_id)) if strand.done and side.saved_id != HERE else ""
    writing = "" if strand.done else " pg-writing"
    return (
        f'<section class="pg-card{writing}" data-place="{place}" aria-busy="{str(not strand.done).lower()}">'
        f"<h4>{plain(side.title)}</h4>"
        f'<div class="pg-bubble">{told}</div>{rests_on(answer, strand.done, words)}<p class="pg-cost">{figures}</p>'
        f'<div class="pg-tools">{keep}</div></section>'
    )


def rests_on(answer: Answer | None, done: bool, words: Words) -> str:
    """The passages of a finished answer, folded away."""
    if answer is None or not done or answer.trace.retrieval is None:
        return ""
    trace = {"passages": answer.trace.passages, "cut": answer.trace.cut, "retrieval": answer.trace.retrieval}
    label = words.t("grounding.passages_in", count=len(answer.trace.passages))
    told = sources_view(answer.text, trace, words)
    return f'<details class="pg-sources"><summary>{plain(label)}</summary>{told}</details>'


def trace_facts(trace: Any) -> Mapping[str, Any]:
    return {
        name: getattr(trace, name)
        for name in ("first_token_s", "tokens_per_s", "prompt_tokens", "answer_tokens", "finish")
    }


class Comparing:
    """The handlers of side by side."""

    def __init__(self, services: Services, words: Words, view: CompareView) -> None:
        self.services, self.words, self.view = services, words, view
        self.stops = Stops()

    def restore(self, project_id: str, request: gr.Request) -> Any:
        return {self.view.chosen: self.choices(project_id, request)}

    def choices(self, project_id: str, request: gr.Request) -> Any:
        if not project_id:
            return gr.skip()
        saved = self.project(project_id, request).assistants.list()
        t = self.words.t
        return gr.update(choices=[(t("playground.this_form"), HERE), *offered(saved, t)])

    def start(
        self, text: str, chosen: list[int], project_id: str, request: gr.Request, **form: Any
    ) -> Iterator[dict[Any, Any]]:
        """Ask all at once. One that fails says so in its card; the others go on."""
        project = self.project(project_id, request)
        asked, sides, values = said(text), self.sides(project, chosen, form), values_of(form)
        here = str(request.session_hash)
        stop = self.stops.begin(here, WORK)
        answering = self.services.answers_in(project)

        def answers(side: Side) -> Callable[[], Iterator[Answer]]:
            question = Question({**values, "input": asked})
            return lambda: answering.answer(side.assistant, question, stop)

        begun = {self.view.start: gr.update(visible=False), self.view.stop: gr.update(visible=True)}
        yield begun | {self.view.passages: [], self.view.opened: ""}
        strands: Sequence[Strand[Answer]] = ()
        try:
            before = ""
            for strands in watch([answers(side) for side in sides], stop):
                now = sides_view(sides, strands, self.words)
                yield {self.view.answers: now} if now != before else gr.skip()
                before = now
        finally:
            self.stops.end(here, WORK, stop)
        rested = [strand.latest.trace.passages if strand.latest else () for strand in strands]
        ended = {self.view.start: gr.update(visible=True), self.view.stop: gr.update(visible=False)}
        yield ended | {self.view.passages: rested}

    def opened(
        self, passages: Sequence[Sequence[Quoted]], project_id: str, request: gr.Request, event: gr.EventData
    ) -> str:
        """The passage that a citation of a card names, in its page. Raises NotFound."""
        told = event._data if isinstance(event._data, dict) else {}
        place, number = whole(told.get("place")), whole(told.get("to"))
        rested = passages[place] if 0 <= place < len(passages) else ()
        return opened_number(self.project(project_id, request), rested, number, self.words)

    def sides(self, project: Project, chosen: list[int], form: Mapping[str, Any]) -> list[Side]:
        """Who answers, in the order chosen. Raises BadInput for none or more than four."""
        if not chosen or len(chosen) > MOST:
            raise BadInput("error.playground_sides", most=MOST)
        t, sides = self.words.t, []
        for saved_id in chosen:
            if saved_id == HERE:
                sides.append(Side(HERE, t("playground.this_form"), read(form)))
            else:
                saved = project.assistants.get(int(saved_id))
                title = t("playground.version_name", name=saved.name, number=saved.number)
                sides.append(Side(saved.id, title, saved.assistant))
        return sides

    def stop(self, request: gr.Request) -> None:
        self.stops.stop(str(request.session_hash), WORK)

    def kept(self, project_id: str, request: gr.Request, event: gr.EventData) -> Any:
        """The saved version whose answer was kept. Raises NotFound."""
        told = event._data if isinstance(event._data, dict) else {}
        if not str(told.get("to", "")).isdecimal():
            raise NotFound("error.assistant_missing")
        saved = self.project(project_id, request).assistants.get(int(told["to"]))
        self.words.say("playground.kept", "success", name=saved.name, number=saved.number)
        return saved

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)


def wire(
    services: Services, words: Words, session: Session, setup: Setup, editing: Editing, shelf: Shelf, view: CompareView
) -> Comparing:
    comparing = Comparing(services, words, view)
    show = shown(words)

    def act_on(passages: list[Any], project_id: str, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        if isinstance(event._data, dict) and event._data.get("act") == "cite":
            return {view.opened: comparing.opened(passages, project_id, request, event)}
        saved = comparing.kept(project_id, request, event)
        return shelf.take(shelf.project(project_id, request), saved)

    view.chosen.focus(show(comparing.choices), session.project_id, view.chosen, **QUICK)
    gr.on(
        [view.start.click, view.text.submit],
        show(comparing.start),
        [view.text, view.chosen, session.project_id],
        view.outputs,
        inputs_kwargs=setup.form,
        **STREAM,
    )
    view.stop.click(show(comparing.stop), **QUICK)
    pressed = [view.passages, session.project_id]
    editing.follow(view.answers.act(show(act_on), pressed, [*shelf.outputs, view.opened], **QUICK))
    return comparing
