"""From messages to the exact text a model reads, by the template that came with its tokenizer.

A template is Jinja and is run by transformers in its sandbox. Models without one (base models) get
`PLAIN_TEMPLATE`: named speakers, a blank line between turns. Its `{% generation %}` marks say which words are
the assistant's own, which is what training on answers only needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from backend.errors import ModelProblem
from backend.messages import Message

PLAIN_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{ message['content'] + '\\n\\n' }}
{%- elif message['role'] == 'user' -%}
{{ 'User: ' + message['content'] + '\\n\\n' }}
{%- else -%}
{{ 'Assistant:\\n' }}
{%- generation -%}
{{ message['content'] + (eos_token or '') }}
{%- endgeneration -%}
{{ '\\n\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ 'Assistant:\\n' }}
{%- endif -%}
"""
PLAIN_STOPS = ("\n\nUser:", "\nUser:")
"""Where a base model begins to speak for the person: the answer has ended."""


def template_of(tokenizer: Any) -> str:
    """The tokenizer's template, or the plain one. Of several named ones the one called "default"."""
    own = getattr(tokenizer, "chat_template", None)
    if isinstance(own, dict):
        own = own.get("default")
    return own or PLAIN_TEMPLATE


def render(tokenizer: Any, messages: Sequence[Message], template: str, prefill: str = "") -> str:
    """The exact text the model sees, ready for its answer; `prefill` is the answer's beginning.

    Raises ModelProblem("error.chat_template", why=) for a template that cannot be run.
    """
    turns = [message.model_dump() for message in messages]
    system = turns[0]["content"].strip() if turns and turns[0]["role"] == "system" else ""
    try:
        text = _apply(tokenizer, turns, template)
        if not system or system in text:
            return text + prefill
    except TemplateError as fault:
        if not system:
            raise ModelProblem("error.chat_template", why=str(fault)) from fault
    # The model knows no system role: it refused the message or dropped it.
    try:
        return _apply(tokenizer, _folded(turns), template) + prefill
    except TemplateError as fault:
        raise ModelProblem("error.chat_template", why=str(fault)) from fault


def _apply(tokenizer: Any, turns: list[dict[str, str]], template: str) -> str:
    return str(tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False, add_generation_prompt=True))


def _folded(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """The system text as the first words of the first user message."""
    system, rest = turns[0]["content"], [dict(turn) for turn in turns[1:]]
    for turn in rest:
        if turn["role"] == "user":
            turn["content"] = f"{system}\n\n{turn['content']}"
            return rest
    return [{"role": "user", "content": system}, *rest]
