"""The one place where a fault becomes a sentence on screen.

    @shown(words)
    def send(...): ...

A StudioError shows its own sentence as a toast and leaves the page as it is. Anything else is a bug: the traceback goes
to the log, the person gets an apology and the log's name.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, TypeVar, cast

import gradio as gr

from backend.errors import StudioError
from tabs.text import Words

LOG_NAME = "logs/studio.log"
log = logging.getLogger("matchum.tabs")

Handler = TypeVar("Handler", bound=Callable[..., Any])


def sentence(words: Words, fault: StudioError) -> str:
    """The fault in the user's language. A key nobody wrote is a bug, told as one."""
    if not words.has(fault.key):
        log.error("no words for %s", fault)
        return words.t("common.bug", log=LOG_NAME)
    return words.t(fault.key, **fault.details)


def shown(words: Words, *, halt: bool = False) -> Callable[[Handler], Handler]:
    """Decorate an event handler, a generator or an ordinary function.

    halt  raise instead of skipping, for a handler whose `.success(...)` must not follow a fault
    """

    def decorate(handler: Handler) -> Handler:
        if inspect.isgeneratorfunction(handler):

            @functools.wraps(handler)
            def stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
                try:
                    yield from handler(*args, **kwargs)
                except gr.Error:
                    raise
                except Exception as fault:
                    yield tell(words, fault, halt)

            return cast(Handler, stream)

        @functools.wraps(handler)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return handler(*args, **kwargs)
            except gr.Error:
                raise
            except Exception as fault:
                return tell(words, fault, halt)

        return cast(Handler, call)

    return decorate


def tell(words: Words, fault: Exception, halt: bool) -> Any:
    """Show `fault`; returns the update that changes nothing. Raises gr.Error for a bug, or when `halt` is set."""
    if not isinstance(fault, StudioError):
        log.error("a handler failed", exc_info=fault)
        raise gr.Error(words.t("common.bug", log=LOG_NAME), title=words.t("common.toast_error"), print_exception=False)
    # A toast is drawn as HTML, and a sentence may quote what a stranger named a file, a column or a model.
    told = escape(sentence(words, fault), quote=False)
    if halt:
        raise gr.Error(told, title=words.t("common.toast_warning"), print_exception=False)
    gr.Warning(told, title=words.t("common.toast_warning"))
    return gr.skip()
