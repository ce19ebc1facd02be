"""How documents are made ready for searching: how long a passage is, and which model knows what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import gradio as gr

from backend.documents.embedding.fetching import asked_as
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.analysis import MORPHEMES, SYLLABLES
from backend.documents.index.settings import EMBEDDED, IndexSettings, checked
from backend.errors import BadInput
from tabs.documents.files_encoders import RerankView, rerank_layout
from tabs.text import Words

LENGTHS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"short": (128, 16), "middle": (256, 32), "long": (512, 64)}
)
"""Size and overlap in tokens of the three lengths that have a name."""
OWN: Final = "own"
ANALYSES: Final = (MORPHEMES, SYLLABLES)
KINDS: Final = ("minilm", "hub", "local", "endpoint", "none")


@dataclass(frozen=True)
class Known:
    """An embedding model that people use for Korean, and how its makers want it asked."""

    name: str
    query: str = ""
    passage: str = ""
    max_tokens: int = 512


MODELS: Final = (
    Known("nlpai-lab/KURE-v1", max_tokens=8192),
    Known("dragonkue/BGE-m3-ko", max_tokens=8192),
    Known("intfloat/multilingual-e5-small", "query: ", "passage: "),
    Known("intfloat/multilingual-e5-large", "query: ", "passage: "),
)
"""With weights in safetensors; BAAI/bge-m3 itself brings a pickle alone, its Korean child does not."""


@dataclass(frozen=True)
class SettingsView:
    """The form. `own` is shown for a length without a name, `model` and `place` for models that have one."""

    box: gr.Accordion
    told: gr.HTML
    length: gr.Radio
    kind: gr.Radio
    name: gr.Dropdown
    endpoint: gr.Dropdown
    size: gr.Number
    overlap: gr.Number
    query: gr.Textbox
    passage: gr.Textbox
    max_tokens: gr.Number
    languages: gr.Radio
    analysis: gr.Radio
    chroma: gr.Textbox
    save: gr.Button
    sent: gr.HTML
    rerank: RerankView

    @property
    def form(self) -> dict[str, Any]:
        """What makes the settings, named as `read_form` asks for it."""
        return {
            "length": self.length, "kind": self.kind, "name": self.name, "endpoint": self.endpoint, "size": self.size,
            "overlap": self.overlap, "query": self.query, "passage": self.passage, "max_tokens": self.max_tokens,
            "languages": self.languages, "analysis": self.analysis, "chroma": self.chroma,
        }  # fmt: skip

    @property
    def fields(self) -> list[Any]:
        return list(self.form.values())


def settings_layout(words: Words) -> SettingsView:
    t = words.t
    with gr.Accordion(t("docs.settings"), open=False, elem_id="dx-settings") as box:
        told = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dx-told")
        length = gr.Radio(
            [(t(f"docs.length_{name}"), name) for name in (*LENGTHS, OWN)],
            value="middle",
            label=t("docs.length"),
            info=t("docs.length_info"),
            elem_id="dx-length",
        )
        kind = gr.Radio(
            [(t(f"docs.embedding_{name}"), name) for name in KINDS],
            value="minilm",
            label=t("docs.embedding"),
            info=t("docs.embedding_info"),
            elem_id="dx-kind",
            elem_classes="ts-said",
        )
        with gr.Row():
            name = gr.Dropdown(
                [one.name for one in MODELS],
                value=MODELS[0].name,
                allow_custom_value=True,
                visible=False,
                label=t("docs.model"),
                info=t("docs.model_info"),
                elem_id="dx-model",
            )
            endpoint = gr.Dropdown(
                [], visible=False, label=t("docs.endpoint"), info=t("docs.endpoint_info"), elem_id="dx-endpoint"
            )
        sent = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="dx-sent")
        with gr.Accordion(t("docs.expert"), open=False, elem_id="dx-expert"):
            size, overlap, query, passage, max_tokens, languages, analysis, chroma = expert_layout(words)
            rerank = rerank_layout(words)
        save = gr.Button(t("docs.settings_save"), size="sm", elem_id="dx-save", elem_classes="dc-narrow")
    return SettingsView(
        box, told, length, kind, name, endpoint, size, overlap, query, passage, max_tokens, languages, analysis,
        chroma, save, sent, rerank,
    )  # fmt: skip


def expert_layout(words: Words) -> tuple[Any, ...]:
    t = words.t
    with gr.Row():
        size = _number(words, "size", 256, 16, 8_192)
        overlap = _number(words, "overlap", 32, 0, 4_096)
        max_tokens = _number(words, "max_tokens", 256, 16, 32_768)
    with gr.Row():
        query = gr.Textbox(
            label=t("docs.prompt_query"),
            info=t("docs.prompt_query_info"),
            max_length=500,
            max_lines=1,
            elem_id="dx-query",
        )
        passage = gr.Textbox(
            label=t("docs.prompt_passage"),
            info=t("docs.prompt_passage_info"),
            max_length=500,
            max_lines=1,
            elem_id="dx-passage",
        )
    languages = gr.Radio(
        [(t("docs.good_en"), "en"), (t("docs.good_multi"), "multi")],
        value="en",
        label=t("docs.good"),
        info=t("docs.good_info"),
        elem_id="dx-languages",
    )
    analysis = gr.Radio(
        [(t(f"retrieval.analysis_{name}"), name) for name in ANALYSES],
        value=MORPHEMES,
        label=t("retrieval.analysis"),
        info=t("retrieval.analysis_info"),
        elem_id="dx-analysis",
        elem_classes="ts-said",
    )
    chroma = gr.Textbox(
        EMBEDDED,
        label=t("docs.chroma"),
        info=t("docs.chroma_info"),
        max_length=500,
        max_lines=1,
        elem_id="dx-chroma",
    )
    return size, overlap, query, passage, max_tokens, languages, analysis, chroma


def _number(words: Words, name: str, value: int, least: int, most: int) -> gr.Number:
    return gr.Number(
        value,
        label=words.t(f"docs.{name}"),
        info=words.t(f"docs.{name}_info"),
        precision=0,
        minimum=least,
        maximum=most,
        elem_id=f"dx-{name.replace('_', '-')}",
    )


# --- between the form and the value -----------------------------------------------------------------------------------


def read_form(
    length: str,
    kind: str,
    name: str | None,
    endpoint: str | None,
    size: float | None,
    overlap: float | None,
    query: str | None,
    passage: str | None,
    max_tokens: float | None,
    languages: str,
    analysis: str,
    chroma: str | None,
) -> IndexSettings:
    """The settings as the form says them. Raises BadInput("error.index_settings", field=) and "error.page_action"."""
    if kind not in KINDS:
        raise BadInput("error.page_action")
    tokens, shared = LENGTHS.get(length, (int(size or 0), int(overlap or 0)))
    own = {"query": query or "", "passage": passage or "", "max_tokens": int(max_tokens or 0), "languages": languages}
    if kind == "minilm":
        embedding: dict[str, Any] = {}
    elif kind == "none":
        embedding = {"kind": "none", "name": ""}
    else:
        embedding = {"kind": kind, "name": (name or "").strip(), **own}
        if not embedding["name"] or (kind == "endpoint" and not endpoint):
            raise BadInput("error.docs_no_model")
        if kind == "endpoint":
            embedding["endpoint"] = endpoint
    split = {"size": tokens, "overlap": shared}
    return checked(split=split, embedding=embedding, analysis=analysis, chroma=(chroma or "").strip() or EMBEDDED)


def length_of(size: int, overlap: int) -> str:
    """The name of a length; OWN when it has none."""
    return next((name for name, told in LENGTHS.items() if told == (size, overlap)), OWN)


def form_values(settings: IndexSettings, servers: Sequence[tuple[str, str]]) -> list[Any]:
    """Updates of `SettingsView.fields` that show these settings. `servers` are (name, id) of the connections."""
    split, model = settings.split, settings.embedding
    named = model.kind in ("hub", "local", "endpoint")
    return [
        length_of(split.size, split.overlap),
        model.kind,
        gr.update(value=model.name if named else MODELS[0].name, visible=named),
        gr.update(choices=list(servers), value=model.endpoint, visible=model.kind == "endpoint"),
        split.size,
        split.overlap,
        model.query,
        model.passage,
        model.max_tokens,
        model.languages,
        settings.analysis,
        settings.chroma,
    ]


def suggested(name: str) -> Known | None:
    """How the makers of a well-known model want it asked, and what a model's own folder says of that."""
    name = name.strip()
    folder = Path(name).expanduser()
    if folder.is_absolute() and (folder / "config.json").is_file():
        return Known(name, **asked_as(folder))
    return next((one for one in MODELS if one.name == name), None)


def settings_view(words: Words, settings: IndexSettings) -> str:
    """In one sentence how the documents are made ready now, and what that is good for."""
    split, model = settings.split, settings.embedding
    key = "docs.settings_now_words" if model.kind == "none" else "docs.settings_now"
    told = words.t(key, size=split.size, overlap=split.overlap, model=model.name)
    said = [words.t(f"docs.settings_{good_for(model)}")]
    if model.kind != "none" and split.size > model.max_tokens:
        said.append(words.t("retrieval.cut_off", size=split.size, most=model.max_tokens))
    if settings.analysis == SYLLABLES:
        said.append(words.t("retrieval.by_syllables"))
    notes = "".join(f'<p class="note">{escape(one)}</p>' for one in said)
    return f'<p class="dc-told">{escape(told)}</p>{notes}'


def good_for(model: EmbeddingModel) -> str:
    return "words" if model.kind == "none" else model.languages
