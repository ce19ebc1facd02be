"""How long until the first page, and what the studio takes while it does nothing.

python -m tests.benchmarks.startup [--full]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from tests.benchmarks.report import Figure, median_of, report

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 90.0
SETTLE_S = 3.0


def free_port() -> int:
    """Below the range from which systems take ports for outgoing connections, so that nobody is faster."""
    for port in range(20_000 + os.getpid() % 8_000, 30_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise OSError("no free port")


def start(home: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "studio", "--home", str(home), "--port", str(port), "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(home.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def first_page(port: int, since: float) -> float | None:
    """Seconds until the whole page has been received, None when it never came."""
    while time.perf_counter() - since < PATIENCE_S:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ko/", timeout=PATIENCE_S) as answer:
                answer.read()
            return time.perf_counter() - since
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    return None


def once(home: Path) -> tuple[float | None, float]:
    """(seconds to the first page, resident MB of the studio and its children once it has settled)."""
    port = free_port()
    since = time.perf_counter()
    process = start(home, port)
    try:
        seconds = first_page(port, since)
        time.sleep(SETTLE_S)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        return seconds, sum(member.memory_info().rss for member in family) / 1e6
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="ten starts instead of three")
    count = 10 if options.parse_args().full else 3
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = once(Path(folder) / "home")
        measured = [once(Path(folder) / "home") for _ in range(count)]
    seconds = [first for first, _ in measured if first is not None]
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    detail = {"starts": count, "compiling_s": round(cold, 2) if cold else None, "load": load}
    pages = (
        median_of("first_page_s", seconds, "s", "<= 5", **detail)
        if len(seconds) == count
        else Figure("first_page_s", None, "s", "<= 5", {**detail, "why": "a page never came"})
    )
    report([pages, median_of("idle_mb", [megabytes for _, megabytes in measured], "MB", "<= 500", **detail)])


if __name__ == "__main__":
    main()
