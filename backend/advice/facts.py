"""What is known of a project that advice can stand on. Values only; `gathering` collects them."""

from __future__ import annotations

from dataclasses import dataclass

from backend.evaluation.values import Score, Verdict
from backend.examples.task import Task
from backend.fewshot.curve import Curve


@dataclass(frozen=True)
class Measured:
    """One assistant's score; `shots` is how many examples it shows for a question."""

    id: int
    name: str
    number: int
    shots: int
    score: Score


@dataclass(frozen=True)
class Facts:
    """Where a project stands.

    train, dev, test, unsplit  examples of each split
    labels      how many different labels; rarest: train examples of the rarest of them
    split       whether the splits were made
    assistants  saved, by name
    fits        of those, the ones whose template takes the task's inputs
    measured    on `where`, the best first
    verdict     the best against the best that shows no examples, or of one that does; None where there are not both
    curve       the learning curve of the best, where it was measured
    gpu_bytes   memory of the accelerator, None without one
    parameters  of the best one's model, None where unknown
    """

    task: Task | None = None
    train: int = 0
    dev: int = 0
    test: int = 0
    unsplit: int = 0
    labels: int = 0
    rarest: int = 0
    split: bool = False
    assistants: int = 0
    fits: int = 0
    measured: tuple[Measured, ...] = ()
    where: str = "test"
    verdict: Verdict | None = None
    curve: Curve | None = None
    gpu_bytes: int | None = None
    parameters: int | None = None

    @property
    def total(self) -> int:
        return self.train + self.dev + self.test + self.unsplit

    @property
    def best(self) -> Measured | None:
        return self.measured[0] if self.measured else None

    @property
    def zero(self) -> Measured | None:
        """The best that shows no examples."""
        return next((one for one in self.measured if not one.shots), None)

    @property
    def shown(self) -> Measured | None:
        """The best that shows some."""
        return next((one for one in self.measured if one.shots), None)
