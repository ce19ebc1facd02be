"""What is right about a prompt, so that people learn from that too."""

from __future__ import annotations

from collections.abc import Iterator

from backend.prompts.checkup import reading
from backend.prompts.checkup.finding import Finding, Prompt
from backend.prompts.checkup.form import asks_about_text, has_rule_for_absent, states_format
from backend.prompts.checkup.slots import separated


def clear_format(prompt: Prompt) -> Iterator[Finding]:
    if (prompt.families or prompt.labels) and states_format(prompt):
        where = ", ".join(f"'{label}'" for label in prompt.labels) or next(
            (one for one in reading.sentences(prompt.text) if reading.asks(one)), ""
        )
        yield Finding("clear_format", "good", "system", where)


def clear_data(prompt: Prompt) -> Iterator[Finding]:
    if reading.sentences(prompt.prose) and separated(prompt):
        yield Finding("clear_data", "good", "template", prompt.template.strip()[:80])


def shown_by_examples(prompt: Prompt) -> Iterator[Finding]:
    if len(prompt.outputs) >= 2:
        yield Finding(
            "shown_by_examples", "good", "examples", prompt.outputs[0][:80], details={"count": len(prompt.outputs)}
        )


def rule_for_absent(prompt: Prompt) -> Iterator[Finding]:
    if ("extract" in prompt.families or asks_about_text(prompt)) and has_rule_for_absent(prompt):
        yield Finding("rule_for_absent", "good", "system")
