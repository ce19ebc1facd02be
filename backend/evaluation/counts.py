"""From counts per example to one value, for any weights of the examples at once.

Each metric is a function of sums over examples. So leaving each example out once, or swapping two assistants' answers
10,000 times, is one matrix product and one vectorised function of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from backend.errors import BadInput
from backend.evaluation.values import ExampleScore
from backend.examples.task import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARES: Final[frozenset[Metric]] = frozenset({"accuracy", "exact_match"})
"""Metrics whose value per example is 0 or 1: their score is a share of the examples."""
CHRF_BETA: Final = 2.0
DENSE_UP_TO: Final = 2_000_000
"""Numbers up to which a plain array is faster than a sparse one."""
AT_ONCE: Final = 500
"""Examples left out at once: bounds the memory of 5,000 labels."""


class Counts(NamedTuple):
    """rows: examples x counts (dense or scipy.sparse); value_of: sums (..., counts) -> values (...), each 0..1."""

    rows: Any
    value_of: Callable[[Floats], Floats]

    @property
    def n(self) -> int:
        return int(self.rows.shape[0])

    def value(self) -> float:
        return float(self.value_of(_dense(self.rows.sum(axis=0))[None])[0])

    def values(self, weights: Floats) -> Floats:
        """The metric for each row of weights (samples x examples)."""
        return self.value_of(summed(weights, self.rows))

    def without_each(self) -> Floats:
        """The metric of the n samples that lack one example each."""
        total = _dense(self.rows.sum(axis=0))
        parts = [total - _dense(self.rows[start : start + AT_ONCE]) for start in range(0, self.n, AT_ONCE)]
        return np.concatenate([self.value_of(part) for part in parts])


def summed(weights: Floats, rows: Any) -> Floats:
    """weights (samples x examples) times rows (examples x counts)."""
    # The sparse one on the left: numpy does not know how to multiply by it.
    return _dense((rows.T @ weights.T).T if hasattr(rows, "tocsr") else weights @ rows)


def _dense(rows: Any) -> Floats:
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=float)


def counts_of(metric: Metric, scores: Sequence[ExampleScore]) -> Counts:
    """What a metric sums up over these examples. Raises BadInput("error.metric_not_measured")."""
    require(metric, scores)
    if metric == "macro_f1":
        return _macro(scores)
    if metric in ("bleu", "chrf", "span_f1"):
        return Counts(np.array([score.counts[metric] for score in scores], dtype=float), VALUE_OF[metric])
    values = np.array([score.values[metric] for score in scores], dtype=float)
    return Counts(np.stack([values, np.ones_like(values)], axis=1), _mean)


def require(metric: Metric, scores: Sequence[ExampleScore]) -> None:
    """A judge's opinion, or the metric of another kind of task, is nothing that these answers were measured by."""
    kept = {"macro_f1": "macro_f1", "bleu": "counts", "chrf": "counts", "span_f1": "counts"}.get(metric, "values")
    for score in scores:
        there = score.expected is not None if kept == "macro_f1" else metric in getattr(score, kept)
        if not there:
            raise BadInput("error.metric_not_measured", metric=metric)


def one_value(metric: Metric, counts: Sequence[float]) -> float:
    """A corpus metric of a single example."""
    # sacrebleu's sentence form of BLEU leaves out orders that a short answer cannot have.
    value_of = _sentence_bleu if metric == "bleu" else VALUE_OF[metric]
    return float(value_of(np.array([counts], dtype=float))[0])


def _mean(sums: Floats) -> Floats:
    return sums[..., 0] / np.maximum(sums[..., 1], 1e-12)


def _span_f1(sums: Floats) -> Floats:
    """2 * right / (given + wanted); 1 when nothing was wanted and nothing given."""
    both = sums[..., 1] + sums[..., 2]
    return np.where(both > 0, 2 * sums[..., 0] / np.maximum(both, 1e-12), 1.0)


def _macro(scores: Sequence[ExampleScore]) -> Counts:
    """Per label that is expected anywhere: right, and expected + given. Macro F1 is the mean of their F1.

    Over the labels of the expected outputs, so that all assistants are averaged over the same ones (scikit-learn
    would add each assistant's own inventions to its average; an invented label costs it the recall all the same).
    """
    from scipy.sparse import csr_array

    expected = [score.expected or "" for score in scores]
    at = {label: number for number, label in enumerate(dict.fromkeys(expected))}
    cells: dict[tuple[int, int], float] = {}
    for row, (score, wanted) in enumerate(zip(scores, expected, strict=True)):
        told = score.parsed.value
        for label in (wanted, told if isinstance(told, str) else None):
            if label in at:
                column = 2 * at[label] + 1
                cells[row, column] = cells.get((row, column), 0.0) + 1.0
        if told == wanted:
            cells[row, 2 * at[wanted]] = 1.0
    shape = (len(scores), 2 * len(at))
    where = np.array(list(cells), dtype=int).reshape(-1, 2).T
    rows = csr_array((list(cells.values()), (where[0], where[1])), shape=shape)
    return Counts(rows if shape[0] * shape[1] > DENSE_UP_TO else rows.toarray(), _macro_value)


def _macro_value(sums: Floats) -> Floats:
    """A label that no example of a resample has, and none was given, says nothing about it and is left out."""
    right, both = sums[..., 0::2], sums[..., 1::2]
    seen = both > 0
    f1 = np.where(seen, 2 * right / np.maximum(both, 1e-12), 0.0)
    return np.asarray(f1.sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1))


def _chrf(sums: Floats) -> Floats:
    """chrF with beta 2 (Popović 2015), averaged over the orders that both texts have, as sacrebleu 2 does."""
    answer, expected, same = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    have = (answer > 0) & (expected > 0)
    orders = np.maximum(have.sum(axis=-1), 1)
    precision = np.where(have, same / np.maximum(answer, 1e-12), 0.0).sum(axis=-1) / orders
    recall = np.where(have, same / np.maximum(expected, 1e-12), 0.0).sum(axis=-1) / orders
    below = CHRF_BETA**2 * precision + recall
    return np.where(below > 0, (1 + CHRF_BETA**2) * precision * recall / np.maximum(below, 1e-12), 0.0)


def _bleu(sums: Floats, effective_order: bool = False) -> Floats:
    """BLEU of four orders with sacrebleu's default smoothing "exp" (Papineni et al. 2002; Chen and Cherry 2014)."""
    length, wanted, same, total = sums[..., 0], sums[..., 1], sums[..., 2:6], sums[..., 6:10]
    with np.errstate(divide="ignore", invalid="ignore"):
        brevity = np.where(length < wanted, np.exp(1 - wanted / np.maximum(length, 1e-12)), 1.0)
        doubled = 2.0 ** np.cumsum((same == 0) & (total > 0), axis=-1)
        precision = np.where(same > 0, same / total, 1.0 / (doubled * total))
        logs = np.where(total > 0, np.log(precision), 0.0 if effective_order else -np.inf)
        orders = np.maximum((total > 0).sum(axis=-1), 1) if effective_order else same.shape[-1]
        value = brevity * np.exp(logs.sum(axis=-1) / orders)
    return np.where(same.sum(axis=-1) > 0, np.minimum(value, 1.0), 0.0)


def _sentence_bleu(sums: Floats) -> Floats:
    return _bleu(sums, effective_order=True)


VALUE_OF: Final = {"bleu": _bleu, "chrf": _chrf, "span_f1": _span_f1}
