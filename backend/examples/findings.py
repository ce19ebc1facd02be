"""What may be wrong with the examples: frozen values for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

from backend.examples.example import Example
from backend.examples.notes import Note

FindingKind = Literal[
    "empty", "contradiction", "personal_data", "duplicate", "near_duplicate", "huge", "rare_label", "label_spelling",
    "mixed_language",
]  # fmt: skip
Mend = Literal["drop", "keep_first", "keep_majority", "mask", "merge_label"]
Severity = Literal["warning", "notice"]

KINDS: Final[tuple[FindingKind, ...]] = get_args(FindingKind)
"""In the order in which they are shown: what makes figures wrong first."""

MENDS: Final[Mapping[FindingKind, tuple[Mend, ...]]] = MappingProxyType(
    {
        "empty": ("drop",),
        "contradiction": ("keep_majority", "drop"),
        "personal_data": ("mask", "drop"),
        "duplicate": ("keep_first",),
        "near_duplicate": ("keep_first",),
        "huge": ("drop",),
        "rare_label": ("drop", "merge_label"),
        "label_spelling": ("merge_label",),
        "mixed_language": ("drop",),
    }
)
"""What can be done about each, the likeliest first. Doing nothing is always possible.

drop           all of the finding's examples go
keep_first     of each group the first one stays; `ids` are the others
keep_majority  of each input the answer that most of its examples give stays, and none where two lead
mask           personal data is replaced by its kind, e.g. [전화번호]
merge_label    the answer becomes another label: the commonest spelling, or the one that is told
"""

SEVERE: Final[frozenset[FindingKind]] = frozenset({"empty", "contradiction", "personal_data"})


@dataclass(frozen=True)
class Finding:
    """`count` examples are concerned; `ids` holds the first 1,000 of them, `samples` at most 5 examples to look at.

    `about` says more, e.g. which labels; keys of the words files.
    """

    kind: FindingKind
    count: int
    ids: tuple[int, ...]
    samples: tuple[Example, ...]
    about: tuple[Note, ...] = field(default=())

    @property
    def severity(self) -> Severity:
        return "warning" if self.kind in SEVERE else "notice"

    @property
    def mends(self) -> tuple[Mend, ...]:
        return MENDS[self.kind]
