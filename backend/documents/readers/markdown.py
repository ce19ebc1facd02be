"""Markdown (CommonMark with tables) by markdown-it-py: its tokens are blocks already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backend.documents.readers import html
from backend.documents.readers.grid import table
from backend.documents.readers.packages import day
from backend.documents.readers.text import paragraphs, text_of
from backend.documents.reading.limits import Limits
from backend.documents.values import Block, Parsed

if TYPE_CHECKING:
    from markdown_it.token import Token

FRONT: Final = re.compile(r"---\n(.*?)\n(?:---|\.\.\.)(?:\n|$)", re.DOTALL)
FIELD: Final = re.compile(r"^(title|date)\s*:\s*[\"']?(.*?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
LONGEST_LINE: Final = 200_000
"""A line beyond this was not written by hand; telling its brackets and stars apart would take minutes."""
DEEPEST: Final = 60


def read(path: Path, limits: Limits) -> Parsed:
    text, notes = text_of(path)
    front = FRONT.match(text)
    fields = {name.lower(): said for name, said in FIELD.findall(front.group(1))} if front else {}
    before = list(paragraphs(front.group(1))) if front else []
    blocks = [*before, *blocks_of(text[front.end() :] if front else text)]
    title = fields.get("title") or next((b.text for b in blocks if b.kind == "heading" and b.level == 1), "")
    return Parsed(title=title, blocks=tuple(blocks), dated=day(fields.get("date")), notes=notes)


def blocks_of(text: str) -> Iterator[Block]:
    """What nests deeper than people write, or runs on in one endless line, is read as plain paragraphs."""
    if max(map(len, text.split("\n"))) > LONGEST_LINE or re.search(
        rf"^(?:[>\-*+ ]){{{DEEPEST},}}[^>\-*+ \n]", text, re.M
    ):
        yield from paragraphs(text)
        return
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": 2 * DEEPEST}).enable("table")
    yield from _Walk(parser.parse(text)).blocks()


class _Walk:
    """Over the flat tokens, with what is open around them."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._lists = 0
        self._rows: list[list[str]] = []

    def blocks(self) -> Iterator[Block]:
        for at, token in enumerate(self._tokens):
            if token.type in {"bullet_list_open", "ordered_list_open"}:
                self._lists += 1
            elif token.type in {"bullet_list_close", "ordered_list_close"}:
                self._lists -= 1
            elif token.type == "tr_open":
                self._rows.append([])
            elif token.type == "table_close":
                whole, self._rows = table(self._rows), []
                yield from [whole] if whole else []
            else:
                yield from self._leaf(token, self._tokens[at - 1])

    def _leaf(self, token: Token, before: Token) -> Iterator[Block]:
        if token.type in {"fence", "code_block"}:
            yield Block(kind="code", text=token.content, level=0)
        elif token.type == "html_block":
            yield from html.blocks_of(token.content)[0]
        elif token.type == "inline":
            text = inline_text(token)
            if before.type in {"th_open", "td_open"}:
                self._rows[-1].append(text)
            elif before.type == "heading_open" and "\n" not in text:  # underlined lines of a form are no heading
                yield Block(kind="heading", text=text, level=int(before.tag[1]))
            elif self._lists:
                yield Block(kind="list", text=text, level=min(self._lists, 9))
            else:
                yield Block(kind="paragraph", text=text, level=0)


def inline_text(token: Token) -> str:
    """What is read: link texts without addresses, pictures by their description, no tags."""
    said = []
    for part in token.children or []:
        if part.type in {"softbreak", "hardbreak"}:
            said.append("\n")
        elif part.type == "image":
            said.append(inline_text(part) if part.children else part.content)
        elif part.type in {"text", "code_inline"}:
            said.append(part.content)
        elif part.type == "html_inline" and re.match(r"<br\b", part.content, re.IGNORECASE):
            said.append("\n")
    return "".join(said)
