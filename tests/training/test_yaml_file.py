"""A run's config as YAML and back."""

from __future__ import annotations

import pytest

from backend.assistants import Assistant, Examples, Instructions, Shot
from backend.errors import BadInput
from backend.training.config import TrainingConfig
from backend.training.takeaway.yaml_file import read_config, write_config

OWN = TrainingConfig(
    assistant=Assistant(
        name="리뷰 분류",
        instructions=Instructions(system="짧게 답하세요: yes/no", template="리뷰: {input}\n감정:"),
        examples=Examples(shots=(Shot(variables={"input": "재미없다 #1"}, output="부정"),)),
    ),
    method="dora",
    quantization="nf4",
    target_modules=("q_proj", "v_proj"),
    learning_rate=3e-5,
    limit=100,
)


def test_it_comes_back_equal() -> None:
    assert read_config(write_config(OWN)) == OWN
    assert read_config(write_config(TrainingConfig())) == TrainingConfig()


def test_people_can_read_it_and_leave_fields_out() -> None:
    text = write_config(OWN)
    assert "리뷰 분류" in text and "learning_rate: 3.0e-05" in text
    assert read_config("method: ia3\nr: 4\n") == TrainingConfig(method="ia3", r=4)
    # YAML 1.1 takes 2e-4 for a word; people write it all the same.
    assert read_config("learning_rate: 2e-4").learning_rate == 2e-4


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("r: 0", "r"),
        ("ranks: 3", "ranks"),
        ("method: magic", "method"),
        ("assistant: {model: {kind: evil}}", "assistant.model.kind"),
        ("r: [1", "1"),
        ("- r", "1"),
        ("", "1"),
        ("!!python/object/apply:os.system ['true']", "1"),
        ("a: &a [1]\nb: *a", "*"),
        ("[" * 5000, "-"),
        ("limit: 2021-13-45", "-"),
        ("limit: !!int 0x", "-"),
        ("limit: " + "9" * 5001, "-"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, where: str) -> None:
    with pytest.raises(BadInput) as fault:
        read_config(text)
    assert fault.value.key == "error.training_yaml"
    assert fault.value.details["where"] == where
    assert fault.value.details["why"]
