"""What indexing costs: against the pipeline that people build today, where the time goes, memory over many files.

    python -m tests.benchmarks.indexing [--files N] [--pairs N] [--many N ...] [--plain PYTHON] [--full]

Both pipelines read the same English text files (of a long Korean piece that model would see but the beginning, and so
do less) with all-MiniLM-L6-v2, on as many threads each, in pairs: ours, the other, ours, the other; `pipeline_ratio` is
the median of the pairs' ratios of passages per second. Ours is the run that the page starts, reading child and all,
from the first file to the last. Neither counts importing its libraries and loading the model: what that took is in
`detail`, `whole_ratio` has it on both sides (files are read meanwhile in ours, a few by then), and `cpu_ratio` compares
the seconds of the processor, which say more on a busy machine. Passages differ in size, so `characters_ratio` is told
too. `--plain` names the interpreter of an environment with langchain-community, langchain-text-splitters,
langchain-chroma, chromadb and sentence-transformers (they are no dependency here; this one is tried otherwise).

Memory is the largest resident set of the run's worker and its reading child together, over 1,000 files and, with
`--full`, 10,000 (`peak_growth`). The way is the real one, with words, rows, Chroma and an embedding model of the same
384 numbers; but the model is made here, of one layer, since all-MiniLM-L6-v2 would take hours for the same growth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from backend.documents.embedding.embedders import folder_of
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.settings import IndexSettings, activate
from backend.documents.indexing.start import start_indexing
from backend.documents.languages import language_of
from backend.documents.shelf.intake import bring
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.benchmarks.query import CORPUS, corpus, two_cores
from tests.benchmarks.report import Figure, median_of, report

FILES = 40
PAIRS = 3
PASSAGES_A_FILE = 4
MANY, FULL = 1_000, 10_000
DIMENSIONS = 384
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


@dataclass
class Watched:
    """What a run's worker and its children took at most, as far as looking five times a second tells."""

    peak_mb: float = 0.0
    reading_cpu_s: float = 0.0

    def look(self, run: Run) -> None:
        try:
            process = RunFolder(run.folder).process()
            worker = None if process is None else process.found()
            children = [] if worker is None else worker.children(recursive=True)
            held = [one.memory_info().rss for one in ([] if worker is None else [worker, *children])]
            self.peak_mb = max(self.peak_mb, sum(held) / 2**20)
            self.reading_cpu_s = max(self.reading_cpu_s, sum(sum(one.cpu_times()[:2]) for one in children))
        except psutil.Error:
            pass  # it has just ended


def indexed(home: Path, paths: list[Path], model: EmbeddingModel) -> tuple[Run, Watched]:
    """The run that indexed them. Raises RuntimeError with its log when it does not succeed."""
    projects, settings = Projects(home / "projects"), Settings(home=home, offline=True)
    project = projects.open("me", projects.create("me", "files").id)
    try:
        activate(project, IndexSettings(embedding=model))
        bring(project, [(path, path.name) for path in paths])
        runs, watched = Runs(project.runs_folder, settings), Watched()
        run, until = start_indexing(runs, project), time.monotonic() + AT_MOST_S
        while runs.get(run.id).active and time.monotonic() < until:
            watched.look(runs.get(run.id))
            time.sleep(POLL_S)
        ended = runs.get(run.id)
        if ended.state != "succeeded":
            raise RuntimeError(runs.log(run.id))
        return ended, watched
    finally:
        projects.close()


@dataclass(frozen=True)
class Way:
    """One pipeline's run, without loading; passages of `characters` in all."""

    seconds: float
    cpu_s: float
    loading_s: float
    loading_cpu_s: float
    passages: int
    characters: int

    def rate(self, whole: bool = False) -> float:
        return self.passages / (self.seconds + (self.loading_s if whole else 0.0))


def ours(home: Path, paths: list[Path]) -> tuple[Way, Run]:
    """The seconds of the processor hold the reading child's."""
    run, watched = indexed(home, paths, EmbeddingModel())
    told = {name: float(run.result[name]) for name in ("seconds", "cpu_s", "loading_s", "loading_cpu_s", "passages")}
    seconds = told["seconds"] - told["loading_s"]
    cpu = told["cpu_s"] - told["loading_cpu_s"] + watched.reading_cpu_s
    characters = sum(len(path.read_text("utf-8")) for path in paths)
    return Way(seconds, cpu, told["loading_s"], told["loading_cpu_s"], int(told["passages"]), characters), run


def plain(python: str, folder: Path, settings: Settings) -> Way | str:
    """What the other pipeline says, or why it could not be measured."""
    model = folder_of(settings, EmbeddingModel())
    # -P: beside the script lies a statistics.py, which is not the one that its libraries mean.
    done = subprocess.run([python, "-P", str(PLAIN), str(folder), str(model)], capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1][:300]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return Way(**found)


def pipeline(home: Path, texts: list[str], count: int, pairs: int, python: str) -> Iterator[Figure]:
    paths, settings = written(home / "files", texts, count, PASSAGES_A_FILE), Settings(home=home, offline=True)
    for file in folder_of(settings, EmbeddingModel()).rglob("*.safetensors"):
        file.read_bytes()  # neither finds it cold
    found, shares, why = list[tuple[Way, Way]](), list[float](), ""
    for number in range(pairs):
        mine, run = ours(home / f"home{number}", paths)
        shares.append(float(run.result["embedding_s"]) / mine.seconds)
        other = why or plain(python, home / "files", settings)
        if isinstance(other, str):
            why = other
        else:
            found.append((mine, other))
    if why:
        yield Figure("pipeline_ratio", None, "x", ">= 2", {"files": count, "why": why})
    else:
        yield ratio(found, count)
    putting = {name: run.result[name] for name in ("embedding_s", "putting_s")} | {"of_s": round(mine.seconds, 2)}
    yield median_of("embedding_share", shares, "of time", "", **putting)


def ratio(found: list[tuple[Way, Way]], files: int) -> Figure:
    def middle(of: Callable[[Way, Way], float]) -> float:
        return round(median(of(mine, other) for mine, other in found), 2)

    detail: dict[str, object] = {
        "files": files,
        "threads": os.environ["OMP_NUM_THREADS"],
        "cpu_ratio": middle(lambda a, b: (a.passages / a.cpu_s) / (b.passages / b.cpu_s)),
        "whole_ratio": middle(lambda a, b: a.rate(whole=True) / b.rate(whole=True)),
        "characters_ratio": middle(lambda a, b: (a.characters / a.seconds) / (b.characters / b.seconds)),
    }
    for at, name in enumerate(("ours", "plain")):
        told = {
            field: [round(getattr(pair[at], field), 2) for pair in found]
            for field in ("seconds", "cpu_s", "loading_s", "loading_cpu_s", "passages", "characters")
        }
        detail[name] = told
    return median_of("pipeline_ratio", [mine.rate() / other.rate() for mine, other in found], "x", ">= 2", **detail)


def made_model(home: Path) -> EmbeddingModel:
    """One layer with random weights over all-MiniLM-L6-v2's tokenizer: as many numbers, a sixth of the work."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import AutoModel, AutoTokenizer, BertConfig

    real = folder_of(Settings(home=home, offline=True), EmbeddingModel())
    reader = AutoTokenizer.from_pretrained(real, local_files_only=True)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(reader),
        hidden_size=DIMENSIONS,
        num_hidden_layers=1,
        num_attention_heads=12,
        intermediate_size=DIMENSIONS,
    )
    random: Any = AutoModel
    random.from_config(config).save_pretrained(home / "plain")
    reader.save_pretrained(home / "plain")
    layers = [Transformer(str(home / "plain"), max_seq_length=256), Pooling(DIMENSIONS, pooling_mode="mean")]
    SentenceTransformer(modules=[*layers, Normalize()], device="cpu").save(str(home / "made"), create_model_card=False)
    return EmbeddingModel(kind="local", name=str(home / "made"), max_tokens=256)


def peaks(home: Path, texts: list[str], counts: list[int]) -> Iterator[Figure]:
    """The peak at each number of files, and how much the last is above the first."""
    model, found = made_model(home), list[float]()
    for count in counts:
        with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
            paths = written(Path(folder) / "files", texts, count, 1)
            run, watched = indexed(Path(folder) / "home", paths, model)
            detail = {"files": count, **{name: run.result[name] for name in ("passages", "seconds", "embedding_s")}}
            yield Figure(f"peak_mb_{count}", round(watched.peak_mb, 1), "MB", "", detail)
            found.append(watched.peak_mb)
    if len(counts) > 1:
        yield Figure("peak_growth", round(found[-1] / found[0], 3), "x", "<= 1.2", {"files": counts})
    else:
        yield Figure("peak_growth", None, "x", "<= 1.2", {"why": "with --full"})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=FILES)
    options.add_argument("--pairs", type=int, default=PAIRS, help="none: memory alone")
    options.add_argument("--many", type=int, nargs="*", default=[MANY], help="files over which memory is looked at")
    options.add_argument("--plain", default=sys.executable, help="interpreter of an environment with LangChain")
    options.add_argument("--corpus", type=Path, default=CORPUS)
    options.add_argument("--full", action="store_true", help="10,000 files too, and four times as many to embed")
    chosen = options.parse_args()
    two_cores()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as kept:
        home, texts = Path(kept), corpus(chosen.corpus, 4_000)

        def figures() -> Iterator[Figure]:
            english = [text for text in texts if language_of(text) == "en"]
            count = chosen.files * (4 if chosen.full else 1)
            if chosen.pairs:
                yield from pipeline(home, english, count, chosen.pairs, chosen.plain)
            if chosen.many:
                yield from peaks(home, english, [*chosen.many, *([FULL] if chosen.full else [])])

        report(figures())


if __name__ == "__main__":
    main()
