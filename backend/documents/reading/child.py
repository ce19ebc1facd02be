"""The process in which documents are parsed: `python -m backend.documents.reading.child <limits as JSON>`.

A request is a line of standard input, [path, name, file for the result]; the answer is a line of standard output once
that file is written. What parsers print goes to standard error. The process ends with its standard input, at once.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import traceback
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from backend.documents.readers import ReadFile
from backend.documents.reading.kinds import Kind, kind_of
from backend.documents.reading.limits import MIB, Limits
from backend.documents.reading.tidying import tidied
from backend.documents.values import Parsed
from backend.errors import BadInput, StudioError, first_line
from backend.files import FULL

MODULES: Final[dict[Kind, str]] = {"eml": "email", "md": "markdown", "txt": "text"}
"""Of the readers that are not called as their kind is."""
RESULT_BYTES: Final = 1024 * MIB
REFUSED: Final = frozenset(
    {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    limits = Limits.model_validate_json(sys.argv[1])
    hold_to(limits)
    sys.addaudithook(_no_network)
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_hear, args=(requests,), daemon=True).start()
    _say(answers, "ready")
    while True:
        path, name, result = json.loads(requests.get())
        _allow_seconds(limits)
        _say(answers, deliver(Path(result), _answer(Path(path), name, limits)))


def deliver(result: Path, told: bytes) -> str:
    """ "done", or "full" where the disk has no room for the result: not a fault of the file."""
    try:
        result.write_bytes(told)
    except OSError as fault:
        if fault.errno in FULL:
            return "full"
        raise
    return "done"


def _say(answers: IO[str], word: str) -> None:
    answers.write(word + "\n")
    answers.flush()


def _hear(requests: queue.Queue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # whoever asked is gone: in the middle of a file, too


def _no_network(event: str, _: tuple[object, ...]) -> None:
    """No document is a reason to talk to anybody. (Events: https://docs.python.org/3/library/audit_events.html)"""
    if event in REFUSED:
        raise PermissionError(f"{event} while a document is read")


def hold_to(limits: Limits) -> None:
    """Memory beyond today's, no core dumps, no huge files. Where the system has no such limits, the parent watches."""
    if sys.platform == "win32":
        return
    import resource

    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, RESULT_BYTES)
    if sys.platform == "linux":
        taken = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, taken + limits.memory)


def _lower(which: int, most: int) -> None:
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def _allow_seconds(limits: Limits) -> None:
    """Time on the processor for one more file; the parent's clock runs out first unless the parent is gone."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(used.ru_utime + used.ru_stime + 2 * limits.seconds) + 10
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _answer(path: Path, name: str, limits: Limits) -> bytes:
    """The parsed document, or what was wrong with it, as JSON."""
    try:
        return tidied(_read(path, name, limits), limits).model_dump_json().encode("utf-8")
    except StudioError as fault:
        return _fault(fault.key, fault.details)
    except MemoryError:
        return _fault("error.document_memory", {"limit": limits.memory // MIB})
    except RecursionError:
        return _fault("error.document_nested", {})
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return _fault("error.document_damaged", {})
    except Exception as fault:  # what a parser makes of a stranger's bytes cannot be foreseen; the log has it whole
        traceback.print_exc()
        return _fault("error.document_unreadable", {"why": f"{type(fault).__name__}: {first_line(fault, 120)}"})


def _fault(key: str, details: dict[str, object]) -> bytes:
    return json.dumps({"fault": {"key": key, "details": details}}, default=str).encode("utf-8")


def _read(path: Path, name: str, limits: Limits) -> Parsed:
    kind = kind_of(path, name)
    if kind == "zip":
        raise BadInput("error.document_kind_zip")
    module = importlib.import_module(f"backend.documents.readers.{MODULES.get(kind, kind)}")
    reader: ReadFile = module.read
    return reader(path, limits)


if __name__ == "__main__":
    main()
