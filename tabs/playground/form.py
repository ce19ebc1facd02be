"""The assistant form as plain values: what stands in the widgets, and the Assistant it says.

The keys of the form are the config's field names (`system`, `template`, `temperature`, ...), so a new field is one
widget, one field and two words. No Gradio in here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError

from backend.assistants import (
    AdapterRef,
    Assistant,
    Decoding,
    Examples,
    Instructions,
    ModelRef,
    Quantization,
    Selection,
    Shot,
    Weights,
)
from backend.errors import BadInput
from tabs.playground import consulted
from tabs.playground.consulted import fill_documents, read_documents

DECODING = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_new_tokens", "stop", "seed")
FIELDS = (
    "model", "adapter", "quantization", "system", "template", "shots", "selection", *consulted.FIELDS, *DECODING,
)  # fmt: skip
WHOLE = ("top_k", "max_new_tokens", "seed")


NONE: Final = ""
"""The value of a picker in which nothing is chosen."""


def model_value(ref: ModelRef) -> str:
    """A model as the value of a picker's choice: a text that says it completely."""
    return ref.model_dump_json()


def model_of(value: object) -> ModelRef:
    """The model behind a picker's value. Raises BadInput for anything that no picker of ours offered."""
    try:
        return ModelRef.model_validate_json(str(value))
    except ValidationError as fault:
        raise BadInput("error.playground_model") from fault


def fill(assistant: Assistant) -> dict[str, Any]:
    """What the widgets show for an assistant, keyed by FIELDS."""
    decoding = assistant.decoding.model_dump()
    return {
        "model": model_value(assistant.model),
        "adapter": adapter_value(assistant.adapter),
        "quantization": assistant.quantization or NONE,
        "system": assistant.instructions.system,
        "template": assistant.instructions.template,
        "shots": [shot.model_dump() for shot in assistant.examples.shots],
        "selection": selection.model_dump() if (selection := assistant.examples.selection) else None,
        **fill_documents(assistant.documents),
        **{name: decoding[name] for name in DECODING if name not in ("stop", "seed")},
        "seed": "" if assistant.decoding.seed is None else str(assistant.decoding.seed),
        "stop": "\n".join(spell(mark) for mark in assistant.decoding.stop),
    }


def read(form: Mapping[str, Any], name: str = "", chat_template: str | None = None) -> Assistant:
    """The assistant that a filled form says. Raises BadInput naming the field that cannot be right."""
    return Assistant(
        name=name,
        model=model_of(form["model"]),
        instructions=Instructions(system=str(form["system"] or ""), template=str(form["template"] or "{input}")),
        examples=Examples(shots=read_shots(form.get("shots")), selection=read_selection(form.get("selection"))),
        decoding=read_decoding(form),
        chat_template=chat_template,
        adapter=adapter_of(form.get("adapter")),
        quantization=quantization_of(form.get("quantization")),
        documents=read_documents(form),
    )


def adapter_value(ref: AdapterRef | None) -> str:
    """An adapter as the value of a picker's choice: a text that says it completely."""
    return NONE if ref is None else ref.model_dump_json()


def adapter_of(value: object) -> AdapterRef | None:
    """The adapter behind the picker's value. Raises BadInput for anything that no picker of ours offered."""
    if value is None or value == NONE:
        return None
    try:
        return AdapterRef.model_validate_json(str(value))
    except ValidationError as fault:
        raise BadInput("error.adapter_choice") from fault


def quantization_of(value: object) -> Quantization | None:
    """Raises BadInput("error.adapter_quantization")."""
    if value is None or value == NONE:
        return None
    for known in get_args(Quantization):
        if value == known:
            return known  # type: ignore[no-any-return]  # get_args tells no types
    raise BadInput("error.adapter_quantization", value=str(value)[:40])


def weights_of(form: Mapping[str, Any]) -> Weights:
    """What has to be loaded for a form. Raises BadInput."""
    return Weights(
        model=model_of(form["model"]),
        adapter=adapter_of(form.get("adapter")),
        quantization=quantization_of(form.get("quantization")),
    )


def read_decoding(form: Mapping[str, Any]) -> Decoding:
    """The decoding part of a form. A cleared seed means: draw anew each time."""
    values: dict[str, Any] = {name: form[name] for name in DECODING if name in form}
    values["stop"] = tuple(unspell(line) for line in str(values.get("stop") or "").splitlines() if line)
    if isinstance(values.get("seed"), str):
        values["seed"] = values["seed"].strip() or None
    defaults = Decoding()
    for name, value in values.items():
        if value is None and name != "seed":
            values[name] = getattr(defaults, name)
        elif name in WHOLE and isinstance(value, float) and value.is_integer():
            values[name] = int(value)
    try:
        return Decoding(**values)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise BadInput("error.playground_field", field=str(first["loc"][0]), value=str(first["input"])) from fault


def read_shots(shots: object) -> tuple[Shot, ...]:
    """The worked examples kept beside the form. Raises BadInput for a shape we never put there."""
    try:
        return tuple(Shot.model_validate(shot) for shot in (shots if isinstance(shots, (list, tuple)) else ()))
    except ValidationError as fault:
        raise BadInput("error.playground_shots") from fault


def read_selection(selection: object) -> Selection | None:
    """How the examples are chosen, kept beside them. Raises BadInput for a shape we never put there."""
    try:
        return None if selection is None else Selection.model_validate(selection)
    except ValidationError as fault:
        raise BadInput("error.playground_shots") from fault


def spell(mark: str) -> str:
    """A stop string on one line: its line breaks and tabs as `\\n` and `\\t`."""
    return json.dumps(mark, ensure_ascii=False)[1:-1].replace('\\"', '"')


def unspell(line: str) -> str:
    """`spell` undone; a line that is no valid escape stands for itself."""
    try:
        return str(json.loads('"' + line.replace('"', '\\"') + '"'))
    except json.JSONDecodeError:
        return line
