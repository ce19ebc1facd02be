"""Who may enter a studio that more than one machine can reach: names, hashed passwords, and open sessions.

Two files in the home folder, both readable by their owner only: accounts.json (argon2id hashes, parameters of RFC
9106's low-memory profile as argon2-cffi sets them) and sessions.json (SHA-256 of random tokens: the file opens no
door).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
from pathlib import Path
from typing import Any, TypedDict

from backend.errors import BadInput, Refused, StorageProblem
from backend.files import write_atomic

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
SESSION_SECONDS = 14 * 24 * 3600
SHORTEST_PASSWORD = 10


OWNER = "owner"
"""Whose machine it is: everybody of a studio without accounts, else the account of this name."""


def owner_only(who: str) -> None:
    """For what concerns the whole machine and everybody on it. Raises Refused("error.owner_only", owner=)."""
    if who != OWNER:
        raise Refused("error.owner_only", owner=OWNER)


class OpenSession(TypedDict):
    """Who holds a token, and until when (seconds since the epoch)."""

    name: str
    until: float


class Accounts:
    """The accounts of one home folder. Every method may be called from any thread."""

    def __init__(self, home: Path) -> None:
        self._accounts = home / "accounts.json"
        self._sessions = home / "sessions.json"
        self._lock = threading.Lock()
        # Checked for names that do not exist, so that the time taken does not tell which names do.
        self._nobody: str | None = None

    def names(self) -> list[str]:
        return sorted(self._read(self._accounts))

    def add(self, name: str, password: str | None = None) -> str:
        """Add an account, or give an existing one a new password; returns the password (made up when None).

        Raises BadInput("error.account_name" | "error.account_password"), and StorageProblem when it cannot be kept.
        """
        if not NAME.fullmatch(name):
            raise BadInput("error.account_name", name=name)
        chosen = secrets.token_urlsafe(12) if password is None else password
        if not SHORTEST_PASSWORD <= len(chosen) <= 200:
            raise BadInput("error.account_password", shortest=SHORTEST_PASSWORD)
        hashed = self._hash(chosen)
        with self._lock:
            self._write(self._accounts, {**self._read(self._accounts), name: hashed})
            self._drop_sessions(name)
        return chosen

    def check(self, name: str, password: str) -> bool:
        """Whether this is the account's password. Takes as long for a name that does not exist."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        known = self._read(self._accounts).get(name)
        if self._nobody is None:
            self._nobody = self._hash(secrets.token_urlsafe(12))
        try:
            PasswordHasher().verify(str(known or self._nobody), password[:200])
        except (VerificationError, InvalidHashError):
            return False
        return known is not None

    def open_session(self, name: str) -> str:
        """A fresh token for a person who has just shown the password."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = time.time()
            kept = {key: held for key, held in self._open().items() if held["until"] > now}
            kept[self._key(token)] = {"name": name, "until": now + SESSION_SECONDS}
            self._write(self._sessions, kept)
        return token

    def holder(self, token: str) -> str | None:
        """The account that a token was given to, None for one that was made up, has ended or was signed out."""
        held = self._open().get(self._key(token))
        if held is None or held["until"] < time.time() or held["name"] not in self._read(self._accounts):
            return None
        return held["name"]

    def close_session(self, token: str) -> None:
        with self._lock:
            kept = self._open()
            if kept.pop(self._key(token), None) is not None:
                self._write(self._sessions, kept)

    def _drop_sessions(self, name: str) -> None:
        kept = {key: held for key, held in self._open().items() if held["name"] != name}
        self._write(self._sessions, kept)

    def _open(self) -> dict[str, OpenSession]:
        return self._read(self._sessions)

    @staticmethod
    def _hash(password: str) -> str:
        from argon2 import PasswordHasher

        return PasswordHasher().hash(password)

    @staticmethod
    def _key(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as fault:
            raise StorageProblem("error.accounts_broken", path=str(path)) from fault
        return content if isinstance(content, dict) else {}

    @staticmethod
    def _write(path: Path, content: object) -> None:
        write_atomic(path, json.dumps(content, indent=1), private=True)
