"""Which column is what: guessed from names and contents, with the reasons, and changed by hand where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from backend.errors import BadInput
from backend.examples.columns import Column, columns_of, is_json
from backend.examples.notes import Note
from backend.examples.shapes import SPANS, Shape, Source
from backend.examples.shaping import TEXTS, beginning, named
from backend.examples.span_cells import read_places

OUTPUTS: Final = (
    "output", "response", "completion", "answer", "answers", "summary", "highlights", "translation", "target",
    "gold_label", "label", "labels", "category", "intent", "class", "sentiment", "polarity", "emotion", "score",
    "정답", "답변", "답", "응답", "출력", "요약", "번역", "번역문", "레이블", "라벨", "분류", "카테고리", "의도",
    "감정", "결과", "품사", "유형",
)  # fmt: skip
INPUTS: Final = (
    "context", "passage", "paragraph", "지문", "instruction", "premise", "hypothesis", "sentence1", "sentence2",
    "title", "input", "text", "sentence", "document", "review", "question", "query", "prompt", "utterance", "content",
    "article", "body", "message", "comment", "source", "제목", "입력", "문장", "본문", "내용", "리뷰", "질문", "원문",
    "문서", "발화", "감상", "감상평", "댓글", "문의", "문의내용", "상담내용", "지시", "지시문", "텍스트", "기사",
)  # fmt: skip
ASKING: Final = frozenset({"question", "context", "passage", "paragraph", "질문", "지문"})
"""Inputs in any case: many questions may be asked of one passage."""
HEADINGS: Final = frozenset({"title", "제목"})
"""A title says something of a text that comes with it; beside a question over a passage it only names the source."""
SPLITS: Final = ("split", "set", "fold", "subset", "구분", "분할", "데이터셋")
SPLIT_VALUES: Final = {
    "train": "train", "training": "train", "학습": "train", "훈련": "train",
    "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev", "eval": "dev", "검증": "dev", "개발": "dev",
    "test": "test", "testing": "test", "heldout": "test", "시험": "test", "평가": "test", "테스트": "test",
}  # fmt: skip
TAGGED: Final = ("tags", "tag", "태그", "keywords", "키워드")
ORDER: Final = re.compile(r"(^|_)(id|idx|index|guid|uuid|no|num|number)s?$|번호|^순번$|url|link|filename|^year$")
LANGUAGES: Final = (
    "ko", "kor", "korean", "한국어", "국문", "en", "eng", "english", "영어", "영문", "ja", "jp", "japanese", "일본어",
    "zh", "cn", "chinese", "중국어", "de", "german", "fr", "french", "es", "spanish", "ru", "vi",
)  # fmt: skip
NAME: Final = re.compile(r"\W+")


@dataclass(frozen=True)
class Mapping:
    """The columns by their part in an example; `reasons` say why.

    inputs  variable of the prompt template -> column, in the order in which the model sees them
    spans   the column that marks places in the only input; the output is then written from it
    groups  columns that are kept for slices
    """

    inputs: Dict[str, str]
    output: str | None = None
    spans: str | None = None
    rejected: str | None = None
    split: str | None = None
    tags: str | None = None
    groups: tuple[str, ...] = ()
    shape: Shape = "table"
    reasons: tuple[Note, ...] = field(default=(), compare=False)

    def columns(self) -> list[str]:
        """Every column that is used."""
        single = (self.output, self.spans, self.rejected, self.split, self.tags)
        return [*self.inputs.values(), *(name for name in single if name), *self.groups]


def check_mapping(source: Source, mapping: Mapping) -> None:
    """Raises BadInput("error.table_column" | "error.import_inputs" | "error.import_output")."""
    for column in mapping.columns():
        if column not in source.table.columns:
            raise BadInput("error.table_column", column=column, columns=", ".join(source.table.columns))
    if not mapping.inputs:
        raise BadInput("error.import_inputs")
    if mapping.output is None and mapping.spans is None:
        raise BadInput("error.import_output")


def guess_mapping(source: Source) -> Mapping:
    """The likely part of each column. `inputs` is never empty; without an output the person must say one."""
    columns = columns_of(source.table)
    reasons = list(source.reasons)
    aside = _aside(source, columns)
    spans = _spans_column(source)
    free = [column for column in columns.values() if column.name not in (*aside.values(), spans)]
    rejected = named(source.table, ("rejected",)) if source.shape == "preference" else None
    output = None if spans else _output(source, free, reasons)
    inputs = _inputs(source, [column for column in free if column.name not in (output, rejected)], spans, reasons)
    taken = {*inputs, *aside.values(), output, spans, rejected}
    groups = _groups(source, [column for column in free if column.name not in taken], output)
    for part, column in aside.items():
        reasons.append(Note(f"importing.reason.{part}", {"column": column}))
    if groups:
        reasons.append(Note("importing.reason.groups", {"columns": ", ".join(groups)}))
    return Mapping(
        inputs=variables(inputs),
        output=output,
        spans=spans,
        rejected=rejected,
        split=aside.get("split"),
        tags=aside.get("tags"),
        groups=groups,
        shape=source.shape,
        reasons=tuple(reasons),
    )


def variables(columns: Sequence[str]) -> dict[str, str]:
    """Names for a prompt template: "input" for a single column, else the columns' own, made fit for {braces}."""
    if len(columns) == 1:
        return {"input": columns[0]}
    found: dict[str, str] = {}
    for column in columns:
        name = NAME.sub("_", column).strip("_").lower() or "input"
        name = f"_{name}" if name[0].isdigit() else name
        while name in found:
            name += "_"
        found[name] = column
    return found


def _aside(source: Source, columns: Dict[str, Column]) -> dict[str, str]:
    """Columns that say of a row where it belongs: its split, its tags."""
    found = {}
    split = named(source.table, SPLITS)
    if split and all(value.lower() in SPLIT_VALUES for value, _ in columns[split].common):
        found["split"] = split
    tags = named(source.table, TAGGED)
    if tags and source.shape not in ("iob", "spans") and named(source.table, OUTPUTS) is not None:
        found["tags"] = tags
    return found


def _spans_column(source: Source) -> str | None:
    if source.shape == "iob":
        return SPANS
    if source.shape != "spans":
        return None
    return next(str(note.details["column"]) for note in source.reasons if note.key == "importing.reason.spans")


def _output(source: Source, columns: Sequence[Column], reasons: list[Note]) -> str | None:
    """The column of the expected answers."""
    table = source.table
    if source.shape == "preference":
        return named(table, ("chosen",))
    if source.shape == "pairs" and (pair := _languages(columns)):
        reasons.append(Note("importing.reason.languages", {"first": pair[0], "second": pair[1]}))
        return pair[1]
    by_name = {column.name.casefold(): column for column in columns if column.filled > 0}
    if "q" in by_name and "a" in by_name:
        reasons.append(Note("importing.reason.output_named", {"column": by_name["a"].name}))
        return by_name["a"].name
    for name in OUTPUTS:
        for key, column in by_name.items():
            if key == name or key.endswith((f".{name}", f"_{name}")):
                reasons.append(Note("importing.reason.output_named", {"column": column.name}))
                return column.name
    return _unnamed_output(columns, reasons)


def _unnamed_output(columns: Sequence[Column], reasons: list[Note]) -> str | None:
    words = [column for column in columns if not ORDER.search(column.name.casefold()) and column.filled > 0]
    labels = [column for column in words if column.label_like and column.distinct > 1]
    texts = [column for column in words if column.text_like]
    if labels and len(words) > 1:
        best = labels[-1]
        reasons.append(Note("importing.reason.output_labels", {"column": best.name, "count": best.distinct}))
        return best.name
    if len(texts) > 1:
        reasons.append(Note("importing.reason.output_last", {"column": texts[-1].name}))
        return texts[-1].name
    reasons.append(Note("importing.reason.no_output"))
    return None


def _languages(columns: Sequence[Column]) -> tuple[str, str] | None:
    """Two columns that are named after languages, or written in different scripts: from and into."""
    if len(columns) != 2:
        return None
    first, second = columns
    called = all(column.name.casefold() in LANGUAGES for column in columns)
    apart = abs(first.hangul - second.hangul) > 0.5 and not first.label_like and not second.label_like
    return (first.name, second.name) if called or (apart and second.length > 12) else None


def _inputs(source: Source, columns: Sequence[Column], spans: str | None, reasons: list[Note]) -> list[str]:
    """The columns the model is shown, in a fit order."""
    found = _told_inputs(source, columns, spans)
    if found:
        reasons.append(Note("importing.reason.input_named", {"columns": ", ".join(found)}))
        return found
    words = [column for column in columns if column.text_like and not ORDER.search(column.name.casefold())]
    words = [column for column in words if not is_json(column.common[0][0])]
    chosen = words or sorted(columns, key=lambda column: column.length)[-1:]
    if not chosen:
        return [source.table.columns[0]]
    reasons.append(Note("importing.reason.input_text", {"columns": ", ".join(column.name for column in chosen)}))
    return [column.name for column in chosen]


def _told_inputs(source: Source, columns: Sequence[Column], spans: str | None) -> list[str]:
    """Inputs by their names; [] when no name tells."""
    by_name = {column.name.casefold(): column for column in columns if column.filled > 0}
    if spans:
        text = named(source.table, TEXTS)
        return [text] if text else []
    if source.shape == "messages":
        system = by_name.get("system")
        return [*(["system"] if system and system.distinct > 1 else []), "input"]
    if source.shape == "instruction" and "instruction" in by_name:
        return _instructed(by_name)
    if "q" in by_name:
        return [by_name["q"].name]
    named_so = [by_name[name] for name in INPUTS if name in by_name]
    if by_name.keys() & ASKING:
        named_so = [column for column in named_so if column.name.casefold() not in HEADINGS]
    long = [one for one in named_so if one.text_like or one.name.casefold() in ASKING or len(named_so) == 1]
    return [column.name for column in long or named_so[:1]]


def _instructed(by_name: Dict[str, Column]) -> list[str]:
    """The instruction when it varies, and what it is applied to when there is any."""
    instruction, given = by_name["instruction"], by_name.get("input")
    if given is None:
        return [instruction.name]
    return [given.name] if instruction.distinct == 1 and given.filled == 1 else [instruction.name, given.name]


def _groups(source: Source, columns: Sequence[Column], output: str | None) -> tuple[str, ...]:
    """Columns for slices; not those that merely say the answer again."""
    told = set(beginning(source.table, output)) if output else set()
    return tuple(
        column.name
        for column in columns
        if column.slice_like
        and not ORDER.search(column.name.casefold())
        and not read_places(column.common[0][0])
        and not ({value for value, _ in column.common} <= told and len(told) <= 60)
    )
