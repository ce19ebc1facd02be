"""What the check-up says (Finding, Fix) and what it looks at (Prompt)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from backend.assistants import Assistant, Examples, Instructions
from backend.prompts.checkup import reading
from backend.prompts.templates import variables

Severity = Literal["good", "advice", "problem"]
Where = Literal["system", "template", "examples", "decoding"]


@dataclass(frozen=True)
class Fix:
    """The parts that change, whole; None stays as it is. `wording` is the piece that is new, to be shown.

    A fix holds for the prompt that was checked: check again after each one.
    """

    wording: str = ""
    system: str | None = None
    template: str | None = None
    examples: Examples | None = None
    decoding: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Finding:
    """One thing noticed. Words under checkup.<key>.title, .why and, with a fix, .fix.

    evidence  the piece of the prompt (or the number) it is about
    details   fill the {placeholders} of the words
    """

    key: str
    severity: Severity
    where: Where
    evidence: str = ""
    fix: Fix | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def title_key(self) -> str:
        return f"checkup.{self.key}.title"

    @property
    def why_key(self) -> str:
        return f"checkup.{self.key}.why"

    @property
    def fix_key(self) -> str:
        return f"checkup.{self.key}.fix"


def apply(finding: Finding, assistant: Assistant) -> Assistant:
    """The assistant with the proposed change made; the same assistant when there is none to make."""
    fix = finding.fix
    if fix is None:
        return assistant
    texts = {"system": fix.system, "template": fix.template}
    instructions = assistant.instructions.model_copy(update={k: v for k, v in texts.items() if v is not None})
    changed: dict[str, object] = {"instructions": instructions}
    if fix.examples is not None:
        # How they are chosen is not what was found fault with.
        changed["examples"] = fix.examples.model_copy(update={"selection": assistant.examples.selection})
    if fix.decoding:
        changed["decoding"] = assistant.decoding.model_copy(update=dict(fix.decoding))
    return assistant.model_copy(update=changed)


@dataclass(frozen=True)
class Prompt:
    """What is looked at, and what can be read off it. `page` is the language of the page, for empty prompts."""

    instructions: Instructions
    examples: Examples
    given: tuple[str, ...]
    context_length: int | None
    prompt_tokens: int | None
    max_new_tokens: int
    task: str | None
    page: str

    @property
    def system(self) -> str:
        return self.instructions.system

    @property
    def template(self) -> str:
        return self.instructions.template

    @cached_property
    def names(self) -> list[str]:
        return variables(self.template)

    @cached_property
    def text(self) -> str:
        """The person's own words: system prompt and template, without variables and the labels around them."""
        return f"{self.system}\n{reading.without_labels(self.template)}"

    @cached_property
    def prose(self) -> str:
        """`text` with quotations and JSON blanked out, letter for letter."""
        return reading.blanked(self.text)

    @cached_property
    def language(self) -> str:
        """The language of the instructions, in which wording is proposed."""
        return reading.language_of(self.text) or reading.language_of(self.template) or self.page

    @cached_property
    def families(self) -> list[str]:
        """What is asked for, e.g. ["summarise", "translate"], in the order of the text."""
        return reading.families(self.prose)

    @cached_property
    def labels(self) -> list[str]:
        """The closed list of answers that the instructions name; empty when there is none."""
        return reading.labels(self.text)

    @cached_property
    def outputs(self) -> list[str]:
        return [shot.output.strip() for shot in self.examples.shots]

    def rewritten(self, change: Callable[[str], str]) -> Fix:
        """A fix that changes system prompt and template in the same way."""
        system, template = change(self.system), change(self.template)
        changed = [new for old, new in ((self.system, system), (self.template, template)) if new != old]
        return Fix(wording="\n".join(changed), system=system, template=template)

    def added(self, sentence: str) -> Fix:
        """A fix that adds a sentence to the end of the system prompt."""
        return Fix(wording=sentence, system=f"{self.system.rstrip()}\n{sentence}".lstrip("\n"))
