"""Answering from the project's documents: whether, how passages are looked for, and in which documents."""

from __future__ import annotations

from typing import Any, get_args

import gradio as gr
from sqlalchemy import func, select

from backend.assistants import Assistant, Documents, Fusion, PassageFilter, Retriever
from backend.projects.folder import Project
from backend.projects.tables import DocumentRow
from tabs.playground.consulted import OFF, within_values
from tabs.playground.prose import plain
from tabs.text import Words

MOST_FILES = 300
"""Files offered by name; with more of them folders and tags are the way to choose."""
BEST_FIRST: tuple[Retriever, ...] = ("hybrid", "bm25", "dense", "keyword", "whole")
LANGUAGES = ("ko", "en", "mixed", "other")


GO = """
element.addEventListener('click', (event) => {
  if (event.target.closest('[data-go]')) document.getElementById('tab-documents-button')?.click();
});
"""


def widgets(form: dict[str, Any], words: Words) -> gr.HTML:
    """The choice in plain words, and the line of `standing`. Details follow in `expert_widgets`."""
    t = words.t
    choices = [(t("grounding.off"), OFF), *[(t(f"grounding.retriever_{name}"), name) for name in BEST_FIRST]]
    form["documents"] = gr.Dropdown(
        choices, value=OFF, label=t("grounding.use"), info=t("grounding.use_info"), elem_id="pg-documents"
    )
    return gr.HTML("", js_on_load=GO, apply_default_css=False, visible=False, elem_id="pg-documents-note")


def standing(project: Project, assistant: Assistant, words: Words) -> Any:
    """What there is to look in, with the way to the Documents page where something is to be done; hidden when off.

    A model of a server is sent the passages: that is said here, where documents are turned on.
    """
    if assistant.documents is None:
        return gr.update(value="", visible=False)
    counted = select(DocumentRow.state, func.count()).group_by(DocumentRow.state)
    with project.database.read() as session:
        counts: dict[str, int] = {row[0]: row[1] for row in session.execute(counted)}
    t, indexed, failed = words.t, counts.get("indexed", 0), counts.get("failed", 0)
    waiting = sum(counts.values()) - indexed - failed
    told = [t("grounding.standing_indexed", count=indexed)] if indexed else []
    told += [t("grounding.standing_waiting", count=waiting)] if waiting else []
    told += [t("grounding.standing_failed", count=failed)] if failed else []
    told += [t("grounding.sent_along")] if told and assistant.model.kind == "endpoint" else []
    line = " ".join(told) or t("grounding.standing_none")
    label = t("grounding.go_documents" if counts else "grounding.add_documents")
    button = f'<button type="button" data-go="documents">{plain(label)}</button>'
    css = "pg-line" if indexed else "pg-line pg-wanting"
    return gr.update(value=f'<p class="{css}">{plain(line)} {button}</p>', visible=True)


def expert_widgets(form: dict[str, Any], words: Words) -> None:
    """How many passages, out of which documents, and how the retrievers' findings are put together."""
    t, start = words.t, Documents()

    def told(name: str) -> dict[str, Any]:
        return {
            "label": t(f"grounding.{name}"),
            "info": t(f"grounding.{name}_info"),
            "elem_id": f"pg-documents-{name.replace('_', '-')}",
        }

    with gr.Accordion(t("grounding.settings"), open=False, elem_id="pg-grounding"):
        form["documents_top_k"] = gr.Slider(1, 50, start.top_k, step=1, **told("top_k"))
        form["documents_within"] = gr.Dropdown([], value=[], multiselect=True, **told("within"))
        with gr.Row():
            form["documents_dated_from"] = gr.Textbox(placeholder="2024-01-31", max_length=10, **told("dated_from"))
            form["documents_dated_to"] = gr.Textbox(placeholder="2024-12-31", max_length=10, **told("dated_to"))
        form["documents_cite"] = gr.Checkbox(start.cite, **told("cite"))
        form["documents_rewrite"] = gr.Checkbox(start.rewrite, **told("rewrite"))
        with gr.Accordion(t("grounding.expert"), open=False):
            form["documents_candidates"] = gr.Slider(1, 1000, start.candidates, step=1, **told("candidates"))
            fusions = [(t(f"grounding.fusion_{name}"), name) for name in get_args(Fusion)]
            form["documents_fusion"] = gr.Dropdown(fusions, value=start.fusion, **told("fusion"))
            form["documents_rrf_k"] = gr.Slider(1, 1000, start.rrf_k, step=1, **told("rrf_k"))
            form["documents_dense_weight"] = gr.Slider(0, 1, start.dense_weight, step=0.05, **told("dense_weight"))
            form["documents_rerank"] = gr.Textbox(start.rerank, max_length=500, **told("rerank"))
            form["documents_mmr"] = gr.Number(start.mmr, minimum=0, maximum=1, step=0.05, **told("mmr"))


def within_update(project: Project, assistant: Assistant, words: Words) -> Any:
    """What can be looked in; a choice in hand stays in the list even when its documents are gone."""
    t = words.t
    choices = [(t("grounding.within_folder", folder=name), f"folder:{name}") for name in _folders(project) if name]
    choices += [(t("grounding.within_tag", tag=name), f"tag:{name}") for name in project.documents.tags()]
    choices += [(t(f"grounding.language_{name}"), f"language:{name}") for name in LANGUAGES]
    choices += [(name, f"document:{number}") for number, name in _files(project)]
    chosen = within_values(assistant.documents.filter if assistant.documents else PassageFilter())
    known = {value for _, value in choices}
    gone = [value for value in chosen if value not in known]
    choices += [(t("grounding.within_gone", name=value.partition(":")[2]), value) for value in gone]
    return gr.update(choices=choices, value=chosen)


def _folders(project: Project) -> list[str]:
    return project.documents.folders()


def _files(project: Project) -> list[tuple[int, str]]:
    found = select(DocumentRow.id, DocumentRow.name).order_by(DocumentRow.name).limit(MOST_FILES)
    with project.database.read() as session:
        return [(number, name) for number, name in session.execute(found)]
