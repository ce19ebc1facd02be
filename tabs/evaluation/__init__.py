"""Compare: any set of assistants on the same held-out examples, with honest intervals."""

from __future__ import annotations

from typing import Any

import gradio as gr

from backend.services import Services
from tabs.errors import shown
from tabs.evaluation import method_part
from tabs.evaluation.breakdown import Labels
from tabs.evaluation.cutting import Cutting
from tabs.evaluation.desk import Desk
from tabs.evaluation.handing import Handing
from tabs.evaluation.judging import Judging
from tabs.evaluation.layout import DOWNLOAD, layout
from tabs.evaluation.learning import Learning
from tabs.evaluation.opening import Opening
from tabs.evaluation.sides import Sides
from tabs.session import QUIET, Session
from tabs.text import Words
from tabs.widgets import click_download


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    view = layout(words)
    # Below the figures, and there without any: what to try first is a question too.
    advised = method_part.layout(words)
    method_part.wire(services, words, session, advised)
    desk = Desk(services, words, view)
    sides, labels, cutting = Sides(desk), Labels(desk), Cutting(desk)
    handing, learning, judging = Handing(desk), Learning(desk), Judging(desk)
    opening = Opening(desk, [part.drawn for part in (sides, labels, cutting, judging, learning)])
    show, current, drawn = shown(words), session.project_id, view.drawn
    form: dict[str, Any] = {"inputs_kwargs": view.form, **QUIET}

    session.on_project(show(opening.restore), outputs=[*view.chosen, *view.rated[:-1], *drawn])
    chosen = [one.input for one in view.form.values()]
    gr.on(chosen, show(opening.choose), [current, view.looked], drawn, **(form | {"trigger_mode": "always_last"}))
    view.older.input(show(opening.more), [current, view.older], view.assistants, **QUIET)
    view.start.click(show(opening.start), [current, view.looked], drawn, **(form | {"trigger_mode": "once"}))
    session.seen.change(show(opening.follow), [current, view.stamp, view.looked], drawn, **QUIET)
    view.runs.click(show(opening.press), current, view.runs, **QUIET)
    pair = [view.left, view.right, view.which]
    gr.on([one.input for one in pair], show(sides.choose), [current, view.looked, *pair], view.sided, **QUIET)
    view.sides.click(show(sides.press), [current, view.looked], [view.sides, view.looked], **QUIET)
    view.by.input(show(cutting.choose), [current, view.looked, view.by], view.cut, **QUIET)
    view.swap.click(show(cutting.swap), [current, view.terms], view.swapped, **(QUIET | {"trigger_mode": "once"}))
    for name in ("report", "csv", "jsonl"):
        hand = shown(words, halt=True)(getattr(handing, name))
        made = getattr(view, name).click(hand, current, view.download, **QUIET)
        made.success(None, view.download, js=click_download(DOWNLOAD), api_visibility="private")
    view.judge_tab.select(show(judging.offered), current, [view.judge, view.mode], **QUIET)
    asking = [current, view.looked, view.judge, view.mode, view.pairs]
    view.ask_judge.click(show(judging.ask), asking, view.judged, **(QUIET | {"trigger_mode": "once"}))
    view.rate.click(show(judging.begin), [current, view.looked], view.rated, **QUIET)
    view.rating.click(show(judging.rate), [current, view.looked, view.pair], view.rated, **QUIET)
    view.of.input(show(labels.choose), [current, view.looked, view.of], [view.of, view.labels, view.looked], **QUIET)
