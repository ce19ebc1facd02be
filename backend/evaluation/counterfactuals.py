"""Counterfactual inputs: the same example with one word in the place of another ("남편" for "아내", "he" for "she")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from backend.examples.example import Example

Swap = tuple[str, str]


def swapped(examples: Iterable[Example], swaps: Sequence[Swap]) -> list[tuple[Example, Example]]:
    """(example, its counterfactual) of the examples that have one of the terms; each pair of terms goes both ways.

    Input and expected output are swapped alike. Latin terms are swapped as whole words, in the case that stood
    there; Korean ones wherever they stand, since particles hang on them, with the longest term first.
    """
    pattern, other = _pattern(swaps)
    if pattern is None:
        return []

    def swap(text: str) -> str:
        return pattern.sub(lambda found: _like(other[found[0].casefold()], found[0]), text)

    pairs = []
    for example in examples:
        variables = {name: swap(text) for name, text in example.variables.items()}
        if variables != example.variables:
            told = {"variables": variables, "output": swap(example.output), "spans": None}
            pairs.append((example, example.model_copy(update=told)))
    return pairs


def _pattern(swaps: Sequence[Swap]) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    other: dict[str, str] = {}
    for one, two in swaps:
        if one.strip() and two.strip() and one != two:
            other.setdefault(one.strip().casefold(), two.strip())
            other.setdefault(two.strip().casefold(), one.strip())
    if not other:
        return None, other
    parts = [_bounded(term) for term in sorted(other, key=len, reverse=True)]
    return re.compile("|".join(parts), re.IGNORECASE), other


def _bounded(term: str) -> str:
    """Whole words where words have ends; Hangul after a Latin name is its particle."""
    before = r"(?<![A-Za-z0-9])" if term[0].isascii() and term[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if term[-1].isascii() and term[-1].isalnum() else ""
    return before + re.escape(term) + after


def _like(text: str, found: str) -> str:
    """In the case of what stood there."""
    if found.isupper() and len(found) > 1:
        return text.upper()
    return text[:1].upper() + text[1:] if found[:1].isupper() else text
