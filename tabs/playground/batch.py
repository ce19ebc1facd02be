"""The batch's wiring."""

from __future__ import annotations

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.playground.batch_view import DOWNLOAD, BatchView
from tabs.playground.batching import Batching
from tabs.playground.setup import Setup
from tabs.playground.wiring import QUICK
from tabs.session import Session
from tabs.text import Words


def wire(services: Services, words: Words, session: Session, setup: Setup, view: BatchView) -> Batching:
    batch = Batching(services, words, setup, view)
    show = shown(words)
    looked = [view.table, view.start, *view.columns]
    gr.on(
        [view.file.change, view.pasted.change, view.header.input],
        show(batch.look),
        view.source,
        looked,
        inputs_kwargs=setup.form,
        **(QUICK | {"trigger_mode": "always_last"}),
    )
    setup.form["template"].change(
        show(batch.rematch),
        view.source,
        list(view.columns),
        inputs_kwargs=setup.form,
        **(QUICK | {"trigger_mode": "always_last"}),
    )
    view.start.click(
        show(batch.start),
        [*view.source, view.first, session.project_id],
        view.result,
        inputs_kwargs=setup.form | view.named_columns,
        **(QUICK | {"trigger_mode": "once"}),
    )
    # Not the picker: it may still show another project's batch when nobody has pressed anything.
    follow = [view.page, session.project_id]
    session.seen.change(show(batch.follow), follow, [view.status, view.answers], **QUICK)
    view.run_id.input(show(batch.pick), [view.run_id, session.project_id], view.result, **QUICK)
    for listing in (view.status, view.answers):
        done = listing.act(
            show(batch.tend),
            [session.project_id, view.run_id],
            [view.status, view.answers, view.opened, view.page, view.download],
            **QUICK,
        )
        done.success(None, view.download, js=widgets.click_download(DOWNLOAD), api_visibility="private")
    return batch
