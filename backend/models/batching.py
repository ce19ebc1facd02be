"""Answers of several people at once: a step loop that new requests join and finished ones leave at any step.

One thread per loaded model turns the crank: read some waiting prompts, or give every running answer its next
token. Nobody waits for another's whole answer: a newcomer waits for one step and for its prompt to be read,
and a long prompt is read in pieces between the others' steps. Only when `Limits` are reached does a request
wait until a running answer ends.

A fault (out of memory, a broken model) reaches the callers whose work it hit; the thread goes on.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from queue import SimpleQueue

import torch
from torch import Tensor

from backend.errors import ModelProblem
from backend.models.detokenizing import TextStream
from backend.models.engine import Choice, Finish, Piece, TokenChoice
from backend.models.rows import Prefill, Rows
from backend.models.sampling import Sampler, likeliest, pick_all

log = logging.getLogger(__name__)


class EngineFailure(RuntimeError):
    """The model failed in a way that nobody foresaw; `__cause__` holds what happened in the engine's thread."""


@dataclass(frozen=True)
class Limits:
    """How much runs at once: answers, tokens of prompts read per turn, bytes of cache (`token_bytes` per token)."""

    rows: int = 48
    chunk: int = 512
    memory_bytes: int = 1 << 30
    token_bytes: int = 1


@dataclass(eq=False)
class Job:
    """One answer that was asked for. `ids` is the prompt and grows by the answer; `pieces` is the caller's end."""

    ids: list[int]
    room: int
    ends: frozenset[int]
    sampler: Sampler
    text: TextStream
    candidates: int = 0
    stop: threading.Event | None = None
    left: bool = False
    over: bool = False
    pieces: SimpleQueue[Piece | Exception] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        self.prompt = len(self.ids)
        self._parts: tuple[TokenChoice, ...] = ()

    @property
    def width(self) -> int:
        """Tokens that prompt and answer may take together."""
        return self.prompt + self.room

    @property
    def unwanted(self) -> bool:
        return self.left or (self.stop is not None and self.stop.is_set())

    def finish(self, how: Finish, text: str = "", choices: tuple[TokenChoice, ...] = ()) -> None:
        self.over = True
        self.pieces.put(self._piece(text + self.text.flush(), (*self._parts, *choices), how))

    def fail(self, fault: Exception) -> None:
        self.over = True
        self.pieces.put(fault)

    def take(self, token: int, choice: TokenChoice | None) -> None:
        """The next token was picked: pass its text on, and end where the answer ends."""
        if token in self.ends:
            self.finish("stop")
            return
        self.ids.append(token)
        text = self.text.push(token)
        choices = () if choice is None else self._whole(choice)
        if self.text.ended:
            self.finish("stop", text, choices)
        elif len(self.ids) >= self.width:
            self.finish("length", text, choices)
        elif text or choices:
            self.pieces.put(self._piece(text, choices))

    def _whole(self, choice: TokenChoice) -> tuple[TokenChoice, ...]:
        """The choice, or nothing while its character is unfinished, or all the parts of a character as one."""
        self._parts += (choice,)
        if not self.text.whole:
            return ()
        parts, self._parts = self._parts, ()
        return parts if len(parts) == 1 else (joined(parts, self.text.whole),)

    def _piece(self, text: str, choices: tuple[TokenChoice, ...], finish: Finish | None = None) -> Piece:
        return Piece(text, choices, finish, prompt_tokens=self.prompt, answer_tokens=len(self.ids) - self.prompt)


class StepLoop:
    """The thread that runs one model's answers. `name_token` says how a token is shown among candidates."""

    def __init__(self, rows: Rows, limits: Limits, name_token: Callable[[int], str]) -> None:
        self.rows, self.limits, self.name_token = rows, limits, name_token
        self.waiting: deque[Job] = deque()
        self.running: list[Job] = []
        self.reading: tuple[Prefill, list[Job]] | None = None
        self.closed = False
        self.change = threading.Condition()
        self.thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self.thread.start()

    def submit(self, job: Job) -> None:
        """Take a job. After `close` it ends at once with finish "stopped"."""
        with self.change:
            if self.closed:
                job.finish("stopped")
                return
            self.waiting.append(job)
            self.change.notify()

    def close(self) -> None:
        """End all answers with finish "stopped", and the thread."""
        with self.change:
            self.closed = True
            self.change.notify()
        if threading.current_thread() is not self.thread:
            self.thread.join()

    @torch.inference_mode()
    def _run(self) -> None:
        while self._something_to_do():
            try:
                self._turn()
            except Exception as fault:  # it must reach the callers, and the next ones must still be served
                self._fail(self.running, fault)
        for job in [*self.waiting, *(self.reading[1] if self.reading else ()), *self.running]:
            if not job.over:
                job.finish("stopped")
        self.rows.clear()

    def _something_to_do(self) -> bool:
        with self.change:
            while not (self.closed or self.waiting or self.running or self.reading):
                self.change.wait()
            return not self.closed

    def _turn(self) -> None:
        self._let_go()
        if self.reading is None:
            self._admit()
        if self.reading is not None:
            self._read(*self.reading)
        if self.running:
            self._deliver(0, self.rows.step([job.ids[-1] for job in self.running]))

    def _let_go(self) -> None:
        """End the answers that nobody wants any more."""
        for place in range(len(self.running) - 1, -1, -1):
            if self.running[place].unwanted:
                self.running[place].finish("stopped")
                self._leave(place)
        with self.change:
            unwanted = [job for job in self.waiting if job.unwanted]
            for job in unwanted:
                self.waiting.remove(job)
        if self.reading:
            unwanted += [job for job in self.reading[1] if job.unwanted and not job.over]
        for job in unwanted:
            job.finish("stopped")
        if self.reading and all(job.over for job in self.reading[1]):
            self.reading = None

    def _admit(self) -> None:
        """Begin to read the prompts that have room, first come first served."""
        group: list[Job] = []
        with self.change:
            while self.waiting and self._has_room(group, self.waiting[0]):
                group.append(self.waiting.popleft())
        if not group:
            return
        try:
            self.reading = self.rows.start([job.ids for job in group], self.limits.chunk), group
        except Exception as fault:  # as in _run
            self._fail(group, fault)

    def _has_room(self, group: list[Job], new: Job) -> bool:
        beside = [*self.running, *group]
        if not beside:
            return True
        count, width = len(beside) + 1, max(job.width for job in [*beside, new])
        prompts = (len(group) + 1) * max(job.prompt for job in [*group, new])
        return (
            count <= self.limits.rows
            and count * width * self.limits.token_bytes <= self.limits.memory_bytes
            and (not group or prompts <= self.limits.chunk)
        )

    def _read(self, prefill: Prefill, group: list[Job]) -> None:
        try:
            logits = prefill.advance()
        except Exception as fault:  # as in _run, and the running answers are not touched by it
            self.reading = None
            self._fail(group, fault)
            return
        if logits is None:
            return
        self.reading, first = None, len(self.running)
        self.running.extend(group)
        self.rows.join(prefill)
        self._deliver(first, logits)

    def _deliver(self, first: int, logits: Tensor) -> None:
        """Pick the next token of the running jobs from place `first` on; logits (those jobs, vocabulary)."""
        jobs = self.running[first:]
        tokens = pick_all([job.sampler for job in jobs], [job.ids for job in jobs], logits)
        for place, (job, token) in enumerate(zip(jobs, tokens, strict=True)):
            if not job.over:
                job.take(token, self._choice(job, logits[place], token))
        for place in range(len(jobs) - 1, -1, -1):
            if jobs[place].over:
                self._leave(first + place)

    def _choice(self, job: Job, logits: Tensor, token: int) -> TokenChoice | None:
        if not job.candidates or token in job.ends:
            return None
        probability, best = likeliest(logits, token, job.candidates)
        shown = tuple(Choice(self.name_token(other), likely) for other, likely in best)
        return TokenChoice(self.name_token(token), probability, shown)

    def _leave(self, place: int) -> None:
        self.rows.leave(place)
        last = self.running.pop()
        if place < len(self.running):
            self.running[place] = last
        if not self.running:
            self.rows.clear()

    def _fail(self, jobs: list[Job], fault: Exception) -> None:
        log.error("the engine failed with %d answers under way", len(jobs), exc_info=fault)
        for job in jobs:
            if not job.over:
                job.fail(_told(fault))
        if jobs is self.running:
            self.running = []
            self.rows.clear()


def joined(parts: tuple[TokenChoice, ...], text: str) -> TokenChoice:
    """The tokens of one character as one choice: probable as all of them together, beside the first one's rivals."""
    probability = prod(part.probability for part in parts)
    rivals = [choice for choice in parts[0].best if choice.text != parts[0].text]
    found = [Choice(text, probability)] if len(rivals) < len(parts[0].best) else []
    best = sorted([*found, *rivals], key=lambda choice: -choice.probability)
    return TokenChoice(text, probability, tuple(best))


def _told(fault: Exception) -> Exception:
    """What a caller gets: a sentence for what has one, else a bug that keeps its cause."""
    if isinstance(fault, (torch.OutOfMemoryError, MemoryError)) or "not enough memory" in str(fault):
        return ModelProblem("error.out_of_memory")
    failure = EngineFailure(str(fault))
    failure.__cause__ = fault
    return failure
