"""What runs of this package call their files in the output folder; here alone, so that a removal need not load them."""

from __future__ import annotations

from typing import Final

PLAN: Final = "plan.json"
"""Of a sweep: what is tried, on which questions."""
DRAWN: Final = "drawn.json"
"""Of question writing: the passages that are asked about."""
WRITTEN: Final = "written.jsonl"
"""Of question writing: what came of each."""
