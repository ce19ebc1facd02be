"""Shots chosen anew for each question, out of the assistant's pool.

Indexes of pools are kept by a `ShotChooser`, which belongs to whoever answers.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from backend.assistants import PER_INPUT, Examples, Selection, Shot
from backend.examples.example import input_key
from backend.fewshot.picking import answers_repeat, least_shown, marginal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backend.fewshot.embedding import Space
    from backend.fewshot.keywords import Keywords

POOLS_KEPT = 8
CONSIDERED = 64
"""So many of the nearest stand for choice when answers are no labels and variety decides."""


class ShotChooser:
    """Chooses shots for questions; keeps the indexes of the pools used last. Every method from any thread."""

    def __init__(self, kept: int = POOLS_KEPT) -> None:
        self._kept = kept
        self._pools: list[Pool] = []
        self._lock = threading.Lock()

    def shots_for(self, examples: Examples, variables: Mapping[str, str]) -> tuple[Shot, ...]:
        """The shots shown before this question: all of them as listed, or those its selection chooses from the pool.

        What is chosen per question never has the question's own input.
        """
        selection = examples.selection
        if selection is None or selection.method not in PER_INPUT:
            return examples.shots
        if not examples.shots or not selection.count:
            return ()
        return self._pool(examples.shots).choose(selection, variables)

    def _pool(self, shots: tuple[Shot, ...]) -> Pool:
        """The pool of these shots, known by their content; the one used longest ago makes room."""
        with self._lock:
            found = next((pool for pool in self._pools if pool.shots is shots), None)
            found = found or next((pool for pool in self._pools if pool.shots == shots), None) or Pool(shots)
            self._pools = [found, *(pool for pool in self._pools if pool is not found)][: self._kept]
            return found


class Pool:
    """Shots to choose from, with the indexes that their methods need, made at first use."""

    def __init__(self, shots: tuple[Shot, ...]) -> None:
        self.shots = shots
        self._names = list(shots[0].variables)
        self._texts = [self._text(shot.variables) for shot in shots]
        self._same = [same(text) for text in self._texts]
        self._outputs = [shot.output for shot in shots]
        self._labelled = answers_repeat(self._outputs)
        self._space: Space | None = None
        self._keywords: Keywords | None = None
        self._lock = threading.Lock()

    def choose(self, selection: Selection, variables: Mapping[str, str]) -> tuple[Shot, ...]:
        scores = self._scores(selection, variables)
        ranked = self._ranked(scores, same(self._text(variables)))
        if selection.method == "mixed":
            chosen = self._mixed(ranked, scores, selection.count)
        else:
            chosen = ranked[: selection.count]
        rank = {index: place for place, index in enumerate(ranked)}
        if selection.order == "as_listed":
            chosen = sorted(chosen)
        elif selection.order == "shuffled":
            Random(f"{selection.seed} {input_key(variables)}").shuffle(chosen)
        else:
            chosen = sorted(chosen, key=lambda index: rank[index], reverse=selection.order == "nearest_last")
        return tuple(self.shots[index] for index in chosen)

    def _text(self, variables: Mapping[str, str]) -> str:
        """What of an input is compared: the variables that the pool's shots have, or all when it has none of them."""
        return "\n".join([variables[name] for name in self._names if name in variables] or variables.values())

    def _scores(self, selection: Selection, variables: Mapping[str, str]) -> Any:
        text = self._text(variables)
        if selection.method == "nearest_bm25":
            return self._words().scores(text)
        return self._points().similarities(text)

    def _ranked(self, scores: Any, question: str) -> list[int]:
        """Nearest first, without the question itself and without an input twice; equals in the order of the pool."""
        seen, ranked = {question}, []
        for index in nearest_first(scores, len(scores)):
            if self._same[index] not in seen:
                seen.add(self._same[index])
                ranked.append(index)
        return ranked

    def _mixed(self, ranked: list[int], scores: Any, count: int) -> list[int]:
        """Half the nearest; the others of answers not shown yet; where answers are no labels, unlike each other."""
        near, rest = ranked[: (count + 1) // 2], ranked[(count + 1) // 2 :]
        if self._labelled:
            return near + least_shown(self._outputs, rest, near, count - len(near))
        return near + marginal(self._points(), rest[:CONSIDERED], scores, count - len(near))

    def _points(self) -> Space:
        with self._lock:
            if self._space is None:
                from backend.fewshot.embedding import Space

                self._space = Space(self._texts)
            return self._space

    def _words(self) -> Keywords:
        with self._lock:
            if self._keywords is None:
                from backend.fewshot.keywords import Keywords

                self._keywords = Keywords(self._texts)
            return self._keywords


def nearest_first(scores: NDArray[np.float32], count: int) -> list[int]:
    """Places of the `count` highest scores, highest first, equals in their order; quick among very many."""
    import numpy as np

    if count <= 0:
        return []
    least = np.partition(scores, -count)[-count] if count < len(scores) else -np.inf
    among = np.flatnonzero(scores >= least)
    found: list[int] = among[np.argsort(-scores[among], kind="stable")][:count].tolist()
    return found


def same(text: str) -> str:
    """Equal for inputs that a reader takes for the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
