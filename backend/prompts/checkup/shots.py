"""The examples: do they fit the template, the list of answers, each other, and are they balanced?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from backend.assistants import Examples, Shot
from backend.prompts.checkup import reading
from backend.prompts.checkup.finding import Finding, Fix, Prompt
from backend.prompts.checkup.form import is_json


def example_variable(prompt: Prompt) -> Iterator[Finding]:
    """An example lacks a variable of the template, so that it cannot be put in."""
    lacking = [shot for shot in prompt.examples.shots if set(prompt.names) - set(shot.variables)]
    if not lacking:
        return
    missing = sorted(set(prompt.names) - set(lacking[0].variables))
    kept = [mended for shot in prompt.examples.shots if (mended := _renamed(shot, prompt.names)) is not None]
    evidence = " / ".join(lacking[0].variables.values())[:80]
    details = {"variable": f"{{{missing[0]}}}", "count": len(lacking)}
    yield Finding("example_variable", "problem", "examples", evidence, _replaced(kept), details)


def _renamed(shot: Shot, names: Sequence[str]) -> Shot | None:
    """The shot itself when it fits, with its one variable renamed to the template's one, None when it cannot fit."""
    if not set(names) - set(shot.variables):
        return shot
    if len(names) == 1 and len(shot.variables) == 1:
        return Shot(variables={names[0]: next(iter(shot.variables.values()))}, output=shot.output)
    return None


def example_label(prompt: Prompt) -> Iterator[Finding]:
    """An answer shown is not in the list of answers that the instructions name."""
    labels = prompt.labels
    allowed = {*labels, *reading.quoted(prompt.text)}
    wrong = [output for output in prompt.outputs if output not in allowed]
    if not labels or not wrong or any(is_json(output) or "\n" in output or len(output) > 40 for output in wrong):
        return
    kept = [
        shot if shot.output.strip() in allowed else shot.model_copy(update={"output": label})
        for shot in prompt.examples.shots
        if (label := _meant(shot.output, labels)) or shot.output.strip() in allowed
    ]
    details = {"labels": ", ".join(labels), "count": len(wrong)}
    yield Finding("example_label", "problem", "examples", ", ".join(dict.fromkeys(wrong)), _replaced(kept), details)


def _meant(output: str, labels: Sequence[str]) -> str | None:
    """The one label an answer names ("긍정입니다." -> 긍정), None when it names none or several."""
    inside = [label for label in labels if re.search(rf"(?<!\w){re.escape(label)}(?![A-Za-z])", output, re.I)]
    return inside[0] if len(inside) == 1 else None


def example_shape(prompt: Prompt) -> Iterator[Finding]:
    """Some answers are JSON and some are not, or JSON is asked for and something else is shown."""
    shapes = [is_json(output) for output in prompt.outputs]
    asked = re.search(r"JSON", prompt.text) is not None
    if not shapes or all(shapes) or (not any(shapes) and not asked):
        return
    as_json = asked or sum(shapes) * 2 >= len(shapes)
    kept = [shot for shot, shape in zip(prompt.examples.shots, shapes, strict=True) if shape == as_json]
    odd = next(output for output, shape in zip(prompt.outputs, shapes, strict=True) if shape != as_json)
    yield Finding("example_shape", "advice", "examples", odd[:80], _replaced(kept))


def label_imbalance(prompt: Prompt) -> Iterator[Finding]:
    """One answer is shown three times as often as another (or alone, when others are possible)."""
    counts = Counter(prompt.outputs)
    possible = prompt.labels or (list(counts) if len(counts) <= len(prompt.outputs) / 2 else [])
    if len(possible) < 2 or not set(counts) <= {*possible, *reading.quoted(prompt.text)}:
        return
    shown = [counts[label] for label in possible]
    if max(shown) < 3 or max(shown) < 3 * min(shown):
        return
    limit = max(1, min(shown)) + 1
    seen: Counter[str] = Counter()
    kept = []
    for shot in prompt.examples.shots:
        seen[shot.output.strip()] += 1
        if seen[shot.output.strip()] <= limit:
            kept.append(shot)
    evidence = ", ".join(f"{label} {counts[label]}" for label in possible)
    yield Finding("label_imbalance", "advice", "examples", evidence, _replaced(kept))


def _replaced(shots: Sequence[Shot]) -> Fix:
    return Fix(wording="\n".join(shot.output for shot in shots), examples=Examples(shots=tuple(shots)))
