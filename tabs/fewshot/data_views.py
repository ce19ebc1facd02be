"""What stands in the project as HTML: counts per split, the labels, the task, and what to do next. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from backend.examples.store import Counts
from backend.examples.task import Task
from tabs.fewshot.data_marks import button, short
from tabs.text import Words

PARTS = ("train", "dev", "test", "unsplit")
MOST_BARS = 12
MOST_CHIPS = 12


def standing_view(
    words: Words, counts: Counts, labels: Mapping[str, int], task: Task | None, *, locked: bool = False
) -> str:
    """The empty state with its two samples, or what is there and the next step."""
    if not counts.total:
        return empty_view(words, task)
    spread = labels_view(words, labels) if task is not None and task.labelled and labels else ""
    return (
        f'<div class="fs-standing"><section class="fs-card">{counts_view(words, counts)}{spread}</section>'
        f'<section class="fs-card">{task_view(words, task)}</section></div>{next_view(words, counts, task, locked)}'
    )


def empty_view(words: Words, task: Task | None) -> str:
    t = words.t
    samples = button(t("data.sample_ko"), "sample", "ko", kind="primary" if words.language == "ko" else "")
    samples_en = button(t("data.sample_en"), "sample", "en", kind="primary" if words.language == "en" else "")
    both = samples + samples_en if words.language == "ko" else samples_en + samples
    card = "" if task is None else f'<section class="fs-card">{task_view(words, task)}</section>'
    return (
        f'<div class="fs-empty"><h2>{escape(t("data.empty_title"))}</h2><p>{escape(t("data.empty_what"))}</p>'
        f"<p>{escape(t('data.empty_how'))}</p>"
        f'<div class="acts">{both}{button(t("data.add_hand"), "new")}</div></div>{card}'
    )


def counts_view(words: Words, counts: Counts) -> str:
    """How many examples there are, and one bar that shows how they are split."""
    t = words.t
    found = [(part, int(getattr(counts, part))) for part in PARTS if getattr(counts, part)]
    bar = "".join(f'<i class="fs-{part}" style="flex:{count}"></i>' for part, count in found)
    legend = "".join(
        f'<li><i class="fs-{part}"></i>{escape(t(f"data.part_{part}"))} <b>{count:,}</b>'
        f"<small>{escape(t(f'data.part_{part}_for'))}</small></li>"
        for part, count in found
    )
    return (
        f'<h3>{escape(t("data.count", count=counts.total))}</h3><div class="fs-bar" role="img" '
        f'aria-label="{escape(parts_told(words, counts))}">{bar}</div><ul class="fs-legend">{legend}</ul>'
    )


def parts_told(words: Words, counts: Counts) -> str:
    """The split in one line: "학습 72 · 조정 24 · 시험 24"."""
    found = [(part, int(getattr(counts, part))) for part in PARTS if getattr(counts, part)]
    return " · ".join(f"{words.t(f'data.part_{part}')} {count:,}" for part, count in found)


def labels_view(words: Words, labels: Mapping[str, int]) -> str:
    """A bar per label, most frequent first; the many rare ones in one line."""
    most, total = max(labels.values()), sum(labels.values())
    rows = []
    for label, count in list(labels.items())[:MOST_BARS]:
        share = f"{100 * count / total:.0f} %"
        rows.append(
            f'<li><span title="{escape(label[:200])}">{short(label, 60) or "–"}</span>'
            f'<span class="fs-track"><i style="width:{max(1, round(100 * count / most))}%"></i></span>'
            f"<b>{count:,}</b><small>{share}</small></li>"
        )
    rest = len(labels) - len(rows)
    more = f'<p class="note">{escape(words.t("data.labels_more", count=rest))}</p>' if rest > 0 else ""
    return f'<h4>{escape(words.t("data.labels_spread"))}</h4><ul class="fs-labels">{"".join(rows)}</ul>{more}'


def task_view(words: Words, task: Task | None) -> str:
    """The task card: kind, labels, what a good answer is, the metric, and a way to change them."""
    t = words.t
    change = button(t("data.change"), "change")
    head = f'<div class="fs-head"><h3>{escape(t("data.task"))}</h3>{change}</div>'
    if task is None:
        return f'{head}<p class="note">{escape(t("data.task_none"))}</p>'
    rows = [
        (t("data.kind"), f"<b>{escape(t(f'data.kind_{task.kind}'))}</b>"),
        (t("data.good"), f'<span class="fs-pre">{short(task.good)}</span>' if task.good.strip() else ""),
        (t("data.labels"), chips(words, task.labels) if task.labels else ""),
        (t("data.metric"), metric_told(words, task.metric)),
        (t("data.inputs"), chips(words, task.inputs) if len(task.inputs) > 1 else ""),
    ]
    told = "".join(f"<dt>{escape(name)}</dt><dd>{what}</dd>" for name, what in rows if what)
    return f'{head}<dl class="fs-task">{told}</dl>'


def metric_name(words: Words, metric: str) -> str:
    key = f"metrics.name.{metric}"
    return words.t(key) if words.has(key) else metric


def metric_told(words: Words, metric: str) -> str:
    """A metric's name, and in one sentence what it counts."""
    key = f"metrics.about.{metric}"
    about = f"<small>{escape(words.t(key))}</small>" if words.has(key) else ""
    return f"<b>{escape(metric_name(words, metric))}</b>{about}"


def chips(words: Words, names: tuple[str, ...]) -> str:
    drawn = "".join(f'<span class="tag">{short(name, 60)}</span>' for name in names[:MOST_CHIPS])
    rest = len(names) - MOST_CHIPS
    more = f' <span class="note">{escape(words.t("data.more", count=rest))}</span>' if rest > 0 else ""
    return f'<span class="fs-chips">{drawn}{more}</span>'


def next_view(words: Words, counts: Counts, task: Task | None, locked: bool) -> str:
    """The one thing to do now."""
    if task is None:
        step, act = "task", button(words.t("data.change"), "change", kind="primary")
    elif not locked:
        step, act = "split", button(words.t("data.split_open"), "open_split", kind="primary")
    elif not counts.train:
        step, act = "train", ""
    else:
        step, act = "build", button(words.t("data.tab_build"), "part", "build", kind="primary")
    return f'<div class="verdict fs-next"><p>{escape(words.t(f"data.next_{step}"))}</p>{act}</div>'
