"""Documents: hand them over, see how they are cut, search them, and measure whether the right passage is found."""

from __future__ import annotations

from backend.services import Services
from tabs.documents import files_part, map_part, measure_part, passages_part, search_part
from tabs.inner import build_parts
from tabs.session import Session
from tabs.text import Words

PARTS = {
    "files": files_part,
    "passages": passages_part,
    "search": search_part,
    "map": map_part,
    "measure": measure_part,
}


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    build_parts(PARTS, "dc-part", "docs.tab_", services, words, session)
