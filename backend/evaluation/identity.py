"""Which assistant an answer is of: named by content, so that equal assistants share their answers.

A fingerprint is made of everything that says how an answer comes about and of a cheap identity of the model's
weights; an adapter counts by its id, which names its content, and of an assistant that answers from documents what
these hold now. An assistant's name, its number, or the way in which its
examples were once chosen change no answer and are left out; a model folder that was overwritten changes every answer
and is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backend.assistants import PER_INPUT, AdapterRef, Assistant, Examples, ModelRef
from backend.documents.grounding.content import documents_key
from backend.errors import NotFound
from backend.projects.folder import Project

Where = Callable[[ModelRef], Path]
"""The folder of a model of this machine: `ModelHost.where`. Raises NotFound for one that is not there."""

SAMPLES: Final = 8
SAMPLE_BYTES: Final = 16 * 1024
WEIGHTY: Final = frozenset({".safetensors", ".bin", ".gguf", ".json", ".jinja", ".model", ".txt"})
"""Kinds of file that decide how a model answers: weights, settings, vocabulary, chat template."""
NOTE: Final = "evaluation.fingerprint."


def settled(assistant: Assistant) -> Assistant:
    """The assistant as it is measured: without a name, and with a fixed seed where it would draw anew each time.

    Two assistants that answer alike are equal once they are settled.
    """
    told: dict[str, object] = {"name": ""}
    chosen = assistant.examples.selection
    if chosen is not None and chosen.method not in PER_INPUT:
        told["examples"] = Examples(shots=assistant.examples.shots)
    if assistant.adapter is not None:
        told["adapter"] = AdapterRef(id=assistant.adapter.id)  # named by its content; what its method is called is not
    if assistant.decoding.seed is None:
        told["decoding"] = assistant.decoding.model_copy(update={"seed": 0})
    return assistant.model_copy(update=told)


def fingerprint(assistant: Assistant, where: Where, project: Project | None = None) -> str:
    """32 hex digits. Raises NotFound when the model is not on this machine, or cannot be read.

    project  whose documents it answers from; an assistant without documents is the same in every project
    """
    ref = assistant.model
    weights = "" if ref.kind == "endpoint" else weights_identity(where(ref))
    return _digest(said_of(assistant, project), weights)


def said_of(assistant: Assistant, project: Project | None) -> str:
    """`content_key`, together with what the project's documents hold now where it answers from them."""
    if assistant.documents is None:
        return content_key(assistant)
    if project is None:
        raise ValueError("an assistant with documents has a fingerprint within a project only")
    return _digest(content_key(assistant), documents_key(project, assistant.documents))


def content_key(assistant: Assistant) -> str:
    """Names what the assistant says of itself, whatever lies in its model's folder: 32 hex digits.

    Only what differs from the defaults is told, so that an optional part that a later studio adds changes nothing.
    """
    told = settled(assistant).model_dump(mode="json", exclude_defaults=True)
    return _digest(json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def turned(known: str) -> str:
    """Under which name an assistant's answers are kept that were asked turn by turn (see `question_of`).

    Its own, since the same input was once asked as one message, and is again when the task becomes another.
    """
    return _digest(known, "turns")


def weights_identity(folder: Path) -> str:
    """Names a model folder by its files' names, sizes and samples of their bytes, in milliseconds for any size.

    Trained or quantized weights differ nearly everywhere, so samples tell them apart; dates and places of files do
    not count, so that a copy of a model is that model. Raises NotFound when there is nothing to read.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in WEIGHTY)
        told = [f"{path.name}:{_sampled(path)}" for path in files]
    except OSError as fault:
        raise NotFound("error.model_not_installed", model=folder.name) from fault
    if not told:
        raise NotFound("error.model_not_installed", model=folder.name)
    return _digest(*told)


def remember(project: Project, assistant: Assistant, known: str) -> None:
    """Keep the fingerprint in the project, so that answers are found when the model has gone."""
    project.set_note(NOTE + said_of(assistant, project), known)


def known_fingerprint(project: Project, assistant: Assistant, where: Where | None = None) -> str | None:
    """The fingerprint as it is now; of a model that has gone, or without `where`, the one remembered last."""
    if assistant.model.kind == "endpoint":
        return _digest(said_of(assistant, project), "")
    try:
        if where is not None:
            return fingerprint(assistant, where, project)
    except NotFound:
        pass  # what it answered while it was here still counts
    kept = project.get_note(NOTE + said_of(assistant, project))
    return kept if isinstance(kept, str) else None


def _sampled(path: Path) -> str:
    size = path.stat().st_size
    hashed = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= SAMPLES * SAMPLE_BYTES:
            hashed.update(file.read())
        else:
            for place in range(SAMPLES):
                file.seek((size - SAMPLE_BYTES) * place // (SAMPLES - 1))
                hashed.update(file.read(SAMPLE_BYTES))
    return hashed.hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
