"""Which models can judge: those of this machine and of every connection, and those that the assistants already use."""

from __future__ import annotations

from pydantic import ValidationError

from backend.assistants import ModelRef
from backend.errors import BadInput
from backend.models.offered import offered
from backend.services import Services
from tabs.evaluation import naming
from tabs.text import Words


def judges(services: Services, words: Words) -> list[tuple[str, str]]:
    """(label, value) for a picker; the practice model comes last, since it is not fit to judge."""
    found = offered(services.settings, services.endpoints)
    found.append((naming.model(words, ModelRef()), ModelRef()))
    return [(label, ref.model_dump_json()) for label, ref in found]


def judge_of(value: object) -> ModelRef:
    """Raises BadInput("error.compare_judge") when none was chosen."""
    try:
        return ModelRef.model_validate_json(str(value))
    except ValidationError as fault:
        raise BadInput("error.compare_judge") from fault
