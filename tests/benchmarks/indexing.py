"""What indexing costs: against the pipeline that people build today, where the time goes, memory over many files.

    python -m tests.benchmarks.indexing [--files N] [--plain PYTHON] [--corpus FOLDER] [--full]

Both pipelines read the same English text files (of a long Korean piece that model would see but the beginning, and so
do less), one after the other, with all-MiniLM-L6-v2; ours through the run that the page
starts, child process and all, from the first file to the last, without loading the model (`loading_s` in `detail`; the
seconds of the processor, `cpu_s`, hold it, and tell more on a busy machine). `--plain` names the interpreter of an
environment with langchain-community, langchain-text-splitters, langchain-chroma, chromadb and sentence-transformers
(they are no dependency here; this one is tried otherwise). Passages differ in size, so `detail` tells characters per
second too, and `characters_ratio`. Memory is the largest resident set of the run's worker and its reading child, over
short files without an embedding model, which would be the same for any number (as is Korean's analysis, some 500 MB as
soon as one long piece has no full stops; these are English); `--full` indexes 10,000 of them and not
only 1,000.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from backend.documents.embedders import folder_of
from backend.documents.embedding import EmbeddingModel
from backend.documents.index.settings import IndexSettings, activate
from backend.documents.indexing.start import start_indexing
from backend.documents.intake import bring
from backend.documents.languages import language_of
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.benchmarks.query import CORPUS, corpus
from tests.benchmarks.report import Figure, report

FILES = 40
PASSAGES_A_FILE = 4
PLAIN = Path(__file__).with_name("plain_rag.py")
AT_MOST_S = 3_600
POLL_S = 0.2


def written(folder: Path, texts: list[str], count: int, in_a_file: int) -> list[Path]:
    """Text files, each of other passages (repeated where there are not enough, under a number of their own)."""
    folder.mkdir()
    paths = []
    for number in range(count):
        some = [texts[(number * in_a_file + at) % len(texts)] for at in range(in_a_file)]
        path = folder / f"{number:05}.txt"
        path.write_text(f"{number}\n\n" + "\n\n".join(some), encoding="utf-8")
        paths.append(path)
    return paths


def indexed(home: Path, paths: list[Path], model: EmbeddingModel) -> tuple[Run, float]:
    """The run that indexed them, and its worker's peak in MB."""
    projects, settings = Projects(home / "projects"), Settings(home=home, offline=True)
    project = projects.open("me", projects.create("me", "files").id)
    try:
        activate(project, IndexSettings(embedding=model))
        bring(project, [(path, path.name) for path in paths])
        runs = Runs(project.runs_folder, settings)
        run, peak = start_indexing(runs, project), 0.0
        until = time.monotonic() + AT_MOST_S
        while runs.get(run.id).active and time.monotonic() < until:
            peak = max(peak, resident(runs.get(run.id)))
            time.sleep(POLL_S)
        ended = runs.get(run.id)
        if ended.state != "succeeded":
            raise RuntimeError(runs.log(run.id))
        return ended, peak
    finally:
        projects.close()


def resident(run: Run) -> float:
    """MB of the worker and its children now; 0 when it is gone."""
    try:
        process = RunFolder(run.folder).process()
        worker = None if process is None else process.found()
        every = [] if worker is None else [worker, *worker.children(recursive=True)]
        return float(sum(one.memory_info().rss for one in every) / 2**20)
    except psutil.Error:
        return 0.0


def plain(python: str, folder: Path, settings: Settings) -> dict[str, Any] | str:
    """What the other pipeline says, or why it could not be measured."""
    model = folder_of(settings, EmbeddingModel())
    # -P: beside the script lies a statistics.py, which is not the one that its libraries mean.
    done = subprocess.run([python, "-P", str(PLAIN), str(folder), str(model)], capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1][:300]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def pipeline(home: Path, texts: list[str], count: int, python: str) -> Iterator[Figure]:
    paths = written(home / "files", texts, count, PASSAGES_A_FILE)
    other = plain(python, home / "files", Settings(home=home, offline=True))
    run, _ = indexed(home / "home", paths, EmbeddingModel())
    ours = run.result
    seconds, passages = float(ours["seconds"]) - float(ours["loading_s"]), int(ours["passages"])
    characters = sum(len(path.read_text("utf-8")) for path in paths)
    detail = {"files": count, "passages": passages, "seconds": seconds, "characters_s": round(characters / seconds)}
    if isinstance(other, str):
        yield Figure("pipeline_ratio", None, "x", ">= 2", {**detail, "why": other})
    else:
        rate = other["chunks"] / other["seconds"]
        detail |= {"plain_s": round(other["seconds"], 2), "plain_chunks": other["chunks"], "cpu_s": ours["cpu_s"]}
        detail |= {"plain_cpu_s": round(other["cpu_s"], 2), "plain_whole_s": round(other["whole_s"], 2)}
        detail |= {"loading_s": ours["loading_s"]}
        detail["characters_ratio"] = round((characters / seconds) / (other["characters"] / other["seconds"]), 2)
        yield Figure("pipeline_ratio", round(passages / seconds / rate, 2), "x", ">= 2", detail)
    share = float(ours["embedding_s"]) / seconds
    yield Figure("embedding_share", round(share, 3), "of time", ">= 0", {**detail, "putting_s": ours["putting_s"]})


def peaks(home: Path, texts: list[str], counts: list[int]) -> Iterator[Figure]:
    for count in counts:
        with tempfile.TemporaryDirectory(dir=home) as folder:
            paths = written(Path(folder) / "files", texts, count, 1)
            run, peak = indexed(Path(folder) / "home", paths, EmbeddingModel(kind="none"))
            detail = {"files": count, **{name: (run.result)[name] for name in ("passages", "seconds")}}
            yield Figure(f"peak_mb_{count}", round(peak, 1), "MB", "<= 1000", detail)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=FILES)
    options.add_argument("--many", type=int, nargs="*", default=[1_000], help="files over which memory is looked at")
    options.add_argument("--plain", default=sys.executable, help="interpreter of an environment with LangChain")
    options.add_argument("--corpus", type=Path, default=CORPUS)
    options.add_argument("--full", action="store_true", help="10,000 files too, and four times as many to embed")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as kept:
        home, texts = Path(kept), corpus(chosen.corpus, 4_000)

        def figures() -> Iterator[Figure]:
            english = [text for text in texts if language_of(text) == "en"]
            yield from pipeline(home, english, chosen.files * (4 if chosen.full else 1), chosen.plain)
            yield from peaks(home, english, [*chosen.many, *([10_000] if chosen.full else [])])

        report(figures())


if __name__ == "__main__":
    main()
