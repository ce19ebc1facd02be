"""A passage in the page of its document, marked. Everything of a document is shown as text, nothing of it runs."""

from __future__ import annotations

from collections.abc import Sequence

from backend.documents.grounding.values import Quoted
from backend.documents.values import Block, Laid, Parsed, Passage
from backend.errors import NotFound, StudioError
from backend.projects.folder import Project
from tabs.errors import sentence
from tabs.playground.cited import place
from tabs.playground.prose import plain
from tabs.text import Words

AROUND = 1_500
"""Characters before and after a passage, in a document without pages."""
AROUND_IN_PAGE = 4_500
"""Of a page or sheet, which may hold millions."""


def opened_passage(project: Project, one: Quoted, words: Words) -> str:
    """The page with the passage marked; where the document is gone or has changed, the passage as it was read."""
    if one.removed:
        return _kept(heading(one, words), one, words.t("grounding.removed"))
    try:
        document = project.documents.get(one.passage.document_id)
        parsed, laid = project.documents.parsed(document), project.documents.laid(document)
    except StudioError as fault:
        return _kept(heading(one, words), one, sentence(words, fault))
    here = located(laid, one.passage)
    if here is None:
        return _kept(heading(one, words), one, words.t("grounding.document_changed"))
    pages = pages_of(parsed, laid, here)
    moved = one.passage.model_copy(update={"page": min(pages, default=None), "page_end": max(pages, default=None)})
    head = heading(one.model_copy(update={"passage": moved}), words)
    return f'<article class="pg-page">{head}{page_view(parsed, laid, here)}</article>'


def heading(one: Quoted, words: Words) -> str:
    return (
        f'<h5 tabindex="-1">{plain(words.t("grounding.passage_at", number=one.number, place=place(one, words.t)))}</h5>'
    )


def opened_number(project: Project, quoted: Sequence[Quoted], number: int, words: Words) -> str:
    """The passage of that number among those of an answer. Raises NotFound("error.grounding_passage_gone")."""
    cited = next((one for one in quoted if one.number == number), None)
    if cited is None:
        raise NotFound("error.grounding_passage_gone")
    return opened_passage(project, cited, words)


def located(laid: Laid, passage: Passage) -> tuple[int, int] | None:
    """Where the passage stands now; None when the document says something else."""
    if laid.text[passage.start : passage.end] == passage.text:
        return passage.start, passage.end
    at = laid.text.find(passage.text) if passage.text.strip() else -1
    return None if at < 0 else (at, at + len(passage.text))


def pages_of(parsed: Parsed, laid: Laid, here: tuple[int, int]) -> set[int]:
    """The pages on which laid.text[here[0]:here[1]] stands; none in a document without pages."""
    spans = zip(parsed.blocks, laid.spans, strict=True)
    return {block.page for block, (start, end) in spans if block.page is not None and start < here[1] and end > here[0]}


def page_view(parsed: Parsed, laid: Laid, here: tuple[int, int]) -> str:
    """The blocks of the passage's pages as the document is now, the passage marked in them; of much what is near."""
    pages, parts = pages_of(parsed, laid, here), []
    around = AROUND_IN_PAGE if pages else AROUND
    near = here[0] - around, here[1] + around
    for block, (start, end) in zip(parsed.blocks, laid.spans, strict=True):
        on_page = not pages or block.page is None or block.page in pages
        if on_page and end >= near[0] and start <= near[1]:
            parts.append(_block(block, start, here, near))
    return "".join(parts)


def _block(block: Block, start: int, here: tuple[int, int], near: tuple[int, int]) -> str:
    """A block, cut to what is near; "…" stands where it goes on."""
    low, first, last, high = (min(max(at - start, 0), len(block.text)) for at in (near[0], here[0], here[1], near[1]))
    before, marked, after = block.text[low:first], block.text[first:last], block.text[last:high]
    text = f"{plain(before)}<mark>{plain(marked)}</mark>{plain(after)}" if marked else plain(before + after)
    ends = "…" if low else "", "…" if high < len(block.text) else ""
    return f'<p class="pg-block pg-block-{block.kind}">{ends[0]}{text}{ends[1]}</p>'


def _kept(head: str, one: Quoted, why: str) -> str:
    kept = f'<p class="pg-block"><mark>{plain(one.passage.text)}</mark></p>' if not one.removed else ""
    return f'<article class="pg-page">{head}<p class="pg-fault">{plain(why)}</p>{kept}</article>'
