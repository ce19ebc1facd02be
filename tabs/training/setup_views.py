"""The card: what will happen when Start is pressed, what that rests on, and what is wrong with the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from backend.examples.example import Example
from backend.jobs.run import Run
from backend.training.estimating.estimate import Estimate, Range
from backend.training.estimating.plan import TrainingPlan
from backend.training.running.lowering import what_to_lower
from backend.training.values import Problem
from tabs import widgets
from tabs.text import Words

SIGNS: Final = {"stop": "✕", "warn": "△", "note": "·"}
"""A sign beside the colour, which carries nothing alone."""
LISTED: Final = 50
CUT: Final = 300
ROUND: Final = 0.15
"""A range that is narrower than this share of its number is not worth telling."""


def card_view(words: Words, plan: TrainingPlan) -> str:
    """One sentence, the figures with their basis, and the problems. Without a start there are no figures to tell."""
    told = "" if stops(plan) else figures(words, plan)
    return f'<div class="ts-card">{headline(words, plan)}{told}{problems_view(words, plan.problems)}</div>'


def stops(plan: TrainingPlan) -> bool:
    """Whether there is nothing honest to start."""
    return any(problem.severity == "stop" for problem in plan.problems)


def headline(words: Words, plan: TrainingPlan) -> str:
    t, told = words.t, plan.estimate
    if stops(plan):
        return f'<p class="ts-head ts-stop">✕ {escape(t("train.cannot_start"))}</p>'
    said = t("train.head", examples=plan.examples, steps=plan.steps, time=words.duration(told.seconds.value))
    lines = [f'<p class="ts-head">{escape(said)}</p>']
    if told.fits is False:
        lacking = t(
            "train.too_large",
            memory=words.size(told.memory.value), available=words.size(told.available_bytes), hint=smaller(words, plan),
        )  # fmt: skip
        lines.append(f'<p class="ts-fault">✕ {escape(lacking)}</p>')
    if told.disk_fits is False:
        full = t("estimate.disk_small", disk_bytes=told.disk_bytes, free_bytes=told.disk_free_bytes)
        lines.append(f'<p class="ts-fault">✕ {escape(full)}</p>')
    return "".join(lines)


def smaller(words: Words, plan: TrainingPlan) -> str:
    """What takes less memory, the cheapest change first."""
    config, lower = plan.config, what_to_lower(plan.config)
    if lower == "batch":
        return words.t("train.hint_batch", batch=config.per_device_train_batch_size // 2)
    if lower == "checkpointing":
        return words.t("train.hint_checkpointing")
    return words.t("train.hint_quantization" if config.quantization is None else "train.hint_model")


def figures(words: Words, plan: TrainingPlan) -> str:
    t, told = words.t, plan.estimate
    engine = words.t(f"train.engine_{plan.engine}")
    if plan.engine_reason:
        engine += " · " + widgets.told(words, plan.engine_reason, plan.engine_details)
    rows = [
        (t("train.row_examples"), t("train.examples", train=plan.examples, dev=plan.dev)),
        (t("train.row_tokens"), t("train.tokens", tokens=plan.tokens, counted=plan.loss_tokens)),
        (t("train.row_steps"), steps_told(words, plan)),
        (t("train.row_memory"), memory_told(words, told)),
        (t("train.row_time"), ranged(words, told.seconds, words.duration)),
        (t("train.row_disk"), t("train.disk", disk_bytes=told.disk_bytes, kept_bytes=told.kept_bytes)),
        (t("train.row_engine"), engine),
        (t("train.row_saved"), saved_told(words, plan.saved_where)),
    ]
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in rows)
    return f'<dl class="ts-figures">{listed}</dl>{basis_view(words, told)}{parts_view(words, told)}'


def steps_told(words: Words, plan: TrainingPlan) -> str:
    config = plan.config
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps * config.processes
    if config.max_steps > 0:
        return words.t("train.steps_max", steps=plan.steps, batch=batch)
    return words.t("train.steps", steps=plan.steps, epochs=f"{config.num_train_epochs:g}", batch=batch)


def memory_told(words: Words, told: Estimate) -> str:
    said = ranged(words, told.memory, words.size)
    return said + " · " + words.t("train.free", free_bytes=told.available_bytes) if told.available_bytes else said


def ranged(words: Words, amount: Range, write: object) -> str:
    """A number, and between what it lies when that is wide enough to matter."""
    assert callable(write)
    value, low, high = (str(write(number)) for number in (amount.value, amount.low, amount.high))
    if low == high or amount.high - amount.low <= ROUND * amount.value:
        return words.t("train.about", value=value)
    return words.t("train.range", value=value, low=low, high=high)


def basis_view(words: Words, told: Estimate) -> str:
    said = words.t(f"train.basis_{told.basis}") + (" " + words.t("train.disturbed") if told.disturbed else "")
    return f'<p class="note ts-basis">{escape(said)}</p>'


def parts_view(words: Words, told: Estimate) -> str:
    """What the formula's memory is for; what was measured is not divided."""
    if told.basis != "formula":
        return ""
    listed = " · ".join(
        escape(f"{words.t(f'estimate.part.{name}')} {words.size(size)}") for name, size in told.parts.items() if size
    )
    return f'<details class="note"><summary>{escape(words.t("estimate.parts"))}</summary>{listed}</details>'


def saved_told(words: Words, places: Sequence[Path]) -> str:
    return " · ".join(str(place) for place in places)


# --- what is wrong with the data --------------------------------------------------------------------------------------


def problems_view(words: Words, problems: Sequence[Problem]) -> str:
    if not problems:
        return f'<p class="ts-good">✓ {escape(words.t("train.no_problems"))}</p>'
    return f'<ul class="ts-problems">{"".join(problem_row(words, one) for one in problems)}</ul>'


def problem_row(words: Words, problem: Problem) -> str:
    which = ""
    if problem.example_ids:
        which = widgets.action(words.t("train.which", count=problem.count), "which", problem.name)
    said = problem_told(words, problem)
    sign = f'<b title="{escape(words.t(f"train.severity_{problem.severity}"))}">{SIGNS[problem.severity]}</b>'
    return f'<li class="ts-{problem.severity}">{sign}<span>{escape(said)}</span>{which}</li>'


def problem_told(words: Words, problem: Problem) -> str:
    key = f"training_data.problem.{problem.name}"
    return widgets.told(words, key, {"count": problem.count, **problem.details})


def listing_view(words: Words, problem: Problem, examples: Sequence[Example]) -> str:
    """Which examples a problem is about."""
    t = words.t
    rows = [[f"#{one.id}", escape(cut(one.text())), escape(cut(one.output)) or "–"] for one in examples]
    heads = (t("train.list_number"), t("train.list_input"), t("train.list_output"))
    more = problem.count - len(rows)
    under = f'<p class="note">{escape(t("train.list_more", count=more))}</p>' if more > 0 else ""
    acts = widgets.action(t("train.list_go"), "go", "fewshot") + widgets.action(t("train.list_close"), "close")
    return (
        f'<section class="ts-listing"><h3>{escape(problem_told(words, problem))}</h3>'
        f'{widgets.table(heads, rows)}{under}<p class="acts">{acts}</p></section>'
    )


def cut(text: str) -> str:
    return text if len(text) <= CUT else text[:CUT].rstrip() + " …"


# --- other states -----------------------------------------------------------------------------------------------------


def working_view(words: Words) -> str:
    return f'<p class="note">{escape(words.t("train.working"))}</p>{widgets.bar(None)}'


def fault_view(told: str) -> str:
    return f'<p class="ts-head ts-stop">✕ {escape(told)}</p>'


def files_view(words: Words, names: Iterable[tuple[str, int]]) -> str:
    """The texts that were handed in, each with a way to take it out."""
    rows = [
        f"<li><span>{escape(name)} <small>{words.size(size)}</small></span>"
        f"{widgets.action(words.t('train.drop_file'), 'drop', name, kind='quiet')}</li>"
        for name, size in names
    ]
    if not rows:
        return widgets.empty(words.t("train.no_files"), words.t("train.no_files_hint"))
    return f'<ul class="ts-files">{"".join(rows)}</ul>'


def empty_view(words: Words, key: str) -> str:
    """What has to be there first, with the way to it; and training on plain texts, which needs no examples."""
    t = words.t
    said = widgets.empty(t(f"train.{key}"), t(f"train.{key}_hint"))
    acts = widgets.action(t("train.go_teach"), "go", "fewshot", kind="primary")
    acts += widgets.action(t("train.use_texts"), "texts")
    return f'{said}<p class="acts ts-centre">{acts}</p>'


def probe_view(words: Words, run: Run | None) -> str:
    """A measurement under way, or why it came to nothing; one that succeeded is in the card's figures."""
    if run is None or run.state == "succeeded":
        return ""
    return f'<ul class="runs">{widgets.run_row(words, run, "project", removable=True)}</ul>'
