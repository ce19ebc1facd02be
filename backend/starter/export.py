"""Builds the network and writes the folder that ships: bfloat16 weights, tokenizer, template, generation settings."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from backend.starter.recipe import SIZES, Recipe

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


def build_model(recipe: Recipe, tokenizer: "PreTrainedTokenizerFast") -> "LlamaForCausalLM":
    """A fresh Llama with tied embeddings; the same seed starts from the same numbers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    size = SIZES[recipe.size]
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)  # type: ignore[no-untyped-call]


def write_folder(model: "LlamaForCausalLM", tokenizer: "PreTrainedTokenizerFast", out: Path) -> None:
    """Writes beside `out` and moves file by file, so that whoever loads meanwhile never sees half a file."""
    import torch
    from transformers import GenerationConfig, LlamaForCausalLM

    beside = out.parent / f"{out.name}.partial"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    out.mkdir(parents=True, exist_ok=True)
    copy = LlamaForCausalLM(model.config)  # type: ignore[no-untyped-call]
    copy.load_state_dict(model.state_dict())
    copy.to(dtype=torch.bfloat16)  # type: ignore[call-arg]
    copy.config.dtype = torch.bfloat16
    copy.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=128,
        do_sample=False,
    )
    copy.save_pretrained(beside, safe_serialization=True)
    tokenizer.save_pretrained(beside)
    for file in sorted(beside.iterdir()):
        file.chmod(0o644)  # safetensors makes it readable for its owner alone
        os.replace(file, out / file.name)
    beside.rmdir()
