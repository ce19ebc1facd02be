"""What an answer is taken to say: one rule per kind of task, told beside the answer by its words key.

    classification, sentiment       backend.evaluation.labels: one of the task's labels, or unreadable
    entities                        backend.examples.entity_text: lines "label: text", looked up in the input
    question_answering              the text without "답:" or "Answer:" before it; where the expected answer is a
                                    number, the number that the answer gives as its result (see `_number_in`)
    summarising, translation,
    free_writing                    the text as it is

An answer that is missing (the model failed) or empty is unreadable for every kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from backend.evaluation.labels import reader
from backend.evaluation.values import Parsed
from backend.examples.entity_text import read_spans
from backend.examples.example import NewExample
from backend.examples.task import Task

Spans = tuple[tuple[int, int, str], ...]

NUMBER: Final = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?|[-−]?\.\d+")
GSM8K: Final = re.compile(r"####\s*([^\n]+)")
"""How the data set GSM8K (Cobbe et al. 2021) marks the result of a worked solution."""
LEAD_IN: Final = re.compile(
    r"^\s*(?:\*\*)?(?:정답|답변|답|대답|answer|final answer|a)(?:\*\*)?\s*[:：]\s*(?:\*\*)?", re.IGNORECASE
)
CONCLUSION: Final = re.compile(
    r"(?:answer(?:\s+is)?|정답은?|답은?|결과는?|따라서|그러므로)\s*[:：=]?\s*[^\d\n]{0,12}?([-−]?\d[\d,]*(?:\.\d+)?)",
    re.IGNORECASE,
)
EQUALS: Final = re.compile(r"=\s?[$₩€£]?\s?$")
UNIT: Final = r"(?:[가-힣]{1,3}|[a-zA-Z]{1,3}|%|％|°C|°)?"
ONLY_NUMBER: Final = re.compile(rf"\s*[$₩€£]?\s*({NUMBER.pattern})\s*{UNIT}\s*\.?\s*")


def parse(task: Task, example: NewExample, answer: str | None) -> Parsed:
    """Read an answer by the rule of its kind. The expected output is looked at only for whether it is a number."""
    if answer is None:
        return Parsed(None, "metrics.rule.failed")
    if not answer.strip():
        return Parsed(None, "metrics.rule.empty")
    if task.labelled and task.labels:
        return Parsed(*reader(task.labels).read(answer))
    if task.kind == "entities":
        return _entities(task, example, answer)
    if task.kind == "question_answering":
        return _answer(example, answer)
    return Parsed(answer.strip(), "metrics.rule.text")


def expected_label(task: Task, example: NewExample) -> str:
    """The expected output as the task spells it; one that the task does not know stays as it is."""
    return reader(task.labels).label(example.output) or example.output.strip()


def input_text(task: Task, variables: Mapping[str, str]) -> str:
    """The variable in which entities are looked for: the first of the task's inputs that the example has."""
    named = next((name for name in task.inputs if name in variables), None)
    return variables[named] if named is not None else next(iter(variables.values()), "")


def spans_of(task: Task, example: NewExample, answer: str) -> Spans | None:
    """Entities as (start, end, label); those that the input does not have have start -1 and are wrong each."""
    read = read_spans(input_text(task, example.variables), answer, task.labels)
    if read is None:
        return None
    found = [(span.start, span.end, span.label) for span in read.spans]
    unfound = [(-1, -number, label) for number, (label, _) in enumerate(read.unfound, 1)]
    return tuple(found + unfound)


def _entities(task: Task, example: NewExample, answer: str) -> Parsed:
    spans = spans_of(task, example, answer)
    return Parsed(spans, "metrics.rule.entities" if spans is not None else "metrics.rule.no_entities")


def _answer(example: NewExample, answer: str) -> Parsed:
    if number_of(example.output) is not None:
        number = _number_in(answer)
        if number is not None:
            return Parsed(number, "metrics.rule.number")
        return Parsed(None, "metrics.rule.two_numbers" if NUMBER.search(answer) else "metrics.rule.no_number")
    text = LEAD_IN.sub("", answer, count=1).strip()
    return Parsed(text, "metrics.rule.answer") if text else Parsed(None, "metrics.rule.empty")


def number_of(expected: str) -> str | None:
    """The number that an expected answer is ("72", "$1,200", "1,945년" GSM8K's "... #### 72"), None if it is none."""
    marked = GSM8K.search(expected)
    return _only_number(" ".join((marked[1] if marked else expected).split()))


def _only_number(line: str) -> str | None:
    only = ONLY_NUMBER.fullmatch(line)
    return plain_number(only[1]) if only else None


def _number_in(answer: str) -> str | None:
    """The number that an answer gives as its result, None where it gives several and calls none of them that.

    In this order: after "####"; after words such as "the answer is"; the last one where it stands after "="; the only
    one; a first line that is nothing but a number; the only one of the last line.
    """
    # White space of any length makes the patterns quadratic; without it each start costs the same.
    lines = [" ".join(line.split()) for line in answer.splitlines() if line.strip()]
    text = "\n".join(lines)
    marked = GSM8K.search(text)
    told = (NUMBER.findall(marked[1]) if marked else [])[:1] or CONCLUSION.findall(text)[-1:]
    if told:
        return plain_number(told[0])
    every = list(NUMBER.finditer(text))
    numbers = {plain_number(one[0]) for one in every}
    if len(numbers) == 1 or (every and EQUALS.search(text[max(0, every[-1].start() - 8) : every[-1].start()])):
        return plain_number(every[-1][0])
    return _number_of_a_line(lines) if numbers else None


def _number_of_a_line(lines: Sequence[str]) -> str | None:
    """A first line that is a number, but of no list of numbers; or the only number of the last line."""
    first, last = _only_number(lines[0]), {plain_number(one) for one in NUMBER.findall(lines[-1])}
    if first is not None:
        return None if all(_only_number(line) is not None for line in lines) else first
    begins = {plain_number(one) for one in NUMBER.findall(lines[0])}
    return last.pop() if len(last) == 1 and len(lines) > 1 and len(begins) != 1 else None


def plain_number(text: str) -> str:
    """ "1,200.50" and "1200.5" are one number: no separators, no zeros that say nothing."""
    number = text.replace(",", "").replace("−", "-")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    digits = digits.lstrip("0") or "0"
    return "0" if digits == "0" else sign + ("0" + digits if digits.startswith(".") else digits)
