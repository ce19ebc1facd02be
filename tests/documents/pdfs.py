"""PDFs made in the test: pages of text at places, rules, pictures, form fields, outlines.

Latin text is set in Helvetica; Hangul in a font that PDF readers know by name (Adobe-Korea1), not embedded.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WIDTH, HEIGHT = 595, 842


@dataclass
class Sheet:
    """A page: `marks` are drawing commands; places in points from the lower left corner."""

    marks: list[str] = field(default_factory=list)
    turn: int = 0
    picture: bool = False
    fields: list[tuple[str, str]] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, size: float = 10, bold: bool = False) -> Sheet:
        if text.isascii():
            escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            shown, font = f"({escaped})", "B" if bold else "F"
        else:
            shown, font = f"<{text.encode('utf-16-be').hex()}>", "K"
        self.marks.append(f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm {shown} Tj ET")
        return self

    def lines(self, x: float, top: float, texts: Sequence[str], size: float = 10, pitch: float = 1.3) -> Sheet:
        for number, text in enumerate(texts):
            self.text(x, top - number * pitch * size, text, size)
        return self

    def rule(self, x: float, y: float, to_x: float, to_y: float) -> Sheet:
        self.marks.append(f"{x} {y} m {to_x} {to_y} l S")
        return self

    def table(self, xs: Sequence[float], ys: Sequence[float], cells: Sequence[Sequence[str]]) -> Sheet:
        """Ruled; xs and ys are those of the rules, ys from the top."""
        for x in xs:
            self.rule(x, ys[0], x, ys[-1])
        for y in ys:
            self.rule(xs[0], y, xs[-1], y)
        for top, row in zip(ys, cells, strict=False):
            for left, cell in zip(xs, row, strict=False):
                self.text(left + 3, top - 13, cell) if cell else None
        return self


def save(path: Path, sheets: Sequence[Sheet], title: str = "", outline: Sequence[tuple[str, int]] = ()) -> Path:
    """Writes the file; outline: (title, page from 0)."""
    file = _File()
    for name, font in (("F", "Helvetica"), ("B", "Helvetica-Bold")):
        file.fonts[name] = file.add(f"<</Type/Font/Subtype/Type1/BaseFont/{font}/Encoding/WinAnsiEncoding>>")
    file.fonts["K"] = _hangul(file)
    tree = file.add("")
    pages = [_page(file, sheet, tree) for sheet in sheets]
    file.objects[tree - 1] = (
        f"<</Type/Pages/Count {len(pages)}/Kids[{' '.join(f'{page} 0 R' for page in pages)}]>>".encode()
    )
    root = f"<</Type/Catalog/Pages {tree} 0 R"
    if file.widgets:
        fields = " ".join(f"{widget} 0 R" for widget in file.widgets)
        root += f"/AcroForm<</Fields[{fields}]/DA(/F 10 Tf)/DR<</Font<</F {file.fonts['F']} 0 R>>>>>>"
    if outline:
        root += f"/Outlines {_outlines(file, outline, pages)} 0 R"
    catalog = file.add(root + ">>")
    about = file.add(f"<</Title<feff{title.encode('utf-16-be').hex()}>/CreationDate(D:20240229120000)>>")
    path.write_bytes(file.bytes(catalog, about))
    return path


class _File:
    def __init__(self) -> None:
        self.objects: list[bytes] = []
        self.fonts: dict[str, int] = {}
        self.widgets: list[int] = []

    def add(self, body: str | bytes) -> int:
        self.objects.append(body.encode("latin-1") if isinstance(body, str) else body)
        return len(self.objects)

    def stream(self, data: bytes, more: str = "") -> int:
        packed = zlib.compress(data)
        head = f"<</Length {len(packed)}/Filter/FlateDecode{more}>>stream\n"
        return self.add(head.encode() + packed + b"\nendstream")

    def bytes(self, catalog: int, about: int) -> bytes:
        out, places = bytearray(b"%PDF-1.7\n"), []
        for number, body in enumerate(self.objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table = "".join(f"{place:010} 00000 n \n" for place in places)
        head = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}"
        trailer = (
            f"trailer<</Size {len(places) + 1}/Root {catalog} 0 R/Info {about} 0 R>>\nstartxref\n{len(out)}\n%%EOF"
        )
        return bytes(out) + (head + trailer).encode()


def _hangul(file: _File) -> int:
    about = file.add(
        "<</Type/FontDescriptor/FontName/HYSMyeongJo-Medium/Flags 6/FontBBox[0 -148 1000 880]/ItalicAngle 0"
        "/Ascent 880/Descent -148/CapHeight 880/StemV 80>>"
    )
    inner = file.add(
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/HYSMyeongJo-Medium/DW 1000/W[1[333 500 500]]"
        f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Korea1)/Supplement 2>>/FontDescriptor {about} 0 R>>"
    )
    return file.add(
        f"<</Type/Font/Subtype/Type0/BaseFont/HYSMyeongJo-Medium/Encoding/UniKS-UCS2-H/DescendantFonts[{inner} 0 R]>>"
    )


def _page(file: _File, sheet: Sheet, tree: int) -> int:
    marks = "\n".join(sheet.marks)
    pictures = ""
    if sheet.picture:
        pixels = file.stream(
            bytes(range(0, 256, 4)),
            "/Type/XObject/Subtype/Image/Width 8/Height 8/ColorSpace/DeviceGray/BitsPerComponent 8",
        )
        marks += f"\nq {WIDTH} 0 0 {HEIGHT} 0 0 cm /P Do Q"
        pictures = f"/XObject<</P {pixels} 0 R>>"
    content = file.stream(marks.encode("latin-1"))
    fonts = "".join(f"/{name} {number} 0 R" for name, number in file.fonts.items())
    widgets = []
    for place, (name, value) in enumerate(sheet.fields):
        box = f"50 {700 - 30 * place} 200 {720 - 30 * place}"
        widgets.append(file.add(f"<</Type/Annot/Subtype/Widget/FT/Tx/T({name})/V({value})/Rect[{box}]>>"))
    file.widgets += widgets
    annotations = f"/Annots[{' '.join(f'{widget} 0 R' for widget in widgets)}]" if widgets else ""
    return file.add(
        f"<</Type/Page/Parent {tree} 0 R/MediaBox[0 0 {WIDTH} {HEIGHT}]/Rotate {sheet.turn}/Contents {content} 0 R"
        f"/Resources<</Font<<{fonts}>>{pictures}>>{annotations}>>"
    )


def _outlines(file: _File, outline: Sequence[tuple[str, int]], pages: Sequence[int]) -> int:
    root = len(file.objects) + 1
    first = root + 1
    file.add(f"<</Type/Outlines/First {first} 0 R/Last {first + len(outline) - 1} 0 R/Count {len(outline)}>>")
    for place, (title, page) in enumerate(outline):
        following = f"/Next {first + place + 1} 0 R" if place + 1 < len(outline) else ""
        before = f"/Prev {first + place - 1} 0 R" if place else ""
        name = title.encode("utf-16-be").hex()
        file.add(f"<</Title<feff{name}>/Parent {root} 0 R/Dest[{pages[page]} 0 R/Fit]{following}{before}>>")
    return root
