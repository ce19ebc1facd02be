"""Small real models for tests: random weights, a byte-level BPE that knows some Korean and English, in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TALK = [
    "안녕하세요. 오늘 점심은 무엇을 드셨습니까?",
    "구내식당에서 김치찌개를 먹었습니다.",
    "이 영화는 정말 재미있었습니다. 배우들의 연기가 훌륭합니다.",
    "이 영화는 지루하고 이야기가 엉성합니다.",
    "Hello. What did you have for lunch today?",
    "I went to the canteen and had soup with rice.",
    "This film is a quiet wonder. The ending stayed with me for days.",
    "Classify the review as positive or negative.",
]
TEMPLATE = """\
{%- for message in messages -%}
<|{{ message['role'] }}|>
{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}{% else -%}
{{ message['content'] }}<|end|>{% endif %}
{% endfor -%}
{%- if add_generation_prompt -%}<|assistant|>
{% endif -%}"""
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def tiny_model(
    folder: Path, seed: int = 0, chat_template: bool = True, context: int = 512, config: Any = None, words: int = 400
) -> Path:
    """Write a random causal model with its tokenizer into `folder` and return it.

    `config` is a transformers config of any causal architecture (its vocabulary size is set here); the default is a
    Llama of 2 layers and 32 numbers. `words` is the size of the vocabulary.
    """
    import torch
    import transformers

    library: Any = transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer(chat_template, words)
    tokenizer.save_pretrained(folder)
    config = config or library.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    config.vocab_size = len(tokenizer)
    config.max_position_embeddings = context
    config.pad_token_id, config.bos_token_id, config.eos_token_id = 0, None, 1
    # A wide spread makes the likeliest token stand out, so that rounding never decides.
    config.initializer_range = 0.5
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = library.AutoModelForCausalLM.from_config(config)
    model.generation_config = library.GenerationConfig(eos_token_id=1, pad_token_id=0)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def tiny_tokenizer(chat_template: bool = True, words: int = 400) -> Any:
    """A byte-level BPE: half Hangul syllables are tokens, as in the large models."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    library: Any = transformers
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(TALK, trainer)
    tokenizer = library.PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<|pad|>", eos_token="<|end|>")
    if chat_template:
        tokenizer.chat_template = TEMPLATE
    return tokenizer


def set_config(folder: Path, **fields: object) -> None:
    """Change fields of a model folder's config.json."""
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **fields}), "utf-8")
