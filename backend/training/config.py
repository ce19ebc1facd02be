"""What a training run is asked to do. Field names are those of PEFT, transformers and TRL, verbatim.

A value says everything: with the same config, the same data and the same seed a run can be repeated, and the script
that takes it away is written from nothing else.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, FiniteFloat

from backend.assistants import Assistant, Part, Quantization
from backend.models.adapter_card import Method as Method

FORMAT: Final = "matchum-training-1"

Objective = Literal["answers", "prompt_based", "documents", "head"]
"""answers       the expected output after the assistant's prompt without its few-shot examples; loss on the output only
prompt_based  the same with the few-shot examples in the prompt (fine-tuning with demonstrations, for few examples)
documents     continued pre-training: every token of raw text counts
head          a sequence classification head over the model's features; the task must have labels
Preference objectives join this list with the feedback tab."""

Effort = Literal["quick", "balanced", "thorough", "own"]
Engine = Literal["auto", "trl", "unsloth"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
AUTO: Final = "auto"


def whole_text(text: str) -> str:
    """Text as UTF-8 has it. Raises ValueError for half of a surrogate pair, which no file and no database holds."""
    text.encode("utf-8")
    return text


def file_name(name: str) -> str:
    """The name of a file and no way to another folder: configs come with projects and files from elsewhere.

    Raises ValueError.
    """
    odd = "\\" in name or any(unicodedata.category(sign) == "Cc" for sign in name)
    if odd or name in ("", ".", "..") or Path(name).name != name:
        raise ValueError("not the name of a file")
    return whole_text(name)


WholeText = Annotated[str, AfterValidator(whole_text)]
FileName = Annotated[str, AfterValidator(file_name)]


class TrainingConfig(Part):
    """Everything about one run; see the groups.

    start
      assistant         what is trained, as a snapshot: model, prompt template, examples, chat template; an adapter of
                        its own is trained further
      parent_id         its saved version, None for a model that nobody has saved as an assistant
      effort            which preset filled this in; "own" once a person changed a number (told, never acted on)
    data
      limit             so many training examples, drawn by `seed`; None is all
      tag               only examples with this tag; None is all
      documents         names of text files in the run's input/ (objective "documents")
      max_length        tokens of a row; None is the model's context. Longer rows are left out and told, never cut
      packing           several short rows in one sequence, each blind to the others
      train_sampling_strategy  "random", or "group_by_length" against padding
    peft
      target_modules    names of modules, "all-linear", or "auto": by architecture
      last_layers       how many of the model's last blocks are trained (method "last_layers")
      num_virtual_tokens, encoder_hidden_size  of the prompt methods
      loraplus_lr_ratio how much faster B learns than A (method "lora_plus")
    optimizer           transformers' TrainingArguments
      warmup_steps      steps when >= 1, else a share of all steps
      dtype             of the weights while training; "auto" by device
    watching
      eval_steps, save_steps  None: about twenty times in a run
      early_stopping_patience evaluations without a better dev loss until it stops; 0: never
      metric_examples   dev examples answered at every third evaluation or so for the task's metric; 0: none
      sample_inputs     dev examples whose answers are shown while it trains
    machine
      engine            "auto" picks by what was measured
      processes         more than one trains in parallel by accelerate, with `strategy`
    """

    format: Literal["matchum-training-1"] = FORMAT

    assistant: Assistant = Assistant()
    parent_id: int | None = None
    objective: Objective = "answers"
    method: Method = "lora"
    quantization: Quantization | None = None
    effort: Effort = "balanced"

    limit: int | None = Field(None, ge=1)
    tag: WholeText | None = None
    documents: tuple[FileName, ...] = ()
    max_length: int | None = Field(None, ge=16, le=1_048_576)
    packing: bool = False
    train_sampling_strategy: Literal["random", "group_by_length"] = "group_by_length"

    r: int = Field(16, ge=1, le=1024)
    lora_alpha: int = Field(32, ge=1, le=4096)
    lora_dropout: FiniteFloat = Field(0.0, ge=0.0, lt=1.0)
    target_modules: tuple[str, ...] | Literal["auto", "all-linear"] = AUTO
    init_lora_weights: Literal["default", "gaussian", "pissa"] = "default"
    loraplus_lr_ratio: FiniteFloat = Field(16.0, ge=1.0, le=1000.0)
    num_virtual_tokens: int = Field(20, ge=1, le=500)
    encoder_hidden_size: int = Field(128, ge=1, le=8192)
    last_layers: int = Field(2, ge=1, le=200)

    num_train_epochs: FiniteFloat = Field(3.0, gt=0.0, le=1000.0)
    max_steps: int = Field(-1, ge=-1)
    learning_rate: FiniteFloat = Field(2e-4, gt=0.0, le=10.0)
    per_device_train_batch_size: int = Field(8, ge=1, le=4096)
    gradient_accumulation_steps: int = Field(1, ge=1, le=4096)
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    warmup_steps: FiniteFloat = Field(0.05, ge=0.0)
    weight_decay: FiniteFloat = Field(0.0, ge=0.0, le=1.0)
    max_grad_norm: FiniteFloat = Field(1.0, gt=0.0)
    optim: Literal["adamw_torch", "adamw_bnb_8bit", "paged_adamw_8bit", "adafactor", "sgd"] = "adamw_torch"
    neftune_noise_alpha: FiniteFloat | None = Field(None, ge=0.0)
    gradient_checkpointing: bool = False
    dtype: Dtype = "auto"
    seed: int = Field(0, ge=0, lt=2**31)

    eval_steps: int | None = Field(None, ge=1)
    save_steps: int | None = Field(None, ge=1)
    early_stopping_patience: int = Field(3, ge=0)
    metric_examples: int = Field(32, ge=0, le=1000)
    sample_inputs: int = Field(4, ge=0, le=16)

    engine: Engine = "auto"
    processes: int = Field(1, ge=1, le=64)
    strategy: Literal["ddp", "fsdp"] = "ddp"
