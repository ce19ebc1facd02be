"""Long looks on the dev examples: for better examples, for better wording, how far a score wavers, and the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.fewshot.searching import KINDS, Searching
from tabs.session import QUIET, Session
from tabs.text import Words

BUDGETS: Final = (200, 600, 1500, 4000)
PARTS: Final = {
    "fewshot_search": "find",
    "instruction_search": "words",
    "sensitivity": "band",
    "learning_curve": "curve",
}
"""The kinds of run, and what their words are called."""


@dataclass(frozen=True)
class SearchPart:
    """The components; `plans`, `starts` and `results` are keyed by the kind of run."""

    empty: gr.HTML
    body: gr.Column
    base: gr.Dropdown
    budget: gr.Radio
    proposer: gr.Dropdown
    plans: dict[str, gr.HTML]
    starts: dict[str, gr.Button]
    results: dict[str, gr.HTML]


def layout(words: Words) -> SearchPart:
    t = words.t
    plans: dict[str, gr.HTML] = {}
    starts: dict[str, gr.Button] = {}
    results: dict[str, gr.HTML] = {}
    empty = widgets.clickable(elem_id="bs-empty")
    with gr.Column(visible=False, elem_id="bs-body") as body:
        with gr.Row(equal_height=False):
            base = gr.Dropdown(
                [], label=t("build.search_base"), info=t("build.search_base_info"), elem_id="bs-base", min_width=300
            )
            budget = gr.Radio(
                [(f"{count:,}", count) for count in BUDGETS],
                value=BUDGETS[1],
                label=t("build.budget"),
                info=t("build.budget_info"),
                elem_id="bs-budget",
                min_width=300,
            )
        for kind in KINDS:
            name = PARTS[kind]
            with gr.Column(elem_classes="bs-part card", elem_id=f"bs-{name}"):
                widgets.heading(t(f"build.{name}_title"), t(f"build.{name}_note"))
                if kind == "instruction_search":
                    proposer = gr.Dropdown(
                        [(t("build.no_proposer"), "")],
                        value="",
                        label=t("build.proposer"),
                        info=t("build.proposer_info"),
                        elem_id="bs-proposer",
                    )
                plans[kind] = gr.HTML(apply_default_css=False, js_on_load=None)
                starts[kind] = gr.Button(t(f"build.start_{name}"), size="sm", scale=0, elem_id=f"bs-start-{name}")
                results[kind] = widgets.clickable(elem_id=f"bs-result-{name}")
    return SearchPart(empty, body, base, budget, proposer, plans, starts, results)


def wire(services: Services, words: Words, session: Session, part: SearchPart) -> None:
    searching, show, current = Searching(services, words, part), shown(words), session.project_id
    results, plans = list(part.results.values()), list(part.plans.values())
    chosen = [current, part.base, part.budget]
    session.on_project(
        show(searching.emptied), outputs=[part.empty, part.body, part.base, part.proposer, *plans, *results]
    )
    for listen in (part.base.input, part.budget.input):
        listen(show(searching.plan), chosen, [*plans, *results], **QUIET)
    for kind in KINDS:
        start = show(searching.starter(kind))
        part.starts[kind].click(
            start, [*chosen, part.proposer], part.results[kind], **(QUIET | {"trigger_mode": "once"})
        )
        part.results[kind].click(show(searching.press), current, [*results, part.base], **QUIET)
    # Running work changed: what it came to is drawn anew, and only then. An event that nobody pressed takes no picker:
    # it may still show another project's choice, which Gradio would refuse with a toast.
    session.seen.change(show(searching.results), current, results, **QUIET)
