"""The models tab as HTML: pure functions of what the backend holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

from backend.jobs.run import Run
from backend.models.catalog import CatalogModel, Fit
from backend.models.endpoints import Endpoint
from backend.models.host import LoadedModel
from backend.models.installed import InstalledModel
from tabs import widgets
from tabs.text import Words


def catalog_view(
    words: Words, offered: Iterable[tuple[CatalogModel, Fit]], here: Collection[str], coming: Collection[str]
) -> str:
    """The catalog in plain words. `here` and `coming` are the ids installed and being downloaded."""
    t = words.t
    rows = [
        (
            f"<b>{escape(model.name)}</b><small>{escape(model.id)}</small><small>{escape(note(words, model))}</small>",
            korean(words, model),
            f'<div class="nowrap">{parameters(model.parameters)}<small>{words.size(model.size_bytes)}</small></div>',
            fit_cell(words, fit),
            f"{model.context_length:,}",
            licence(words, model),
            f'<div class="acts">{offer(words, model, here, coming)}</div>',
        )
        for model, fit in offered
    ]
    heads = (
        t("models.model"),
        t("models.korean"),
        t("models.size"),
        t("models.fits"),
        t("models.context"),
        t("models.licence"),
        "",
    )
    return widgets.table(heads, rows, css="catalog")


def note(words: Words, model: CatalogModel) -> str:
    return words.t(model.note_key) if model.note_key else ""


def parameters(count: float) -> str:
    """596,000,000 as "0.6B": the way model names say it."""
    return f"{count / 1e9:.1f}B" if count >= 95e6 else f"{count / 1e6:.0f}M"


def korean(words: Words, model: CatalogModel) -> str:
    """How well it speaks Korean, and what else it was made for."""
    css = "tag good" if model.korean == "good" else "tag"
    codes = sorted((code for code in model.languages if code != "ko"), key=lambda code: code == "multi")
    others = ", ".join(words.t(f"models.lang_{code}") for code in codes)
    mark = f'<span class="{css}">{escape(words.t(f"models.korean_{model.korean}"))}</span>'
    return f"{mark}<small>{escape(others)}</small>"


def fit_cell(words: Words, fit: Fit) -> str:
    """A number, not a badge: what it takes of what is free, and a bar for the eye."""
    told = words.t("models.fit", needed_bytes=fit.needed_bytes, available_bytes=fit.available_bytes)
    key = "models.fits_yes" if fit.fits else "models.fits_no"
    css = "" if fit.fits else " over"
    return f'<div class="fit{css}">{widgets.bar(fit.fraction)}{escape(told)}<small>{escape(words.t(key))}</small></div>'


def licence(words: Words, model: CatalogModel) -> str:
    asked = f"<small>{escape(words.t('models.gated'))}</small>" if model.gated else ""
    return f'<a href="{escape(model.licence_url)}" target="_blank" rel="noreferrer">{escape(model.licence)}</a>{asked}'


def offer(words: Words, model: CatalogModel, here: Collection[str], coming: Collection[str]) -> str:
    if model.id in here:
        return f'<span class="tag good">{escape(words.t("models.installed_tag"))}</span>'
    if model.id in coming:
        return f'<span class="tag">{escape(words.t("models.coming_tag"))}</span>'
    return widgets.action(words.t("models.download"), "download", model.id)


def installed_view(words: Words, models: Sequence[InstalledModel], loaded: Sequence[LoadedModel]) -> str:
    """What is on this machine: the practice model, downloads and added folders, with what is in memory now."""
    t, in_memory = words.t, held_by_label(loaded)
    rows = [installed_row(words, model, in_memory.get(model.ref.label())) for model in models]
    return widgets.table((t("models.model"), t("models.on_disk"), t("models.place"), ""), rows)


def held_by_label(loaded: Sequence[LoadedModel]) -> dict[str, LoadedModel]:
    """One line per model: it may be in memory several times, also with an adapter over it or made small."""
    held: dict[str, LoadedModel] = {}
    for one in loaded:
        known = held.get(one.label)
        memory = one.memory_bytes + (known.memory_bytes if known else 0)
        held[one.label] = LoadedModel(one.label, memory, one.busy or bool(known and known.busy))
    return held


def installed_row(words: Words, model: InstalledModel, held: LoadedModel | None) -> tuple[str, ...]:
    """`held` is the model in memory, None when it is not there."""
    t, label, state, buttons = words.t, model.ref.label(), "", ""
    name = t("models.practice") if model.ref.kind == "starter" else label
    if held is not None:
        told = t("models.busy" if held.busy else "models.loaded", memory_bytes=held.memory_bytes)
        state = f'<span class="tag good">{escape(told)}</span>'
        buttons += "" if held.busy else widgets.action(t("models.unload"), "unload", label)
    if model.ref.kind != "starter":
        gone = model.ref.kind == "hub"
        sure = t("models.remove_sure" if gone else "models.forget_sure", name=label, size_bytes=model.size_bytes)
        what = t("models.remove" if gone else "models.forget")
        buttons += widgets.action(what, "remove", model.ref.model_dump_json(), sure=sure, kind="quiet")
    return (
        f"<b>{escape(name)}</b> {state}<small>{escape(t(f'models.kind_{model.ref.kind}'))}</small>",
        escape(words.size(model.size_bytes)),
        f"<small>{escape(str(model.path))}</small>",
        f'<div class="acts">{buttons}</div>',
    )


def downloads_view(words: Words, runs: Sequence[Run]) -> str:
    """Downloads that are under way or can go on; nothing when there are none."""
    shown = [run for run in runs if run.kind == "download" and run.state != "succeeded"]
    rows = "".join(widgets.run_row(words, run, "house", removable=True) for run in shown)
    return f'<ul class="runs card">{rows}</ul>' if rows else ""


def endpoints_view(words: Words, endpoints: Sequence[Endpoint]) -> str:
    """The connections to model servers; a key is never shown, only that there is one."""
    t = words.t
    if not endpoints:
        return widgets.empty(t("models.no_endpoints"), t("models.no_endpoints_hint"))
    rows = [
        (
            f"<b>{escape(item.name)}</b>",
            f"{escape(item.url)}<small>{escape(t('models.has_key' if item.has_key else 'models.no_key'))}</small>",
            '<div class="acts">'
            + widgets.action(t("models.test"), "test", item.id)
            + widgets.action(
                t("common.remove"), "remove", item.id, sure=t("models.endpoint_sure", name=item.name), kind="quiet"
            )
            + "</div>",
        )
        for item in endpoints
    ]
    return widgets.table((t("models.endpoint"), t("models.address"), ""), rows)


def tested_view(words: Words, name: str, found: Sequence[str]) -> str:
    """What a server answered when it was asked for its models."""
    if not found:
        return widgets.empty(words.t("models.test_none", name=name))
    tags = " ".join(f'<span class="tag">{escape(model)}</span>' for model in found[:60])
    return (
        f'<div class="verdict"><p>{escape(words.t("models.test_ok", name=name, count=len(found)))}<br>{tags}</p></div>'
    )
