"""The values that the parts of documents hand each other."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.assistants import Part

BlockKind = Literal["heading", "paragraph", "list", "table", "code", "caption"]
PageKind = Literal["page", "slide", "sheet", "none"]
State = Literal["queued", "reading", "indexed", "failed"]


class Note(Part):
    """Something a person should know of a document, in words: `documents.note.<name>`; `pages` it is about."""

    name: str
    details: dict[str, str] = Field(default_factory=dict)
    pages: tuple[int, ...] = ()


class Block(Part):
    """A piece of a document in reading order.

    text   what is read aloud; of a table its rows as lines, cells joined by " | "
    level  of a heading, 1..6; of a list item its depth from 1; else 0
    page   1-based page, slide or sheet; None where the format has none
    rows   of a table its cells, the first row first
    """

    kind: BlockKind
    text: str
    level: int = Field(0, ge=0, le=9)
    page: int | None = None
    rows: tuple[tuple[str, ...], ...] = ()


class Parsed(Part):
    """A document as text. `pages` counts them (None: the format has none); `names` are those of sheets, by number."""

    title: str = ""
    blocks: tuple[Block, ...]
    page_kind: PageKind = "none"
    pages: int | None = None
    names: tuple[str, ...] = ()
    dated: str | None = None
    """The document's own date, ISO 8601 (YYYY-MM-DD), where it tells one."""
    notes: tuple[Note, ...] = ()


class Laid(Part):
    """A parsed document as one text: block i stands at text[spans[i][0]:spans[i][1]], blocks apart by a blank line."""

    text: str
    spans: tuple[tuple[int, int], ...]


def lay(parsed: Parsed) -> Laid:
    """The one text that offsets of passages and citations count in (characters, not bytes)."""
    texts, spans, at = [], [], 0
    for block in parsed.blocks:
        texts.append(block.text)
        spans.append((at, at + len(block.text)))
        at += len(block.text) + 2
    return Laid(text="\n\n".join(texts), spans=tuple(spans))


class Passage(Part):
    """A piece of a document that is found and cited as one.

    number    its place in the document, from 0; (document_id, number) names it within an index
    start     offsets in the document's laid text: text == laid.text[start:end]
    page      where it begins and ends; None where the format has no pages
    headings  the path of headings above it, the outermost first
    tokens    as the index's tokenizer counts them
    """

    document_id: int
    number: int
    text: str
    start: int
    end: int
    page: int | None = None
    page_end: int | None = None
    headings: tuple[str, ...] = ()
    tokens: int = 0
    language: Literal["ko", "en", "mixed", "other"] = "other"

    @property
    def id(self) -> str:
        return f"{self.document_id}-{self.number}"
