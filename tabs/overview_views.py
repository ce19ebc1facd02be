"""The overview as HTML: pure functions of what the backend holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from backend.assistants import Assistant, Change, changes
from backend.jobs.run import Run
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project, ProjectInfo
from backend.projects.trash import TrashedInfo
from tabs import widgets
from tabs.text import Words

LONG = 60


def projects_view(words: Words, infos: Sequence[ProjectInfo], open_id: str) -> str:
    """All projects of this person, the open one marked."""
    t = words.t
    rows = []
    for info in infos:
        here = info.id == open_id
        state = f'<span class="tag good">{escape(t("overview.open_now"))}</span>' if here else ""
        button = "" if here else widgets.action(t("overview.open"), "open", info.id)
        when = escape(t("overview.changed", when=words.when(info.changed)))
        name = f"<b>{escape(info.name)}</b> {state}<small>{when}</small>"
        rows.append((name, f'<div class="acts">{button}</div>'))
    return widgets.table((), rows, css="projects")


def trash_view(words: Words, trashed: Sequence[TrashedInfo]) -> str:
    """The projects that can still be brought back."""
    if not trashed:
        return ""
    rows = []
    for info in trashed[:5]:
        when = escape(words.t("overview.deleted", when=words.when(info.removed)))
        back = widgets.action(words.t("common.undo"), "undo_delete", info.id)
        rows.append((f"{escape(info.name)}<small>{when}</small>", f'<div class="acts">{back}</div>'))
    return f"<h3>{escape(words.t('overview.trash'))}</h3>" + widgets.table((), rows, css="projects")


def contents_view(words: Words, project: Project, runs: Sequence[Run]) -> str:
    """What is in the open project besides its data, as numbers."""
    chats, assistants = len(project.chats.list()), len(project.assistants.list())
    prompts = len(project.prompts.list())
    counts = (("chats", chats), ("assistants", assistants), ("prompts", prompts), ("runs", len(runs)))
    boxes = "".join(
        f"<div><b>{count:,}</b><span>{escape(words.t(f'overview.count_{name}'))}</span></div>" for name, count in counts
    )
    return f'<div class="counts">{boxes}</div>'


def assistants_view(words: Words, saved: Sequence[SavedAssistant]) -> str:
    """The latest version of every assistant, with what it is made of."""
    t = words.t
    if not saved:
        return widgets.empty(t("overview.no_assistants"), t("overview.no_assistants_hint"))
    rows = []
    for item in saved:
        buttons = (
            widgets.action(t("overview.versions"), "versions", item.name),
            widgets.action(t("overview.export"), "export", str(item.id)),
            widgets.action(t("common.remove"), "remove", item.name, kind="quiet"),
        )
        note = f"<small>{escape(item.note)}</small>" if item.note else ""
        rows.append(
            (
                f"<b>{escape(item.name)}</b> <span class='tag'>v{item.number}</span>{note}",
                escape(gist(words, item.assistant)),
                escape(words.when(item.created)),
                f'<div class="acts">{"".join(buttons)}</div>',
            )
        )
    heads = (t("overview.assistant"), t("overview.made_of"), t("overview.saved"), "")
    return widgets.table(heads, rows)


def gist(words: Words, assistant: Assistant) -> str:
    """An assistant in one line: the model, the beginning of its instructions, how many examples."""
    parts = [assistant.model.label()]
    told = " ".join((assistant.instructions.system or assistant.instructions.template).split())
    if told and told != "{input}":
        parts.append(told if len(told) <= LONG else told[:LONG].rstrip() + "…")
    if assistant.examples.shots:
        parts.append(words.t("overview.shots", count=len(assistant.examples.shots)))
    return " · ".join(parts)


def version_choices(words: Words, versions: Sequence[SavedAssistant]) -> list[tuple[str, int]]:
    """Labels and ids for choosing two versions of an assistant."""
    return [
        (" · ".join(filter(None, (f"v{item.number}", words.when(item.created), item.note[:LONG]))), item.id)
        for item in versions
    ]


def difference_view(words: Words, before: SavedAssistant, after: SavedAssistant) -> str:
    """What differs between two versions, field by field; long texts line by line."""
    found = changes(before.assistant, after.assistant)
    if before.id == after.id:
        return widgets.empty(words.t("overview.one_version"), words.t("overview.one_version_hint"))
    if not found:
        return widgets.empty(words.t("overview.same"))
    rows = [(escape(field_name(words, change.field)), *sides(change)) for change in found]
    heads = (words.t("overview.field"), f"v{before.number}", f"v{after.number}")
    return widgets.table(heads, rows, css="difference")


def field_name(words: Words, field: str) -> str:
    """The form's own name of a field; `examples.shots.2.output` is named by its part."""
    part = field.split(".")[0] if field.startswith("examples") else re.sub(r"\.\d+$", "", field)
    key = f"overview.field.{part}"
    return words.t(key) if words.has(key) else field


def sides(change: Change) -> tuple[str, str]:
    """Before and after as two cells. A sign stands beside the colour, which carries nothing alone."""
    if "\n" not in change.before + change.after:
        return cell("−", "gone", change.before), cell("+", "come", change.after)
    lines = change.lines()
    before = "".join(cell("−" if line[0] == "-" else " ", "gone", line[2:]) for line in lines if line[0] in " -")
    after = "".join(cell("+" if line[0] == "+" else " ", "come", line[2:]) for line in lines if line[0] in " +")
    return before, after


def cell(sign: str, css: str, text: str) -> str:
    mark = f' class="{css}"' if sign.strip() and text else ""
    return f'<div{mark}><span aria-hidden="true">{sign if text else "–"}</span> {escape(text)}</div>'


def runs_view(words: Words, runs: Sequence[tuple[str, Run]]) -> str:
    """The runs of the project and of the house, newest first within their state."""
    if not runs:
        return widgets.empty(words.t("overview.no_runs"), words.t("overview.no_runs_hint"))
    rows = "".join(widgets.run_row(words, run, place, removable=True) for place, run in runs[:50])
    return f'<ul class="runs card">{rows}</ul>'
