"""What the project still lacks before anything can be compared, and the button that goes there. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from backend.projects.folder import Project
from tabs import widgets
from tabs.evaluation.choice import Measured
from tabs.text import Words

Lack = Literal["no_task", "no_examples", "no_split", "empty_split", "no_assistants"]
GOES: Final[dict[Lack, str]] = {"no_assistants": "playground"}
"""Where a button leads; everything about examples is in the few-shot tab."""


@dataclass(frozen=True)
class Standing:
    """`examples` in the chosen split; `lack` is the first thing that is missing, None when a comparison can be made."""

    examples: int
    lack: Lack | None


def standing(project: Project, split: Measured) -> Standing:
    """Looked up by counting, never by reading the examples."""
    counts = project.examples.counts()
    here = counts.test if split == "test" else counts.dev
    lack: Lack | None = None
    if not counts.total:
        lack = "no_examples"
    elif project.examples.task() is None:
        lack = "no_task"
    elif not (counts.train + counts.dev + counts.test):
        lack = "no_split"
    elif not here:
        lack = "empty_split"
    elif not project.assistants.list():
        lack = "no_assistants"
    return Standing(here, lack)


def lack_view(words: Words, lack: Lack) -> str:
    """One sentence, what to do, and a button that goes there."""
    t, goes = words.t, GOES.get(lack, "fewshot")
    button = widgets.action(t(f"compare.go_{goes}"), "go", goes, kind="primary")
    return banner(t(f"compare.{lack}"), [t(f"compare.{lack}_hint")], button)


def banner(lead: str, lines: list[str], button: str = "", css: str = "") -> str:
    """The calm box at the top: one sentence, then smaller ones."""
    told = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return f'<section class="cp-verdict {css}"><div><p class="cp-lead">{escape(lead)}</p>{told}</div>{button}</section>'
