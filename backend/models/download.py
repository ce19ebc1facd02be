"""The model download: a run that fetches one commit of a hub model, and goes on where it was stopped or killed.

config: {"model": "Qwen/Qwen3-0.6B", "revision": null}. The files gather in <models>/.partial/<model>/<commit> and move
to <models>/<model>/<commit> when all of them are there and checked, so that a folder under its own name is whole.

huggingface_hub of today keeps nothing of a file that was cut off, hence the Range requests of our own here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from filelock import FileLock, Timeout

from backend.errors import Busy, ModelProblem, StorageProblem, Unavailable
from backend.files import make_folder, storing, write_atomic
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.hub import (
    COMMIT,
    TIMEOUT_S,
    HubFile,
    Plan,
    ask,
    check_architecture,
    check_id,
    choose,
    folder_name,
    told,
)
from backend.models.memory import readable
from backend.settings import Settings

CHUNK = 1 << 20
RESERVE = 1.1
"""Room asked for beyond the size itself: nobody works well on a full disk."""
RETRIES = 3
RETRY_WAIT_S = 1.0


def start_download(runs: Runs, settings: Settings, model: str, revision: str | None = None) -> Run:
    """Start fetching a model, or return the run that does so already. `runs` are the house's.

    Raises BadInput("error.model_id"), Unavailable("error.offline") at once; the rest is told by the run.
    """
    model = check_id(model)
    if settings.offline:
        raise Unavailable("error.offline")
    config = {"model": model, "revision": revision}
    for run in runs.active():
        if run.kind == "download" and run.config == config:
            return run
    return runs.submit("download", config, title=model)


def work(job: Job, progress: Progress) -> None:
    """Do the download. Raises Unavailable, BadInput, ModelProblem, StorageProblem, Busy, Stopped."""
    if job.settings.offline:
        raise Unavailable("error.offline")
    # The studio's children are kept off the hub by this variable; this one is here to go there.
    os.environ["HF_HUB_OFFLINE"] = "0"
    model = check_id(str(job.config["model"]))
    progress.message("run.message.asking_hub")
    plan = _plan(job, model)
    target = job.settings.models / folder_name(model) / plan.revision
    progress.total(plan.size, "bytes")
    progress.result(path=str(target), model=model, revision=plan.revision)
    fetch(job.settings, plan, target, progress)
    progress.done(plan.size)


class Teller(Protocol):
    """What of a Progress a download needs."""

    def message(self, key: str, **details: object) -> None: ...

    def done(self, done: int) -> None: ...

    def check_stop(self) -> None: ...


def fetch(settings: Settings, plan: Plan, target: Path, progress: Teller) -> None:
    """The files of a plan into `target`, which is there only when it is whole. Raises as `work`."""
    if target.is_dir():
        return
    partial = make_folder(settings.models / ".partial" / folder_name(plan.model) / plan.revision)
    try:
        with FileLock(partial.with_suffix(".lock")).acquire(timeout=0):
            _fetch_all(plan, partial, progress)
            _move(partial, target)
    except Timeout as fault:
        raise Busy("error.model_downloading", model=plan.model) from fault


def _plan(job: Job, model: str) -> Plan:
    """What was planned on the first attempt stays: a resume never mixes two commits of a model."""
    kept = job.output / "plan.json"
    if kept.is_file():
        return _kept_plan(kept, model)
    plan = ask(model, job.config.get("revision"))
    write_atomic(kept, plan.model_dump_json(indent=2))
    return plan


def _kept_plan(file: Path, model: str) -> Plan:
    """The plan of an earlier attempt. Its names become paths, so it is asked for what was asked of the hub's answer.

    Raises StorageProblem("error.run_broken").
    """
    try:
        plan = Plan.model_validate_json(file.read_bytes())
        names = [one.name for one in plan.files]
        right = plan.model == model and COMMIT.fullmatch(plan.revision) and choose(model, names) == set(names)
    except (OSError, ValueError, ModelProblem):
        right = False
    if not right:
        raise StorageProblem("error.run_broken")
    return plan


def _fetch_all(plan: Plan, partial: Path, progress: Teller) -> None:
    _check_disk(plan, partial)
    done = 0
    for file in plan.files:
        path = partial / file.name
        with storing(path):
            if not path.is_file():
                _fetch(plan, file, path, done, progress)
            if file.name == "config.json":
                check_architecture(plan.model, path)
        done += file.size
        progress.done(done)


def _fetch(plan: Plan, file: HubFile, path: Path, before: int, progress: Teller) -> None:
    """One file into `path`, whole and checked, or its first part into `path`.part."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    progress.message("run.message.downloading", file=file.name)
    with part.open("ab") as stream, told(plan.model, plan.revision):
        for _ in _chunks(plan, file, stream):
            progress.done(before + stream.tell())
            progress.check_stop()
        stream.flush()
        os.fsync(stream.fileno())
    if file.size > 100 * CHUNK:
        progress.message("run.message.checking", file=file.name)
    if not _is_right(file, part, progress):
        part.unlink()
        raise ModelProblem("error.model_checksum", file=file.name)
    part.replace(path)


def _chunks(plan: Plan, file: HubFile, stream: BinaryIO) -> Iterator[None]:
    """Write the rest of the file chunk by chunk. A line that breaks after giving something is tried again."""
    import httpx

    tries = 0
    while stream.tell() < file.size:
        start = stream.tell()
        try:
            for _ in _one_answer(plan, file, stream):
                yield
        except httpx.TransportError:
            tries = 1 if stream.tell() > start else tries + 1
            if start == 0 == stream.tell() or tries > RETRIES:
                raise
            time.sleep(RETRY_WAIT_S)
            continue
        if stream.tell() <= start:
            return  # The hub has less than it promised; the checksum tells.


def _one_answer(plan: Plan, file: HubFile, stream: BinaryIO) -> Iterator[None]:
    # Documented there, though the module does not list them as its own.
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

    start = stream.tell()
    # Ranges count the bytes as stored, so the hub must not compress them on the way.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    url = hf_hub_url(plan.model, file.name, revision=plan.revision)
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
        hf_raise_for_status(response)
        if start and response.status_code != 206:
            stream.truncate(0)  # The whole file comes again; in append mode writing goes on at the new end.
            stream.seek(0)
        for chunk in response.iter_bytes(CHUNK):
            stream.write(chunk)
            if stream.tell() > file.size:
                return
            yield


def _is_right(file: HubFile, path: Path, progress: Teller) -> bool:
    size = path.stat().st_size
    if size != file.size:
        return False
    if file.sha256:
        seen, wanted = hashlib.sha256(), file.sha256
    elif file.git_sha1:
        seen, wanted = hashlib.sha1(b"blob %d\0" % size), file.git_sha1
    else:
        return True
    with path.open("rb") as stream:
        while chunk := stream.read(16 * CHUNK):
            progress.check_stop()
            seen.update(chunk)
    return seen.hexdigest() == wanted


def _check_disk(plan: Plan, partial: Path) -> None:
    """Raises StorageProblem("error.model_disk") when what is still to come would not fit."""
    here = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
    need, free = int((plan.size - here) * RESERVE), shutil.disk_usage(partial).free
    if need > free:
        folder = str(partial.parent.parent.parent)
        raise StorageProblem(
            "error.model_disk", model=plan.model, need=readable(need), free=readable(free), folder=folder
        )


def _move(partial: Path, target: Path) -> None:
    with storing(target):
        for left in partial.rglob("*.part"):
            left.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(target)
