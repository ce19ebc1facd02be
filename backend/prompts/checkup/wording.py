"""The sentences that fixes put into prompts: prompt text in the prompt's language, not words of the page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_KO: Final = {
    "instruction": "아래 글을 읽고 핵심을 세 문장 이내로 쓰십시오.",
    "labels": "입력을 읽고 {labels} 가운데 하나로만 답하십시오.",
    "answer_short": "요청한 내용에 세 문장 이내로 답하십시오.",
    "format.classify": "답은 고른 분류 이름 하나만 쓰고, 설명은 붙이지 마십시오.",
    "format.extract": "찾은 것을 한 줄에 하나씩 '항목: 내용' 형식으로 쓰십시오.",
    "format.summarise": "요약은 세 문장 이내로 쓰십시오.",
    "format.question": "'예' 또는 '아니요' 한 단어로만 답하십시오.",
    "unknown.extract": "글에 없는 항목은 '없음'이라고 쓰십시오.",
    "unknown.answer": "글에 답이 없으면 '글에 없음'이라고만 쓰십시오.",
    "headings": "결과는 아래 번호와 제목을 붙여 따로 쓰십시오.",
    "language": "답은 한국어로 쓰십시오.",
    "data": "글",
    "context": "글:\n{context}\n\n",
    "name.summarise": "요약",
    "name.translate": "번역",
    "name.classify": "분류",
    "name.extract": "추출",
    "name.rewrite": "고친 글",
    "name.write": "새 글",
    "exact.summarise": "핵심만 두 문장으로",
    "exact.translate": "뜻을 더하거나 빼지 말고",
    "exact.rewrite": "뜻은 그대로 두고",
    "exact.other": "세 문장 이내로",
    "exact.classify": "가장 가까운 한 가지로",
    "exact.extract": "글에 적힌 그대로",
}
_EN: Final = {
    "instruction": "Read the text below and write its main point in at most three sentences.",
    "labels": "Read the input and answer with one of {labels} only.",
    "answer_short": "Answer what was asked in at most three sentences.",
    "format.classify": "Write the name of the category only, without an explanation.",
    "format.extract": "Write what you find as a list, one per line, in the form 'item: value'.",
    "format.summarise": "Write at most three sentences.",
    "format.question": "Answer with one word only: 'yes' or 'no'.",
    "unknown.extract": "If the text does not mention an item, write 'none' for it.",
    "unknown.answer": "If the answer is not in the text, write 'not in the text' and nothing else.",
    "headings": "Write the results one by one under these numbered headings.",
    "language": "Write the answer in English.",
    "data": "Text",
    "context": "Text:\n{context}\n\n",
    "name.summarise": "Summary",
    "name.translate": "Translation",
    "name.classify": "Category",
    "name.extract": "Extracted",
    "name.rewrite": "Rewritten",
    "name.write": "New text",
    "exact.summarise": "in two sentences",
    "exact.translate": "without adding or leaving out anything",
    "exact.rewrite": "without changing its meaning",
    "exact.other": "in at most three sentences",
    "exact.classify": "into one category",
    "exact.extract": "exactly as written",
}
_WORDINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"ko": _KO, "en": _EN})


def wording(language: str, key: str) -> str:
    return _WORDINGS[language][key]
