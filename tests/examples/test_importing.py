"""Files of examples in every common shape. The rows are our own, written in the shape of the sets they stand for."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadInput
from backend.examples.conversations import turns_of
from backend.examples.example import NewExample, Span
from backend.examples.guessing import Guess
from backend.examples.importing import examples_of, guess_mapping, guess_task, preview, read_source
from backend.examples.mapping import Mapping
from backend.examples.shapes import Source
from tests.examples.stores import new_store

REVIEWS = [
    ("배우들 연기가 최고였다", "1"),
    ("시간이 아깝다 지루했다", "0"),
    ("정말 재미있었다", "1"),
    ("최악의 결말", "0"),
] * 5


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def understood(raw: bytes, name: str) -> tuple[Source, Mapping, Guess, list[NewExample]]:
    source = read_source(raw, name)
    mapping = guess_mapping(source)
    guess = guess_task(source, mapping)
    return source, mapping, guess, list(examples_of(source, mapping, guess.task))


def keys(guess: Guess) -> list[str]:
    return [reason.key.removeprefix("importing.task.") for reason in guess.reasons]


# --- tables


@pytest.mark.parametrize("codec", ["utf-8", "cp949", "utf-16"])
def test_reviews_with_numbers_for_labels(codec: str) -> None:
    text = "id\tdocument\tlabel\n" + "".join(
        f"{at}\t{text} {at}\t{label}\n" for at, (text, label) in enumerate(REVIEWS)
    )
    source, mapping, guess, examples = understood(text.encode(codec), "평.tsv")
    assert (source.shape, source.encoding) == ("table", codec)
    assert (mapping.inputs, mapping.output, mapping.groups) == ({"input": "document"}, "label", ())
    assert (guess.task.kind, guess.task.labels, guess.task.metric) == ("sentiment", ("1", "0"), "accuracy")
    assert keys(guess) == ["labels", "tone"] and guess.reasons[1].details == {"praise": "1", "blame": "0"}
    assert examples[0] == NewExample(
        variables={"input": "배우들 연기가 최고였다 0"}, output="1", origin="import:평.tsv"
    )


def test_many_intents() -> None:
    rows = "".join(f'"Question {at}, please?",intent_{at % 77}\n' for at in range(770))
    _, mapping, guess, _ = understood(f"text,category\n{rows}".encode(), "train.csv")
    assert (mapping.inputs, mapping.output) == ({"input": "text"}, "category")
    assert guess.task.kind == "classification" and len(guess.task.labels) == 77


def test_small_talk_is_no_question_answering() -> None:
    rows = "".join(f"오늘은 {at}시에 잤어,푹 쉬었길 바라요 {at},{at % 3}\n" for at in range(60))
    _, mapping, guess, _ = understood(f"Q,A,label\n{rows}".encode(), "chat.csv")
    assert (mapping.inputs, mapping.output, mapping.groups) == ({"input": "Q"}, "A", ("label",))
    assert guess.task.kind == "free_writing"


def test_two_sentences_and_their_relation() -> None:
    labels = ("entailment", "contradiction", "neutral")
    rows = [
        {"guid": f"nli-{at}", "source": ("숙소", "신문")[at % 2], "premise": f"{at}층에 방이 있다",
         "hypothesis": f"방은 {at}개다", "gold_label": labels[at % 3], "author": labels[at % 3]}
        for at in range(60)
    ]  # fmt: skip
    _, mapping, guess, examples = understood(json.dumps(rows, ensure_ascii=False, indent=2).encode(), "nli.json")
    assert mapping.inputs == {"premise": "premise", "hypothesis": "hypothesis"}
    assert (mapping.output, mapping.groups) == ("gold_label", ("source",))
    assert guess.task.kind == "classification" and guess.task.inputs == ("premise", "hypothesis")
    assert examples[1].groups == {"source": "신문"}


def test_the_data_says_its_splits_and_tags() -> None:
    text = "질문,답변,구분,태그\n" + "".join(
        f'{at}번 창구는 어디인가요?,{at}층입니다,{split},"민원, 안내"\n'
        for at, split in enumerate(["학습", "검증", "평가", "Train", "test"] * 4)
    )
    _, mapping, guess, examples = understood(text.encode("cp949"), "묻고답하기.csv")
    assert (mapping.output, mapping.split, mapping.tags) == ("답변", "구분", "태그")
    assert [one.split for one in examples[:5]] == ["train", "dev", "test", "train", "test"]
    assert examples[0].tags == ("민원", "안내") and guess.task.kind == "question_answering"


def test_a_first_row_of_data_is_no_heading() -> None:
    text = "".join(f"{at % 4}\t{at}번째 알림을 지울까 말까\n" for at in range(40))
    source, mapping, _, examples = understood(text.encode(), "paraphrases.txt")
    assert source.reasons[0].key == "importing.reason.no_header" and len(examples) == 40
    assert (mapping.inputs, mapping.output) == ({"input": "column_2"}, "column_1")
    assert len(read_source(text.encode(), "paraphrases.txt", header=True).table.cells) == 39


def test_quotation_marks_in_tabbed_files_belong_to_the_text() -> None:
    text = 'sentence1\tsentence2\tgold_label\n"엄마, 왔어"라고 했다\t"말이 없었다\tneutral\n그는 갔다\t"왔다\tneutral\n'
    source = read_source(text.encode(), "nli.tsv")
    assert source.table.cells[0][1] == '"말이 없었다' and len(source.table.cells) == 2 and not source.problems


def test_translation_summaries_numbers_and_nothing_at_all() -> None:
    pairs = [
        {"ko": f"정부는 {at}일 새 정책을 발표했다.", "en": f"The government announced a policy on day {at}."}
        for at in range(30)
    ]
    _, mapping, guess, _ = understood(lines(pairs), "news.jsonl")
    assert (mapping.inputs, mapping.output, guess.task.kind, guess.task.metric) == (
        {"input": "ko"},
        "en",
        "translation",
        "chrf",
    )
    long = [{"article": f"{at} 긴 기사. " * 60, "summary": f"{at}번 기사의 요점만 적은 글이다"} for at in range(30)]
    assert understood(lines(long), "a.jsonl")[2].task.kind == "summarising"
    scored = [{"sentence1": f"문장 {at}", "sentence2": f"글 {at}", "score": round(at * 0.173, 3)} for at in range(30)]
    assert keys(understood(lines(scored), "sts.jsonl")[2])[0] == "numbers"
    source = read_source(lines([{"_id": str(at), "text": f"글 {at}번"} for at in range(5)]), "queries.jsonl")
    alone = guess_mapping(source)
    assert alone.output is None and alone.reasons[-2].key == "importing.reason.no_output"
    with pytest.raises(BadInput, match=r"error\.import_output"):
        guess_task(source, alone)


# --- conversations, instructions, preferences


def test_messages_with_roles() -> None:
    def talk(at: int, system: str) -> list[dict[str, str]]:
        said = [
            ("system", system),
            ("user", f"{at}+1은?"),
            ("assistant", f"{at + 1}"),
            ("user", "확실해?"),
            ("assistant", "네"),
        ]
        return [{"role": role, "content": content} for role, content in said]

    source, mapping, _, examples = understood(
        lines([{"messages": talk(at, "짧게 답하세요.")} for at in range(9)]), "m.jsonl"
    )
    assert source.shape == "messages" and source.reasons[0].details["system"] == "짧게 답하세요."
    assert (mapping.inputs, examples[3].output) == ({"input": "input"}, "네")
    assert examples[3].variables == {"input": "사용자: 3+1은?\n도우미: 4\n사용자: 확실해?"}
    varied = understood(lines([{"messages": talk(at, f"역할 {at}")} for at in range(9)]), "m.jsonl")
    assert varied[1].inputs == {"system": "system", "input": "input"} and varied[3][2].variables["system"] == "역할 2"
    shared = [
        {"conversations": [{"from": "human", "value": f"Hi {at}"}, {"from": "gpt", "value": f"Hello {at}"}]}
        for at in range(5)
    ]
    assert understood(lines(shared), "sharegpt.json")[3][0] == NewExample(
        variables={"input": "Hi 0"}, output="Hello 0", origin="import:sharegpt.json"
    )


def test_instructions_with_and_without_input() -> None:
    rows = [
        {
            "instruction": f"{at}번 지시를 따르세요",
            "input": "자료" if at % 2 else "",
            "output": f"결과는 이렇습니다 {at}",
        }
        for at in range(8)
    ]
    source, mapping, guess, examples = understood(lines(rows), "alpaca.json")
    assert (source.shape, mapping.inputs) == ("instruction", {"instruction": "instruction", "input": "input"})
    assert (mapping.output, guess.task.kind, len(examples)) == ("output", "free_writing", 8)
    same = [
        {"instruction": "감정을 고르세요", "input": f"글 {at}", "output": ("긍정", "부정")[at % 2]} for at in range(20)
    ]
    _, mapping, guess, _ = understood(lines(same), "one.json")
    assert (mapping.inputs, guess.task.kind) == ({"input": "input"}, "sentiment")


def test_prompt_and_completion_as_text_and_as_messages() -> None:
    plain = [{"prompt": f"하늘은 왜 {at}색인가요?", "completion": f"빛이 흩어져서 그렇습니다 {at}"} for at in range(5)]
    assert understood(lines(plain), "p.jsonl")[1].output == "completion"
    told = [
        {
            "prompt": [{"role": "user", "content": f"q{at}?"}],
            "completion": [{"role": "assistant", "content": f"a {at}"}],
        }
        for at in range(5)
    ]
    assert understood(lines(told), "p.jsonl")[3][1] == NewExample(
        variables={"input": "q1?"}, output="a 1", origin="import:p.jsonl"
    )


def test_preferences_in_three_spellings() -> None:
    flat = [{"prompt": f"차 {at}잔 끓이는 법", "chosen": "물을 데웁니다", "rejected": "몰라요"} for at in range(4)]
    human = [
        {"chosen": f"\n\nHuman: tea {at}?\n\nAssistant: Sure.\n\nHuman: how?\n\nAssistant: Boil water.",
         "rejected": f"\n\nHuman: tea {at}?\n\nAssistant: Sure.\n\nHuman: how?\n\nAssistant: No."}
        for at in range(4)
    ]  # fmt: skip
    roles = [
        {"chosen": [{"role": "user", "content": f"tea {at}?"}, {"role": "assistant", "content": "Boil water."}],
         "rejected": [{"role": "user", "content": f"tea {at}?"}, {"role": "assistant", "content": "No."}]}
        for at in range(4)
    ]  # fmt: skip
    for rows, asked, better, worse in (
        (flat, "차 1잔 끓이는 법", "물을 데웁니다", "몰라요"),
        (human, "User: tea 1?\nAssistant: Sure.\nUser: how?", "Boil water.", "No."),
        (roles, "tea 1?", "Boil water.", "No."),
    ):
        source, mapping, guess, examples = understood(lines(rows), "pref.jsonl")
        assert (source.shape, mapping.rejected, guess.task.kind) == ("preference", "rejected", "free_writing")
        assert examples[1].variables == {"input": asked}
        assert (examples[1].output, examples[1].rejected) == (better, worse)


def test_questions_over_paragraphs() -> None:
    asked = [
        {"id": f"{at}", "question": f"What is {at}?", "answers": [{"text": f"number {at}", "answer_start": 3}]}
        for at in range(12)
    ]
    first = {"title": "T", "paragraphs": [{"context": "A long text.", "qas": asked[:3]}]}
    second = {"title": "U", "paragraphs": [{"context": "Another.", "qas": asked[3:]}]}
    whole = {"version": "1.1", "data": [first, second]}
    _, mapping, guess, examples = understood(json.dumps(whole).encode(), "squad.json")
    assert mapping.inputs == {"context": "context", "question": "question"} and guess.task.kind == "question_answering"
    assert examples[3].variables == {"context": "Another.", "question": "What is 3?"}
    assert examples[3].output == "number 3" and examples[3].groups == {"title": "U"}


# --- entities

MARKED = "서울에 사는 민수 씨"
WORDS = "Ada\tB-PER\nLovelace\tI-PER\nsaw\tO\nRome\tB-LOC\n.\tO\n\nShe\tO\nleft\tO\nRome\tI-LOC\n"


def test_columns_of_tokens_and_tags() -> None:
    for text in (
        WORDS,
        WORDS.replace("\n\n", "\n\t\n"),
        "-DOCSTART- -X- O\n\n" + WORDS.replace("\t", " NN "),
        WORDS.replace("\n", "\r\n"),
    ):
        source, mapping, guess, examples = understood(text.encode(), "train.conll")
        assert (source.shape, mapping.spans, guess.task.kind, guess.task.metric) == (
            "iob",
            "spans",
            "entities",
            "span_f1",
        )
        assert set(guess.task.labels) == {"PER", "LOC"} and len(examples) == 2
        assert examples[0].variables == {"input": "Ada Lovelace saw Rome ."}
        assert examples[0].spans == (Span(start=0, end=12, label="PER"), Span(start=17, end=21, label="LOC"))
        assert (examples[0].output, examples[1].output) == ("PER: Ada Lovelace\nLOC: Rome", "LOC: Rome")


def test_single_letters_with_comments_between_them() -> None:
    tags = ["B-LOC", "I-LOC", *"OOOOO", "B-PER", "I-PER", "O", "O"]
    rows = "".join(f"{letter}\t{tag}\n" for letter, tag in zip(MARKED, tags, strict=True))
    text = f"## 구분자 : \\t\n## 문장-1\t<서울:LOC>에\n{rows}\n## 문장-2\t비\n비\tO\n가\tO\n \tO\n와\tO\n"
    _, _, _, examples = understood(text.encode(), "ner.tsv")
    assert [one.variables["input"] for one in examples] == [MARKED, "비가 와"]
    assert examples[0].output == "LOC: 서울\nPER: 민수" and examples[1].output == "없음"


def test_other_ways_to_tag() -> None:
    bioes = "Ada\tS-PER\nin\tO\nNew\tB-LOC\nYork\tE-LOC\nYork\tS-LOC\n\nx\tO\n"
    assert understood(bioes.encode(), "a.bio")[3][0].output == "PER: Ada\nLOC: New York\nLOC: York"
    after = "1\t민수\tPER_B\n2\t서울\tLOC_B\n3\t시청\tLOC_I\n4\t갔다\t-\n\n1\t비\t-\n2\t온다\t-\n"
    assert understood(after.encode(), "ner.txt")[3][0].output == "PER: 민수\nLOC: 서울 시청"
    rows = "Sentence #,Word,POS,Tag\nSentence: 1,Ada,NN,B-per\n,left,VB,O\nSentence: 2,Rome,NN,B-geo\n"
    assert [one.output for one in understood(rows.encode(), "ner.csv")[3]] == ["per: Ada", "geo: Rome"]
    lists = [
        {"id": "0", "tokens": ["Ada", "left"], "ner_tags": ["B-PER", "O"]},
        {"id": "1", "tokens": ["x"], "ner_tags": ["O"]},
    ]
    assert [one.output for one in understood(lines(lists), "wnut.jsonl")[3]] == ["PER: Ada", "none"]


@pytest.mark.parametrize(
    "row",
    [
        {"text": MARKED, "label": [[0, 2, "LOC"], [7, 9, "PER"]]},
        {"text": MARKED, "entities": [{"start": 7, "end": 9, "label": "PER"}, {"start": 0, "end": 2, "label": "LOC"}]},
        {"sentence": MARKED, "spans": [{"begin": 0, "length": 2, "type": "LOC"},
                                       {"begin": 7, "length": 2, "type": "PER"}]},
        {"text": MARKED, "annotations": [{"result": [{"value": {"start": 0, "end": 2, "labels": ["LOC"]}},
                                                     {"value": {"start": 7, "end": 9, "labels": ["PER"]}}]}]},
    ],
)  # fmt: skip
def test_marked_places_of_several_tools(row: dict[str, Any]) -> None:
    source, mapping, guess, examples = understood(
        lines([row, row, {**row, next(iter(row)): "비가 온다", [*row][1]: []}]), "ner.jsonl"
    )
    assert (source.shape, guess.task.kind, mapping.inputs["input"]) == ("spans", "entities", next(iter(row)))
    assert examples[0].output == "LOC: 서울\nPER: 민수" and examples[2].output == "없음"


def test_places_beyond_the_text_are_left_out() -> None:
    row = {"text": "서울", "spans": [[0, 2, "LOC"], [1, 99, "PER"]]}
    assert understood(lines([row, row]), "a.jsonl")[3][0].spans == (Span(start=0, end=2, label="LOC"),)


# --- other containers


def test_parquet_with_names_of_classes() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {"text": [f"문장 {at}" for at in range(40)], "label": [at % 2 for at in range(40)], "tokens": [["a", "b"]] * 40}
    )
    told = {"info": {"features": {"label": {"names": ["부정", "긍정"], "_type": "ClassLabel"}}}}
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({b"huggingface": json.dumps(told).encode()}), file)
    _, mapping, guess, examples = understood(file.getvalue(), "train.parquet")
    assert (mapping.inputs, mapping.output) == ({"input": "text"}, "label")
    assert guess.task.kind == "sentiment" and [one.output for one in examples[:2]] == ["부정", "긍정"]
    with pytest.raises(BadInput, match=r"error\.table_parquet"):
        read_source(file.getvalue()[:-100], "cut.parquet")


def test_gzip_workbooks_and_json_by_columns() -> None:
    from openpyxl import Workbook

    text = "문장,레이블\n" + "".join(f"글 {at}번 입니다,{'가나'[at % 2]}\n" for at in range(20))
    assert len(understood(gzip.compress(text.encode()), "a.csv.gz")[3]) == 20
    with pytest.raises(BadInput, match=r"error\.import_gzip"):
        read_source(gzip.compress(text.encode())[:-12], "a.csv.gz")
    book, file = Workbook(), io.BytesIO()
    sheet = book.create_sheet("자료", 0)
    for line in text.splitlines():
        sheet.append(line.split(","))
    book.save(file)
    assert understood(file.getvalue(), "a.xlsx")[1].output == "레이블"
    whole = {"text": {"0": "글 하나입니다", "1": "글 둘입니다"}, "label": {"0": "가", "1": "나"}}
    assert [one.output for one in understood(json.dumps(whole).encode(), "pandas.json")[3]] == ["가", "나"]
    parts = {"train": [{"text": "하나", "label": "가"}], "test": [{"text": "둘", "label": "나"}]}
    assert [one.split for one in understood(json.dumps(parts).encode(), "parts.json")[3]] == ["train", "test"]


# --- bad input


def test_nothing_and_one_row(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"error\.table_empty"):
        read_source(b"text,label\n", "empty.csv")
    source, mapping, guess, examples = understood("text,label\n하나뿐인 글,가\n".encode(), "one.csv")
    assert (mapping.inputs, mapping.output, len(examples)) == ({"input": "text"}, "label", 1)
    assert new_store(tmp_path).add(examples_of(source, mapping, guess.task)).count == 1


def test_one_label_only_is_told() -> None:
    rows = "".join(f"글 {at}번,좋음\n" for at in range(30))
    guess = understood(f"text,label\n{rows}".encode(), "one.csv")[2]
    assert (guess.task.kind, guess.task.labels, keys(guess)[0]) == ("classification", ("좋음",), "one_label")


def test_five_thousand_labels_and_more_than_that() -> None:
    rows = "".join(f"글 {at}번,종류{at % 5000}\n" for at in range(25_000))
    guess = understood(f"text,label\n{rows}".encode(), "many.csv")[2]
    assert guess.task.kind == "classification" and len(guess.task.labels) == 5_000
    rows = "".join(f"글 {at}번,종류{at % 5001}\n" for at in range(25_005))
    assert understood(f"text,label\n{rows}".encode(), "more.csv")[2].task.kind != "classification"


def test_cells_of_a_million_letters_and_control_characters(tmp_path: Path) -> None:
    text = f"text,label\n짧은 글,가\n{'긴' * 1_100_000},나\n줄\x07바꿈\x1b[31m,가\n ,나\n"
    source, mapping, guess, examples = understood(text.encode(), "huge.csv")
    assert len(examples) == 3, "a row without an input is no example"
    store = new_store(tmp_path)
    added = store.add(examples_of(source, mapping, guess.task))
    assert (added.count, added.refused) == (2, 1)
    assert [one.variables["input"] for one in store.page()] == ["짧은 글", "줄바꿈"]
    assert [(one.key, one.details) for one in source.problems] == [("table.problem.controls", {"count": 2})]
    row = {"text": "서\x00울에 \x07민수", "spans": [[0, 3, "LOC"], [6, 8, "PER"]], "note": "\ud800"}
    assert understood(lines([row, row]), "a.jsonl")[3][0].output == "LOC: 서 울\nPER: 민수"


def test_columns_that_are_not_there() -> None:
    source, mapping, guess, _ = understood("text,label\n하나,가\n둘,나\n".encode(), "t.csv")
    for wrong in (Mapping({"input": "text"}, "없는 열"), Mapping({}, "label"), Mapping({"input": "text"})):
        with pytest.raises(BadInput):
            preview(source, wrong, guess.task)
    assert preview(source, mapping, guess.task, 1)[0].output == "가"


def test_answers_are_looked_up_where_only_they_are_given() -> None:
    rows = [{"text": MARKED, "answer": "loc: 서울\nPER: 민수"}, {"text": "비가 온다", "answer": "글쎄요"}]
    source = read_source(lines(rows), "a.jsonl")
    from backend.examples.task import Task

    task = Task(kind="entities", labels=("LOC", "PER"), metric="span_f1")
    found = list(examples_of(source, Mapping({"input": "text"}, "answer"), task))
    assert found[0].spans == (Span(start=0, end=2, label="LOC"), Span(start=7, end=9, label="PER"))
    assert found[1].spans is None


def test_a_conversation_with_many_blank_lines() -> None:
    """From each line break to the next word once: from each through all the others would take hours."""
    gap = "\n" * 200_000
    assert turns_of(gap) is None and turns_of(f"x{gap}") is None
    assert turns_of(f"{gap}  Human: 안녕?{gap}Assistant: 네.{gap}") == [("user", "안녕?"), ("assistant", "네.")]
