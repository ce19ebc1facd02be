"""A run as its files tell it: values only, nothing here starts or stops anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

State = Literal["queued", "running", "stopping", "stopped", "succeeded", "failed", "interrupted"]

ACTIVE: frozenset[State] = frozenset({"queued", "running", "stopping"})
RESUMABLE: frozenset[State] = frozenset({"stopped", "failed", "interrupted"})

# A run folder may come from elsewhere, and every page draws it: no figure in it may be one that cannot be told.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Span = Annotated[FiniteFloat, Field(ge=0, le=1e15)]
Moment = Annotated[FiniteFloat, Field(ge=0, le=1e11)]
Fact = bool | Annotated[int, Field(gt=-(2**63), lt=2**63)] | FiniteFloat | str | None
Details = dict[str, Fact]


class RunConfig(BaseModel):
    """`config.json`: everything the worker needs, so that the folder can be handed on. Never holds a secret.

    settings  the fields of Settings that the work depends on (home, offline, memory limit)
    config    what this kind of run was asked to do
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    title: str = ""
    created: Moment
    settings: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)


class RunState(BaseModel):
    """`state.json`. Times are seconds since 1970; `rate` is units per second over the last half minute."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State = "queued"
    done: Count = 0
    total: Count | None = None
    unit: str = ""
    rate: Span | None = None
    seconds_left: Span | None = None
    message_key: str | None = None
    message_details: Details = Field(default_factory=dict)
    error_key: str | None = None
    error_details: Details = Field(default_factory=dict)
    result: dict[str, Any] = Field(default_factory=dict)
    started: Moment | None = None
    ended: Moment | None = None


@dataclass(frozen=True)
class Run:
    """One execution of long work, as it stood when it was read.

    done, total  in `unit` ("rows", "bytes", ...); total is None while unknown
    result       small facts the work leaves behind, e.g. where the model lies
    created, started, ended  seconds since 1970
    """

    id: str
    kind: str
    title: str
    state: State
    folder: Path
    created: float
    done: int = 0
    total: int | None = None
    unit: str = ""
    rate: float | None = None
    seconds_left: float | None = None
    message_key: str | None = None
    message_details: dict[str, Any] = field(default_factory=dict)
    error_key: str | None = None
    error_details: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Queued, running or stopping: a worker has it in hand."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """It ended early, and `Runs.resume` goes on from where it was."""
        return self.state in RESUMABLE

    @property
    def fraction(self) -> float | None:
        """0..1, or None while the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def output(self) -> Path:
        return self.folder / "output"
