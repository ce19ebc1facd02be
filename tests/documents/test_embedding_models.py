"""Models other than the one that ships: a folder, a hub id. All the way from the settings to a search."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.assistants import Documents
from backend.documents.embedding.embedders import Embedders, counting, folder_of, tokenizer
from backend.documents.embedding.fetching import asked_as, choose, fetched, here, hub_folder, start_fetching
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import ABOUT, Index
from backend.documents.index.settings import IndexSettings, activate, active, index_folder
from backend.documents.indexing.start import start_indexing
from backend.documents.retrieving.choosing import Rerankers
from backend.documents.retrieving.retrieval import Retrieval
from backend.documents.retrieving.searching import search
from backend.documents.shelf.intake import bring
from backend.errors import BadInput, ModelProblem, Refused, Unavailable
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs, end_processes
from backend.models.endpoints import Endpoints
from backend.projects.folder import Project
from backend.settings import Settings
from tests.documents.making import LetterEmbedder, passages
from tests.documents.test_intake import texts
from tests.documents.tiny_encoders import BGE, E5, Style, cross_encoder, encoder, files_of
from tests.models.hub_server import Hub, serving
from tests.waiting import until

TEXTS = ("전세 계약은 두 해이다.", "보증금을 돌려준다.", "가스 요금은 따로 낸다.", "The deposit is paid back.")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Style, EmbeddingModel]:
    folder = tmp_path_factory.mktemp("encoders")
    return {BGE: encoder(folder / "bge", BGE), E5: encoder(folder / "e5", E5, hidden=48)}


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> str:
    return cross_encoder(tmp_path_factory.mktemp("cross") / "encoder")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving(Hub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        # This process may have imported the hub's library already, which looks at the environment only once.
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Runs]:
    service = Runs(tmp_path / "home" / "runs", Settings(home=tmp_path / "home"))
    yield service
    for run in service.list():
        end_processes(RunFolder(run.folder))


def ended(runs: Runs, run: Run) -> Run:
    until(lambda: not runs.get(run.id).active, 180)
    return runs.get(run.id)


@pytest.mark.parametrize("style", [BGE, E5])
def test_points_are_those_that_the_makers_would_make(
    models: dict[Style, EmbeddingModel], tmp_path: Path, style: Style
) -> None:
    from sentence_transformers import SentenceTransformer

    model = models[style]
    theirs = SentenceTransformer(model.name, device="cpu", local_files_only=True)
    with closing(Embedders(Settings(home=tmp_path), Endpoints(tmp_path))) as embedders:
        mine = embedders.open(model)
        assert np.allclose(mine.passages(TEXTS), theirs.encode_document(list(TEXTS)), atol=1e-5)
        assert np.allclose(mine.query(TEXTS[1]), theirs.encode_query(TEXTS[1]), atol=1e-5)
        assert mine.dimensions == (32 if style == BGE else 48)
        count = embedders.counter(model)
        assert [count(text) for text in TEXTS] == [mine.count(text) for text in TEXTS]
    assert asked_as(Path(model.name)) == {"query": model.query, "passage": model.passage, "max_tokens": 64}


def test_a_folder_of_another_kind_is_refused_before_anything_of_it_runs(
    models: dict[Style, EmbeddingModel], tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, raw in files_of(Path(models[BGE].name)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(raw)
    model = EmbeddingModel(kind="local", name=str(folder))
    with closing(Embedders(Settings(home=tmp_path), Endpoints(tmp_path))) as embedders:
        modules = json.loads((folder / "modules.json").read_text())
        (folder / "modules.json").write_text(
            json.dumps([*modules, {"idx": 9, "name": "9", "path": "", "type": "os.walk"}])
        )
        with pytest.raises(ModelProblem, match="model_custom_code"):
            embedders.open(model)
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        with pytest.raises(ModelProblem, match="embedding_damaged"):
            embedders.open(model)
    with pytest.raises(ModelProblem, match="embedding_missing"):
        folder_of(Settings(home=tmp_path), EmbeddingModel(kind="local", name=str(tmp_path / "nowhere")))


def test_one_model_loads_while_others_answer_and_who_works_with_one_works_on(
    models: dict[Style, EmbeddingModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading, loaded = threading.Event(), threading.Event()
    slow, opened = models[E5].model_copy(update={"query": "slow: "}), Embedders._opened

    def slowly(self: Embedders, model: EmbeddingModel, *rest: Any) -> Any:
        if model == slow:
            loading.set()
            assert loaded.wait(60)
        return opened(self, model, *rest)

    monkeypatch.setattr(Embedders, "_opened", slowly)
    with closing(Embedders(Settings(home=tmp_path), Endpoints(tmp_path), kept=1)) as embedders:
        first = embedders.open(models[BGE])
        thread = threading.Thread(target=embedders.open, args=(slow,))
        thread.start()
        assert loading.wait(60)
        assert embedders.open(models[BGE]) is first  # without waiting for the slow one
        loaded.set()
        thread.join(60)
        assert embedders.open(models[E5]) is not first  # the first has made room, twice
        assert first.query("보증금").shape == (32,)


def test_a_tokenizer_of_older_times_counts_too(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "전세", "##가"]), "utf-8"
    )
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": false}')
    assert counting(tokenizer(tmp_path))("전세 전세가") == 3


def test_choose_another_model_search_and_go_back(
    models: dict[Style, EmbeddingModel], project: Project, runs: Runs, tmp_path: Path
) -> None:
    home = Settings(home=tmp_path / "home")
    bring(project, texts(tmp_path, 하나=TEXTS[0], 둘=TEXTS[1], 셋=TEXTS[2]))
    with closing(Retrieval(home, Endpoints(tmp_path / "home"))) as retrieval:
        for style in (BGE, E5):
            activate(project, IndexSettings(embedding=models[style]))
            over = ended(runs, start_indexing(runs, project))
            assert (over.state, over.result["indexed"]) == ("succeeded", 3), runs.log(over.id)
            for wanted in ("dense", "hybrid"):
                got = retrieval.find(project, Documents(retriever=wanted), TEXTS[1])
                assert got is not None and got.found[0].passage.text == TEXTS[1] and "dense" in got.traces
        about = index_folder(project.folder, active(project)) / ABOUT
        kept = about.read_text("utf-8")
        told = json.loads(kept)
        assert told["dimensions"] == 48 and told["settings"]["embedding"]["name"] == models[E5].name
        told["settings"]["embedding"]["name"] = models[BGE].name
        about.write_text(json.dumps(told), "utf-8")
        with pytest.raises(Refused, match="index_other_model") as mixed:
            Index(project.folder, active(project))
        assert mixed.value.details == {"made": models[BGE].name, "asked": models[E5].name}
        about.write_text(kept, "utf-8")
        activate(project, IndexSettings(embedding=models[BGE]))
        back = ended(runs, start_indexing(runs, project))
        assert (back.state, back.total) == ("succeeded", 0)
        got = retrieval.find(project, Documents(retriever="dense"), TEXTS[2])
        assert got is not None and got.found[0].passage.text == TEXTS[2]


def test_a_model_of_the_hub_is_fetched_by_the_run_that_needs_it(
    models: dict[Style, EmbeddingModel], hub: Hub, project: Project, runs: Runs, tmp_path: Path
) -> None:
    hub.models["tiny/kure"] = {**files_of(Path(models[BGE].name)), "pytorch_model.bin": b"never", "code.py": b"never"}
    home = Settings(home=tmp_path / "home")
    model = EmbeddingModel(kind="hub", name="tiny/kure", max_tokens=64, languages="multi")
    activate(project, IndexSettings(embedding=model))
    bring(project, texts(tmp_path, 하나=TEXTS[0], 둘=TEXTS[1]))
    with closing(Retrieval(home, Endpoints(tmp_path / "home"))) as retrieval:
        with pytest.raises(ModelProblem, match="embedding_not_fetched"):
            retrieval.embedder(project)
        over = ended(runs, start_indexing(runs, project))
        assert (over.state, over.result.get("indexed")) == ("succeeded", 2), runs.log(over.id)
        got = retrieval.find(project, Documents(retriever="dense"), TEXTS[1])
        assert got is not None and got.found[0].passage.text == TEXTS[1]
    assert here(home, "tiny/kure") and not any("never" in path or ".bin" in path for path, _ in hub.asked)
    names = set(files_of(hub_folder(home, model)))
    assert "1_Pooling/config.json" in names and not names & {"pytorch_model.bin", "code.py"}


def test_a_reranker_is_fetched_as_a_run_of_the_house_and_stopped_midway(
    reranker: str, hub: Hub, house: Runs, tmp_path: Path
) -> None:
    home, name = Settings(home=tmp_path / "home"), "tiny/reranker"
    hub.models[name] = {**files_of(Path(reranker)), "LICENSE": bytes(3_000_000)}
    hub.chunk_s = 0.05
    with pytest.raises(ModelProblem, match="rerank_missing"):
        Rerankers(home).scores(name, "보증금", TEXTS)
    run = start_fetching(house, home, name)
    assert start_fetching(house, home, name).id == run.id
    until(lambda: house.get(run.id).done > 500_000, 120)
    house.stop(run.id)
    assert ended(house, run).state == "stopped" and not here(home, name)
    hub.chunk_s = 0.0
    house.resume(run.id)
    over = ended(house, run)
    assert (over.state, over.unit, over.done) == ("succeeded", "bytes", over.total)
    with closing(Rerankers(home)) as rerankers:
        assert rerankers.scores(name, "보증금", TEXTS) == pytest.approx(
            Rerankers(home).scores(reranker, "보증금", TEXTS)
        )


def test_what_the_hub_must_not_bring(hub: Hub, tmp_path: Path, models: dict[Style, EmbeddingModel]) -> None:
    files = files_of(Path(models[BGE].name))
    with pytest.raises(ModelProblem, match="hub_pickled"):
        choose("BAAI/bge-m3", ["config.json", "modules.json", "1_Pooling/config.json", "pytorch_model.bin"])
    with pytest.raises(ModelProblem, match="hub_pickled"):
        choose("old/dense", [*files, "2_Dense/config.json", "2_Dense/pytorch_model.bin"])
    hub.models["own/code"] = {**files, "config.json": b'{"model_type": "odd", "auto_map": {}}'}
    home = Settings(home=tmp_path / "home")
    for settings, name, key in (
        (home, "own/code", "model_custom_code"),
        (home, "nobody/has-it", "model_not_found"),
        (home, "../../etc", "model_id"),
        (Settings(home=tmp_path / "home", offline=True), "tiny/kure", "error.offline"),
    ):
        with pytest.raises((ModelProblem, BadInput, Unavailable), match=key):
            fetched(settings, EmbeddingModel(kind="hub", name=name))


def test_a_reranker_puts_its_own_order_and_the_trace_tells_both(reranker: str, tmp_path: Path) -> None:
    letters = LetterEmbedder()
    with closing(Index(tmp_path / "project", IndexSettings(embedding=letters.model))) as index:
        index.put(1, passages(1, *TEXTS), letters.passages(TEXTS))
        with closing(Rerankers(Settings(home=tmp_path))) as rerankers:
            wanted = Documents(retriever="hybrid", top_k=2, candidates=4, rerank=reranker)
            got = search(index, "보증금을 돌려준다", wanted, embedder=lambda: letters, rerankers=rerankers)
            scores = dict(zip(TEXTS, rerankers.scores(reranker, "보증금을 돌려준다", TEXTS), strict=True))
    best = sorted(scores, key=lambda text: -scores[text])[:2]
    assert [found.passage.text for found in got.found] == best and len(got.traces["rerank"]) == 4
    for found in got.found:
        before, after = found.by["fusion"], found.by["rerank"]
        assert after == (found.rank, pytest.approx(scores[found.passage.text], rel=1e-3)) and before[0] in range(1, 5)
    assert got.seconds["rerank"] > 0 and len(got.left_out) == 2


def test_a_model_that_gives_many_scores_is_no_reranker(tmp_path: Path) -> None:
    name = cross_encoder(tmp_path / "classes", labels=3)
    with closing(Rerankers(Settings(home=tmp_path))) as rerankers, pytest.raises(ModelProblem, match="rerank_damaged"):
        rerankers.scores(name, "보증금", TEXTS)
