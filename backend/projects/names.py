"""Names that become folders, and names that people read."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

from backend.errors import NotFound
from backend.text_limits import clean_name

NAME_LIMIT = 80
PROJECT_ID = re.compile(r"[0-9a-f]{12}")
PLAIN_OWNER = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DEVICES = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")
"""Windows opens a device instead of a folder of this name."""


def new_id() -> str:
    return secrets.token_hex(6)


def checked_id(project_id: str) -> str:
    """The id, when it can be one. Raises NotFound("error.project_missing"), as for one that is not there."""
    if not isinstance(project_id, str) or not PROJECT_ID.fullmatch(project_id):
        raise NotFound("error.project_missing")
    return project_id


def owner_folder(owner: str) -> str:
    """A folder name for an owner: the name itself when it is plain, else a digest, since "Kim" and "kim" are one
    folder on some systems and "../kim" is not a folder at all. Raises NotFound for no owner."""
    if not isinstance(owner, str) or not owner:
        raise NotFound("error.project_missing")
    if PLAIN_OWNER.fullmatch(owner) and not DEVICES.fullmatch(owner):
        return owner
    return "~" + hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def project_name(name: str, taken: Iterable[str]) -> str:
    """A clean name that no other project has: "Reviews" becomes "Reviews 2". Raises BadInput("error.project_name")."""
    clean = clean_name(name, NAME_LIMIT, "error.project_name")
    used = {other.casefold() for other in taken}
    number, free = 1, clean
    while free.casefold() in used:
        number += 1
        ending = f" {number}"
        free = clean[: NAME_LIMIT - len(ending)].rstrip() + ending
    return free
