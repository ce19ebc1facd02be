"""A studio in a process of its own, as a person starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent


def quick_environment() -> dict[str, str]:
    """With bytecode kept between the starts, also where the environment forbids to write any: it halves each start."""
    kept = {**os.environ, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "matchum-tests-bytecode")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


class Studio:
    """`url` once it runs; `stop()` ends it as Ctrl+C does, `kill()` as a power cut does, `end()` with all its runs."""

    def __init__(self, home: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.home = home
        self.printed_to = home.parent / f"{home.name}-printed.txt"
        told = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1", "LC_ALL": "en_US.UTF-8"}
        with self.printed_to.open("w", encoding="utf-8") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "studio", "--home", str(home), "--no-browser", *arguments],
                cwd=home.parent,
                env={**quick_environment(), **told, **(environment or {})},
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        return self.printed_to.read_text(encoding="utf-8")

    def wait(self, seconds: float = 90) -> Studio:
        """Until it has said where it is and answers there. Raises AssertionError with what it printed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"the studio ended: {self.printed()}")
            if " http://" in self.printed():
                with urllib.request.urlopen(self.url + "favicon.ico", timeout=20):
                    return self
            time.sleep(0.05)
        raise AssertionError(f"the studio did not open: {self.printed()}")

    @property
    def url(self) -> str:
        """The address it named last, with a slash at its end."""
        return next(word for word in reversed(self.printed().split()) if word.startswith("http://"))

    def log(self) -> str:
        return (self.home / "logs" / "studio.log").read_text(encoding="utf-8")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def end(self) -> None:
        family = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.kill()
        for member in family:
            if member.is_running():
                member.kill()
