"""Perplexity of expected outputs: against transformers' own loss, padded and alone, kept and forgotten."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.answering import Answering, Question
from backend.assistants import Assistant, Decoding, Documents, Instructions, ModelRef
from backend.documents.values import Passage
from backend.errors import ModelProblem
from backend.evaluation import perplexity, work
from backend.evaluation.comparison import compare
from backend.evaluation.cost import cost_of
from backend.evaluation.identity import fingerprint
from backend.evaluation.perplexity import ENDPOINT, NOTE, Measured, Perplexity, basis_of, keyed, measure, ratio
from backend.evaluation.run import EvaluationConfig, drawn, start_evaluation
from backend.evaluation.work import Evaluation
from backend.examples.example import NewExample
from backend.examples.task import Task
from backend.jobs.folder import RunFolder
from backend.jobs.progress import Progress
from backend.jobs.run import RunState
from backend.jobs.runs import Runs
from backend.models import forcing
from backend.models.endpoints import Endpoints
from backend.models.forcing import Forced
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.models.transformers_engine import TransformersEngine
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project
from backend.settings import Settings
from tests.fakes import chat_server
from tests.tiny import tiny_model
from tests.waiting import ended

OUTPUTS = ["좋음", "이 영화는 지루하고 이야기가 엉성합니다.", "This film is a quiet wonder.", "bad", ""]
INSTRUCTIONS = Instructions(system="Answer briefly.", template="Review: {input}")
SHORT = Assistant(instructions=INSTRUCTIONS, decoding=Decoding(max_new_tokens=2))


@pytest.fixture
def host(settings: Settings) -> Iterator[ModelHost]:
    host = ModelHost(settings, Endpoints(settings.home))
    yield host
    host.close()


@pytest.fixture
def saved(project: Project, settings: Settings, tiny: Path) -> SavedAssistant:
    """Eleven examples of unlike length, which is more than one batch, and an assistant with the tiny model."""
    project.examples.set_task(Task(kind="question_answering", metric="exact_match"))
    new = [NewExample(variables={"input": "영화 " * at + "?"}, output=OUTPUTS[at % len(OUTPUTS)]) for at in range(11)]
    project.examples.add(new)
    project.examples.set_split([one.id for one in project.examples.page(limit=20)], "test")
    return project.assistants.save("tiny", SHORT.model_copy(update={"model": add_folder(settings, str(tiny))}))


def by_labels(engine: TransformersEngine, prompt: str, output: str, end: str) -> tuple[float, int]:
    """What transformers says itself: its mean loss with the prompt masked, and the number of tokens it is over."""
    import torch

    before = engine.tokenizer(prompt, add_special_tokens=False)["input_ids"]
    ids = torch.tensor([engine.tokenizer(prompt + output + end, add_special_tokens=False)["input_ids"]])
    labels = ids.clone()
    labels[:, : len(before)] = -100
    with torch.no_grad():
        loss: Any = engine.model(input_ids=ids, labels=labels).loss
    return float(loss), ids.shape[1] - len(before)


@pytest.mark.parametrize("at_once", [perplexity.AT_ONCE, 4])
def test_it_is_what_transformers_own_loss_says(
    project: Project, host: ModelHost, saved: SavedAssistant, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perplexity, "AT_ONCE", at_once)
    answers, examples = Answering(host), drawn(project, "test")
    with host.engine(saved.assistant.model) as engine:
        assert isinstance(engine, TransformersEngine) and engine.reads_together
        found = measure(answers, engine, saved.assistant, examples, "test").perplexity
        alone = [
            by_labels(
                engine,
                engine.render(answers.compose(saved.assistant, Question(one.variables)), None),
                one.output,
                "<|end|>",
            )
            for one in examples
        ]
    assert found is not None and (found.n, found.left_out, found.end) == (11, 0, True)
    tokens = sum(count for _, count in alone)
    assert found.tokens == tokens
    assert found.value == pytest.approx(math.exp(sum(loss * count for loss, count in alone) / tokens), rel=1e-4)
    assert found.low is not None and found.high is not None and 1 <= found.low < found.value < found.high


def test_a_template_that_rewrites_answers_counts_the_output_alone(
    project: Project, host: ModelHost, saved: SavedAssistant
) -> None:
    template = (
        "{% for m in messages %}{{ m['role'] }}:{{ '<think></think>' if m['role'] == 'assistant' }}{{ m['content'] }}"
        "<|end|>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )
    assistant = saved.assistant.model_copy(update={"chat_template": template})
    examples = drawn(project, "test")
    answers = Answering(host)
    with host.engine(assistant.model) as engine:
        assert isinstance(engine, TransformersEngine)
        found = measure(answers, engine, assistant, examples, "test").perplexity
        prompts = [engine.render(answers.compose(assistant, Question(one.variables)), template) for one in examples]
        alone = [by_labels(engine, at, one.output, "") for at, one in zip(prompts, examples, strict=True) if one.output]
    assert found is not None and (found.n, found.left_out, found.end) == (9, 2, False)
    tokens = sum(count for _, count in alone)
    assert found.value == pytest.approx(math.exp(sum(loss * count for loss, count in alone) / tokens), rel=1e-4)


@pytest.mark.parametrize("together", [True, False])
def test_padding_changes_nothing(tiny: Path, together: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine.open(tiny)
    rows = [Forced(tuple(range(5, 5 + 3 * at)), tuple(range(40, 41 + at % 4))) for at in range(1, 12)]
    alone = [dict(forcing.losses(engine, [row]))[0] for row in rows]
    if not together:  # as for models that answer their rows one by one
        monkeypatch.setattr(TransformersEngine, "reads_together", False)
    found = dict(forcing.losses(engine, rows))
    engine.close()
    assert [found[at] for at in range(len(rows))] == pytest.approx(alone, rel=1e-5)


def test_logits_stay_within_their_bytes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine.open(tiny)
    rows = [Forced(tuple(range(5, 25)), (7,) * 10)] * 6
    seen: list[tuple[int, ...]] = []
    inner = engine.model.lm_head.register_forward_hook(lambda *told: seen.append(tuple(told[2].shape)))
    words = engine.model.config.vocab_size
    monkeypatch.setattr(forcing, "LOGITS_BYTES", 2 * 11 * words * 4)
    assert len(dict(forcing.losses(engine, rows))) == 6
    inner.remove()
    engine.close()
    assert seen == [(2, 10, words)] * 3


def test_a_stop_ends_it_and_gives_nothing(project: Project, host: ModelHost, saved: SavedAssistant) -> None:
    stop = threading.Event()
    stop.set()
    with host.engine(saved.assistant.model) as engine:
        found = measure(Answering(host), engine, saved.assistant, drawn(project, "test"), "test", stop)
    assert found == Measured(None)


def test_what_does_not_fit_is_left_out_and_told(
    project: Project, settings: Settings, host: ModelHost, saved: SavedAssistant, tmp_path: Path
) -> None:
    model = add_folder(settings, str(tiny_model(tmp_path / "short", context=40)))
    assistant = saved.assistant.model_copy(update={"model": model})
    examples = drawn(project, "test")
    with host.engine(model) as engine:
        found = measure(Answering(host), engine, assistant, examples, "test").perplexity
        assert found is not None and found.n + found.left_out == 11 and 0 < found.left_out < 11
        longest = [one.model_copy(update={"variables": {"input": "영화 " * 200}}) for one in examples]
        with pytest.raises(ModelProblem, match="perplexity_nothing"):
            measure(Answering(host), engine, assistant, longest, "test")


class Found:
    """Passages as a search of long documents finds them: more than a small model can hold."""

    traces: Mapping[str, Sequence[Any]] = {}
    left_out: Sequence[Any] = ()
    skipped: Mapping[str, str] = {}
    seconds: Mapping[str, float] = {}

    def __init__(self) -> None:
        texts = [f"영화 {number}. " + "배우와 감독을 다룬 글이다. " * 20 for number in range(6)]
        self.found = [
            SimpleNamespace(
                passage=Passage(document_id=1, number=number, text=text, start=0, end=len(text)),
                score=1.0,
                rank=number + 1,
                by={},
            )
            for number, text in enumerate(texts)
        ]

    def find(self, wanted: Documents, query: str) -> Found:
        return self

    def names(self, documents: Collection[int]) -> Mapping[int, str]:
        return {1: "영화.txt"}


def test_with_documents_it_is_measured_on_the_prompt_that_would_be_answered(
    project: Project, settings: Settings, host: ModelHost, saved: SavedAssistant, tmp_path: Path
) -> None:
    """As many passages as the model can hold, instead of all of them and no example that fits."""
    model = add_folder(settings, str(tiny_model(tmp_path / "little", context=768)))
    wanted = Documents(retriever="bm25", top_k=6)
    room = {"decoding": Decoding(max_new_tokens=150)}
    assistant = saved.assistant.model_copy(update={"model": model, "documents": wanted, **room})
    answers, examples = Answering(host, Found()), drawn(project, "test")
    with host.engine(model) as engine:
        assert isinstance(engine, TransformersEngine)
        asked = Question(examples[0].variables)
        whole = engine.tokens(engine.render(answers.compose(assistant, asked), None))
        assert whole is not None and len(whole) > 768
        found = measure(answers, engine, assistant, examples, "test").perplexity
    assert found is not None and (found.n, found.left_out) == (11, 0)


def test_an_endpoint_cannot_and_says_why(project: Project, settings: Settings, host: ModelHost) -> None:
    with chat_server() as server:
        endpoint = Endpoints(settings.home).add("here", server.url, "sk-x")
        model = ModelRef(kind="endpoint", name="small-model", endpoint=endpoint.id)
        with host.engine(model) as engine:
            found = measure(Answering(host), engine, SHORT.model_copy(update={"model": model}), [], "test")
    assert found == Measured(None, ENDPOINT) and not server.asked


def test_the_interval_is_that_of_a_ratio() -> None:
    """Of equal counts it is the classic interval of a mean, here of 1..5 by two tokens each (t of 4: 2.776)."""
    value, low, high = ratio([2.0, 4.0, 6.0, 8.0, 10.0], [2] * 5)
    half = 2.7764451 * math.sqrt(2.5 / 5)
    assert (value, low, high) == pytest.approx((3.0, 3.0 - half, 3.0 + half))
    assert ratio([3.0], [2]) == (1.5, None, None)


# --- in a run ---------------------------------------------------------------------------------------------------------


def evaluate(project: Project, host: ModelHost, saved: SavedAssistant, folder: Path) -> None:
    examples, progress = drawn(project, "test"), Progress(RunFolder(folder), RunState())
    Evaluation(project, host, Answering(host), examples, progress, forced=examples, split="test").run([saved])


def test_a_run_keeps_it_and_measures_it_once(
    project: Project,
    settings: Settings,
    host: ModelHost,
    saved: SavedAssistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert EvaluationConfig(assistants=(1,)).perplexity is False
    examples, progress = drawn(project, "test"), Progress(RunFolder(tmp_path), RunState())
    Evaluation(project, host, Answering(host), examples, progress).run([saved])
    known = fingerprint(saved.assistant, host.where)
    cost = cost_of(project, known)
    assert compare(project, [saved.id]).rows[0].perplexity is None, "nobody asked for it"
    evaluate(project, host, saved, tmp_path)
    row = compare(project, [saved.id]).rows[0].perplexity
    assert isinstance(row, Perplexity) and row.n == 11 and row.basis == basis_of(keyed(examples))
    assert cost_of(project, known) == cost, "answers that were there already are not measured anew"

    monkeypatch.setattr(work, "measure", lambda *told: pytest.fail("measured a second time"))
    fresh = ModelHost(settings, Endpoints(settings.home))
    evaluate(project, fresh, saved, tmp_path)
    assert fresh.loaded() == [] and compare(project, [saved.id]).rows[0].perplexity == row
    assert compare(project, [saved.id], limit=5).rows[0].perplexity is None, "that of other examples is not shown"


def test_the_worker_measures_it_where_it_was_asked_for(
    project: Project, settings: Settings, saved: SavedAssistant
) -> None:
    runs = Runs(project.runs_folder, settings)
    run = ended(runs, start_evaluation(runs, project, [saved.id], perplexity=True))
    assert run.state == "succeeded", runs.log(run.id)
    row = compare(project, [saved.id]).rows[0]
    assert row.perplexity is not None and (row.perplexity.n, row.perplexity.split) == (11, "test")


def test_a_changed_output_or_a_damaged_note_is_not_shown(
    project: Project, host: ModelHost, saved: SavedAssistant, tmp_path: Path
) -> None:
    evaluate(project, host, saved, tmp_path)
    key = NOTE + fingerprint(saved.assistant, host.where)
    kept: Any = project.get_note(key)
    project.set_note(key, {**kept, "value": "much"})
    assert compare(project, [saved.id]).rows[0].perplexity is None
    project.set_note(key, kept)
    assert compare(project, [saved.id]).rows[0].perplexity is not None
    project.examples.add([NewExample(variables={"input": "another"}, output="x")])
    new = project.examples.find_by_input(NewExample(variables={"input": "another"}, output="x").input_key)
    project.examples.set_split([one.id for one in new], "test")
    assert compare(project, [saved.id]).rows[0].perplexity is None
