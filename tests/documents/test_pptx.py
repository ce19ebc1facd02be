"""Presentations: real ones, and presentations made with python-pptx for what real ones here do not hold."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.presentation import Presentation as Slides
from pptx.util import Cm

from backend.documents.readers import pptx
from backend.documents.reading.limits import Limits
from backend.documents.values import Parsed
from backend.errors import BadInput

FILES = Path(__file__).parent / "files"
BLANK, TITLE_AND_CONTENT = 6, 1
NAMES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    ' xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)


def read(path: Path, limits: Limits | None = None) -> Parsed:
    return pptx.read(path, limits or Limits())


def made(path: Path, fill: Callable[[Slides], None]) -> Parsed:
    slides = Presentation()
    fill(slides)
    slides.save(str(path))
    return read(path)


def told(parsed: Parsed) -> list[tuple[int | None, str, int, str]]:
    return [(block.page, block.kind, block.level, block.text) for block in parsed.blocks]


def test_titles_lists_boxes_and_notes_of_a_real_presentation() -> None:
    parsed = read(FILES / "powerpoint_sample.pptx")
    assert (parsed.page_kind, parsed.pages, parsed.dated) == ("slide", 3, "2024-10-23")
    second = [line for line in told(parsed) if line[0] == 2]
    assert second == [
        (2, "heading", 1, "Second slide title"),
        (2, "paragraph", 0, "A rectangle shape with this text inside."),
        (2, "paragraph", 0, "Let’s introduce a list"),
        (2, "list", 1, "With foo"),
        (2, "list", 1, "Bar"),
        (2, "list", 1, "And baz things"),
        (2, "paragraph", 0, "Some notes on the second slide."),
    ]
    table = next(block for block in parsed.blocks if block.kind == "table")
    assert table.page == 1 and table.rows[2] == ("R1", "True", "False", "", "False", "True", "True")
    labels = [row[0] for row in table.rows]
    assert "" not in labels[2:]  # a label merged over rows is said in each of them
    assert [text for page, _, _, text in told(parsed) if page == 3][-2:] == [
        "Final notes on the third slide.",
        "Second line of notes.",
    ]


def test_a_title_over_several_lines_is_one_heading() -> None:
    (only,) = read(FILES / "powerpoint_bad_text.pptx").blocks
    assert (only.kind, only.level, only.page) == ("heading", 1, 1)
    assert only.text.startswith("X-Library The fully customisable") and "\n" not in only.text


def test_a_chart_is_the_table_it_was_drawn_from() -> None:
    lines = told(read(FILES / "pptx_chart.pptx"))
    assert lines[1] == (1, "caption", 0, "Wild Duck Observations by Year")
    assert lines[2][3].splitlines()[:2] == [" | Freshwater Ducks | Saltwater Ducks", "2019 | 120 | 80"]


def test_a_chart_in_three_dimensions(tmp_path: Path) -> None:
    """python-pptx's `plots` raises ValueError for it once it stands in a file."""

    def fill(slides: Slides) -> None:
        data = CategoryChartData()
        data.categories = ["1월", "2월"]
        data.add_series("매출", (1.5, 0.1 + 0.2))
        slide = slides.slides.add_slide(slides.slide_layouts[BLANK])
        frame = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Cm(9), Cm(9), data)  # type: ignore[arg-type]
        bars = next(frame.chart.part._element.iter("{*}barChart"))
        bars.tag = bars.tag.replace("barChart", "bar3DChart")

    parsed = made(tmp_path / "a.pptx", fill)
    slide = Presentation(str(tmp_path / "a.pptx")).slides[0]
    with pytest.raises(ValueError, match="unsupported plot type"):
        slide.shapes[0].chart.plots[0]  # type: ignore[attr-defined]
    assert (parsed.blocks[0].kind, parsed.blocks[0].text) == ("heading", "#1")  # no line of it could be a title
    assert parsed.blocks[1].rows == (("", "매출"), ("1월", "1.5"), ("2월", "0.3"))


def test_shapes_are_read_from_top_to_bottom_and_left_to_right(tmp_path: Path) -> None:
    def fill(slides: Slides) -> None:
        slide = slides.slides.add_slide(slides.slide_layouts[BLANK])
        for text, left, top in (("아래", 1, 10), ("오른쪽", 12, 4.2), ("왼쪽", 1, 4.3), ("위", 5, 1)):
            slide.shapes.add_textbox(Cm(left), Cm(top), Cm(5), Cm(2)).text_frame.text = text
        group = slide.shapes.add_group_shape()
        group.shapes.add_textbox(Cm(1), Cm(14), Cm(5), Cm(2)).text_frame.text = "무리 안"

    lines = told(made(tmp_path / "a.pptx", fill))
    assert [text for *_, text in lines] == ["위", "왼쪽", "오른쪽", "아래", "무리 안"]
    assert [kind for _, kind, *_ in lines] == ["heading"] + [
        "paragraph"
    ] * 4  # the uppermost line stands in for a title


def test_levels_footers_and_hidden_slides(tmp_path: Path) -> None:
    def fill(slides: Slides) -> None:
        slide = slides.slides.add_slide(slides.slide_layouts[TITLE_AND_CONTENT])
        slide.shapes.title.text = "추진\v배경"  # type: ignore[union-attr]
        frame = slide.placeholders[1].text_frame  # type: ignore[attr-defined]
        frame.text = "첫째"
        frame.add_paragraph().text = "둘째"
        frame.paragraphs[1].level = 1
        footer = (
            '<p:sp {}><p:nvSpPr><p:cNvPr id="90" name="f"/><p:cNvSpPr/><p:nvPr><p:ph type="ftr"/></p:nvPr></p:nvSpPr>'
        )
        footer += "<p:spPr/><p:txBody><a:bodyPr/><a:p><a:r><a:t>대외비</a:t></a:r></a:p></p:txBody></p:sp>"
        slide.shapes.element.append(etree.fromstring(footer.format(NAMES)))
        hidden = slides.slides.add_slide(slides.slide_layouts[TITLE_AND_CONTENT])
        hidden.shapes.title.text = "숨은 쪽"  # type: ignore[union-attr]
        hidden.element.set("show", "0")
        slides.slides.add_slide(slides.slide_layouts[TITLE_AND_CONTENT]).shapes.title.text = "셋째 쪽"  # type: ignore[union-attr]

    parsed = made(tmp_path / "a.pptx", fill)
    assert told(parsed) == [
        (1, "heading", 1, "추진 배경"),
        (1, "list", 1, "첫째"),
        (1, "list", 2, "둘째"),
        (3, "heading", 1, "셋째 쪽"),
    ]
    assert parsed.pages == 3
    assert [(note.name, note.details) for note in parsed.notes] == [("hidden_slides", {"count": "1"})]


def test_wrapped_shapes_and_equations_are_read_once(tmp_path: Path) -> None:
    def shape(text: str) -> str:
        about = '<p:nvSpPr><p:cNvPr id="7" name="x"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        half = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
        body = f"<a:p><a:r><a:t>{text}</a:t></a:r>{half}</a:p>"
        return f"<p:sp>{about}<p:txBody><a:bodyPr/>{body}</p:txBody></p:sp>"

    def fill(slides: Slides) -> None:
        slide = slides.slides.add_slide(slides.slide_layouts[BLANK])
        both = f"<mc:Choice Requires='a14'>{shape('값은 ')}</mc:Choice><mc:Fallback>{shape('그림')}</mc:Fallback>"
        slide.shapes.element.append(etree.fromstring(f"<mc:AlternateContent {NAMES}>{both}</mc:AlternateContent>"))

    assert [text for *_, text in told(made(tmp_path / "a.pptx", fill))] == ["값은 1/2"]


def with_diagram(slides: Slides, relation: str | None = None) -> None:
    slide = slides.slides.add_slide(slides.slide_layouts[BLANK])
    points = "".join(f"<dgm:pt><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>" for text in "가나")
    data = f"<dgm:dataModel {NAMES}><dgm:ptLst>{points}<dgm:pt/></dgm:ptLst></dgm:dataModel>".encode()
    kind = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
    part = Part(PackURI("/ppt/diagrams/data1.xml"), kind, slides.part.package, data)
    pointed = slide.part.relate_to(
        part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
    )
    slide.shapes.element.append(
        etree.fromstring(
            f'<p:graphicFrame {NAMES}><p:nvGraphicFramePr><p:cNvPr id="9" name="d"/><p:cNvGraphicFramePr/><p:nvPr/>'
            '</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="0"/><a:ext cx="1" cy="1"/></p:xfrm><a:graphic>'
            '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/diagram">'
            f'<dgm:relIds r:dm="{relation or pointed}"/></a:graphicData></a:graphic></p:graphicFrame>'
        )
    )


def test_smart_art_is_read(tmp_path: Path) -> None:
    assert told(made(tmp_path / "a.pptx", with_diagram)) == [
        (1, "heading", 1, "#1"),
        (1, "list", 1, "가"),
        (1, "list", 1, "나"),
    ]


def test_a_part_that_is_not_there_is_damage(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        made(tmp_path / "a.pptx", lambda slides: with_diagram(slides, "rId99"))
    assert raised.value.key == "error.document_damaged"


def refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(BadInput) as raised:
        read(path, limits)
    assert raised.value.details["name"] == path.name
    return raised.value.key


def test_limits_and_broken_files(tmp_path: Path) -> None:
    sample = FILES / "powerpoint_sample.pptx"
    assert refused(sample, Limits(pages=2)) == "error.document_too_many_pages"
    assert read(sample, Limits(pages=3)).pages == 3
    assert refused(sample, Limits(cells=5)) == "error.document_too_many_cells"
    path = tmp_path / "a.pptx"
    path.write_bytes(sample.read_bytes()[:20_000])
    assert refused(path) == "error.document_damaged"
    shutil.copy(FILES / "tablecell.docx", path)
    assert refused(path) == "error.document_damaged"
    with zipfile.ZipFile(sample) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            slide = info.filename == "ppt/slides/slide2.xml"
            new.writestr(info, b"<p:sld>" + b" " * 9_000_000 if slide else old.read(info))
    assert refused(path) == "error.document_bomb"


def test_flipped_bytes_never_end_in_anything_but_words(tmp_path: Path) -> None:
    whole, path, outcomes = (FILES / "pptx_chart.pptx").read_bytes(), tmp_path / "a.pptx", set()
    for start in range(15):
        data = bytearray(whole)
        for at in range(start * 97 + 40, len(data), len(data) // 6):
            data[at] ^= 0x21
        path.write_bytes(data)
        try:
            outcomes.add(type(read(path)).__name__)
        except BadInput as fault:
            outcomes.add(fault.key)
    assert outcomes <= {"Parsed", "error.document_damaged", "error.document_password", "error.document_bomb"}
    assert "error.document_damaged" in outcomes
