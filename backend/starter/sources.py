"""Reads the open data that the starter model learns from. Nothing here writes, and nothing is fetched.

Folders are those of the project's shared data (`open/...`) and corpus (`*.jsonl.zst`); a missing one is an empty list,
so that a person can train with what they have.
"""

import csv
import gzip
import hashlib
import io
import json
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.starter.screen import abusive

# Prose without share-alike terms, with how often a document of it is drawn (1 = as it lies there).
PROSE_KO = {
    "boddari-fairytale.ko": 6.0,
    "boddari-wikinews.ko": 2.0,
    "boddari-nanet-bookreview.ko": 2.0,
    "boddari-acorn-bookreview.ko": 1.0,
    "opensource-guide.ko": 3.0,
    "fastapi-docs.ko": 0.5,
    "ms-courses.ko": 0.5,
    "ms-powerplatform.ko": 0.2,
    "kr-statutes.ko": 0.02,
}
PROSE_EN = {
    "18f-handbook.en": 2.0,
    "opensource-guide.en": 3.0,
    "openstax.en": 0.1,
    "eltec-eng.en": 0.05,
    "prompt-guide.en": 0.5,
    "fastapi-docs.en": 0.5,
    "world-factbook.en": 0.1,
    "ms-courses.en": 0.5,
}


@dataclass(frozen=True)
class Review:
    """One film review: `positive` is the label that its writer's stars gave it."""

    id: str
    text: str
    positive: bool


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def held_out(review_id: str) -> bool:
    """The tenth of the reviews that is never trained on: SHA-256 of "starter:<id>" modulo 10 is 0."""
    digest = hashlib.sha256(f"starter:{review_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10 == 0


def read_reviews(data: Path, held: bool) -> list[Review]:
    """Reviews of `nsmc_rebuilt` without abusive ones: the held-out tenth, or the rest without repeats of that tenth."""
    rows = [row for row in _review_rows(data) if 4 <= len(row.text) <= 160 and not abusive(row.text)]
    test = [row for row in rows if held_out(row.id)]
    if held:
        return test
    known = {row.text for row in test}
    return [row for row in rows if not held_out(row.id) and row.text not in known]


def _review_rows(data: Path) -> Iterator[Review]:
    path = data / "open" / "nsmc_rebuilt" / "train.tsv.gz"
    if not path.is_file():
        return
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            text = " ".join(nfc(row["document"] or "").split())
            yield Review(row["id"], text, row["label"] == "1")


def read_small_talk(data: Path) -> list[tuple[str, str]]:
    """Question and answer pairs of `korean_chatbot` without abusive ones."""
    path = data / "open" / "korean_chatbot" / "ChatbotData.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        pairs = [(nfc(row["Q"]), nfc(row["A"])) for row in csv.DictReader(lines)]
    return [(q, a) for q, a in pairs if q and a and not abusive(q) and not abusive(a)]


def read_prose(corpus: Path, language: str, characters: int, seed: int) -> list[str]:
    """About `characters` characters of prose in "ko" or "en": paragraphs in runs of at most 600 characters."""
    wanted = PROSE_KO if language == "ko" else PROSE_EN
    pool: list[str] = []
    for name, weight in wanted.items():
        path = corpus / f"{name}.jsonl.zst"
        if path.is_file():
            pool += _weighted(list(_passages(path, characters)), weight, seed)
    random.Random(f"prose:{language}:{seed}").shuffle(pool)
    total, chosen = 0, []
    for passage in pool:
        if total >= characters:
            break
        if not abusive(passage):  # asked late, for the chosen only: it is the slow part
            chosen.append(passage)
            total += len(passage)
    return chosen


def _weighted(passages: list[str], weight: float, seed: int) -> list[str]:
    """Whole copies for the whole part of `weight`, and a seeded sample for what is left of it."""
    whole = int(weight)
    part = random.Random(f"part:{seed}").sample(passages, int(len(passages) * (weight - whole)))
    return passages * whole + part


def _passages(path: Path, limit: int) -> Iterator[str]:
    """Runs of paragraphs of one packed file, at most 600 characters each and `limit` characters of the file in all."""
    import zstandard

    read = 0
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            for passage in _runs(nfc(json.loads(line)["text"])):
                if len(passage) >= 80:
                    read += len(passage)
                    yield passage
            if read > 8 * limit:
                return


def _runs(text: str) -> Iterator[str]:
    run = ""
    for paragraph in text.split("\n\n"):
        if run and len(run) + len(paragraph) > 600:
            yield run[:600]
            run = ""
        run = f"{run}\n\n{paragraph}" if run else paragraph
    if run:
        yield run[:600]
