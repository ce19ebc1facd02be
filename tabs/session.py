"""What a tab knows of the page it stands on: who looks at it, which project is open, and when it should look again.

def build(services, words, session): ...
    session.on_project(show, outputs=[...])     # when the tab is opened, and at every switch while it is open
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import gradio as gr

from backend.accounts import OWNER
from backend.services import Services

QUIET: Final[dict[str, Any]] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
"""What an ordinary event is given: no veil over its outputs, not listed in the API, nobody waits for another."""


def owner(request: gr.Request) -> str:
    """Whose things these are: the account's name, or "owner" on a studio without accounts."""
    return request.username or OWNER


def project_list(services: Services, who: str, open_id: str) -> Any:
    """The header's list of projects as it should be now, with the open one chosen."""
    return gr.Dropdown(choices=[(info.name, info.id) for info in services.projects.list(who)], value=open_id)


@dataclass(frozen=True)
class Session:
    """Handed to every `build`. Components only; what they hold belongs to one visitor's page.

    project_id  the open project, "" until the page has loaded; validate it through services.projects.open(owner, id)
    project     the header's list; who changes the projects sets it and project_id together (see project_list)
    tray        the timer that polls running work
    seen        changes whenever running work does and the tab is open; a tab that shows runs listens to its `.change`
    opened      changes whenever the tab is opened, and when the project is switched while it is open
    """

    project_id: gr.State
    project: gr.Dropdown
    tray: gr.Timer
    seen: gr.State
    opened: gr.State

    def on_project(
        self, handler: Callable[..., Any], inputs: Sequence[gr.components.Component] = (), outputs: Sequence[Any] = ()
    ) -> Any:
        """Call handler(project_id, *inputs[, request]) each time the tab has to be drawn anew; the event."""
        return self.opened.change(handler, [self.project_id, *inputs], list(outputs), **QUIET)


def one_of_several(session: Session) -> Session:
    """What one of several tabs is handed; `tell_the_open_tab` writes its `seen` and `opened`."""
    return replace(session, seen=gr.State(""), opened=gr.State(0))


def tell_the_open_tab(session: Session, places: Mapping[str, gr.Tab], own: Mapping[str, Session], first: str) -> None:
    """What the page learns goes to the tab that is open (at the beginning `first`), and to another when it is opened.

    Every drawing costs the page's only thread some milliseconds per component: what nobody sees is not drawn.
    """
    here = gr.State(first)
    seen, opened = [one.seen for one in own.values()], [one.opened for one in own.values()]

    def enter(name: str) -> Callable[[str, str, int], Any]:
        # A tab that lies in a tab is also selected when that one is first shown: it is told already.
        return lambda before, seen, times: gr.skip() if before == name else (name, seen, times + 1)

    def look_again(name: str, *times: int) -> Any:
        return [count + 1 if one == name else gr.skip() for one, count in zip(own, times, strict=True)]

    def pass_on(seen: str, name: str) -> Any:
        return [seen if one == name else gr.skip() for one in own]

    for name, place in places.items():
        one = own[name]
        place.select(enter(name), [here, session.seen, one.opened], [here, one.seen, one.opened], **QUIET)
    session.opened.change(look_again, [here, *opened], opened, **QUIET)
    session.seen.change(pass_on, [session.seen, here], seen, **QUIET)
