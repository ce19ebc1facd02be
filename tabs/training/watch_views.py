"""The head of the watch part: how the run stands, in words, with the buttons that make sense now. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from backend.errors import BadInput
from backend.jobs.run import Run
from backend.projects.assistants import SavedAssistant
from backend.training.config import TrainingConfig
from backend.training.start import smaller
from backend.training.telling.history import Training
from backend.training.telling.outcome import fact
from backend.training.telling.verdicts import Sentence
from tabs import widgets
from tabs.text import Words

MEMORY: Final = ("training_memory", "run_memory")
"""How the keys of faults begin, after "error.", that say that memory ran out: a smaller batch may help."""
ALONE: Final = "training_memory_model"
"""The fault that says that no batch is small enough."""


@dataclass(frozen=True)
class Measured:
    """The evaluation on the test split of what came out of the run: its run, and the verdict once there is one.

    seen  how many of today's test examples it was trained on
    """

    run: Run | None = None
    verdict: str = ""
    seen: int = 0


def empty_view(words: Words) -> str:
    """Nothing was ever trained here."""
    t = words.t
    steps = "".join(f"<li>{escape(t(f'train_watch.empty_{number}'))}</li>" for number in (1, 2, 3))
    button = widgets.action(t("train_watch.go_setup"), "setup", kind="primary")
    return (
        f'<section class="tw-empty"><h2>{escape(t("train_watch.empty"))}</h2><ol>{steps}</ol>'
        f'<div class="acts">{button}</div></section>'
    )


def head_view(
    words: Words,
    one: Training,
    told: Sequence[Sentence],
    saved: SavedAssistant | None,
    measured: Measured,
    log: str,
    short: bool = False,
) -> str:
    """Name and state, progress, what it came to in words, and what can be done. `short`: memory seems to have ended."""
    run = one.run
    parts = [
        _title(words, one),
        _progress(words, run) if run.active else "",
        _fault(words, run),
        _sentences(words, told),
        _evaluated(words, saved, measured),
        f'<div class="acts">{"".join(buttons(words, one, saved, measured, short))}</div>',
        _hint(words, run),
        _log(words, run, log),
    ]
    return f'<section class="tw-head {run.state}">{"".join(parts)}</section>'


def _title(words: Words, one: Training) -> str:
    state = escape(state_name(words, one.run))
    about = " · ".join(described(words, one))
    return (
        f'<header><h2>{escape(one.name)}</h2><span class="tag tw-state">{state}</span>'
        f'<p class="note">{escape(about)}</p>{_reason(words, one.run)}</header>'
    )


def _reason(words: Words, run: Run) -> str:
    """Why this engine trained it, where it was chosen by the studio."""
    key, details = fact(run, "engine_reason"), run.result.get("engine_details")
    if not isinstance(key, str) or not key.startswith("engines.") or not words.has(key):
        return ""
    return f'<p class="note">{escape(words.t(key, **(details if isinstance(details, dict) else {})))}</p>'


def state_name(words: Words, run: Run) -> str:
    """Loading is part of running for the machine, but not for a person."""
    if run.state == "running" and not run.done:
        return words.t("train_watch.loading")
    return words.t(f"run.state.{run.state}")


def described(words: Words, one: Training) -> list[str]:
    """What was trained how: "LoRA (4-bit) · matchum-starter · TRL"."""
    parts = []
    if one.config is not None:
        parts = [method_name(words, one.config), one.config.assistant.model.label()]
    engine = fact(one.run, "engine")
    if isinstance(engine, str) and engine:
        parts.append(words.t(f"train_watch.engine_{engine}") if engine in ("trl", "unsloth") else engine)
    parts.append(words.when(one.run.created))
    return parts


def method_name(words: Words, config: TrainingConfig) -> str:
    name = widgets.method_name(words, config.method)
    return f"{name} ({config.quantization})" if config.quantization else name


def _progress(words: Words, run: Run) -> str:
    """The bar, steps of all, time left; while it loads or waits, what for."""
    if run.state == "stopping":
        return f'{widgets.bar(None)}<p class="note">{escape(words.t("train_watch.stopping"))}</p>'
    if run.state == "queued":
        told = widgets.told(words, run.message_key, run.message_details) if run.message_key else ""
        return f'<p class="tw-wait">{escape(told or words.t("train_watch.queued"))}</p>'
    meter = widgets.bar(run.fraction if run.done else None)
    return f'{meter}<p class="note tw-line">{escape(" · ".join(_line(words, run)))}</p>'


def _line(words: Words, run: Run) -> list[str]:
    line = []
    if run.done and run.total:
        line.append(words.t("train_watch.steps", done=run.done, total=run.total))
        line.append(f"{100 * run.done / run.total:.0f} %")
    if run.done and run.seconds_left is not None:
        line.append(words.t("common.left", time=words.duration(run.seconds_left)))
    if run.message_key:
        line.append(widgets.told(words, run.message_key, run.message_details))
    return line or [words.t("train_watch.loading_note")]


def _fault(words: Words, run: Run) -> str:
    if run.active or not run.error_key:
        return ""
    return f'<p class="tw-fault">{escape(widgets.told(words, run.error_key, run.error_details))}</p>'


def _sentences(words: Words, told: Sequence[Sentence]) -> str:
    """The first one is the verdict, the others stand below it."""
    lines = [sentence(words, one) for one in told]
    if not lines:
        return ""
    rest = "".join(f"<p>{escape(line)}</p>" for line in lines[1:])
    return f'<div class="tw-told"><p class="tw-lead">{escape(lines[0])}</p>{rest}</div>'


def sentence(words: Words, one: Sentence) -> str:
    details = dict(one.details)
    key = f"metrics.name.{details.get('metric', '')}"
    if words.has(key):
        details["metric"] = words.t(key)
    return widgets.told(words, one.key, details)


def _evaluated(words: Words, saved: SavedAssistant | None, measured: Measured) -> str:
    """That it is an assistant now, and how it does on the test split against its parent."""
    if saved is None:
        return ""
    told = words.t("train_watch.saved_as", name=saved.name, number=saved.number)
    lines = [f"<p>{escape(told)}</p>"]
    if measured.verdict:
        lines.append(f'<p class="tw-lead">{escape(measured.verdict)}</p>')
    elif measured.run is not None:
        lines.append(f'<ul class="runs">{widgets.run_row(words, measured.run, "project")}</ul>')
    else:
        lines.append(f'<p class="note">{escape(words.t("train_watch.evaluate_note"))}</p>')
    if measured.seen:
        lines.insert(1, f'<p class="tw-fault">{escape(words.t("train_watch.seen", count=measured.seen))}</p>')
    return f'<div class="tw-told tw-saved">{"".join(lines)}</div>'


def buttons(
    words: Words, one: Training, saved: SavedAssistant | None, measured: Measured, short: bool = False
) -> list[str]:
    """What can be done with the run as it stands."""
    run = one.run
    if run.active:
        return _while_active(words, run)
    if run.state == "succeeded":
        return _after_success(words, one, saved, measured)
    found = []
    if _helped_by_less(one, short):
        found.append(_button(words, "smaller", run, "primary"))
        found.append(_button(words, "resume", run))
    else:
        found.append(_button(words, "resume", run, "primary"))
    found.append(_button(words, "finish", run))
    return [*found, _button(words, "clone", run), _button(words, "more", run, "quiet")]


def _helped_by_less(one: Training, short: bool) -> bool:
    """Whether memory ran out, and there is a smaller way to train the same."""
    key = (one.run.error_key or "").removeprefix("error.")
    if one.config is None or not (short or key.startswith(MEMORY)) or key == ALONE:
        return False
    try:
        return smaller(one.config) is not None
    except BadInput:
        return False


def _while_active(words: Words, run: Run) -> list[str]:
    if run.state == "stopping":
        return []
    stop = _button(words, "stop", run, "stop")
    return [stop, _button(words, "finish_now", run)] if run.state == "running" and run.done else [stop]


def _after_success(words: Words, one: Training, saved: SavedAssistant | None, measured: Measured) -> list[str]:
    run, found = one.run, []
    if saved is None and one.adapter is not None:
        found.append(_button(words, "keep", run, "primary"))
    elif saved is not None:
        again = measured.run is not None and measured.run.active
        if not again:
            found.append(_button(words, "evaluate", run, "" if measured.verdict else "primary"))
        kind = "primary" if measured.verdict else ""
        found.append(widgets.action(words.t("train_watch.do_compare"), "go", "evaluation", kind=kind))
    return [*found, _button(words, "take", run), _button(words, "clone", run)]


def _button(words: Words, do: str, run: Run, kind: str = "") -> str:
    key = f"train_watch.title_{do}"
    return widgets.action(
        words.t(f"train_watch.do_{do}"), do, run.id, kind=kind, title=words.t(key) if words.has(key) else ""
    )


def _hint(words: Words, run: Run) -> str:
    """One sentence on what the buttons mean for this state."""
    key = f"train_watch.hint_{run.state}"
    return f'<p class="note">{escape(words.t(key))}</p>' if words.has(key) else ""


def _log(words: Words, run: Run, log: str) -> str:
    if run.state not in ("failed", "interrupted") or not log.strip():
        return ""
    return f"<details><summary>{escape(words.t('train_watch.log'))}</summary><pre>{escape(log)}</pre></details>"
