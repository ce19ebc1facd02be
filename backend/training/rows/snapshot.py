"""The data of a run as files, written once by its first attempt and read by every later one and by its script.

train.jsonl, dev.jsonl   a row per line: {"input_ids", "labels", "prompt", "completion", "example_id", "label"}
meta.json                written last, with the sha256 of both: without it, or with another, there is no snapshot
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from backend.errors import StorageProblem
from backend.files import storing, write_atomic
from backend.training.values import Problem, Row, Rows

FORMAT: Final = "matchum-training-data-1"
META: Final = "meta.json"


def write(folder: Path, rows: Rows) -> None:
    """Keep the rows in `folder` (a run's data/). Raises StorageProblem; then there is no snapshot."""
    (folder / META).unlink(missing_ok=True)
    files = {}
    for name, some in (("train.jsonl", rows.train), ("dev.jsonl", rows.dev)):
        raw = _lines(some)
        write_atomic(folder / name, raw)
        files[name] = hashlib.sha256(raw).hexdigest()
    told = {
        "format": FORMAT,
        "files": files,
        "examples": {"train": len(rows.train), "dev": len(rows.dev)},
        "tokens": rows.tokens,
        "loss_tokens": rows.loss_tokens,
        "labels": list(rows.labels),
        "problems": [asdict(problem) for problem in rows.problems],
    }
    write_atomic(folder / META, json.dumps(told, ensure_ascii=False, indent=1))


def there(folder: Path) -> bool:
    """Whether a snapshot was written to its end."""
    return (folder / META).is_file()


def counts(folder: Path) -> dict[str, int]:
    """How many rows there are of "train" and "dev". Raises StorageProblem("error.training_data")."""
    try:
        told: dict[str, Any] = json.loads((folder / META).read_text("utf-8"))["examples"]
        return {split: int(told[split]) for split in ("train", "dev")}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise StorageProblem("error.training_data", path=folder.name) from fault


def read(folder: Path) -> Rows:
    """Raises StorageProblem("error.training_data"): none was written to its end, or it was changed since."""
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_text("utf-8"))
        train, dev = (_rows(folder / name, meta["files"][name]) for name in ("train.jsonl", "dev.jsonl"))
        problems = tuple(_problem(one) for one in meta["problems"])
        return Rows(train, dev, problems, tuple(meta["labels"]))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise StorageProblem("error.training_data", path=folder.name) from fault


def _lines(rows: Sequence[Row]) -> bytes:
    try:
        return _json_lines(rows, ascii_only=False).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair is no text for UTF-8; as an escape it survives
        return _json_lines(rows, ascii_only=True).encode("ascii")


def _json_lines(rows: Sequence[Row], ascii_only: bool) -> str:
    return "".join(json.dumps(vars(row), ensure_ascii=ascii_only, separators=(",", ":")) + "\n" for row in rows)


def _rows(file: Path, wanted: str) -> tuple[Row, ...]:
    with storing(file):
        raw = file.read_bytes()
    if hashlib.sha256(raw).hexdigest() != wanted:
        raise ValueError(file.name)
    return tuple(_row(json.loads(line)) for line in raw.splitlines())


def _row(kept: dict[str, Any]) -> Row:
    return Row(**{**kept, "input_ids": tuple(kept["input_ids"]), "labels": tuple(kept["labels"])})


def _problem(kept: dict[str, Any]) -> Problem:
    return Problem(**{**kept, "example_ids": tuple(kept["example_ids"])})
