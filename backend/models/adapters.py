"""The adapters of all projects: found by what they are, kept once, never put over a base they were not made for.

<project>/files/adapters/<id>/    see backend.models.adapter_files for what lies in one

An adapter's id is the sha256 of its content, so an assistant that is handed on names its adapter without a path, and a
folder in which something was changed is not that adapter any more.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Final

from backend.assistants import AdapterRef
from backend.errors import Busy, ModelProblem, NotFound
from backend.files import make_folder, storing, write_atomic
from backend.models.adapter_files import (
    CONFIG,
    anonymous,
    check_base,
    checked,
    content_id,
    names_of,
    read_card,
    read_config,
    write_card,
)
from backend.projects.folder import Project
from backend.training.values import AdapterCard

PLACE: Final = "adapters"
ID: Final = re.compile(r"[0-9a-f]{32}")


class Adapters:
    """Under `projects_folder`, which is home/projects. Holds no state of its own; from any thread."""

    def __init__(self, projects_folder: Path) -> None:
        self._root = projects_folder

    def folder_of(self, ref: AdapterRef) -> Path:
        """Where it lies, in whichever project. Raises NotFound("error.adapter_missing", method=)."""
        for folder in sorted(self._root.glob(f"*/*/files/{PLACE}/{ref.id}")):
            if folder.is_dir() and not folder.is_symlink():
                return folder
        raise NotFound("error.adapter_missing", method=ref.method or "?")

    def keep(self, project: Project, folder: Path) -> AdapterRef:
        """Take a finished adapter folder into the project; the same content twice is kept once.

        Raises ModelProblem (see `checked`), StorageProblem.
        """
        card = checked(folder)
        place = make_folder(project.files / PLACE)
        part = make_folder(place / f".{secrets.token_hex(6)}.part")
        try:
            with storing(place):
                for name in sorted(names_of(card)):
                    shutil.copyfile(folder / name, part / name)
            if card.kind == "peft":
                write_atomic(part / CONFIG, json.dumps(anonymous(read_config(part), card.base.label), indent=2))
            ref = AdapterRef(id=content_id(part), method=card.method)
            with storing(place):
                _settle(part, place / ref.id)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return ref

    def list(self, project: Project) -> list[tuple[AdapterRef, AdapterCard]]:
        """See `adapters_of`."""
        return adapters_of(project)

    def card(self, folder: Path) -> AdapterCard:
        """Raises ModelProblem("error.adapter_damaged", file=)."""
        return read_card(folder)

    def write_card(self, folder: Path, card: AdapterCard) -> None:
        """Raises StorageProblem."""
        write_card(folder, card)

    def check_base(self, card: AdapterCard, base_folder: Path, model: str | None = None) -> None:
        """See `check_base`."""
        check_base(card, base_folder, model)

    def size(self, folder: Path) -> int:
        """Bytes on the disk."""
        return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())

    def remove(self, project: Project, ref: AdapterRef) -> int:
        """Delete it from the project; how many bytes that freed.

        Raises Busy("error.adapter_in_use", name=) while a saved version uses it, NotFound.
        """
        for saved in users(project, ref):
            raise Busy("error.adapter_in_use", name=f"{saved[0]} {saved[1]}")
        folder = project.folder / "files" / PLACE / ref.id
        if not folder.is_dir():
            raise NotFound("error.adapter_missing", method=ref.method or "?")
        freed, gone = self.size(folder), folder.with_name(f".{secrets.token_hex(6)}.part")
        with storing(folder):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        return freed


def adapters_of(project: Project) -> list[tuple[AdapterRef, AdapterCard]]:
    """The adapters that lie in a project, the newest first; one whose card cannot be read is left out."""
    found = []
    for folder in (project.folder / "files" / PLACE).glob("*"):
        if ID.fullmatch(folder.name) and folder.is_dir():
            try:
                card = read_card(folder)
            except ModelProblem:
                continue
            found.append((AdapterRef(id=folder.name, method=card.method), card))
    return sorted(found, key=lambda one: one[1].created, reverse=True)


def users(project: Project, ref: AdapterRef) -> list[tuple[str, int]]:
    """The saved versions that answer with an adapter: (name, number)."""
    names = [saved.name for saved in project.assistants.list()]
    versions = [saved for name in names for saved in project.assistants.versions(name)]
    return [(one.name, one.number) for one in versions if one.assistant.adapter and one.assistant.adapter.id == ref.id]


def verified(folder: Path) -> AdapterCard:
    """The card of a folder that holds what its name says. Raises ModelProblem (see `checked`)."""
    card = checked(folder)
    if content_id(folder) != folder.name:
        raise ModelProblem("error.adapter_damaged", file=folder.name)
    return card


def _settle(part: Path, target: Path) -> None:
    """Put a finished folder under its name. One of that name that is whole is the same; another was broken."""
    if target.is_dir():
        try:
            verified(target)
            return
        except ModelProblem:
            shutil.rmtree(target)
    for file in part.iterdir():
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    os.replace(part, target)
