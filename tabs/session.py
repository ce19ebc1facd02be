"""What a tab knows of the page it stands on: who looks at it, which project is open, and when that changes.

def build(services, words, session): ...
    session.on_project(show, outputs=[...])     # now, after every switch, and when the tab is opened again
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    tab         the tab this build fills, None outside of one
    """

    project_id: gr.State
    project: gr.Dropdown
    tray: gr.Timer
    seen: gr.State
    tab: gr.Tab | None = None

    def on_project(
        self,
        handler: Callable[..., Any],
        inputs: Sequence[gr.components.Component] = (),
        outputs: Sequence[Any] = (),
        *,
        again: bool = True,
    ) -> None:
        """Call handler(project_id, *inputs[, request]) when the project is first known or switched.

        again  also when the person comes back to this tab, since another tab may have changed things
        """
        listeners = [self.project_id.change]
        if again and self.tab is not None:
            listeners.append(self.tab.select)
        for listen in listeners:
            listen(
                handler,
                [self.project_id, *inputs],
                list(outputs),
                **QUIET,
            )
