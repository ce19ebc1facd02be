"""The list of all training runs, and several of them beside each other. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from backend.training.takeaway.files import WANTED
from backend.training.telling.curves import Curves
from backend.training.telling.history import Difference, Frees, Training
from backend.training.telling.outcome import fact, number
from tabs import widgets
from tabs.text import Words
from tabs.training.history_state import PAGE, Browsed
from tabs.training.watch_views import method_name, state_name

LONGEST = 60


def list_view(words: Words, found: Sequence[Training], there: int, browsed: Browsed) -> str:
    """A page of the runs that the filter lets through. `there` are all, filter or not."""
    t = words.t
    undo = undo_view(words, browsed)
    if not there:
        button = widgets.action(t("train_watch.go_setup"), "setup", kind="primary")
        told = widgets.empty(t("train_history.empty"), t("train_history.empty_hint"))
        return f'{undo}{told}<div class="acts th-center">{button}</div>'
    if not found:
        return undo + widgets.empty(t("train_history.nothing_found"), t("train_history.nothing_found_hint"))
    here = found[browsed.page * PAGE : (browsed.page + 1) * PAGE]
    heads = [t(f"train_history.head_{name}") for name in ("run", "how", "result", "cost", "state")]
    rows = [row(words, one, browsed) for one in here]
    return undo + widgets.table([*heads, ""], rows, css="th-runs") + pages(words, len(found), browsed.page)


def undo_view(words: Words, browsed: Browsed) -> str:
    if not browsed.undo:
        return ""
    button = widgets.action(words.t("common.undo"), "undo", browsed.undo)
    return f'<div class="th-undo"><span>{escape(words.t("train_history.deleted"))}</span>{button}</div>'


def row(words: Words, one: Training, browsed: Browsed) -> list[str]:
    """The cells of one run, as HTML."""
    note = f"<small>{escape(shortened(one.about.note))}</small>" if one.about.note else ""
    name = f"<b>{escape(one.name)}</b><small>{escape(words.when(one.run.created))}</small>{note}"
    return [
        name,
        how(words, one),
        result(words, one),
        cost(words, one),
        standing(words, one),
        acts(words, one, browsed),
    ]


def how(words: Words, one: Training) -> str:
    config = one.config
    if config is None:
        return escape(words.t("train_history.unreadable"))
    about = f"{config.assistant.model.label()} · learning_rate {config.learning_rate:g}"
    return f"{escape(method_name(words, config))}<small>{escape(about)}</small>"


def result(words: Words, one: Training) -> str:
    """The best validation loss, and the metric before and after, as the run told them."""
    best, before, after = (number(one.run, name) for name in ("best_loss", "metric_before", "metric_after"))
    lines = []
    if before is not None and after is not None:
        lines.append(f"{100 * before:.0f} → <b>{100 * after:.0f}</b> <span>{escape(metric_name(words, one))}</span>")
        count = number(one.run, "metric_n")
        of = words.t("train_history.dev_n", count=int(count)) if count else words.t("train_history.dev")
        lines.append(f"<small>{escape(of)}</small>")
    if best is not None:
        lines.append(f"<small>{escape(words.t('train_history.best_loss', loss=f'{best:.4g}'))}</small>")
    return "".join(lines) or "–"


def metric_name(words: Words, one: Training) -> str:
    key = f"metrics.name.{fact(one.run, 'metric_name')}"
    return words.t(key) if words.has(key) else ""


def cost(words: Words, one: Training) -> str:
    seconds, steps = number(one.run, "seconds"), number(one.run, "steps")
    parts = []
    if seconds is not None:
        parts.append(escape(words.duration(seconds)))
    if steps is not None:
        parts.append(f"<small>{escape(words.t('train_history.steps', count=int(steps)))}</small>")
    return "".join(parts) or "–"


def standing(words: Words, one: Training) -> str:
    """The state, and which assistant came of it."""
    good = " good" if one.run.state == "succeeded" else ""
    tag = f'<span class="tag{good}">{escape(state_name(words, one.run))}</span>'
    if not one.saved:
        return tag
    saved = one.saved[0]
    return f"{tag}<small>{escape(words.t('train_history.saved_as', name=saved.name, number=saved.number))}</small>"


def acts(words: Words, one: Training, browsed: Browsed) -> str:
    t, run = words.t, one.run.id
    on = run in browsed.ticked
    tick = widgets.action(
        t("train_history.ticked" if on else "train_history.tick"), "tick", run, kind="th-on" if on else ""
    )
    opened = widgets.action(t("train_history.less" if browsed.opened == run else "train_history.more"), "open", run)
    return f'<div class="acts">{tick}{widgets.action(t("train_history.watch"), "watch", run)}{opened}</div>'


def pages(words: Words, count: int, page: int) -> str:
    if count <= PAGE:
        return ""
    t, last = words.t, (count - 1) // PAGE
    back = widgets.action(t("train_history.newer"), "page", str(page - 1)) if page else ""
    on = widgets.action(t("train_history.older"), "page", str(page + 1)) if page < last else ""
    return f'<div class="acts th-center">{back}<span>{page + 1} / {last + 1}</span>{on}</div>'


# --- beside each other ------------------------------------------------------------------------------------------------


def compare_view(
    words: Words, shown: Sequence[Training], different: Sequence[Difference], curves: Mapping[str, Curves]
) -> str:
    """What was set differently, and what came of it: one column per run."""
    t = words.t
    heads = [t("train_history.field"), *(one.name for one in shown)]
    rows = [[escape(t("train_history.row_state")), *(escape(state_name(words, one.run)) for one in shown)]]
    rows.append([escape(t("train_history.row_result")), *(result(words, one) for one in shown)])
    rows.append([escape(t("train_history.row_cost")), *(cost(words, one) for one in shown)])
    lows = [curves[one.run.id]["eval_loss"].lowest for one in shown]
    rows.append([escape(t("train_history.row_lowest")), *(_lowest(words, low) for low in lows)])
    rows += [[f"<code>{escape(one.field)}</code>", *(escape(shortened(v)) for v in one.values)] for one in different]
    table = widgets.table(heads, rows, css="th-beside")
    same = "" if different else f'<p class="note">{escape(t("train_history.no_difference"))}</p>'
    return table + same


def _lowest(words: Words, low: tuple[float, float] | None) -> str:
    return "–" if low is None else escape(words.t("train_history.lowest", loss=f"{low[1]:.4g}", step=int(low[0])))


# --- one run ----------------------------------------------------------------------------------------------------------


def detail_view(words: Words, one: Training, frees: Frees) -> str:
    """What can be done with an opened run, and what deleting it gives back."""
    t, run = words.t, one.run
    told = t(
        "train_history.frees",
        bytes=frees.total_bytes,
        checkpoint_bytes=frees.checkpoint_bytes,
        adapter_bytes=frees.adapter_bytes,
    )
    kept = f"<p>{escape(t('train_history.stays', name=one.saved[0].name))}</p>" if one.saved else ""
    buttons = []
    if one.config is not None:
        buttons.append(widgets.action(t("train_watch.do_clone"), "clone", run.id))
    if run.state == "succeeded" and frees.checkpoint_bytes:
        sure = t("train_history.clear_sure", bytes=frees.checkpoint_bytes)
        buttons.append(widgets.action(t("train_history.clear"), "clear", run.id, sure=sure))
    if not run.active:
        sure = t("train_history.delete_sure", name=one.name, bytes=frees.total_bytes)
        buttons.append(widgets.action(t("train_history.delete"), "delete", run.id, sure=sure, kind="stop"))
    return f'<p class="note">{escape(told)}</p>{kept}<div class="acts">{"".join(buttons)}</div>'


def take_view(words: Words, one: Training) -> str:
    """The files to take away: of a run that came to its end all of them, of another its config."""
    offered = WANTED if one.run.state == "succeeded" and one.adapter is not None else WANTED[:1]
    if one.config is None:
        return ""
    t = words.t
    buttons = [
        widgets.action(t(f"train_history.take_{wanted}"), "take", wanted, title=t(f"train_history.about_{wanted}"))
        for wanted in offered
    ]
    return f'<h3>{escape(t("train_history.take"))}</h3><div class="acts">{"".join(buttons)}</div>'


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
