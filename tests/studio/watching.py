"""Every Python process of a studio notes where it connects to; a test reads the notes."""

from __future__ import annotations

import os
from pathlib import Path

WATCH = '''
import os, sys

LOCAL = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", None}

def watch(event, details):
    """Every look-up of a name and every connection of this process and its children that leaves the machine."""
    if event == "socket.connect":
        where = details[1]
        host = where[0] if isinstance(where, tuple) else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        host = details[0] if event != "socket.sendto" else details[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOCAL and not str(name).startswith("127."):
        with open(os.environ["MATCHUM_TEST_WATCH"], "a", encoding="utf-8") as file:
            file.write(f"{event} {details!r}\\n")

sys.addaudithook(watch)
with open(os.environ["MATCHUM_TEST_WATCH"], "a", encoding="utf-8") as file:
    file.write(f"watching {os.getpid()}\\n")
'''


def watched(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process notes where it connects to."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    root = str(Path(__file__).resolve().parent.parent.parent)
    path = os.pathsep.join([str(tmp_path / "watch"), root])
    return {"PYTHONPATH": path, "MATCHUM_TEST_WATCH": str(tmp_path / "seen.txt")}


def strangers(tmp_path: Path) -> list[str]:
    """Connections and look-ups that left this machine. Raises AssertionError when nothing was watched."""
    seen = (tmp_path / "seen.txt").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("watching") for line in seen), "the watcher did not run"
    return [line for line in seen if not line.startswith("watching")]
