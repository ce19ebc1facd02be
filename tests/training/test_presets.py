"""Presets: numbers that follow from the data, the model and the machine."""

from __future__ import annotations

from typing import get_args

import pytest

from backend.examples.task import Task
from backend.training.config import Effort, Method, TrainingConfig
from backend.training.estimating.batches import steps_of
from backend.training.estimating.estimate import available_bytes, estimate
from backend.training.estimating.presets import LARGE, MOST_VISITS, TRYING, learning_rate, preset
from backend.training.methods.catalog import METHODS
from tests.training.facts_of import GB, machine, model, rows

TASK = Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy")
BASE = TrainingConfig()


def made(effort: Effort = "balanced", count: int = 400, **fields: object) -> TrainingConfig:
    return preset(effort, TASK, rows(count), machine(), BASE.model_copy(update=fields), model())


def test_trying_harder_sees_more_and_is_more_patient() -> None:
    quick, balanced, thorough = (made(effort) for effort in ("quick", "balanced", "thorough"))
    steps = [steps_of(one, rows(400).lengths) for one in (quick, balanced, thorough)]
    assert steps[0] < steps[1] < steps[2]
    assert quick.r < balanced.r < thorough.r
    assert quick.early_stopping_patience < balanced.early_stopping_patience < thorough.early_stopping_patience
    assert [one.effort for one in (quick, balanced, thorough)] == ["quick", "balanced", "thorough"]


def test_what_a_person_set_stays() -> None:
    own = BASE.model_copy(update={"effort": "own", "learning_rate": 0.123})
    assert preset("own", TASK, rows(), machine(), own, model()) == own
    kept = made(method="dora", objective="answers", quantization="nf4", limit=40, tag="x", seed=7, max_length=99)
    assert (kept.method, kept.quantization, kept.limit, kept.tag, kept.seed, kept.max_length) == (
        "dora", "nf4", 40, "x", 7, 99,
    )  # fmt: skip


@pytest.mark.parametrize("effort", list(TRYING))
@pytest.mark.parametrize("count", [0, 1, 2, 10, 64, 1_000, 100_000])
def test_any_number_of_examples_gives_a_config_that_is_valid(effort: Effort, count: int) -> None:
    config = preset(effort, TASK, rows(count), machine(), BASE, model())
    assert TrainingConfig.model_validate(config.model_dump()) == config
    steps = steps_of(config, rows(count).lengths)
    fewest, most = TRYING[effort].steps
    if count:
        assert config.per_device_train_batch_size <= max(1, count)
        assert 1 <= steps <= most * 1.05 + 1
    if 10 <= count <= 64:
        assert steps >= fewest or config.num_train_epochs == MOST_VISITS


@pytest.mark.parametrize("method", get_args(Method))
def test_the_learning_rate_falls_with_the_size_of_the_model(method: Method) -> None:
    small, middle, large = (learning_rate(method, numbers) for numbers in (5e6, 1e8, 8e9))
    assert small >= middle >= large == pytest.approx(METHODS[method].learning_rate, rel=0.1)
    assert learning_rate(method, LARGE * 100) == large and learning_rate(method, 1) == small
    assert TrainingConfig(method=method, learning_rate=small)


def test_little_memory_takes_smaller_batches_that_add_up_to_the_same() -> None:
    long, big = rows(200, length=900), model(hidden=2048, layers=16, vocabulary=50_000)
    ample = preset("balanced", TASK, long, machine(free=200 * GB), BASE, big)
    tight = preset("balanced", TASK, long, machine(free=12 * GB), BASE, big)
    assert tight.per_device_train_batch_size < ample.per_device_train_batch_size
    whole = [one.per_device_train_batch_size * one.gradient_accumulation_steps for one in (ample, tight)]
    assert whole[0] == whole[1]
    here = machine(free=12 * GB)
    assert estimate(tight, long, big, here).memory_bytes <= available_bytes(here)


def test_least_memory_works_activations_out_twice_but_not_where_that_cannot_be() -> None:
    long, big = rows(200, length=900), model(hidden=2048, layers=16, vocabulary=50_000)
    tiny = machine(free=2 * GB)
    assert preset("balanced", TASK, long, tiny, BASE, big).gradient_checkpointing
    prefix = BASE.model_copy(update={"method": "prefix_tuning"})
    assert not preset("balanced", TASK, long, tiny, prefix, big).gradient_checkpointing


def test_without_dev_rows_or_a_task_nothing_waits_for_them() -> None:
    config = preset("balanced", None, rows(100, dev=0), machine(), BASE, model())
    assert config.early_stopping_patience == 0 and config.metric_examples == 0
