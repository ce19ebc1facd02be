"""The exact text a model sees, by its tokenizer's template or the plain one."""

from __future__ import annotations

from typing import Any

import pytest

from backend.errors import ModelProblem
from backend.messages import Message
from backend.models.chat_templates import PLAIN_TEMPLATE, render, template_of
from tests.tiny import TEMPLATE, tiny_tokenizer

SYSTEM, USER = Message(role="system", content="짧게 답합니다."), Message(role="user", content="안녕")
ANSWER, MORE = Message(role="assistant", content="네."), Message(role="user", content="또")

REFUSES = """{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}\
[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"""
DROPS = "{% for m in messages if m.role != 'system' %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def test_the_template_comes_from_the_tokenizer(tokenizer: Any) -> None:
    assert template_of(tokenizer) == TEMPLATE
    assert template_of(tiny_tokenizer(chat_template=False)) == PLAIN_TEMPLATE


def test_a_conversation(tokenizer: Any) -> None:
    shown = render(tokenizer, [SYSTEM, USER, ANSWER, MORE], TEMPLATE)
    assert shown == (
        "<|system|>\n짧게 답합니다.<|end|><|user|>\n안녕<|end|>"
        "<|assistant|>\n네.<|end|><|user|>\n또<|end|><|assistant|>\n"
    )


def test_the_plain_template(tokenizer: Any) -> None:
    shown = render(tokenizer, [SYSTEM, USER, ANSWER, MORE], PLAIN_TEMPLATE)
    assert shown == "짧게 답합니다.\n\nUser: 안녕\n\nAssistant:\n네.<|end|>\n\nUser: 또\n\nAssistant:\n"


@pytest.mark.parametrize("template", [TEMPLATE, PLAIN_TEMPLATE])
def test_generation_marks_tell_the_assistants_words(tokenizer: Any, template: str) -> None:
    told = tokenizer.apply_chat_template(
        [USER.model_dump(), ANSWER.model_dump()],
        chat_template=template,
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    own = [token for token, mark in zip(told["input_ids"], told["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(own) == "네.<|end|>"


def test_a_beginning_stands_at_the_end(tokenizer: Any) -> None:
    assert render(tokenizer, [USER], TEMPLATE, "점심은").endswith("<|assistant|>\n점심은")


@pytest.mark.parametrize("template", [REFUSES, DROPS])
def test_a_model_without_a_system_role_gets_it_with_the_first_message(tokenizer: Any, template: str) -> None:
    shown = render(tokenizer, [SYSTEM, USER, ANSWER, MORE], template)
    assert shown == "[user]짧게 답합니다.\n\n안녕[assistant]네.[user]또[assistant]"


def test_a_system_text_without_a_question(tokenizer: Any) -> None:
    assert render(tokenizer, [SYSTEM], REFUSES) == "[user]짧게 답합니다.[assistant]"


@pytest.mark.parametrize("template", ["{% for %}", "{{ raise_exception('never') }}", "{{ messages.nothing.here }}"])
def test_a_template_that_cannot_be_run(tokenizer: Any, template: str) -> None:
    with pytest.raises(ModelProblem) as told:
        render(tokenizer, [SYSTEM, USER], template)
    assert told.value.key == "error.chat_template" and told.value.details["why"]


def test_a_template_is_run_in_a_sandbox(tokenizer: Any) -> None:
    with pytest.raises(ModelProblem):
        render(tokenizer, [USER], "{{ ''.__class__.__mro__[1].__subclasses__() }}")
