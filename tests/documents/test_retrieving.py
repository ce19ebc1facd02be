from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.assistants import Documents, PassageFilter
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate
from backend.documents.index.within import Within
from backend.documents.retrieving.choosing import Rerankers, mmr
from backend.documents.retrieving.fusing import rrf, weighted
from backend.documents.retrieving.retrieval import Retrieval
from backend.documents.retrieving.searching import search
from backend.documents.retrieving.values import Retrieved
from backend.errors import ModelProblem, Refused
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.documents.making import LetterEmbedder, passages

LETTERS = LetterEmbedder()
TEXTS = ("the lease ends with notice", "a notice in writing", "the cat sat", "writing about cats", "lease lease lease")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    opened = Index(tmp_path, IndexSettings(embedding=LETTERS.model))
    for document, texts in ((1, TEXTS[:2]), (2, TEXTS[2:])):
        opened.put(document, passages(document, *texts), LETTERS.passages(texts))
    yield opened
    opened.close()


def asked(index: Index, query: str, wanted: Documents, within: Within | None = None) -> Retrieved:
    rerankers = Rerankers(Settings(home=index.folder))
    return search(index, query, wanted, within=within or Within(), embedder=lambda: LETTERS, rerankers=rerankers)


def test_rrf_adds_reciprocal_ranks() -> None:
    fused = rrf([[(1, 9.0), (2, 8.0)], [(2, 0.9), (3, 0.1)]], 60)
    assert fused == [(2, pytest.approx(1 / 62 + 1 / 61)), (1, pytest.approx(1 / 61)), (3, pytest.approx(1 / 62))]


def test_weighted_brings_scores_to_the_same_measure() -> None:
    fused = dict(weighted([([(1, 30.0), (2, 20.0), (3, 10.0)], 0.4), ([(3, 0.9), (4, 0.5)], 0.6)]))
    assert fused == {1: pytest.approx(0.4), 2: pytest.approx(0.2), 3: pytest.approx(0.6), 4: pytest.approx(0.0)}
    assert weighted([([(1, 5.0)], 1.0), ([], 0.0)]) == [(1, 1.0)]


def test_mmr_leaves_out_what_says_the_same_again() -> None:
    points = {1: np.array([1.0, 0.0]), 2: np.array([1.0, 0.0]), 3: np.array([0.0, 1.0])}
    hits = [(1, 1.0), (2, 0.9), (3, 0.5)]
    assert [row for row, _ in mmr(hits, points, 0.5, 2)] == [1, 3]  # type: ignore[arg-type]
    assert [row for row, _ in mmr(hits, points, 1.0, 3)] == [1, 2, 3]  # type: ignore[arg-type]
    assert mmr([], {}, 0.5, 3) == []


def test_each_retriever_says_what_it_found(index: Index) -> None:
    for way in ("keyword", "bm25", "dense"):
        got = asked(index, "lease notice", Documents(retriever=way, top_k=2))
        assert got.found[0].passage.text == "the lease ends with notice", way
        assert [one.rank for one in got.found] == [1, 2]
        assert list(got.traces) == [way] and got.found[0].by[way][0] == 1


def test_hybrid_is_both_fused_and_tells_each_rank(index: Index) -> None:
    got = asked(index, "lease notice", Documents(top_k=3))
    assert set(got.traces) == {"bm25", "dense", "fusion"}
    best = got.found[0]
    ranks = [rank for name, (rank, _) in best.by.items() if name != "fusion"]
    assert best.score == pytest.approx(sum(1 / (60 + rank) for rank in ranks))
    assert (
        len(got.found) == 3
        and {one.passage.id for one in got.found} & {one.passage.id for one in got.left_out} == set()
    )
    assert {"bm25", "embedding", "dense", "fusion"} <= set(got.seconds)
    heavy = asked(index, "lease notice", Documents(fusion="weighted", dense_weight=0.0, top_k=3))
    assert heavy.found[0].passage.id == got.traces["bm25"][0].passage.id


def test_mmr_is_the_last_word(index: Index) -> None:
    plain = asked(index, "lease", Documents(retriever="bm25", top_k=2))
    got = asked(index, "lease", Documents(retriever="bm25", top_k=2, mmr=0.3))
    assert plain.found[0].passage.text == "lease lease lease"
    assert [one.by["mmr"][0] for one in got.found] == [1, 2] and "mmr" in got.seconds


def test_filters_are_kept_by_every_retriever(index: Index) -> None:
    for way in ("keyword", "bm25", "dense", "hybrid", "whole"):
        got = asked(index, "lease cat", Documents(retriever=way), Within(frozenset([1])))
        assert {one.passage.document_id for one in got.found} == {1}, way
        assert asked(index, "lease", Documents(retriever=way), Within(frozenset())).found == (), way


def test_whole_is_everything_in_reading_order(index: Index) -> None:
    got = asked(index, "anything", Documents(retriever="whole", top_k=1))
    assert [one.passage.text for one in got.found] == list(TEXTS)


def test_an_english_model_is_not_asked_in_korean(tmp_path: Path) -> None:
    english = LetterEmbedder(EmbeddingModel(kind="local", name="letters", languages="en"))
    index = Index(tmp_path, IndexSettings(embedding=english.model))
    index.put(1, passages(1, "보증금은 돌려준다"), english.passages(["보증금은 돌려준다"]))
    got = asked(index, "보증금을 언제 받나요", Documents())
    assert got.skipped == {"dense": "retrieval.skipped_language"}
    assert [one.passage.text for one in got.found] == ["보증금은 돌려준다"]
    assert asked(index, "보증금", Documents(retriever="dense")).found  # who asks for it gets it
    index.close()


def test_without_points_hybrid_is_words_and_dense_is_refused(tmp_path: Path) -> None:
    index = Index(tmp_path, IndexSettings(embedding=EmbeddingModel(kind="none")))
    index.put(1, passages(1, "the lease"))
    got = asked(index, "lease", Documents())
    assert got.skipped == {"dense": "retrieval.skipped_no_vectors"} and len(got.found) == 1
    with pytest.raises(Refused, match="index_no_vectors"):
        asked(index, "lease", Documents(retriever="dense"))
    index.close()


def test_a_reranker_that_is_not_here_is_a_sentence(index: Index) -> None:
    for name in ("nobody/nothing", "../../etc", "/no/such/folder"):
        with pytest.raises(ModelProblem, match="rerank_missing"):
            asked(index, "lease", Documents(retriever="bm25", rerank=name))


def test_a_blank_question_finds_nothing(index: Index) -> None:
    assert asked(index, "  ", Documents()).found == ()
    assert asked(index, "?!", Documents(retriever="keyword")).found == ()


STRANGE = (
    "the and of to",
    "은 는 이 가",
    "😀 👩‍👩‍👧‍👦 🇰🇷",
    'lease:"notice" AND (cat OR -writing) ^2 ~3 [a TO b] {x} \\ /.*/ +must *',
    "(((((",
    '"',
    "lease\0notice",
    "half \ud800 a letter",
    "\u202e\ufeff\u200b",
    "lease notice " * 800,
    "계약" * 5_000,
    "x" * 10_000,
    " ".join(f"word{number}" for number in range(2_000)),
)


@pytest.mark.parametrize("question", STRANGE, ids=range(len(STRANGE)))
def test_no_question_makes_searching_fail(index: Index, question: str) -> None:
    for way in ("keyword", "bm25", "dense", "hybrid", "whole"):
        first = asked(index, question, Documents(retriever=way))
        again = asked(index, question, Documents(retriever=way))
        assert [one.passage.id for one in first.found] == [one.passage.id for one in again.found]
        if "lease" in question and way != "dense":
            assert first.found, way


def test_signs_of_a_query_language_are_only_signs(index: Index) -> None:
    plain = asked(index, "lease notice", Documents(retriever="bm25"))
    signed = asked(index, '"lease": (notice)', Documents(retriever="bm25"))
    assert [(one.passage.id, one.score) for one in signed.found] == [(one.passage.id, one.score) for one in plain.found]


def test_as_many_are_told_as_are_asked_for(index: Index) -> None:
    assert len(asked(index, "lease", Documents(top_k=4, candidates=1)).found) == 4


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    projects = Projects(tmp_path / "projects", lambda _folder: False)
    opened = projects.open("me", projects.create("me", "Documents").id)
    yield opened
    projects.close()


def test_a_project_is_searched_through_its_active_index(project: Project, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", offline=True)
    retrieval = Retrieval(settings, Endpoints(settings.home, offline=True))
    assert retrieval.find(project, Documents(), "lease") is None
    activate(project, IndexSettings(embedding=EmbeddingModel(kind="none")))
    assert retrieval.find(project, Documents(), "lease") is None
    retrieval.index(project).put(1, passages(1, "the lease"))
    got = retrieval.find(project, Documents(), "lease")
    assert got is not None and [one.passage.text for one in got.found] == ["the lease"]
    nowhere = Documents(filter=PassageFilter(folders=("elsewhere",)))
    got = retrieval.find(project, nowhere, "lease")
    assert got is not None and got.found == ()
    retrieval.close()


def test_the_model_is_loaded_ahead_only_where_it_will_be_asked(project: Project, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", offline=True)
    retrieval = Retrieval(settings, Endpoints(settings.home, offline=True))
    opened: list[EmbeddingModel] = []

    def opening(model: EmbeddingModel) -> LetterEmbedder:
        opened.append(model)
        return LETTERS

    retrieval.embedders.open = opening  # type: ignore[method-assign,assignment]
    activate(project, IndexSettings(embedding=LETTERS.model))
    retrieval.warm(project)  # nothing is indexed
    index = retrieval.index(project)
    index.put(1, passages(1, "the lease"), LETTERS.passages(["the lease"]))
    retrieval.warm(project, Documents(retriever="bm25"))
    assert opened == []
    for _ in range(3):
        retrieval.warm(project, Documents())
    for thread in threading.enumerate():
        if thread.name == "warm":
            thread.join(20)
    assert opened == [LETTERS.model]
    retrieval.close()


def test_only_a_few_indexes_stay_open(project: Project, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", offline=True)
    retrieval = Retrieval(settings, Endpoints(settings.home, offline=True))
    made = [IndexSettings(embedding=EmbeddingModel(kind="none", name=str(name))) for name in range(6)]
    opened = [retrieval.index(project, one) for one in made]
    assert retrieval.index(project, made[5]) is opened[5]
    assert retrieval.index(project, made[0]) is not opened[0]
    retrieval.close()
