"""Tokens to text: half syllables, stop strings over borders, special tokens, spaces."""

from __future__ import annotations

from typing import Any

import pytest

from backend.models.detokenizing import TextStream, decoder, token_text
from tests.tiny import tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer(words=270)  # next to no merges: three tokens to a syllable


def pushed(stream: TextStream, ids: list[int]) -> list[str]:
    return [stream.push(token) for token in ids]


TEXTS = ["안녕하세요 똠방각하", "Hello, 세계! 👩‍👩‍👧 끝", "  둘 칸\n\n줄", "漢字 ascii é"]


@pytest.mark.parametrize("text", TEXTS)
def test_no_half_syllable_and_nothing_lost(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    stream = TextStream(decoder(tokenizer))
    pieces = pushed(stream, ids)
    assert "�" not in "".join(pieces)
    assert "".join(pieces) + stream.flush() == text
    assert len(ids) > len(text) > sum(bool(piece) for piece in pieces) - 1


def test_an_answer_cut_within_a_syllable_ends_before_it(tokenizer: Any) -> None:
    ids = tokenizer("안녕", add_special_tokens=False)["input_ids"][:-1]
    stream = TextStream(decoder(tokenizer))
    assert "".join(pushed(stream, ids)) + stream.flush() == "안"


def test_bytes_that_are_no_character_do_not_hold_the_answer_back(tokenizer: Any) -> None:
    half = tokenizer("안", add_special_tokens=False)["input_ids"][0]
    stream = TextStream(decoder(tokenizer))
    assert any(pushed(stream, [half] * 40))


def test_special_tokens_are_not_shown(tokenizer: Any) -> None:
    ids = tokenizer("<|user|>가<|end|>나", add_special_tokens=False)["input_ids"]
    stream = TextStream(decoder(tokenizer))
    assert "".join(pushed(stream, ids)) + stream.flush() == "가나"


@pytest.mark.parametrize(
    ("text", "stop", "shown", "ended"),
    [
        ("하나 둘 셋", ("둘",), "하나 ", True),
        ("하나 둘 셋", ("넷", "나 둘 "), "하", True),
        ("aab", ("ab",), "a", True),
        ("abcabd", ("abd",), "abc", True),
        ("하나 둘", ("둘 셋",), "하나 둘", False),
        ("하나", ("하나",), "", True),
        ("x\n\nUser: y", ("\n\nUser:", "\nUser:"), "x", True),
        ("하나", ("",), "하나", False),
    ],
)
def test_stop_strings(tokenizer: Any, text: str, stop: tuple[str, ...], shown: str, ended: bool) -> None:
    stream, said = TextStream(decoder(tokenizer), stop), ""
    for token in tokenizer(text, add_special_tokens=False)["input_ids"]:
        said += stream.push(token)
        assert shown.startswith(said), "nothing of a stop string is ever shown"
        if stream.ended:
            break
    assert said + stream.flush() == shown and stream.ended == ended


def sentencepiece_like() -> Any:
    """A tokenizer that writes the space before a word as part of it, and none before the first."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast as Fast

    words = ["<unk>", "▁Hello", "▁world", "!", "▁"]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    make: Any = Fast
    return make(tokenizer_object=inner, unk_token="<unk>")


def test_spaces_between_words_and_before_a_continued_word() -> None:
    decode = decoder(sentencepiece_like())
    stream = TextStream(decode)
    assert "".join(pushed(stream, [1, 2, 3])) == "Hello world!"
    assert TextStream(decode, before=[1]).push(2) == " world"


def test_a_token_as_a_person_reads_it(tokenizer: Any) -> None:
    decode = decoder(tokenizer)
    half = tokenizer("안", add_special_tokens=False)["input_ids"][0]
    assert token_text(tokenizer, decode, half) == "<EC>"
    assert token_text(tokenizer, decode, tokenizer.convert_tokens_to_ids("A")) == "A"
    assert token_text(tokenizer, decode, 1) == "<|end|>"
    spaced = sentencepiece_like()
    assert [token_text(spaced, decoder(spaced), token) for token in (2, 3, 4)] == [" world", "!", " "]
