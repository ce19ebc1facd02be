"""What the model hub says of a model: which files there are, how large, with which checksums. Safe files only.

Everything here talks to the network and belongs in a worker; `huggingface_hub` is imported late.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from backend.errors import BadInput, ModelProblem, StudioError, Unavailable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
COMMIT = re.compile(r"[0-9a-f]{40}")
TIMEOUT_S = 8.0

TEXTS = frozenset({".json", ".jinja", ".model", ".txt", ".md"})
PLAIN_NAMES = frozenset({"LICENSE", "LICENCE", "NOTICE"})
PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
SAFE_NAME = re.compile(r"(additional_chat_templates/)?[\w][\w .+-]*")
ORDINARY = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma3_text", "phi3"})
"""Kinds of model that transformers has known for years: these are not worth the seconds its import takes."""
WHOLE_MODEL = re.compile(r"model(-\d+-of-\d+)?\.safetensors")


class HubFile(BaseModel):
    """One file to fetch. `sha256` for large files (LFS), else `git_sha1`, the hash git gives the file."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    sha256: str | None = None
    git_sha1: str | None = None


class Plan(BaseModel):
    """What a download fetches: one commit of one model, small files first, so that a refusal comes early."""

    model_config = ConfigDict(frozen=True)

    model: str
    revision: str
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def check_id(model: str) -> str:
    """The id without blanks around it. Raises BadInput("error.model_id", model=)."""
    model = model.strip()
    if not MODEL_ID.fullmatch(model) or "--" in model or ".." in model:
        raise BadInput("error.model_id", model=model[:100])
    return model


def folder_name(model: str) -> str:
    """ "Qwen/Qwen3-0.6B" -> "Qwen--Qwen3-0.6B"."""
    return check_id(model).replace("/", "--")


def ask(model: str, revision: str | None, choosing: Callable[[str, list[str]], set[str]] | None = None) -> Plan:
    """Ask the hub; `choosing` says which files are wanted, `choose` when None.

    Raises Unavailable, BadInput, ModelProblem with the keys told in `told`, within about TIMEOUT_S.
    """
    from huggingface_hub import HfApi, errors

    with told(model, revision):
        try:
            info = HfApi().model_info(model, revision=revision or "main", files_metadata=True, timeout=TIMEOUT_S)
            siblings, commit = info.siblings or [], info.sha or ""
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            if isinstance(fault, errors.HFValidationError):
                raise
            # The sign-in page of a café instead of the hub, or a mirror that speaks another dialect.
            raise Unavailable("error.hub_nonsense", why=type(fault).__name__) from fault
    if not COMMIT.fullmatch(commit):
        raise Unavailable("error.hub_nonsense", why="no commit")
    names = (choosing or choose)(model, [sibling.rfilename for sibling in siblings])
    files = [_file(sibling) for sibling in siblings if sibling.rfilename in names]
    return Plan(model=model, revision=commit, files=tuple(sorted(files, key=lambda file: file.size)))


def choose(model: str, names: list[str]) -> set[str]:
    """Which of a model's files are fetched. Raises ModelProblem("error.hub_pickled" | "error.hub_no_weights", model=).

    Weights that repeat the model in another layout ("consolidated.safetensors") are left out, as is every
    subfolder: transformers reads neither.
    """
    safe = [name for name in names if SAFE_NAME.fullmatch(name)]
    weights = {name for name in safe if WHOLE_MODEL.fullmatch(name)}
    if not weights or "config.json" not in safe:
        pickled = any(Path(name).suffix in PICKLES for name in names)
        raise ModelProblem("error.hub_pickled" if pickled else "error.hub_no_weights", model=model)
    if len(weights) > 1:
        # Both a whole file and its shards: transformers takes the whole one.
        weights = {"model.safetensors"} if "model.safetensors" in weights else weights
    unused = {"model.safetensors.index.json"} if weights == {"model.safetensors"} else set()
    texts = {name for name in safe if Path(name).suffix in TEXTS or name in PLAIN_NAMES}
    return weights | (texts - unused)


def check_architecture(model: str, config: Path) -> None:
    """Refuse before the weights are fetched what could not be loaded without running the model's own code.

    Raises ModelProblem("error.model_custom_code" | "error.model_unknown").
    """
    try:
        told_by_model = json.loads(config.read_text("utf-8"))
        kind = str(told_by_model.get("model_type", ""))
    except (OSError, ValueError, AttributeError) as fault:
        raise ModelProblem("error.model_damaged", file="config.json") from fault
    if kind in ORDINARY:
        return
    import transformers  # noqa: F401  (waits where another thread imports it for the first time)
    from transformers import CONFIG_MAPPING

    if kind not in CONFIG_MAPPING:
        if "auto_map" in told_by_model:
            raise ModelProblem("error.model_custom_code", model=model)
        raise ModelProblem("error.model_unknown", model=model, kind=kind or "?")


@contextmanager
def told(model: str, revision: str | None = None) -> Iterator[None]:
    """Turns what goes wrong with the hub into a StudioError."""
    import httpx
    from huggingface_hub import errors as hub

    try:
        yield
    except StudioError:
        raise
    except (httpx.TransportError, hub.OfflineModeIsEnabled) as fault:
        raise Unavailable("error.no_network") from fault
    except hub.GatedRepoError as fault:
        raise ModelProblem("error.model_gated", model=model, url=f"https://huggingface.co/{model}") from fault
    except hub.RevisionNotFoundError as fault:
        raise BadInput("error.model_revision", model=model, revision=revision or "main") from fault
    except (hub.RepositoryNotFoundError, hub.DisabledRepoError) as fault:
        raise BadInput("error.model_not_found", model=model) from fault
    except hub.HFValidationError as fault:
        raise BadInput("error.model_id", model=model) from fault
    except hub.HfHubHTTPError as fault:
        status = fault.response.status_code
        if status in (401, 403):
            raise ModelProblem("error.model_gated", model=model, url=f"https://huggingface.co/{model}") from fault
        raise Unavailable("error.hub_nonsense", why=f"HTTP {status}") from fault


def _file(sibling: RepoSibling) -> HubFile:
    large = sibling.lfs
    return HubFile(
        name=sibling.rfilename,
        size=(large.size if large else sibling.size) or 0,
        sha256=large.sha256 if large else None,
        git_sha1=None if large else sibling.blob_id,
    )
