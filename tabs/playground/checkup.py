"""The check-up of the prompt in hand: what could go wrong and why, each with a wording that one click applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.assistants import Assistant
from backend.errors import BadInput
from backend.prompts.checkup import Finding, apply, check
from tabs.playground.conversation import Say, act
from tabs.playground.prose import plain
from tabs.text import Words

SHOWN = 5
SIGNS = {"problem": "✕", "advice": "△", "good": "✓"}
"""A sign and a word beside the colour, which carries nothing alone."""


class Checkup:
    """Looks a prompt over in the language of the page."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def findings(
        self, assistant: Assistant, values: Mapping[str, str], tokens: int | None = None, window: int | None = None
    ) -> list[Finding]:
        """Problems first, then advice, then what is good. An untouched prompt has nothing to be told."""
        instructions = assistant.instructions
        found = check(
            instructions,
            assistant.examples,
            variables_given=("input", *values),
            context_length=window,
            prompt_tokens=tokens,
            max_new_tokens=assistant.decoding.max_new_tokens,
            language=self.words.language,
        )
        if not instructions.system.strip() and instructions.template.strip() == "{input}":
            return [finding for finding in found if finding.severity == "problem"]
        return found

    def view(
        self, assistant: Assistant, values: Mapping[str, str], tokens: int | None = None, window: int | None = None
    ) -> str:
        return findings_view(self.findings(assistant, values, tokens, window), self.words.t)

    def applied(self, assistant: Assistant, values: Mapping[str, str], key: str) -> Assistant:
        """The assistant with the finding's proposal made. Raises BadInput when the prompt has changed meanwhile."""
        for finding in self.findings(assistant, values):
            if finding.key == key and finding.fix is not None:
                return apply(finding, assistant)
        raise BadInput("error.playground_finding")


def findings_view(findings: Sequence[Finding], t: Say) -> str:
    """Up to five things to act on, each with its why; what is good as one calm line."""
    open_ones = [finding for finding in findings if finding.severity != "good"][:SHOWN]
    good = [finding for finding in findings if finding.severity == "good"]
    rows = "".join(finding_view(finding, t) for finding in open_ones)
    calm = " · ".join(f"{SIGNS['good']} {plain(t(one.title_key, **one.details))}" for one in good)
    parts = [f'<ul class="pg-findings">{rows}</ul>' if rows else "", f'<p class="pg-good">{calm}</p>' if calm else ""]
    return "".join(parts)


def finding_view(finding: Finding, t: Say) -> str:
    """One finding: sign and title, why on demand, the proposed wording and its button."""
    title = plain(t(finding.title_key, **finding.details))
    why = plain(t(finding.why_key, **finding.details))
    evidence = f"<q>{plain(finding.evidence)}</q> " if finding.evidence else ""
    fix = ""
    if finding.fix is not None:
        wording = f"<ins>{plain(finding.fix.wording)}</ins> " if finding.fix.wording else ""
        told = plain(t(finding.fix_key, **finding.details))
        button = act("apply", t("playground.apply"), to=finding.key)
        fix = f'<p class="pg-fix">{told} {wording}{button}</p>'
    return (
        f'<li class="pg-{finding.severity}"><details><summary>'
        f'<span aria-hidden="true">{SIGNS[finding.severity]}</span> '
        f"{title}</summary><p>{evidence}{why}</p></details>{fix}</li>"
    )
