"""Words of the passages in tantivy: BM25 (k1 1.2, b 0.75, its own constants) and keyword match.

The words are made by `analysis`; tantivy only parts them at blanks. Row ids and numbers of puts come from `rows`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from backend.documents.analysis import keywords, tokens
from backend.documents.index.within import ALL, Within
from backend.errors import Busy, StorageProblem, first_line
from backend.files import make_folder

if TYPE_CHECKING:
    import tantivy

HEAP: Final = 64_000_000
"""Bytes that a writer gathers before it writes a segment."""
SPLITTER: Final = "blanks"
MOST_ASKED: Final = 512
"""Different words of a question that are looked up; the first ones count."""
TIE: Final = 1e-4
"""What BM25 weighs beside the number of words held: never as much as one word, however long the question is."""
Hit = tuple[int, float]
"""A row id and its score."""


class Words:
    """The words of one index. Reading from any thread; one writer at a time, in whichever process."""

    def __init__(self, folder: Path) -> None:
        import tantivy

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

        words = list(dict.fromkeys(tokens(question)))[:MOST_ASKED]
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
        import tantivy

        with self._lock:
            writer = self._open_writer()
            for row, text, language in rows:
                entry = tantivy.Document()
                entry.add_integer("row", row)
                entry.add_integer("put", put)
                entry.add_integer("document", document)
                entry.add_text("language", language)
                entry.add_text("words", " ".join(tokens(text)))
                entry.add_text("keys", " ".join(keywords(text)))
                writer.add_document(entry)

    def remove(self, puts: Iterable[int]) -> None:
        """All passages of these puts; gone after `commit`."""
        with self._lock:
            writer = self._open_writer()
            for put in puts:
                writer.delete_documents_by_term("put", put)

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
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", fast=True)
    builder.add_integer_field("put", indexed=True)
    builder.add_integer_field("document", indexed=True)
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    for words in ("words", "keys"):
        builder.add_text_field(words, tokenizer_name=SPLITTER, index_option="freq")
    return builder.build()
