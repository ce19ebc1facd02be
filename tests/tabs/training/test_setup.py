"""The setup without a browser: what choices make of the config, what is kept, what is refused, what is shown first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast, get_args

import gradio as gr
import pytest

from backend.assistants import Assistant, Instructions, ModelRef
from backend.errors import BadInput, StorageProblem
from backend.examples.example import NewExample
from backend.examples.splits import make_splits, plan_splits
from backend.examples.task import Task
from backend.models.tokenizing import Tokenizing
from backend.projects.folder import Project
from backend.services import Services, create_services
from backend.settings import Settings
from backend.training.config import Objective, TrainingConfig
from backend.training.methods.catalog import METHODS
from backend.training.rows.documents import document_rows
from backend.training.rows.making import drawn
from backend.training.takeaway.yaml_file import write_config
from backend.training.telling.history import DRAFT as CLONED
from tabs.text import Words
from tabs.training import setup_files, setup_part, setup_rows
from tabs.training.setup_choosing import Choosing
from tabs.training.setup_desk import Desk
from tabs.training.setup_doing import Doing
from tabs.training.setup_draft import LOADED, MODEL, SAVED, read_setup
from tabs.training.setup_form import FIELDS, GROUPS, allowed, read_fields, shown_fields, values_of
from tabs.training.setup_kinds import KINDS, OTHER, kind_of, offered_kinds, with_kind
from tabs.training.setup_rows import few_rows

KO = Words("ko")
ME = cast(gr.Request, SimpleNamespace(username=None))
SUBJECTS = ("배우", "음악", "이야기", "화면", "결말", "대사", "연출", "의상", "초반", "조명")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = create_services(Settings(home=tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def project(services: Services) -> Project:
    return services.projects.open("owner", services.projects.create("owner", "영화평").id)


@pytest.fixture
def filled(project: Project) -> Project:
    """Forty reviews with their labels, split, and an assistant for them."""
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    rows = []
    for number in range(40):
        good = number % 2 == 0
        told = "마음에 들어 두 번 보았다" if good else "지루해서 끝까지 못 보았다"
        text = f"{SUBJECTS[number // 4]} {told} {number * 7919}"
        rows.append(NewExample(variables={"input": text}, output="긍정" if good else "부정"))
    project.examples.add(rows, "import")
    make_splits(project.examples, plan_splits(project.examples))
    project.assistants.save("분류", Assistant(instructions=Instructions(system="분류하십시오", template="평: {input}")))
    return project


@pytest.fixture
def desk(services: Services) -> Desk:
    with gr.Blocks(analytics_enabled=False):
        return Desk(services, KO, setup_part.layout(KO))


@pytest.fixture
def choosing(desk: Desk) -> Choosing:
    return Choosing(desk)


def press(do: str, what: str = "") -> gr.EventData:
    return gr.EventData(None, {"do": do, "what": what})


def config_of(project: Project) -> TrainingConfig:
    return read_setup(project).config


# --- fields


def test_every_field_has_a_widget_a_sentence_and_survives_the_form() -> None:
    elsewhere = {"format", "assistant", "parent_id", "effort", "limit", "tag", "documents"}
    assert set(FIELDS) == set(TrainingConfig.model_fields) - elsewhere and len(FIELDS) == len(set(FIELDS))
    config = TrainingConfig(target_modules=("q_proj", "v_proj"), quantization="nf4", eval_steps=5)
    assert read_fields(TrainingConfig(), values_of(config)) == config
    assert all(KO.has(f"train.info.{field}") and KO.has(f"train.group_{group}") for group in GROUPS for field in FIELDS)


@pytest.mark.parametrize(
    ("text", "value"),
    [("auto", "auto"), ("", "auto"), ("all-linear", "all-linear"), ("q_proj, v_proj", ("q_proj", "v_proj"))],
)
def test_target_modules_are_typed_as_text(text: str, value: object) -> None:
    assert read_fields(TrainingConfig(), {"target_modules": text}).target_modules == value


@pytest.mark.parametrize(
    ("field", "value"), [("r", 0), ("learning_rate", 0), ("lora_dropout", 1), ("r", None), ("r", 2.5)]
)
def test_a_number_out_of_range_is_refused_by_its_name_and_range(field: str, value: object) -> None:
    with pytest.raises(BadInput) as refused:
        read_fields(TrainingConfig(), {field: value})
    assert refused.value.details["field"] == field and field in str(refused.value.details["allowed"])


def test_ranges_are_written_as_everyone_reads_them() -> None:
    assert allowed("r") == "1 ≤ r ≤ 1,024" and allowed("lora_dropout") == "0 ≤ lora_dropout < 1"
    assert allowed("learning_rate") == "0 < learning_rate ≤ 10" and allowed("optim") == ""


def test_only_fields_that_mean_something_are_shown() -> None:
    assert {"r", "lora_alpha"} <= shown_fields(TrainingConfig(method="lora"))
    full = shown_fields(TrainingConfig(method="full"))
    assert not {"r", "num_virtual_tokens", "last_layers"} & full and "learning_rate" in full
    assert "strategy" not in full | shown_fields(TrainingConfig(processes=2))
    assert "strategy" in shown_fields(TrainingConfig(processes=2, strategy="fsdp"))


# --- kinds


def test_a_kind_and_its_config_are_the_same_thing() -> None:
    for name in KINDS:
        assert kind_of(with_kind(TrainingConfig(), name)) == name
    assert kind_of(TrainingConfig(method="vera")) == OTHER
    with pytest.raises(BadInput):
        with_kind(TrainingConfig(), "telepathy")


def test_a_kind_brings_the_learning_rate_of_its_method() -> None:
    assert with_kind(TrainingConfig(), "full").learning_rate == METHODS["full"].learning_rate


def test_a_head_is_only_offered_where_the_answer_is_a_label() -> None:
    assert "head" in offered_kinds(Task(kind="sentiment", labels=("a",), metric="accuracy"), TrainingConfig())
    assert "head" not in offered_kinds(Task(), TrainingConfig())
    assert "head" in offered_kinds(Task(), TrainingConfig(objective="head")), "what is chosen stays in sight"
    assert OTHER in offered_kinds(Task(), TrainingConfig(method="ia3"))


def test_every_objective_has_words() -> None:
    assert all(KO.has(f"train.objective_{one}") for one in get_args(Objective))


# --- the draft


def test_without_examples_it_says_what_to_do_first(desk: Desk, choosing: Choosing, project: Project) -> None:
    updates = choosing.opened(project.id, ME)
    assert KO.t("train.no_examples") in updates[desk.view.empty] and updates[desk.view.body]["visible"] is False
    updates = choosing.texts(project.id, press("texts"), ME)
    assert updates[desk.view.body]["visible"] is True and config_of(project).objective == "documents"


def test_examples_without_splits_are_told_apart_from_none(desk: Desk, choosing: Choosing, project: Project) -> None:
    project.examples.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    project.examples.add([NewExample(variables={"input": "글"}, output="긍정")], "import")
    assert KO.t("train.no_split") in choosing.opened(project.id, ME)[desk.view.empty]


def test_it_starts_from_the_assistant_made_for_the_task(desk: Desk, choosing: Choosing, filled: Project) -> None:
    choices = choosing.opened(filled.id, ME)[desk.view.simple["start"]]
    saved = filled.assistants.list()[0]
    assert choices["value"] == f"{SAVED}{saved.id}"
    assert any(value.startswith(MODEL) for _, value in choices["choices"])
    assert desk.draft(filled).config.assistant == saved.assistant and desk.draft(filled).config.parent_id == saved.id


def test_a_model_gets_the_plain_prompt_of_the_task(choosing: Choosing, filled: Project) -> None:
    choosing.start(filled.id, MODEL + ModelRef().model_dump_json(), ME)
    config = config_of(filled)
    assert (
        config.parent_id is None and "긍정" in config.assistant.instructions.system and config.assistant.chat_template
    )


def test_a_deleted_assistant_gives_way(desk: Desk, choosing: Choosing, filled: Project) -> None:
    gone = filled.assistants.list()[0]
    choosing.start(filled.id, f"{SAVED}{gone.id}", ME)
    filled.assistants.remove(gone.name)
    assert desk.draft(filled).start.startswith(MODEL)


def test_what_no_list_offers_is_refused(choosing: Choosing, filled: Project) -> None:
    for change in (choosing.kind, choosing.effort):
        with pytest.raises(BadInput):
            change(filled.id, "telepathy", ME)
    with pytest.raises(BadInput):
        choosing.start(filled.id, MODEL + "{broken", ME)
    with pytest.raises(BadInput):
        choosing.limit(filled.id, 2.5, ME)


def test_choices_are_kept_and_a_number_by_hand_makes_the_effort_ones_own(choosing: Choosing, filled: Project) -> None:
    choosing.kind(filled.id, "full", ME)
    choosing.limit(filled.id, 12, ME)
    assert kind_of(config_of(filled)) == "full" and config_of(filled).limit == 12
    assert config_of(filled).effort == "balanced"
    choosing.fields(filled.id, ME, **{**values_of(config_of(filled)), "learning_rate": 0.5})
    assert config_of(filled).learning_rate == 0.5 and config_of(filled).effort == "own"
    choosing.effort(filled.id, "quick", ME)
    assert config_of(filled).effort == "quick"


def test_another_method_brings_its_rate_and_is_no_number_by_hand(choosing: Choosing, filled: Project) -> None:
    choosing.kind(filled.id, "lora", ME)
    choosing.fields(filled.id, ME, **{**values_of(config_of(filled)), "method": "prompt_tuning"})
    assert config_of(filled).learning_rate == METHODS["prompt_tuning"].learning_rate
    assert config_of(filled).effort == "balanced"


def test_a_field_that_was_only_visited_changes_nothing(desk: Desk, choosing: Choosing, filled: Project) -> None:
    choosing.kind(filled.id, "lora", ME)
    before = read_setup(filled)
    choosing.fields(filled.id, ME, **values_of(before.config))
    assert read_setup(filled) == before


def test_a_draft_of_a_newer_studio_is_no_fault(filled: Project) -> None:
    filled.set_note("training.setup", {"start": "", "config": {"format": "matchum-training-9"}})
    assert read_setup(filled).config == TrainingConfig()


# --- files


def test_texts_are_kept_in_the_project_and_taken_out(
    desk: Desk, choosing: Choosing, filled: Project, tmp_path: Path
) -> None:
    text = tmp_path / "판례.txt"
    text.write_text("민법 제1조", encoding="utf-8")
    choosing.texts(filled.id, press("texts"), ME)
    drawn = choosing.upload(filled.id, [str(text)], ME)
    assert "판례.txt" in drawn[desk.view.files]["value"] and config_of(filled).documents == ("판례.txt",)
    with pytest.raises(BadInput):
        choosing.upload(filled.id, [str(tmp_path / "그림.png")], ME)
    choosing.drop(filled.id, press("drop", "판례.txt"), ME)
    assert config_of(filled).documents == ()


def test_a_file_that_is_not_taken_leaves_the_others_as_they_were(
    choosing: Choosing, filled: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_files, "LARGEST", 10)
    good, large = tmp_path / "글.txt", tmp_path / "큰 글.txt"
    good.write_text("짧다", encoding="utf-8")
    large.write_text("너무 긴 글이다", encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        choosing.upload(filled.id, [str(good), str(large)], ME)
    assert refused.value.key == "error.train_file_large" and "{" not in KO.t(refused.value.key, **refused.value.details)
    assert list(setup_files.folder(filled).iterdir()) == [] and config_of(filled).documents == ()
    choosing.upload(filled.id, [str(good)], ME)
    good.write_text("새 글", encoding="utf-8")
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: Path(target).write_text("반"))
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(StorageProblem):
        choosing.upload(filled.id, [str(good)], ME)
    assert [one.read_text("utf-8") for one in setup_files.folder(filled).iterdir()] == ["짧다"]


def test_the_rows_that_are_shown_are_rows_that_are_trained_on(services: Services, filled: Project) -> None:
    base = services.host.where(ModelRef())
    config = TrainingConfig(limit=4, seed=5, assistant=filled.assistants.list()[0].assistant)
    trained = {one.id for one in drawn(filled, config)}
    shown = [few_rows(filled, config, base, [], seed) for seed in range(6)]
    assert all(len(rows) == 3 and {row.example_id for row in rows} <= trained for rows in shown)
    assert len({tuple(row.example_id for row in rows) for rows in shown}) > 1


def test_texts_are_read_once_for_all_the_rows_that_are_shown(services: Services, filled: Project) -> None:
    text = setup_files.folder(filled) / "글.txt"
    text.write_text("\n".join(f"{number}번째 줄의 글" for number in range(200)), encoding="utf-8")
    base, config = services.host.where(ModelRef()), TrainingConfig(objective="documents", max_length=32)
    first = few_rows(filled, config, base, [text], 1)
    kept = document_rows(config, Tokenizing.open(base), [text], 32)
    ours = [row.tokens for row in first]
    assert len(ours) == 3 and len(kept.train) > 3 and all("번째" in "".join(p[0] for p in row.pieces) for row in first)
    before = setup_rows._of_texts.cache_info().misses
    few_rows(filled, config, base, [text], 2)
    assert setup_rows._of_texts.cache_info().misses == before


def test_a_config_is_handed_over_as_yaml_and_loaded_again(
    desk: Desk, choosing: Choosing, filled: Project, tmp_path: Path
) -> None:
    config = TrainingConfig(method="dora", r=4, assistant=Assistant(name="옛 것"), parent_id=99, effort="own")
    file = tmp_path / "config.yaml"
    file.write_text(write_config(config), encoding="utf-8")
    choosing.load(filled.id, str(file), ME)
    kept = read_setup(filled)
    assert kept.start == LOADED and kept.config == config.model_copy(update={"parent_id": None})
    assert Path(Doing(desk).save(filled.id, ME)).read_text("utf-8") == write_config(kept.config)
    file.write_text("r: many", encoding="utf-8")
    with pytest.raises(BadInput):
        choosing.load(filled.id, str(file), ME)
    assert read_setup(filled) == kept


def test_an_earlier_run_is_set_up_again_once(choosing: Choosing, filled: Project) -> None:
    parent = filled.assistants.list()[0]
    filled.assistants.save(parent.name, parent.assistant, "a newer version")
    config = TrainingConfig(
        method="ia3", assistant=Assistant(name="옛 것"), parent_id=parent.id, learning_rate=0.123, num_train_epochs=7
    )
    filled.set_note(CLONED, config.model_dump(mode="json"))
    own = config.model_copy(update={"effort": "own"})
    assert read_setup(filled).config == own and filled.get_note(CLONED) is None
    assert choosing.desk.fitted(filled)[0].config == own, "the first draw fills nothing in anew"
    choosing.kind(filled.id, "lora", ME)
    assert config_of(filled).method == "lora" and config_of(filled).assistant.name == "옛 것"


def test_a_choice_draws_nothing_but_what_follows_from_it(desk: Desk, choosing: Choosing, filled: Project) -> None:
    simple = desk.view.simple
    drawn = choosing.effort(filled.id, "quick", ME)
    assert simple["effort"] in drawn
    assert simple["limit"] not in drawn and simple["tag"] not in drawn  # there somebody may be typing already
    assert choosing.effort(filled.id, "quick", ME) == gr.skip()
