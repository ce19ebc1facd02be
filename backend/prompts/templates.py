"""Prompt templates: text with named variables in braces.

    {input}, {context}, {질문}     a variable: a letter or underscore, then letters (Hangul too), digits, underscores
    {{input}}                      the text {input} itself, braces and all
    {"label": "..."}, {3}          no variable: braces around anything else are text, so JSON needs no escaping
    {{"label": {"a": 1}}}          braces doubled by habit from Python lose one layer, as they would there

A value is never read again: a value that holds "{input}" comes out as it went in.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping

from backend.errors import BadInput

_MARK = re.compile(r"\{\{|\}\}|\{([^\W\d]\w*)\}")


def variables(template: str) -> list[str]:
    """The names of a template's variables, each once, in the order of their first use."""
    return list(dict.fromkeys(piece for is_name, piece in _pieces(template) if is_name))


def render(template: str, values: Mapping[str, str]) -> str:
    """Put the values in place. Values that the template does not name are ignored.

    Raises BadInput: "error.variable_misspelt" (name, near, known) when a given name is close to the missing one,
    else "error.variable_missing" (name, known).
    """
    given = {_composed(name): value for name, value in values.items()}
    return "".join(_value(piece, given) if is_name else piece for is_name, piece in _pieces(template))


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that was probably meant, None when nothing is close."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


def _value(name: str, given: Mapping[str, str]) -> str:
    if name in given:
        return given[name]
    listed = ", ".join(f"{{{one}}}" for one in given) or "-"
    near = nearest(name, list(given))
    if near is not None:
        raise BadInput("error.variable_misspelt", name=f"{{{name}}}", near=f"{{{near}}}", known=listed)
    raise BadInput("error.variable_missing", name=f"{{{name}}}", known=listed)


def _pieces(template: str) -> Iterator[tuple[bool, str]]:
    """(True, name) of a variable, (False, text) of everything between.

    "}}" closes a "{{" that came before it; without one it is text, as at the end of nested JSON.
    """
    end = doubled = 0
    for found in _MARK.finditer(template):
        yield False, template[end : found.start()]
        end = found.end()
        if found[1]:
            yield True, _composed(found[1])
        elif found[0] == "{{":
            doubled += 1
            yield False, "{"
        else:
            yield False, "}" if doubled else "}}"
            doubled -= bool(doubled)
    yield False, template[end:]


def _composed(name: str) -> str:
    """Hangul typed on a Mac may come in parts (NFD); the two spellings are one name."""
    return unicodedata.normalize("NFC", name)
