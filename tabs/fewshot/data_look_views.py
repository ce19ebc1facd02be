"""Findings about the data as cards: what it is, how many, some of them, why it matters, and what can be done. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backend.examples.example import Example
from backend.examples.findings import Finding
from tabs import widgets
from tabs.fewshot.data_marks import button, short
from tabs.text import Words

SAMPLES = 3
ABOUT = 4
MOST_LABELS = 200


def findings_view(words: Words, findings: Sequence[Finding], labels: Sequence[str]) -> str:
    """All findings, the gravest first. `labels` are those a rare one can be merged into."""
    if not findings:
        return f'<p class="fs-fine">{escape(words.t("data.look_fine"))}</p>'
    cards = "".join(finding_view(words, one, labels) for one in findings)
    return f'<div class="fs-findings">{cards}</div>'


def finding_view(words: Words, finding: Finding, labels: Sequence[str]) -> str:
    t, kind = words.t, finding.kind
    about = "".join(f"<li>{escape(widgets.told(words, note.key, note.details))}</li>" for note in finding.about[:ABOUT])
    samples = "".join(f"<li>{sample_view(one)}</li>" for one in finding.samples[:SAMPLES])
    count = escape(t("data.found_count", count=finding.count))
    told = f'<ul class="fs-why">{about}</ul>' if about else ""
    show = button(t("data.found_show"), "show", kind, kind="quiet")
    return (
        f'<section class="fs-card fs-form fs-finding fs-{finding.severity}" data-kind="{kind}">'
        f"<h3>{escape(t(f'data.finding_{kind}'))} <span>{count}</span></h3>"
        f"<p>{escape(t(f'data.finding_{kind}_why'))}</p>{told}<ul>{samples}</ul>"
        f'<div class="acts">{mends_view(words, finding, labels)}{show}</div></section>'
    )


def mends_view(words: Words, finding: Finding, labels: Sequence[str]) -> str:
    """A button per mend; merging rare labels asks into which."""
    parts = []
    for how in finding.mends:
        if how == "merge_label" and finding.kind == "rare_label":
            if not labels:
                continue
            name = escape(words.t("data.mend_into"))
            options = "".join(f"<option>{escape(label)}</option>" for label in labels[:MOST_LABELS])
            parts.append(f'<select name="into" aria-label="{name}">{options}</select>')
        key = f"data.mend_{finding.kind}_{how}"
        label = words.t(key) if words.has(key) else words.t(f"data.mend_{how}")
        parts.append(button(label, "mend", f"{finding.kind}/{how}"))
    return "".join(parts)


def sample_view(one: Example) -> str:
    text = " ".join(" · ".join(one.variables.values()).split())
    answer = f" → <b>{short(one.output, 60)}</b>" if one.output else ""
    return f"{short(text, 160) or '–'}{answer}"
