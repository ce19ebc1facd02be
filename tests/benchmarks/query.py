"""How long a question takes in an index of many passages: hybrid, the question's embedding included, no generation.

    python -m tests.benchmarks.query [--passages N ...] [--corpus FOLDER] [--kept FOLDER] [--vectors FILE] [--full]

Two cores, two threads. Texts are passages of the open corpus beside the checkout, half Korean, half English (or, where
it is missing, made of the words of the reviews that ship). Their points are made, not a model's: 200 groups of random
directions, since encoding takes hours; `detail` says so. `--vectors FILE` measures on all-MiniLM-L6-v2's own points,
too: those of SciFact's 5,183 abstracts, as `retrieval --vectors` keeps them, with SciFact's questions. Other questions
are runs of four to nine words of passages; all are embedded by all-MiniLM-L6-v2. The filters that are asked with: one
document, ten, every second one (as a date does), one language. `--full` adds a million passages, whose texts repeat;
`--kept` keeps the filled indexes between calls.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from backend.assistants import Documents
from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Entry, Index
from backend.documents.index.settings import IndexSettings
from backend.documents.index.within import ALL, Within
from backend.documents.languages import language_of
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.searching import search
from backend.documents.values import Passage
from backend.models.endpoints import Endpoints
from backend.settings import Settings
from tests.benchmarks.report import Figure, report
from tests.benchmarks.selection import inputs

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
DATA = CORPUS.with_name("data")
IN_A_DOCUMENT = 100
CORES = 2
GROUPS = 200
DIMENSIONS = 384
SMALLEST, LARGEST = 500, 1500
QUESTIONS = 100
MILLION = 1_000_000


def corpus(folder: Path, count: int) -> list[str]:
    """Passages of 500 to 1,500 letters, Korean and English in turn; made ones where there is no corpus."""
    texts = list(islice(chain.from_iterable(zip(_of(folder, "ko"), _of(folder, "en"), strict=False)), count))
    return texts or [" ".join(inputs(8, seed)) for seed in range(min(count, 2_000))]


def _of(folder: Path, language: str) -> Iterator[str]:
    import zstandard

    for path in sorted(folder.glob(f"*.{language}.jsonl.zst")):
        with path.open("rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                gathered = ""
                for paragraph in json.loads(line)["text"].split("\n\n"):
                    gathered = f"{gathered}\n\n{paragraph}" if gathered else paragraph
                    if len(gathered) >= SMALLEST:
                        yield gathered[:LARGEST]
                        gathered = ""


def points(count: int, rng: Any, centres: Any) -> Any:
    """Unit rows (count, 384) around the centres."""
    import numpy as np

    found = centres[rng.integers(0, len(centres), count)] + 1.2 * rng.normal(size=(count, DIMENSIONS))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def filled(folder: Path, settings: IndexSettings, texts: list[str], count: int) -> Index:
    """An index of so many passages, a hundred to a document."""
    import numpy as np

    rng = np.random.default_rng(0)
    centres = rng.normal(size=(GROUPS, DIMENSIONS))
    index, every = Index(folder, settings), cycle(texts)
    with index.writing():
        for first in range(0, count, 10 * IN_A_DOCUMENT):
            entries = []
            for document in range(first, min(first + 10 * IN_A_DOCUMENT, count), IN_A_DOCUMENT):
                some = list(islice(every, min(IN_A_DOCUMENT, count - document)))
                entries.append(Entry(document, _passages(document, some), points(len(some), rng, centres)))
            index.put_all(entries)
    return index


def _passages(document: int, texts: list[str]) -> list[Passage]:
    return [
        Passage(document_id=document, number=at, text=text, start=0, end=len(text), language=language_of(text))
        for at, text in enumerate(texts)
    ]


def questions(texts: list[str], count: int) -> list[str]:
    draw, found = Random(1), []
    for text in draw.choices(texts, k=count):
        words = text.split()
        size = draw.randint(4, 9)
        at = draw.randint(0, max(len(words) - size, 0))
        found.append(" ".join(words[at : at + size]))
    return found


class Asking:
    """One index, asked many times; milliseconds."""

    def __init__(self, index: Index, embedders: Embedders, settings: Settings) -> None:
        self.index, self.embedders, self.rerankers = index, embedders, Rerankers(settings)

    def ms(self, asked: list[str], wanted: Documents, within: Within = ALL) -> list[float]:
        """In rising order. The first question opens what has to be opened, and is not counted.

        `cpu_ms` then holds what this process worked, in the order of the questions: on a busy machine it says more.
        """
        taken = []
        self.cpu_ms: list[float] = []
        for question in [asked[0], *asked]:
            since, worked = time.perf_counter(), time.process_time()
            search(
                self.index,
                question,
                wanted,
                within=within,
                embedder=lambda: self.embedders.open(self.index.settings.embedding),
                rerankers=self.rerankers,
            )
            taken.append(1000 * (time.perf_counter() - since))
            self.cpu_ms.append(1000 * (time.process_time() - worked))
        return sorted(taken[1:])


def share(ordered: list[float], part: float) -> float:
    return round(ordered[min(int(part * len(ordered)), len(ordered) - 1)], 1)


def filters(documents: Sequence[int]) -> dict[str, Within]:
    ten = documents[:: max(len(documents) // 10, 1)][:10]
    return {
        "one_document": Within(frozenset(documents[:1])),
        "ten_documents": Within(frozenset(ten)),
        "half_of_them": Within(frozenset(documents[::2])),
        "one_language": Within(None, ("ko",)),
    }


@dataclass(frozen=True)
class Asked:
    """What an index is asked, and what is told with the figures."""

    name: str
    questions: list[str]
    told: dict[str, object]


def figures(index: Index, asked: Asked, embedders: Embedders, settings: Settings) -> Iterator[Figure]:
    asking, put, name = Asking(index, embedders, settings), asked.questions, asked.name
    size: dict[str, object] = {"passages": index.count(), **asked.told}
    detail: dict[str, object] = {**size, "questions": len(put)}
    for way in ("keyword", "bm25", "dense"):
        detail[f"{way}_p50_ms"] = share(asking.ms(put, Documents(retriever=way)), 0.5)
    hybrid = asking.ms(put, Documents())
    worked = sorted(asking.cpu_ms[1:])
    detail |= {"cpu_p50_ms": share(worked, 0.5), "cpu_p95_ms": share(worked, 0.95)}
    yield Figure(f"hybrid_p50_ms{name}", share(hybrid, 0.5), "ms", "<= 60", detail)
    yield Figure(f"hybrid_p95_ms{name}", share(hybrid, 0.95), "ms", "<= 150", size)
    filtered: list[float] = []
    detail, worked = dict(size), []
    for what, within in filters(list(index.documents())).items():
        taken = asking.ms(put[: len(put) // 2], Documents(), within)
        filtered, worked = [*filtered, *taken], [*worked, *asking.cpu_ms[1:]]
        detail[f"{what}_p50_ms"] = share(taken, 0.5)
    detail |= {"cpu_p50_ms": share(sorted(worked), 0.5), "cpu_p95_ms": share(sorted(worked), 0.95)}
    yield Figure(f"filtered_p50_ms{name}", share(sorted(filtered), 0.5), "ms", "<= 60", detail)
    yield Figure(f"filtered_p95_ms{name}", share(sorted(filtered), 0.95), "ms", "<= 150", size)


def real(vectors: Path, folder: Path, data: Path) -> tuple[Index, list[str]] | str:
    """SciFact with its points, one passage for each document, and its questions; or why there is none."""
    import numpy as np

    from tests.benchmarks.retrieval import scifact

    if not vectors.is_file():
        return f"no {vectors.name}: made by retrieval --vectors"
    collection, rows = scifact(data), np.load(vectors)
    texts = ["\n\n".join(filter(None, both)) for both in collection.texts.values()]
    if rows.shape != (len(texts), DIMENSIONS):
        return f"{rows.shape} points for {len(texts)} texts"
    index = Index(folder, IndexSettings())
    with index.writing():
        for at in range(0, len(texts), 1_000):
            some = enumerate(texts[at : at + 1_000], at)
            index.put_all([Entry(i, _passages(i, [text]), rows[i : i + 1]) for i, text in some])
    return index, collection.questions


def on_real_points(options: Any, folder: Path, embedders: Embedders, settings: Settings) -> Iterator[Figure]:
    made = real(options.vectors, folder, options.data)
    if isinstance(made, str):
        for part, aim in (("50", "<= 60"), ("95", "<= 150")):
            yield Figure(f"hybrid_p{part}_ms_minilm", None, "ms", aim, {"why": made})
        return
    index, put = made
    try:
        asked = Asked("_minilm", put[: options.questions], {"points": "all-MiniLM-L6-v2"})
        yield from figures(index, asked, embedders, settings)
    finally:
        index.close()


def asked_of(texts: list[str], size: int, count: int) -> Asked:
    name = {10_000: "_10k", 100_000: "", MILLION: "_1m"}.get(size, f"_{size}")
    return Asked(name, questions(texts, count), {"points": "made", "different_texts": min(len(texts), size)})


def two_cores() -> None:
    """This process and what it starts keep to two cores, where the system lets them, and to two threads anywhere."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(CORES)))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the studio does


@contextlib.contextmanager
def opened(kept: Path | None, count: int, texts: list[str]) -> Iterator[Index]:
    """An index of so many passages; the one in `kept`, filled where it is not."""
    # The points mean nothing here, so the model is asked in both languages: the time is what is looked at.
    chosen = IndexSettings(embedding=EmbeddingModel(languages="multi"))
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) if kept is None else kept / str(count)
        index = Index(folder, chosen)
        if index.count() != count:
            index.close()
            index = filled(folder, chosen, texts, count)
        try:
            yield index
        finally:
            index.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--passages", type=int, nargs="*", default=[10_000, 100_000])
    options.add_argument("--questions", type=int, default=QUESTIONS)
    options.add_argument("--corpus", type=Path, default=CORPUS)
    options.add_argument("--kept", type=Path, help="folder that keeps the filled indexes")
    options.add_argument("--vectors", type=Path, help="points of SciFact, as retrieval keeps them")
    options.add_argument("--data", type=Path, default=DATA, help="the folder with open/ and sharealike/")
    options.add_argument("--full", action="store_true", help="a million passages too")
    chosen = options.parse_args()
    two_cores()
    sizes = [*chosen.passages, *([MILLION] if chosen.full else [])]
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), offline=True)
        embedders = Embedders(settings, Endpoints(settings.home, offline=True))
        texts = corpus(chosen.corpus, min(max(sizes, default=1), 100_000))

        def all_of() -> Iterator[Figure]:
            for size in sizes:
                with opened(chosen.kept, size, texts) as index:
                    yield from figures(index, asked_of(texts, size, chosen.questions), embedders, settings)
            if chosen.vectors:
                yield from on_real_points(chosen, Path(home) / "real", embedders, settings)

        report(all_of())


if __name__ == "__main__":
    main()
