"""What a sweep came to, as HTML. Pure functions."""

from __future__ import annotations

from html import escape
from typing import Final

from backend.documents.measuring.sweep import Choice, Outcome
from tabs import widgets
from tabs.documents.measure_views import figure, sentence
from tabs.text import Words

SHOWN: Final = 12


def sweep_view(words: Words, run_id: str, found: Outcome) -> str:
    """The best and how it stands against now, told on questions that did not choose; then the others, best first."""
    t = words.t
    best = found.best
    same = found.now is not None and found.now.same(best)
    lead = t("measure.best_is_now" if same else "measure.best", **_told(words, best))
    verdict = found.verdict((t("measure.as_now"), t("measure.as_best")))
    told = f"<p>{escape(sentence(words, verdict))}</p>" if verdict else ""
    # The verdict is of the best against how it is now.
    proven, lost = (verdict is not None and verdict.outcome == outcome for outcome in ("better", "worse"))
    kind = "primary" if proven else ""
    button = "" if same or lost else widgets.action(t("measure.keep_best"), "keep_best", run_id, kind=kind)
    failed = sorted({one.row.way for one in found.failed})
    lines = [t("measure.sweep_based", chose=found.choosing, told=len(best.told))]
    lines += [t("measure.sweep_failed", way=t(f"measure.way_{way}")) for way in failed]
    under = "".join(f'<p class="dr-caveat">{escape(line)}</p>' for line in lines)
    body = f'<p class="dr-lead">{escape(lead)}</p>{told}{under}'
    css = "" if same or proven else " dr-open"
    section = f'<section class="dr-verdict{css}"><div>{body}</div>{button}</section>'
    names = ("cut", "way", "k", "reads", "told")
    rows = [_cells(words, one, found) for one in _shown(found)]
    return section + widgets.table([t(f"measure.sweep_{name}") for name in names], rows, css="dr-table dr-tried")


def _shown(found: Outcome) -> list[Choice]:
    """The best ones, and how it is now wherever that stands."""
    few = list(found.every[:SHOWN])
    now = found.now
    return few if now is None or any(now.same(one) for one in few) else [*few, now]


def _told(words: Words, one: Choice) -> dict[str, object]:
    way = words.t(f"measure.way_{one.way}")
    return {"size": one.split.size, "overlap": one.split.overlap, "way": way, "k": one.k}


def _cells(words: Words, one: Choice, found: Outcome) -> list[str]:
    t = words.t
    marks = [
        name for name, other in (("best", found.best), ("now", found.now)) if other is not None and one.same(other)
    ]
    tags = "".join(f' <span class="tag good">{escape(t(f"measure.tag_{name}"))}</span>' for name in marks)
    return [
        escape(t("measure.cut", size=one.split.size, overlap=one.split.overlap)) + tags,
        escape(t(f"measure.way_{one.way}")),
        str(one.k),
        f"{one.reads:,.0f}",
        figure(words, one.told),
    ]


def fault_view(told: str) -> str:
    return f'<p class="note dc-bad">{escape(told)}</p>'


def go_compare(words: Words) -> str:
    return f'<p class="acts">{widgets.action(words.t("measure.go_compare"), "go", "evaluation")}</p>'
