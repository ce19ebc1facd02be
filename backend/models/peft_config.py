"""PEFT's adapter_config.json, read as a stranger's: which fields count for answering, and what may stand in them.

A field that changes no answer (how it was initialised, dropout, the optimizer's schedule) is left behind. A field that
would change one and is not known here is refused, unless it is empty or off. (What the fields mean:
https://huggingface.co/docs/peft/package_reference/config; what they can do: `megatron_core` names a module that is
imported, `tokenizer_name_or_path` a place that is read, patterns are run as regular expressions.)

The sizes here are only plausible; whether the tensors are there that they ask for, `adapter_fits` finds out. What it
could not see, since no tensor is kept of it, is refused here: projections made anew, networks before a prompt. Of the
model itself only a head (`backend.models.heads`) is kept beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

Plain = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,200}$")]
Names = Annotated[list[Plain], Field(max_length=20_000)]
Size = Annotated[int, Field(ge=0, le=8192)]
Wide = Annotated[int, Field(ge=0, le=1_000_000)]
Scale = Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]
Kept = Annotated[list[bool], Field(max_length=8192)]

# fmt: off
IGNORED: Final = frozenset({
    "peft_version", "base_model_name_or_path", "revision", "inference_mode", "auto_mapping", "lora_dropout",
    "megatron_core", "prompt_tuning_init", "prompt_tuning_init_text", "tokenizer_name_or_path", "tokenizer_kwargs",
    "encoder_dropout", "beta1", "beta2", "tinit", "tfinal", "deltaT", "orth_reg_weight", "total_step", "rank_dropout",
    "rank_dropout_scale", "module_dropout", "vera_dropout", "init_weights", "init_ia3_weights", "qalora_group_size",
    "runtime_config", "ensure_weight_tying",
})
# fmt: on
"""Fields that change no answer of a trained adapter; `runtime_config` says how to spare memory of an accelerator."""


class Refusal(ValueError):
    """A configuration that is not used, because of `field`."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Answering(BaseModel):
    """The fields of all methods together that say how an adapter answers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    peft_type: Literal[
        "LORA", "ADALORA", "LOHA", "LOKR", "IA3", "VERA", "OFT", "PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"
    ]
    task_type: Literal["CAUSAL_LM", "SEQ_CLS"]
    target_modules: Names | None = None
    exclude_modules: Names | None = None
    feedforward_modules: Names | None = None
    modules_to_save: Annotated[list[Literal["score", "classifier"]], Field(max_length=20)] | None = None
    layers_to_transform: Annotated[list[Size], Field(max_length=8192)] | Size | None = None
    layers_pattern: Names | Plain | None = None
    rank_pattern: dict[Plain, Size | Kept] | None = None
    alpha_pattern: dict[Plain, Scale] | None = None
    r: Size | None = None
    target_r: Size | None = None
    init_r: Size | None = None
    lora_alpha: Scale | None = None
    alpha: Scale | None = None
    fan_in_fan_out: bool = False
    bias: Literal["none"] = "none"
    use_rslora: bool = False
    use_dora: bool = False
    init_lora_weights: bool | Literal["gaussian", "pissa", "pissa_niter_4", "pissa_niter_16"] = True
    use_effective_conv2d: bool = False
    decompose_both: bool = False
    decompose_factor: Annotated[int, Field(ge=-1, le=8192)] | None = None
    projection_prng_key: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    save_projection: Literal[True] = True
    d_initial: Scale | None = None
    oft_block_size: Size | None = None
    coft: bool = False
    eps: Scale | None = None
    block_share: bool = False
    use_cayley_neumann: bool = True
    num_cayley_neumann_terms: Annotated[int, Field(ge=1, le=100)] | None = None
    num_virtual_tokens: Annotated[int, Field(ge=1, le=500)] | None = None
    token_dim: Wide | None = None
    num_transformer_submodules: Annotated[int, Field(ge=1, le=1)] | None = None
    num_attention_heads: Wide | None = None
    num_layers: Size | None = None
    encoder_reparameterization_type: Literal["MLP"] | None = None
    encoder_hidden_size: Size | None = None
    encoder_num_layers: Annotated[int, Field(ge=1, le=16)] | None = None
    prefix_projection: Literal[False] = False


PROMPTS: Final = frozenset({"PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"})


def check_config(config: Mapping[str, Any], task: Literal["causal", "head"]) -> Answering:
    """The checked values of a configuration file. Raises Refusal(field)."""
    told = {name: value for name, value in config.items() if name not in IGNORED}
    known = {name: value for name, value in told.items() if name in Answering.model_fields}
    for name, value in told.items():
        if name not in known and value not in (None, False, {}, [], ""):
            raise Refusal(str(name)[:60])
    if config.get("auto_mapping"):
        raise Refusal("auto_mapping")
    try:
        found = Answering.model_validate(known)
    except ValidationError as fault:
        raise Refusal(str(fault.errors()[0]["loc"][0])[:60]) from fault
    if found.task_type != ("SEQ_CLS" if task == "head" else "CAUSAL_LM"):
        raise Refusal("task_type")
    if (found.peft_type in PROMPTS) != (found.num_virtual_tokens is not None):
        raise Refusal("num_virtual_tokens")
    return found


def peft_config(found: Answering) -> Any:
    """The checked values as PEFT's own configuration, ready to answer with."""
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PeftType

    values = found.model_dump(exclude={"peft_type"}, exclude_none=True, exclude_unset=True)
    if found.peft_type == "ADALORA":
        values["total_step"] = 1  # asked for by its constructor; its schedule belongs to training
    if found.init_lora_weights == "gaussian":
        del values["init_lora_weights"]
    return PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(found.peft_type)](inference_mode=True, **values)
