"""What is wrong with the data as a whole, before a run: told with how many and which, worst first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from backend.assistants import PER_INPUT
from backend.evaluation.labels import reader
from backend.examples.example import Example, NewExample, Split
from backend.examples.leakage import near
from backend.examples.near_duplicates import plain
from backend.examples.task import Task
from backend.projects.folder import Project
from backend.training.config import TrainingConfig
from backend.training.rows.found import IDS
from backend.training.rows.making import drawn, tagged
from backend.training.values import Problem, Row, Rows

FEW: Final = 10
FEW_PER_LABEL: Final = 5
"""Fewer say little about a label: prompt-based fine-tuning begins at about ten per class (Gao et al. 2021)."""
TOLD_LABELS: Final = 10
NEAR: Final = 100
"""Neighbours that are told of one example."""
LEAST_LETTERS: Final = 20
"""Of an input that is looked for in documents: shorter ones stand in many a text by chance."""
MOST_LETTERS: Final = 10_000_000
"""Of documents that are looked through, a second or two."""
WORST_FIRST: Final = ("stop", "warn", "note")

Severity = Literal["stop", "warn", "note"]


def check_data(project: Project, config: TrainingConfig, rows: Rows, leakage: bool = True) -> tuple[Problem, ...]:
    """Everything that was found, by `make_rows` and here.

    leakage  also compare with the test split, to look at only, and with dev: 9,000 examples with 1,000 take about a
             second
    """
    if config.objective == "documents":
        found = [*rows.problems, *_documents(rows)]
        if leakage:
            found += _in_documents(project, rows)
    else:
        task = project.examples.task()
        found = [*rows.problems, *_whole(config, rows, task), *_alike(rows), *_labels(config, rows, task)]
        if leakage and rows.train:
            found += _leakage(project, config)
    return tuple(sorted(found, key=lambda problem: WORST_FIRST.index(problem.severity)))


def stops(problems: Iterable[Problem]) -> bool:
    """Whether one of them forbids a start."""
    return any(problem.severity == "stop" for problem in problems)


def _documents(rows: Rows) -> Iterator[Problem]:
    if not rows.train:
        yield Problem("no_documents", "stop", 0)
    elif not rows.dev:
        yield Problem("short_documents", "warn", len(rows.train))


def _in_documents(project: Project, rows: Rows) -> Iterator[Problem]:
    """Test inputs that stand in what is trained, letter for letter but for blanks. A piece kept for dev is not looked
    through: nothing is learnt from it."""
    wanted: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for example in project.examples.each("test", "look"):
        text = _one_line(max(example.variables.values(), key=len, default=""))
        if len(text) >= LEAST_LETTERS:
            wanted[text[:LEAST_LETTERS]].append((text, example.id))
    if not wanted:
        return
    text = _one_line("".join(row.completion for row in rows.train)[:MOST_LETTERS])
    found: set[int] = set()
    for at in range(len(text) - LEAST_LETTERS + 1):
        start = text[at : at + LEAST_LETTERS]
        if start in wanted:
            found.update(number for one, number in wanted[start] if text.startswith(one, at))
    if found:
        yield Problem("test_in_documents", "warn", len(found), tuple(sorted(found)[:IDS]))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _whole(config: TrainingConfig, rows: Rows, task: Task | None) -> Iterator[Problem]:
    """Too little of something."""
    examples = {row.example_id for row in rows.train}
    if config.objective == "head" and not (task and task.labels):
        yield Problem("head_without_labels", "stop", 0)
    elif not examples and not any(problem.name == "no_splits" for problem in rows.problems):
        left_out = sum(int(str(problem.details.get("train", 0))) for problem in rows.problems)
        yield Problem("nothing_left" if left_out else "no_examples", "stop", left_out)
    elif len(examples) == 1:
        yield _about("one_example", "stop", rows.train)
    elif 1 < len(examples) < FEW:
        yield Problem("too_few", "warn", len(examples), details={"least": FEW})
    if examples and not rows.dev:
        yield Problem("no_dev", "warn", 0)
    if config.objective == "prompt_based" and not config.assistant.examples.shots:
        yield Problem("no_shots", "warn", 0)


def _alike(rows: Rows) -> Iterator[Problem]:
    """Questions that are the same but for case, blanks and sentence marks, and what is answered to them."""
    if len({row.example_id for row in rows.train}) < 2:
        return
    same: dict[str, list[Row]] = defaultdict(list)
    for row in rows.train:
        same[plain(row.prompt)].append(row)
    answers = {row.completion.strip() for row in rows.train}
    if len(same) == 1:
        yield Problem("all_identical" if len(answers) == 1 else "same_prompt", "stop", len(rows.train))
        return
    if len(answers) == 1:
        head = bool(rows.labels)
        yield Problem("one_answer", "stop" if head else "warn", len(rows.train), details={"answer": answers.pop()[:80]})
    groups = [group for group in same.values() if len({row.example_id for row in group}) > 1]
    apart = [group for group in groups if len({plain(row.completion) for row in group}) > 1]
    alike = [group for group in groups if len({plain(row.completion) for row in group}) == 1]
    if apart:
        yield _about("contradictions", "warn", [row for group in apart for row in group])
    if alike:
        yield _about("duplicates", "note", [row for group in alike for row in group[1:]])


def _labels(config: TrainingConfig, rows: Rows, task: Task | None) -> Iterator[Problem]:
    if task is None or not task.labels or not (task.labelled or config.objective == "head") or not rows.train:
        return
    read = reader(task.labels)
    counts: Counter[str] = Counter()
    odd = []
    for row in rows.train:
        label = read.label(row.completion)
        if label is None:
            odd.append(row)
        else:
            counts[label] += 1
    never = [label for label in task.labels if not counts[label]]
    few = [label for label in task.labels if 0 < counts[label] < FEW_PER_LABEL]
    if odd:
        yield _about("odd_label", "warn", odd)
    if never:
        yield Problem("label_never_in_training", "warn", len(never), details={"labels": _listed(never)})
    if few:
        details = {"labels": _listed(few), "least": FEW_PER_LABEL}
        ids = [row for row in rows.train if read.label(row.completion) in few]
        yield _about("few_per_label", "warn", ids, count=len(few), **details)


def _leakage(project: Project, config: TrainingConfig) -> Iterator[Problem]:
    test = list(project.examples.each("test", "look"))
    dev = list(tagged(project.examples.each("dev", "tune"), config))
    examples = drawn(project, config)
    pairs = [(examples[one], test[other]) for one, other in near_pairs(examples, test)]
    yield from _leak("leakage", pairs, tuple(dict.fromkeys(one.id for one, _ in pairs)))
    pairs = [(examples[one], dev[other]) for one, other in near_pairs(examples, dev)]
    yield from _leak("dev_leakage", pairs, tuple(dict.fromkeys(one.id for one, _ in pairs)), "dev")
    selection = config.assistant.examples.selection
    if config.objective == "prompt_based" and not (selection and selection.method in PER_INPUT):
        shots = [NewExample(variables=shot.variables, output=shot.output) for shot in config.assistant.examples.shots]
        yield from _leak("shots_leak", [(shots[one], test[other]) for one, other in near_pairs(shots, test)], ())


def near_pairs(learnt: Sequence[NewExample], test: Sequence[NewExample]) -> list[tuple[int, int]]:
    """(place in learnt, place in test) of inputs that are the same or nearly, in the order of what was learnt.

    The fewer are looked for among the more: asking takes five times what entering into the index does.
    """
    left, right = [one.text() for one in learnt], [one.text() for one in test]
    if not left or not right:
        return []
    if len(right) <= len(left):
        return sorted((match.text, match.query) for match in near(left, right, NEAR))
    return sorted((match.query, match.text) for match in near(right, left, NEAR))


def _leak(
    name: str, pairs: Sequence[tuple[NewExample, Example]], ids: tuple[int, ...], into: Split = "test"
) -> Iterator[Problem]:
    if not pairs:
        return
    exact = {other.id for one, other in pairs if one.input_key == other.input_key}
    found = {other.id for _, other in pairs}
    yield Problem(name, "warn", len(ids) or len(found), ids[:IDS], {into: len(found), "exact": len(exact)})


def _about(name: str, severity: Severity, rows: Sequence[Row], count: int | None = None, **details: object) -> Problem:
    ids = tuple(dict.fromkeys(row.example_id for row in rows if row.example_id is not None))
    return Problem(name, severity, len(ids) if count is None else count, ids[:IDS], details)


def _listed(labels: Sequence[str]) -> str:
    told = ", ".join(labels[:TOLD_LABELS])
    return told if len(labels) <= TOLD_LABELS else f"{told} …"
