"""The one place where models are loaded, kept and let go.

    with host.engine(assistant.weights) as engine: ...

Two callers of the same weights (model, adapter, quantization) share them. Models stay loaded until their memory is
wanted: the one used longest ago goes first, and never one in use. A model that cannot fit is refused before it is
loaded. Engines of an accelerator are held under its lease, and are let go when a run asks for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from backend.assistants import ModelRef, Weights
from backend.errors import BadInput, Busy, ModelProblem, NotFound, StudioError
from backend.models.adapters import Adapters, verified
from backend.models.endpoints import Endpoints
from backend.models.engine import Engine
from backend.models.hub import folder_name
from backend.models.installed import remembered
from backend.models.lease import Lease
from backend.models.memory import Machine, machine, numbers, readable
from backend.models.presence import Presence
from backend.models.weights import label, plain, variant
from backend.settings import Settings

log = logging.getLogger(__name__)

SHARE = 0.8
"""Of the memory that is free; the rest is for the page, the system and prompts."""
CACHE_SHARE = 0.25
"""Of what is free once a model is loaded, for the answers under way."""
LEAST_CACHE = 64 * 2**20
WATCH_S = 1.0
CHAT = "chat"
"""How the lease calls this holder; the page has words for it."""


@dataclass(frozen=True)
class LoadedModel:
    """A line of the header: what is loaded, what it takes, and whether somebody is using it.

    A model may be loaded several times: as it is, with an adapter over it, made small. `variant` tells them apart.
    """

    label: str
    memory_bytes: int
    busy: bool
    variant: str = ""


@dataclass(eq=False)
class _Place:
    """One loaded model and how many are using it; `accelerated` when it lies on the accelerator."""

    weights: Weights
    engine: Engine
    accelerated: bool = False
    users: int = 0
    used: float = 0.0


class ModelHost:
    """Every method may be called from any thread. `look` says what the machine has (a test gives its own)."""

    def __init__(self, settings: Settings, endpoints: Endpoints, look: Callable[[], Machine] = machine) -> None:
        self._settings, self._endpoints, self._look = settings, endpoints, look
        self._places: dict[Weights, _Place] = {}
        self._warming: set[Weights] = set()
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._wake = threading.Event()
        self._steps_aside = False
        self.lease = Lease(settings.home)
        self._presence = Presence(settings.home)
        self.adapters = Adapters(settings.home / "projects")

    @contextmanager
    def engine(self, weights: Weights | ModelRef) -> Iterator[Engine]:
        """The engine of an assistant's weights, or of a bare model, loaded if need be and kept while the block runs.

        Raises ModelProblem, NotFound, BadInput("error.adapter_endpoint"), Unavailable("error.endpoint_offline"),
        Busy("error.device_busy", holder=).
        """
        wanted = weights if isinstance(weights, Weights) else Weights(model=weights)
        place = self._take(wanted)
        try:
            # A training run on the same cores gives way while an answer is made here.
            with nullcontext() if wanted.model.kind == "endpoint" else self._presence.answering():
                yield place.engine
        finally:
            with self._lock:
                place.users -= 1
                place.used = monotonic()

    def warm(self, weights: Weights | ModelRef) -> None:
        """Begin to load weights in the background, so that the first question does not wait for them.

        Returns at once; endpoints have nothing to load here. What goes wrong is logged; the first question then says
        it to the person.
        """
        wanted = plain(weights)
        with self._lock:
            if wanted.model.kind == "endpoint" or wanted in self._places or wanted in self._warming:
                return
            self._warming.add(wanted)

        def load() -> None:
            try:
                with self.engine(wanted):
                    pass
            except StudioError as fault:
                log.warning("could not load %s ahead of time: %s", label(wanted), fault)
            finally:
                with self._lock:
                    self._warming.discard(wanted)

        threading.Thread(target=load, name="warm", daemon=True).start()

    def loaded(self) -> list[LoadedModel]:
        """Models that take this machine's memory now, last used first. Endpoints take none and are not among them."""
        with self._lock:
            places = sorted(self._local(), key=lambda place: (place.users > 0, place.used), reverse=True)
            return [
                LoadedModel(place.weights.label(), place.engine.memory_bytes, place.users > 0, variant(place.weights))
                for place in places
            ]

    def unload(self, name: str) -> None:
        """Let go of an idle model by its label, with whatever is over it; an unknown label is nothing to do."""
        with self._lock:
            idle = [place for place in self._local() if place.weights.label() == name and not place.users]
        for place in idle:
            self._drop(place)

    def unload_others(self, weights: Weights) -> None:
        """Let go of every idle model of this machine but these weights, so that what they take can be measured."""
        with self._lock:
            others = [place for place in self._local() if place.weights != plain(weights) and not place.users]
        for place in others:
            self._drop(place)

    def close(self) -> None:
        """Let go of everything. Answers under way end with finish "stopped"."""
        with self._lock:
            places = list(self._places.values())
            self._places.clear()
        for place in places:
            place.engine.close()
        self.lease.release()
        self._wake.set()

    def where(self, ref: ModelRef) -> Path:
        """The folder of a model of this machine.

        A folder answers only after it was added here: an assistant may come from elsewhere, or from a request.
        Raises NotFound("error.model_not_installed" | "error.model_not_added", model=), StorageProblem.
        """
        if ref.kind == "starter":
            return self._settings.starter
        if ref.kind == "local":
            if ref.name not in remembered(self._settings):
                raise NotFound("error.model_not_added", model=ref.label())
            return Path(ref.name)
        if ref.kind == "hub":
            commits = self._settings.models / folder_name(ref.name)
            found = [commits / ref.revision] if ref.revision else sorted(commits.glob("[0-9a-f]*"), key=_age)
            if found and found[-1].is_dir():
                return found[-1]
        raise NotFound("error.model_not_installed", model=ref.label())

    def _take(self, weights: Weights) -> _Place:
        """The weights' place with one more user; loads one model at a time."""
        if weights.model.kind == "endpoint":
            # One that was removed meanwhile answers no more.
            self._endpoints.reachable(weights.model.endpoint or "")
        place = self._use(plain(weights))
        if place is None:
            with self._loading:
                # Another caller may have loaded it while this one waited.
                place = self._use(plain(weights)) or self._keep(self._open(weights))
        return place

    def _use(self, weights: Weights) -> _Place | None:
        with self._lock:
            place = self._places.get(weights)
            if place is not None:
                place.users += 1
            return place

    def _keep(self, place: _Place) -> _Place:
        with self._lock:
            place.users += 1
            self._places[place.weights] = place
        return place

    def _open(self, weights: Weights) -> _Place:
        ref = weights.model
        if ref.kind == "endpoint":
            if weights.adapter is not None:
                raise BadInput("error.adapter_endpoint", model=ref.label())
            from backend.models.endpoint_engine import EndpointEngine

            endpoint = self._endpoints.reachable(ref.endpoint or "")
            return _Place(plain(weights), EndpointEngine(endpoint, ref.name, self._endpoints.key(endpoint.id)))
        folder = self.where(ref)  # before torch is imported: a model that is not there is told at once
        adapter = self._adapter(weights, folder)
        from backend.models.loading import best_device, check, dtype_for
        from backend.models.opening import open_engine
        from backend.models.quantizing import loaded_bytes

        check(folder)
        device = best_device()
        accelerated = device.type == "cuda"
        if accelerated:
            self._hold_accelerator()
        size = dtype_for(device, numbers(folder)).itemsize
        needed = loaded_bytes(folder, weights.quantization, size, adapter)
        spare = self._make_room(label(weights), needed, accelerated)
        log.info("loading %s, about %s", label(weights), readable(needed))
        cache_bytes = max(int(spare * CACHE_SHARE), LEAST_CACHE)
        engine = open_engine(folder, cache_bytes, weights.quantization, adapter)
        return _Place(plain(weights), engine, accelerated)

    def _adapter(self, weights: Weights, folder: Path) -> Path | None:
        """Where the adapter lies, after a look at whether it is whole and made for the model in `folder`."""
        if weights.adapter is None:
            return None
        found = self.adapters.folder_of(weights.adapter)
        self.adapters.check_base(verified(found), folder, weights.model.label())
        return found

    def _make_room(self, name: str, needed: int, accelerated: bool) -> int:
        """Unload idle models until `needed` bytes fit; returns what is left beside them.

        Raises ModelProblem("error.model_too_big") before anything is unloaded when it would not help.
        """
        free = self._free(accelerated)
        with self._lock:
            idle = [place for place in self._local() if not place.users and place.accelerated == accelerated]
        idle.sort(key=lambda place: place.used)
        most = free + sum(place.engine.memory_bytes for place in idle)
        if needed > most:
            raise ModelProblem(
                "error.model_too_big", model=name, needed=readable(needed), available=readable(max(most, 0))
            )
        for place in idle:
            if needed <= free:
                break
            if self._drop(place):
                free += place.engine.memory_bytes
        return free - needed

    def _free(self, accelerated: bool) -> int:
        """Bytes that a new model may take now."""
        if accelerated:
            import torch

            return int(torch.cuda.mem_get_info()[0] * SHARE)
        free = int(self._look().memory_available_bytes * SHARE)
        if self._settings.memory_limit_mb is None:
            return free
        with self._lock:
            taken = sum(place.engine.memory_bytes for place in self._local())
        return min(free, self._settings.memory_limit_mb * 2**20 - taken)

    def _drop(self, place: _Place) -> bool:
        """Unload a model unless somebody has begun to use it meanwhile."""
        with self._lock:
            if place.users or self._places.get(place.weights) is not place:
                return False
            del self._places[place.weights]
        log.info("unloading %s", label(place.weights))
        place.engine.close()
        return True

    def _local(self) -> list[_Place]:
        return [place for place in self._places.values() if place.weights.model.kind != "endpoint"]

    def _hold_accelerator(self) -> None:
        """Raises Busy("error.device_busy", holder=), also while somebody waits for what this host holds."""
        if self.lease.held and not self._steps_aside:
            return  # the run that this process works for took it under its own name
        wanted = self.lease.wanted()
        if wanted is not None:
            raise Busy("error.device_busy", holder=wanted)
        if not self.lease.held:
            self.lease.take(CHAT)
            self._steps_aside = True
            threading.Thread(target=self._step_aside, name="accelerator", daemon=True).start()

    def _step_aside(self) -> None:
        """While the lease is held: when a run wants it, unload the models nobody uses, and let go after the last."""
        while self.lease.held:
            if self.lease.wanted() is not None:
                with self._loading:
                    self.make_way()
            self._wake.wait(WATCH_S)

    def make_way(self) -> None:
        """Unload idle models of the accelerator and give the lease back when none is left on it."""
        with self._lock:
            mine = [place for place in self._local() if place.accelerated]
        gone = [self._drop(place) for place in mine]
        if all(gone):
            self.lease.release()


def _age(folder: Path) -> float:
    return folder.stat().st_mtime
