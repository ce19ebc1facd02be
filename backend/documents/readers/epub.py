"""E-books (EPUB 2 and 3): the chapters of the spine in their order, each read as the page it is.

Nothing is fetched and nothing is run. A chapter that is damaged costs only itself. The format has no pages of paper.
(Package, spine and encryption: https://www.w3.org/TR/epub-33/, 5 and 4.2.6.)
"""

from __future__ import annotations

import html as entities
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from backend.documents.readers.html import DECLARED
from backend.documents.readers.html import parsed as parsed_html
from backend.documents.readers.html_walk import Walk
from backend.documents.readers.packages import BROKEN, day, named, package, tree
from backend.documents.reading.encodings import decode
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput

if TYPE_CHECKING:
    from backend.documents.reading.limits import Limits

Element = Any
NAMED: Final = re.compile(r"&(\w+);")
DECLARATION: Final = re.compile(r"<\?xml[^>]*\?>")
XML_OWN: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"})


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput: damaged, locked by DRM, larger inside than the limits allow."""
    with named(path), package(path, limits) as opened:
        folder, book = opf(opened)
        chapters = spine(book, folder)
        refuse_locked(opened, chapters)
        labels = contents(opened, book, folder)
        blocks: list[Block] = []
        lost: list[str] = []
        images = 0
        for chapter in chapters:
            root = page(opened, chapter)
            if root is None:
                lost.append(posixpath.basename(chapter))
                continue
            blocks += headed(Walk(root).blocks(), labels.get(chapter, ""))
            images += sum(1 for _ in root.iter("img", "image"))
        if lost and not blocks:
            raise BadInput("error.document_damaged")
        return Parsed(
            title=first(book, "title"), blocks=tuple(blocks), dated=dated(book), notes=tuple(notes(lost, images))
        )


def opf(opened: zipfile.ZipFile) -> tuple[str, Element]:
    """The folder and the root of the book's description, without namespaces. Raises KeyError where there is none."""
    container = plain(tree(opened.read("META-INF/container.xml")))
    name = next((file.get("full-path") or "" for file in container.iter("rootfile")), "")
    return posixpath.dirname(name), plain(tree(opened.read(name)))


def spine(book: Element, folder: str) -> list[str]:
    """Names of the chapters' parts, in reading order; the table of contents is left out."""
    items = {item.get("id"): item for item in book.iter("item")}
    read_in_order = (items.get(mark.get("idref")) for mark in book.iter("itemref"))
    return [
        within(folder, item.get("href") or "")
        for item in read_in_order
        if item is not None and item.get("media-type") in PAGES and "nav" not in (item.get("properties") or "").split()
    ]


def within(folder: str, href: str) -> str:
    """The name of the part that `href`, written in a part of `folder`, points at."""
    return posixpath.normpath(posixpath.join(folder, unquote(urlsplit(href).path)))


def refuse_locked(opened: zipfile.ZipFile, chapters: Sequence[str]) -> None:
    """Obscured fonts are usual and harmless; an encrypted chapter is a lock."""
    if "META-INF/encryption.xml" in opened.namelist():
        listed = plain(tree(opened.read("META-INF/encryption.xml"))).iter("CipherReference")
        if {within("", mark.get("URI") or "") for mark in listed} & set(chapters):
            raise BadInput("error.document_epub_drm")


def contents(opened: zipfile.ZipFile, book: Element, folder: str) -> dict[str, str]:
    """Chapter's part -> what the table of contents calls it, of EPUB 3 (nav) or of EPUB 2 (NCX)."""
    labels: dict[str, str] = {}
    for item in book.iter("item"):
        is_nav = "nav" in (item.get("properties") or "").split()
        if is_nav or item.get("media-type") == "application/x-dtbncx+xml":
            name = within(folder, item.get("href") or "")
            root = page(opened, name)
            for href, label in entries(root) if root is not None else ():
                labels.setdefault(within(posixpath.dirname(name), href), label)
    return labels


def entries(root: Element) -> Iterator[tuple[str, str]]:
    for link in root.iter("a"):
        yield link.get("href") or "", " ".join("".join(link.itertext()).split())
    for point in root.iter("navpoint"):
        label, target = point.find("navlabel"), point.find("content")
        if label is not None and target is not None:
            yield target.get("src") or "", " ".join("".join(label.itertext()).split())


def page(opened: zipfile.ZipFile, name: str) -> Element | None:
    """The root of a page, its tags as HTML writes them; None where the part is missing or damaged.

    As XML first: read as HTML, an empty `<title/>` or `<a id="x"/>` would swallow what follows.
    """
    from lxml.etree import XMLSyntaxError

    try:
        raw = opened.read(name)
    except BROKEN:
        return None
    told = DECLARED.search(raw[:1024])
    text, _ = decode(raw, told[1].decode("ascii", "replace") if told else None)
    text = DECLARATION.sub("", text.lstrip("\ufeff \r\n\t"))  # what it says of its encoding is no longer true
    try:
        return plain(tree(NAMED.sub(spelled, text).encode("utf-8")), lower=True)
    except (XMLSyntaxError, ValueError):
        return parsed_html(text)


def spelled(found: re.Match[str]) -> str:
    """`&nbsp;` and its kin, which HTML knows and XML does not, as the letters they mean."""
    return found[0] if found[1] in XML_OWN else entities.unescape(found[0]).replace("&", "&amp;").replace("<", "&lt;")


def plain(root: Element, lower: bool = False) -> Element:
    """The same tree without namespaces, comments and instructions."""
    from lxml import etree

    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, etree.Entity, with_tail=False)
    for element in root.iter("*"):
        local = element.tag.rpartition("}")[2]
        element.tag = local.lower() if lower else local
    return root


def headed(blocks: list[Block], label: str) -> list[Block]:
    """A chapter that sets no heading of its own is called what the table of contents calls it."""
    if not blocks or not label or any(block.kind == "heading" for block in blocks):
        return blocks
    repeated = " ".join(blocks[0].text.split()) == label
    return [Block(kind="heading", text=label, level=1), *blocks[1 if repeated else 0 :]]


def first(book: Element, name: str) -> str:
    return next((" ".join((found.text or "").split()) for found in book.iter(name) if (found.text or "").strip()), "")


def dated(book: Element) -> str | None:
    """When it was published, else when the file was last changed."""
    changed = (meta.text for meta in book.iter("meta") if meta.get("property") == "dcterms:modified")
    return day(first(book, "date")) or day(next(changed, None))


def notes(lost: Sequence[str], images: int) -> Iterator[Note]:
    if lost:
        yield Note(name="damaged_parts", details={"count": str(len(lost)), "names": ", ".join(lost)})
    if images:
        yield Note(name="images_left_out", details={"count": str(images)})
