"""How the project's documents are used, as plain values of the form, and back. No Gradio in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from backend.assistants import Documents, PassageFilter
from backend.errors import BadInput

OFF: Final = ""
FIELDS: Final = (
    "documents",
    "documents_top_k",
    "documents_cite",
    "documents_within",
    "documents_dated_from",
    "documents_dated_to",
    "documents_rewrite",
    "documents_candidates",
    "documents_fusion",
    "documents_rrf_k",
    "documents_dense_weight",
    "documents_rerank",
    "documents_mmr",
)
"""Keys of the form: `documents` is the retriever, the others are Documents' own names, marked as theirs."""
PLAIN: Final = ("top_k", "cite", "rewrite", "candidates", "fusion", "rrf_k", "dense_weight", "rerank", "mmr")
WHOLE: Final = ("top_k", "candidates", "rrf_k")
KINDS: Final = {"document": "documents", "folder": "folders", "tag": "tags", "language": "languages"}
"""What a choice of `documents_within` begins with -> the filter's field."""


def fill_documents(wanted: Documents | None) -> dict[str, Any]:
    """What the widgets show; of an assistant without documents the usual settings, ready to be turned on."""
    shown = wanted or Documents()
    values = shown.model_dump()
    return {
        "documents": OFF if wanted is None else wanted.retriever,
        **{f"documents_{name}": values[name] for name in PLAIN},
        "documents_within": within_values(shown.filter),
        "documents_dated_from": shown.filter.dated_from or "",
        "documents_dated_to": shown.filter.dated_to or "",
    }


def read_documents(form: Mapping[str, Any]) -> Documents | None:
    """The documents part of a form. Raises BadInput("error.grounding_field") naming what cannot be right."""
    if not form.get("documents"):
        return None
    values = {name: form[f"documents_{name}"] for name in PLAIN if form.get(f"documents_{name}") not in (None, "")}
    for name in WHOLE:
        if isinstance(values.get(name), float) and values[name].is_integer():
            values[name] = int(values[name])
    if isinstance(values.get("rerank"), str):
        values["rerank"] = values["rerank"].strip()
    try:
        return Documents(retriever=form["documents"], filter=_filter(form), **values)
    except ValidationError as fault:
        first = fault.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise BadInput("error.grounding_field", field=field, value=str(first["input"])[:80]) from fault


def within_values(chosen: PassageFilter) -> list[str]:
    """The choices that say a filter: "folder:계약", "tag:2024", "document:3", "language:ko"."""
    return [f"{kind}:{value}" for kind, field in KINDS.items() for value in getattr(chosen, field)]


def _filter(form: Mapping[str, Any]) -> PassageFilter:
    found: dict[str, list[Any]] = {field: [] for field in KINDS.values()}
    for choice in _listed(form.get("documents_within")):
        kind, colon, value = str(choice).partition(":")
        if kind not in KINDS or not colon:
            raise BadInput("error.grounding_field", field="filter", value=str(choice)[:80])
        found[KINDS[kind]].append(value)
    dated = {end: str(form.get(f"documents_{end}") or "").strip() or None for end in ("dated_from", "dated_to")}
    return PassageFilter.model_validate({**found, **dated})


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()
