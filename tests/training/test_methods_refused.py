"""What cannot work is refused with a sentence before a model is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from backend.assistants import Assistant, ModelRef
from backend.errors import BadInput
from backend.models.adapter_card import AdapterCard, BaseCard
from backend.training.config import Method, TrainingConfig
from backend.training.methods.catalog import METHODS, family
from backend.training.methods.refusals import check, refusals

ROOT = Path(__file__).resolve().parents[2]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"method": "full", "quantization": "nf4"}, "quantized_weights"),
    ({"method": "last_layers", "quantization": "int8"}, "quantized_weights"),
    ({"method": "frozen", "objective": "head", "quantization": "nf4"}, "quantized_weights"),
    ({"method": "loha", "quantization": "nf4"}, "quantized_peft"),
    ({"method": "frozen"}, "frozen_head"),
    ({"method": "prompt_tuning", "objective": "head"}, "prompt_head"),
    ({"method": "prefix_tuning", "gradient_checkpointing": True}, "prefix_checkpointing"),
    ({"objective": "documents"}, "documents_none"),
    ({"objective": "head", "packing": True}, "packing_head"),
    ({"method": "p_tuning", "packing": True}, "packing_prompt"),
    ({"assistant": Assistant(model=ModelRef(kind="endpoint", name="far", endpoint="1"))}, "endpoint"),
    ({"init_lora_weights": "pissa", "quantization": "nf4"}, "pissa_quantized"),
    ({"init_lora_weights": "pissa", "method": "dora"}, "pissa_method"),
    ({"dtype": "float16"}, "float16_cpu"),
    ({"method": "dora", "quantization": "int8"}, "dora_int8"),
    ({"optim": "paged_adamw_8bit"}, "paged"),
]


@pytest.mark.parametrize(("values", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_a_combination_that_cannot_work_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(TrainingConfig(**values))
    assert caught.value.key == f"error.training_{told}"


@pytest.mark.parametrize("method", get_args(Method))
def test_what_a_method_offers_is_not_refused(method: Method) -> None:
    for objective in METHODS[method].objectives:
        values: dict[str, Any] = {"method": method, "objective": objective, "documents": ("a.txt",)}
        check(TrainingConfig(**values), labels=("a", "b"))
        for quantization in METHODS[method].quantizable:
            check(TrainingConfig(**values, quantization=quantization), labels=("a", "b"), device="cuda")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = TrainingConfig(method="full", quantization="nf4", dtype="float16", objective="head", packing=True)
    assert [refusal.key for refusal in refusals(wrong, labels=("only",))] == [
        "error.training_quantized_weights",
        "error.training_head_labels",
        "error.training_packing_head",
        "error.training_float16_cpu",
        "error.training_float16_weights",
    ]


def card(method: Method, **more: Any) -> AdapterCard:
    kind: Any = "peft" if METHODS[method].peft else "weights"
    return AdapterCard(kind=kind, method=method, base=BaseCard(label="b", identity="i"), **more)


@pytest.mark.parametrize(
    ("values", "earlier", "told"),
    [
        ({"method": "dora"}, card("lora"), "adapter_method"),
        ({"method": "lora"}, card("full"), "adapter_method"),
        ({"method": "full"}, card("lora"), "adapter_method"),
        ({"method": "p_tuning"}, card("p_tuning"), "adapter_ended"),
        ({"objective": "head"}, card("lora"), "adapter_task"),
        ({}, card("lora", task="head", labels=("a", "b")), "adapter_task"),
        ({"objective": "head"}, card("lora", task="head", labels=("b", "a")), "adapter_labels"),
        ({"method": "lora_plus"}, card("lora"), None),
        ({"method": "full"}, card("last_layers"), None),
        ({"objective": "head"}, card("lora", task="head", labels=("a", "b")), None),
    ],
)
def test_an_adapter_is_trained_further_only_by_its_own_kind(
    values: dict[str, Any], earlier: AdapterCard, told: str | None
) -> None:
    found = [refusal.key for refusal in refusals(TrainingConfig(**values), ("a", "b"), earlier)]
    assert found == ([f"error.training_{told}"] if told else [])


def test_every_method_has_words_and_a_place_in_the_list() -> None:
    assert tuple(METHODS) == get_args(Method)
    for language in ("ko", "en"):
        words = json.loads((ROOT / "assets" / "locale" / language / "methods.json").read_text("utf-8"))
        assert {f"methods.{part}.{method}" for method in METHODS for part in ("name", "about")} <= words.keys()
    assert all(field in TrainingConfig.model_fields for spec in METHODS.values() for field in spec.fields)
    assert family("lora_plus") == "lora" and family("dora") == "dora"


def test_the_list_of_methods_loads_no_heavy_library() -> None:
    ask = "import sys, backend.training.methods.refusals; print(*{'torch', 'peft', 'transformers'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.stdout.split() == [] and answer.returncode == 0, answer.stderr
