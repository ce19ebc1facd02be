"""What the settings say of models elsewhere: whose server reads the documents, and which reranking models are here."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import gradio as gr

from backend.documents.embedding.fetching import here, start_fetching
from backend.documents.retrieving.choosing import reranker_folder
from backend.errors import ModelProblem
from backend.services import Services
from tabs.documents.files_whereabouts import chroma_server, embedding_server
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET, owner
from tabs.text import Words

RERANKERS: Final = (
    "BAAI/bge-reranker-v2-m3",
    "dragonkue/bge-reranker-v2-m3-ko",
    "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1",
    "cross-encoder/ms-marco-MiniLM-L6-v2",
)
"""Cross-encoders with safe weights: the first three read Korean too, the last one English only, and is the quickest."""


@dataclass(frozen=True)
class RerankView:
    name: gr.Dropdown
    fetch: gr.Button
    told: gr.HTML


def rerank_layout(words: Words) -> RerankView:
    t = words.t
    with gr.Row(equal_height=False, elem_classes="dc-tagging"):
        name = gr.Dropdown(
            list(RERANKERS),
            value=RERANKERS[0],
            allow_custom_value=True,
            label=t("retrieval.rerank"),
            info=t("retrieval.rerank_info"),
            elem_id="dx-rerank",
            scale=5,
        )
        fetch = gr.Button(t("retrieval.rerank_fetch"), size="sm", elem_id="dx-rerank-fetch", scale=0, min_width=120)
    told = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dx-rerank-told")
    return RerankView(name, fetch, told)


class Encoders:
    def __init__(self, services: Services, words: Words) -> None:
        self.services, self.words = services, words

    def whither(self, kind: str, endpoint: str | None, chroma: str | None, project_id: str, request: gr.Request) -> str:
        """Where the documents' texts and points go when this is saved; nothing for what is on this machine."""
        texts = self._texts(kind, endpoint, project_id, request)
        return texts if kind == "none" else texts + self._points(chroma)

    def _points(self, chroma: str | None) -> str:
        try:
            parts = urlsplit((chroma or "").strip())
        except ValueError:
            return ""  # saving says so
        if not parts.hostname or chroma_server(parts.geturl()).local:
            return ""
        said = self.words.t("retrieval.sent_vectors", host=parts.netloc)
        return f'<p class="dc-warning">{escape(said)}</p>'

    def _texts(self, kind: str, endpoint: str | None, project_id: str, request: gr.Request) -> str:
        if kind != "endpoint" or not project_id:
            return ""
        project = self.services.projects.open(owner(request), project_id)
        count = project.documents.counts().total
        server = embedding_server(self.services, endpoint)
        if server is None:
            return f'<p class="dc-warning">{escape(self.words.t("retrieval.sent_somewhere"))}</p>'
        key = "retrieval.sent_near" if server.local else "retrieval.sent_away"
        host = urlsplit(server.url).netloc
        said = self.words.t(key, name=server.name, host=host, count=count)
        return f'<p class="dc-warning">{escape(said)}</p>'

    def restore(self, _project_id: str, name: str | None) -> str:
        return self.standing(name)

    def standing(self, name: str | None) -> str:
        """Whether the chosen reranking model can be used at once."""
        name = (name or "").strip()
        try:
            reranker_folder(self.services.settings, name)
        except ModelProblem:
            key = "retrieval.rerank_away"
        else:
            key = "retrieval.rerank_here"
        return f'<p class="note">{escape(self.words.t(key, model=name))}</p>' if name else ""

    def fetch(self, name: str | None) -> str:
        """Begin the download. Raises BadInput("error.model_id"), Unavailable("error.offline")."""
        name = (name or "").strip()
        if not Path(name).expanduser().is_dir() and not here(self.services.settings, name):
            start_fetching(self.services.house_runs, self.services.settings, name)
            self.words.say("retrieval.rerank_fetching", "success", model=name)
        return self.standing(name)


def wire_encoders(services: Services, words: Words, inside: Inside, view: Any) -> None:
    """`view` is the SettingsView."""
    encoders, show, current = Encoders(services, words), shown(words), inside.project_id
    asked = [view.kind, view.endpoint, view.chroma, current]
    gr.on(
        [view.kind.change, view.endpoint.change, view.chroma.change], show(encoders.whither), asked, view.sent, **QUIET
    )
    rerank = view.rerank
    inside.on_project(show(encoders.restore), [rerank.name], [rerank.told])
    gr.on([rerank.name.input, inside.seen.change], show(encoders.standing), rerank.name, rerank.told, **QUIET)
    rerank.fetch.click(show(encoders.fetch), rerank.name, rerank.told, **QUIET)
