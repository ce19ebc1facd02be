"""Adapters answer as PEFT itself would, and one that is damaged, foreign or made for another model does not."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from backend.answering import Answering, Question
from backend.assistants import AdapterRef, Assistant, Decoding, ModelRef, Weights
from backend.errors import BadInput, Busy, ModelProblem, NotFound
from backend.evaluation.identity import fingerprint
from backend.examples.task import MAX_LABELS
from backend.jobs.folder import RunFolder
from backend.jobs.run import RunConfig, RunState
from backend.messages import Message
from backend.models.adapter_files import CARD, CONFIG, PEFT_TENSORS, WHOLE_TENSORS, checked, content_id, read_card
from backend.models.adapters import Adapters, verified
from backend.models.endpoints import Endpoints
from backend.models.engine import Engine, Request
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.models.opening import engine_over, open_engine
from backend.projects.folder import Project
from backend.projects.projects import Projects
from backend.settings import Settings
from tests.models.adapters import KINDS, base_card, peft_adapter, stirred, weights_adapter
from tests.tiny import tiny_model

# What PEFT says of prompt tuning in its own `generate`: positions follow from the cache, as they do here.
pytestmark = pytest.mark.filterwarnings("ignore:Position ids are not supported")

TEXTS = ("영화가 좋았습니다.", "Hello", "김치찌개를 먹었습니다. 정말 맛있었습니까?")
LENGTH = 24


def told(engine: Engine, text: str) -> str:
    request = Request((Message(role="user", content=text),), Decoding(max_new_tokens=LENGTH))
    return "".join(piece.text for piece in engine.stream(request))


def answered(folder: Path, adapter: Path | None = None, **more: Any) -> list[str]:
    engine = open_engine(folder, adapter=adapter, **more)
    try:
        return [told(engine, text) for text in TEXTS]
    finally:
        engine.close()


def generated(model: Any, folder: Path, texts: Sequence[str] = TEXTS) -> list[str]:
    """What the library's own `generate` makes of the same prompts."""
    import torch
    import transformers

    library: Any = transformers
    tokenizer = library.AutoTokenizer.from_pretrained(folder)
    found = []
    for text in texts:
        turns = [{"role": "user", "content": text}]
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            out = model.generate(**ids, do_sample=False, max_new_tokens=LENGTH, pad_token_id=0)
        found.append(tokenizer.decode(out[0][ids["input_ids"].shape[1] :], skip_special_tokens=True))
    return found


def same(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Equal but for the parts of a last character that was not finished."""
    cut = [[text.rstrip("\ufffd") for text in texts] for texts in (found, wanted)]
    return cut[0] == cut[1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_answers_as_peft_itself(tiny: Path, tmp_path: Path, kind: str) -> None:
    import peft
    import transformers

    folder = peft_adapter(tmp_path / kind, tiny, kind)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    wanted = generated(peft.PeftModel.from_pretrained(model, str(folder)).eval(), tiny)
    found = answered(tiny, folder)
    assert same(found, wanted)
    assert not same(found, answered(tiny)), "an adapter that changes nothing would prove nothing"


@pytest.mark.parametrize("kind", ["lora", "prompt_tuning", "prefix_tuning"])
def test_a_model_in_training_answers_and_goes_on_training(tiny: Path, kind: str) -> None:
    import torch
    import transformers

    library: Any = transformers
    over = stirred(library.AutoModelForCausalLM.from_pretrained(tiny), kind)
    wanted = generated(over, tiny)
    over.train()
    engine = engine_over(over, library.AutoTokenizer.from_pretrained(tiny))
    assert same([told(engine, text) for text in TEXTS], wanted)
    engine.close()
    assert over.training
    ids = torch.arange(9)[None]
    loss = over(input_ids=ids, labels=ids).loss
    loss.backward()
    moved = [parameter.grad for parameter in over.parameters() if parameter.requires_grad]
    assert all(grad is not None and bool(grad.isfinite().all()) for grad in moved)


def test_several_at_once_behind_a_learned_prompt_get_what_each_gets_alone(tiny: Path, tmp_path: Path) -> None:
    folder = peft_adapter(tmp_path / "p", tiny, "prefix_tuning")
    wanted = answered(tiny, folder)
    engine, found = open_engine(tiny, adapter=folder), dict.fromkeys(TEXTS, "")

    def ask(text: str) -> None:
        found[text] = told(engine, text)

    threads = [threading.Thread(target=ask, args=(text,)) for text in TEXTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()
    assert list(found.values()) == wanted


def test_a_learned_prompt_takes_room_and_is_part_of_the_loss(tiny: Path, tmp_path: Path) -> None:
    import peft
    import torch
    import transformers

    from backend.models.forcing import Forced, losses

    folder = peft_adapter(tmp_path / "p", tiny, "prompt_tuning")
    rows = [Forced((5, 6, 7), (8, 9)), Forced((11, 12), (13, 14, 15))]
    engine: Any = open_engine(tiny, adapter=folder)
    found = dict(losses(engine, rows))
    assert engine.context_length == 512 - 5
    engine.close()
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    model = peft.PeftModel.from_pretrained(model, str(folder)).eval()
    for place, row in enumerate(rows):
        ids = torch.tensor([row.ids])
        labels = torch.tensor([[-100] * len(row.prompt) + list(row.output)])
        with torch.no_grad():
            mean = float(model(input_ids=ids, labels=labels, attention_mask=torch.ones_like(ids)).loss)
        assert found[place] == pytest.approx(mean * len(row.output), rel=1e-4)


def test_models_that_share_no_slab_take_a_learned_prompt_too(tmp_path: Path) -> None:
    """Attention that adds a bias of its own is not run in slots; each row then has its own copy of the prompt."""
    import peft
    import transformers

    library: Any = transformers
    config = library.BloomConfig(hidden_size=32, n_layer=2, n_head=4)
    base = tiny_model(tmp_path / "bloom", config=config)
    folder = peft_adapter(tmp_path / "p", base, "prompt_tuning")
    engine: Any = open_engine(base, adapter=folder)
    assert not engine.reads_together
    found = [told(engine, text) for text in TEXTS]
    engine.close()
    model = peft.PeftModel.from_pretrained(library.AutoModelForCausalLM.from_pretrained(base), str(folder)).eval()
    assert same(found, generated(model, base))


# --- quantized bases ------------------------------------------------------------------------------------------------


def small(folder: Path, quantization: Any) -> Any:
    import torch
    import transformers

    from backend.models.quantizing import quantization_config

    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=quantization_config(quantization, torch.float32), device_map={"": "cpu"}
    )


@pytest.mark.parametrize(
    ("kind", "quantization"),
    [("lora", "int8"), ("lora", "nf4"), ("ia3", "int8"), ("ia3", "nf4"), ("prompt_tuning", "nf4")],
)
def test_an_adapter_over_a_quantized_base(tiny: Path, tmp_path: Path, kind: str, quantization: Any) -> None:
    import peft

    folder = peft_adapter(tmp_path / kind, tiny, kind)
    over = peft.PeftModel.from_pretrained(small(tiny, quantization), str(folder)).eval()
    found = answered(tiny, folder, quantization=quantization)
    assert same(found, generated(over, tiny))
    assert not same(found, answered(tiny, quantization=quantization))


def test_a_learned_prompt_over_8_bits_is_near(tiny: Path, tmp_path: Path) -> None:
    """LLM.int8 keeps whole the columns in which any token of a pass stands out, so how a prompt is cut changes it."""
    import peft
    import torch

    from backend.models.forcing import Forced, losses

    folder = peft_adapter(tmp_path / "p", tiny, "prompt_tuning")
    engine: Any = open_engine(tiny, quantization="int8", adapter=folder)
    row = Forced(tuple(range(20, 40)), tuple(range(60, 70)))
    ((_, found),) = losses(engine, [row])
    engine.close()
    over = peft.PeftModel.from_pretrained(small(tiny, "int8"), str(folder)).eval()
    labels = torch.tensor([[-100] * len(row.prompt) + list(row.output)])
    with torch.no_grad():
        wanted = float(over(input_ids=torch.tensor([row.ids]), labels=labels).loss) * len(row.output)
    assert found == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_answers_before_training_leave_a_quantized_model_fit_to_learn(tiny: Path, quantization: Any) -> None:
    import torch
    import transformers

    library: Any = transformers

    def gradients(asked: bool) -> dict[str, torch.Tensor]:
        over = stirred(small(tiny, quantization), "lora")
        if asked:
            engine = engine_over(over, library.AutoTokenizer.from_pretrained(tiny))
            assert told(engine, "안녕")
            engine.close()
        over.train()
        ids = torch.arange(20, 40)[None]
        over(input_ids=ids, labels=ids).loss.backward()
        return {name: p.grad for name, p in over.named_parameters() if p.grad is not None}

    alone, after = gradients(False), gradients(True)
    assert alone.keys() == after.keys() and alone
    for name, grad in alone.items():
        assert torch.allclose(grad, after[name], rtol=1e-4, atol=1e-5), name


# --- tensors of the model itself, and heads ---------------------------------------------------------------------------


def whole(folder: Path, base: Path, change: Callable[[str], bool], labels: tuple[str, ...] = ()) -> Any:
    """An adapter of kind "weights" whose tensors are those that `change` names; returns the model it stands for."""
    import torch
    import transformers
    from safetensors.torch import save_file

    from backend.models.adapter_card import AdapterCard
    from backend.models.adapter_files import write_card
    from backend.models.heads import head_arguments, ready_head

    library: Any = transformers
    kind = library.AutoModelForSequenceClassification if labels else library.AutoModelForCausalLM
    torch.manual_seed(3)
    model = kind.from_pretrained(base, **(head_arguments(labels) if labels else {})).eval()
    if labels:
        ready_head(model, library.AutoTokenizer.from_pretrained(base))
    for name, parameter in model.named_parameters():
        if change(name):
            parameter.data += torch.randn_like(parameter) * 0.1
    folder.mkdir()
    changed = {name: p.detach().contiguous() for name, p in model.named_parameters() if change(name)}
    save_file(changed, folder / "weights.safetensors", metadata={"format": "pt"})
    card = AdapterCard(
        kind="weights",
        task="head" if labels else "causal",
        method="frozen" if labels else "full",
        labels=labels,
        base=base_card(base),
    )
    write_card(folder, card)
    return model


def test_trained_tensors_take_the_place_of_the_models_own(tiny: Path, tmp_path: Path) -> None:
    model = whole(tmp_path / "w", tiny, lambda name: ".layers.1." in name)
    found = answered(tiny, tmp_path / "w")
    assert same(found, generated(model, tiny)) and not same(found, answered(tiny))


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_trained_tensors_are_there_before_they_are_rounded(tiny: Path, tmp_path: Path, quantization: Any) -> None:
    model = whole(tmp_path / "w", tiny, lambda name: True)
    model.save_pretrained(tmp_path / "saved")
    wanted = generated(small(tmp_path / "saved", quantization).eval(), tiny)
    assert same(answered(tiny, tmp_path / "w", quantization=quantization), wanted)


def test_a_head_answers_with_a_label_and_its_probability(tiny: Path, tmp_path: Path) -> None:
    import torch

    labels = ("긍정", "부정", "보통")
    model = whole(tmp_path / "h", tiny, lambda name: name.startswith("score"), labels)
    engine = open_engine(tiny, adapter=tmp_path / "h")
    for text in TEXTS:
        messages = (Message(role="user", content=text),)
        (piece,) = engine.stream(Request(messages, Decoding(), candidates=2))
        ids = engine.tokenizer(engine.render(messages), add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            wanted = model(**ids).logits.softmax(-1)[0]
        assert piece.text == labels[int(wanted.argmax())] and piece.finish == "stop"
        assert piece.choices[0].probability == pytest.approx(float(wanted.max()), abs=1e-4)
        assert len(piece.choices[0].best) == 2
    with pytest.raises(BadInput) as caught:
        next(iter(engine.stream(Request((), Decoding(), prefill="긍"))))
    assert caught.value.key == "error.adapter_head_prefill"
    engine.close()


@pytest.mark.parametrize("quantization", [None, "nf4", "int8"])
def test_a_head_learned_with_lora(tiny: Path, tmp_path: Path, quantization: Any) -> None:
    """Many asked at once get what each gets alone, in batches padded as in training."""
    import torch
    import transformers

    from backend.models.adapter_card import AdapterCard
    from backend.models.adapter_files import write_card
    from backend.models.heads import head_arguments, ready_head
    from backend.models.quantizing import quantization_config

    labels, library = ("긍정", "부정"), transformers
    more: Any = head_arguments(labels)
    if quantization:
        more |= {"quantization_config": quantization_config(quantization, torch.float32), "device_map": {"": "cpu"}}
    model: Any = library.AutoModelForSequenceClassification.from_pretrained(tiny, **more)
    ready_head(model, library.AutoTokenizer.from_pretrained(tiny))
    over = stirred(model, "lora", "SEQ_CLS")
    over.save_pretrained(tmp_path / "h")
    card = AdapterCard(kind="peft", task="head", method="lora", labels=labels, base=base_card(tiny))
    write_card(tmp_path / "h", card)
    engine = open_engine(tiny, adapter=tmp_path / "h", quantization=quantization)
    messages = [(Message(role="user", content=text * count),) for text in TEXTS for count in (1, 5)]
    found: dict[int, Any] = {}

    def ask(place: int) -> None:
        found[place] = next(iter(engine.stream(Request(messages[place], Decoding()))))

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(messages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, asked in enumerate(messages):
        ids = engine.tokenizer(engine.render(asked), add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            wanted = over(**ids).logits.softmax(-1)[0]
        assert found[place].text == labels[int(wanted.argmax())]
        # 8 bits round by what else is in the batch, so there the figure wavers.
        near = 0.05 if quantization == "int8" else 1e-3
        assert found[place].choices[0].probability == pytest.approx(float(wanted.max()), abs=near)
    engine.close()


# --- kept, found, refused ---------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def host(home: Path, tiny: Path) -> Any:
    settings = Settings(home=home)
    add_folder(settings, str(tiny))
    found = ModelHost(settings, Endpoints(home, True))
    yield found
    found.close()


@pytest.fixture
def project(home: Path) -> Any:
    projects = Projects(home / "projects")
    yield projects.open("owner", projects.create("owner", "훈련").id)
    projects.close()


def test_the_same_content_is_kept_once_and_found_by_its_id(
    host: ModelHost, project: Project, tiny: Path, tmp_path: Path
) -> None:
    made = peft_adapter(tmp_path / "a", tiny, created=5.0, run="r1")
    ref = host.adapters.keep(project, made)
    assert host.adapters.keep(project, peft_adapter(tmp_path / "b", tiny, created=9.0, run="r2")) == ref
    other = host.adapters.keep(project, peft_adapter(tmp_path / "c", tiny, seed=2))
    assert other != ref
    folder = host.adapters.folder_of(ref)
    assert folder.parent.parent.parent == project.folder and verified(folder).method == "lora"
    assert {file.name for file in folder.iterdir()} == {CARD, CONFIG, PEFT_TENSORS}
    assert str(tiny) not in (folder / CONFIG).read_text("utf-8"), "no path of this machine is kept"
    assert not list(folder.parent.glob(".*")), "nothing half-made stays"
    assert {one.id for one, _ in host.adapters.list(project)} == {ref.id, other.id}
    with pytest.raises(NotFound) as caught:
        host.adapters.folder_of(AdapterRef(id="0" * 32, method="dora"))
    assert caught.value.details == {"method": "dora"}


def test_an_adapter_goes_when_nobody_needs_it(host: ModelHost, project: Project, tmp_path: Path) -> None:
    ref = host.adapters.keep(project, weights_adapter(tmp_path / "a", "1" * 32))
    project.assistants.save("훈련", Assistant())
    size = host.adapters.size(host.adapters.folder_of(ref))
    assert host.adapters.frees(project, ref) == host.adapters.remove(project, ref) == size > 0
    assert host.adapters.frees(project, ref) == 0
    with pytest.raises(NotFound):
        host.adapters.remove(project, ref)


def save_elsewhere(project: Project, ref: AdapterRef) -> Project:
    """Another project of the same owner, with an assistant that answers with the adapter."""
    projects = Projects(project.folder.parent.parent)
    other = projects.open("owner", projects.create("owner", "다른").id)
    other.assistants.save("남", Assistant(adapter=ref))
    return other


def begin_run(project: Project, ref: AdapterRef, state: str = "interrupted") -> None:
    """A run that trains the adapter further."""
    folder = RunFolder(project.runs_folder / "20260101-000000000000-0123abcd")
    folder.path.mkdir()
    config = {"assistant": Assistant(adapter=ref).model_dump(mode="json")}
    folder.write_config(RunConfig(kind="training", title="더", created=1.0, config=config))
    folder.write_state(RunState.model_validate({"state": state}))


def bin_version(project: Project, ref: AdapterRef) -> None:
    project.assistants.save("훈련", Assistant(adapter=ref))
    project.assistants.save("훈련", Assistant())
    project.assistants.remove("훈련")


NEEDS: dict[str, tuple[Callable[[Project, AdapterRef], object], str]] = {
    "a version": (lambda project, ref: project.assistants.save("훈련", Assistant(adapter=ref)), "훈련 1"),
    "a version in the bin": (bin_version, "훈련 1"),
    "another project": (save_elsewhere, "남 1"),
    "a run that trains it further": (begin_run, "더"),
}


@pytest.mark.parametrize("need", NEEDS)
def test_an_adapter_that_somebody_needs_stays(host: ModelHost, project: Project, tmp_path: Path, need: str) -> None:
    ref = host.adapters.keep(project, weights_adapter(tmp_path / "a", "1" * 32))
    make, name = NEEDS[need]
    make(project, ref)
    assert host.adapters.frees(project, ref) == 0
    with pytest.raises(Busy) as caught:
        host.adapters.remove(project, ref)
    assert caught.value.details == {"name": name}
    assert host.adapters.folder_in(project, ref).is_dir()


def test_who_needs_it_no_more_does_not_hold_it(host: ModelHost, project: Project, tmp_path: Path) -> None:
    """A run that came to its end has read it, and another project with a copy reads its own."""
    ref = host.adapters.keep(project, weights_adapter(tmp_path / "a", "1" * 32))
    other = save_elsewhere(project, ref)
    host.adapters.keep(other, tmp_path / "a")
    begin_run(project, ref, "succeeded")
    assert host.adapters.remove(project, ref) > 0
    assert host.adapters.folder_in(project, ref).is_relative_to(other.folder)


def test_files_are_given_out_to_their_owner_only(host: ModelHost, project: Project, tmp_path: Path) -> None:
    ref = host.adapters.keep(project, weights_adapter(tmp_path / "a", "1" * 32))
    projects = Projects(project.folder.parent.parent)
    stranger = projects.open("lee", projects.create("lee", "남").id)
    assert host.adapters.folder_of(ref) == host.adapters.folder_in(project, ref)
    with pytest.raises(NotFound):
        host.adapters.folder_in(stranger, ref)
    mate = projects.open("owner", projects.create("owner", "둘").id)
    assert host.adapters.folder_in(mate, ref).is_relative_to(project.folder)


def test_what_a_kill_left_half_made_goes_after_a_day(host: ModelHost, project: Project, tmp_path: Path) -> None:
    place = project.files / "adapters"
    for name in (".old.part", ".new.part"):
        (place / name).mkdir(parents=True)
        (place / name / CARD).write_text("half", "utf-8")
    os.utime(place / ".old.part", (1.0, 1.0))
    host.adapters.keep(project, weights_adapter(tmp_path / "a", "1" * 32))
    assert [path.name for path in place.glob(".*")] == [".new.part"]


def test_two_adapters_over_one_base_at_once(host: ModelHost, project: Project, tiny: Path, tmp_path: Path) -> None:
    refs = [host.adapters.keep(project, peft_adapter(tmp_path / str(seed), tiny, seed=seed)) for seed in (1, 2)]
    model, answers = ModelRef(kind="local", name=str(tiny)), Answering(host)
    decoding = Decoding(max_new_tokens=LENGTH)
    both = [Assistant(model=model, adapter=ref, decoding=decoding) for ref in refs]
    streams = [answers.answer(one, Question({"input": TEXTS[0]})) for one in [*both, Assistant(model=model)]]
    texts, alive = [""] * 3, set(range(3))
    while alive:
        for place in sorted(alive):
            answer = next(streams[place], None)
            if answer is None:
                alive.discard(place)
            else:
                texts[place] = answer.text
    assert len(set(texts)) == 3
    assert texts[:2] == [answered(tiny, tmp_path / str(seed))[0] for seed in (1, 2)]
    assert len(host.loaded()) == 3 and len({one.variant for one in host.loaded()}) == 3


def test_another_base_is_refused_with_both_names(host: ModelHost, project: Project, tiny: Path, tmp_path: Path) -> None:
    other = tiny_model(tmp_path / "other", seed=9)
    ref = host.adapters.keep(project, peft_adapter(tmp_path / "a", other))
    weights = Weights(model=ModelRef(kind="local", name=str(tiny)), adapter=ref)
    with pytest.raises(ModelProblem) as caught, host.engine(weights):
        pass
    assert caught.value.key == "error.adapter_base"
    assert caught.value.details == {"adapter_base": "matchum-starter", "model": "tiny"}
    with pytest.raises(ModelProblem) as caught:
        open_engine(tiny, adapter=host.adapters.folder_of(ref))
    assert caught.value.key == "error.adapter_base"


def test_a_base_deleted_meanwhile_is_told(host: ModelHost, project: Project, tmp_path: Path) -> None:
    base = tiny_model(tmp_path / "base")
    ref = host.adapters.keep(project, peft_adapter(tmp_path / "a", base))
    add_folder(host._settings, str(base))
    shutil.rmtree(base)
    with pytest.raises(NotFound) as caught, host.engine(Weights(model=_local(base), adapter=ref)):
        pass
    assert caught.value.details["model"] == "base"


def test_a_model_of_another_server_takes_no_adapter(home: Path) -> None:
    endpoints = Endpoints(home, False)
    there = endpoints.add("a", "http://127.0.0.1:9/v1")
    host = ModelHost(Settings(home=home), endpoints)
    ref = ModelRef(kind="endpoint", name="m", endpoint=there.id)
    with pytest.raises(BadInput) as caught, host.engine(Weights(model=ref, adapter=AdapterRef(id="1" * 32))):
        pass
    assert caught.value.key == "error.adapter_endpoint"
    host.close()


def test_answers_are_named_by_the_adapters_content(host: ModelHost, tiny: Path) -> None:
    plain = Assistant(model=ModelRef(kind="local", name=str(tiny)))
    one = plain.model_copy(update={"adapter": AdapterRef(id="1" * 32, method="lora")})
    renamed = plain.model_copy(update={"adapter": AdapterRef(id="1" * 32, method="LoRA, of Kim")})
    other = plain.model_copy(update={"adapter": AdapterRef(id="2" * 32, method="lora")})
    small = one.model_copy(update={"quantization": "nf4"})
    names = [fingerprint(assistant, host.where) for assistant in (plain, one, renamed, other, small)]
    assert names[1] == names[2] and len(set(names)) == 4
    assert plain.to_json() == Assistant.from_json(plain.to_json()).to_json()


@pytest.mark.parametrize("file", [CARD, CONFIG, PEFT_TENSORS])
def test_what_was_changed_after_it_was_kept_does_not_answer(
    host: ModelHost, project: Project, tiny: Path, tmp_path: Path, file: str
) -> None:
    ref = host.adapters.keep(project, peft_adapter(tmp_path / "a", tiny))
    target = host.adapters.folder_of(ref) / file
    if file == PEFT_TENSORS:
        content = bytearray(target.read_bytes())
        content[-1] ^= 0x40
        target.write_bytes(bytes(content))
    else:
        told = json.loads(target.read_text("utf-8"))
        told |= {"method": "dora"} if file == CARD else {"lora_alpha": 4000}
        target.write_text(json.dumps(told), "utf-8")
    with pytest.raises(ModelProblem) as caught, host.engine(Weights(model=_local(tiny), adapter=ref)):
        pass
    assert caught.value.key == "error.adapter_damaged"
    # What was kept is mended by keeping the original once more.
    assert host.adapters.keep(project, tmp_path / "a") == ref
    with host.engine(Weights(model=_local(tiny), adapter=ref)) as engine:
        assert told_something(engine)


def told_something(engine: Engine) -> bool:
    return bool(told(engine, "안녕"))


def _local(folder: Path) -> ModelRef:
    return ModelRef(kind="local", name=str(folder))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"auto_mapping": {"base_model_class": "X", "parent_library": "os"}}, "auto_mapping"),
        ({"megatron_config": {"x": 1}, "megatron_core": "antigravity"}, "megatron_config"),
        ({"target_modules": "(a+)+$"}, "target_modules"),
        ({"target_modules": ["(a+)+$"]}, "target_modules"),
        ({"rank_pattern": {"(a+)+$": 3}}, "rank_pattern"),
        ({"r": 10**9}, "r"),
        ({"r": "8"}, "r"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
        ({"layer_replication": [[0, 100000]]}, "layer_replication"),
        ({"peft_type": "XLORA"}, "peft_type"),
        ({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 10**8}, "num_virtual_tokens"),
        ({"task_type": "SEQ_CLS"}, "task_type"),
        ({"trust_remote_code": True}, "trust_remote_code"),
        ({"eva_config": {"rho": 2.0}}, "eva_config"),
        ({"modules_to_save": ["embed_tokens"]}, "modules_to_save"),
        ({"save_projection": False}, "save_projection"),
        ({"prefix_projection": True}, "prefix_projection"),
        ({"encoder_reparameterization_type": "LSTM"}, "encoder_reparameterization_type"),
    ],
)
def test_a_configuration_that_could_do_harm_is_refused(
    tiny: Path, tmp_path: Path, changed: dict[str, Any], field: str
) -> None:
    folder = peft_adapter(tmp_path / "a", tiny)
    config = json.loads((folder / CONFIG).read_text("utf-8")) | changed
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelProblem) as caught:
        checked(folder)
    assert (caught.value.key, caught.value.details) == ("error.adapter_config", {"field": field})


def test_no_path_and_no_name_in_a_configuration_is_followed(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = peft_adapter(tmp_path / "a", tiny, "prompt_tuning")
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    config |= {
        "prompt_tuning_init": "TEXT",
        "prompt_tuning_init_text": "x",
        "tokenizer_name_or_path": "/nowhere/at/all",
        "tokenizer_kwargs": {"trust_remote_code": True},
        "base_model_name_or_path": "somebody/else",
        "revision": "main",
    }
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    asked: list[object] = []
    monkeypatch.setattr("huggingface_hub.file_download.hf_hub_download", lambda *a, **k: asked.append(a))
    untouched = peft_adapter(tmp_path / "b", tiny, "prompt_tuning")
    assert answered(tiny, folder) == answered(tiny, untouched) and not asked


@pytest.mark.parametrize("break_", ["no card", "no tensors", "cut", "other tensors", "missing tensor", "wrong shape"])
def test_a_damaged_folder_is_named_by_its_file(tiny: Path, tmp_path: Path, break_: str) -> None:
    from safetensors.torch import load_file, save_file

    folder = peft_adapter(tmp_path / "a", tiny)
    tensors = load_file(folder / PEFT_TENSORS)
    first = sorted(tensors)[0]
    if break_ == "no card":
        (folder / CARD).write_text("{", "utf-8")
    elif break_ == "no tensors":
        (folder / PEFT_TENSORS).unlink()
    elif break_ == "cut":
        (folder / PEFT_TENSORS).write_bytes((folder / PEFT_TENSORS).read_bytes()[:-8])
    elif break_ == "other tensors":
        save_file(tensors | {"base_model.model.lm_head.weight": tensors[first].clone()}, folder / PEFT_TENSORS)
    elif break_ == "missing tensor":
        save_file({name: one for name, one in tensors.items() if name != first}, folder / PEFT_TENSORS)
    else:
        save_file(tensors | {first: tensors[first][:, :3].contiguous()}, folder / PEFT_TENSORS)
    with pytest.raises(ModelProblem) as caught:
        open_engine(tiny, adapter=folder)
    assert caught.value.key == "error.adapter_damaged"
    assert caught.value.details["file"] == (CARD if break_ == "no card" else PEFT_TENSORS)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("lora", {"r": 8192}),
        ("dora", {"rank_pattern": {"q_proj": 8192}}),
        ("lora", {"target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]}),
        ("adalora", {"init_r": 8192}),
        ("adalora", {"init_r": 8192, "rank_pattern": {"model.layers.0.self_attn.q_proj": [True, False]}}),
        ("vera", {"r": 8192}),
        ("prompt_tuning", {"token_dim": 1_000_000}),
        ("prefix_tuning", {"num_layers": 8192}),
        ("p_tuning", {"num_virtual_tokens": 500}),
    ],
)
def test_what_asks_for_more_than_its_file_holds_takes_no_memory(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, changed: dict[str, Any]
) -> None:
    import peft

    folder = peft_adapter(tmp_path / "a", tiny, kind)
    config = json.loads((folder / CONFIG).read_text("utf-8")) | changed
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    opened: list[object] = []
    monkeypatch.setattr(peft.PeftModel, "from_pretrained", lambda *a, **k: opened.append(a))
    with pytest.raises(ModelProblem) as caught:
        open_engine(tiny, adapter=folder)
    assert (caught.value.key, caught.value.details["file"]) == ("error.adapter_damaged", PEFT_TENSORS)
    assert not opened


def test_a_file_that_lies_about_its_shapes_takes_no_memory(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import struct

    import peft

    folder = peft_adapter(tmp_path / "a", tiny)
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    (folder / CONFIG).write_text(json.dumps(config | {"r": 8192}), "utf-8")
    content = (folder / PEFT_TENSORS).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    for tensor in header.values():
        tensor["shape"] = [8192 if side == config["r"] else side for side in tensor.get("shape", ())]
    told = json.dumps({name: tensor for name, tensor in header.items() if name != "__metadata__"}).encode()
    (folder / PEFT_TENSORS).write_bytes(struct.pack("<Q", len(told)) + told + content[8 + length :])
    opened: list[object] = []
    monkeypatch.setattr(peft.PeftModel, "from_pretrained", lambda *a, **k: opened.append(a))
    with pytest.raises(ModelProblem) as caught:
        open_engine(tiny, adapter=folder)
    assert caught.value.key == "error.adapter_damaged" and not opened


def test_what_adalora_cut_away_is_no_damage(tiny: Path, tmp_path: Path) -> None:
    """After its schedule the file holds fewer ranks than the layers begin with."""
    import transformers

    model: Any = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    over = stirred(model, "adalora")
    names = [name for name, _ in over.named_parameters() if name.endswith("lora_E.default")]
    kept = [True, True, False, False]
    over.peft_config["default"].rank_pattern = {name.removeprefix("base_model.model."): kept for name in names}
    over.save_pretrained(tmp_path / "a")
    Adapters(tmp_path).write_card(tmp_path / "a", read_card(peft_adapter(tmp_path / "b", tiny, "adalora")))
    assert not same(answered(tiny, tmp_path / "a"), answered(tiny))


def test_a_head_that_was_not_trained_does_not_answer(tiny: Path, tmp_path: Path) -> None:
    whole(tmp_path / "h", tiny, lambda name: ".layers.1." in name, ("긍정", "부정"))
    with pytest.raises(ModelProblem) as caught:
        open_engine(tiny, adapter=tmp_path / "h")
    assert (caught.value.key, caught.value.details) == ("error.adapter_damaged", {"file": WHOLE_TENSORS})


def test_more_classes_than_a_task_has_are_refused(tiny: Path, tmp_path: Path) -> None:
    whole(tmp_path / "h", tiny, lambda name: name.startswith("score"), ("긍정", "부정"))
    card = read_card(tmp_path / "h")
    labels = tuple(str(number) for number in range(MAX_LABELS + 1))
    Adapters(tmp_path).write_card(tmp_path / "h", card.model_copy(update={"labels": labels}))
    with pytest.raises(ModelProblem) as caught:
        checked(tmp_path / "h")
    assert (caught.value.key, caught.value.details) == ("error.adapter_damaged", {"file": CARD})


def test_dates_are_no_part_of_the_name_and_labels_are(tiny: Path, tmp_path: Path) -> None:
    folder = peft_adapter(tmp_path / "a", tiny)
    name, card = content_id(folder), read_card(folder)
    Adapters(tmp_path).write_card(folder, card.model_copy(update={"created": 7.0, "run": "x", "more": {"a": 1}}))
    assert content_id(folder) == name
    Adapters(tmp_path).write_card(folder, card.model_copy(update={"labels": ("a", "b")}))
    assert content_id(folder) != name
