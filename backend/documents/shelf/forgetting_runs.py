"""What folders of runs repeat of documents that were removed: indexes of a sweep, passages that questions come from.

Only of runs that are not at work: one that is works on what it read, and its own end takes most of that away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from filelock import Timeout

from backend.documents.measuring.files import DRAWN, PLAN, WRITTEN
from backend.files import storing, write_atomic
from backend.jobs.folder import RunFolder


def forget_in_runs(runs: Path, ids: Collection[int]) -> bool:
    """`runs` is the folder of a project's runs; False while one is at work. Raises StorageProblem."""
    wanted, whole = frozenset(ids), True
    for path in sorted(runs.glob("*/config.json")) if wanted else ():
        forget = KINDS.get(_kind(path))
        if forget is not None:
            try:
                with RunFolder(path.parent).worker_lock().acquire(timeout=0), storing(path.parent):
                    forget(path.parent / "output", wanted)
            except Timeout:
                whole = False
    return whole


def _kind(config: Path) -> str:
    told = _read(config)
    return str(told.get("kind")) if isinstance(told, dict) else ""


def _forget_sweep(output: Path, ids: frozenset[int]) -> None:
    """An index that a sweep was stopped in is made again when it goes on; of its questions the quotes go."""
    shutil.rmtree(output / "index", ignore_errors=True)
    path = output / PLAN
    plan = _read(path)
    if isinstance(plan, dict) and _without_quotes(plan, ids):
        write_atomic(path, json.dumps(plan, ensure_ascii=False))


def _without_quotes(plan: dict[str, Any], ids: frozenset[int]) -> bool:
    """Places are [document, start, end, quote]."""
    places = [place for question in plan.get("questions", ()) for place in question.get("places", ())]
    mine = [place for place in places if len(place) > 3 and place[0] in ids and place[3]]
    for place in mine:
        place[3] = ""
    return bool(mine)


def _forget_drawn(output: Path, ids: frozenset[int]) -> None:
    """When it goes on it draws anew; the questions that it has proposed stand in the project."""
    drawn = _read(output / DRAWN)
    if any(one.get("document_id") in ids for one in drawn or () if isinstance(one, dict)):
        for name in (DRAWN, WRITTEN):
            (output / name).unlink(missing_ok=True)


def _read(path: Path) -> Any:
    """None where it is not there, or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


KINDS: Final[Mapping[str, Callable[[Path, frozenset[int]], None]]] = {
    "retrieval_sweep": _forget_sweep,
    "question_writing": _forget_drawn,
}
