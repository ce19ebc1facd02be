"""Starting the child process of a run so that it outlives the studio and disturbs nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from backend.jobs.folder import RunFolder

GIVES_WAY: Final = frozenset({"training", "training_probe"})
ROOT = Path(__file__).resolve().parent.parent.parent


def start_worker(folder: Path) -> int:
    """Start the worker of a run folder. Returns its pid. Raises OSError when the system cannot start one."""
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "backend.jobs.worker", str(folder)],
            cwd=ROOT,
            env=environment(os.environ, all_cores=_trains(folder)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **_apart(),
        )
    # Somebody has to take the exit code, or an ended worker stays a zombie for as long as the studio runs.
    threading.Thread(target=child.wait, name=f"wait for {child.pid}", daemon=True).start()
    return child.pid


def environment(own: Mapping[str, str], all_cores: bool = False) -> dict[str, str]:
    """The studio's environment, without telemetry, and with a path on which `backend` is found.

    A run gets half of the cores, or all where it watches for people who chat and gives way to them by itself (see
    `backend.models.presence`).
    """
    threads = own.get("OMP_NUM_THREADS") or str(cores() if all_cores else max(1, cores() // 2))
    path = [str(ROOT), *filter(None, own.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **own,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        # Threads of two processes that spin and wait for each other slow both down ten times.
        "OMP_WAIT_POLICY": "PASSIVE",
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "DO_NOT_TRACK": "1",
        "ANONYMIZED_TELEMETRY": "False",
        "GRADIO_ANALYTICS_ENABLED": "False",
    }


def cores() -> int:
    """Cores this process may use, which in a container are fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _trains(folder: Path) -> bool:
    try:
        return RunFolder(folder).read_config().kind in GIVES_WAY
    except (OSError, ValueError):  # the worker meets the same fault and tells it
        return False


def _apart() -> dict[str, Any]:
    """A group of its own: Ctrl+C in the studio's terminal, or its end, is none of the worker's business."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
