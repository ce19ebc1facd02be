"""Names that came with files: shown to people, never used as a path."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NAME_LIMIT: Final = 200
FOLDER_LIMIT: Final = 500
ODD: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Controls, half characters, and signs that turn the direction of writing: "fdp.exe" that reads as "exe.pdf"."""


def file_name(name: str) -> str:
    """The last part of what a browser or an archive called a file, in NFC, on one line; "?" when nothing is left.

    A name that is too long keeps its ending, by which people know what it is.
    """
    last = _plain(name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])
    if len(last) > NAME_LIMIT:
        stem, dot, ending = last.rpartition(".")
        keep = dot + ending if stem and len(ending) <= 10 else ""
        last = last[: NAME_LIMIT - len(keep)].rstrip() + keep
    return "?" if last in ("", ".", "..") else last


def folder_name(folder: str) -> str:
    """A folder as it is shown: "a/b" without empty, "." and ".." steps; "" for none."""
    steps = [_plain(step) for step in folder.replace("\\", "/").split("/")]
    return "/".join(step for step in steps if step not in ("", ".", ".."))[:FOLDER_LIMIT].rstrip("/ ")


def _plain(text: str) -> str:
    return " ".join(ODD.sub(" ", unicodedata.normalize("NFC", text)).split())
