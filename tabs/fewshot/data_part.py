"""The data part: what stands, bringing data in, looking it over, splitting it, and the examples one by one. Wiring."""

from __future__ import annotations

from typing import Any

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.fewshot import data_layout
from tabs.fewshot.data_bring import Bringing
from tabs.fewshot.data_desk import Desk
from tabs.fewshot.data_layout import DOWNLOAD, Layout
from tabs.fewshot.data_listing import Listing
from tabs.fewshot.data_looking import Looking
from tabs.fewshot.data_splitting import Splitting
from tabs.fewshot.data_standing import Standing
from tabs.session import QUIET, Session
from tabs.text import Words

layout = data_layout.layout


def wire(services: Services, words: Words, session: Session, view: Layout) -> None:
    """Connect the part. Where the list stands travels by name with every event that redraws it."""
    desk = Desk(services, words, view)
    wire_list(words, session, view, Listing(desk))
    wire_task(words, session, view, Standing(desk))
    wire_bring(words, session, view, Bringing(desk), Listing(desk))
    wire_look(words, session, view, Looking(desk))
    wire_split(words, session, view, Splitting(desk))


def place_of(view: Layout) -> dict[str, Any]:
    """The list's place as it travels with an event."""
    names = ("search", "split", "label", "tag", "page", "row", "only")
    return {name: getattr(view.rows, name) for name in names}


def drawn(view: Layout) -> list[Any]:
    """All that the data itself decides."""
    split = view.split
    filters = [view.rows.split, view.rows.label, view.rows.tag]
    fixed = [view.standing, view.look, view.bring.box]
    return [*fixed, split.plan, split.look, split.make, split.anew, *split.shares, *filters, *view.rows.drawn]


def wire_list(words: Words, session: Session, view: Layout, listing: Listing) -> None:
    show, rows, current = shown(words), view.rows, session.project_id
    place, everything = place_of(view), drawn(view)
    listed = rows.drawn
    # No picker: it may still show a label of the project that was open before.
    session.on_project(show(listing.opened), [rows.search, rows.filters, rows.page, rows.row, rows.only], everything)
    for listen in (rows.listing.typed, rows.search.submit):
        listen(show(listing.filtered), current, listed, inputs_kwargs=place, trigger_mode="always_last", **QUIET)
    for widget in (rows.split, rows.label, rows.tag):
        widget.input(show(listing.filtered), current, listed, inputs_kwargs=place, **QUIET)
    rows.listing.click(
        shown(words)(listing.press), current, [*everything, rows.download], inputs_kwargs=place, **QUIET
    ).success(None, rows.download, js=widgets.click_download(DOWNLOAD), api_visibility="private")


def wire_task(words: Words, session: Session, view: Layout, standing: Standing) -> None:
    show, current, task = shown(words), session.project_id, view.task
    fields = [view.change, *task.fields]
    listed = view.rows.drawn
    view.standing.click(show(standing.press), current, [*fields, view.split.box, *listed], **QUIET)
    task.kind.input(show(standing.kind), task.kind, [task.metric, task.labels], **QUIET)
    view.save_task.click(
        show(standing.save),
        [*task.fields, current],
        [view.change, *drawn(view)],
        inputs_kwargs=place_of(view),
        **QUIET,
    )
    view.cancel_task.click(show(standing.cancel), None, view.change, **QUIET)


def wire_bring(words: Words, session: Session, view: Layout, bringing: Bringing, listing: Listing) -> None:
    show, bring, source = shown(words), view.bring, [*view.bring.source, session.project_id]
    form = {**bring.columns, **dict(zip(("kind", "metric", "labels", "good"), bring.task.fields, strict=True))}
    below, columns = bring.outputs, [one.input for one in bring.columns.values()]
    view.standing.click(show(bringing.sample), session.project_id, [*bring.source, bring.box, *below], **QUIET)
    gr.on(
        [bring.file.upload, bring.file.clear, bring.pasted.change, bring.header.input],
        show(bringing.look),
        source,
        below,
        trigger_mode="always_last",
        **QUIET,
    )
    gr.on(columns, show(bringing.rematch), source, below, inputs_kwargs=form, **QUIET)
    changed = [bring.task.kind.input, bring.task.metric.input, bring.task.labels.blur]
    gr.on(changed, show(bringing.retask), source, below, inputs_kwargs=form, **QUIET)
    kept = bring.start.click(
        show(bringing.start),
        source,
        [*bring.source, bring.box, *below],
        inputs_kwargs=form,
        trigger_mode="once",
        **QUIET,
    )
    kept.then(show(listing.restore), session.project_id, drawn(view), inputs_kwargs=place_of(view), **QUIET)


def wire_look(words: Words, session: Session, view: Layout, looking: Looking) -> None:
    show, current = shown(words), session.project_id
    found = [view.findings, view.found, view.look]
    view.look.click(show(looking.look), current, found, trigger_mode="once", **QUIET)
    outputs = [*found, *(one for one in drawn(view) if one not in found)]
    view.findings.click(show(looking.press), [current, view.found], outputs, trigger_mode="once", **QUIET)


def wire_split(words: Words, session: Session, view: Layout, splitting: Splitting) -> None:
    show, split, current = shown(words), view.split, session.project_id
    planned = [split.plan, split.look, split.make]
    split.look.click(show(splitting.plan), [*split.shares, current], planned, trigger_mode="once", **QUIET)
    split.make.click(
        show(splitting.make),
        [*split.shares, split.anew, current],
        drawn(view),
        inputs_kwargs=place_of(view),
        trigger_mode="once",
        **QUIET,
    )
    gr.on([one.input for one in split.shares], show(splitting.changed), None, planned, **QUIET)
    split.plan.click(show(splitting.press), None, [split.plan, split.anew, split.look, *split.shares], **QUIET)
