"""What kind of task a file of examples is, guessed with reasons: every guess is shown and can be changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backend.examples.columns import Column, answer_text, is_number, measured
from backend.examples.mapping import Mapping, check_mapping
from backend.examples.notes import Note
from backend.examples.shapes import Source
from backend.examples.span_cells import read_places
from backend.examples.task import MAX_LABELS, METRICS, Task, TaskKind

FEW: Final = 30
"""So few different short answers are labels in any case."""
LABEL_LENGTH: Final = 60
SAMPLE: Final = 3_000
ALWAYS: Final = 100
"""At so many examples one lone answer is taken for one label."""

FEELINGS: Final = frozenset({
    "positive", "negative", "neutral", "pos", "neg", "mixed", "긍정", "부정", "중립", "긍정적", "부정적", "좋음",
    "싫음", "만족", "불만족", "기쁨", "슬픔", "분노", "불안", "당황", "상처", "joy", "sadness", "anger", "fear",
    "love", "surprise", "disgust", "happy", "sad", "angry",
})  # fmt: skip
FEELING_NAMES: Final = re.compile(r"sentiment|polarity|emotion|감정|감성|긍부정")
PRAISE: Final = re.compile(
    r"최고|재미있|재밌|재미나|감동|좋았|좋아|훌륭|명작|great|excellent|love|wonderful|best|amazing", re.I
)
BLAME: Final = re.compile(
    r"최악|지루|실망|쓰레기|재미없|별로|아깝|못만든|bad|worst|boring|terrible|awful|waste|hate", re.I
)
SUMMARIES: Final = re.compile(r"summar|highlight|headline|abstract|tl;?dr|요약|제목")
TRANSLATIONS: Final = re.compile(r"translat|target_text|번역")
ANSWERS: Final = re.compile(r"(^|[_.])answers?$|^답$|정답|답변|^a$")


@dataclass(frozen=True)
class Guess:
    """A task as far as the data tells it. `reasons` name the facts it was guessed from, what is odd about them too."""

    task: Task
    reasons: tuple[Note, ...]


def guess_task(source: Source, mapping: Mapping) -> Guess:
    """Look at all outputs and a sample of the inputs. Raises BadInput as `check_mapping` does."""
    check_mapping(source, mapping)
    if mapping.spans is not None:
        return _entities(source, mapping)
    kind, labels, reasons = _kind(source, mapping)
    return Guess(Task(kind=kind, labels=labels, metric=METRICS[kind][0], inputs=tuple(mapping.inputs)), tuple(reasons))


def _entities(source: Source, mapping: Mapping) -> Guess:
    cells = source.table.column(mapping.spans or "")
    labels = Counter(label for cell in cells for _, _, label in read_places(cell) or [])
    reasons = [Note("importing.task.entities", {"column": mapping.spans or "", "count": len(labels)})]
    if not labels:
        reasons.append(Note("importing.task.no_entities"))
    names = tuple(label for label, _ in labels.most_common(MAX_LABELS))
    task = Task(kind="entities", labels=names, metric=METRICS["entities"][0], inputs=tuple(mapping.inputs))
    return Guess(task, tuple(reasons))


def _kind(source: Source, mapping: Mapping) -> tuple[TaskKind, tuple[str, ...], list[Note]]:
    outputs = [answer_text(cell).strip() for cell in source.table.column(mapping.output or "")]
    counts = Counter(output for output in outputs if output)
    told = measured(mapping.output or "", outputs[:: max(1, len(outputs) // SAMPLE)])
    if mapping.rejected is not None:
        return "free_writing", (), [Note("importing.task.preference")]
    reasons = _label_reasons(counts)
    if reasons and not _decimals(counts):
        return _labelled(source, mapping, counts, reasons)
    if reasons or _decimals(counts):
        reasons = [Note("importing.task.numbers", {"count": len(counts)})]
    kind, reason = _open_kind(source, mapping, told)
    return kind, (), [*reasons, reason]


def _label_reasons(counts: Counter[str]) -> list[Note]:
    """Why the outputs are labels; [] when they are not."""
    total = counts.total()
    longest = max(map(len, counts), default=0)
    details = {"count": len(counts), "total": total}
    if total < 2 or longest > LABEL_LENGTH or len(counts) > MAX_LABELS:
        return []
    if len(counts) == 1:
        return [Note("importing.task.one_label", {"label": next(iter(counts)), "total": total})]
    again = total / len(counts)
    short = sum(len(label) * count for label, count in counts.items()) / total <= 40
    few = len(counts) <= FEW and again >= 2 if total < ALWAYS else len(counts) <= FEW or again >= 5
    if few and short:
        return [Note("importing.task.labels", details)]
    return []


def _decimals(counts: Counter[str]) -> bool:
    """Whether the outputs are measured values rather than names: more than a handful of numbers with a point."""
    numbers = [label for label in counts if is_number(label)]
    return len(counts) > 10 and len(numbers) > 0.95 * len(counts) and any("." in label for label in numbers)


def _labelled(
    source: Source, mapping: Mapping, counts: Counter[str], reasons: list[Note]
) -> tuple[TaskKind, tuple[str, ...], list[Note]]:
    labels = tuple(label for label, _ in counts.most_common(MAX_LABELS))
    words = {label.casefold() for label in labels}
    column = (mapping.output or "").casefold()
    if FEELING_NAMES.search(column) or (len(words & FEELINGS) >= 2 and len(words & FEELINGS) >= 0.6 * len(words)):
        return "sentiment", labels, [*reasons, Note("importing.task.feelings", {"labels": ", ".join(labels[:6])})]
    tone = _tone(source, mapping, labels) if len(labels) <= 5 else None
    if tone is not None:
        return "sentiment", labels, [*reasons, Note("importing.task.tone", {"praise": tone[0], "blame": tone[1]})]
    return "classification", labels, reasons


def _tone(source: Source, mapping: Mapping, labels: Iterable[str]) -> tuple[str, str] | None:
    """The labels of praising and of blaming texts, when the words of the two differ clearly (three times as many)."""
    at = [source.table.columns.index(column) for column in mapping.inputs.values()]
    out = source.table.columns.index(mapping.output or "")
    praise: Counter[str] = Counter()
    blame: Counter[str] = Counter()
    step = max(1, len(source.table.cells) // SAMPLE)
    for row in source.table.cells[::step]:
        text, label = " ".join(row[index][:500] for index in at), row[out].strip()
        praise[label] += bool(PRAISE.search(text))
        blame[label] += bool(BLAME.search(text))
    tones = sorted(labels, key=lambda label: (praise[label] + 1) / (blame[label] + 1))
    if len(tones) < 2 or sum(praise.values()) + sum(blame.values()) < 10:
        return None
    low, high = tones[0], tones[-1]
    clear = (praise[high] + 1) > 2 * (blame[high] + 1) and (blame[low] + 1) > (praise[low] + 1)
    return (high, low) if clear else None


def _open_kind(source: Source, mapping: Mapping, output: Column) -> tuple[TaskKind, Note]:
    """Of answers that are no labels."""
    step = max(1, len(source.table.cells) // SAMPLE)
    inputs = [measured(name, source.table.column(name)[::step]) for name in mapping.inputs.values()]
    names = " ".join([*mapping.inputs.values()]).casefold()
    longest = max(inputs, key=lambda column: column.length)
    told = output.name.casefold()
    apart = abs(longest.hangul - output.hangul) > 0.5
    if TRANSLATIONS.search(told) or (len(inputs) == 1 and apart and output.length > 5):
        return "translation", Note("importing.task.languages", {"input": longest.name, "output": output.name})
    shorter = longest.length >= 200 and output.length <= 0.5 * longest.length
    asks = max(column.questions for column in inputs)
    named_so = bool(ANSWERS.search(told)) or bool(re.search(r"question|질문|query", names))
    if SUMMARIES.search(told) and longest.length > 1.5 * output.length:
        return "summarising", _lengths(longest, output)
    if (named_so and asks >= 0.5) or asks >= 0.8:
        share = f"{asks:.0%}"
        return "question_answering", Note("importing.task.questions", {"share": share, "output": output.name})
    if shorter and len(inputs) == 1 and output.length >= 20 and source.shape != "messages":
        return "summarising", _lengths(longest, output)
    return "free_writing", Note("importing.task.free", {"output": output.name, "length": round(output.length)})


def _lengths(input_: Column, output: Column) -> Note:
    return Note("importing.task.lengths", {"input": round(input_.length), "output": round(output.length)})
