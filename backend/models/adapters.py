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
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from backend.assistants import AdapterRef
from backend.errors import Busy, ModelProblem, NotFound
from backend.files import make_folder, storing, write_atomic
from backend.jobs.folder import RunFolder
from backend.models.adapter_card import AdapterCard
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
from backend.projects.folder import DATABASE, Project

PLACE: Final = "adapters"
ID: Final = re.compile(r"[0-9a-f]{32}")
LEFT_OVER_S: Final = 24 * 3600.0


class Adapters:
    """Under `projects_folder`, which is home/projects. Holds no state of its own; from any thread."""

    def __init__(self, projects_folder: Path) -> None:
        self._root = projects_folder

    def folder_of(self, ref: AdapterRef) -> Path:
        """Where it lies, in whichever project: for answering only.

        An assistant that was handed on answers wherever its adapter is. Its id is a hash of 128 bits over the content:
        who names it has, or was handed, what it names. The files themselves are given out by `folder_in`.
        Raises NotFound("error.adapter_missing", method=).
        """
        return _first(self._root.glob(f"*/*/files/{PLACE}/{ref.id}"), ref)

    def folder_in(self, project: Project, ref: AdapterRef) -> Path:
        """Where it lies for who works in this project: in it, else in another project of its owner.

        Raises NotFound("error.adapter_missing", method=).
        """
        own = _place(project, ref)
        return own if _there(own) else _first(project.folder.parent.glob(f"*/files/{PLACE}/{ref.id}"), ref)

    def keep(self, project: Project, folder: Path) -> AdapterRef:
        """Take a finished adapter folder into the project; the same content twice is kept once.

        Raises ModelProblem (see `checked`), StorageProblem.
        """
        card = checked(folder)
        place = make_folder(project.files / PLACE)
        _clear(place)
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

    def frees(self, project: Project, ref: AdapterRef) -> int:
        """Bytes that `remove` would free: none while somebody needs it, or when it lies elsewhere."""
        folder = _place(project, ref)
        return self.size(folder) if _there(folder) and not users(project, ref) else 0

    def remove(self, project: Project, ref: AdapterRef) -> int:
        """Delete it from the project; how many bytes that freed.

        Raises Busy("error.adapter_in_use", name=) while somebody needs it (see `users`), NotFound.
        """
        for name in users(project, ref):
            raise Busy("error.adapter_in_use", name=name)
        folder = _first((_place(project, ref),), ref)
        _clear(folder.parent)
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


def users(project: Project, ref: AdapterRef) -> list[str]:
    """Who needs the adapter of a project, as people call them: saved versions, also those in the bin, which come back,
    and runs that have not come to their end. So too in the owner's other projects that have no copy of their own.
    """
    found = []
    for folder in sorted(project.folder.parent.iterdir(), key=lambda place: place != project.folder):
        if folder == project.folder or not _there(folder / "files" / PLACE / ref.id):
            found += [*_versions(folder / DATABASE, ref), *_runs(folder / "runs", ref)]
    return found


def _versions(file: Path, ref: AdapterRef) -> list[str]:
    """By the id in their text: the project is not opened, nor upgraded. One that cannot be read needs nothing."""
    asked = "SELECT name, number FROM assistants WHERE instr(body, ?) ORDER BY id"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return [f"{name} {number}" for name, number in connection.execute(asked, (ref.id,))]
    except sqlite3.Error:
        return []


def _runs(place: Path, ref: AdapterRef) -> list[str]:
    found = []
    for path in sorted(place.glob("[!.]*")):
        try:
            folder = RunFolder(path)
            made = folder.read_config()
            if folder.read_state().state != "succeeded" and ref.id in json.dumps(made.config):
                found.append(made.title or made.kind)
        except (OSError, ValueError):
            continue
    return found


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


def _place(project: Project, ref: AdapterRef) -> Path:
    return project.folder / "files" / PLACE / ref.id


def _there(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()


def _first(folders: Iterable[Path], ref: AdapterRef) -> Path:
    for folder in sorted(folders):
        if _there(folder):
            return folder
    raise NotFound("error.adapter_missing", method=ref.method or "?")


def _clear(place: Path) -> None:
    """What a killed studio left half-written or half-deleted goes, when it is too old to be somebody's work."""
    for part in place.glob(".*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > LEFT_OVER_S:
                shutil.rmtree(part, ignore_errors=True)
