"""How a judge is asked, and how its words are read: one fixed last line, or the judgement is unreadable.

After the pairwise and single-answer judges of MT-Bench (Zheng et al. 2023), in Korean and English. What is judged is
fenced off, so that an answer that talks to the judge is still only an answer.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any, Final, Literal

from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.examples.task import Task
from backend.settings import ASSETS

Mode = Literal["pairwise", "rubric"]
Language = Literal["ko", "en"]
Opinion = Literal["first", "second", "tie"]

VERSION: Final = "1"
"""Raised whenever a judge would be asked or read differently: older judgements then count no more."""
MOST_TOKENS: Final = 400

CHOICE: Final = r"(?:답변\s*|answer\s*)?(a|b|tie|비김|무승부|동점)(?:입니다)?"
OPENS: Final = r"\s*\**\s*[:：][^\w\n]*"
SHUTS: Final = r"[^\w\n]*$"
"""A verdict ends its line: "판정: A와 B가 비슷합니다" is none."""
LINES: Final = re.IGNORECASE | re.MULTILINE
VERDICT: Final = re.compile(r"(?:판정|결론|verdict|winner)" + OPENS + CHOICE + SHUTS, LINES)
ALONE: Final = re.compile(r"\W*" + CHOICE + r"\W*", re.IGNORECASE)
POINTS: Final = r"([1-5])\s*(?:점|/\s*5|points?)?(?:입니다)?"
SCORE: Final = re.compile(r"(?:점수|평점|score|rating|grade)" + OPENS + POINTS + SHUTS, LINES)
SCORE_ALONE: Final = re.compile(r"\W*" + POINTS + r"\W*", re.IGNORECASE)
OPINIONS: Final[dict[str, Opinion]] = {"a": "first", "b": "second"}


def rule_of(task: Task, mode: Mode) -> str:
    """Names what a judgement follows from besides judge and answers; another one when the task asks otherwise."""
    criteria = hashlib.sha256(f"{task.kind}\0{task.good}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{mode}:{VERSION}:{criteria}"


def judge_of(model: ModelRef, mode: Mode, language: Language, chat_template: str | None = None) -> Assistant:
    """The assistant that judges: any model, asked in one fixed way, without chance."""
    told = _prompts()[mode][language]
    return Assistant(
        model=model,
        instructions=Instructions(system=told["system"], template=told["template"]),
        decoding=Decoding(max_new_tokens=MOST_TOKENS),
        chat_template=chat_template,
    )


def reference(text: str, language: Language) -> str:
    """The expected output as it stands in the question; nothing where none is known."""
    told: str = _prompts()["expected"][language]
    return told.replace("{text}", text) if text else ""


@cache
def _prompts() -> dict[str, Any]:
    """assets/judging.json: mode -> language -> {"system", "template"}, and "expected" -> language."""
    told: dict[str, Any] = json.loads((ASSETS / "judging.json").read_text(encoding="utf-8"))
    return told


def read_opinion(text: str) -> Opinion | None:
    """What the judge of two answers says; None for anything but one clear last verdict, never a tie by default."""
    told = [found.lower() for found in VERDICT.findall(text)]
    if not told:
        alone = ALONE.fullmatch(text.strip())
        told = [alone[1].lower()] if alone else []
    return OPINIONS.get(told[-1], "tie") if told else None


def read_points(text: str) -> int | None:
    """1..5, or None when no clear score was given."""
    told = SCORE.findall(text)
    if told:
        return int(told[-1])
    alone = SCORE_ALONE.fullmatch(text.strip())
    return int(alone[1]) if alone else None
