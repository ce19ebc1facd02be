"""Presentations (PPTX): opened by python-pptx, each slide a page: title, shapes from top to bottom, speaker's notes.

Shapes stand in the file in the order they were drawn, which is not the order they are read in. Numbers, dates and
footers that every slide carries are left out; so are hidden slides, which a note counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.readers.drawingml import DGM, A, C, chart, diagram, paragraphs, rows, words
from backend.documents.readers.packages import named, package, properties, tree
from backend.documents.values import Block, Note, Parsed
from backend.errors import BadInput, first_line

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide

    from backend.documents.reading.limits import Limits

Element = Any
P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
TITLES: Final = frozenset({"title", "ctrTitle"})
EDGES: Final = frozenset({"dt", "ftr", "hdr", "sldNum"})
LONGEST_TITLE: Final = 60
BAND: Final = 360_000
"""EMU, one centimetre: shapes that begin within it stand beside each other, and are read from left to right."""
NO_TITLE: Final = frozenset({"PowerPoint Presentation", "PowerPoint 프레젠테이션", "프레젠테이션", "슬라이드 1"})
"""What the program itself calls a presentation."""


def read(path: Path, limits: Limits) -> Parsed:
    """Raises BadInput: damaged, more slides than the limits allow, larger inside than they allow."""
    with named(path), package(path, limits) as opened:
        title, dated = properties(opened)
        slides = list(load(path).slides)
        if len(slides) > limits.pages:
            raise BadInput("error.document_too_many_pages", pages=f"{len(slides):,}", most=f"{limits.pages:,}")
        shown = [
            (page, slide) for page, slide in enumerate(slides, 1) if slide.element.get("show") not in {"0", "false"}
        ]
        hidden = len(slides) - len(shown)
        return Parsed(
            title="" if title in NO_TITLE else title,
            blocks=tuple(block for page, slide in shown for block in Walk(slide, page, limits.cells).blocks()),
            page_kind="slide",
            pages=len(slides),
            dated=dated,
            notes=(Note(name="hidden_slides", details={"count": str(hidden)}),) if hidden else (),
        )


def load(path: Path) -> Presentation:
    from pptx import Presentation as opened
    from pptx.exc import PythonPptxError

    try:
        return opened(str(path))
    except (PythonPptxError, ValueError, AttributeError) as fault:  # the last two: another Office file, parts mixed up
        raise BadInput("error.document_damaged", detail=first_line(fault)) from fault


class Walk:
    """Goes through one slide."""

    def __init__(self, slide: Slide, page: int, most_cells: int) -> None:
        self.slide = slide
        self.page = page
        self.most_cells = most_cells
        self.places = {shape.shape_id: (shape.top or 0, shape.left or 0) for shape in slide.shapes}
        """Asked of python-pptx, which knows where the layout puts a placeholder that does not say so itself."""

    def blocks(self) -> Iterator[Block]:
        shapes = list(unwrapped(self.slide.shapes.element))
        titles = [shape for shape in shapes if placeholder(shape) in TITLES]
        rest = sorted((shape for shape in shapes if shape not in titles), key=self.place)
        heading = " ".join(words(line) for shape in titles for line in shape.iter(f"{A}p"))
        found = [block for shape in rest for block in self.shape(shape)]
        notes = list(self.notes())
        if heading.strip():
            yield self.heading(heading)
        elif found or notes:
            yield self.heading(likely_title(found) or f"#{self.page}")
            found = found[1:] if likely_title(found) else found
        yield from found
        yield from notes

    def heading(self, text: str) -> Block:
        """Every slide has one: without it what stands here would seem to stand under the slide before."""
        return Block(kind="heading", text=" ".join(text.split()), level=1, page=self.page)

    def notes(self) -> Iterator[Block]:
        if self.slide.has_notes_slide and (frame := self.slide.notes_slide.notes_text_frame) is not None:
            yield from paragraphs(frame._txBody, self.page)

    def place(self, shape: Element) -> tuple[int, int]:
        """From top to bottom in bands, within a band from left to right."""
        about = shape.find(f"*/{P}cNvPr")
        told = (about.get("id") or "") if about is not None else ""
        top, left = self.places.get(int(told) if told.isdigit() else 0) or own_place(shape)
        return top // BAND, left

    def shape(self, shape: Element) -> Iterator[Block]:
        kind = placeholder(shape)
        if kind in EDGES:
            return
        if shape.tag == f"{P}grpSp":
            for inner in unwrapped(shape):
                yield from self.shape(inner)
        elif shape.tag == f"{P}graphicFrame":
            yield from self.graphic(shape)
        elif (body := shape.find(f"{P}txBody")) is not None:
            yield from paragraphs(body, self.page, listed=kind in {"body", "obj"} and len(body.findall(f"{A}p")) > 1)

    def graphic(self, frame: Element) -> Iterator[Block]:
        for element in frame.iter(f"{A}tbl", f"{C}chart", f"{DGM}relIds"):
            if element.tag == f"{A}tbl":
                made = rows(element, self.page, self.most_cells)
                yield from (made,) if made is not None else ()
            elif element.tag == f"{C}chart":
                yield from chart(self.part(element.get(f"{R}id")), self.page)
            else:
                yield from diagram(self.part(element.get(f"{R}dm")), self.page)

    def part(self, relation: str | None) -> Element:
        """The root of a part that the slide points at. Raises KeyError where it is not there."""
        return tree(self.slide.part.related_part(relation or "").blob)


def likely_title(found: Sequence[Block]) -> str:
    """Of a slide that leaves its title's place empty the uppermost line, if it is short; "" where it is not."""
    first = found[0] if found else None
    short = first is not None and first.kind == "paragraph" and len(first.text) <= LONGEST_TITLE
    return first.text if first is not None and short else ""


def unwrapped(container: Element) -> Iterator[Element]:
    """Shapes of a slide or group, also those that newer Office wraps, in its first reading."""
    for child in container:
        if child.tag in {f"{P}sp", f"{P}grpSp", f"{P}graphicFrame"}:
            yield child
        elif isinstance(child.tag, str) and child.tag.endswith(("}AlternateContent", "}Choice")):
            yield from unwrapped(child)


def placeholder(shape: Element) -> str:
    """Which of the layout's places a shape fills: "" none, "obj" any content."""
    mark = shape.find(f"*/{P}nvPr/{P}ph")
    return "" if mark is None else str(mark.get("type") or "obj")


def own_place(shape: Element) -> tuple[int, int]:
    """(top, left) in EMU that a shape says itself; the slide's corner where it says none."""
    place = next(shape.iter(f"{A}off"), None)
    told = [place.get(side) or "" for side in ("y", "x")] if place is not None else []
    return (
        (int(told[0]), int(told[1])) if len(told) == 2 and all(side.lstrip("-").isdigit() for side in told) else (0, 0)
    )
