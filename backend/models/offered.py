"""Which models can answer now, besides the practice model, which always can."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from backend.assistants import ModelRef
from backend.errors import StudioError
from backend.models.endpoints import Endpoint, Endpoints
from backend.models.installed import installed
from backend.settings import Settings


def offered(settings: Settings, endpoints: Endpoints) -> list[tuple[str, ModelRef]]:
    """(name, model): those on this machine, then those of every connection that is up, "name · connection"."""
    found = [(model.ref.label(), model.ref) for model in installed(settings) if model.ref.kind != "starter"]
    known = endpoints.list()

    def names(endpoint: Endpoint) -> list[str]:
        try:
            return endpoints.models(endpoint.id)
        except StudioError:  # A connection that is down offers nothing now; using it says why.
            return []

    # All at once: one that is slow to say that it is down does not add to the others.
    with ThreadPoolExecutor(max(1, len(known)), "matchum-offered") as crew:
        for endpoint, told in zip(known, crew.map(names, known), strict=True):
            refs = [ModelRef(kind="endpoint", name=name, endpoint=endpoint.id) for name in told]
            found += [(f"{ref.name} · {endpoint.name}", ref) for ref in refs]
    return found
