"""The setup part of the training tab: three or four choices, what will happen, and what exactly is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from backend.services import Services
from tabs import widgets
from tabs.errors import shown
from tabs.inner import Inside
from tabs.session import QUIET
from tabs.text import Words
from tabs.training.setup_choosing import Choosing
from tabs.training.setup_desk import Desk
from tabs.training.setup_doing import Doing
from tabs.training.setup_fields import layout_groups
from tabs.training.setup_kinds import EFFORTS, KINDS, effort_label, kind_label

DOWNLOAD: Final = "ts-download"
TEXTS: Final = [".txt", ".md"]


@dataclass(frozen=True)
class SetupPart:
    """The components. `form` is keyed by TrainingConfig's field names, `simple` is what stands above it.

    measured  the last probe whose figures are in the card
    """

    measured: gr.State
    empty: gr.HTML
    body: gr.Column
    simple: dict[str, Any]
    upload: gr.UploadButton
    files: gr.HTML
    form: dict[str, Any]
    about: gr.HTML
    card: gr.HTML
    probing: gr.HTML
    measure: gr.Button
    start: gr.Button
    listing: gr.HTML
    preview: gr.HTML
    another: gr.Button
    load: gr.UploadButton
    save: gr.Button
    download: gr.DownloadButton


def layout(words: Words) -> SetupPart:
    t = words.t
    measured = gr.State("")
    empty = widgets.clickable(elem_id="ts-empty")
    with gr.Column(visible=False, elem_id="ts-body") as body:
        with gr.Row(equal_height=False):
            with gr.Column(scale=6, min_width=330, elem_classes="card"):
                simple, upload, files = layout_simple(words)
            with gr.Column(scale=5, min_width=330, elem_classes="card", elem_id="ts-side"):
                widgets.heading(t("train.card_title"), t("train.card_note"))
                card = widgets.clickable(elem_id="ts-card")
                probing = widgets.clickable(elem_id="ts-probing")
                with gr.Row(elem_classes="tight"):
                    measure = gr.Button(t("train.measure"), elem_id="ts-measure", min_width=120)
                    start = gr.Button(t("train.start"), variant="primary", elem_id="ts-start", min_width=120)
                listing = widgets.clickable(elem_id="ts-listing")
        widgets.heading(t("train.preview_title"), t("train.preview_note"))
        preview = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="ts-preview")
        another = gr.Button(t("train.another"), size="sm", scale=0, elem_id="ts-another")
        widgets.heading(t("train.expert_title"), t("train.expert_note"))
        form, about = layout_groups(words)
        with gr.Row(elem_classes="tight start"):
            load = gr.UploadButton(t("train.load"), file_types=[".yaml", ".yml"], size="sm", elem_id="ts-load")
            save = gr.Button(t("train.save"), size="sm", elem_id="ts-save")
        download = widgets.hidden_download(DOWNLOAD)
    found = locals()
    return SetupPart(**{key: found[key] for key in SetupPart.__dataclass_fields__})


def layout_simple(words: Words) -> tuple[dict[str, Any], gr.UploadButton, gr.HTML]:
    """What to start from, what kind of training, which examples, how hard to try."""
    t = words.t
    simple: dict[str, Any] = {}
    widgets.heading(t("train.form_title"), t("train.form_note"))
    simple["start"] = gr.Dropdown([], label=t("train.start_from"), info=t("train.start_from_info"), elem_id="ts-from")
    simple["kind"] = gr.Radio(
        [(kind_label(words, one), one) for one in KINDS],
        value="lora",
        label=t("train.kind"),
        info=t("train.kind_info"),
        elem_id="ts-kind",
        elem_classes="ts-said",
    )
    with gr.Row(equal_height=False) as examples:
        simple["tag"] = gr.Dropdown([], label=t("train.tag"), info=t("train.tag_info"), elem_id="ts-tag", min_width=180)
        simple["limit"] = gr.Number(
            None, label=t("train.limit"), info=t("train.limit_info"), placeholder=t("train.all"), elem_id="ts-limit",
            min_width=180,
        )  # fmt: skip
    simple["examples"] = examples
    upload = gr.UploadButton(
        t("train.upload"), file_count="multiple", file_types=TEXTS, size="sm", visible=False, elem_id="ts-upload"
    )
    files = widgets.clickable(visible=False, elem_id="ts-files")
    simple["effort"] = gr.Radio(
        [(effort_label(words, one), one) for one in EFFORTS],
        value="balanced",
        label=t("train.effort"),
        info=t("train.effort_info"),
        elem_id="ts-effort",
        elem_classes="ts-said",
    )
    return simple, upload, files


def wire(services: Services, words: Words, inside: Inside, view: SetupPart) -> None:
    desk = Desk(services, words, view)
    choosing, doing = Choosing(desk), Doing(desk)
    show, current = shown(words), inside.project_id
    redrawn = [view.card, view.preview, view.start, view.measure, view.listing, *view.form.values()]
    filled = [view.empty, view.body, *view.simple.values(), view.upload, view.files, *view.form.values(), view.about]

    def then_drawn(event: Any) -> None:
        """What will happen is worked out after the form stands: the first time reads a tokenizer and every example."""
        event.then(show(desk.drawn), current, redrawn, **QUIET)

    then_drawn(inside.on_project(show(choosing.opened), outputs=[*filled, view.card, view.probing]))
    simple, form = view.simple, view.form
    for name in ("start", "kind", "effort", "tag"):
        choose = show(getattr(choosing, name))
        then_drawn(simple[name].input(choose, [current, simple[name]], filled, **QUIET))
    limit = [simple["limit"].submit, simple["limit"].blur]
    then_drawn(gr.on(limit, show(choosing.limit), [current, simple["limit"]], filled, **QUIET))
    fields = [one.input if isinstance(one, (gr.Dropdown, gr.Checkbox)) else one.blur for one in form.values()]
    fields += [one.submit for one in form.values() if isinstance(one, (gr.Number, gr.Textbox))]
    change = show(choosing.fields)
    last: dict[str, Any] = QUIET | {"trigger_mode": "always_last"}
    then_drawn(gr.on(fields, change, current, filled, inputs_kwargs=form, **last))
    then_drawn(view.upload.upload(show(choosing.upload), [current, view.upload], filled, **QUIET))
    then_drawn(view.files.click(show(choosing.drop), current, filled, **QUIET))
    then_drawn(view.empty.click(show(choosing.texts), current, filled, **QUIET))
    then_drawn(view.load.upload(show(choosing.load), [current, view.load], filled, **QUIET))
    wire_doing(words, inside, view, desk, doing)


def wire_doing(words: Words, inside: Inside, view: SetupPart, desk: Desk, doing: Doing) -> None:
    show, current = shown(words), inside.project_id
    once: dict[str, Any] = QUIET | {"trigger_mode": "once"}
    view.card.click(show(doing.press), current, view.listing, **QUIET)
    view.listing.click(show(doing.close), None, view.listing, **QUIET)
    view.another.click(show(desk.another), current, view.preview, **QUIET)
    view.measure.click(show(doing.measure), current, view.probing, **once)
    view.probing.click(show(doing.act), current, view.probing, **QUIET)
    view.start.click(show(doing.start), current, [view.start, inside.parts], **once)
    # Running work changed: the probe's row is drawn anew, and the card once its figures are there.
    following = [current, view.measured]
    inside.seen.change(show(doing.follow), following, [view.probing, view.measured, view.card, view.start], **QUIET)
    saving = view.save.click(shown(words, halt=True)(doing.save), current, view.download, **QUIET)
    saving.success(None, view.download, js=widgets.click_download(DOWNLOAD), api_visibility="private")
