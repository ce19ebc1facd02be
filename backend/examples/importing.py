"""From a file to examples: read it, guess what is what, show the first, bring them all in.

source = read_source(path)
mapping = guess_mapping(source)        a person may change it
guess = guess_task(source, mapping)    and this
preview(source, mapping, guess.task)
store.add(examples_of(source, mapping, guess.task), "import")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, cast

from backend.examples.columns import answer_text
from backend.examples.entity_text import read_spans, write_spans
from backend.examples.example import NewExample, Span, Split
from backend.examples.guessing import Guess, guess_task
from backend.examples.mapping import SPLIT_VALUES, Mapping, check_mapping, guess_mapping
from backend.examples.readable import readable
from backend.examples.reading import read_source
from backend.examples.shapes import Shape, Source
from backend.examples.span_cells import read_places
from backend.examples.task import Task

__all__ = [
    "Guess", "Mapping", "Shape", "Source", "examples_of", "guess_mapping", "guess_task", "preview", "read_source",
]  # fmt: skip

TAG_SIGNS: Final = str.maketrans("", "", "[]\"'")


def preview(source: Source, mapping: Mapping, task: Task, n: int = 5) -> list[NewExample]:
    """The first examples as they would be kept. Raises BadInput as `check_mapping` does."""
    return list(islice(examples_of(source, mapping, task), n))


def examples_of(source: Source, mapping: Mapping, task: Task) -> Iterator[NewExample]:
    """An example per row, lazily; rows whose input is empty are left out. Raises BadInput as `check_mapping` does.

    A label is spelled as the task spells it. Of entities the answer is written from the marked places; where only an
    answer in that form is given, the places are looked up.
    """
    check_mapping(source, mapping)
    return _examples(source, mapping, task)


def _examples(source: Source, mapping: Mapping, task: Task) -> Iterator[NewExample]:
    at = {column: number for number, column in enumerate(source.table.columns)}
    inputs = [(name, at[column]) for name, column in mapping.inputs.items()]
    answer = _answers(mapping, task, at)
    more = _more(mapping, at)
    origin = f"import:{source.name}"
    marked = mapping.spans is not None
    for row in source.table.cells:
        variables = {name: readable(row[index], marked) for name, index in inputs}
        if not any(text.strip() for text in variables.values()):
            continue
        output, spans = answer(variables, row)
        extra = more(row) if more else {}
        yield NewExample.model_construct(
            variables=variables,
            output=output,
            spans=spans,
            **{"rejected": None, "tags": (), "groups": {}, "split": None, "origin": origin, **extra},
        )


Row = Sequence[str]
Answers = Callable[[dict[str, str], Row], tuple[str, tuple[Span, ...] | None]]


def _answers(mapping: Mapping, task: Task, at: dict[str, int]) -> Answers:
    """How the output of a row comes about."""
    if mapping.spans is not None:
        variable, marked = next(iter(mapping.inputs)), at[mapping.spans]
        return lambda variables, row: _marked(variables, variable, row[marked])
    column = at[mapping.output or ""]
    spelled = {label.casefold(): label for label in task.labels} if task.labelled else {}
    if task.kind == "entities":
        return lambda variables, row: _looked_up(variables, row[column], task)

    def told(variables: dict[str, str], row: Row) -> tuple[str, None]:
        output = readable(answer_text(row[column]))
        return spelled.get(output.strip().casefold(), output.strip()) if spelled else output, None

    return told


def _marked(variables: dict[str, str], variable: str, cell: str) -> tuple[str, tuple[Span, ...]]:
    """Places that do not lie within the text are left out."""
    length = len(variables[variable])
    spans = tuple(
        Span(start=start, end=end, label=label, variable=variable)
        for start, end, label in read_places(cell) or []
        if start < end <= length and label.strip()
    )
    return write_spans(variables, spans), spans


def _looked_up(variables: dict[str, str], output: str, task: Task) -> tuple[str, tuple[Span, ...] | None]:
    variable, text = next(iter(variables.items()))
    found = read_spans(text, output, task.labels, variable)
    return output, None if found is None else found.spans


def _more(mapping: Mapping, at: dict[str, int]) -> Callable[[Row], dict[str, Any]] | None:
    """What a row says beside input and output."""
    if not (mapping.rejected or mapping.split or mapping.tags or mapping.groups):
        return None
    rejected, split, tags = (at[name] if name else None for name in (mapping.rejected, mapping.split, mapping.tags))
    groups = [(name, at[name]) for name in mapping.groups]

    def more(row: Row) -> dict[str, Any]:
        return {
            "rejected": None if rejected is None else readable(answer_text(row[rejected])),
            "split": None if split is None else _split(row[split]),
            "tags": () if tags is None else _tags(row[tags]),
            "groups": {name: row[index] for name, index in groups if row[index].strip()},
        }

    return more


def _split(cell: str) -> Split | None:
    return cast(Split | None, SPLIT_VALUES.get(cell.strip().lower()))


def _tags(cell: str) -> tuple[str, ...]:
    plain = cell.translate(TAG_SIGNS).replace(";", ",").replace("|", ",")
    return tuple(tag for part in plain.split(",") if (tag := part.strip()[:60]))
