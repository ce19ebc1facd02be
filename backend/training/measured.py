"""What a probe, or a run that ended, measured: plain values that are kept in the project."""

from __future__ import annotations

from typing import Literal

from backend.assistants import Part
from backend.jobs.run import Count, Span


class StepTime(Part):
    """One optimizer-less step that was timed: a batch of `rows` rows padded to `width` tokens.

    seconds  wall clock; `others` cores that other programs kept busy meanwhile, on average
    """

    rows: Count
    width: Count
    seconds: Span
    others: Span = 0.0


class Measured(Part):
    """What was measured of a config on this machine; bytes and seconds.

    peak_bytes   the most that the process took (processor) or the card's memory (accelerator)
    base_bytes   of it before the first step: libraries and the model
    load_s       from the start of the process to the first step
    forced_s     one pass over the widest batch without learning, as a check on the dev split makes it
    token_s      one token of an answer, answered one by one
    save_s, checkpoint_bytes  writing a checkpoint
    """

    basis: Literal["probe", "earlier_run"] = "probe"
    key: str = ""
    peak_bytes: Count = 0
    base_bytes: Count = 0
    load_s: Span = 0.0
    steps: tuple[StepTime, ...] = ()
    forced_s: Span = 0.0
    token_s: Span = 0.0
    save_s: Span = 0.0
    checkpoint_bytes: Count = 0
    adapter_bytes: Count = 0
    trainable: Count = 0
    cores: Count = 1
    measured: Span = 0.0
