"""The left column: the assistant in hand. Its widgets are the form whose keys are the config's field names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backend.assistants import PER_INPUT, Assistant, Decoding, Examples, Instructions, ModelRef
from backend.prompts.presets import PRESETS, preset_of, with_preset
from backend.prompts.templates import variables
from tabs.playground import adapting, consulting
from tabs.playground.form import DECODING, fill, model_value, read
from tabs.text import Words

CHOSEN = (gr.Dropdown, gr.Slider, gr.Checkbox)
"""Widgets that tell of each choice by themselves; text boxes are listened to by `TYPED`."""
SLOTS = 4
"""Text boxes for a template's variables besides `input`."""


@dataclass(frozen=True)
class Setup:
    """The left column's widgets.

    form    what an event of another part passes by name: FIELDS and slot_0 .. slot_3
    preset  the answer style; choosing one fills the expert widgets
    documents_note  what documents there are to answer from
    """

    picker: gr.Dropdown
    form: dict[str, Any]
    preset: gr.Radio
    shots_note: gr.HTML
    documents_note: gr.HTML
    checkup: gr.HTML

    @property
    def slots(self) -> list[gr.Textbox]:
        return [self.form[f"slot_{number}"] for number in range(SLOTS)]

    def on_change(self, **event: Any) -> None:
        """Listen to a person's own changes of the form; filling it by program is not one."""
        chosen = [widget.input for widget in self.form.values() if isinstance(widget, CHOSEN)]
        gr.on(chosen, **event)
        self.checkup.typed(**event)  # An event of its own making, which gr.on does not take.

    @property
    def outputs(self) -> list[Any]:
        """Everything `fill_updates` may set."""
        return [*self.form.values(), self.preset, self.shots_note, self.documents_note]


def default_assistant() -> Assistant:
    """What a new project starts with: the model that ships, plain input, balanced answers."""
    return Assistant(model=ModelRef(), instructions=Instructions(), decoding=PRESETS["balanced"])


def layout(words: Words) -> Setup:
    """Lay the column out; closed accordions of other parts follow below it."""
    t = words.t
    form: dict[str, Any] = {}
    with gr.Group(elem_classes="pg-group"):
        picker = gr.Dropdown(
            [], label=t("playground.assistant"), info=t("playground.assistant_info"), elem_id="pg-assistant", value=None
        )
        form["model"] = gr.Dropdown(
            [(t("playground.practice_model"), model_value(ModelRef()))],
            value=model_value(ModelRef()),
            label=t("playground.model"),
            info=t("playground.model_info"),
            elem_id="pg-model",
        )
        adapting.widgets(form, words)
        documents_note = consulting.widgets(form, words)
        form["system"] = gr.Textbox(
            label=t("playground.system"),
            info=t("playground.system_info"),
            placeholder=t("playground.system_placeholder"),
            lines=3,
            max_lines=12,
            elem_id="pg-system",
        )
        form["template"] = gr.Textbox(
            value="{input}",
            label=t("playground.template"),
            info=t("playground.template_info"),
            lines=2,
            max_lines=16,
            elem_id="pg-template",
        )
        for number in range(SLOTS):
            form[f"slot_{number}"] = gr.Textbox(visible=False, lines=2, max_lines=10, elem_id=f"pg-slot-{number}")
        form["shots"] = gr.State([])
        form["selection"] = gr.State(None)
        shots_note = gr.HTML("", elem_id="pg-shots", js_on_load=CLICKS, visible=False)
    consulting.expert_widgets(form, words)
    checkup = gr.HTML("", elem_id="pg-checkup", js_on_load=CLICKS + TYPED, apply_default_css=False)
    preset = gr.Radio(
        [(t(f"playground.preset_{name}"), name) for name in PRESETS],
        value="balanced",
        label=t("playground.preset"),
        info=t("playground.preset_info"),
        elem_id="pg-preset",
    )
    with gr.Accordion(t("playground.expert"), open=False):
        expert(form, t)
        adapting.expert_widgets(form, words)
    return Setup(picker, form, preset, shots_note, documents_note, checkup)


def expert(form: dict[str, Any], t: Any) -> None:
    """The decoding controls, named as transformers names them and explained in plain words."""
    start = PRESETS["balanced"]

    def words_of(name: str) -> dict[str, Any]:
        return {"label": t(f"playground.{name}"), "info": t(f"playground.{name}_info"), "elem_id": f"pg-{name}"}

    form["temperature"] = gr.Slider(0, 2, start.temperature, step=0.05, **words_of("temperature"))
    form["top_p"] = gr.Slider(0.05, 1, start.top_p, step=0.05, **words_of("top_p"))
    form["top_k"] = gr.Slider(0, 200, start.top_k, step=1, **words_of("top_k"))
    form["min_p"] = gr.Slider(0, 0.5, start.min_p, step=0.01, **words_of("min_p"))
    form["repetition_penalty"] = gr.Slider(
        0.8, 2, start.repetition_penalty, step=0.05, **words_of("repetition_penalty")
    )
    form["max_new_tokens"] = gr.Number(start.max_new_tokens, precision=0, **words_of("max_new_tokens"))
    form["stop"] = gr.Textbox(lines=2, max_lines=6, **words_of("stop"))
    form["seed"] = gr.Textbox(str(start.seed), max_length=19, **words_of("seed"))


CLICKS = """
function showPassage() {
  const opened = (node) => node.nodeType === 1 && (node.matches('.pg-page') || node.querySelector('.pg-page'));
  const watching = new MutationObserver((changes) => {
    if (!changes.some((change) => [...change.addedNodes].some(opened))) return;
    watching.disconnect();
    const page = [...document.querySelectorAll('.pg-opened .pg-page')].find((one) => one.offsetParent);
    requestAnimationFrame(() => (page?.querySelector('mark') || page)?.scrollIntoView({block: 'center'}));
  });
  watching.observe(document.body, {childList: true, subtree: true});
  setTimeout(() => watching.disconnect(), 5000);
}
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || button.disabled) return;
  if (button.dataset.act === 'cite') showPassage();
  trigger('act', {place: button.closest('[data-place]')?.dataset.place, ...button.dataset});
});
"""
"""Clicks on a view's buttons, as one event `act` that carries the button's data, and `data-place` of what it stands in.
A passage that a citation opens is brought into view."""

TYPED = """
let waiting;
document.addEventListener('input', (event) => {
  if (!event.target.closest('#pg-left textarea, #pg-left input, #pg-message textarea')) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => trigger('typed'), 250);
});
"""
"""One event `typed` a moment after the last change by a person. A Gradio text box's own `input` event hangs on key
presses, which Hangul from an input method, pasting and dictation do not make."""


def slot_names(template: str) -> list[str]:
    """The variables that get a text box of their own: all but `input`, in order, as many as there are boxes."""
    return [name for name in variables(template) if name != "input"][:SLOTS]


def slot_updates(template: str, t: Any, values: Mapping[str, str] | None = None) -> list[Any]:
    """Show, name and (when `values` are given) fill the boxes for a template's variables; hide the rest."""
    names = slot_names(template)
    updates = []
    for number in range(SLOTS):
        if number < len(names):
            name = names[number]
            filled = {} if values is None else {"value": values.get(name, "")}
            updates.append(gr.update(visible=True, label=t("playground.variable", name=f"{{{name}}}"), **filled))
        else:
            updates.append(gr.update(visible=False))
    return updates


def values_of(form: Mapping[str, Any]) -> dict[str, str]:
    """The variables besides `input`, as they stand in the boxes."""
    names = slot_names(str(form["template"] or ""))
    return {name: str(form.get(f"slot_{number}") or "") for number, name in enumerate(names)}


def fill_updates(setup: Setup, assistant: Assistant, t: Any, values: Mapping[str, str] | None = None) -> dict[Any, Any]:
    """Updates that put an assistant into the form, its answer style and its boxes."""
    filled = fill(assistant)
    updates: dict[Any, Any] = {setup.form[name]: value for name, value in filled.items()}
    updates[setup.preset] = preset_of(assistant.decoding)
    updates[setup.shots_note] = shots_update(assistant.examples, t)
    boxes = slot_updates(assistant.instructions.template, t, values)
    updates |= dict(zip(setup.slots, boxes, strict=True))
    return updates


def shots_update(examples: Examples, t: Any) -> Any:
    """A line that says how many worked examples are shown to the model, with a way to leave them out."""
    if not examples.shots:
        return gr.update(value="", visible=False)
    line = t("playground.shots_in", count=len(examples.shots))
    if (chosen := examples.selection) is not None and chosen.method in PER_INPUT:
        line = t("playground.shots_per_input", pool=len(examples.shots), count=chosen.count)
    drop = t("playground.shots_drop")
    return gr.update(
        value=f'<p class="pg-line">{line} <button type="button" data-act="drop">{drop}</button></p>', visible=True
    )


def preset_values(form: Mapping[str, Any], name: str) -> list[Any]:
    """The expert widgets' values for an answer style; length, stop strings and seed stay."""
    kept = read(form).decoding
    chosen: Decoding = with_preset(kept, name) if name in PRESETS else kept
    filled = fill(Assistant(decoding=chosen))
    return [filled[field] for field in DECODING]
