"""The handlers of the builder: the project's draft is under construction, and every handler changes and draws it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import gradio as gr

from backend.answering import Question
from backend.assistants import PER_INPUT, Examples, Method, Selection
from backend.errors import BadInput, NotFound, Refused, StudioError
from backend.examples.example import Example, Split
from backend.examples.filters import Filter
from backend.examples.leakage import check_leakage
from backend.fewshot.advice import advise, apply
from backend.fewshot.choosing import build_examples, orders_for
from backend.fewshot.forms import Form, forms
from backend.fewshot.nearest import ShotChooser
from backend.projects.folder import Project
from backend.services import Services
from tabs import widgets
from tabs.errors import sentence
from tabs.fewshot import build_views as views
from tabs.fewshot.build_draft import (
    Draft,
    assistant_of,
    base_of,
    by_hand,
    dropped,
    fitting,
    keep_draft,
    moved,
    read_draft,
)
from tabs.session import owner
from tabs.text import Words

LISTED = 12
SAMPLE = 60
PLAIN = 0
"""The base's value in the list for the task's plain prompt, which is no saved version."""


class Building:
    """`drawn` are the outputs of everything that shows the draft."""

    def __init__(self, services: Services, words: Words, part: Any) -> None:
        self.services, self.words, self.part = services, words, part
        self.chooser = ShotChooser()
        self.drawn = [part.shots, part.by_hand, part.picking, part.advice]

    def project(self, project_id: str, request: gr.Request) -> Project:
        return self.services.projects.open(owner(request), project_id)

    # --- showing

    def restore(self, project_id: str, request: gr.Request) -> Any:
        """Everything as it was left, or what to do first when there is nothing to choose from."""
        if not project_id:
            return gr.skip()
        project = self.project(project_id, request)
        missing = self.missing(project)
        draft = read_draft(project)
        chosen = draft.selection
        return {
            self.part.empty: missing,
            self.part.body: gr.update(visible=not missing),
            self.part.base: self.bases(project, draft),
            **{widget: getattr(chosen, name) for name, widget in self.part.form.items()},
            **({} if missing else self.draw(project, draft)),
            self.part.name: self.name(project, draft),
        }

    def emptied(self, project_id: str, request: gr.Request) -> Any:
        """As `restore`; what cannot be shown of this project is told in place, since nobody has asked for anything."""
        try:
            return self.restore(project_id, request)
        except StudioError as fault:
            told = widgets.empty(sentence(self.words, fault))
            return {self.part.empty: told, self.part.body: gr.update(visible=False)}

    def missing(self, project: Project) -> str:
        """What has to be there before examples can be chosen, with the way to it; "" when all is."""
        t, counts = self.words.t, project.examples.counts()
        if project.examples.task() is None or not counts.total:
            return widgets.empty(t("build.no_examples"), t("build.no_examples_hint"))
        if not counts.train:
            return widgets.empty(t("build.no_split"), t("build.no_split_hint"))
        return ""

    def draw(self, project: Project, draft: Draft, search: str = "") -> dict[Any, Any]:
        picking = draft.selection.method == "by_hand"
        return {
            self.part.shots: views.shots_view(self.words, draft, self.seen(project, draft)),
            self.part.by_hand: gr.update(visible=picking),
            self.part.picking: self.found(project, draft, search) if picking else "",
            self.part.advice: self.advice(project, draft),
        }

    def seen(self, project: Project, draft: Draft) -> Any:
        """What a method that chooses per input shows for the question in hand."""
        question = self.question(project, draft)
        return self.chooser.shots_for(draft.examples, question.variables) if draft.per_input and question else ()

    def advice(self, project: Project, draft: Draft, seen: Sequence[Form] = ()) -> str:
        task = project.examples.task()
        if task is None or not draft.examples.shots:
            return ""
        return views.advice_view(self.words, advise(draft.examples, task, project.examples, seen))

    def bases(self, project: Project, draft: Draft) -> Any:
        t = self.words.t
        saved = fitting(project)
        choices = [(t("build.version", name=one.name, number=one.number), one.id) for one in saved]
        kept = base_of(project, draft)
        if kept is not None and all(kept.id != one.id for one in saved):
            choices.append((t("build.version", name=kept.name, number=kept.number), kept.id))
        return gr.update(choices=[(t("build.plain"), PLAIN), *choices], value=kept.id if kept else PLAIN)

    def name(self, project: Project, draft: Draft) -> str:
        kept = base_of(project, draft)
        return kept.name if kept else self.words.t("build.first_name")

    def question(self, project: Project, draft: Draft) -> Example | None:
        """The example that the forms are shown for: one to tune on, else one to learn from; never of the test split."""
        store = project.examples
        if draft.question is not None:
            try:
                kept = store.get(draft.question)
                if kept.split in ("dev", "train"):
                    return kept
            except NotFound:
                pass
        split: Split = "dev" if store.counts().dev else "train"
        return next(iter(store.page(Filter(split=split), 0, 1)), None)

    def show_forms(self, project_id: str, request: gr.Request) -> tuple[Any, Any]:
        """The exact prompts, and the advice that knows their length. A model that is gone is told in place."""
        if not project_id:
            return "", gr.skip()
        project = self.project(project_id, request)
        draft = read_draft(project)
        asked = self.question(project, draft)
        if asked is None or self.missing(project):
            return "", gr.skip()
        try:
            assistant = assistant_of(project, draft, self.words.language)
            answers = self.services.answers_in(project)
            found = forms(assistant, Question(asked.variables), answers, self.services.host)
        except StudioError as fault:
            return widgets.empty(sentence(self.words, fault)), gr.skip()
        return views.forms_view(self.words, found, asked.output), self.advice(project, draft, found)

    # --- changing

    def choose(self, project_id: str, request: gr.Request, **form: Any) -> dict[Any, Any]:
        """Choose anew after the form. By hand begins with what is there."""
        project = self.project(project_id, request)
        draft, selection = read_draft(project), read_selection(form)
        if selection.method == "by_hand":
            kept = () if draft.per_input else draft.examples.shots
            draft = by_hand(draft, kept)
        else:
            examples = build_examples(project, selection)
            draft = draft.model_copy(update={"selection": selection, "examples": examples})
        return self.draw(project, keep_draft(project, draft))

    def rebase(self, project_id: str, base: int, request: gr.Request) -> Any:
        """Another assistant to build on: its own examples come with it."""
        project = self.project(project_id, request)
        draft = read_draft(project).model_copy(update={"base": base if base and base != PLAIN else None})
        kept = base_of(project, draft)
        examples = kept.assistant.examples if kept else Examples()
        if examples.shots:
            chosen = examples.selection or Selection(method="by_hand", count=min(64, len(examples.shots)))
            draft = draft.model_copy(update={"examples": examples, "selection": chosen})
        keep_draft(project, draft)
        return self.restore(project_id, request)

    def method(self, project_id: str, method: Method, request: gr.Request) -> dict[Any, Any]:
        """The list to tick from is there only for choosing by hand; the orders are those that the method knows."""
        project = self.project(project_id, request)
        picking, orders = method == "by_hand", orders_for(method)
        choices = [(self.words.t(f"build.order_{one}"), one) for one in orders]
        return {
            self.part.by_hand: gr.update(visible=picking),
            self.part.picking: self.found(project, read_draft(project), "") if picking else "",
            self.part.form["order"]: gr.update(choices=choices, value=orders[0]),
        }

    def find(self, project_id: str, search: str, request: gr.Request) -> str:
        project = self.project(project_id, request)
        return self.found(project, read_draft(project), search)

    def found(self, project: Project, draft: Draft, search: str) -> str:
        wanted = Filter(text=(search or "").strip(), split="train")
        page, total = project.examples.page(wanted, 0, LISTED), project.examples.count(wanted)
        return views.picking_view(self.words, page, total, draft.examples)

    def press(self, project_id: str, search: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        project, pressed = self.project(project_id, request), widgets.chosen(event)
        draft = self.pressed(project, read_draft(project), pressed)
        return self.draw(project, keep_draft(project, draft), search)

    def pressed(self, project: Project, draft: Draft, pressed: widgets.Chosen) -> Draft:
        if pressed.do == "mend":
            return self.mended(project, draft, pressed.what)
        if not pressed.what.isdecimal() or len(pressed.what) > 18:
            raise BadInput("error.page_action")
        number = int(pressed.what)
        if pressed.do in ("up", "down"):
            return moved(draft, number, -1 if pressed.do == "up" else 1)
        if pressed.do == "drop":
            return dropped(draft, number)
        if pressed.do == "use":
            added = build_examples(project, Selection(method="by_hand", count=1), ids=[number]).shots
            kept = () if draft.per_input else draft.examples.shots
            return by_hand(draft, (*kept, *(shot for shot in added if shot not in kept)))
        raise BadInput("error.page_action")

    def mended(self, project: Project, draft: Draft, key: str) -> Draft:
        """The set is looked over anew: it may have changed since the button was drawn."""
        task = project.examples.task()
        advice = advise(draft.examples, task, project.examples) if task else []
        one = next((one for one in advice if one.key == key), None)
        if one is None:
            raise BadInput("error.build_advice")
        examples = apply(one, draft.examples)
        return draft.model_copy(update={"examples": examples, "selection": examples.selection or draft.selection})

    def another(self, project_id: str, request: gr.Request) -> dict[Any, Any]:
        """Another example to try the forms on, drawn by chance."""
        project = self.project(project_id, request)
        store, draft = project.examples, read_draft(project)
        wanted = Filter(split="dev" if store.counts().dev else "train")
        count = store.count(wanted)
        page = store.page(wanted, random.randrange(count), 1) if count else []
        question = page[0].id if page else None
        return self.draw(project, keep_draft(project, draft.model_copy(update={"question": question})))

    def save(self, project_id: str, name: str, note: str, request: gr.Request) -> tuple[str, Any, str]:
        """A new version, whose parent is what it was built on.

        Raises Refused("error.build_leak"): the draft is from before the splits, or its base is.
        """
        project, t = self.project(project_id, request), self.words.t
        draft = read_draft(project)
        assistant = assistant_of(project, draft, self.words.language)
        if leaking := check_leakage(project, assistant.examples.shots):
            told = {leak.left.input_key: leak.left.text() for leak in leaking}
            raise Refused("error.build_leak", count=len(told), first=views.cut(next(iter(told.values())), SAMPLE))
        kept = project.assistants.save(name, assistant, note or self.told(draft), draft.base)
        draft = keep_draft(project, draft.model_copy(update={"base": kept.id}))
        self.words.say("build.saved", "success", name=kept.name, number=kept.number)
        go = widgets.action(t("build.compare"), "go", "evaluation", kind="primary")
        done = f'<p class="bd-told">{t("build.saved_next")}</p><div class="acts">{go}</div>'
        return done, self.bases(project, draft), ""

    def told(self, draft: Draft) -> str:
        """The note of a version that was given none: how its examples were chosen."""
        chosen, shots = draft.selection, draft.examples.shots
        if not shots:
            return self.words.t("build.note_none")
        count = chosen.count if chosen.method in PER_INPUT else len(shots)
        return self.words.t("build.note_made", method=self.words.t(f"build.method_{chosen.method}"), count=count)


def read_selection(form: dict[str, Any]) -> Selection:
    """Raises BadInput for what no form of ours sends."""
    try:
        return Selection(
            method=form["method"], count=int(form["count"] or 0), order=form["order"], seed=int(form["seed"] or 0)
        )
    except (ValueError, TypeError, OverflowError) as fault:
        raise BadInput("error.page_action") from fault
