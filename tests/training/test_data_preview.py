"""What is shown of a row, and the snapshot that every attempt reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.errors import StorageProblem
from backend.models.tokenizing import Tokenizing
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.rows import snapshot
from backend.training.rows.preview import preview, preview_row
from backend.training.values import Row, Rows
from tests.tiny import tiny_tokenizer
from tests.training.data_cases import config, counted, labelled, model_folder, new_project, rows_of

ODD = "뷁쀍 😀👍🏽 café — 12,345원\n\t끝"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return labelled(new_project(tmp_path))


@pytest.mark.parametrize("kind", ["starter", "own", "plain"])
def test_pieces_are_the_text_whole_letters_and_just_the_answer_marked(
    kind: str, project: Project, tmp_path: Path
) -> None:
    folder = model_folder(kind, tmp_path, Settings(home=tmp_path).starter)
    tokenizer = Tokenizing.open(folder).tokenizer
    rows = rows_of(project, folder, config())
    shown = preview(rows, tokenizer, n=5, seed=3)
    assert len(shown) == 5 and shown == preview(rows, tokenizer, n=5, seed=3)
    assert len(preview(rows, tokenizer, n=50)) == len(rows.train)
    by_id = {row.example_id: row for row in rows.train}
    for one in shown:
        row = by_id[one.example_id]
        end = tokenizer.convert_ids_to_tokens(counted(row)[-1])
        assert "".join(text for text, _, _ in one.pieces) == row.prompt + row.completion + end
        assert "".join(text for text, counts, _ in one.pieces if counts) == row.completion + end
        assert not any("�" in text for text, _, _ in one.pieces)
        assert (one.tokens, one.loss_tokens) == (len(row.input_ids), len(counted(row)))
        special = {text for text, _, special in one.pieces if special}
        assert end in special and special <= set(tokenizer.get_added_vocab())


def test_letters_of_several_tokens_are_one_piece() -> None:
    tokenizer = tiny_tokenizer(words=300)
    ids = tuple(tokenizer(ODD, add_special_tokens=False)["input_ids"])
    shown = preview_row(Row(ids, ids, "", ODD), tokenizer)
    assert "".join(text for text, _, _ in shown.pieces) == ODD
    assert len(shown.pieces) < shown.tokens == len(ids)
    assert "뷁" in {text for text, _, _ in shown.pieces}


def test_a_space_between_words_is_kept_by_decoders_that_write_it_late(tmp_path: Path) -> None:
    """SentencePiece's decoders drop the space before the first word of what they are given."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("▁안녕", -1.0), ("▁세계", -1.0), ("▁", -2.0)]
    inner = Tokenizer(models.Unigram(pieces, unk_id=0))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.Metaspace(prepend_scheme="first")  # type: ignore[assignment]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", unk_token="<unk>")
    ids = tuple(tokenizer("안녕 세계", add_special_tokens=False)["input_ids"])
    assert len(ids) == 2
    shown = preview_row(Row(ids, ids, "", ""), tokenizer)
    assert [text for text, _, _ in shown.pieces] == ["안녕", " 세계"]


def test_of_a_head_the_class_stands_last(project: Project, tmp_path: Path) -> None:
    folder = model_folder("own", tmp_path, Settings(home=tmp_path).starter)
    rows = rows_of(project, folder, config(objective="head"))
    shown = preview(rows, Tokenizing.open(folder).tokenizer, n=1)[0]
    assert shown.pieces[-1] in ((" → 긍정", True, False), (" → 부정", True, False))
    assert [counts for _, counts, _ in shown.pieces[:-1]] == [False] * (len(shown.pieces) - 1)
    assert shown.loss_tokens == 1


@pytest.mark.parametrize("objective", ["answers", "head"])
def test_a_snapshot_is_read_as_it_was_written(objective: str, project: Project, tmp_path: Path) -> None:
    folder = model_folder("own", tmp_path, Settings(home=tmp_path).starter)
    rows = rows_of(project, folder, config(objective=objective, max_length=120))
    assert rows.problems
    data = tmp_path / "run" / "data"
    assert not snapshot.there(data)
    snapshot.write(data, rows)
    assert snapshot.there(data) and snapshot.read(data) == rows
    lines = (data / "train.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0])["input_ids"] == list(rows.train[0].input_ids) and "문장" in lines[0]
    snapshot.write(data, Rows(rows.train[:2], (), ()))
    assert len(snapshot.read(data).train) == 2 and snapshot.read(data).dev == ()


def test_odd_letters_survive_a_snapshot(tmp_path: Path) -> None:
    row = Row((1, 2), (-100, 2), "half \ud83d of a pair\u2028\x85", ODD, 7)
    snapshot.write(tmp_path, Rows((row,), (), ()))
    assert snapshot.read(tmp_path) == Rows((row,), (), ())


def test_half_a_snapshot_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(tuple(Row((1, at), (-100, at), "p", "c", at) for at in range(5)), (), ())
    snapshot.write(tmp_path, rows)
    write_atomic = snapshot.write_atomic

    def killed(path: Path, data: bytes | str, **more: bool) -> None:
        if path.name == "dev.jsonl":
            raise KeyboardInterrupt
        write_atomic(path, data, **more)

    monkeypatch.setattr(snapshot, "write_atomic", killed)
    with pytest.raises(KeyboardInterrupt):
        snapshot.write(tmp_path, Rows(rows.train[:1], (), ()))
    assert not snapshot.there(tmp_path)
    with pytest.raises(StorageProblem):
        snapshot.read(tmp_path)
    monkeypatch.undo()
    snapshot.write(tmp_path, rows)
    file = tmp_path / "train.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StorageProblem, match=r"error\.training_data"):
        snapshot.read(tmp_path)
