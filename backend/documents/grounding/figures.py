"""How well answers rest on their passages: citation precision and recall, unsupported sentences.

After ALCE (Gao et al. 2023, "Enabling Large Language Models to Generate Text with Citations"), with the overlap of
`supporting` where ALCE asks an entailment model: precision is the share of citations whose passage supports their
sentence, recall the share of claims with at least one such citation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from backend.assistants import Part
from backend.documents.grounding.supporting import supported
from backend.documents.grounding.values import Checked, Quoted


class Grounding(Part):
    """Counts of one answer, or of several together.

    claims      sentences that say something which could be looked up
    supported   of these, those whose words the passages hold      cited  those with a citation that supports them
    citations   numbers named by claims; right those whose passage supports the sentence
    unknown     answers that say the documents do not tell      answers  how many answers these counts are of
    """

    claims: int = Field(0, ge=0)
    supported: int = Field(0, ge=0)
    cited: int = Field(0, ge=0)
    citations: int = Field(0, ge=0)
    right: int = Field(0, ge=0)
    unknown: int = Field(0, ge=0)
    answers: int = Field(0, ge=0)

    @property
    def precision(self) -> float | None:
        """None where nothing was cited."""
        return self.right / self.citations if self.citations else None

    @property
    def recall(self) -> float | None:
        """None where nothing was claimed."""
        return self.cited / self.claims if self.claims else None

    @property
    def unsupported(self) -> float | None:
        """Share of claims that no passage supports; None where nothing was claimed."""
        return 1 - self.supported / self.claims if self.claims else None

    def __add__(self, other: Grounding) -> Grounding:
        mine, theirs = self.model_dump(), other.model_dump()
        return Grounding(**{name: mine[name] + theirs[name] for name in mine})


def grounding_of(answer: str, quoted: Sequence[Quoted]) -> Grounding:
    """The counts of one answer."""
    return counted(supported(answer, quoted))


def counted(checked: Sequence[Checked]) -> Grounding:
    claims = [one for one in checked if one.support in ("supported", "unsupported")]
    return Grounding(
        claims=len(claims),
        supported=sum(one.support == "supported" for one in claims),
        cited=sum(bool(set(one.cited) & set(one.numbers)) for one in claims),
        citations=sum(len(one.cited) for one in claims),
        right=sum(len(set(one.cited) & set(one.numbers)) for one in claims),
        unknown=int(any(one.support == "unknown" for one in checked)),
        answers=1,
    )


def counts_of(kept: Iterable[tuple[int, dict[str, int] | None]]) -> dict[int, Grounding]:
    """Counts as they are kept with answers, those that can be read."""
    found: dict[int, Grounding] = {}
    for number, told in kept:
        try:
            found |= {number: Grounding.model_validate(told)} if told is not None else {}
        except ValueError:
            continue  # a project from elsewhere holds what its file held
    return found
