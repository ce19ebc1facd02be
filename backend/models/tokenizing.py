"""From messages to the very token ids that a model reads, without its weights.

What answers and what trains both cut their texts here, so that a training row's prompt is, token for token, what the
model will be asked later.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jinja2.exceptions import TemplateError

from backend.errors import ModelProblem, first_line
from backend.messages import Message
from backend.models.chat_templates import render, template_of


class Reads(Protocol):
    """Whatever turns messages into ids: `Tokenizing` below, and the engine of a loaded model."""

    @property
    def tokenizer(self) -> Any: ...

    @property
    def ends(self) -> frozenset[int]: ...

    @property
    def chat_template(self) -> str: ...

    def render(self, messages: tuple[Message, ...], chat_template: str | None = None, prefill: str = "") -> str: ...


@dataclass(frozen=True)
class Tokenizing:
    """A tokenizer and what answering knows beside it; `Reads` without a model.

    ends     the tokens that end an answer
    context  tokens that prompt and answer may take together; None when the model does not say
    """

    tokenizer: Any
    ends: frozenset[int]
    context: int | None = None

    @classmethod
    def open(cls, folder: Path) -> Tokenizing:
        """Of a model's folder; its weights are not read. Raises ModelProblem."""
        library = _library()
        tokenizer = open_tokenizer(folder)
        try:
            config: Any = library.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise ModelProblem("error.model_damaged", file="config.json") from fault
        length = getattr(config.get_text_config(), "max_position_embeddings", None)
        ends = ends_of(_end_in_files(folder), tokenizer)
        return cls.settle(tokenizer, ends, int(length) if length else None)

    @classmethod
    def over(cls, model: Any, tokenizer: Any) -> Tokenizing:
        """Of a model that is loaded, with or without an adapter over it."""
        length = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        return cls.settle(tokenizer, ends_of(own, tokenizer), int(length) if length else None)

    @classmethod
    def settle(cls, tokenizer: Any, ends: frozenset[int], context: int | None) -> Tokenizing:
        # A first call clears the padding and cutting that a tokenizer file may ask for; done later, by two threads at
        # once, it would fail ("Already borrowed").
        tokenizer("x", add_special_tokens=False)
        return cls(tokenizer, ends, context)

    @property
    def chat_template(self) -> str:
        return template_of(self.tokenizer)

    def render(self, messages: tuple[Message, ...], chat_template: str | None = None, prefill: str = "") -> str:
        return render(self.tokenizer, messages, chat_template or self.chat_template, prefill)


@dataclass(frozen=True)
class Forced:
    """Token ids: a prompt, which is only read, and the output after it, whose every token is measured."""

    prompt: tuple[int, ...]
    output: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return self.prompt + self.output

    @property
    def first(self) -> int:
        """The position whose logits tell the output's first token."""
        return len(self.prompt) - 1


def open_tokenizer(folder: Path) -> Any:
    """A model folder's tokenizer, of this machine and without code of its own. Raises ModelProblem."""
    library = _library()
    try:
        return library.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError) as fault:
        raise ModelProblem("error.model_tokenizer", model=folder.name, why=first_line(fault)) from fault
    except Exception as fault:  # the tokenizers library raises bare Exception for a broken file
        if type(fault) is not Exception:
            raise
        raise ModelProblem("error.model_tokenizer", model=folder.name, why=first_line(fault)) from fault


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """A rendered text as its model reads it: the template has written the special tokens already."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def many_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """`ids_of` of each; a fast tokenizer works at them side by side."""
    return [list(ids) for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]] if texts else []


def ends_of(own: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: the model's (`eos_token_id` of its generation config) and the tokenizer's."""
    found = [*(own if isinstance(own, list) else [own]), tokenizer.eos_token_id]
    return frozenset(int(token) for token in found if token is not None)


def end_of_turn(reads: Reads, chat_template: str | None) -> int | None:
    """The token with which the template ends an answer, if it writes an answer as prompt, answer, end token.

    None where it writes something else (a template that rewrites answers, a tokenizer without an end token). What a
    template puts behind that token is never written by the model and does not count.
    """
    template = chat_template or reads.chat_template
    try:
        before, whole = reads.render((_ASKED,), template), _with_answer(reads, template, "y")
    except (TemplateError, ModelProblem):
        return None
    if not whole.startswith(before + "y"):
        return None
    return _first_end(reads, whole[len(before) + 1 :])


def end_to_learn(reads: Reads, chat_template: str | None) -> int | None:
    """The token that is trained to follow an answer: it must end an answer here, or the model would never stop.

    The one that the template writes behind an answer, also where the template rewrites the answer before it (thinking
    marks); else the tokenizer's own end token, else None: a model without one.
    """
    found = end_of_turn(reads, chat_template)
    if found is not None:
        return found
    answer = "Qx7"
    try:
        _, seen, after = _with_answer(reads, chat_template or reads.chat_template, answer).rpartition(answer)
    except TemplateError:
        seen = after = ""
    found = _first_end(reads, after) if seen else None
    if found is not None:
        return found
    own = reads.tokenizer.eos_token_id
    return int(own) if own is not None else min(reads.ends, default=None)


def forced(reads: Reads, prompt: str, output: str, end: int | None) -> Forced:
    """The tokens of a rendered prompt, read as an answer's prompt is, and of what follows it.

    The output is cut together with the prompt, unless a token would reach over their border: then by itself.
    """
    return many_forced(reads, [(prompt, output)], end)[0]


def many_forced(reads: Reads, pairs: Sequence[tuple[str, str]], end: int | None) -> list[Forced]:
    """`forced` of each (prompt, output): 10,000 short ones take about a second."""
    prompts = many_ids(reads.tokenizer, [prompt for prompt, _ in pairs])
    wholes = many_ids(reads.tokenizer, [prompt + output for prompt, output in pairs])
    tail = () if end is None else (end,)
    found = []
    for (_, output), before, both in zip(pairs, prompts, wholes, strict=True):
        joined = both[: len(before)] == before
        after = both[len(before) :] if joined else ids_of(reads.tokenizer, output)
        found.append(Forced(tuple(before), (*after, *tail)))
    return found


def _library() -> Any:
    """transformers, whole. It puts another module in its place at the end of its import: a thread that waits for the
    first import of another one is handed the old one by a plain `import`, without any of its names.
    """
    return importlib.import_module("transformers")


_ASKED = Message(role="user", content="x")


def _with_answer(reads: Reads, template: str, answer: str) -> str:
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": answer}]
    return str(reads.tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False))


def _first_end(reads: Reads, text: str) -> int | None:
    ids = ids_of(reads.tokenizer, text)
    return ids[0] if ids and ids[0] in reads.ends else None


def _end_in_files(folder: Path) -> Any:
    """`eos_token_id` as transformers finds it when it loads the model: of the generation config, else of the config."""
    for name in ("generation_config.json", "config.json"):
        file = folder / name
        if file.is_file():
            try:
                return json.loads(file.read_text("utf-8")).get("eos_token_id")
            except (OSError, ValueError, AttributeError) as fault:
                raise ModelProblem("error.model_damaged", file=name) from fault
    return None
