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


def opened_passage(project: Project, one: Quoted, words: Words) -> str:
    """The page with the passage marked; where the document is gone or has changed, the passage as it was read."""
    head = (
        f'<h5 tabindex="-1">{plain(words.t("grounding.passage_at", number=one.number, place=place(one, words.t)))}</h5>'
    )
    try:
        document = project.documents.get(one.passage.document_id)
        parsed, laid = project.documents.parsed(document), project.documents.laid(document)
    except StudioError as fault:
        return _kept(head, one, sentence(words, fault))
    here = located(laid, one.passage)
    if here is None:
        return _kept(head, one, words.t("grounding.document_changed"))
    return f'<article class="pg-page">{head}{page_view(parsed, laid, here, one.passage)}</article>'


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


def page_view(parsed: Parsed, laid: Laid, here: tuple[int, int], passage: Passage) -> str:
    """The blocks of the passage's pages, the passage marked in them."""
    parts = []
    for block, (start, end) in zip(parsed.blocks, laid.spans, strict=True):
        if passage.page is not None and block.page is not None:
            wanted = passage.page <= block.page <= (passage.page_end or passage.page)
        else:
            wanted = end >= here[0] - AROUND and start <= here[1] + AROUND
        if wanted:
            parts.append(_block(block, start, here))
    return "".join(parts)


def _block(block: Block, start: int, here: tuple[int, int]) -> str:
    first, last = (min(max(at - start, 0), len(block.text)) for at in here)
    text = plain(block.text)
    if first < last:
        before, marked, after = block.text[:first], block.text[first:last], block.text[last:]
        text = f"{plain(before)}<mark>{plain(marked)}</mark>{plain(after)}"
    return f'<p class="pg-block pg-block-{block.kind}">{text}</p>'


def _kept(head: str, one: Quoted, why: str) -> str:
    return (
        f'<article class="pg-page">{head}<p class="pg-fault">{plain(why)}</p>'
        f'<p class="pg-block"><mark>{plain(one.passage.text)}</mark></p></article>'
    )
