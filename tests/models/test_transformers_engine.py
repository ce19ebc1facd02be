"""The engine on a tiny real model: the answers of `generate`, for one and for many at once."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.assistants import Decoding
from backend.errors import BadInput, ModelProblem
from backend.messages import Message
from backend.models.batching import EngineFailure, joined
from backend.models.chat_templates import PLAIN_TEMPLATE
from backend.models.engine import Choice, Piece, Request, TokenChoice
from backend.models.loading import Loaded, load
from backend.models.sampling import likeliest
from backend.models.transformers_engine import TransformersEngine
from tests.fakes import wait_until
from tests.tiny import tiny_model

QUESTIONS = ["안녕하세요", "오늘 점심은 무엇을 드셨습니까? " * 4, "Hi", "This film is a quiet wonder. " * 2]


def request(text: str, candidates: int = 0, prefill: str = "", **decoding: Any) -> Request:
    decoding = {"max_new_tokens": 24} | decoding
    return Request((Message(role="user", content=text),), Decoding(**decoding), None, prefill, candidates)


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def ask(engine: TransformersEngine, text: str, **fields: Any) -> list[Piece]:
    return list(engine.stream(request(text, **fields)))


def generated(loaded: Loaded, engine: TransformersEngine, text: str, count: int = 24, **sampling: Any) -> list[int]:
    """The tokens of plain `generate` for the same prompt, without the end token."""
    prompt = engine.render((Message(role="user", content=text),))
    ids = loaded.tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
    with torch.inference_mode():
        made = loaded.model.generate(**ids, max_new_tokens=count, **({"do_sample": False} | sampling))
    tokens = made[0, ids["input_ids"].shape[1] :].tolist()
    return tokens[:-1] if tokens[-1] == loaded.tokenizer.eos_token_id else list(tokens)


def decoded(loaded: Loaded, tokens: list[int]) -> str:
    return str(loaded.tokenizer.decode(tokens, skip_special_tokens=True)).rstrip("�")


def test_greedy_is_what_generate_makes(engine: TransformersEngine, loaded: Loaded) -> None:
    for text in QUESTIONS:
        pieces = ask(engine, text)
        wanted = generated(loaded, engine, text)
        assert text_of(pieces) == decoded(loaded, wanted)
        assert pieces[-1].answer_tokens == len(wanted)
        assert pieces[-1].finish == ("length" if len(wanted) == 24 else "stop")
        assert sum(piece.finish is not None for piece in pieces) == 1


def test_many_at_once_get_what_each_gets_alone(engine: TransformersEngine, loaded: Loaded) -> None:
    texts = [f"{text} {number}" for number in range(6) for text in QUESTIONS]
    with ThreadPoolExecutor(len(texts)) as people:
        answers = list(people.map(lambda text: text_of(ask(engine, text)), texts))
    assert answers == [decoded(loaded, generated(loaded, engine, text)) for text in texts]


@pytest.mark.parametrize("sampling", [{"repetition_penalty": 1.3}, {"top_k": 1, "temperature": 0.7}])
def test_processors_are_those_of_generate(engine: TransformersEngine, loaded: Loaded, sampling: Any) -> None:
    wanted = generated(loaded, engine, "안녕하세요", **(sampling | {"do_sample": "temperature" in sampling}))
    assert text_of(ask(engine, "안녕하세요", **sampling)) == decoded(loaded, wanted)


def test_a_seed_gives_its_answer_again_alone_and_in_company(engine: TransformersEngine) -> None:
    drawn: dict[str, Any] = {"temperature": 1.0, "top_p": 0.95, "min_p": 0.01, "top_k": 50}
    alone = text_of(ask(engine, "안녕하세요", seed=7, **drawn))
    assert text_of(ask(engine, "안녕하세요", seed=7, **drawn)) == alone
    assert text_of(ask(engine, "안녕하세요", seed=8, **drawn)) != alone
    with ThreadPoolExecutor(8) as people:
        others = [people.submit(ask, engine, f"다른 질문 {n} " * n, seed=n, **drawn) for n in range(7)]
        beside = people.submit(ask, engine, "안녕하세요", seed=7, **drawn)
    assert text_of(beside.result()) == alone
    assert len({text_of(other.result()) for other in others}) > 1


def test_no_seed_draws_anew(engine: TransformersEngine) -> None:
    answers = {text_of(ask(engine, "안녕하세요", seed=None, temperature=1.5)) for _ in range(5)}
    assert len(answers) > 1


def test_candidates_are_the_models_probabilities(engine: TransformersEngine, loaded: Loaded) -> None:
    prompt = loaded.tokenizer(engine.render((Message(role="user", content="안녕하세요"),)), add_special_tokens=False)
    pieces = ask(engine, "안녕하세요", candidates=5, max_new_tokens=24)
    choices = [choice for piece in pieces for choice in piece.choices]
    wanted = generated(loaded, engine, "안녕하세요")
    with torch.inference_mode():
        logits = loaded.model(torch.tensor([prompt["input_ids"] + wanted])).logits[0]
    probabilities = logits.softmax(-1)[len(prompt["input_ids"]) - 1 :]
    made = [float(row[token]) for row, token in zip(probabilities, wanted, strict=False)]
    assert prod(choice.probability for choice in choices) == pytest.approx(prod(made), rel=1e-3)
    whole = [choice for choice in choices if not choice.text.startswith("<")]
    assert whole and text_of(pieces).endswith("".join(choice.text for choice in whole[-1:])), "shown as it reads"
    for choice in choices:
        assert [one.probability for one in choice.best] == sorted(
            (one.probability for one in choice.best), reverse=True
        )
        assert choice.text in [one.text for one in choice.best]
        assert 0 < sum(one.probability for one in choice.best) <= 1 + 1e-6


def test_candidates_of_one_token_are_the_largest_of_the_softmax() -> None:
    logits = torch.tensor([1.0, 3.0, -2.0, 0.0])
    wanted = logits.softmax(-1)
    probability, best = likeliest(logits, 0, 2)
    assert probability == pytest.approx(float(wanted[0]))
    assert [token for token, _ in best] == [1, 0]
    assert [likely for _, likely in best] == pytest.approx([float(wanted[1]), float(wanted[0])])
    assert sum(likely for _, likely in likeliest(logits, 0, 99)[1]) == pytest.approx(1.0)


def test_the_parts_of_a_character_are_one_choice() -> None:
    first = TokenChoice("<EA B8>", 0.9, (Choice("<EA B8>", 0.9), Choice("부", 0.08)))
    second = TokenChoice("<8D>", 0.05, (Choice("<8D>", 0.05),))
    whole = joined((first, second), "긍")
    assert whole.text == "긍" and whole.probability == pytest.approx(0.045)
    assert whole.best == (Choice("부", 0.08), Choice("긍", whole.probability))


def test_candidates_are_before_the_sampling_filters(engine: TransformersEngine) -> None:
    plain = ask(engine, "안녕하세요", candidates=3, max_new_tokens=1)[-1].choices[0]
    hot = ask(engine, "안녕하세요", candidates=3, max_new_tokens=1, temperature=3.0, top_k=1)[-1].choices[0]
    assert hot.best == pytest.approx(plain.best)


def test_a_stop_string_ends_the_answer_and_is_not_shown(engine: TransformersEngine) -> None:
    whole = text_of(ask(engine, "안녕하세요", max_new_tokens=60))
    middle = whole[len(whole) // 2 : len(whole) // 2 + 3]
    pieces = ask(engine, "안녕하세요", max_new_tokens=60, stop=("never said", middle))
    assert text_of(pieces) == whole[: whole.index(middle)]
    assert pieces[-1].finish == "stop"
    assert (pieces[-1].answer_tokens or 0) < 60


def test_stop_ends_one_of_several(engine: TransformersEngine) -> None:
    stop, endless = threading.Event(), dict[str, Any](max_new_tokens=300, temperature=5.0)
    with ThreadPoolExecutor(3) as people:
        others = [people.submit(ask, engine, text, seed=4, **endless) for text in ("하나", "둘")]
        mine: list[Piece] = []
        for piece in engine.stream(request("셋", seed=4, **endless), stop):
            mine.append(piece)
            if len(mine) == 3:
                stop.set()
    assert mine[-1].finish == "stopped" and len(mine) < 30 and text_of(mine)
    assert all(other.result()[-1].finish in ("length", "stop") for other in others)


def test_closing_the_stream_ends_it(engine: TransformersEngine) -> None:
    stream = engine.stream(request("안녕", max_new_tokens=400, temperature=5.0))
    next(stream)
    assert engine._loop.running
    stream.close()  # type: ignore[attr-defined]
    assert wait_until(lambda: not engine._loop.running)


def test_a_stop_that_is_set_already(engine: TransformersEngine) -> None:
    stop = threading.Event()
    stop.set()
    assert [piece.finish for piece in engine.stream(request("안녕"), stop)] == ["stopped"]


def test_a_newcomer_does_not_wait_for_a_long_answer(engine: TransformersEngine) -> None:
    long = engine.stream(request("길게", max_new_tokens=400, temperature=5.0, seed=1))
    for _ in range(3):
        next(long)
    short = ask(engine, "짧게", max_new_tokens=3)
    assert short[-1].finish in ("length", "stop")
    assert engine._loop.running, "the long answer is still being written"
    assert list(long)[-1].finish in ("length", "stop")


def test_a_prompt_longer_than_the_context(engine: TransformersEngine) -> None:
    with pytest.raises(BadInput) as told:
        ask(engine, "안녕하세요. " * 500)
    assert told.value.key == "error.prompt_too_long"
    assert told.value.details["limit"] == 512 and int(str(told.value.details["tokens"])) > 512


def test_the_answer_ends_where_the_context_does(engine: TransformersEngine) -> None:
    pieces = ask(engine, "가" * 160, max_new_tokens=1000, temperature=5.0)
    last = pieces[-1]
    assert last.finish == "length" and (last.prompt_tokens or 0) + (last.answer_tokens or 0) == 512


def test_a_beginning_is_continued_as_it_stands(engine: TransformersEngine, loaded: Loaded) -> None:
    messages = (Message(role="user", content="안녕하세요"),)
    assert engine.render(messages, prefill="점심은 ") == engine.render(messages) + "점심은 "
    whole = ask(engine, "안녕하세요", prefill="점심은 ")
    ids = loaded.tokenizer(engine.render(messages) + "점심은 ", add_special_tokens=False, return_tensors="pt")
    with torch.inference_mode():
        made = loaded.model.generate(**ids, do_sample=False, max_new_tokens=24)[0, ids["input_ids"].shape[1] :]
    assert text_of(whole) == decoded(loaded, [token for token in made.tolist() if token != 1])


def test_what_a_template_of_the_assistant_says_is_used(engine: TransformersEngine) -> None:
    messages = (Message(role="user", content="안녕"),)
    assert engine.render(messages, "{{ messages[0]['content'] }}!") == "안녕!"


def test_tokens_concatenate_to_the_text(engine: TransformersEngine) -> None:
    for text in (
        "안녕하세요. Hello!",
        engine.render((Message(role="user", content="똠방각하 펲시콜라"),)),
        "",
        "👩‍👩‍👧 x",
    ):
        pieces = engine.tokens(text)
        assert pieces is not None and "".join(pieces) == text


def test_a_tokenizer_that_asks_for_cutting_serves_many_at_once(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "cutting"))
    inner = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    inner["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    (folder / "tokenizer.json").write_text(json.dumps(inner), "utf-8")
    engine = TransformersEngine.open(folder)
    try:
        with ThreadPoolExecutor(8) as people:
            counts = {answer[-1].prompt_tokens for answer in people.map(lambda _: ask(engine, "안녕" * 50), range(16))}
        assert len(counts) == 1 and (counts.pop() or 0) > 50
    finally:
        engine.close()


def test_a_base_model_gets_the_plain_template(tmp_path: Path) -> None:
    engine = TransformersEngine.open(tiny_model(tmp_path / "base", chat_template=False))
    try:
        assert engine.chat_template == PLAIN_TEMPLATE
        shown = engine.render((Message(role="system", content="S"), Message(role="user", content="U")))
        assert shown == "S\n\nUser: U\n\nAssistant:\n"
        assert "\nUser:" in engine._stops(request("x", stop=("끝",)))
        assert ask(engine, "안녕")[-1].finish
    finally:
        engine.close()


class Broken(torch.nn.Module):
    """A model whose forward pass fails while `fault` is set."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.fault = model, None
        self.config, self.device, self.dtype = model.config, model.device, model.dtype

    def forward(self, input_ids: Any = None, position_ids: Any = None, logits_to_keep: Any = 0, **fields: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return self.model(input_ids=input_ids, position_ids=position_ids, logits_to_keep=logits_to_keep, **fields)

    def get_input_embeddings(self) -> Any:
        return self.model.get_input_embeddings()

    def get_memory_footprint(self) -> int:
        return 1


@pytest.fixture
def broken(loaded: Loaded) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(Loaded(Broken(loaded.model), loaded.tokenizer))
    yield engine
    engine.close()


def test_a_fault_in_the_engine_reaches_its_callers_and_the_next_are_served(broken: TransformersEngine) -> None:
    broken.model.fault = ValueError("bad numbers")
    with ThreadPoolExecutor(3) as people:
        asked = [people.submit(ask, broken, "안녕") for _ in range(3)]
        for one in asked:
            with pytest.raises(EngineFailure, match="bad numbers") as told:
                one.result(timeout=20)
            assert isinstance(told.value.__cause__, ValueError)
    broken.model.fault = None
    assert ask(broken, "안녕")[-1].finish


def test_no_memory_has_a_sentence_and_hits_in_the_middle_too(broken: TransformersEngine) -> None:
    stream = broken.stream(request("안녕", max_new_tokens=400, temperature=5.0))
    next(stream)
    broken.model.fault = torch.OutOfMemoryError("no room")
    with pytest.raises(ModelProblem) as told:
        list(stream)
    assert told.value.key == "error.out_of_memory"
    broken.model.fault = None
    assert ask(broken, "안녕")[-1].finish


def test_closing_the_engine_ends_streams_under_way(tiny: Path) -> None:
    engine = TransformersEngine(load(tiny, torch.device("cpu")))
    stream = engine.stream(request("안녕", max_new_tokens=400, temperature=5.0))
    next(stream)
    engine.close()
    assert list(stream)[-1].finish == "stopped"
    assert not engine._loop.thread.is_alive()
    assert engine.chat_template and engine.context_length == 512


def test_rows_are_limited_by_memory_and_nobody_is_lost(loaded: Loaded) -> None:
    engine = TransformersEngine(loaded, cache_bytes=1)
    try:
        started = time.monotonic()
        with ThreadPoolExecutor(5) as people:
            asked = [people.submit(ask, engine, f"질문 {n}", max_new_tokens=4) for n in range(5)]
            most = 0
            while not all(one.done() for one in asked):
                most = max(most, len(engine._loop.running))
                time.sleep(0.001)
                assert time.monotonic() - started < 30
        assert most <= 1 and all(one.result()[-1].finish for one in asked)
    finally:
        engine.close()
