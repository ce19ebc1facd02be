"""The examples as a list: rows, the form under the one that is edited, pages, and what can be done. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from backend.examples.edits import Edit
from backend.examples.example import Example, NewExample
from backend.examples.exporting import Format
from backend.examples.task import Task
from tabs.fewshot.data_marks import button, short
from tabs.text import Words

PAGE = 25
SPLITS = ("train", "dev", "test")
FORMATS: Final[tuple[Format, ...]] = ("csv", "xlsx", "jsonl")
MOST_OPTIONS = 200


@dataclass(frozen=True)
class Typed:
    """What somebody had typed when it turned out that another person was first; shown so that nothing is lost."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shown:
    """One page of the list: `total` of all that fit the filter, `start` the place of the first row, from 0."""

    rows: Sequence[Example]
    start: int
    total: int
    open_row: str = ""
    typed: Typed | None = None
    only: int = 0
    """How many rows a finding has narrowed the list to; 0 when it has not."""


def list_view(
    words: Words,
    shown: Shown,
    task: Task | None,
    edit: Edit | None,
    tags: Sequence[str],
    *,
    locked: bool,
    any_at_all: bool,
) -> str:
    """The list with what can be done above it. `any_at_all` tells "nothing fits" from "nothing is there"."""
    if not any_at_all and shown.open_row != "new":
        return f'<p class="empty">{escape(words.t("data.list_empty"))}</p>{undo_line(words, edit)}'
    new = new_view(words, task) if shown.open_row == "new" else ""
    rows = "".join(row_view(words, one, task, shown) for one in shown.rows)
    nothing = f'<p class="empty">{escape(words.t("data.list_nothing"))}</p>' if any_at_all and not rows else ""
    listed = f'<ul class="fs-rows">{rows}</ul>' if rows else nothing
    return (
        f"{bar_view(words, edit)}{only_view(words, shown)}{new}{ticked_view(words, tags, locked) if rows else ''}"
        f"{listed}{pages_view(words, shown)}"
    )


def bar_view(words: Words, edit: Edit | None) -> str:
    """Adding, undoing, and taking the examples out as a file."""
    t = words.t
    files = "".join(button(form.upper(), "export", form) for form in FORMATS)
    return (
        f'<div class="fs-tools"><span class="acts">{button(t("data.add_hand"), "new")}{undo_button(words, edit)}</span>'
        f'<span class="acts"><span class="note">{escape(t("data.export"))}</span>{files}</span></div>'
    )


def undo_button(words: Words, edit: Edit | None) -> str:
    if edit is None:
        return ""
    key = f"data.edit_{edit.kind}"
    what = words.t(key, count=edit.count) if words.has(key) else words.t("data.edit_other", count=edit.count)
    return button(words.t("data.undo", what=what), "undo", str(edit.id))


def undo_line(words: Words, edit: Edit | None) -> str:
    return f'<div class="fs-tools"><span class="acts">{undo_button(words, edit)}</span></div>' if edit else ""


def only_view(words: Words, shown: Shown) -> str:
    if not shown.only:
        return ""
    told = escape(words.t("data.only", count=shown.only))
    return f'<p class="fs-only">{told} {button(words.t("data.only_off"), "only_off")}</p>'


def ticked_view(words: Words, tags: Sequence[str], locked: bool) -> str:
    """What can be done with the rows that are ticked; the page shows it once one is."""
    t = words.t
    known = "".join(f'<option value="{escape(tag)}">' for tag in tags[:MOST_OPTIONS])
    choices = "".join(f'<option value="{name}">{escape(t(f"data.part_{name}"))}</option>' for name in ("train", "dev"))
    if not locked:
        choices += f'<option value="test">{escape(t("data.part_test"))}</option>'
    name = escape(t("data.tag_name"))
    return (
        f'<div class="fs-form fs-ticked"><label><input type="checkbox" data-all> {escape(t("data.tick_all"))}</label>'
        f'<span class="acts"><input name="tag" list="fs-tags" maxlength="60" placeholder="{name}" '
        f'aria-label="{name}"><datalist id="fs-tags">{known}</datalist>'
        f"{button(t('data.tag_add'), 'tag', enter=True)}{button(t('data.tag_drop'), 'untag')}</span>"
        f'<span class="acts"><select name="split" aria-label="{escape(t("data.move_to"))}">{choices}</select>'
        f"{button(t('data.move'), 'move')}</span>{button(t('data.remove'), 'remove', kind='stop')}</div>"
    )


def row_view(words: Words, one: Example, task: Task | None, shown: Shown) -> str:
    if shown.open_row == str(one.id):
        return f'<li class="fs-row fs-open">{edit_view(words, one, task, shown.typed)}</li>'
    part = escape(words.t(f"data.part_{one.split or 'unsplit'}"))
    marks = [f'<span class="tag fs-{one.split}">{part}</span>'] if one.split else []
    marks += [f'<span class="tag fs-own">{short(tag, 40)}</span>' for tag in one.tags[:6]]
    marks += [f"<small>{short(name, 30)}: {short(value, 40)}</small>" for name, value in list(one.groups.items())[:4]]
    under = f'<div class="fs-marks">{"".join(marks)}</div>' if marks else ""
    tick = escape(words.t("data.tick", number=one.id))
    return (
        f'<li class="fs-row" data-row="{one.id}"><label class="fs-tick">'
        f'<input type="checkbox" data-tick="{one.id}" aria-label="{tick}"><small>{one.id}</small></label>'
        f'<div class="fs-in">{inputs_view(one)}{under}</div><div class="fs-out">{short(one.output, 300) or "–"}</div>'
        f'<div class="acts">{button(words.t("data.edit"), "edit", str(one.id))}</div></li>'
    )


def inputs_view(one: NewExample) -> str:
    """The input; with several variables each under its name."""
    if len(one.variables) == 1:
        return f"<p>{short(next(iter(one.variables.values())), 300)}</p>"
    told = one.variables.items()
    return "".join(f"<p><small>{short(name, 40)}</small> {short(text, 200)}</p>" for name, text in told)


def edit_view(words: Words, one: Example, task: Task | None, typed: Typed | None) -> str:
    """The form under a row. `typed` stands below it when somebody else was first."""
    t = words.t
    told = ""
    if typed is not None:
        lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in typed.fields)
        told = f'<div class="fs-other"><p>{escape(t("data.changed_by_other"))}</p><dl>{lines}</dl></div>'
    note = f'<p class="note">{escape(t("data.edit_test"))}</p>' if one.split == "test" else ""
    remove = button(t("data.remove"), "remove_one", str(one.id), kind="quiet")
    return (
        f'<div class="fs-form" role="group" aria-label="{escape(t("data.edit_of", number=one.id))}">{told}{note}'
        f'<input type="hidden" name="revision" value="{one.revision}">{fields_view(words, one, task)}'
        f'<div class="acts">{button(t("common.save"), "save", str(one.id), kind="primary", enter=True)}'
        f"{button(t('common.cancel'), 'close')}{remove}</div></div>"
    )


def new_view(words: Words, task: Task | None) -> str:
    """An empty form for an example written by hand."""
    t = words.t
    names = task.inputs if task is not None else ("input",)
    blank = NewExample(variables=dict.fromkeys(names, ""), output="")
    return (
        f'<div class="fs-new fs-form"><h4>{escape(t("data.add_hand"))}</h4>{fields_view(words, blank, task)}'
        f'<div class="acts">{button(t("data.add"), "add", kind="primary", enter=True)}'
        f"{button(t('common.cancel'), 'close')}</div></div>"
    )


def fields_view(words: Words, one: NewExample, task: Task | None) -> str:
    count = len(one.variables)
    parts = [area(f"v:{name}", input_name(words, name, count), text) for name, text in one.variables.items()]
    parts.append(output_field(words, one, task))
    groups = "".join(line(f"g:{name}", name, value) for name, value in one.groups.items())
    return "".join(parts) + (f'<div class="fs-groups">{groups}</div>' if groups else "")


def input_name(words: Words, name: str, count: int) -> str:
    return words.t("data.input_field") if name == "input" and count == 1 else name


def output_field(words: Words, one: NewExample, task: Task | None) -> str:
    """The expected answer: one of the task's labels, or a text."""
    label = words.t("data.output_field")
    if task is None or not task.labelled or not 0 < len(task.labels) <= MOST_OPTIONS:
        hint = words.t("data.spans_hint") if task is not None and task.kind == "entities" else ""
        return area("output", label, one.output, hint)
    names = list(dict.fromkeys([*task.labels, *([one.output] if one.output else [])]))
    options = "".join(f"<option{' selected' if name == one.output else ''}>{escape(name)}</option>" for name in names)
    blank = "" if one.output else "<option></option>"
    choice = f'<select name="output">{blank}{options}</select>'
    return f'<label class="fs-field"><span>{escape(label)}</span>{choice}</label>'


def area(name: str, label: str, text: str, hint: str = "") -> str:
    rows = min(10, max(2, text.count("\n") + 1 + len(text) // 90))
    under = f"<small>{escape(hint)}</small>" if hint else ""
    return (
        f'<label class="fs-field"><span>{escape(label)}</span>'
        f'<textarea name="{escape(name)}" rows="{rows}">\n{escape(text)}</textarea>{under}</label>'
    )


def line(name: str, label: str, text: str) -> str:
    return (
        f'<label class="fs-field"><span>{escape(label)}</span>'
        f'<input name="{escape(name)}" value="{escape(text)}" maxlength="2000"></label>'
    )


def pages_view(words: Words, shown: Shown) -> str:
    if shown.total <= PAGE:
        return ""
    last = min(shown.total, shown.start + PAGE)
    told = escape(words.t("data.rows_shown", first=shown.start + 1, last=last, total=shown.total))
    before, after = button("‹", "page", str(max(0, shown.start - PAGE))), button("›", "page", str(shown.start + PAGE))
    off = ' disabled aria-disabled="true"'
    before = before.replace("<button", f"<button{off}", 1) if not shown.start else before
    after = after.replace("<button", f"<button{off}", 1) if last >= shown.total else after
    return f'<div class="acts fs-pages">{before}<span>{told}</span>{after}</div>'
