"""The recipe: what it teaches, and that its loop learns, resumes and leaves no half-written folder."""

from __future__ import annotations

import csv
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
import zstandard

from backend.starter.__main__ import main
from backend.starter.episodes import Episode, Mixture, Share, chat, plain
from backend.starter.film_english import english_reviews
from backend.starter.labels import label_picking
from backend.starter.packing import IGNORED, encode, fill_rows
from backend.starter.reading import reading
from backend.starter.recipe import Recipe
from backend.starter.reviews import review_makers
from backend.starter.screen import abusive, coarse
from backend.starter.sources import Review, held_out, read_reviews
from backend.starter.talk import talk_makers
from backend.starter.tokenizer import load_tokenizer, train_tokenizer

REVIEWS = [
    Review(str(i), f"이 영화는 정말 {word} 작품이다 {i}", i % 2 == 0) for i, word in enumerate(["멋진", "지루한"] * 8)
]
TALK = [("오늘 뭐 하지?", "산책은 어떠세요?"), ("여행 가고 싶다", "여행은 언제나 좋죠.")]
MAKERS = [*review_makers(REVIEWS), *talk_makers(TALK), label_picking, reading]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    rng = random.Random(0)
    return train_tokenizer([text for make in MAKERS for _ in range(60) for _, text in make(rng).messages], 700, 256)


# --- episodes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_seed_makes_the_same_episodes(make: Any) -> None:
    assert [make(random.Random(f"{i}")) for i in range(30)] == [make(random.Random(f"{i}")) for i in range(30)]


@pytest.mark.parametrize("make", MAKERS)
def test_an_episode_is_read_as_the_chat_template_writes_it(make: Any, tokenizer: Any) -> None:
    for i in range(20):
        episode = make(random.Random(i))
        ids, targets = encode(episode, tokenizer)
        if episode.messages[0][0] == "text":
            assert targets[1:] == ids[1:]
            continue
        messages = [{"role": role, "content": content} for role, content in episode.messages]
        written = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
        assert written["input_ids"] == ids
        assert written["assistant_masks"] == [int(target != IGNORED) for target in targets]


def test_answers_come_from_what_was_asked() -> None:
    for i in range(200):
        episode = label_picking(random.Random(i))
        asked = "\n".join(content for role, content in episode.messages if role != "assistant")
        assert episode.messages[-1][1] in asked
        told = reading(random.Random(i)).messages
        facts, reply = "\n".join(content for _, content in told[:-1]), told[-1][1]
        assert reply in facts or reply in ("본문에 없습니다.", "It is not in the text.")


def test_labels_follow_the_review() -> None:
    label, _ = review_makers(REVIEWS)
    for i in range(200):
        *_, (_, asked), (_, reply) = label(random.Random(i)).messages
        last = max((review for review in REVIEWS if review.text in asked), key=lambda review: asked.rfind(review.text))
        assert (reply.lower() in ("긍정", "positive", "좋음", "추천")) is last.positive


def test_english_reviews_are_balanced_and_repeatable() -> None:
    made = english_reviews(100, seed=1)
    assert made == english_reviews(100, seed=1)
    assert sum(review.positive for review in made) == 50
    assert not [review.text for review in made if "{" in review.text or abusive(review.text)]


# --- sources ----------------------------------------------------------------------------------------------------------


def test_abuse_is_filtered_and_harmless_words_are_not() -> None:
    for bad in ("이런 씨발 영화", "씨.발", "죽고 싶다", "what the FUCK", "ㅅㅂ"):
        assert abusive(bad), bad
    for good in ("보지 마세요, 지루합니다", "여행 가고 싶다", "매우 좋았다", "다시 볼게요", "A classic assessment"):
        assert not abusive(good), good
    assert coarse("쓰레기 영화")
    assert not abusive("쓰레기 영화")


def test_a_tenth_is_held_out_for_good(tmp_path: Path) -> None:
    assert 0.08 < sum(held_out(str(i)) for i in range(5000)) / 5000 < 0.12
    assert [i for i in range(40) if held_out(str(i))] == [i for i in range(40) if held_out(str(i))]
    write_data(tmp_path)
    trained, tested = read_reviews(tmp_path, held=False), read_reviews(tmp_path, held=True)
    assert trained
    assert tested
    assert not {review.text for review in trained} & {review.text for review in tested}
    assert all(held_out(review.id) for review in tested)


# --- packing ----------------------------------------------------------------------------------------------------------


def test_rows_are_full_length_and_positions_restart(tokenizer: Any) -> None:
    mixture = Mixture((Share(MAKERS[0], 1, 1), Share(lambda rng: plain("가나다"), 1, 0)))
    rows = fill_rows(mixture, tokenizer, rows=3, length=128, rng=random.Random(1), progress=0.2)
    for row in rows:
        assert len(row.ids) == len(row.targets) == len(row.weights) == len(row.positions) == 128
        assert row.positions.count(0) > 1
        assert all(target in (IGNORED, token) for target, token in zip(row.targets, row.ids, strict=True))


def test_packed_episodes_do_not_see_each_other(tokenizer: Any) -> None:
    import torch

    from backend.starter.export import build_model

    model = build_model(Recipe(size="micro", steps=1), tokenizer)
    first, _ = encode(chat("안녕", "네"), tokenizer)
    second, _ = encode(chat("오늘 뭐 하지?", "산책"), tokenizer)
    both = torch.tensor([first + second])
    positions = torch.tensor([[*range(len(first)), *range(len(second))]])
    with torch.no_grad():
        packed = model(input_ids=both, position_ids=positions, use_cache=False).logits[0, len(first) :]
        alone = model(input_ids=torch.tensor([second]), use_cache=False).logits[0]
    assert torch.allclose(packed, alone, atol=1e-4)


def test_an_episode_longer_than_a_row_is_left_out(tokenizer: Any) -> None:
    endless = Episode((("user", "가" * 400), ("assistant", "나")))
    [row] = fill_rows(Mixture((Share(lambda rng: endless, 1, 1),)), tokenizer, 1, 64, random.Random(0), 0.0)
    assert set(row.targets) == {IGNORED}


# --- the loop ---------------------------------------------------------------------------------------------------------


def write_data(folder: Path) -> None:
    """A micro copy of what the recipe reads: reviews, small talk and a few paragraphs of prose."""
    reviews = folder / "open" / "nsmc_rebuilt"
    reviews.mkdir(parents=True)
    lines = [
        "id\tdocument\tlabel",
        *(f"{i}\t{'멋진' if i % 2 else '지루한'} 영화를 보았다 {i}\t{i % 2}" for i in range(80)),
    ]
    (reviews / "train.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    talk = folder / "open" / "korean_chatbot"
    talk.mkdir(parents=True)
    with (talk / "ChatbotData.csv").open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("Q", "A", "label"), *((q, a, "0") for q, a in TALK)])
    for name, text in (
        ("boddari-fairytale.ko", "옛날 어느 마을에 착한 아이가 살았습니다. " * 8),
        ("18f-handbook.en", "We write plainly. " * 12),
    ):
        rows = "\n".join(json.dumps({"text": f"{text}{i}"}, ensure_ascii=False) for i in range(12))
        (folder / f"{name}.jsonl.zst").write_bytes(zstandard.compress(rows.encode()))


def train(data: Path, out: Path, steps: int) -> None:
    sizes = ["--size", "micro", "--vocab", "600", "--rows", "2", "--length", "96", "--prose-characters", "4000"]
    main(["--data", str(data), "--corpus", str(data), "--out", str(out), "--steps", str(steps), *sizes])


def test_training_runs_resumes_and_exports(tmp_path: Path) -> None:
    import torch

    data, out = tmp_path / "data", tmp_path / "out"
    write_data(data)
    train(data, out, steps=3)
    state = torch.load(tmp_path / ".out-work" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 3
    train(data, out, steps=5)
    later = torch.load(tmp_path / ".out-work" / "checkpoint.pt", weights_only=True)
    assert later["step"] == 5
    assert later["tokens"] == 5 * 2 * 96
    assert not torch.equal(state["model"]["model.norm.weight"], later["model"]["model.norm.weight"])
    assert {file.name for file in out.iterdir()} >= {"model.safetensors", "tokenizer.json", "config.json"}
    assert not (tmp_path / "out.partial").exists()
    assert load_tokenizer(out).eos_token == "<|im_end|>"


def test_missing_data_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=str(tmp_path)):
        train(tmp_path, tmp_path / "out", steps=1)


def test_a_run_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="never end"):
        Recipe()
    with pytest.raises(ValueError, match="micro"):
        Recipe(size="huge", steps=1)
