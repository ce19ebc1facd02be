"""A run's config as YAML that people read and change, and back."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError

from backend.errors import BadInput, first_line
from backend.training.config import TrainingConfig

LARGEST: Final = 4_000_000
"""Characters: a config holds an assistant, and that its examples."""
DEEPEST: Final = 40
HEAD: Final = "# matchum training: field names are those of PEFT, transformers and TRL\n"


def write_config(config: TrainingConfig) -> str:
    """YAML that `read_config` reads back to an equal value."""
    import yaml

    told = config.model_dump(mode="json")
    return HEAD + str(yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=100))


def read_config(text: str) -> TrainingConfig:
    """What `write_config` wrote, or a person after it: fields that are left out have their defaults.

    Raises BadInput("error.training_yaml", where=, why=) with the first thing that is wrong; nothing in the text is run,
    and aliases are refused, by which a few lines unfold to more than fits into memory.
    """
    import yaml

    if len(text) > LARGEST:
        raise BadInput("error.training_yaml", where="-", why=f"> {LARGEST:,} characters")
    try:
        _refuse_bombs(text)
        told: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError) as fault:
        # A date that is none or a number of a thousand digits is no YAMLError.
        raise BadInput("error.training_yaml", where=_mark(fault), why=first_line(fault, 200)) from fault
    if not isinstance(told, dict):
        raise BadInput("error.training_yaml", where="1", why="a mapping of fields is wanted")
    try:
        return TrainingConfig.model_validate(told)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "-"
        raise BadInput("error.training_yaml", where=where, why=first["msg"]) from fault


def _refuse_bombs(text: str) -> None:
    """Read event by event, so that what unfolds or nests without end is met before it costs anything."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise BadInput("error.training_yaml", where="*", why="aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadInput("error.training_yaml", where="-", why=f"nested more than {DEEPEST} deep")


def _mark(fault: Exception) -> str:
    """The line, from 1, when YAML knows it."""
    mark = getattr(fault, "problem_mark", None)
    return str(mark.line + 1) if mark is not None else "-"
