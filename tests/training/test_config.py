"""What a training config refuses: it may come with a project or a file from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.errors import BadInput, NotFound
from backend.jobs.runs import Runs
from backend.settings import Settings
from backend.training.config import TrainingConfig
from backend.training.takeaway.yaml_file import read_config
from tests.training.working import config_for, do, submitted

FLOATS = [
    "lora_dropout",
    "loraplus_lr_ratio",
    "num_train_epochs",
    "learning_rate",
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "neftune_noise_alpha",
]


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../x", "../../x.txt", "a/b.txt", "a\\b.txt", "..", ".", "", "a/", "a\0b", "a\nb", "a\ud800"],
)
def test_a_document_is_the_name_of_a_file(name: str) -> None:
    with pytest.raises(ValidationError, match="documents"):
        TrainingConfig(documents=(name,))


def test_names_that_people_have_are_read() -> None:
    names = ("판례 1.txt", ".hidden", "a..b.txt", "…")
    assert TrainingConfig(documents=names).documents == names


def test_a_document_elsewhere_is_not_opened(
    resting: Runs, settings: Settings, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("아무도 읽지 못할 글입니다. " * 50, "utf-8")
    config = config_for(tiny, objective="documents").model_copy(update={"documents": (str(secret),)})
    run = submitted(resting, config)
    monkeypatch.setattr("backend.training.running.work.config_of", lambda job: config)  # as if nothing had looked at it
    with pytest.raises(NotFound, match="training_document"):
        do(run, settings)
    assert not (run.folder / "data" / "train.jsonl").exists()


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("value", [".inf", ".nan"])
def test_numbers_are_finite(name: str, value: str) -> None:
    with pytest.raises(BadInput) as fault:
        read_config(f"{name}: {value}")
    assert fault.value.details["where"] == name


def test_every_number_with_a_point_is_looked_at() -> None:
    kinds = {name: str(field.annotation) for name, field in TrainingConfig.model_fields.items()}
    told = {name for name, kind in kinds.items() if "float" in kind and "Literal" not in kind}
    assert told == set(FLOATS)


def test_half_a_letter_is_no_tag() -> None:
    with pytest.raises(ValidationError, match="tag"):
        TrainingConfig(tag="a\ud800")
    assert TrainingConfig(tag="어려움").tag == "어려움"
