"""Which method next: prompt, examples, retrieval or fine-tuning, by what was measured here and what the field weighs.

Each reason is one small rule that speaks for or against a method, with a weight and a sentence. Rules that stand on a
measurement weigh twice those that stand on common experience. Few examples speak for prompt and few-shot; facts that
change for retrieval rather than training (Ovadia et al. 2024, "Fine-tuning or retrieval?"); many examples and a fixed
form for fine-tuning (Liu et al. 2022, "Few-shot parameter-efficient fine-tuning is better and cheaper than in-context
learning").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

from backend.advice.facts import Facts
from backend.advice.needs import Needs
from backend.fewshot.curve import Curve

Method = Literal["prompt", "fewshot", "retrieval", "finetune"]
Sayings = Iterator["Reason"]

GO: Final[Mapping[Method, str]] = MappingProxyType(
    {"prompt": "playground", "fewshot": "fewshot", "retrieval": "documents", "finetune": "training"}
)
"""The tab where each is done."""

FEW: Final = 8
MANY: Final = 200
PER_LABEL: Final = 30
MANY_LABELS: Final = 20
LARGE: Final = 1_000_000_000
MEASURED: Final = 2
EXPERIENCE: Final = 1


@dataclass(frozen=True)
class Reason:
    """Words under advice.reason.<name>; a weight above 0 speaks for the method, below 0 against it."""

    method: Method
    name: str
    weight: int
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"advice.reason.{self.name}"


@dataclass(frozen=True)
class Option:
    """A method with what speaks for it and against it; `with_` is a second one that goes along, for a mix."""

    method: Method
    weight: int
    reasons: tuple[Reason, ...]
    with_: Method | None = None


def methods(facts: Facts, needs: Needs) -> list[Option]:
    """All methods, the fitting one first; of equals the one that costs less."""
    reasons = [reason for rule in RULES for reason in rule(facts, needs)]
    options = []
    for method in get_args(Method):
        own = tuple(sorted((one for one in reasons if one.method == method), key=lambda one: -abs(one.weight)))
        options.append(Option(method, sum(one.weight for one in own), own))
    ranked = sorted(options, key=lambda option: -option.weight)
    first, second = ranked[0], ranked[1]
    # Retrieval says what is true, the others say how to answer: they do not replace each other.
    mix = "retrieval" in (first.method, second.method) and second.weight > 0
    return [Option(first.method, first.weight, first.reasons, second.method if mix else None), *ranked[1:]]


# --- what the data says -----------------------------------------------------------------------------------------------


def amount(facts: Facts, needs: Needs) -> Sayings:
    """How many examples there are to learn from."""
    told = {"count": facts.train}
    if facts.train < FEW:
        yield Reason("prompt", "few_examples", EXPERIENCE, told)
    elif facts.train < MANY:
        yield Reason("fewshot", "some_examples", EXPERIENCE, told)
        yield Reason("finetune", "not_enough", -EXPERIENCE, {**told, "wanted": MANY})
    else:
        yield Reason("finetune", "many_examples", EXPERIENCE, told)
    if facts.labels and 0 < facts.rarest < 3:
        yield Reason("finetune", "rare_labels", -EXPERIENCE, {"count": facts.rarest})
    elif facts.labels and facts.rarest >= PER_LABEL:
        yield Reason("finetune", "full_labels", EXPERIENCE, {"count": facts.rarest})


def hardness(facts: Facts, needs: Needs) -> Sayings:
    """Many labels do not fit into a prompt; questions ask for facts."""
    if facts.labels > MANY_LABELS:
        yield Reason("finetune", "many_labels", EXPERIENCE, {"count": facts.labels})
        yield Reason("prompt", "many_labels", -EXPERIENCE, {"count": facts.labels})
    if facts.task is not None and facts.task.kind == "question_answering":
        yield Reason("retrieval", "asks_facts", EXPERIENCE)


def measured(facts: Facts, needs: Needs) -> Sayings:
    """What showing examples did here, on this project's own held-out examples."""
    if facts.verdict is None or facts.shown is None:
        return
    n = facts.verdict.difference.n
    if facts.verdict.outcome == "better":
        yield Reason("fewshot", "examples_help", MEASURED, {"n": n})
    elif facts.verdict.outcome == "worse":
        yield Reason("fewshot", "examples_hurt", -MEASURED, {"n": n})
        yield Reason("prompt", "examples_hurt", EXPERIENCE, {"n": n})
    else:
        yield Reason("fewshot", "examples_unclear", 0, {"n": n})


def curve(facts: Facts, needs: Needs) -> Sayings:
    """Whether more shots still bring something."""
    if facts.curve is None or len(facts.curve.points) < 3:
        return
    told = {"count": facts.curve.points[-1].shots}
    if rising(facts.curve):
        yield Reason("fewshot", "curve_rising", MEASURED, told)
        yield Reason("finetune", "curve_rising", EXPERIENCE, told)
    else:
        yield Reason("fewshot", "curve_flat", -EXPERIENCE, told)
        yield Reason("finetune", "curve_flat", EXPERIENCE, told)


def rising(curve: Curve) -> bool:
    """Whether the worst draw of the largest size beats the mean of the size before: more than the luck of a draw."""
    last, before = curve.points[-1], curve.points[-2]
    return last.low > before.value


# --- what the person says ---------------------------------------------------------------------------------------------


def wanted(facts: Facts, needs: Needs) -> Sayings:
    if needs.sources:
        yield Reason("retrieval", "sources", 2 * MEASURED)
    if needs.changes:
        yield Reason("retrieval", "changes", MEASURED)
        yield Reason("finetune", "changes", -MEASURED)
    if needs.quick:
        yield Reason("prompt", "quick", EXPERIENCE)
        yield Reason("finetune", "slow", -EXPERIENCE)
    if needs.private:
        yield Reason("finetune", "private", EXPERIENCE)


def target(facts: Facts, needs: Needs) -> Sayings:
    """Whether what is there is good enough, by the whole interval and not by one number."""
    best = facts.best
    if needs.target is None or best is None:
        return
    told = {"target": round(100 * needs.target), "low": round(100 * best.score.interval.low)}
    told["high"] = round(100 * best.score.interval.high)
    if best.score.interval.low >= needs.target:
        yield Reason("fewshot" if best.shots else "prompt", "target_met", 2 * MEASURED, told)
    elif best.score.interval.high < needs.target:
        yield Reason("finetune", "target_far", MEASURED, told)
        yield Reason("prompt", "target_far", -EXPERIENCE, told)


def machine(facts: Facts, needs: Needs) -> Sayings:
    """Whether this machine can train the model at hand in bearable time."""
    if facts.gpu_bytes:
        yield Reason("finetune", "gpu", EXPERIENCE, {"gpu_bytes": facts.gpu_bytes})
    elif facts.parameters and facts.parameters > LARGE:
        yield Reason("finetune", "no_gpu", -MEASURED, {"billions": round(facts.parameters / 1e9, 1)})


RULES: Final[tuple[Callable[[Facts, Needs], Sayings], ...]] = (
    amount,
    hardness,
    measured,
    curve,
    wanted,
    target,
    machine,
)
