"""What is wrong with the data as a whole: each thing once, with which examples, as severe as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from backend.assistants import Assistant, Examples, Instructions, Shot
from backend.examples.example import NewExample, Split
from backend.examples.task import Task
from backend.models.tokenizing import Tokenizing
from backend.projects.folder import Project
from backend.settings import ASSETS
from backend.training.config import TrainingConfig
from backend.training.rows import checking as checking
from backend.training.rows import found as data_found
from backend.training.rows.checking import check_data, stops
from backend.training.rows.making import make_rows
from backend.training.values import Problem
from tests.tiny import tiny_tokenizer
from tests.training.data_cases import ASSISTANT, config, labelled, new_project

WORDS: dict[str, dict[str, str]] = {
    language: json.loads((ASSETS / "locale" / language / "training_data.json").read_text("utf-8"))
    for language in ("ko", "en")
}
LABELS = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path)


@pytest.fixture(scope="module")
def reads() -> Tokenizing:
    return Tokenizing.settle(tiny_tokenizer(), frozenset({1}), 512)


def told(project: Project, reads: Tokenizing, wanted: TrainingConfig | None = None) -> dict[str, Problem]:
    wanted = wanted or config()
    found = check_data(project, wanted, make_rows(project, wanted, reads))
    assert len({problem.name for problem in found}) == len(found)
    for words in WORDS.values():  # every sentence finds what it names
        for problem in found:
            said = words[f"training_data.problem.{problem.name}"].format(count=problem.count, **problem.details)
            assert "{" not in said.replace("{input}", "")
    order = [checking.WORST_FIRST.index(problem.severity) for problem in found]
    assert order == sorted(order)
    return {problem.name: problem for problem in found}


def new(text: str, output: str, split: Split = "train") -> NewExample:
    return NewExample(variables={"input": text}, output=output, split=split)


def test_nothing_is_told_of_good_data(project: Project, reads: Tokenizing) -> None:
    labelled(project)
    assert told(project, reads) == {}
    assert told(project, reads, config(objective="head")) == {}


def test_no_examples_and_none_left(project: Project, reads: Tokenizing) -> None:
    project.examples.set_task(LABELS)
    project.examples.add([new("시험", "긍정", "test")])
    found = told(project, reads)
    assert found["no_examples"].severity == "stop" and "no_dev" not in found
    project.examples.add([new("아주 긴 글 " * 400, "긍정"), new("또 긴 글 " * 400, "부정")])
    found = told(project, reads)
    assert found["nothing_left"].severity == "stop" and found["nothing_left"].count == 2
    assert found["too_long"].count == 2 and stops(found.values())


def test_one_example_few_and_no_dev(project: Project, reads: Tokenizing) -> None:
    project.examples.set_task(Task())
    project.examples.add([new("하나", "답 하나")])
    found = told(project, reads)
    assert found["one_example"].severity == "stop" and len(found["one_example"].example_ids) == 1
    assert found["no_dev"].severity == "warn"
    project.examples.add([new("둘", "답 둘"), new("셋", "답 셋"), new("넷", "답 넷", "dev")])
    found = told(project, reads)
    assert set(found) == {"too_few"} and found["too_few"].count == 3 and found["too_few"].details == {"least": 10}


def test_all_identical_one_prompt_and_one_answer(project: Project, reads: Tokenizing) -> None:
    project.examples.set_task(Task())
    project.examples.add([new("좋아요" + "!" * at, "긍정") for at in range(12)])
    assert told(project, reads)["all_identical"].severity == "stop"
    project.examples.add([new("별로예요", "부정")])
    forgot = ASSISTANT.model_copy(update={"instructions": Instructions(template="감성은?")})
    found = told(project, reads, config(forgot))
    assert found["same_prompt"].severity == "stop" and found["same_prompt"].count == 13


def test_one_answer_for_everything(project: Project, reads: Tokenizing) -> None:
    project.examples.set_task(LABELS)
    project.examples.add([new(f"{at}번째 영화는 {'아주 ' * at}좋다", "긍정") for at in range(12)])
    found = told(project, reads)
    assert found["one_answer"].severity == "warn" and found["one_answer"].details["answer"] == "긍정"
    assert found["label_never_in_training"].details["labels"] == "부정"
    assert told(project, reads, config(objective="head"))["one_answer"].severity == "stop"


def test_duplicates_and_contradictions_name_their_examples(project: Project, reads: Tokenizing) -> None:
    labelled(project)
    project.examples.add([new("음식이 좋아요", "긍정"), new("음식이 좋아요!!", "긍정"), new("배송이 늦다", "긍정"),
                          new("배송이 늦다.", "부정")])  # fmt: skip
    ids = {one.text(): one.id for one in project.examples.page(limit=100)}
    found = told(project, reads)
    assert found["duplicates"].example_ids == (ids["음식이 좋아요!!"],)
    assert found["contradictions"].example_ids == (ids["배송이 늦다"], ids["배송이 늦다."])


def test_labels_that_are_rare_unknown_or_never_there(project: Project, reads: Tokenizing) -> None:
    labelled(project)
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정", "중립", "모름"), metric="accuracy"))
    project.examples.add([new("그저 그렇다", "중립"), new("이상한 답", "아무거나")])
    ids = {one.text(): one.id for one in project.examples.page(limit=100)}
    found = told(project, reads)
    assert found["few_per_label"].details["labels"] == "중립"
    assert found["few_per_label"].example_ids == (ids["그저 그렇다"],)
    assert found["odd_label"].example_ids == (ids["이상한 답"],)
    assert found["label_never_in_training"].details["labels"] == "모름"
    head = told(project, reads, config(objective="head"))
    assert "odd_label" not in head and head["unknown_label"].example_ids == (ids["이상한 답"],)


def test_a_head_needs_labels(project: Project, reads: Tokenizing) -> None:
    labelled(project)
    project.examples.set_task(Task())
    found = told(project, reads, config(objective="head"))
    assert found["head_without_labels"].severity == "stop" and "nothing_left" not in found


def test_leakage_names_the_training_examples(project: Project, reads: Tokenizing) -> None:
    labelled(project)
    text = "이 식당은 김치찌개가 정말 맛있고 사장님이 친절합니다"
    project.examples.add([new(text, "긍정", "test"), new(text + "!", "긍정"), new("새로 온 글입니다", "부정", "test"),
                          new("새로 온 글입니다", "긍정")])  # fmt: skip
    ids = {(one.text(), one.split): one.id for one in project.examples.page(limit=100)}
    found = told(project, reads)
    leak = found["leakage"]
    assert leak.example_ids == (ids[(text + "!", "train")], ids[("새로 온 글입니다", "train")])
    assert leak.count == 2 and leak.details == {"test": 2, "exact": 1} and leak.severity == "warn"
    rows = make_rows(project, config(), reads)
    assert "leakage" not in {one.name for one in check_data(project, config(), rows, leakage=False)}
    shown = Assistant(examples=Examples(shots=(Shot(variables={"input": text}, output="긍정"),)))
    shots = told(project, reads, config(shown, objective="prompt_based"))
    assert shots["shots_leak"].count == 1
    assert told(project, reads, config(objective="prompt_based"))["no_shots"].severity == "warn"


def test_what_stands_in_dev_too_makes_the_best_step_look_better(project: Project, reads: Tokenizing) -> None:
    labelled(project)
    text = "이 식당은 김치찌개가 정말 맛있고 사장님이 친절합니다"
    project.examples.add([new(text, "긍정", "dev"), new(text + "!", "긍정")])
    (mine,) = (one.id for one in project.examples.page(limit=100) if one.text() == text + "!")
    found = told(project, reads)
    leak = found["dev_leakage"]
    assert (leak.example_ids, leak.count, leak.severity) == ((mine,), 1, "warn")
    assert leak.details == {"dev": 1, "exact": 0} and "leakage" not in found
    # Training examples that a tag leaves out are in nobody's way, and neither are dev examples.
    project.examples.tag([one.id for one in project.examples.page(limit=100) if one.split == "train"], "쓸 것")
    assert "dev_leakage" not in told(project, reads, config(tag="쓸 것"))


def test_test_inputs_in_documents_are_found(project: Project, reads: Tokenizing, tmp_path: Path) -> None:
    long, short = "이 식당은 김치찌개가 정말 맛있고\n사장님이 친절합니다", "맛있다"
    project.examples.add(
        [new(long, "긍정", "test"), new(short, "긍정", "test"), new(long[:-3] + "않다", "부정", "test")]
    )
    wanted = config(objective="documents", documents=("book.txt",))
    file = tmp_path / "book.txt"
    file.write_text(f"{short} 아무 상관이 없는 글입니다. {long.replace(chr(10), '  ')} 그리고 더 있습니다.", "utf-8")
    rows = make_rows(project, wanted, reads, [file])
    found = {one.name: one for one in check_data(project, wanted, rows)}
    ids = [one.id for one in project.examples.page(limit=10) if one.text() == long]
    leak = found["test_in_documents"]
    assert leak.example_ids == tuple(ids) and leak.count == 1 and leak.severity == "warn"
    assert "test_in_documents" not in {one.name for one in check_data(project, wanted, rows, leakage=False)}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_problem_has_words(language: str) -> None:
    folder = Path(checking.__file__).parent
    files = ("checking.py", "found.py", "documents.py")
    source = "".join((folder / name).read_text("utf-8") for name in files)
    raised = set(re.findall(r'(?:Problem|_about|_leak)\(\s*"(\w+)"', source)) | set(data_found.SEVERITY)
    raised |= {"all_identical", "same_prompt", "nothing_left", "no_examples"}
    keys = [key for key in WORDS[language] if key.startswith("training_data.problem.")]
    assert raised == {key.removeprefix("training_data.problem.") for key in keys}
