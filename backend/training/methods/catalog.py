"""Which methods of training there are, and what each can and cannot do. No heavy library is imported here.

Sources: LoRA (Hu 2021, arXiv 2106.09685), rsLoRA (Kalajdzievski 2023, 2312.03732), LoRA+ (Hayou 2024, 2402.12354),
DoRA (Liu 2024, 2402.09353), QLoRA (Dettmers 2023, 2305.14314), PiSSA (Meng 2024, 2404.02948), AdaLoRA (Zhang 2023,
2303.10512), LoHa (Hyeon-Woo 2022, 2108.06098), LoKr (Yeh 2024, 2309.14859), (IA)3 (Liu 2022, 2205.05638), VeRA
(Kopiczko 2024, 2310.11454), OFT (Qiu 2023, 2306.07280), prompt tuning (Lester 2021, 2104.08691), p-tuning (Liu 2021,
2103.10385), prefix tuning (Li and Liang 2021, 2101.00190).

Bottleneck adapters (Houlsby 2019, Pfeiffer 2021) are not offered. The library that keeps them, `adapters`, pins
transformers 4.57 in its newest release (1.3.0) and replaces its model classes; this studio runs on transformers 5. PEFT
has none: of its methods with an inner layer, `ShadowConfig` is a second network that runs beside the blocks, and
`PeanutConfig` changes weights and not the stream between layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from backend.assistants import Quantization
from backend.models.heads import OUTPUT_LAYERS
from backend.training.config import Method, Objective, TrainingConfig

Group = Literal["low_rank", "scaling", "prompt", "weights"]

GENERATIVE: Final[frozenset[Objective]] = frozenset({"answers", "prompt_based", "documents"})
EVERY: Final[frozenset[Objective]] = GENERATIVE | {"head"}
BOTH: Final[frozenset[Quantization]] = frozenset({"int8", "nf4"})
NONE: Final[frozenset[Quantization]] = frozenset()
RANK: Final = ("r", "lora_alpha", "lora_dropout", "target_modules")


@dataclass(frozen=True)
class MethodSpec:
    """One method.

    group            low_rank and scaling change modules of the model by PEFT; prompt learns vectors before the prompt;
                     weights trains numbers of the model itself
    mergeable        whether what was learned can be written into the base's weights
    quantizable      what the base may be quantized to while it learns. PEFT's LoHa and LoKr read the shape of 4-bit
                     weights, which is not the layer's; transformers' trainer takes no quantized model without PEFT
    objectives       what it can be trained for
    prompt_learning  whether it is read with every prompt instead of changing the model
    learning_rate    a sensible start for models of 0.5 to 8 billion numbers; small models take more
    fields           the config's fields that matter to it, in the order of a form
    continues        whether a saved adapter can be trained further: not where PEFT saves only what its encoder made
    """

    name: Method
    group: Group
    learning_rate: float
    fields: tuple[str, ...] = RANK
    mergeable: bool = True
    quantizable: frozenset[Quantization] = BOTH
    objectives: frozenset[Objective] = EVERY
    continues: bool = True

    @property
    def prompt_learning(self) -> bool:
        return self.group == "prompt"

    @property
    def peft(self) -> bool:
        """Whether PEFT carries it; else it trains tensors of the model, and those are saved."""
        return self.group != "weights"


def _prompt(name: Method, learning_rate: float, *more: str, continues: bool = True) -> MethodSpec:
    fields = ("num_virtual_tokens", *more)
    return MethodSpec(name, "prompt", learning_rate, fields, False, BOTH, GENERATIVE, continues)


_ALL: Final = (
    MethodSpec("lora", "low_rank", 2e-4, (*RANK, "init_lora_weights")),
    MethodSpec("rslora", "low_rank", 1e-4, (*RANK, "init_lora_weights")),
    MethodSpec("lora_plus", "low_rank", 1e-4, (*RANK, "init_lora_weights", "loraplus_lr_ratio")),
    MethodSpec("dora", "low_rank", 2e-4, (*RANK, "init_lora_weights")),
    MethodSpec("adalora", "low_rank", 1e-3),
    MethodSpec("loha", "low_rank", 1e-3, quantizable=NONE),
    MethodSpec("lokr", "low_rank", 1e-3, quantizable=NONE),
    MethodSpec("ia3", "scaling", 5e-3, ("target_modules",)),
    MethodSpec("vera", "scaling", 4e-3, ("r", "lora_dropout", "target_modules")),
    MethodSpec("oft", "scaling", 1e-3, ("r", "lora_dropout", "target_modules")),
    _prompt("prompt_tuning", 3e-2),
    _prompt("p_tuning", 1e-3, "encoder_hidden_size", continues=False),
    _prompt("prefix_tuning", 1e-2),
    MethodSpec("frozen", "weights", 1e-3, (), False, NONE, frozenset({"head"})),
    MethodSpec("last_layers", "weights", 1e-4, ("last_layers",), False, NONE),
    MethodSpec("full", "weights", 2e-5, (), False, NONE),
)

METHODS: Final[Mapping[Method, MethodSpec]] = MappingProxyType({spec.name: spec for spec in _ALL})
"""Every method by its name, in the order in which a form offers them."""

SAME: Final[Mapping[Method, Method]] = MappingProxyType({"lora_plus": "lora"})
"""LoRA+ is LoRA with another optimizer: what one saved the other goes on with."""


def family(method: Method) -> Method:
    """What an adapter is, whichever way it was trained."""
    return SAME.get(method, method)


def spec_of(config: TrainingConfig) -> MethodSpec:
    return METHODS[config.method]


def adapts_head(config: TrainingConfig) -> bool:
    """Whether an adapter goes over the model's output head: only where it is named, for "all-linear" leaves it out."""
    wanted = config.target_modules
    return isinstance(wanted, tuple) and any(name.rsplit(".", 1)[-1] in OUTPUT_LAYERS for name in wanted)
