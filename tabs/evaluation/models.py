"""Which models can judge: those of this machine and of every connection, and those that the assistants already use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pydantic import ValidationError

from backend.assistants import ModelRef
from backend.errors import BadInput, StudioError
from backend.models.endpoints import Endpoint
from backend.models.installed import installed
from backend.services import Services
from tabs.evaluation import naming
from tabs.text import Words


def judges(services: Services, words: Words) -> list[tuple[str, str]]:
    """(label, value) for a picker; the practice model comes last, since it is not fit to judge."""
    found = [(model.ref.label(), model.ref) for model in installed(services.settings) if model.ref.kind != "starter"]
    endpoints = services.endpoints.list()

    def names(endpoint: Endpoint) -> list[str]:
        try:
            return services.endpoints.models(endpoint.id)
        except StudioError:  # A connection that is down offers nothing now; using it says why.
            return []

    with ThreadPoolExecutor(max(1, len(endpoints)), "matchum-judges") as crew:
        for endpoint, known in zip(endpoints, crew.map(names, endpoints), strict=True):
            refs = [ModelRef(kind="endpoint", name=name, endpoint=endpoint.id) for name in known]
            found += [(f"{ref.name} · {endpoint.name}", ref) for ref in refs]
    found.append((naming.model(words, ModelRef()), ModelRef()))
    return [(label, ref.model_dump_json()) for label, ref in found]


def judge_of(value: object) -> ModelRef:
    """Raises BadInput("error.compare_judge") when none was chosen."""
    try:
        return ModelRef.model_validate_json(str(value))
    except ValidationError as fault:
        raise BadInput("error.compare_judge") from fault
