"""The prompt check-up: findings a person can act on, each with a reason and, mostly, a change made by one click.

No model is asked: patterns over Korean and English, chosen so that what is said is right rather than that
everything is said. One small function per finding, in the module of its subject.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from backend.assistants import Examples, Instructions
from backend.prompts.checkup import asking, care, form, shots, slots, strengths
from backend.prompts.checkup.finding import Finding, Fix, Prompt, Severity, Where, apply

__all__ = ["Finding", "Fix", "Severity", "Where", "apply", "check"]

_Finder = Callable[[Prompt], Iterator[Finding]]

# In the order a person would mend them within one severity.
_ALWAYS: Final[tuple[_Finder, ...]] = (
    slots.missing_variable,
    slots.unknown_variable,
    form.too_long,
    care.overlong_system,
)
_READING: Final[tuple[_Finder, ...]] = (
    asking.no_instruction,
    slots.variable_in_system,
    slots.unused_context,
    form.contradictory_length,
    form.answer_cut,
    care.personal_data,
    shots.example_variable,
    shots.example_label,
    shots.example_shape,
    shots.label_imbalance,
    asking.vague,
    form.no_output_format,
    form.no_rule_for_absent,
    asking.several_tasks,
    asking.negative_only,
    slots.not_separated,
    asking.not_remembered,
    care.mixed_language,
    care.shouting,
)
_STRENGTHS: Final[tuple[_Finder, ...]] = (
    strengths.clear_format,
    strengths.clear_data,
    strengths.rule_for_absent,
    strengths.shown_by_examples,
)
# Beyond this a prompt is a pasted document, whose sentences are not instructions.
READABLE: Final = 20_000


def check(
    instructions: Instructions,
    examples: Examples = Examples(),  # noqa: B008  frozen
    *,
    variables_given: Collection[str] = ("input",),
    context_length: int | None = None,
    prompt_tokens: int | None = None,
    max_new_tokens: int = 256,
    task: str | None = None,
    language: str = "ko",
) -> list[Finding]:
    """Look a prompt over. Problems come first, then advice, then what is good.

    variables_given  what can be filled in (columns of a table, fields of the form); empty means unknown
    context_length   tokens the model can hold, prompt_tokens the length of the prompt as it will be sent; None: unknown
    task             an id of `library.TASKS` when the prompt came from there
    language         "ko" or "en": that of the page, for wording where the prompt itself has no language yet
    """
    given = tuple(variables_given)
    prompt = Prompt(instructions, examples, given, context_length, prompt_tokens, max_new_tokens, task, language)
    readable = max(len(prompt.system), len(prompt.template)) <= READABLE
    finders = _ALWAYS + (_READING if readable else ())
    found = [finding for finder in finders for finding in finder(prompt)]
    found.sort(key=lambda finding: finding.severity != "problem")
    if readable:
        found += [finding for finder in _STRENGTHS for finding in finder(prompt)]
    return found
