"""The library of task templates: prompts that work, in both languages, to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.prompts import library
from backend.prompts.library import TaskTemplate
from tabs.errors import shown
from tabs.playground.conversation import Say
from tabs.playground.editing import Editing
from tabs.playground.form import read
from tabs.playground.prose import plain
from tabs.playground.setup import Setup, fill_updates
from tabs.playground.wiring import QUICK
from tabs.text import Words

SHOTS = ("zero", "one", "few")


@dataclass(frozen=True)
class LibraryView:
    task: gr.Dropdown
    shots: gr.Radio
    language: gr.Radio
    text: gr.HTML
    use: gr.Button


def layout(words: Words) -> LibraryView:
    t = words.t
    with gr.Accordion(t("playground.library"), open=False, elem_id="pg-library"):
        task = gr.Dropdown(
            [(t(f"prompts.task.{name}.title"), name) for name in library.tasks()],
            value="sentiment",
            label=t("playground.task"),
            info=t("playground.task_info"),
            elem_id="pg-task",
        )
        shots = gr.Radio(
            [(t(f"prompts.shots.{name}"), name) for name in SHOTS],
            value="zero",
            label=t("playground.shots"),
            info=t("playground.shots_info"),
        )
        language = gr.Radio(
            [("한국어", "ko"), ("English", "en")],
            value=words.language,
            label=t("playground.task_language"),
            info=t("playground.task_language_info"),
        )
        text = gr.HTML(
            template_view(library.get("sentiment", words.language), t), apply_default_css=False, js_on_load=None
        )
        use = gr.Button(t("playground.use_template"), size="sm", elem_id="pg-use-template")
    return LibraryView(task, shots, language, text, use)


def template_view(template: TaskTemplate, t: Say) -> str:
    """A template before it is used: what it is for, its texts, and its examples."""
    parts = [f'<p class="pg-quiet">{plain(t(template.about_key))}</p>']
    if template.instructions.system:
        parts.append(text_view(t("playground.system"), template.instructions.system))
    parts.append(text_view(t("playground.template"), template.instructions.template))
    for number, shot in enumerate(template.examples.shots, 1):
        given = "\n".join(shot.variables.values())
        parts.append(text_view(t("playground.example", number=number), f"{given}\n→ {shot.output}"))
    return "".join(parts)


def text_view(title: str, text: str) -> str:
    return f'<div class="pg-text"><b>{plain(title)}</b><pre>{plain(text)}</pre></div>'


class Shelves:
    """The handlers of the library."""

    def __init__(self, words: Words, setup: Setup) -> None:
        self.words, self.setup = words, setup

    def show(self, task: str, amount: str, language: str) -> str:
        return template_view(library.get(task, language, amount), self.words.t)

    def use(self, task: str, amount: str, language: str, message: str, **form: Any) -> list[Any]:
        """Put a template into the form. The model stays; an empty message box gets the template's sample."""
        template = library.get(task, language, amount)
        assistant = read(form).model_copy(
            update={
                "instructions": template.instructions,
                "examples": template.examples,
                "decoding": template.decoding,
            }
        )
        samples = {name: text for name, text in template.sample.items() if name != "input"}
        filled = fill_updates(self.setup, assistant, self.words.t, samples)
        for chosen in ("model", "adapter", "documents_within"):
            filled.pop(self.setup.form[chosen])
        said = message if message and message.strip() else template.sample.get("input", "")
        self.words.say("playground.template_used", "success", task=self.words.t(template.title_key))
        return [filled.get(widget, gr.skip()) for widget in self.setup.outputs] + [said]


def wire(words: Words, setup: Setup, editing: Editing, view: LibraryView, message: gr.Textbox) -> None:
    shelves = Shelves(words, setup)
    chosen: list[Any] = [view.task, view.shots, view.language]
    gr.on([widget.input for widget in chosen], shown(words)(shelves.show), chosen, view.text, **QUICK)
    used = view.use.click(
        shown(words)(shelves.use), [*chosen, message], [*setup.outputs, message], inputs_kwargs=setup.form, **QUICK
    )
    editing.follow(used)
