"""Everything that can go wrong and has an answer, as one tree.

    StudioError                 key + details; the words live in assets/locale under the key
    ├── BadInput                what was typed, pasted or uploaded cannot be used as it is
    ├── NotFound                a project, chat, assistant, run or file that is not there (or not yours)
    ├── Refused                 asked for something this person or this setting does not allow
    ├── Busy                    a device, a folder or a run is taken; says by whom
    ├── Unavailable             no network, an endpoint is down, slow or answers nonsense
    ├── ModelProblem            a model folder is damaged, incomplete, unsafe or of an unknown architecture
    └── StorageProblem          the disk is full, the folder cannot be written, a file is broken

The backend raises; `tabs.errors.shown` shows. A message names what happened, to which file, row or
model, and what to do. Everything else is a bug and keeps its traceback in the log.
"""

from __future__ import annotations


class StudioError(Exception):
    """A fault with an answer.

    `key` is a flat dotted key of the words files, always starting with "error."; `details` fill the
    `{placeholders}` of the sentence in either language.
    """

    def __init__(self, key: str, **details: object) -> None:
        super().__init__(key, details)
        self.key = key
        self.details = details

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.details.items())
        return f"{self.key}({told})"


def first_line(fault: BaseException, longest: int = 300) -> str:
    """What a library said went wrong, short enough for a sentence; the kind of the fault when it said nothing."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:longest]


class BadInput(StudioError):
    """What was typed, pasted or uploaded cannot be used as it is."""


class NotFound(StudioError):
    """Something that is not there, or that belongs to somebody else (the two look alike on purpose)."""


class Refused(StudioError):
    """Asked for something that this person or this setting does not allow."""


class Busy(StudioError):
    """A device, a folder or a run is taken; the details say by whom."""


class Unavailable(StudioError):
    """No network, or an endpoint that is down, slow or answers nonsense."""


class ModelProblem(StudioError):
    """A model folder is damaged, incomplete, unsafe or of an unknown architecture."""


class StorageProblem(StudioError):
    """The disk is full, a folder cannot be written or a file is broken."""
