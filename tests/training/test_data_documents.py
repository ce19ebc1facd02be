"""Raw texts: rows at token boundaries, nothing lost, no letter divided, an end token at each text's end."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import BadInput, NotFound
from backend.models.tokenizing import Tokenizing
from backend.projects.folder import Project
from backend.training.rows import documents as data_documents
from backend.training.rows.checking import check_data
from backend.training.rows.documents import blocks, cut
from backend.training.rows.making import make_rows
from backend.training.values import Rows
from tests.tiny import TALK, tiny_tokenizer
from tests.training.data_cases import config, named, new_project

KOREAN = "\n".join(f"{at}. {TALK[at % len(TALK)]} 뷁쀍 😀👍🏽 \n" for at in range(120))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path)


@pytest.fixture
def reads() -> Tokenizing:
    return Tokenizing.settle(tiny_tokenizer(chat_template=False), frozenset({1}), 512)


def made(project: Project, reads: Tokenizing, folder: Path, **texts: bytes) -> Rows:
    files = [folder / f"{name}.txt" for name in texts]
    for file, raw in zip(files, texts.values(), strict=True):
        file.write_bytes(raw)
    names = tuple(file.name for file in files)
    return make_rows(project, config(objective="documents", documents=names, max_length=48), reads, files)


def test_rows_follow_each_other_and_are_the_text(reads: Tokenizing) -> None:
    rows = list(cut(KOREAN, reads, 48))
    ids = [token for row in rows for token in row.input_ids]
    assert ids[:-1] == reads.tokenizer(KOREAN, add_special_tokens=False)["input_ids"] and ids[-1] == 1
    assert all(0 < len(row.input_ids) <= 48 and row.labels == row.input_ids for row in rows)
    # No letter is divided: each row by itself is text, and together they are the whole.
    assert not any("�" in row.completion for row in rows)
    assert "".join(row.completion for row in rows) == KOREAN
    assert sum(len(row.input_ids) for row in rows[:-1]) > 0.9 * 48 * (len(rows) - 1)
    # Whereas cuts at every 48th token would divide some.
    assert any("�" in reads.tokenizer.decode(ids[at : at + 48]) for at in range(0, len(ids), 48))


def test_every_document_ends_with_the_end_token_and_no_row_spans_two(
    project: Project, reads: Tokenizing, tmp_path: Path
) -> None:
    rows = made(project, reads, tmp_path, one=KOREAN.encode("cp949", "ignore"), two=b"Hello there.", three=b" \n ")
    whole = [*rows.train, *rows.dev]
    ended = [row for row in whole if row.input_ids[-1] == 1]
    assert len(ended) == 2 and not any(1 in row.input_ids[:-1] for row in whole)
    assert "Hello there." in {row.completion for row in whole}
    assert any("영화는 정말 재미있었습니다" in row.completion for row in whole)
    assert named(rows.problems, "empty_documents").count == 1  # type: ignore[union-attr]
    assert 0 < len(rows.dev) <= 0.1 * len(whole) and all(row.example_id is None for row in whole)
    again = made(project, reads, tmp_path, one=KOREAN.encode("cp949", "ignore"), two=b"Hello there.", three=b" \n ")
    assert again == rows


def test_a_long_text_is_read_in_blocks_that_end_with_a_line(reads: Tokenizing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_documents, "BLOCK", 500)
    pieces = list(blocks(KOREAN))
    assert "".join(pieces) == KOREAN and all(piece.endswith("\n") and len(piece) <= 500 for piece in pieces)
    assert "".join(blocks("가" * 1234)) == "가" * 1234 and max(map(len, blocks("가" * 1234))) == 500
    assert "".join(row.completion for row in cut(KOREAN, reads, 48)) == KOREAN


def test_a_tokenizer_that_begins_texts_with_a_token_of_its_own_begins_these_with_it() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer(chat_template=False)
    begin = tokenizer.convert_tokens_to_ids("<|system|>")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|system|> $A", special_tokens=[("<|system|>", begin)]
    )
    rows = list(cut(KOREAN, Tokenizing.settle(tokenizer, frozenset({1}), None), 48))
    assert rows[0].input_ids[0] == begin and not any(begin in row.input_ids[1:] for row in rows)
    assert not any(begin in row.input_ids for row in rows[1:])


def test_what_is_no_text_and_what_is_gone_are_told(project: Project, reads: Tokenizing, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        made(project, reads, tmp_path, picture=bytes(range(256)) * 8)
    with pytest.raises(NotFound) as told:
        make_rows(project, config(objective="documents", documents=("gone.txt",)), reads, [tmp_path / "gone.txt"])
    assert told.value.details["name"] == "gone.txt"
    broken = made(project, reads, tmp_path, broken=KOREAN.encode() + "가".encode()[:2])
    assert named(broken.problems, "broken_letters").count == 1  # type: ignore[union-attr]
    nothing = make_rows(project, config(objective="documents"), reads)
    (problem,) = check_data(project, config(objective="documents"), nothing)
    assert (problem.name, problem.severity) == ("no_documents", "stop")
    short = made(project, reads, tmp_path, short="안녕하세요.".encode())
    assert [one.name for one in check_data(project, config(objective="documents"), short)] == ["short_documents"]
