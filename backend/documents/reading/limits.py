"""How much of a stranger's file is read before it is given up."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from backend.assistants import Part

MIB: Final = 1 << 20


class Limits(Part):
    """What one file may cost.

    file_bytes   of the file as handed over
    pages        pages, slides or sheets; a file of exactly this many is read
    characters   of all its text together
    cells        of one table or sheet, empty ones included
    part_bytes   of one part of a ZIP-based format, unpacked; `unpacked_bytes` of all, `ratio` unpacked to packed
    seconds      on the clock, of one file
    memory       bytes that the reading process may take beyond what it starts with
    """

    file_bytes: int = Field(512 * MIB, gt=0)
    pages: int = Field(5_000, gt=0)
    characters: int = Field(20_000_000, gt=0)
    cells: int = Field(5_000_000, gt=0)
    part_bytes: int = Field(128 * MIB, gt=0)
    unpacked_bytes: int = Field(512 * MIB, gt=0)
    ratio: int = Field(200, gt=0)
    seconds: float = Field(300, gt=0)
    memory: int = Field(2048 * MIB, gt=0)


USUAL: Final = Limits()
