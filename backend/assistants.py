"""The Assistant: a frozen value that says completely how an answer comes about.

Parts that later tabs fill (facts) join this class as optional fields when they work, so that a file
written today still loads then.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.errors import BadInput

FORMAT: Final = "matchum-assistant-1"

ModelKind = Literal["starter", "local", "hub", "endpoint"]


class Part(BaseModel):
    """Base of every part: frozen, and a key it does not know is a fault rather than silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRef(Part):
    """Which model answers.

    kind      starter   the practice model that ships (`name` is "matchum-starter")
              local     `name` is a folder on this machine
              hub       `name` is a hub id such as "Qwen/Qwen3-0.6B", downloaded into the home folder
              endpoint  `name` is the model's name there, `endpoint` the connection's id (never its key)
    revision  commit of a hub model, None for the others
    """

    kind: ModelKind = "starter"
    name: str = "matchum-starter"
    revision: str | None = None
    endpoint: str | None = None

    def label(self) -> str:
        return self.name.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]


class Instructions(Part):
    """`system` is the system prompt; `template` has named variables and makes the user message."""

    system: str = ""
    template: str = "{input}"


class Shot(Part):
    """One worked example: the variables of the template, and the answer wanted."""

    variables: dict[str, str]
    output: str


Method = Literal["by_hand", "random", "balanced", "diverse", "nearest_embedding", "nearest_bm25", "mixed"]
Order = Literal["as_listed", "shuffled", "nearest_first", "nearest_last"]

PER_INPUT: Final[frozenset[Method]] = frozenset({"nearest_embedding", "nearest_bm25", "mixed"})
"""Methods that choose anew for each input; the others have chosen once, and `shots` is what they chose."""


class Selection(Part):
    """How shots are chosen: `count` of them, and their order. `mixed` is half the nearest, half spread over labels."""

    method: Method = "by_hand"
    count: int = Field(4, ge=0, le=64)
    order: Order = "as_listed"
    seed: int = Field(0, ge=0, lt=2**63)


class Examples(Part):
    """Few-shot: the examples shown before the question.

    All `shots` in order; but when `selection` chooses per input, `shots` is the pool that it chooses from.
    """

    shots: tuple[Shot, ...] = ()
    selection: Selection | None = None


class Decoding(Part):
    """How the next token is picked; names and meanings are transformers' GenerationConfig.

    temperature 0 means greedy. `seed` None draws anew each time. `stop` ends the answer before any of
    these strings.
    """

    temperature: float = Field(0.0, ge=0.0, le=5.0)
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    top_k: int = Field(0, ge=0, le=1000)
    min_p: float = Field(0.0, ge=0.0, le=1.0)
    repetition_penalty: float = Field(1.0, ge=0.5, le=3.0)
    max_new_tokens: int = Field(256, ge=1, le=32768)
    stop: tuple[str, ...] = ()
    seed: int | None = Field(0, ge=0, lt=2**63)


Quantization = Literal["int8", "nf4"]
"""How a model's weights are made small while it is loaded, by bitsandbytes: 8 bits, or 4-bit normal float."""


class AdapterRef(Part):
    """What training yields, put over the model. `id` names its content (sha256, 32 hex digits); `method` is for people.

    Where it lies is found by its id: an assistant can be handed on without a path in it.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    method: str = Field("", max_length=40)


Retriever = Literal["keyword", "bm25", "dense", "hybrid", "whole"]
Fusion = Literal["rrf", "weighted"]


class PassageFilter(Part):
    """Which documents are looked in; empty: all. A document passes when each field that is set lets it through.

    dated_from, dated_to  of the document's own date (or of its arrival), ISO days, both included
    """

    documents: tuple[int, ...] = ()
    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[Literal["ko", "en", "mixed", "other"], ...] = ()
    dated_from: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    dated_to: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")


class Documents(Part):
    """How the project's documents are used: which passages are found and shown to the model before the question.

    retriever   keyword  passages that hold the question's words      bm25   ranked by BM25
                dense    nearest by the index's embedding model       hybrid both, fused
                whole    all documents in reading order, for collections that fit the context
    top_k       passages that the model reads; `candidates` each retriever hands to fusion, rerank and MMR
    fusion      rrf (reciprocal rank fusion, Cormack et al. 2009, constant `rrf_k`) or weighted (min-max scores,
                `dense_weight` of the dense one)
    rerank      a cross-encoder: hub id or local folder; "" for none
    mmr         maximal marginal relevance: lambda of Carbonell & Goldstein (1998), 1 is relevance alone; None: off
    cite        answers are asked to name the passages they rest on, as [1], [2]
    rewrite     a follow-up question of a conversation is first written out by the model itself
    """

    retriever: Retriever = "hybrid"
    top_k: int = Field(5, ge=1, le=50)
    candidates: int = Field(50, ge=1, le=1000)
    fusion: Fusion = "rrf"
    rrf_k: int = Field(60, ge=1, le=1000)
    dense_weight: float = Field(0.5, ge=0.0, le=1.0)
    rerank: str = Field("", max_length=500)
    mmr: float | None = Field(None, ge=0.0, le=1.0)
    filter: PassageFilter = PassageFilter()
    cite: bool = True
    rewrite: bool = False


class Weights(Part):
    """Everything about an assistant that has to be loaded before it can answer; equal ones are loaded once."""

    model: ModelRef = ModelRef()
    adapter: AdapterRef | None = None
    quantization: Quantization | None = None

    def label(self) -> str:
        return self.model.label()


class Assistant(Part):
    """Completely how an answer comes about. Two equal assistants answer alike.

    `chat_template` is the Jinja text read from the model's tokenizer when the assistant was made; None
    for an endpoint, whose server applies its own.
    """

    name: str = Field("", max_length=120)
    model: ModelRef = ModelRef()
    instructions: Instructions = Instructions()
    examples: Examples = Examples()
    decoding: Decoding = Decoding()
    chat_template: str | None = None
    adapter: AdapterRef | None = None
    quantization: Quantization | None = None
    documents: Documents | None = None

    @property
    def weights(self) -> Weights:
        return Weights(model=self.model, adapter=self.adapter, quantization=self.quantization)

    def to_json(self) -> str:
        """The assistant as a file that `from_json` reads back to an equal value."""
        return Package(assistant=self).model_dump_json(indent=2)

    @staticmethod
    def from_json(text: str | bytes) -> Assistant:
        """Read `to_json`'s text. Raises BadInput("error.assistant_file")."""
        try:
            return Package.model_validate_json(text).assistant
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(str(step) for step in first["loc"]) or "file"
            raise BadInput("error.assistant_file", where=where, why=first["msg"]) from fault


class Package(Part):
    """What an exported assistant file holds: the value, and the format it is written in."""

    format: Literal["matchum-assistant-1"] = FORMAT
    assistant: Assistant


class Change(BaseModel):
    """One field that differs between two assistants; `field` is dotted, e.g. "decoding.temperature"."""

    model_config = ConfigDict(frozen=True)

    field: str
    before: str
    after: str

    def lines(self) -> list[str]:
        """A line difference for long texts: each line starts with "  ", "- " or "+ "."""
        pairs = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        return [line for line in pairs if not line.startswith("? ")]


def changes(before: Assistant, after: Assistant) -> list[Change]:
    """What a person must know to tell two versions apart, field by field, in the order of the form."""
    old, new = dict(_leaves(before.model_dump(), "")), dict(_leaves(after.model_dump(), ""))
    fields = list(dict.fromkeys([*old, *new]))
    return [
        Change(field=field, before=old.get(field, ""), after=new.get(field, ""))
        for field in fields
        if old.get(field, "") != new.get(field, "")
    ]


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for number, below in enumerate(value, 1):
            yield from _leaves(below, f"{path}.{number}")
    else:
        yield path, "" if value is None else str(value)
