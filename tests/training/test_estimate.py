"""Estimates: what they rest on, what moves them, and how the probe's figures become a run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.training.config import TrainingConfig
from backend.training.estimating.batches import batches_of, largest, passes_of, steps_of, waste_of
from backend.training.estimating.estimate import Earlier, estimate
from backend.training.estimating.facts import model_facts
from backend.training.estimating.measured import Measured, StepTime
from backend.training.estimating.memory_model import parts, trainable_numbers
from backend.training.estimating.time_model import measured_seconds, step_seconds
from backend.training.running.cadence import total_steps
from tests.training.facts_of import GB, machine, model, rows

BASE = TrainingConfig(per_device_train_batch_size=8, num_train_epochs=2.0)
PROBE = Measured(
    peak_bytes=2 * GB,
    base_bytes=GB,
    load_s=10.0,
    build_s=1.0,
    steps=(StepTime(tokens=200, seconds=0.3), StepTime(tokens=400, seconds=0.5), StepTime(tokens=800, seconds=1.1)),
    optimizer_s=0.01,
    eval_s=1.0,
    eval_tokens=1_000,
    ask_s=2.0,
    save_s=0.1,
    checkpoint_bytes=3_000_000,
    write_s=0.05,
    adapter_bytes=1_000_000,
    trainable=262_144,
)


def with_(**fields: Any) -> TrainingConfig:
    return BASE.model_copy(update=fields)


def memory(**fields: Any) -> int:
    return estimate(with_(**fields), rows(), model(), machine()).memory_bytes


def test_the_formula_knows_what_takes_memory() -> None:
    plain = memory()
    assert memory(per_device_train_batch_size=16) > plain > memory(per_device_train_batch_size=2)
    assert memory(method="full") > plain > memory(quantization="nf4")
    assert memory(quantization="int8") > memory(quantization="nf4")
    assert memory(gradient_checkpointing=True) < plain
    assert memory(method="full", optim="sgd") < memory(method="full", optim="adamw_bnb_8bit") < memory(method="full")
    assert memory(method="full", dtype="bfloat16") < memory(method="full")
    assert memory(method="frozen", objective="head") < plain
    assert memory(processes=2) == pytest.approx(2 * plain, rel=0.01)


def test_an_estimate_says_what_it_rests_on_and_how_sure_it_is() -> None:
    formula = estimate(BASE, rows(), model(), machine())
    earlier = estimate(BASE, rows(), model(), machine(), earlier=Earlier(2 * GB, 100.0, rows().tokens * 2))
    probed = estimate(BASE, rows(), model(), machine(), PROBE, Earlier(GB, 1.0, 1))
    assert [one.basis for one in (formula, earlier, probed)] == ["formula", "earlier_run", "probe"]
    wide = [one.seconds.high / one.seconds.low for one in (formula, earlier, probed)]
    assert wide[0] > wide[1] > wide[2]
    assert earlier.seconds.value == pytest.approx(100.0) and earlier.memory_bytes == 2 * GB
    assert probed.memory_bytes == 2 * GB and probed.trainable == 262_144
    for one in (formula, earlier, probed):
        assert one.memory.low < one.memory.value < one.memory.high
        assert 0 < one.kept_bytes < one.disk_bytes and one.steps == 100
        assert sum(one.parts.values()) == estimate(BASE, rows(), model(), machine()).memory_bytes


def test_a_probe_that_was_held_up_is_called_unsure() -> None:
    quiet = estimate(BASE, rows(), model(), machine(), PROBE)
    loud = estimate(BASE, rows(), model(), machine(), PROBE.model_copy(update={"waiting": 0.5}))
    assert loud.disturbed and not quiet.disturbed
    assert loud.seconds.value == quiet.seconds.value and loud.seconds.high == pytest.approx(2 * quiet.seconds.high)


def test_whether_it_fits() -> None:
    assert estimate(BASE, rows(), model(), machine(), PROBE).fits
    tight = estimate(BASE, rows(), model(), machine(free=GB), PROBE)
    assert tight.fits is False and tight.available_bytes == GB
    card = estimate(BASE, rows(), model(), machine(free=GB, gpu=40 * GB), PROBE)
    assert card.fits and card.available_bytes == 40 * GB


def test_time_counts_everything_that_a_run_does() -> None:
    told = measured_seconds(BASE, rows(), PROBE)
    assert told.loading == 10.0
    exact = sum(step_seconds(PROBE.steps, batch.tokens) for batch in batches_of(BASE, rows().lengths))
    assert told.training == pytest.approx(2 * exact + 100 * 0.01)
    assert told.checking > 0 and told.answering >= 2 * 2.0 and told.saving > 1.0
    longer = measured_seconds(with_(num_train_epochs=4.0), rows(), PROBE)
    assert longer.training == pytest.approx(2 * told.training)
    summed = measured_seconds(with_(gradient_accumulation_steps=4), rows(), PROBE)
    assert summed.training == pytest.approx(told.training, rel=0.1)
    no_dev = measured_seconds(BASE, rows(dev=0), PROBE)
    assert no_dev.checking == 0


def test_a_step_between_the_measured_sizes_takes_what_lies_between() -> None:
    assert step_seconds(PROBE.steps, 400) == pytest.approx(0.5)
    assert step_seconds(PROBE.steps, 300) == pytest.approx(0.4)
    assert step_seconds(PROBE.steps, 1_600) == pytest.approx(2.2)
    assert 0 < step_seconds(PROBE.steps, 10) < 0.3
    assert step_seconds(PROBE.steps[:1], 200) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "fields", [{}, {"num_train_epochs": 0.5}, {"max_steps": 7}, {"gradient_accumulation_steps": 4}]
)
@pytest.mark.parametrize("count", [1, 7, 8, 9, 130])
def test_steps_are_those_of_the_run(count: int, fields: dict[str, Any]) -> None:
    config = with_(**fields)
    assert steps_of(config, rows(count).lengths) == total_steps(config, count)
    assert passes_of(config, rows(count).lengths) > 0
    assert steps_of(config, ()) == 0


def test_grouping_by_length_wastes_less_and_packing_nothing() -> None:
    lengths = rows(400).lengths
    grouped, random = with_(train_sampling_strategy="group_by_length"), with_(train_sampling_strategy="random")
    assert waste_of(batches_of(grouped, lengths)) < 0.1 < waste_of(batches_of(random, lengths))
    packed = batches_of(with_(packing=True, max_length=256), lengths)
    assert waste_of(packed) < 0.02 and sum(batch.useful for batch in packed) == sum(lengths)
    assert sum(batch.useful for batch in batches_of(grouped, lengths)) == sum(lengths)
    widest = largest(grouped, lengths)
    assert widest is not None and widest.width == max(lengths)


def test_facts_of_a_folder_are_those_of_the_model(tiny: Path) -> None:
    from transformers import AutoModelForCausalLM

    facts = model_facts(tiny)
    loaded: Any = AutoModelForCausalLM.from_pretrained(tiny)
    assert facts.layers == 2 and facts.hidden == 32 and facts.vocabulary == loaded.config.vocab_size
    names = {name for name, module in loaded.named_modules() if type(module).__name__ == "Linear"} - {"lm_head"}
    assert {name.removesuffix(".weight") for name in facts.linear} == names


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "lora", "r": 8},
        {"method": "lora", "r": 4, "target_modules": ("q_proj", "v_proj")},
        {"method": "dora"},
        {"method": "full"},
        {"method": "last_layers", "last_layers": 1},
        {"method": "frozen", "objective": "head"},
        {"method": "lora", "objective": "head"},
        {"method": "prompt_tuning"},
        {"method": "prefix_tuning"},
        {"method": "p_tuning"},
        {"method": "vera"},
        {"method": "loha"},
    ],
    ids=lambda fields: "-".join(str(value) for value in fields.values()),
)
def test_numbers_that_move_are_about_those_that_are_built(tiny: Path, fields: dict[str, Any]) -> None:
    from backend.training.methods.building import build

    config = with_(**fields)
    labels = ("a", "b") if config.objective == "head" else ()
    built = build(config, tiny, labels)
    told = trainable_numbers(config, model_facts(tiny), len(labels))
    assert told == pytest.approx(built.trainable, rel=0.2, abs=600)


def test_parts_are_whole_without_rows() -> None:
    told = parts(BASE, model(), None, "float32")
    assert told.activations == told.logits == 0 and told.total > 0
