from __future__ import annotations

import unicodedata

from backend.documents.index.analysis import counted, keywords, tokens, with_morphemes


def test_english_is_stemmed_and_empty_words_are_left_out() -> None:
    assert tokens("The leases were ENDING, and ended") == ["leas", "were", "end", "end"]


def test_korean_is_pairs_of_syllables_with_marks_of_the_beginning() -> None:
    assert tokens("계약의") == ["^계", "^계약", "계약", "약의"]
    assert tokens("a 값") == ["^값", "값"]


def test_a_particle_does_not_part_the_same_word() -> None:
    assert set(tokens("계약은")) & set(tokens("계약을")) == {"^계", "^계약", "계약"}


def test_mixed_text_is_analysed_both_ways() -> None:
    assert tokens("GPU에서 running") == ["gpu", "^에", "^에서", "에서", "run"]


def test_spellings_of_the_same_text_are_one() -> None:
    text = "한글 Ｗｉｄｅ ① 계약"
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(text) == tokens("한글 wide 1 계약")


def test_keywords_are_words_without_particles_each_once() -> None:
    assert keywords("계약을 해지할 때, 계약의 The notice") == ["계약", "해지", "때", "notice"]
    assert keywords("to be") == ["to", "be"]
    assert keywords("의") == ["의"]  # nothing would be left


def test_signs_and_data_of_any_length_are_borne() -> None:
    assert tokens("…!? ~") == [] and keywords("") == []
    assert all(len(token) <= 64 for token in tokens("a" * 1_000_000))


def test_a_word_that_ends_like_a_particle_is_the_same_with_and_without_one() -> None:
    for word in ("고양이", "민주주의", "이용제한", "임대차계약", "어린이"):
        found = {tuple(keywords(word + particle)) for particle in ("", "는", "를", "의", "에서는", "과의")}
        assert len(found) == 1, (word, found)
    assert keywords("고양이") != keywords("고등어")


def test_morphemes_are_stems_without_particles_and_endings() -> None:
    counted_here = with_morphemes("이웃을 도와 주었다. GPU의 running")
    assert [word for word in counted_here if word.startswith("=")] == ["=gpu", "=run", "=이웃", "=돕", "=주"]
    assert [word for word in counted_here if not word.startswith("=")] == tokens("이웃을 도와 주었다. GPU의 running")
    assert with_morphemes("the leases") == ["leas", "=leas"]
    assert counted("morphemes") is with_morphemes and counted("syllables") is tokens
