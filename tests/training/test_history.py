"""All runs of a project: found, named, compared, started from again, cleared up and brought back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.assistants import AdapterRef, ModelRef
from backend.errors import BadInput, Busy, NotFound, StorageProblem
from backend.jobs.folder import RunFolder
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.models.adapter_card import BaseCard
from backend.models.adapters import Adapters
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.estimating.plan import UPLOADED
from backend.training.methods.building import build
from backend.training.methods.saving import save
from backend.training.telling import history
from backend.training.telling.history import Filter
from backend.training.telling.outcome import save_assistant
from tests.training.working import config_for, submitted


@pytest.fixture
def adapters(settings: Settings) -> Adapters:
    return Adapters(settings.home / "projects")


def marked(resting: Runs, run: Run, state: str, **facts: object) -> Run:
    folder = RunFolder(run.folder)
    folder.write_state(folder.read_state().model_copy(update={"state": state, "result": facts}))
    return resting.get(run.id)


def finished(resting: Runs, project: Project, adapters: Adapters, config: TrainingConfig) -> Run:
    """A run that left a real adapter, of a model that was built and not trained, and a copy in its own folder."""
    run = submitted(resting, config)
    folder = run.output / "adapter"
    built = build(config, Path(config.assistant.model.name))
    save(built, config, folder, BaseCard(label="tiny", identity="x" * 8), run.id)
    ref = adapters.keep(project, folder)
    return marked(resting, run, "succeeded", adapter=ref.id, method=ref.method)


# --- finding ------------------------------------------------------------------------------------------------------


def test_only_trainings_are_listed_newest_first_with_what_came_of_them(
    resting: Runs, project: Project, adapters: Adapters, tiny: Path
) -> None:
    first = finished(resting, project, adapters, config_for(tiny))
    saved = save_assistant(project, adapters, first)
    second = marked(resting, submitted(resting, config_for(tiny, method="dora")), "failed")
    resting.submit("rehearsal", {}, "다른 일")
    found = history.trainings(project, resting)
    assert [one.run.id for one in found] == [second.id, first.id]
    assert [one.id for one in found[1].saved] == [saved.id] and found[0].saved == ()
    assert found[0].method == "dora" and found[1].adapter is not None


def test_a_run_whose_config_is_of_a_newer_studio_is_listed_all_the_same(resting: Runs, project: Project) -> None:
    marked(resting, resting.submit("training", {"telepathy": True}, "뒷날"), "failed")
    only = history.trainings(project, resting)[0]
    assert only.config is None and only.name == "뒷날" and only.method is None


def test_a_filter_looks_into_name_note_method_and_model(resting: Runs, project: Project, tiny: Path) -> None:
    one = marked(resting, submitted(resting, config_for(tiny)), "failed")
    other = marked(resting, submitted(resting, config_for(tiny, method="ia3")), "stopped")
    history.describe(resting, one.id, "밤샘 실험", "r을 키워 봄")
    found = history.trainings(project, resting)

    def ids(**wanted: object) -> list[str]:
        return [each.run.id for each in history.matching(found, Filter(**wanted))]  # type: ignore[arg-type]

    assert ids(text="밤샘") == ids(text="키워") == [one.id]
    assert ids(text="IA3") == ids(method="ia3") == ids(states=("stopped",)) == [other.id]
    assert ids() == [other.id, one.id] and ids(text="없음") == []


# --- names and notes ----------------------------------------------------------------------------------------------


def test_a_name_and_a_note_go_with_the_run_s_folder(resting: Runs, project: Project, tiny: Path) -> None:
    run = marked(resting, submitted(resting, config_for(tiny)), "failed")
    history.describe(resting, run.id, "  첫\n실험 ", " 메모 ")
    told = history.training(project, resting, run.id)
    assert told.name == "첫 실험" and told.about.note == "메모"
    history.describe(resting, run.id, "", "")
    assert history.training(project, resting, run.id).name == run.title


@pytest.mark.parametrize("junk", ["{", "[]", json.dumps({"name": 3}), json.dumps({"name": "x" * 10_000})])
def test_a_name_that_cannot_be_read_is_none(resting: Runs, project: Project, tiny: Path, junk: str) -> None:
    run = marked(resting, submitted(resting, config_for(tiny)), "failed")
    (run.folder / "about.json").write_text(junk, encoding="utf-8")
    assert history.training(project, resting, run.id).name == run.title


@pytest.mark.parametrize(("name", "note"), [("x" * 121, ""), ("", "y" * 2_001), ("a\0b", "")])
def test_a_name_that_is_none_is_refused(resting: Runs, tiny: Path, name: str, note: str) -> None:
    run = marked(resting, submitted(resting, config_for(tiny)), "failed")
    with pytest.raises(BadInput):
        history.describe(resting, run.id, name, note)


# --- comparing and starting again ---------------------------------------------------------------------------------


def test_only_what_differs_is_told_and_an_assistant_by_its_parts(tiny: Path) -> None:
    one = config_for(tiny)
    model = ModelRef(kind="starter", name="matchum-starter")
    other = one.model_copy(
        update={"learning_rate": 1e-4, "assistant": one.assistant.model_copy(update={"model": model})}
    )
    told = {each.field: each.values for each in history.differences([one, other, one])}
    assert told.keys() == {"assistant.model", "learning_rate"}
    assert told["learning_rate"] == ("0.005", "0.0001", "0.005")
    assert "matchum-starter" in told["assistant.model"][1]
    assert history.differences([one, one]) == []


def test_a_clone_lies_ready_for_the_form(resting: Runs, project: Project, tiny: Path) -> None:
    run = marked(resting, submitted(resting, config_for(tiny, r=7)), "failed")
    history.clone(project, run)
    assert TrainingConfig.model_validate(project.get_note(history.DRAFT)).r == 7


def test_a_clone_brings_its_texts_and_leaves_others_of_their_name(
    resting: Runs, project: Project, tiny: Path, tmp_path: Path
) -> None:
    config = config_for(tiny, objective="documents", documents=("하나.txt", "둘.txt"))
    for name in config.documents:
        (tmp_path / name).write_text(f"{name}의 글", encoding="utf-8")
    files = {name: tmp_path / name for name in config.documents}
    run = marked(resting, resting.submit("training", config.model_dump(mode="json"), "글", files), "failed")
    place = project.uploads / UPLOADED
    place.mkdir(parents=True)
    (place / "둘.txt").write_text("다른 글", encoding="utf-8")
    for _ in range(2):
        told = history.clone(project, run).documents
        assert [(place / name).read_text("utf-8") for name in told] == ["하나.txt의 글", "둘.txt의 글"]
        assert (place / "둘.txt").read_text("utf-8") == "다른 글" and len(list(place.iterdir())) == 3


# --- clearing up --------------------------------------------------------------------------------------------------


def test_deleting_says_what_it_frees_and_undo_brings_everything_back(
    resting: Runs, project: Project, adapters: Adapters, tiny: Path
) -> None:
    run = finished(resting, project, adapters, config_for(tiny))
    ref = AdapterRef(id=run.result["adapter"], method="lora")
    (run.folder / "checkpoints" / "checkpoint-4").mkdir(parents=True)
    (run.folder / "checkpoints" / "checkpoint-4" / "model.bin").write_bytes(bytes(50_000))
    told = history.frees(project, resting, adapters, run.id)
    assert told.checkpoint_bytes == 50_000 and told.adapter_bytes == adapters.size(adapters.folder_of(ref)) > 0
    assert told.folder_bytes > 50_000 and told.total_bytes == told.folder_bytes + told.adapter_bytes
    assert history.delete(project, resting, adapters, run.id) == told
    assert history.trainings(project, resting) == []
    with pytest.raises(NotFound):
        adapters.folder_of(ref)
    history.undo_delete(project, resting, adapters, run.id)
    assert [one.run.id for one in history.trainings(project, resting)] == [run.id]
    assert adapters.folder_of(ref).is_dir()


def test_where_the_adapter_finds_no_room_the_undo_can_be_asked_for_again(
    resting: Runs, project: Project, adapters: Adapters, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(resting, project, adapters, config_for(tiny))
    history.delete(project, resting, adapters, run.id)
    full = StorageProblem("error.disk_full", path="x")
    with monkeypatch.context() as disk, pytest.raises(StorageProblem):
        disk.setattr(Adapters, "keep", lambda *told: (_ for _ in ()).throw(full))
        history.undo_delete(project, resting, adapters, run.id)
    assert history.trainings(project, resting) == []
    history.undo_delete(project, resting, adapters, run.id)
    assert save_assistant(project, adapters, resting.get(run.id)).number
    with pytest.raises(NotFound):
        history.undo_delete(project, resting, adapters, "../" + run.id)


def test_an_adapter_that_an_assistant_or_another_run_needs_stays(
    resting: Runs, project: Project, adapters: Adapters, tiny: Path
) -> None:
    run = finished(resting, project, adapters, config_for(tiny))
    twin = marked(resting, submitted(resting, config_for(tiny)), "succeeded", **run.result)
    assert history.frees(project, resting, adapters, run.id).adapter_bytes == 0
    history.delete(project, resting, adapters, twin.id)
    saved = save_assistant(project, adapters, run)
    assert history.frees(project, resting, adapters, run.id).adapter_bytes == 0
    history.delete(project, resting, adapters, run.id)
    assert saved.assistant.adapter is not None and adapters.folder_of(saved.assistant.adapter).is_dir()


def test_checkpoints_go_only_from_a_run_that_came_to_its_end(resting: Runs, project: Project, tiny: Path) -> None:
    run = marked(resting, submitted(resting, config_for(tiny)), "stopped")
    (run.folder / "checkpoints").mkdir()
    (run.folder / "checkpoints" / "x").write_bytes(bytes(7))
    with pytest.raises(Busy) as told:
        history.clear_checkpoints(resting, run.id)
    assert told.value.key == "error.training_needs_checkpoints"
    marked(resting, run, "succeeded")
    assert history.clear_checkpoints(resting, run.id) == 7
    assert not (run.folder / "checkpoints").exists() and history.clear_checkpoints(resting, run.id) == 0


def test_a_run_of_another_kind_is_no_training(resting: Runs, project: Project) -> None:
    other = resting.submit("rehearsal", {}, "다른 일")
    with pytest.raises(NotFound):
        history.training(project, resting, other.id)
