"""What the model sees: the exact text after the chat template, how many tokens it is, and where they begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.answering import Question
from backend.assistants import Assistant
from backend.services import Services
from tabs.errors import shown
from tabs.playground.checkup import Checkup
from tabs.playground.conversation import Say
from tabs.playground.editing import Editing
from tabs.playground.form import read, weights_of
from tabs.playground.prose import plain, seen
from tabs.playground.setup import Setup, values_of
from tabs.playground.spoken import answered
from tabs.playground.wiring import QUICK
from tabs.session import Session, owner
from tabs.text import Words

LONGEST = 20_000
"""Characters shown; a longer prompt is cut in the middle, where it matters least."""


@dataclass(frozen=True)
class PreviewView:
    box: gr.Accordion
    open: gr.State
    marks: gr.Checkbox
    text: gr.HTML


def layout(words: Words) -> PreviewView:
    t = words.t
    with gr.Accordion(t("playground.preview"), open=False, elem_id="pg-preview") as box:
        opened = gr.State(False)
        marks = gr.Checkbox(False, label=t("playground.preview_marks"), info=t("playground.preview_marks_info"))
        text = gr.HTML(preview_hint(t), apply_default_css=False, js_on_load=None)
    return PreviewView(box, opened, marks, text)


def preview_hint(t: Say) -> str:
    return f'<p class="pg-quiet">{plain(t("playground.preview_wait"))}</p>'


def preview_view(text: str, tokens: Sequence[str] | None, marked: bool, t: Say) -> str:
    """The text as it is, or its tokens as alternating marks with white space visible."""
    if marked and tokens is None:
        return f'<p class="pg-quiet">{plain(t("playground.preview_no_tokens"))}</p>{as_text(text, t)}'
    return as_tokens(tokens, t) if marked and tokens is not None else as_text(text, t)


def as_text(text: str, t: Say) -> str:
    if len(text) > LONGEST:
        half = LONGEST // 2
        text = f"{text[:half]}\n… {t('playground.preview_cut', count=len(text) - LONGEST)} …\n{text[-half:]}"
    return f'<pre class="pg-seen">{plain(text)}</pre>'


def as_tokens(tokens: Sequence[str], t: Say) -> str:
    most = LONGEST // 8
    kept = list(tokens[:most])
    spans = "".join(
        f'<span class="pg-token pg-token-{number % 2}">{seen(token)}</span>{"<br>" if token.endswith(chr(10)) else ""}'
        for number, token in enumerate(kept)
    )
    more = f"<p>… {plain(t('playground.preview_more', count=len(tokens) - most))}</p>" if len(tokens) > most else ""
    return f'<div class="pg-seen">{spans}{more}</div>'


class Previewing:
    """The handlers of the preview. While the accordion is closed, typing only makes the model get ready."""

    def __init__(self, services: Services, words: Words, view: PreviewView, checked: gr.HTML) -> None:
        self.services, self.words, self.view, self.checked = services, words, view, checked
        self.checkup = Checkup(words)

    def found(self, assistant: Assistant, values: Mapping[str, str], tokens: Sequence[str] | None) -> str:
        """The check-up again, now that it is known how long the prompt is and how much the model can hold."""
        if tokens is None:
            return self.checkup.view(assistant, values)
        with self.services.host.engine(assistant.weights) as engine:
            return self.checkup.view(assistant, values, len(tokens), engine.context_length)

    def show(
        self,
        opened: bool,
        marked: bool,
        message: str,
        chat_id: int | None,
        project_id: str,
        request: gr.Request,
        **form: Any,
    ) -> Any:
        """The preview of the message in the box, or of the word "input" while it is empty."""
        if not project_id:
            return gr.skip()
        if not opened:
            if message:
                self.services.host.warm(weights_of(form))
            return gr.skip()
        t = self.words.t
        project = self.services.projects.open(owner(request), project_id)
        chats = project.chats
        history = answered(chats.history(chat_id)) if chat_id is not None else ()
        values = {name: value or f"{{{name}}}" for name, value in values_of(form).items()}
        question = Question({**values, "input": message or t("playground.preview_sample")}, history)
        assistant = read(form)
        text, tokens = self.services.answers_in(project).preview(assistant, question)
        count = t("playground.preview_count", count=len(tokens)) if tokens is not None else ""
        title = f"{t('playground.preview')} · {count}" if count else t("playground.preview")
        return {
            self.view.box: gr.update(label=title),
            self.view.text: preview_view(text, tokens, bool(marked), t),
            self.checked: self.found(assistant, values, tokens),
        }


def wire(
    services: Services,
    words: Words,
    session: Session,
    setup: Setup,
    editing: Editing,
    view: PreviewView,
    message: gr.Textbox,
    chat_id: gr.State,
) -> None:
    previewing = Previewing(services, words, view, setup.checkup)
    now = {
        "fn": shown(words)(previewing.show),
        "inputs": [view.open, view.marks, message, chat_id, session.project_id],
        "outputs": [view.box, view.text, setup.checkup],
        "inputs_kwargs": setup.form,
        **QUICK,
        "trigger_mode": "always_last",
    }
    view.box.expand(lambda: True, None, view.open, **QUICK).then(**now)
    view.box.collapse(lambda: False, None, view.open, **QUICK)
    gr.on([view.marks.input, chat_id.change], **now)
    setup.on_change(**now)
    editing.preview = now
