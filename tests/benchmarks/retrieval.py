"""How well passages are found, through the studio's own readers, splitter, index and retrievers, on open sets.

    python -m tests.benchmarks.retrieval [--data FOLDER] [--vectors FILE] [--full]

Each text is a file (.txt, its title the first paragraph), read in the reading child, cut where it has more tokens than
a passage may have at most, and put into an index; a text counts once, at the rank of its best passage.

SciFact (BEIR, test, 300 questions over 5,183 abstracts): BM25 published 0.665-0.679, all-MiniLM-L6-v2 0.645. ParaKQC:
the first of each of 1,000 groups of Korean questions against the other 9,000. XQuAD (English): 1,190 questions, 240
paragraphs. nDCG@10 everywhere. Encoding SciFact takes minutes, so what needs its points is measured with `--full`, or
with `--vectors FILE` (.npy, a row for each passage in the order of the corpus), which keeps them between calls; it adds
half a minute. `--full` adds other candidates, constants and weights.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from backend.assistants import Documents
from backend.documents.embedding.embedders import Embedders
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Entry, Index, searched
from backend.documents.index.settings import IndexSettings
from backend.documents.reading.reader import Reader
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.searching import search
from backend.documents.splitting.passages import split
from backend.documents.splitting.settings import SplitSettings
from backend.documents.splitting.units import Count
from backend.documents.values import Passage, lay
from backend.models.endpoints import Endpoints
from backend.settings import Settings
from tests.benchmarks.report import Figure, report

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
AT_ONCE = 1_000
ASKED = 10
WHOLE = SplitSettings(size=8_192, overlap=0)
"""The published figures are over whole abstracts; of a long one the embedding model sees the beginning, here as there.
"""


@dataclass(frozen=True)
class Collection:
    """Texts by name, (title, text); questions; and which texts answer each, with their grade."""

    texts: dict[str, tuple[str, str]]
    questions: list[str]
    relevant: list[dict[str, int]]


def lines(path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    yield from (line for line in text.split("\n") if line.strip())


def beir(corpus: Path, queries: Path, qrels: Path) -> Collection:
    texts = {row["_id"]: (row.get("title") or "", row["text"]) for row in map(json.loads, lines(corpus))}
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in list(lines(qrels))[1:]:
        question, text, grade = line.split("\t")
        grades[question][text] = int(grade)
    asked = [row for row in map(json.loads, lines(queries)) if row["_id"] in grades]
    return Collection(texts, [row["text"] for row in asked], [grades[row["_id"]] for row in asked])


def scifact(data: Path) -> Collection:
    folder = data / "open" / "scifact_beir"
    return beir(folder / "corpus.jsonl.gz", folder / "queries.jsonl", folder / "qrels_test.tsv")


def xquad(data: Path) -> Collection:
    folder = data / "sharealike" / "xquad_en"
    names = ("retrieval_corpus.jsonl.gz", "retrieval_queries.jsonl.gz", "retrieval_qrels.tsv.gz")
    return beir(*(folder / name for name in names))


def parakqc(data: Path) -> Collection:
    rows = [line.split("\t")[2] for line in lines(data / "sharealike" / "ko_parakqc" / "paraKQC_v1.txt.gz")]
    groups = [rows[at : at + 10] for at in range(0, len(rows), 10)]
    texts = {f"{number}-{at}": ("", text) for number, group in enumerate(groups) for at, text in enumerate(group[1:])}
    relevant = [{f"{number}-{at}": 1 for at in range(9)} for number in range(len(groups))]
    return Collection(texts, [group[0] for group in groups], relevant)


def passages(folder: Path, collection: Collection, count: Count) -> list[list[Passage]]:
    """Of each text, document i being the i-th: written as a file, read by the studio's reader, cut by its splitter."""
    folder.mkdir()
    found = []
    with Reader() as reader:
        for number, (title, text) in enumerate(collection.texts.values()):
            path = folder / f"{number}.txt"
            path.write_text(f"{title}\n\n{text}" if title else text, encoding="utf-8")
            parsed = reader.read(path, path.name)
            found.append(split(parsed, lay(parsed), WHOLE, count, number))
    return found


def filled(folder: Path, documents: list[list[Passage]], settings: IndexSettings, points: Any = None) -> Index:
    """An index of them; `points` are one row for each passage."""
    index, row = Index(folder, settings), 0
    with index.writing():
        for at in range(0, len(documents), AT_ONCE):
            entries = []
            for some in documents[at : at + AT_ONCE]:
                mine = None if points is None else points[row : row + len(some)]
                entries.append(Entry(some[0].document_id, some, mine))
                row += len(some)
            index.put_all(entries)
    return index


class Asking:
    """One index, asked all questions of a collection."""

    def __init__(self, index: Index, collection: Collection, embedders: Embedders, settings: Settings) -> None:
        self.index, self.collection = index, collection
        self.embedders, self.rerankers = embedders, Rerankers(settings)

    def ndcg(self, wanted: Documents) -> tuple[float, dict[str, object]]:
        """The mean, and what it cost."""
        names, scores, since = list(self.collection.texts), [], time.perf_counter()
        for question, relevant in zip(self.collection.questions, self.collection.relevant, strict=True):
            got = search(
                self.index,
                question,
                wanted,
                embedder=lambda: self.embedders.open(self.index.settings.embedding),
                rerankers=self.rerankers,
            )
            ranked = dict.fromkeys(names[one.passage.document_id] for one in got.found)
            scores.append(ndcg(list(ranked), relevant))
        seconds = time.perf_counter() - since
        sizes = {"questions": len(scores), "texts": len(names), "passages": self.index.count()}
        return fmean(scores), {**sizes, "seconds": round(seconds, 1)}

    def figure(self, name: str, aim: str, wanted: Documents, **detail: object) -> Figure:
        value, cost = self.ndcg(wanted)
        return Figure(name, round(value, 4), "nDCG@10", aim, {**cost, **detail})


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = ASKED) -> float:
    """Järvelin and Kekäläinen (2002), gain 2^grade - 1, as trec_eval and BEIR count it for grades 0 and 1."""
    gains = [2 ** relevant.get(name, 0) - 1 for name in ranked[:depth]]
    best = sorted((2**grade - 1 for grade in relevant.values()), reverse=True)[:depth]
    return discounted(gains) / discounted(best) if any(best) else 0.0


def discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def encoded(documents: list[list[Passage]], embedders: Embedders, model: EmbeddingModel, kept: Path | None) -> Any:
    """Points of all passages, shape (passages, 384); from the file where it holds as many."""
    import numpy as np

    texts = [searched(passage) for some in documents for passage in some]
    if kept is not None and kept.is_file() and len(found := np.load(kept)) == len(texts):
        return found
    embedder = embedders.open(model)
    points = np.concatenate([embedder.passages(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)])
    if kept is not None:
        np.save(kept, points)
    return points


KOREAN = ("parakqc",)
SETS = (("parakqc", parakqc, ">= 0.85"), ("xquad", xquad, ">= 0.96"), ("scifact", scifact, ">= 0.67"))


@dataclass(frozen=True)
class Bench:
    folder: Path
    data: Path
    embedders: Embedders
    settings: Settings

    def words_alone(self) -> Iterator[Figure]:
        for name, read, aim in SETS:
            collection, since = read(self.data), time.perf_counter()
            documents = self._passages(name, collection)
            seconds = round(time.perf_counter() - since, 1)
            settings = IndexSettings(split=WHOLE, embedding=EmbeddingModel(kind="none"))
            index = filled(self.folder / name, documents, settings)
            asking = Asking(index, collection, self.embedders, self.settings)
            detail = self._by_syllables(collection, documents) if name in KOREAN else {}
            wanted = Documents(retriever="bm25", top_k=ASKED)
            yield asking.figure(f"{name}_bm25", aim, wanted, reading_s=seconds, **detail)
            index.close()

    def _by_syllables(self, collection: Collection, documents: list[list[Passage]]) -> dict[str, object]:
        """The same questions to an index that counts Korean by syllables, beside the figure of the usual one."""
        settings = IndexSettings(split=WHOLE, embedding=EmbeddingModel(kind="none"), analysis="syllables")
        since = time.perf_counter()
        index = filled(self.folder / "syllables", documents, settings)
        took = round(time.perf_counter() - since, 1)
        asking = Asking(index, collection, self.embedders, self.settings)
        value, _ = asking.ndcg(Documents(retriever="bm25", top_k=ASKED))
        index.close()
        return {"syllables": round(value, 4), "syllables_indexing_s": took}

    def with_points(self, vectors: Path | None, full: bool) -> Iterator[Figure]:
        collection, settings = scifact(self.data), IndexSettings(split=WHOLE)
        documents, since = self._passages("dense", collection), time.perf_counter()
        points = encoded(documents, self.embedders, settings.embedding, vectors)
        took = round(time.perf_counter() - since, 1)
        index = filled(self.folder / "dense", documents, settings, points)
        asking = Asking(index, collection, self.embedders, self.settings)
        yield asking.figure("scifact_dense", ">= 0.635", Documents(retriever="dense", top_k=ASKED), encoding_s=took)
        yield asking.figure("scifact_hybrid", ">= 0.70", Documents(top_k=ASKED))
        yield from fusions(asking) if full else ()
        index.close()

    def _passages(self, name: str, collection: Collection) -> list[list[Passage]]:
        return passages(self.folder / f"{name}_files", collection, self.embedders.counter(EmbeddingModel()))


def fusions(asking: Asking) -> Iterator[Figure]:
    for candidates in (50, 100, 200):
        for k in (10, 20, 60):
            wanted = Documents(top_k=ASKED, candidates=candidates, rrf_k=k)
            yield asking.figure(f"scifact_rrf_{candidates}_{k}", ">= 0.70", wanted)
        for share in (0.3, 0.5, 0.7):
            wanted = Documents(top_k=ASKED, candidates=candidates, fusion="weighted", dense_weight=share)
            yield asking.figure(f"scifact_weighted_{candidates}_{share}", ">= 0.70", wanted)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=DATA, help="the folder with open/ and sharealike/")
    options.add_argument("--vectors", type=Path, help="file that keeps the points of SciFact")
    options.add_argument("--full", action="store_true", help="points, and other constants and weights of fusion too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as kept:
        folder = Path(kept)
        settings = Settings(home=folder, offline=True)
        embedders = Embedders(settings, Endpoints(folder, offline=True))
        bench = Bench(folder, chosen.data, embedders, settings)

        def figures() -> Iterator[Figure]:
            yield from bench.words_alone()
            if chosen.full or chosen.vectors:
                yield from bench.with_points(chosen.vectors, chosen.full)
            else:
                for name, aim in (("scifact_dense", ">= 0.635"), ("scifact_hybrid", ">= 0.70")):
                    yield Figure(name, None, "nDCG@10", aim, {"why": "with --full or --vectors"})

        report(figures())


if __name__ == "__main__":
    main()
