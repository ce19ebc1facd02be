"""The library: every prompt in it is whole, in its own language, and passes our own check-up."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from backend.errors import NotFound
from backend.prompts import library
from backend.prompts.presets import preset_of
from backend.prompts.templates import render, variables

ALL = [(task, language) for task in library.tasks() for language in library.LANGUAGES]


@pytest.mark.parametrize(("task", "language"), ALL)
def test_every_form_can_be_used_as_it_stands(task: str, language: str) -> None:
    counts = []
    for shots in ("zero", "one", "few"):
        found = library.get(task, language, shots)
        names = set(variables(found.instructions.template))
        assert set(found.sample) == names and render(found.instructions.template, found.sample)
        assert preset_of(found.decoding) == found.preset
        assert all(set(shot.variables) == names and shot.output.strip() for shot in found.examples.shots)
        counts.append(len(found.examples.shots))
    assert counts[:2] == [0, 1] and counts[2] >= 2


@pytest.mark.parametrize(("task", "language"), ALL)
def test_instructions_are_in_their_language(task: str, language: str) -> None:
    text = library.get(task, language).instructions
    hangul = bool(re.search("[가-힣]", text.system + text.template))
    assert hangul == (language == "ko")
    assert not text.system or text.system.rstrip()[-1] in ".}"


def test_the_sentiment_prompt_is_the_one_the_starter_model_learned() -> None:
    text = library.get("sentiment", "ko").instructions
    assert text.system == "영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오."
    assert text.template == "평: {input}\n감성:"


@pytest.mark.parametrize("language", library.LANGUAGES)
@pytest.mark.parametrize("task", ["sentiment", "classification"])
def test_labels_are_shown_equally_often(task: str, language: str) -> None:
    counts = Counter(shot.output for shot in library.get(task, language, "few").examples.shots)
    assert len(set(counts.values())) == 1 and len(counts) >= 2


@pytest.mark.parametrize("language", library.LANGUAGES)
def test_extraction_shows_the_json_it_asks_for(language: str) -> None:
    found = library.get("extraction", language, "few")
    asked = json.loads(found.instructions.system[found.instructions.system.index("{") :])
    for shot in found.examples.shots:
        assert list(json.loads(shot.output)) == list(asked)
        for value in filter(None, json.loads(shot.output).values()):
            assert value in shot.variables["input"]


@pytest.mark.parametrize(
    ("task", "language", "shots"), [("x", "ko", "zero"), ("chat", "fr", "zero"), ("chat", "ko", "9")]
)
def test_what_is_not_there_is_said(task: str, language: str, shots: str) -> None:
    with pytest.raises(NotFound):
        library.get(task, language, shots)
