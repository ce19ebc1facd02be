"""Unsloth and TRL train the same config to the same numbers; each in a process of its own, since one patches it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from backend.jobs.child import ROOT, environment
from tests.tiny import tiny_model

pytestmark = [
    pytest.mark.skipif(find_spec("unsloth") is None, reason="Unsloth is not installed"),
    pytest.mark.slow,
]
LORA = {"method": "lora", "r": 4, "lora_alpha": 8, "learning_rate": 5e-3, "per_device_train_batch_size": 4}
CONFIGS: dict[str, dict[str, Any]] = {
    "lora": LORA,
    "qlora": {**LORA, "quantization": "nf4"},
    "dora": {**LORA, "method": "dora"},
    "full": {"method": "full", "learning_rate": 1e-3, "per_device_train_batch_size": 4},
}


def trained(engine: str, model: Path, output: Path, configs: dict[str, Any], **more: str) -> dict[str, Any]:
    """What the child told."""
    output.mkdir()
    given = [sys.executable, "-m", "tests.training.engine_child", engine, str(model), str(output), json.dumps(configs)]
    own = {**environment(os.environ), "OMP_NUM_THREADS": "1", **more}
    done = subprocess.run(given, cwd=ROOT, env=own, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import transformers

    wide = transformers.LlamaConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny", config=wide)


@pytest.fixture(scope="module")
def both(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """Where both engines left what moved, and what each told."""
    folder = tmp_path_factory.mktemp("engines")
    return (
        folder,
        trained("trl", model, folder / "trl", CONFIGS),
        trained("unsloth", model, folder / "unsloth", CONFIGS),
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_the_engines_agree(both: tuple[Path, dict[str, Any], dict[str, Any]], name: str) -> None:
    folder, trl, fast = both[0], both[1]["runs"][name], both[2]["runs"][name]
    assert (trl["engine"], fast["engine"]) == ("trl", "unsloth"), fast
    assert (trl["trainable"], trl["total"]) == (fast["trainable"], fast["total"])
    assert fast["losses"] == pytest.approx(trl["losses"], abs=1e-4)
    assert fast["norms"] == pytest.approx(trl["norms"], rel=1e-3)
    assert fast["losses"][-1] < fast["losses"][0]
    ours, theirs = (load_file(folder / engine / name / "moved.safetensors") for engine in ("trl", "unsloth"))
    assert ours.keys() == theirs.keys()
    assert max(float((tensor - theirs[key]).abs().max()) for key, tensor in ours.items()) < 1e-3


def test_each_engine_is_itself_and_asks_nobody_outside(both: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    assert (both[1]["patched"], both[2]["patched"]) == (False, True)
    assert both[2]["asked"] == []


def test_where_unsloth_refuses_to_start_trl_trains_and_says_why(model: Path, tmp_path: Path) -> None:
    told = trained("unsloth", model, tmp_path / "run", {"lora": LORA}, UNSLOTH_DISABLE_CPU_FALLBACK="1")["runs"]["lora"]
    assert (told["engine"], told["reason"]) == ("trl", "engines.reason.failed")
    assert told["details"]["why"]
    assert len(told["losses"]) == 8
    kept = json.loads((tmp_path / "run" / "lora" / "engine.json").read_text("utf-8"))
    assert kept["engine"] == "trl"  # a later attempt does not try again
