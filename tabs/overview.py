"""The overview: the projects of this person, what is in the open one, its assistants and its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gradio as gr

from backend.advice.gathering import gather
from backend.advice.needs import read_needs
from backend.advice.next_step import next_step
from backend.assistants import Assistant
from backend.errors import BadInput
from backend.projects.folder import Project
from backend.services import Services
from tabs import advice_views, widgets
from tabs import overview_views as views
from tabs.errors import shown
from tabs.session import QUIET, Session, owner, project_list
from tabs.text import Words

EVER = float("inf")
LARGEST_ASSISTANT = 4_000_000
BUTTONS: Final[dict[str, Any]] = {
    "rename": "secondary",
    "duplicate": "secondary",
    "export": "secondary",
    "delete": "stop",
}


@dataclass(frozen=True)
class Layout:
    """The components of the tab, named as the handlers need them."""

    standing: gr.HTML
    contents: gr.HTML
    name: gr.Textbox
    rename: gr.Button
    duplicate: gr.Button
    export: gr.Button
    delete: gr.Button
    projects: gr.HTML
    new_name: gr.Textbox
    create: gr.Button
    bring: gr.UploadButton
    assistants: gr.HTML
    bring_assistant: gr.UploadButton
    undo_assistant: gr.Button
    versions: gr.Column
    before: gr.Dropdown
    after: gr.Dropdown
    difference: gr.HTML
    runs: gr.HTML
    download: gr.DownloadButton


def build(services: Services, words: Words, session: Session) -> None:
    """Lay out the tab and wire it."""
    parts = layout(words)

    @shown(words)
    def refresh(project_id: str, request: gr.Request) -> Any:
        return everything(services, words, owner(request), project_id)

    drawn = [parts.name, parts.contents, parts.projects, parts.assistants, parts.runs]
    session.on_project(refresh, outputs=drawn)
    wire_standing(services, words, session, parts)
    wire_open_project(services, words, session, parts, refresh, drawn)
    wire_shelf(services, words, session, parts)
    wire_assistants(services, words, session, parts, refresh, drawn)
    wire_runs(services, words, session, parts)


def everything(services: Services, words: Words, who: str, project_id: str) -> tuple[Any, ...]:
    """(name, contents, projects, assistants, runs) as they are now."""
    project = services.projects.open(who, project_id)
    runs = services.runs_seen(who, project_id, EVER)
    own = [run for place, run in runs if place == "project"]
    lists = views.projects_view(words, services.projects.list(who), project_id)
    return (
        project.info.name,
        views.contents_view(words, project, own),
        lists + views.trash_view(words, services.projects.trash(who)),
        views.assistants_view(words, project.assistants.list()),
        views.runs_view(words, runs),
    )


def layout(words: Words) -> Layout:
    t = words.t
    standing = widgets.clickable(elem_id="standing")
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=330):
            widgets.heading(t("overview.this_project"))
            contents = widgets.clickable()
            with gr.Column(elem_classes="card"):
                name = gr.Textbox(label=t("overview.name"), max_length=80, max_lines=1)
                with gr.Row(elem_classes="tight"):
                    rename, duplicate, export, delete = (
                        gr.Button(t(f"overview.{key}"), size="sm", min_width=90, variant=variant)
                        for key, variant in BUTTONS.items()
                    )
        with gr.Column(scale=5, min_width=330):
            widgets.heading(t("overview.all_projects"))
            projects = widgets.clickable(elem_id="projects")
            with gr.Column(elem_classes="card"):
                new_name = gr.Textbox(
                    label=t("overview.new_name"), placeholder=t("overview.new_hint"), max_length=80, max_lines=1
                )
                with gr.Row(elem_classes="tight"):
                    create = gr.Button(t("overview.create"), size="sm", variant="primary")
                    bring = gr.UploadButton(t("overview.import"), size="sm", file_types=[".zip"])
    widgets.heading(t("overview.assistants"), t("overview.assistants_note"))
    assistants = widgets.clickable(elem_id="assistants")
    with gr.Row(elem_classes="tight start"):
        bring_assistant = gr.UploadButton(t("overview.import_assistant"), size="sm", file_types=[".json"], scale=0)
        undo_assistant = gr.Button(t("overview.undo_assistant"), size="sm", scale=0)
    with gr.Column(visible=False, elem_id="versions") as versions:
        with gr.Row():
            before = gr.Dropdown([], label=t("overview.before"), interactive=True)
            after = gr.Dropdown([], label=t("overview.after"), interactive=True)
        difference = gr.HTML(apply_default_css=False, js_on_load=None)
    widgets.heading(t("overview.runs"), t("overview.runs_note"))
    runs = widgets.clickable(elem_id="runs")
    download = widgets.hidden_download("overview-download")
    found = locals()
    return Layout(**{key: found[key] for key in Layout.__dataclass_fields__})


def wire_standing(services: Services, words: Words, session: Session, parts: Layout) -> None:
    """Where the project stands has an event of its own: reading what was measured may take a moment."""

    @shown(words)
    def stand(project_id: str, request: gr.Request) -> str:
        if not project_id:
            return ""
        project = services.projects.open(owner(request), project_id)
        facts, active = gather(project), len(services.runs(project).active())
        step = next_step(facts, read_needs(project))
        return advice_views.standing_view(words, facts, active) + advice_views.step_view(words, step)

    session.on_project(stand, outputs=[parts.standing])
    session.seen.change(stand, session.project_id, parts.standing, **QUIET)


def opened(services: Services, who: str, project_id: str) -> tuple[Any, str]:
    """(the header's list, the open project) after going over to a project."""
    services.projects.remember(who, project_id)
    return project_list(services, who, project_id), project_id


def wire_open_project(
    services: Services, words: Words, session: Session, parts: Layout, refresh: Any, drawn: list[Any]
) -> None:
    shelf = services.projects

    @shown(words)
    def rename(project_id: str, name: str, request: gr.Request) -> Any:
        shelf.rename(owner(request), project_id, name)
        words.say("overview.renamed", "success")
        return opened(services, owner(request), project_id)

    @shown(words)
    def duplicate(project_id: str, request: gr.Request) -> Any:
        copy = shelf.duplicate(owner(request), project_id)
        words.say("overview.duplicated", "success", name=copy.name)
        return opened(services, owner(request), copy.id)

    @shown(words)
    def delete(project_id: str, request: gr.Request) -> Any:
        who = owner(request)
        gone = shelf.delete(who, project_id)
        words.say("overview.deleted_toast", name=gone.name)
        return opened(services, who, services.first_project(who, words.t("header.first_project")))

    @shown(words, halt=True)
    def export(project_id: str, request: gr.Request) -> str:
        return widgets.handed_over(shelf.export_zip(owner(request), project_id))

    current, place = session.project_id, [session.project, session.project_id]
    # Going over to another project draws the tab anew by itself; a new name alone does not.
    for listen in (parts.rename.click, parts.name.submit):
        listen(rename, [current, parts.name], place, **QUIET).then(refresh, current, drawn, **QUIET)
    parts.duplicate.click(duplicate, current, place, **QUIET)
    parts.delete.click(delete, current, place, **QUIET)
    made = parts.export.click(export, current, parts.download, **QUIET)
    made.success(None, js=widgets.click_download("overview-download"), api_visibility="private")


def wire_shelf(services: Services, words: Words, session: Session, parts: Layout) -> None:
    shelf = services.projects

    @shown(words)
    def create(name: str, request: gr.Request) -> Any:
        made = shelf.create(owner(request), name)
        return (*opened(services, owner(request), made.id), "")

    @shown(words)
    def bring(path: str, request: gr.Request) -> Any:
        made = shelf.import_zip(owner(request), Path(path))
        words.say("overview.imported", "success", name=made.name)
        return opened(services, owner(request), made.id)

    @shown(words)
    def press(event: gr.EventData, request: gr.Request) -> Any:
        pressed, who = widgets.chosen(event), owner(request)
        if pressed.do == "open":
            shelf.open(who, pressed.what)
            return opened(services, who, pressed.what)
        back = shelf.undo_delete(who, pressed.what) if pressed.do == "undo_delete" else None
        if back is None:
            raise BadInput("error.page_action")
        return opened(services, who, back.id)

    place = [session.project, session.project_id]
    for listen in (parts.create.click, parts.new_name.submit):
        listen(create, parts.new_name, [*place, parts.new_name], **QUIET)
    parts.bring.upload(bring, parts.bring, place, **QUIET)
    parts.projects.click(press, None, place, **QUIET)


def wire_assistants(
    services: Services, words: Words, session: Session, parts: Layout, refresh: Any, drawn: list[Any]
) -> None:
    def held(project_id: str, request: gr.Request) -> Project:
        return services.projects.open(owner(request), project_id)

    @shown(words, halt=True)
    def press(event: gr.EventData, project_id: str, request: gr.Request) -> Any:
        pressed, project = widgets.chosen(event), held(project_id, request)
        if pressed.do == "versions":
            return (None, *compare(words, project, pressed.what))
        if pressed.do == "remove":
            project.assistants.remove(pressed.what)
            words.say("overview.assistant_removed", name=pressed.what)
            return None, gr.Column(visible=False), gr.skip(), gr.skip(), gr.skip()
        if pressed.do != "export" or not pressed.what.isdigit():
            raise BadInput("error.page_action")
        saved = project.assistants.get(int(pressed.what))
        file = widgets.handed_text(f"{saved.name}-v{saved.number}.json", saved.assistant.to_json())
        return file, *(gr.skip() for _ in range(4))

    @shown(words)
    def differ(project_id: str, before: int, after: int, request: gr.Request) -> str:
        store = held(project_id, request).assistants
        return views.difference_view(words, store.get(int(before)), store.get(int(after)))

    @shown(words)
    def bring(path: str, project_id: str, request: gr.Request) -> None:
        file = Path(path)
        if file.stat().st_size > LARGEST_ASSISTANT:
            raise BadInput("error.assistant_file", where=file.name, why=words.size(file.stat().st_size))
        value = Assistant.from_json(file.read_bytes())
        saved = held(project_id, request).assistants.save(value.name or file.stem, value, words.t("overview.from_file"))
        words.say("overview.assistant_imported", "success", name=saved.name, number=saved.number)

    @shown(words)
    def undo(project_id: str, request: gr.Request) -> None:
        back = held(project_id, request).assistants.undo_remove()
        words.say("overview.assistant_back" if back else "overview.nothing_removed", name=back.name if back else "")

    current = session.project_id
    panel = [parts.versions, parts.before, parts.after, parts.difference]
    pressed = parts.assistants.click(press, current, [parts.download, *panel], **QUIET)
    pressed.success(None, parts.download, js=widgets.click_download("overview-download"), api_visibility="private")
    for happened in (
        pressed,
        parts.bring_assistant.upload(bring, [parts.bring_assistant, current], None, **QUIET),
        parts.undo_assistant.click(undo, current, None, **QUIET),
    ):
        happened.then(refresh, current, drawn, **QUIET)
    gr.on(
        [parts.before.input, parts.after.input], differ, [current, parts.before, parts.after], parts.difference, **QUIET
    )


def compare(words: Words, project: Project, name: str) -> tuple[Any, ...]:
    """(panel, before, after, difference) for the two newest versions of a name."""
    versions = project.assistants.versions(name)
    if not versions:
        project.assistants.remove(name)  # says that it is not there
    newest, older = versions[0], versions[min(1, len(versions) - 1)]
    choices = views.version_choices(words, versions)
    return (
        gr.Column(visible=True),
        gr.Dropdown(choices=choices, value=older.id, label=words.t("overview.before_of", name=name)),
        gr.Dropdown(choices=choices, value=newest.id),
        views.difference_view(words, older, newest),
    )


def wire_runs(services: Services, words: Words, session: Session, parts: Layout) -> None:
    @shown(words)
    def press(event: gr.EventData, project_id: str, request: gr.Request) -> str:
        pressed, who = widgets.chosen(event), owner(request)
        services.act_on_run(who, project_id, pressed.do, pressed.what)
        return views.runs_view(words, services.runs_seen(who, project_id, EVER))

    @shown(words)
    def follow(project_id: str, request: gr.Request) -> str:
        return views.runs_view(words, services.runs_seen(owner(request), project_id, EVER))

    parts.runs.click(press, session.project_id, parts.runs, **QUIET)
    # The tray notices every change; the list here follows it instead of asking on its own.
    session.seen.change(follow, session.project_id, parts.runs, **QUIET)
