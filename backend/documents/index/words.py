"""Words of the passages in tantivy: BM25 (k1 1.2, b 0.75, its own constants) and keyword match.

The words are made by `analysis`; tantivy only parts them at blanks. Row ids and numbers of puts come from `rows`.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.index.analysis import MORPHEMES, Analysis, counted, keywords
from backend.documents.index.within import ALL, Hit, Within
from backend.errors import Busy, StorageProblem, first_line
from backend.files import make_folder

if TYPE_CHECKING:
    import tantivy

HEAP: Final = 64_000_000
"""Bytes that a writer gathers before it writes a segment."""
SPLITTER: Final = "blanks"
FIELDS: Final = ("row", "put", "document", "language", "words", "keys")
MOST_ASKED: Final = 512
"""Different words of a question that are looked up; the first ones count."""
TIE: Final = 1e-4
"""What BM25 weighs beside the number of words held: never as much as one word, however long the question is."""


class Words:
    """The words of one index. Reading from any thread; one writer at a time, in whichever process."""

    def __init__(self, folder: Path, analysis: Analysis = MORPHEMES) -> None:
        import tantivy

        self._tokens = counted(analysis)
        self._folder = make_folder(folder)
        self._schema = _schema()
        try:
            self._index = tantivy.Index(self._schema, path=str(folder))
        except ValueError as fault:
            raise StorageProblem("error.index_damaged", why=first_line(fault)) from fault
        blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer(SPLITTER, blanks)
        self._writer: Any = None
        self._lock = threading.Lock()

    # --- reading

    def refresh(self) -> None:
        """Sees what other processes have written since."""
        self._index.reload()

    def bm25(self, question: str, count: int, within: Within = ALL) -> list[Hit]:
        """Row ids with their BM25, the best first. A word asked twice counts once."""
        from tantivy import Occur, Query

        words = list(dict.fromkeys(self._tokens(question)))[:MOST_ASKED]
        asked = [Query.term_query(self._schema, "words", word, "freq") for word in words]
        return self._search(Query.boolean_query([(Occur.Should, query) for query in asked]), count, within)

    def keyword(self, question: str, count: int, within: Within = ALL) -> list[Hit]:
        """Row ids with the share of the question's words that they hold, the largest first.

        Among equal shares the one whose words are rarer and more often in it (their BM25) comes first.
        """
        from tantivy import Occur, Query

        words = keywords(question)[:MOST_ASKED]
        asked = []
        for word in words:
            term = Query.term_query(self._schema, "keys", word, "freq")
            asked += [Query.const_score_query(term, 1.0), Query.boost_query(term, TIE)]
        found = self._search(Query.boolean_query([(Occur.Should, query) for query in asked]), count, within)
        return [(row, min(int(score) / max(len(words), 1), 1.0)) for row, score in found]

    def _search(self, query: tantivy.Query, count: int, within: Within) -> list[Hit]:
        from tantivy import Occur, Query

        limits = [("document", within.documents), ("language", within.languages or None)]
        inside = [
            Query.term_set_query(self._schema, name, list(values)) for name, values in limits if values is not None
        ]
        if inside:
            must = [query, *(Query.const_score_query(limit, 0.0) for limit in inside)]
            query = Query.boolean_query([(Occur.Must, each) for each in must])
        searcher = self._index.searcher()
        hits = searcher.search(query, max(count, 1), count=False).hits
        rows = searcher.fast_field_values("row", [address for _, address in hits])
        found = [(int(row), float(score)) for row, (score, _) in zip(rows, hits, strict=True) if row is not None]
        return sorted(found, key=_best_first)  # tantivy lets equals stand as its segments lie, which merging changes

    # --- writing

    def add(self, put: int, document: int, rows: Iterable[tuple[int, str, str]]) -> None:
        """(row id, text, language) of a document's passages; found after `commit`."""
        with self._lock:
            writer = self._open_writer()
            for row, text, language in rows:
                words, keys = " ".join(self._tokens(text)), " ".join(keywords(text))
                writer.add_document(_entry(row, put, document, language, words, keys))

    def remove(self, puts: Iterable[int]) -> None:
        """All passages of these puts; gone after `commit`.

        A segment keeps the words of what was deleted, and counts them, until it is merged. So what else is in such a
        segment is written anew (10,000 passages in a second), and tantivy lets go of a segment in which nothing is.
        """
        gone = frozenset(puts)
        self.close()  # a segment that were merged meanwhile would be another one
        self._index.reload()
        with self._lock:
            searcher, writer = self._index.searcher(), self._open_writer()
            for entry in self._beside(searcher, gone):
                writer.delete_documents_by_term("row", entry["row"][0])
                if entry["put"][0] not in gone:
                    writer.add_document(_entry(*(entry[name][0] for name in FIELDS)))

    def _beside(self, searcher: tantivy.Searcher, puts: Collection[int]) -> Iterator[Any]:
        """Everything that lies in the segments of these puts."""
        from tantivy import Query

        most = max(searcher.num_docs, 1)
        asked = Query.term_set_query(self._schema, "put", list(puts))
        touched = {address.segment_ord for _, address in searcher.search(asked, most, count=False).hits}
        if touched:
            for _, address in searcher.search(Query.all_query(), most, count=False).hits:
                if address.segment_ord in touched:
                    yield searcher.doc(address)

    def commit(self) -> None:
        with self._lock:
            if self._writer is not None:
                self._told(self._writer.commit)
                self._index.reload()

    def close(self) -> None:
        """Let go of the writer: what was not committed is forgotten."""
        with self._lock:
            if self._writer is not None:
                writer, self._writer = self._writer, None
                self._told(writer.rollback)
                self._told(writer.wait_merging_threads)

    def _open_writer(self) -> Any:
        if self._writer is None:
            try:
                self._writer = self._index.writer(heap_size=HEAP, num_threads=1)
            except ValueError as fault:
                if "LockBusy" in str(fault):
                    raise Busy("error.index_busy") from fault
                raise StorageProblem("error.index_damaged", why=first_line(fault)) from fault
        return self._writer

    def _told(self, do: Any) -> None:
        """tantivy says everything as ValueError."""
        try:
            do()
        except (ValueError, OSError) as fault:
            why = first_line(fault)
            if "No space left" in why or "StorageFull" in why:
                raise StorageProblem("error.disk_full", path=self._folder.name) from fault
            raise StorageProblem("error.cannot_write", path=self._folder.name, why=why) from fault


def _best_first(hit: Hit) -> tuple[float, int]:
    """Of equals the one that was put first."""
    return -hit[1], hit[0]


def _schema() -> tantivy.Schema:
    """Everything is stored as well, so that a segment can be written anew without what was taken away."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", stored=True, indexed=True, fast=True)
    builder.add_integer_field("put", stored=True, indexed=True)
    builder.add_integer_field("document", stored=True, indexed=True)
    builder.add_text_field("language", stored=True, tokenizer_name="raw", index_option="basic")
    for words in ("words", "keys"):
        builder.add_text_field(words, stored=True, tokenizer_name=SPLITTER, index_option="freq")
    return builder.build()


def _entry(row: int, put: int, document: int, language: str, words: str, keys: str) -> tantivy.Document:
    import tantivy

    entry = tantivy.Document()
    for name, number in (("row", row), ("put", put), ("document", document)):
        entry.add_integer(name, number)
    for name, text in (("language", language), ("words", words), ("keys", keys)):
        entry.add_text(name, text)
    return entry
