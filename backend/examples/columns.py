"""What stands in a column, measured on a spread sample: from this its part in an example is guessed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.examples.span_cells import read_places
from backend.prompts.table import Table

SAMPLE: Final = 3_000
HANGUL: Final = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
LETTER: Final = re.compile(r"[^\W\d_]")
QUESTION: Final = re.compile(
    r"[?？]\s*$|(까|까요|니|나요|는가|인가|인가요)\s*[?？.]?\s*$|^\s*(who|what|when|where|why|which|how|is|are|do|does|did|can)\b",
    re.I,
)


@dataclass(frozen=True)
class Column:
    """One column over the sample of `rows` rows.

    filled    share of cells that are not empty     distinct  number of different filled cells
    length    mean characters of a filled cell      numbers   share of filled cells that are a number
    hangul    share of Hangul among the letters     questions share of filled cells that ask
    common    the most frequent cells with their counts, 60 at most
    """

    name: str
    rows: int
    filled: float
    distinct: int
    length: float
    numbers: float
    hangul: float
    questions: float
    common: tuple[tuple[str, int], ...]

    @property
    def varied(self) -> float:
        """Different cells among the filled ones, 0..1."""
        return self.distinct / max(self.rows * self.filled, 1)

    @property
    def label_like(self) -> bool:
        """Few and short values that come again and again."""
        few = self.distinct <= 30 or self.varied <= 0.1
        return self.filled > 0.5 and self.length <= 60 and few and (self.varied <= 0.5 or self.rows < 8)

    @property
    def text_like(self) -> bool:
        """Words of somebody: letters mostly, and seldom the same twice."""
        return self.numbers < 0.5 and self.filled > 0 and (self.varied > 0.3 or self.length > 40)

    @property
    def slice_like(self) -> bool:
        """Values by which examples can be told into groups."""
        return 2 <= self.distinct <= 50 and self.length <= 60 and self.varied <= 0.3 and self.filled > 0.3


def columns_of(table: Table) -> dict[str, Column]:
    """Every column of the table by its name."""
    step = max(1, len(table.cells) // SAMPLE)
    sample = list(table.cells[::step])[:SAMPLE]
    return {name: measured(name, [row[at] for row in sample]) for at, name in enumerate(table.columns)}


def measured(name: str, cells: Sequence[str]) -> Column:
    filled = [cell.strip() for cell in cells if cell.strip()]
    counts = Counter(cell if len(cell) <= 200 else cell[:200] for cell in filled)
    some = filled[:500]
    count, sampled = max(len(filled), 1), max(len(some), 1)
    return Column(
        name=name,
        rows=len(cells),
        filled=len(filled) / max(len(cells), 1),
        distinct=len(counts),
        length=sum(map(len, filled)) / count,
        numbers=sum(map(is_number, some)) / sampled,
        hangul=hangul_share(some),
        questions=sum(bool(QUESTION.search(cell[-200:])) for cell in some) / sampled,
        common=tuple(counts.most_common(60)),
    )


def hangul_share(texts: Sequence[str]) -> float:
    joined = "".join(text[:300] for text in texts)
    return len(HANGUL.findall(joined)) / max(len(LETTER.findall(joined)), 1)


def is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def is_json(text: str) -> bool:
    """Whether a cell holds a list or an object rather than words."""
    if not text.startswith(("[", "{")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def answer_text(cell: str) -> str:
    """The answer in a cell: of several (SQuAD's lists) the first, of an object its text, else the cell as it is."""
    if not cell.startswith(("[", "{")) or read_places(cell):
        return cell
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    while isinstance(found, (list, dict)):
        inner = found[0] if isinstance(found, list) and found else None
        if isinstance(found, dict):
            inner = next((found[key] for key in ("text", "answer", "value", "output") if key in found), None)
        if inner is None:
            return "" if not found or (isinstance(found, dict) and "text" in found) else cell
        found = inner
    return "" if found is None else str(found)
