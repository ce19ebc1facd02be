"""Fetching an embedding model or a cross-encoder from the hub, by the house's own download, and where it then lies.

A sentence-transformers model is what any model is, and small folders beside it that say how the points are made
("1_Pooling"). Weights come as safetensors only; a model that brings code of its own is refused, also in a folder that
somebody wrote the path of.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

from backend.documents.embedding.model import EmbeddingModel
from backend.errors import ModelProblem, Unavailable
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models import hub
from backend.models.download import Teller, fetch
from backend.settings import Settings

KIND: Final = "encoder_download"
MODULE: Final = re.compile(r"(\d{1,2}_\w{1,40})/(config\.json|model\.safetensors)")
WITH_WEIGHTS: Final = re.compile(r"(\d{1,2}_\w{1,40})/(pytorch_model\.bin|model\.safetensors)")
OURS: Final = "sentence_transformers."
"""What the classes named in `modules.json` must begin with: any other name would be imported and run."""


def start_fetching(runs: Runs, settings: Settings, name: str, revision: str | None = None) -> Run:
    """Fetch an encoder as a run of the house, or return the run that does so already.

    Raises BadInput("error.model_id"), Unavailable("error.offline") at once; the rest is told by the run.
    """
    name = hub.check_id(name)
    if settings.offline:
        raise Unavailable("error.offline")
    config = {"model": name, "revision": revision}
    at_work = (run for run in runs.active() if run.kind == KIND and run.config == config)
    return next(at_work, None) or runs.submit(KIND, config, title=name)


def work(job: Job, progress: Progress) -> None:
    """The run of `start_fetching`. Raises Unavailable, BadInput, ModelProblem, StorageProblem, Busy, Stopped."""
    model = EmbeddingModel(kind="hub", name=str(job.config["model"]), revision=job.config.get("revision"))
    folder = fetched(job.settings, model, progress, counted=True)
    progress.result(path=str(folder), model=model.name)


class _Silent:
    def message(self, key: str, **details: object) -> None: ...

    def done(self, done: int) -> None: ...

    def check_stop(self) -> None: ...


class _InPassing:
    """A download in the middle of other work: told as a sentence, since what is counted there are files."""

    def __init__(self, teller: Teller, name: str, size: int) -> None:
        self._teller, self._name, self._size = teller, name, max(size, 1)
        self.check_stop = teller.check_stop

    def message(self, key: str, **details: object) -> None: ...

    def done(self, done: int) -> None:
        percent = int(100 * done / self._size)
        self._teller.message("run.message.encoder_fetching", model=self._name, percent=percent)


def fetched(settings: Settings, model: EmbeddingModel, progress: Any = None, *, counted: bool = False) -> Path:
    """A hub model's folder, downloaded where it is missing; what came of an attempt that was stopped is kept.

    progress  a Progress; `counted` makes the download all of its work, else it is told in a sentence
    Raises Unavailable("error.offline" | "error.no_network", ...), BadInput, ModelProblem("error.hub_pickled" |
    "error.hub_no_weights" | "error.model_custom_code", ...), StorageProblem, Busy, Stopped.
    """
    folder = hub_folder(settings, model)
    if (folder / "config.json").is_file():
        return folder
    if settings.offline:
        raise Unavailable("error.offline")
    os.environ["HF_HUB_OFFLINE"] = "0"  # the studio's children are kept off the hub by it
    teller: Teller = progress or _Silent()
    teller.message("run.message.asking_hub")
    plan = hub.ask(model.name, model.revision, choose)
    if counted:
        progress.total(plan.size, "bytes")
    fetch(settings, plan, folder, teller if counted else _InPassing(teller, model.name, plan.size))
    teller.done(plan.size)
    check_modules(model.name, folder)
    return folder


def choose(model: str, names: list[str]) -> set[str]:
    """The files of the model and of its modules. Raises ModelProblem as `hub.choose`."""
    wanted = hub.choose(model, names) | {name for name in names if MODULE.fullmatch(name)}
    weights: dict[str, set[str]] = {}
    for found in filter(None, map(WITH_WEIGHTS.fullmatch, names)):
        weights.setdefault(found[1], set()).add(found[2])
    if any("model.safetensors" not in kinds for kinds in weights.values()):
        raise ModelProblem("error.hub_pickled", model=model)
    return wanted


def hub_folder(settings: Settings, model: EmbeddingModel) -> Path:
    return settings.models / ".embedding" / f"{hub.folder_name(model.name)}@{model.revision or 'main'}"


def here(settings: Settings, name: str) -> bool:
    """Whether a model of the hub, by id, has been fetched."""
    return (hub_folder(settings, EmbeddingModel(kind="hub", name=name)) / "config.json").is_file()


def check_modules(name: str, folder: Path) -> None:
    """Raises ModelProblem("error.model_custom_code" | "error.embedding_damaged") before any of the model is loaded."""
    try:
        modules = json.loads((folder / "modules.json").read_text("utf-8"))
        types = [str(module["type"]) for module in modules]
    except FileNotFoundError:
        return  # a cross-encoder, or a plain model whose points are the mean of its tokens
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise ModelProblem("error.embedding_damaged", model=name, why="modules.json") from fault
    if not all(one.startswith(OURS) for one in types):
        raise ModelProblem("error.model_custom_code", model=name)


def asked_as(folder: Path) -> dict[str, Any]:
    """How a model in a folder wants to be asked, as far as it tells: query, passage, max_tokens."""
    told: dict[str, Any] = {}
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts")
    if isinstance(prompts, dict):
        for field, names in (("query", ("query",)), ("passage", ("document", "passage"))):
            found = next((prompts[name] for name in names if isinstance(prompts.get(name), str)), "")
            told[field] = found[:500]
    older = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    newer = _json(folder / "tokenizer_config.json").get("model_max_length")
    length = next((one for one in (older, newer) if isinstance(one, int) and 16 <= one <= 32_768), None)
    return told if length is None else {**told, "max_tokens": length}


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
