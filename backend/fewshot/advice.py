"""Advice on a set of examples, after what the field holds of good ones, each with a one-click mend.

A clear format, the same throughout (advice_format); labels and kinds of input covered, relevant to the task, evenly
shown and in an order that favours no answer (advice_cover; Zhao et al. 2021, "Calibrate Before Use"); free of
contradictions, repeats and test data (advice_truth); concise (advice_cost). Min et al. 2022 ("Rethinking the Role of
Demonstrations") found format, label space and kind of input to matter most, which is why those come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from backend.assistants import Examples
from backend.evaluation.values import Difference
from backend.examples.task import Task
from backend.fewshot import advice_cost, advice_cover, advice_format, advice_truth
from backend.fewshot.looked import Advice, Looked, Mend, Severity

if TYPE_CHECKING:
    from backend.examples.store import ExampleStore
    from backend.fewshot.forms import Form

__all__ = ["Advice", "Mend", "Severity", "advise", "apply"]

FINDERS: Final = (
    advice_truth.leak,
    advice_format.lacks_variable,
    advice_format.empty,
    advice_truth.contradictions,
    advice_truth.against_the_data,
    advice_format.label_spelling,
    advice_format.entity_format,
    advice_cost.too_long,
    advice_format.blank_edges,
    advice_format.mixed_json,
    advice_format.mixed_endings,
    advice_format.mixed_register,
    advice_truth.repeats,
    advice_cover.labels_missing,
    advice_cover.uneven,
    advice_cover.block_last,
    advice_cover.other_language,
    advice_cover.off_task,
    advice_cover.narrow,
    advice_cost.one_long,
    advice_cost.no_gain,
)


def advise(
    examples: Examples,
    task: Task,
    store: ExampleStore,
    forms: Sequence[Form] = (),
    gain: Difference | None = None,
) -> list[Advice]:
    """Look a set over: problems first, then advice; one piece of praise when there is neither; [] for no shots.

    forms  of a prompt with these examples, which tell what they cost and whether they fit
    gain   few-shot minus zero-shot on the dev split, where that was measured
    Each key comes once. A mend holds for the set that was looked over: look again after each.
    """
    if not examples.shots:
        return []
    looked = Looked(examples, task, store, forms, gain)
    found = [advice for finder in FINDERS for advice in finder(looked)]
    found.sort(key=lambda advice: advice.severity != "problem")
    return found or [Advice("all_well", "good", {"count": len(examples.shots)})]


def apply(advice: Advice, examples: Examples) -> Examples:
    """The examples with the mend made; the same examples when there is none to make."""
    return examples if advice.mend is None else advice.mend(examples)
