"""What a run came to, in plain sentences: keys of the words files with their details, the most important first."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from backend.assistants import Examples
from backend.errors import BadInput, StorageProblem
from backend.jobs.run import Run
from backend.models.memory import machine
from backend.training.running.best import BestKept, memorised_at
from backend.training.running.checkpoints import newest, step_of
from backend.training.telling.curves import Curve, Curves
from backend.training.telling.outcome import KEEP_EXAMPLES, config_of, fact, number

FELL: Final = 0.98
"""A loss counts as fallen when it ends below this share of where it began."""
NEARLY: Final = 0.75
"""A process that takes this share of the machine's memory leaves too little for its next peak."""


@dataclass(frozen=True)
class Sentence:
    """A sentence to be: a key of the words files and its details."""

    key: str
    details: Mapping[str, object] = field(default_factory=dict)


def memorising(curve: Curve) -> int | None:
    """The step from which the validation loss rises, as `running.best` judges it; None while it does not."""
    return memorised_at([(int(step), loss) for step, loss in zip(curve.steps, curve.values, strict=True) if step > 0])


def words(run: Run, curves: Curves | None = None) -> list[Sentence]:
    """What a run that went to its end came to; of one under way or ended early, what its curves say so far."""
    seen = curves or Curves()
    if run.state != "succeeded":
        return _so_far(run, seen)
    told = [_loss(run, seen), _kept(run, seen), *_metric(run), _cost(run)]
    if fact(run, "stopped_early") is True:
        told.insert(2, Sentence("train_told.stopped_early"))
    return [one for one in told if one is not None]


def _so_far(run: Run, curves: Curves) -> list[Sentence]:
    told = []
    # The run tells it after every evaluation, of all of them; a curve may have been thinned.
    known = "memorised_at" in run.result
    step = number(run, "memorised_at") if known else memorising(curves["eval_loss"])
    if step is not None:
        told.append(Sentence("train_told.memorising", {"step": int(step)}))
    if not run.active:
        told += _ended_early(run, curves)
    return told


def _ended_early(run: Run, curves: Curves) -> list[Sentence]:
    """Where it ended, and from where it could go on: what lies on the disk, not what should."""
    reached, told = int(curves.last_step), []
    if run.state in ("stopped", "interrupted"):
        told.append(Sentence(f"train_told.{run.state}_at", {"step": reached}) if reached else _at_once(run))
    if memory_short(run, curves):
        details = {"host_bytes": curves["host_bytes"].last, "memory_bytes": machine().memory_bytes}
        told.append(Sentence("train_told.memory_short", details))
    saved = newest(run.folder / "checkpoints")
    told.append(Sentence("train_told.saved_at", {"step": step_of(saved)}) if saved else Sentence("train_told.unsaved"))
    with suppress(StorageProblem):  # what is not readable now is not claimed
        best = BestKept(run.output).read()
        if best is not None:
            told.append(Sentence("train_told.best_so_far", {"step": best.step, "loss": f"{best.loss:.3g}"}))
    return told


def _at_once(run: Run) -> Sentence:
    return Sentence(f"train_told.{run.state}_at_once")


def memory_short(run: Run, curves: Curves) -> bool:
    """Whether a run that was cut off had most of the machine's memory: the system ends such a one without a word."""
    used = curves["host_bytes"].last
    return run.state == "interrupted" and used is not None and used > NEARLY * machine().memory_bytes


def _loss(run: Run, curves: Curves) -> Sentence | None:
    """Of the training loss, by its smoothed curve where there is one: a single batch proves nothing."""
    smooth = curves.smoothed.values
    first = smooth[0] if smooth else number(run, "first_loss")
    last = smooth[-1] if smooth else number(run, "last_loss")
    if first is None or last is None:
        return None
    details = {"first": f"{first:.3g}", "last": f"{last:.3g}"}
    return Sentence("train_told.learned" if last < FELL * first else "train_told.not_learned", details)


def _kept(run: Run, curves: Curves) -> Sentence:
    best, loss, memorised = (number(run, name) for name in ("best_step", "best_loss", "memorised_at"))
    if best is None or loss is None:
        return Sentence("train_told.no_dev")
    if memorised is not None:
        return Sentence("train_told.memorised", {"step": int(memorised), "best": int(best)})
    steps = number(run, "steps") or curves.last_step
    key = "train_told.best_last" if best >= steps else "train_told.best"
    return Sentence(key, {"step": int(best), "loss": f"{loss:.3g}"})


def _metric(run: Run) -> list[Sentence]:
    """The score before and after, and of how many dev examples it is."""
    before, after, count = (number(run, name) for name in ("metric_before", "metric_after", "metric_n"))
    if before is None or after is None:
        return []
    way = "up" if after > before else "down" if after < before else "same"
    details = {"before": f"{100 * before:.0f}", "after": f"{100 * after:.0f}", "metric": fact(run, "metric_name") or ""}
    told = [Sentence(f"train_told.metric_{way}", details)]
    if count:
        told.append(Sentence("train_told.metric_n", {"count": int(count)}))
    return [*told, Sentence("train_told.metric_shots")] if _shown_before(run) else told


def _shown_before(run: Run) -> bool:
    """Whether the assistant was shown examples, which training took out of its prompt, and the score before had not."""
    try:
        config = config_of(run)
    except BadInput:
        return False
    return config.objective not in KEEP_EXAMPLES and config.assistant.examples != Examples()


def _cost(run: Run) -> Sentence | None:
    seconds, peak, joules = (number(run, name) for name in ("seconds", "peak_bytes", "joules"))
    if seconds is None:
        return None
    details: dict[str, object] = {"seconds": seconds, "peak_bytes": peak or 0, "rate": f"{_rate(run):,.0f}"}
    if joules:
        return Sentence("train_told.cost_energy", {**details, "energy": f"{joules / 3600:,.2f}"})
    return Sentence("train_told.cost", details)


def _rate(run: Run) -> float:
    return number(run, "tokens_per_s") or 0.0
