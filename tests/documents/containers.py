"""Containers that break the parsers of containers."""

from __future__ import annotations

import io
import struct
import zipfile

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def package_with_broken_mimetype() -> bytes:
    """A ZIP whose file "mimetype" is packed, and its packed bytes no packing at all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip" * 3)
    raw = bytearray(buffer.getvalue())
    start = 30 + len("mimetype")
    raw[start : start + 4] = b"\xff\xff\xff\xff"
    return bytes(raw)


def deep_ole(count: int) -> bytes:
    """An OLE file whose directory is one chain of `count` entries, each the right neighbour of the one before.

    (Layout: MS-CFB, 2.2 header, 2.3 FAT, 2.6 directory entries.)
    """
    entries = [_entry("Root Entry", 5, child=1)]
    entries += [_entry(f"{at:05}", 1, right=at + 1 if at < count else FREE) for at in range(1, count + 1)]
    directory = b"".join(entries)
    directory += bytes(-len(directory) % SECTOR)
    sectors = len(directory) // SECTOR
    tables = -(-(sectors + 8) // 127)
    links = [FAT] * tables + [tables + at + 1 for at in range(sectors - 1)] + [END]
    links += [FREE] * (tables * 128 - len(links))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, tables, tables, 0, 4096, END, 0, END, 0)
    header += struct.pack("<109I", *range(tables), *[FREE] * (109 - tables))
    return header + struct.pack(f"<{len(links)}I", *links) + directory


def _entry(name: str, kind: int, right: int = FREE, child: int = FREE) -> bytes:
    named = name.encode("utf-16-le") + b"\0\0"
    head = named.ljust(64, b"\0") + struct.pack("<HBBIII", len(named), kind, 1, FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", END, 0)
