"""What lies in an adapter folder, looked at before any library opens it: a folder may come from elsewhere.

matchum_adapter.json        the card: which base, which method (backend.models.adapter_card.AdapterCard)
adapter_config.json         kind "peft": PEFT's own configuration, of which only known fields are ever used
adapter_model.safetensors   kind "peft": PEFT's own tensors
weights.safetensors         kind "weights": the tensors that were trained, under their names in the model

Nothing else belongs there. PEFT itself would follow paths, import modules and run patterns that such a file names; here
it is handed a configuration that was made of checked values, never the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from backend.errors import ModelProblem
from backend.evaluation.identity import weights_identity
from backend.examples.task import MAX_LABELS
from backend.files import write_atomic
from backend.models.adapter_card import AdapterCard
from backend.models.memory import read_header
from backend.models.peft_config import Refusal, check_config

CARD: Final = "matchum_adapter.json"
CONFIG: Final = "adapter_config.json"
PEFT_TENSORS: Final = "adapter_model.safetensors"
WHOLE_TENSORS: Final = "weights.safetensors"
LARGEST_TEXT: Final = 4 << 20
"""Bytes of a card or a configuration; AdaLoRA's, which lists every rank, is the longest."""
LAST_DAY: Final = 1e11
"""Seconds since 1970; a date beyond cannot be shown."""
OF_THE_DAY: Final = frozenset({"created", "run", "more"})
"""Of a card: when and where it was made changes no answer, so it is no part of the name."""
OF_THE_PLACE: Final = frozenset({"base_model_name_or_path", "revision", "peft_version", "tokenizer_name_or_path"})
"""Of a configuration: where it was made. Never followed."""


def read_card(folder: Path) -> AdapterCard:
    """Raises ModelProblem("error.adapter_damaged", file=)."""
    try:
        card = AdapterCard.model_validate_json(_read(folder / CARD))
    except (OSError, ValidationError) as fault:
        raise ModelProblem("error.adapter_damaged", file=CARD) from fault
    if card.created > LAST_DAY:
        raise ModelProblem("error.adapter_damaged", file=CARD)
    return card


def write_card(folder: Path, card: AdapterCard) -> None:
    """Raises StorageProblem."""
    write_atomic(folder / CARD, card.model_dump_json(indent=2))


def tensors_file(folder: Path, card: AdapterCard) -> Path:
    return folder / (PEFT_TENSORS if card.kind == "peft" else WHOLE_TENSORS)


def names_of(card: AdapterCard) -> frozenset[str]:
    """The files that make an adapter of this kind."""
    return frozenset({CARD, CONFIG, PEFT_TENSORS} if card.kind == "peft" else {CARD, WHOLE_TENSORS})


def read_config(folder: Path) -> dict[str, Any]:
    """PEFT's configuration as it stands in the file. Raises ModelProblem("error.adapter_damaged", file=)."""
    try:
        found = json.loads(_read(folder / CONFIG))
    except (OSError, ValueError, RecursionError) as fault:
        raise ModelProblem("error.adapter_damaged", file=CONFIG) from fault
    if not isinstance(found, dict):
        raise ModelProblem("error.adapter_damaged", file=CONFIG)
    return found


def checked(folder: Path) -> AdapterCard:
    """The card of a folder whose files are all there and whole, with a configuration that is safe to use.

    Raises ModelProblem: "error.adapter_damaged" (file), "error.adapter_config" (field).
    """
    card = read_card(folder)
    for name in sorted(names_of(card)):
        if (folder / name).is_symlink() or not (folder / name).is_file():
            raise ModelProblem("error.adapter_damaged", file=name)
    try:
        read_header(tensors_file(folder, card))
    except ModelProblem as fault:
        raise ModelProblem("error.adapter_damaged", file=tensors_file(folder, card).name) from fault
    if card.kind == "peft":
        try:
            check_config(read_config(folder), card.task)
        except Refusal as fault:
            raise ModelProblem("error.adapter_config", field=fault.field) from fault
    many = not 2 <= len(card.labels) <= MAX_LABELS
    if card.task == "head" and (many or len(set(card.labels)) != len(card.labels)):
        raise ModelProblem("error.adapter_damaged", file=CARD)
    return card


def check_base(card: AdapterCard, base_folder: Path, model: str | None = None) -> None:
    """Whether the adapter was made for this model. `model` is what people call it, by default its folder's name.

    Raises ModelProblem("error.adapter_base", adapter_base=, model=), NotFound when the model is not there.
    """
    if weights_identity(base_folder) != card.base.identity:
        raise ModelProblem("error.adapter_base", adapter_base=card.base.label, model=model or base_folder.name)


def content_id(folder: Path) -> str:
    """Names the folder by what it answers with: the card without its dates, the configuration, every tensor byte.

    32 hex digits of a sha256. Raises ModelProblem("error.adapter_damaged", file=).
    """
    card = read_card(folder)
    hashed = hashlib.sha256(_plain(card.model_dump(mode="json"), OF_THE_DAY))
    if card.kind == "peft":
        hashed.update(_plain(read_config(folder), OF_THE_PLACE))
    file = tensors_file(folder, card)
    try:
        with file.open("rb") as stream:
            hashed.update(hashlib.file_digest(stream, "sha256").digest())
    except OSError as fault:
        raise ModelProblem("error.adapter_damaged", file=file.name) from fault
    return hashed.hexdigest()[:32]


def anonymous(config: Mapping[str, Any], base: str) -> dict[str, Any]:
    """The configuration without a path of the machine it was made on; `base` is what people call the model."""
    kept = {name: value for name, value in config.items() if name not in ("tokenizer_name_or_path", "tokenizer_kwargs")}
    return kept | {"base_model_name_or_path": base, "revision": None, "auto_mapping": None}


def _plain(values: Mapping[str, Any], without: frozenset[str]) -> bytes:
    told = {name: value for name, value in values.items() if name not in without}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise OSError(f"{file.name} is too long")
    return content
