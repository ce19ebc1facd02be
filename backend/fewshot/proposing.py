"""Instructions that a model proposes, and the look at each before anything is spent on trying it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from backend.answering import Answer, Answers, Question
from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.errors import StudioError
from backend.examples.example import NewExample
from backend.examples.task import Task, TaskKind
from backend.fewshot.tried import Saying
from backend.fewshot.wordings import Language, listed
from backend.jobs.folder import append_line, read_lines
from backend.jobs.progress import Progress
from backend.prompts.for_task import LISTED
from backend.prompts.templates import variables
from backend.prompts.unwrapping import tidied
from backend.rounds import answer_all
from backend.settings import ASSETS

FILE: Final = ASSETS / "prompts_search" / "proposing.json"
DECODING: Final = Decoding(temperature=0.8, top_p=0.95, max_new_tokens=400)
SHOWN: Final = 4
SHOWN_CHARACTERS: Final = 400
LONGEST: Final = 4_000
FEWEST_LETTERS: Final = 6
PACKS_TO: Final = 0.25
"""A text that a packer brings below this share of its length says one thing over and over."""


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    template: str
    labels: str
    good: str
    shot: str
    kinds: dict[TaskKind, str]
    tips: tuple[str, ...]


def propose(
    answers: Answers,
    proposer: ModelRef,
    prompts: Sequence[str],
    kept: Path,
    progress: Progress,
    language: Language,
) -> list[str]:
    """What the model wrote to each prompt, in their order; a prompt that failed has none.

    Each answer is kept as it comes in the file `kept`, so that a resume asks for the others only.
    Raises Stopped, and what the model or the connection says when not one went well.
    """
    had = {line["number"]: str(line["text"]) for line in read_lines(kept) if isinstance(line.get("number"), int)}
    left = [number for number in range(len(prompts)) if number not in had]
    asking = Assistant(model=proposer, instructions=Instructions(system=_words(language).system), decoding=DECODING)

    def keep(number: int, answer: Answer) -> None:
        had[number] = answer.text
        append_line(kept, {"number": number, "text": answer.text})

    def fail(number: int, fault: StudioError) -> None:
        append_line(kept, {"number": number, "text": "", "error": fault.key})

    if left:
        answer_all(answers, asking, left, lambda at: Question({"input": prompts[at]}), keep, fail, progress.stop_event)
        progress.check_stop()
    return [had[number] for number in sorted(had) if number < len(prompts) and had[number].strip()]


def prompts_for(
    task: Task, base: Assistant, examples: Sequence[NewExample], language: Language, count: int, seed: int
) -> list[str]:
    """What the proposer is asked, each time with another tip and other examples of the work."""
    words = _words(language)
    current = "\n".join(part for part in (base.instructions.system, base.instructions.template) if part)
    facts = [words.labels.replace("{labels}", listed(task.labels[:LISTED]))] if task.labels else []
    facts += [words.good.replace("{good}", task.good.strip())] if task.good.strip() else []
    told = []
    for number in range(count):
        drawn = Random(f"shown {seed} {number}").sample(list(examples), min(SHOWN, len(examples)))
        fill = {
            "kind": words.kinds[task.kind],
            "facts": "\n".join(facts),
            "shots": "\n\n".join(_shot(words.shot, one) for one in drawn),
            "current": current,
            "tip": words.tips[number % len(words.tips)],
            "places": ", ".join(f"{{{name}}}" for name in variables(base.instructions.template)),
        }
        told.append(_filled(words.template, fill))
    return told


def look_at(
    proposals: Sequence[str], task: Task, base: Assistant, known: Sequence[Instructions]
) -> tuple[list[Instructions], list[Saying]]:
    """The proposals that can be tried, and for each other one why not."""
    good: list[Instructions] = []
    skipped: list[Saying] = []
    needed = variables(base.instructions.template)
    for proposal in proposals:
        text = tidied(proposal)
        why = _fault(text, needed, task.inputs)
        wording = Instructions(template=text)
        if why is None and _same(wording, [*known, *good]):
            why = Saying(key="search.skipped.same")
        if why is None:
            good.append(wording)
        else:
            shown = " ".join(text.split())[:120]
            skipped.append(why.model_copy(update={"details": {**why.details, "text": shown}}))
    return good, skipped


def _fault(text: str, needed: Sequence[str], inputs: Sequence[str]) -> Saying | None:
    words = re.sub(r"\{[^{}]*\}", "", text)
    raw = words.encode("utf-8", "replace")
    packed = len(zlib.compress(raw)) / max(1, len(raw))
    if sum(sign.isalpha() for sign in words) < FEWEST_LETTERS or len(text) > LONGEST or "\ufffd" in text:
        return Saying(key="search.skipped.nonsense")
    if len(raw) > 200 and packed < PACKS_TO:
        return Saying(key="search.skipped.nonsense")
    asked = variables(text)
    missing = [name for name in needed if name not in asked]
    if missing:
        return Saying(key="search.skipped.lost_variable", details={"missing": _braced(missing)})
    unknown = [name for name in asked if name not in inputs]
    if unknown:
        return Saying(key="search.skipped.unknown_variable", details={"unknown": _braced(unknown)})
    return None


def _same(wording: Instructions, others: Sequence[Instructions]) -> bool:
    told = " ".join(wording.template.split())
    return any(told == " ".join(f"{other.system} {other.template}".split()) for other in others)


def _shot(words: str, example: NewExample) -> str:
    given = example.text()
    return _filled(words, {"input": given[:SHOWN_CHARACTERS], "output": example.output[:SHOWN_CHARACTERS]})


def _filled(text: str, values: dict[str, str]) -> str:
    """Each place filled once: a value that holds braces stays as it is."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _braced(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


@cache
def _words(language: Language) -> _Words:
    return TypeAdapter(dict[Language, _Words]).validate_json(FILE.read_bytes())[language]
