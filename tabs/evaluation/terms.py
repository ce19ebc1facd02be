"""Words to swap, as a person types them: one pair per line, divided by an arrow, a tab or a comma."""

from __future__ import annotations

import re
from typing import Final

from backend.errors import BadInput

DIVIDERS: Final = re.compile(r"\s*(?:→|⇒|↔|-+>|=+>|\t|\s/\s|,|，)\s*")
MOST: Final = 50


def read_terms(text: str) -> list[tuple[str, str]]:
    """Raises BadInput("error.compare_terms", row=) for a line that is no pair, or ("error.compare_terms_none")."""
    pairs: list[tuple[str, str]] = []
    for row, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [part.strip() for part in DIVIDERS.split(line.strip()) if part.strip()]
        if len(parts) != 2 or parts[0] == parts[1]:
            raise BadInput("error.compare_terms", row=row)
        if (parts[0], parts[1]) not in pairs:
            pairs.append((parts[0], parts[1]))
    if not pairs:
        raise BadInput("error.compare_terms_none")
    return pairs[:MOST]
