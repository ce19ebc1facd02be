"""What a person would write by hand: TRL's own trainer on a LoRA, and nothing else. Its clock starts with the process.

    python -m tests.benchmarks.bare_trl '{"model": ..., "rows": ..., "lora": {...}, "arguments": {...}}'

rows  a .jsonl file with `input_ids` and `labels` per line. One line of JSON tells seconds since the process was started
(`began`, given by whoever started it, is its moment): `loaded` the model, `first` step done, `ended`; and of the steps
`tokens` that are no padding, and `seconds` that they took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    given = json.loads(sys.argv[1])
    if hasattr(os, "nice"):
        os.nice(5)  # as a worker does: beside other work on the same cores neither side shall have more of them
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(given["model"])
    model: Any = AutoModelForCausalLM.from_pretrained(given["model"], dtype=torch.float32)
    told: dict[str, Any] = {"loaded": time.time() - given["began"]}
    lines = [json.loads(line) for line in Path(given["rows"]).read_text("utf-8").splitlines()]
    rows = Dataset.from_list([{name: line[name] for name in ("input_ids", "labels")} for line in lines])
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            ends.append(time.perf_counter())

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            ends.append(time.perf_counter())
            told.setdefault("first", time.time() - given["began"])

    counted: list[int] = []

    class Counting(SFTTrainer):
        def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
            mask = inputs.get("attention_mask")
            counted.append(int(inputs["input_ids"].numel() if mask is None else mask.sum()))
            return super().training_step(model, inputs, num_items_in_batch)

    trainer = Counting(
        model=model,
        args=SFTConfig(report_to="none", disable_tqdm=True, save_strategy="no", **given["arguments"]),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type="CAUSAL_LM", **given["lora"]),
        callbacks=[Clock()],
    )
    trainer.train()
    told |= {"ended": time.time() - given["began"], "tokens": sum(counted), "seconds": ends[-1] - ends[0]}
    told |= {"first_step": ends[1] - ends[0], "steps": len(ends) - 1}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
