"""How well an assistant's kept answers rest on the passages they were given, over examples, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.evaluation.intervals import score_limits
from backend.evaluation.values import Interval

if TYPE_CHECKING:
    from backend.evaluation.answer_store import StoredAnswer
    from backend.projects.folder import Project


@dataclass(frozen=True)
class Share:
    """A share of sentences or citations over answers, with its interval; `n` counts what it is a share of."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True)
class Grounded:
    """Over answers that had passages. precision and recall of citations, the share of claims nothing supports.

    None where nothing was cited, or nothing claimed. unknown  answers that say the documents do not tell
    """

    answers: int
    unknown: int
    precision: Share | None
    recall: Share | None
    unsupported: Share | None


def grounded(project: Project, answers: Iterable[StoredAnswer]) -> Grounded | None:
    """What was counted when these answers were kept; None when none of them rests on passages."""
    found = list(project.answers.groundings([answer.id for answer in answers]).values())
    if not found:
        return None
    return Grounded(
        answers=len(found),
        unknown=sum(one.unknown for one in found),
        precision=share([(one.right, one.citations) for one in found]),
        recall=share([(one.cited, one.claims) for one in found]),
        unsupported=share([(one.claims - one.supported, one.claims) for one in found]),
    )


def share(pairs: Sequence[tuple[int, int]]) -> Share | None:
    """sum of the first / sum of the second. Sentences of one answer are alike, so the answer is what is drawn.

    The ratio estimator's linearised standard error (Cochran 1977, Sampling Techniques, chapter 6).
    """
    pairs = [(part, whole) for part, whole in pairs if whole]
    n, size = len(pairs), sum(whole for _, whole in pairs)
    if not n:
        return None
    value = sum(part for part, _ in pairs) / size
    squares = sum((part - value * whole) ** 2 for part, whole in pairs)
    error = math.sqrt(n / (n - 1) * squares) / size if n > 1 else 0.0
    return Share(value, score_limits(value, error, n), size)
