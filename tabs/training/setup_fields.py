"""The expert fields as widgets: labels are the libraries' names, the sentence below says what a field does."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, Final, get_args

import gradio as gr

from backend.training.config import Objective, TrainingConfig
from backend.training.methods.catalog import METHODS
from tabs import widgets
from tabs.text import Words
from tabs.training.setup_form import GROUPS, shown_fields, values_of

OWN_LABELS: Final = frozenset({"objective", "method", "quantization"})
"""Fields that no library has a name for."""
TEXTS: Final = frozenset({"target_modules"})
NARROW: Final = 215
OBJECTIVES: Final[tuple[Objective, ...]] = get_args(Objective)


def layout_groups(words: Words) -> tuple[dict[str, Any], gr.HTML]:
    """A closed accordion for each group. Returns the widgets by field, and where the method is explained."""
    form: dict[str, Any] = {}
    begin = TrainingConfig()
    there, values = shown_fields(begin), values_of(begin)
    about = gr.HTML(render=False, apply_default_css=False, js_on_load=None, elem_id="ts-about")
    for group, fields in GROUPS.items():
        with gr.Accordion(words.t(f"train.group_{group}"), open=False, elem_id=f"ts-group-{group}"):
            with gr.Row(equal_height=False, elem_classes="ts-fields"):
                for field in fields:
                    form[field] = _widget(words, field, values[field], field in there)
            if group == "method":
                about.render()  # type: ignore[no-untyped-call]
    return form, about


def _widget(words: Words, field: str, value: Any, visible: bool) -> Any:
    label = words.t(f"train.field_{field}") if field in OWN_LABELS else field
    settings: dict[str, Any] = {
        "label": label,
        "info": words.t(f"train.info.{field}"),
        "elem_id": f"ts-{field}",
        "min_width": NARROW,
        "visible": visible,
    }
    make = _maker(words, field, value)
    return make(**settings)


def _maker(words: Words, field: str, value: Any) -> Callable[..., Any]:
    if field in OWN_LABELS:
        return lambda **rest: gr.Dropdown(_own_choices(words, field), value=value, **rest)
    if field in TEXTS:
        return lambda **rest: gr.Textbox(value, max_lines=1, max_length=2_000, **rest)
    if isinstance(value, bool):
        return lambda **rest: gr.Checkbox(value, **rest)
    options = [one for one in get_args(TrainingConfig.model_fields[field].annotation) if isinstance(one, str)]
    if options:
        return lambda **rest: gr.Dropdown(options, value=value, **rest)
    # Of the fields that may be empty this one is then off; for the others the run finds a number.
    blank = None if field == "neftune_noise_alpha" else words.t("train.automatic")
    return lambda **rest: gr.Number(value, placeholder=blank, **rest)


def _own_choices(words: Words, field: str) -> list[tuple[str, str]]:
    if field == "objective":
        return [(words.t(f"train.objective_{one}"), one) for one in OBJECTIVES]
    if field == "method":
        return [(widgets.method_name(words, one), one) for one in METHODS]
    return [(words.t("train.quantization_none"), ""), ("int8 (8 bit)", "int8"), ("nf4 (4 bit, QLoRA)", "nf4")]


def about_method(words: Words, config: TrainingConfig) -> str:
    """What the method costs and gives, and what it cannot be combined with."""
    spec, told = METHODS[config.method], [words.t(f"methods.about.{config.method}")]
    if config.objective not in spec.objectives:
        told.append(words.t("train.method_not_objective", objective=words.t(f"train.objective_{config.objective}")))
    if config.quantization and config.quantization not in spec.quantizable:
        told.append(words.t("train.method_not_quantized", quantization=config.quantization))
    first, *faults = told
    return f'<p class="note">{escape(first)}</p>' + "".join(
        f'<p class="ts-fault">✕ {escape(one)}</p>' for one in faults
    )


def field_updates(form: dict[str, Any], config: TrainingConfig) -> dict[Any, Any]:
    """Every expert widget as the config has it; fields that mean nothing to its method are hidden."""
    values, there = values_of(config), shown_fields(config)
    return {widget: gr.update(value=values[field], visible=field in there) for field, widget in form.items()}
