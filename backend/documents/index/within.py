"""Which passages are looked in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from backend.documents.index.vectors import Point


Hit = tuple[int, float]
"""A row id and its score, which is the cosine where it is found by points."""


class Within(NamedTuple):
    """Passages of these documents (None: of all), in one of these languages (none: in any)."""

    documents: frozenset[int] | None = None
    languages: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return self.documents is not None and not self.documents

    def lets(self, passage: Point) -> bool:
        """Whether this one is among them."""
        among = self.documents is None or passage.document in self.documents
        return among and (not self.languages or passage.language in self.languages)

    def where(self) -> dict[str, Any] | None:
        """As Chroma asks for it."""
        parts: list[dict[str, Any]] = []
        if self.documents is not None:
            parts.append({"document": {"$in": sorted(self.documents)}})
        if self.languages:
            parts.append({"language": {"$in": list(self.languages)}})
        return {"$and": parts} if len(parts) > 1 else parts[0] if parts else None


ALL: Final = Within()
