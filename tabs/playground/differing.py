"""How two versions differ, for a person: field by field, long texts line by line. Pure views."""

from __future__ import annotations

from collections.abc import Sequence

from backend.assistants import Change
from tabs.playground.consulted import FIELDS
from tabs.playground.conversation import Say
from tabs.playground.prose import plain

SIGNS = {"- ": "del", "+ ": "ins"}


def difference(changes: Sequence[Change], t: Say) -> str:
    """Every field that differs, before and after; says so when nothing does."""
    if not changes:
        return f'<p class="pg-quiet">{plain(t("playground.no_difference"))}</p>'
    return f'<div class="pg-differ">{"".join(one(change, t) for change in changes)}</div>'


def one(change: Change, t: Say) -> str:
    """Short values as before → after, texts of several lines with the lines that went and came."""
    name = f"<dt>{plain(field_name(change.field, t))}</dt>"
    if len(change.before) + len(change.after) < 60 and "\n" not in change.before + change.after:
        before, after = (plain(text) or plain(t("playground.blank")) for text in (change.before, change.after))
        return f"<dl>{name}<dd><del>{before}</del> → <ins>{after}</ins></dd></dl>"
    return f"<dl>{name}<dd>{''.join(line(text) for text in change.lines())}</dd></dl>"


def line(text: str) -> str:
    mark = SIGNS.get(text[:2], "span")
    return f'<{mark} class="pg-diff-line">{plain(text[:2])}{plain(text[2:])}</{mark}>'


def told_of_documents(field: str, t: Say) -> str:
    """A field of how documents are used; what is looked in goes under one name."""
    if field.startswith("filter."):
        return t("grounding.within")
    name = "use" if field == "retriever" else field
    return t(f"grounding.{name}") if f"documents_{field}" in FIELDS or name == "use" else field


def field_name(field: str, t: Say) -> str:
    """A dotted field in the words of the form; one without words of its own keeps its name."""
    known = {
        "instructions.system": "playground.system",
        "instructions.template": "playground.template",
        "system": "playground.system",
        "template": "playground.template",
        "model.name": "playground.model",
        "decoding.temperature": "playground.temperature",
        "decoding.top_p": "playground.top_p",
        "decoding.top_k": "playground.top_k",
        "decoding.min_p": "playground.min_p",
        "decoding.repetition_penalty": "playground.repetition_penalty",
        "decoding.max_new_tokens": "playground.max_new_tokens",
        "decoding.seed": "playground.seed",
        "adapter.id": "adapters.adapter",
        "adapter.method": "adapters.method",
        "quantization": "adapters.quantization",
        "chat_template": "playground.field_chat_template",
        "name": "playground.name",
    }
    if field in known:
        return t(known[field])
    if field.startswith("documents."):
        return told_of_documents(field.removeprefix("documents."), t)
    if field.startswith("examples."):
        return t("playground.field_examples", field=field.removeprefix("examples.shots."))
    return t("playground.field_stop") if field.startswith("decoding.stop") else field
