from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Entry, Index, remove_damaged, searched
from backend.documents.index.settings import IndexSettings, checked
from backend.documents.index.within import Within
from backend.errors import BadInput, Busy, NotFound, Refused, StorageProblem, Unavailable
from tests.documents.making import LetterEmbedder, passages
from tests.fakes import unused_port

WORDS = IndexSettings(embedding=EmbeddingModel(kind="none"))
SYLLABLES = IndexSettings(embedding=EmbeddingModel(kind="none"), analysis="syllables")
LETTERS = LetterEmbedder()
BOTH = IndexSettings(embedding=LETTERS.model)


def put(index: Index, document: int, *texts: str) -> None:
    points = None if index.vectors is None else LETTERS.passages(texts)
    index.put(document, passages(document, *texts), points)


def texts_of(index: Index, hits: list[tuple[int, float]]) -> list[str]:
    found = index.rows.by_row([row for row, _ in hits])
    return [found[row].text for row, _ in hits if row in found]


@pytest.fixture(params=[WORDS, BOTH], ids=["words", "both"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path, request.param)
    yield opened
    opened.close()


def test_what_is_put_is_found_and_counted(index: Index) -> None:
    put(index, 1, "계약의 해지는 서면으로 한다", "보증금은 돌려준다")
    put(index, 2, "A cat sat on the mat")
    assert (index.count(), index.documents()) == (3, {1: 2, 2: 1})
    assert texts_of(index, index.bm25("계약을 해지하려면", 5)) == ["계약의 해지는 서면으로 한다"]
    assert texts_of(index, index.bm25("cats sitting", 5)) == ["A cat sat on the mat"]
    assert [passage.number for passage in index.passages(1)] == [0, 1]
    assert index.passage("2-0").text == "A cat sat on the mat"


def test_a_document_put_again_replaces_its_passages(index: Index) -> None:
    put(index, 1, "old words here", "more old words")
    put(index, 1, "new words")
    assert texts_of(index, index.bm25("words", 5)) == ["new words"]
    assert index.bm25("old", 5) == []
    if index.vectors is not None:
        assert index.vectors.count() == 1


def test_a_dropped_document_leaves_no_trace(index: Index) -> None:
    put(index, 1, "secret plans")
    put(index, 2, "public notes")
    index.drop(1)
    assert index.documents() == {2: 1} and index.bm25("secret", 5) == [] and index.passages(1) == []
    assert index.rows.unfinished() == []
    if index.vectors is not None:
        assert index.vectors.count() == 1
    with pytest.raises(NotFound):
        index.passage("1-0")


def held(index: Index, word: str) -> int:
    """Passages that hold a word, counted as BM25 counts them: those that were deleted too, if anything of them is."""
    index.words.refresh()
    return index.words._index.searcher().doc_freq("keys", word)


def test_words_of_what_was_dropped_are_in_no_segment_and_count_no_more(index: Index) -> None:
    beside = [Entry(number, passages(number, f"public {number}", "notes"), None) for number in range(3, 9)]
    secret = Entry(1, passages(1, "secret plans", "public plans"), None)
    vectors = index.vectors is not None
    index.put_all([Entry(e.document_id, e.passages, LETTERS.passages([p.text for p in e.passages]) if vectors else None)
                   for e in [secret, *beside]])  # fmt: skip
    put(index, 2, "public words")  # in a segment of its own
    assert (held(index, "secret"), held(index, "public")) == (1, 8)
    before = index.bm25("public", 20)
    index.drop(1)
    assert (held(index, "secret"), held(index, "plans"), held(index, "public")) == (0, 0, 7)
    assert index.words._index.searcher().num_docs == index.count() == 13
    assert [row for row, _ in index.bm25("public", 20)] == [row for row, _ in before if row != 2]
    put(index, 3, "public again")
    assert held(index, "public") == 7 and held(index, "3") == 0
    assert texts_of(index, index.keyword("again", 5)) == ["public again"]


def test_the_writers_turn_ends_however_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(tmp_path, WORDS)

    def full() -> None:
        raise StorageProblem("error.disk_full", path="words")

    with monkeypatch.context() as broken:
        broken.setattr(index.words, "close", full)
        with pytest.raises(StorageProblem, match="disk_full"), index.writing():
            pass
    other = Index(tmp_path, WORDS)
    put(other, 1, "words")  # the lock is free
    assert index.count() == 1


def test_korean_is_found_by_morphemes_in_an_index_of_them_alone(tmp_path: Path) -> None:
    by_syllables, by_morphemes = Index(tmp_path, SYLLABLES), Index(tmp_path, WORDS)
    assert by_syllables.folder != by_morphemes.folder and SYLLABLES.key != WORDS.key
    for index in (by_syllables, by_morphemes):
        put(index, 1, "짐을 나르는 사람을 돕습니다.", "길을 걷고 물을 마셨다.")
    assert texts_of(by_morphemes, by_morphemes.bm25("누가 도왔나요?", 1)) == ["짐을 나르는 사람을 돕습니다."]
    assert texts_of(by_morphemes, by_morphemes.bm25("걸어서 갔나요?", 1)) == ["길을 걷고 물을 마셨다."]
    assert by_syllables.bm25("걸어서 갔나요?", 1) == []  # no syllable of it: never asked by morphemes
    assert not any(word.startswith("=") for word in words_in(by_syllables))
    assert "=걷" in words_in(by_morphemes)
    by_morphemes.close()
    again = Index(tmp_path, WORDS)
    assert len(again.bm25("걸었다", 5)) == 1


def words_in(index: Index) -> list[str]:
    return [word for word, _ in index.words._index.searcher().terms_with_prefix("words", "")]


def test_a_document_without_text_is_there_with_no_passages(index: Index) -> None:
    put(index, 7)
    assert index.documents() == {7: 0}


def test_many_go_in_together_or_not_at_all(tmp_path: Path) -> None:
    index = Index(tmp_path, BOTH)
    good = Entry(1, passages(1, "one"), LETTERS.passages(["one"]))
    with pytest.raises(BadInput, match="index_vectors"):
        index.put_all([good, Entry(2, passages(2, "two"), None)])
    assert index.count() == 0
    index.close()


def test_keyword_counts_how_many_of_the_words_are_there(index: Index) -> None:
    put(index, 1, "notice of termination in writing", "notice only", "nothing of it")
    hits = index.keyword("termination notice", 5)
    assert texts_of(index, hits) == ["notice of termination in writing", "notice only"]
    assert [score for _, score in hits] == [1.0, 0.5]
    assert index.keyword("", 5) == []


def test_only_the_documents_and_languages_that_are_asked_for(index: Index) -> None:
    put(index, 1, "임대차 lease 계약과 보증금", "the lease ends")
    put(index, 2, "the lease begins")
    assert texts_of(index, index.bm25("lease", 5, Within(frozenset([2])))) == ["the lease begins"]
    english = Within(frozenset([1]), ("en",))
    assert texts_of(index, index.bm25("lease", 5, english)) == ["the lease ends"]
    assert texts_of(index, index.keyword("lease", 5, english)) == ["the lease ends"]
    if index.vectors is not None:
        assert texts_of(index, index.nearest(LETTERS.query("lease"), 5, english)) == ["the lease ends"]


def test_nearest_says_cosines(tmp_path: Path) -> None:
    index = Index(tmp_path, BOTH)
    put(index, 1, "aaaa", "bbbb", "aabb")
    hits = index.nearest(LETTERS.query("aaaa"), 3)
    assert texts_of(index, hits) == ["aaaa", "aabb", "bbbb"]
    told = LETTERS.passages(["aaaa", "aabb", "bbbb"]) @ LETTERS.query("aaaa")
    assert [score for _, score in hits] == pytest.approx(told.tolist(), abs=1e-5)
    rows = [row for row, _ in hits]
    assert np.allclose(index.points(rows)[rows[0]], LETTERS.query("aaaa"), atol=1e-6)
    index.close()


def test_a_long_question_counts_its_words_and_not_how_rare_they_are(index: Index) -> None:
    words = [f"rare{number}" for number in range(300)]
    put(index, 1, " ".join(words[:150]))
    put(index, 2, *(f"filler {number}" for number in range(50)))
    ((_, share),) = index.keyword(" ".join(words), 5)
    assert share == pytest.approx(0.5)


def test_equals_stand_in_the_order_in_which_they_were_put(index: Index) -> None:
    for document in (3, 1, 2):
        put(index, document, "the same words")
    found = [index.bm25("same words", 9), index.keyword("same words", 9)]
    if index.vectors is not None:
        found.append(index.nearest(LETTERS.query("the same words"), 9))
    for hits in found:
        assert [row for row, _ in hits] == sorted(row for row, _ in hits) and len(hits) == 3


def test_an_index_made_before_there_was_a_copy_answers_and_gets_one(tmp_path: Path) -> None:
    index = Index(tmp_path, BOTH)
    put(index, 1, "aaaa", "bbbb")
    index.close()
    for path in (index.folder / "points").iterdir():
        path.unlink()
    old = Index(tmp_path, BOTH)
    assert texts_of(old, old.nearest(LETTERS.query("aaaa"), 1)) == ["aaaa"]  # Chroma answers
    put(old, 2, "cccc")
    assert old.scan is not None and old.vectors is not None
    old.vectors.close()
    assert texts_of(old, old.nearest(LETTERS.query("bbbb"), 2))[0] == "bbbb"
    assert old.scan.view is not None and old.scan.view.counted == 3
    old.close()


def test_filters_are_exact_where_chroma_answers(tmp_path: Path) -> None:
    index = Index(tmp_path, BOTH)
    common, rare = [f"abc {'a' * number}" for number in range(700)], ["abc d", "계약 abc", "zz"]
    put(index, 1, *common)
    put(index, 2, *rare)
    asked = LETTERS.query("abc aaa")
    for within, count in ((Within(frozenset([1])), 20), (Within(frozenset([2])), 3), (Within(None, ("mixed",)), 1)):
        wanted = index.nearest(asked, count, within)
        scan, index.scan, index._scan_is_whole = index.scan, None, False
        found = index.nearest(asked, count, within)
        index.scan, index._scan_is_whole = scan, True
        assert len(found) == count
        assert [score for _, score in found] == pytest.approx([score for _, score in wanted], abs=1e-4)
    index.close()


def test_what_was_written_while_a_reader_looked_is_found_afterwards(tmp_path: Path) -> None:
    index, reader = Index(tmp_path, BOTH), Index(tmp_path, BOTH)
    put(index, 1, "first")
    drawn = index.rows.begin([1])  # a put that is under way
    assert len(reader.bm25("first", 5)) == len(reader.nearest(LETTERS.query("first"), 5)) == 1
    during = reader.generation()
    index.rows.finish([(drawn[0], 2, passages(2, "second"))])
    assert reader.generation() > during
    index.close()
    reader.close()


def test_an_index_of_words_alone_does_not_search_by_meaning(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="index_no_vectors"):
        Index(tmp_path, WORDS).nearest(np.ones(3, dtype=np.float32), 1)


def test_points_of_another_model_are_refused(tmp_path: Path) -> None:
    index = Index(tmp_path, BOTH)
    put(index, 1, "one")
    with pytest.raises(Refused, match="index_other_size"):
        index.put(2, passages(2, "two"), np.ones((1, 3), dtype=np.float32))
    assert index.documents() == {1: 1}
    index.close()
    about = index.folder / "about.json"
    told = json.loads(about.read_text("utf-8"))
    told["settings"]["embedding"]["name"] = "another"
    about.write_text(json.dumps(told), "utf-8")
    with pytest.raises(Refused, match="index_other_model"):
        Index(tmp_path, BOTH)


def test_another_way_of_making_is_another_index(tmp_path: Path) -> None:
    other = IndexSettings(embedding=EmbeddingModel(kind="local", name="x"))
    assert len({WORDS.key, BOTH.key, other.key, IndexSettings(split={"size": 100}).key}) == 4  # type: ignore[arg-type]
    put(Index(tmp_path, WORDS), 1, "one")
    assert Index(tmp_path, BOTH).count() == 0
    assert not remove_damaged(tmp_path, WORDS) and Index(tmp_path, WORDS).count() == 1


@pytest.mark.parametrize("what", ["passages.db", "words/meta.json", "about.json"])
def test_a_damaged_index_says_so_and_is_made_anew(tmp_path: Path, what: str) -> None:
    index = Index(tmp_path, WORDS)
    put(index, 1, *(f"word {number}" for number in range(300)))
    index.close()
    path = index.folder / what
    raw = bytearray(path.read_bytes())
    raw[: len(raw) // 2] = bytes(len(raw) // 2)
    path.write_bytes(raw)
    with pytest.raises(StorageProblem, match="index_damaged"):
        Index(tmp_path, WORDS)
    assert remove_damaged(tmp_path, WORDS) and not index.is_there()
    anew = Index(tmp_path, WORDS)
    put(anew, 1, "word")
    assert anew.count() == 1 and anew.is_there() and not index.is_there()


def test_passages_that_are_damaged_in_the_middle_are_noticed_by_the_run(tmp_path: Path) -> None:
    index = Index(tmp_path, WORDS)
    put(index, 1, *(f"word {number}" * 50 for number in range(300)))
    index.close()
    path = index.folder / "passages.db"
    raw = bytearray(path.read_bytes())
    raw[40_000:80_000] = bytes(40_000)
    path.write_bytes(raw)
    assert remove_damaged(tmp_path, WORDS) and not remove_damaged(tmp_path, WORDS)


def test_settings_that_cannot_be_are_refused_by_name() -> None:
    with pytest.raises(BadInput) as told:
        checked(chroma="ftp://somewhere")
    assert told.value.details == {"field": "chroma"}
    assert checked(chroma="http://localhost:8000/").chroma == "http://localhost:8000"


def test_headings_above_are_searched_too() -> None:
    one, two = passages(1, "the text", "Notice\nthe text", headings=("Lease", "Notice"))
    assert searched(one) == "Lease\nNotice\nthe text"
    assert searched(two) == "Lease\nNotice\nthe text"


def test_a_chroma_server_that_is_down_is_a_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    settings = IndexSettings(embedding=LETTERS.model, chroma=f"http://127.0.0.1:{unused_port()}")
    index = Index(tmp_path, settings)
    with pytest.raises(Unavailable, match="chroma_down"):
        put(index, 1, "one")
    assert index.documents() == {} and index.bm25("one", 5) == []
    index.close()


CHILD = """
    import sys
    from pathlib import Path
    from tests.documents.test_index import BOTH, put
    from backend.documents.index.index import Index

    index = Index(Path(sys.argv[1]), BOTH)
    def all_of(first, last):
        for document in range(first, last):
            put(index, document, f"alpha {document}", f"beta {document}", f"gamma {document}")
            print(document, flush=True)
"""


def child(folder: Path, code: str) -> subprocess.Popen[str]:
    program = textwrap.dedent(CHILD) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": "."},
    )


def test_a_reader_sees_what_another_process_wrote_and_cannot_write_meanwhile(tmp_path: Path) -> None:
    index = Index(tmp_path, BOTH)
    put(index, 1, "aaaa")
    assert len(index.nearest(LETTERS.query("aaaa"), 9)) == 1  # its view is open
    writer = child(tmp_path, "with index.writing():\n    all_of(2, 4)\n    input()\n")
    try:
        assert writer.stdout is not None
        assert [writer.stdout.readline().strip() for _ in range(2)] == ["2", "3"]
        with pytest.raises(Busy, match="index_busy"), index.writing(wait_s=0.1):
            pass
        index.drop(1)  # does not wait: the writer takes away what it left
        assert sorted(texts_of(index, index.bm25("gamma", 9))) == ["gamma 2", "gamma 3"]
    finally:
        writer.kill()
        writer.communicate()
    found = index.nearest(LETTERS.query("gamma"), 9)
    assert sorted(texts_of(index, found)) == sorted(f"{w} {d}" for d in (2, 3) for w in ("alpha", "beta", "gamma"))
    index.sweep()
    assert index.vectors is not None and index.vectors.count() == 6
    index.close()


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_writer_that_is_killed_neither_loses_nor_doubles(tmp_path: Path) -> None:
    Index(tmp_path, BOTH).close()
    writer = child(tmp_path, "all_of(1, 10_000)\n")
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(3)]
    os.kill(writer.pid, signal.SIGKILL)
    told += [int(line) for line in writer.communicate()[0].split()]
    index = Index(tmp_path, BOTH)
    counted = index.documents()
    assert set(told) <= set(counted) and len(counted) <= len(told) + 1
    assert set(counted.values()) == {3}
    index.sweep()
    assert index.vectors is not None and index.vectors.count() == index.count() == 3 * len(counted)
    assert len(index.bm25("alpha", 100)) == len(counted)
    put(index, told[0], "alpha again")
    assert len(index.bm25("alpha", 100)) == len(counted)
    index.close()
