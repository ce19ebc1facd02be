"""The components of the Compare tab, from the verdict at the top to the curve at the bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from tabs import widgets
from tabs.plots import FRAMED
from tabs.text import Words

DOWNLOAD: Final = "compare-download"
SPLITS: Final = ("test", "dev")
COSTS: Final = ("latency", "tokens", "memory", "making")
MODES: Final = ("pairwise", "rubric")


@dataclass(frozen=True)
class Layout:
    """Named as the handlers need them.

    stamp   the state of runs and examples that the page was drawn from
    looked  what this visitor looks at: {"left": id, "right": id, "which": kind, "page": first, "of": id, "by": slice}
    """

    verdict: gr.HTML
    assistants: gr.CheckboxGroup
    older: gr.Checkbox
    split: gr.Radio
    limit: gr.Number
    perplexity: gr.Checkbox
    start: gr.Button
    plan: gr.HTML
    runs: gr.HTML
    stamp: gr.State
    looked: gr.State
    figures: gr.Column
    metric: gr.Dropdown
    board: gr.HTML
    cost: gr.Dropdown
    scatter: gr.Plot
    report: gr.Button
    csv: gr.Button
    jsonl: gr.Button
    download: gr.DownloadButton
    left: gr.Dropdown
    right: gr.Dropdown
    which: gr.Dropdown
    sides: gr.HTML
    of: gr.Dropdown
    labels: gr.HTML
    by: gr.Dropdown
    slices: gr.HTML
    terms: gr.Textbox
    swap: gr.Button
    swapped: gr.HTML
    judge_tab: gr.Tab
    judge: gr.Dropdown
    mode: gr.Radio
    pairs: gr.Number
    ask_judge: gr.Button
    judged: gr.HTML
    rate: gr.Button
    rating: gr.HTML
    pair: gr.State
    curve: gr.Plot
    curve_note: gr.HTML

    @property
    def form(self) -> dict[str, Any]:
        """What says what is compared, by the names of Choice's fields."""
        return {name: getattr(self, name) for name in ("assistants", "split", "limit", "metric", "cost", "perplexity")}

    @property
    def chosen(self) -> list[Any]:
        return [self.assistants, self.older, self.split, self.limit, self.cost, self.perplexity]

    @property
    def sided(self) -> list[Any]:
        return [self.left, self.right, self.which, self.sides, self.looked]

    @property
    def cut(self) -> list[Any]:
        return [self.by, self.slices, self.swapped, self.looked]

    @property
    def rated(self) -> list[Any]:
        return [self.rating, self.pair, self.rate, self.judged]

    @property
    def drawn(self) -> list[Any]:
        """Everything below the choice that follows from it."""
        top = [self.verdict, self.plan, self.start, self.runs, self.stamp, self.figures, self.metric, self.board]
        return [
            *top,
            self.scatter,
            *self.sided,
            self.of,
            self.labels,
            *self.cut[:-1],
            self.judged,
            self.curve,
            self.curve_note,
        ]


def layout(words: Words) -> Layout:
    t, found = words.t, dict[str, Any]()
    found["verdict"] = widgets.clickable(elem_id="cp-verdict")
    _choice(words, found)
    found["runs"] = widgets.clickable(elem_id="cp-runs")
    found["download"] = widgets.hidden_download(DOWNLOAD)
    found["stamp"] = gr.State("")
    found["looked"] = gr.State({})
    with gr.Column(visible=False, elem_id="cp-figures") as found["figures"]:
        _board(words, found)
        with gr.Tabs(elem_id="cp-ways"):
            with gr.Tab(t("compare.tab_sides"), id="sides"):
                _sides(words, found)
            with gr.Tab(t("compare.tab_labels"), id="labels"):
                found["of"] = _picker(words, "of")
                found["labels"] = _drawn("cp-labels")
            with gr.Tab(t("compare.tab_slices"), id="slices"):
                _slices(words, found)
            with gr.Tab(t("compare.tab_judge"), id="judge") as found["judge_tab"]:
                _judge(words, found)
            with gr.Tab(t("compare.tab_curve"), id="curve"):
                found["curve_note"] = widgets.clickable(elem_id="cp-curve-note")
                found["curve"] = gr.Plot(
                    show_label=False, container=False, elem_id="cp-curve", elem_classes=FRAMED, visible=False
                )
    return Layout(**found)


def _drawn(elem_id: str) -> gr.HTML:
    return gr.HTML(elem_id=elem_id, apply_default_css=False, js_on_load=None)


def _picker(words: Words, name: str, **more: Any) -> gr.Dropdown:
    """A list to choose one from, filled when it is known what there is."""
    return gr.Dropdown(
        [], label=words.t(f"compare.{name}"), info=words.t(f"compare.{name}_info"), elem_id=f"cp-{name}", **more
    )


def _choice(words: Words, found: dict[str, Any]) -> None:
    t = words.t
    with gr.Column(elem_classes="card", elem_id="cp-choice"):
        found["assistants"] = gr.CheckboxGroup(
            [], label=t("compare.assistants"), info=t("compare.assistants_info"), elem_id="cp-assistants"
        )
        found["older"] = gr.Checkbox(False, label=t("compare.older"), container=False, elem_id="cp-older")
        with gr.Row(elem_classes="cp-how"):
            found["split"] = gr.Radio(
                [(t(f"compare.split_{name}"), name) for name in SPLITS],
                value="test",
                label=t("compare.split"),
                info=t("compare.split_info"),
                elem_id="cp-split",
                scale=5,
                min_width=300,
            )
            found["limit"] = gr.Number(
                None,
                label=t("compare.limit"),
                info=t("compare.limit_info"),
                placeholder=t("compare.limit_all"),
                precision=0,
                minimum=1,
                elem_id="cp-limit",
                scale=3,
                min_width=190,
            )
            found["metric"] = _picker(words, "metric", scale=3, min_width=190)
            found["start"] = gr.Button(
                t("compare.start"), variant="primary", elem_id="cp-start", scale=2, min_width=150
            )
        found["perplexity"] = gr.Checkbox(
            False,
            label=t("compare.perplexity"),
            info=t("compare.perplexity_info"),
            container=False,
            elem_id="cp-perplexity",
        )
        found["plan"] = widgets.clickable(elem_id="cp-plan")


def _board(words: Words, found: dict[str, Any]) -> None:
    t = words.t
    widgets.heading(t("compare.board"), t("compare.board_note"))
    found["board"] = _drawn("cp-board")
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=330, elem_classes="card cp-plot"):
            found["cost"] = gr.Dropdown(
                [(t(f"compare.cost_{name}"), name) for name in COSTS],
                value="latency",
                label=t("compare.cost"),
                info=t("compare.cost_info"),
                elem_id="cp-cost",
            )
            found["scatter"] = gr.Plot(show_label=False, container=False, elem_id="cp-scatter", elem_classes=FRAMED)
        with gr.Column(scale=4, min_width=280, elem_classes="card"):
            widgets.heading(t("compare.hand_on"), t("compare.hand_on_note"))
            for name in ("report", "csv", "jsonl"):
                found[name] = gr.Button(t(f"compare.{name}"), size="sm", elem_id=f"cp-{name}")


def _sides(words: Words, found: dict[str, Any]) -> None:
    t = words.t
    with gr.Row(elem_classes="cp-row"):
        found["left"] = _picker(words, "left", min_width=200)
        found["right"] = _picker(words, "right", min_width=200)
        found["which"] = gr.Dropdown(
            [(t("compare.which_all"), "all")],
            value="all",
            label=t("compare.which"),
            info=t("compare.which_info"),
            elem_id="cp-which",
            min_width=200,
        )
    found["sides"] = widgets.clickable(elem_id="cp-sides")


def _slices(words: Words, found: dict[str, Any]) -> None:
    t = words.t
    found["by"] = _picker(words, "by")
    found["slices"] = _drawn("cp-slices")
    widgets.heading(t("compare.bias"), t("compare.bias_note"))
    with gr.Row(elem_classes="cp-row"):
        found["terms"] = gr.Textbox(
            label=t("compare.terms"),
            info=t("compare.terms_info"),
            placeholder=t("compare.terms_hint"),
            lines=3,
            max_lines=8,
            max_length=4_000,
            elem_id="cp-terms",
            scale=6,
        )
        found["swap"] = gr.Button(t("compare.swap"), elem_id="cp-swap", scale=1, min_width=150)
    found["swapped"] = widgets.clickable(elem_id="cp-swapped")


def _judge(words: Words, found: dict[str, Any]) -> None:
    t = words.t
    with gr.Row(equal_height=False, elem_classes="cp-judging"):
        with gr.Column(scale=5, min_width=320):
            widgets.heading(t("compare.rating"), t("compare.rating_note"))
            found["rate"] = gr.Button(t("compare.rate"), size="sm", elem_id="cp-rate")
            found["rating"] = widgets.clickable(elem_id="cp-rating")
            found["pair"] = gr.State(None)
        with gr.Column(scale=6, min_width=320):
            widgets.heading(t("compare.judge_title"), t("compare.judge_note"))
            with gr.Column(elem_classes="card"):
                found["judge"] = _picker(words, "judge")
                with gr.Row():
                    found["mode"] = gr.Radio(
                        [(t(f"compare.mode_{name}"), name) for name in MODES],
                        value="pairwise",
                        label=t("compare.mode"),
                        info=t("compare.mode_info"),
                        elem_id="cp-mode",
                        min_width=200,
                    )
                    found["pairs"] = gr.Number(
                        20,
                        label=t("compare.pairs"),
                        info=t("compare.pairs_info"),
                        precision=0,
                        minimum=1,
                        maximum=10_000,
                        elem_id="cp-pairs",
                        min_width=160,
                    )
                found["ask_judge"] = gr.Button(t("compare.ask_judge"), size="sm", elem_id="cp-ask-judge")
            found["judged"] = widgets.clickable(elem_id="cp-judged")
