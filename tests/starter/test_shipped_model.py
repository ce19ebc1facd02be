"""The folder that ships: what is in it, and that it does the little that it promises."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from backend.starter.measure import answer, fairness, label_hits
from backend.starter.sources import Review
from backend.starter.tokenizer import CHAT_TEMPLATE, END, load_tokenizer

ASSETS = Path(__file__).resolve().parents[2] / "assets"
STARTER = ASSETS / "starter"
PAIRS = [
    ("도서관은 화요일부터 일요일까지 오전 아홉 시에 엽니다.", "The library opens at nine from Tuesday to Sunday."),
    ("어제 친구와 함께 본 영화가 무척 재미있었습니다.", "The film that I saw with a friend yesterday was fun."),
    ("정부는 내년부터 버스 요금을 낮추겠다고 밝혔다.", "The government will lower bus fares from next year."),
    ("비가 많이 와서 오늘 경기는 다음 주로 미루어졌습니다.", "Because of rain, today's match is put off to next week."),
    ("연구자들은 새로운 약이 효과가 있는지 알아보고 있다.", "Researchers are finding out whether the drug works."),
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(STARTER)


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(STARTER, local_files_only=True, dtype="float32")


def test_the_folder_is_small_and_has_its_card() -> None:
    sizes = {file.name: file.stat().st_size for file in STARTER.iterdir()}
    assert sum(sizes.values()) <= 16_000_000
    assert all(size <= 1_000_000 for name, size in sizes.items() if name != "model.safetensors")
    card = (STARTER / "README.md").read_text(encoding="utf-8")
    assert "practice model" in card
    assert "Apache-2.0" in card


def test_config_is_a_small_llama_in_bfloat16(model: Any) -> None:
    config = json.loads((STARTER / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert config["max_position_embeddings"] >= 1024
    assert config["tie_word_embeddings"] is True
    assert 3_500_000 <= sum(parameter.numel() for parameter in model.parameters()) <= 8_000_000


def test_the_ends_are_the_same_everywhere(tokenizer: Any, model: Any) -> None:
    end = tokenizer.convert_tokens_to_ids(END)
    assert tokenizer.eos_token_id == model.config.eos_token_id == model.generation_config.eos_token_id == end
    assert tokenizer.pad_token_id == model.generation_config.pad_token_id != end
    assert tokenizer.chat_template == CHAT_TEMPLATE


def test_the_tokenizer_is_fair_to_both_languages(tokenizer: Any) -> None:
    assert 0.75 <= fairness(tokenizer, PAIRS) <= 1.3


@pytest.mark.parametrize(
    "text", ['{"이름": "{input}", "n": 2026}', "a\n\n  b\t{{x}}", "밥🍚 은 3.14원", "ㅋㅋㅋ ^^;", "漢字 é"]
)
def test_every_text_comes_back(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_decomposed_hangul_reads_the_same(tokenizer: Any) -> None:
    import unicodedata

    assert tokenizer.encode(unicodedata.normalize("NFD", "한국어 모델")) == tokenizer.encode("한국어 모델")


def test_digits_are_single_pieces(tokenizer: Any) -> None:
    assert tokenizer.tokenize("2026") == ["2", "0", "2", "6"]


def test_generation_marks_cover_the_assistants_words(tokenizer: Any) -> None:
    messages = [
        {"role": "system", "content": "짧게"},
        {"role": "user", "content": "안녕"},
        {"role": "assistant", "content": "네."},
    ]
    marked = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    learned = [i for i, mark in zip(marked["input_ids"], marked["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(learned) == f"네.{END}"
    prompt = tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True)
    assert tokenizer.apply_chat_template(messages, tokenize=False).startswith(prompt)


@pytest.mark.parametrize("greeting", ["안녕", "안녕하세요", "Hello", "고마워", "누구세요?"])
def test_it_answers_a_greeting_and_stops(model: Any, tokenizer: Any, greeting: str) -> None:
    [(text, ended)] = answer(model, tokenizer, [[{"role": "user", "content": greeting}]], longest=48)
    assert text
    assert ended


def test_it_labels_the_sample_reviews_better_than_chance(model: Any, tokenizer: Any) -> None:
    with (ASSETS / "samples" / "reviews.csv").open(encoding="utf-8", newline="") as lines:
        reviews = [Review("", row["input"], row["label"] == "긍정") for row in csv.DictReader(lines)]
    assert len(reviews) == 120
    assert sum(review.positive for review in reviews) == 60
    hits, valid = label_hits(model, tokenizer, reviews)
    assert valid >= 114
    assert hits >= 74  # chance gives 74 or more in less than one of a hundred tries
