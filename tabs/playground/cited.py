"""An answer with its citations as buttons, and its sentences that nothing supports marked. Pure views."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.documents.grounding.citing import CODE, citations
from backend.documents.grounding.figures import counted
from backend.documents.grounding.supporting import supported
from backend.documents.grounding.values import Checked, Citation, Quoted
from tabs.playground.prose import plain, prose

Say = Callable[..., str]

CITE_OPEN, CITE_CLOSE, FLAG = "\ue000", "\ue001", "\ue002"
"""Marks of our own in the text while Markdown is drawn: characters of the private use area, which no answer keeps."""
OURS = re.compile(f"[{CITE_OPEN}{CITE_CLOSE}{FLAG}]")
DRAWN = re.compile(f"{CITE_OPEN}([\\d,]+){CITE_CLOSE}")


def quoted_of(trace: Mapping[str, Any]) -> tuple[Quoted, ...]:
    """The passages of a stored trace; those of a newer studio that cannot be read are left out."""
    found = []
    for one in trace.get("passages") or ():
        try:
            found.append(Quoted.model_validate(one))
        except ValueError:
            continue
    return tuple(found)


def grounded(text: str, quoted: Sequence[Quoted], t: Say, check: bool = True) -> str:
    """The answer's Markdown as HTML. A citation is a button that opens its passage.

    check  mark the sentences that nothing supports, which takes some milliseconds each
    """
    if not quoted:
        return prose(text)
    text = OURS.sub("", text)
    named = {one.number: place(one, t) for one in quoted}
    html = prose(_marked(text, citations(text, quoted), supported(text, quoted) if check else ()))
    html = DRAWN.sub(lambda mark: "".join(cite(int(number), named, t) for number in mark[1].split(",")), html)
    told = plain(t("grounding.unsupported_one"))
    return html.replace(FLAG, f'<span class="pg-unsupported" role="note" title="{told}" aria-label="{told}">?</span>')


def cite(number: int, named: Mapping[int, str], t: Say) -> str:
    """One number as a button; one that no passage has is told as such."""
    if number not in named:
        told = plain(t("grounding.cites_nothing", number=number))
        return f'<span class="pg-cite pg-cite-none" title="{told}">{number}</span>'
    told = plain(t("grounding.open_passage", number=number, place=named[number]))
    return (
        f'<button type="button" class="pg-cite" data-act="cite" data-to="{number}" title="{told}" '
        f'aria-label="{told}">{number}</button>'
    )


def place(one: Quoted, t: Say) -> str:
    """ "manual.pdf · 3쪽 · 설치 › 준비"."""
    passage = one.passage
    page = t("grounding.page", page=passage.page) if passage.page is not None else ""
    return " · ".join(filter(None, [one.document or t("grounding.gone_name"), page, " › ".join(passage.headings)]))


def rests_line(text: str, trace: Mapping[str, Any], t: Say) -> str:
    """A line under the answer: how many passages it had, what of it they support, and a button to look at them."""
    if not trace.get("retrieval"):
        return ""
    quoted = quoted_of(trace)
    found = counted(supported(text, quoted))
    parts = [t("grounding.passages_in", count=len(quoted))]
    removed = sum(one.removed for one in quoted)
    if removed:
        parts.append(t("grounding.removed_count", count=removed))
    if trace.get("cut"):
        parts.append(t("grounding.passages_cut", count=len(trace["cut"])))
    if found.unknown:
        parts.append(t("grounding.says_unknown"))
    if found.claims > found.supported:
        parts.append(t("grounding.unsupported_count", count=found.claims - found.supported))
    if quoted and found.claims and not found.citations:
        parts.append(t("grounding.no_citations"))
    if any(one.suspicions for one in quoted):
        parts.append(t("grounding.suspicious_in"))
    button = f'<button type="button" data-act="sources">{plain(t("grounding.show_sources"))}</button>'
    return f'<p class="pg-rests">{plain(" · ".join(parts))} {button}</p>'


def _marked(text: str, cited: Sequence[Citation], checked: Sequence[Checked]) -> str:
    """The text with marks of our own in place of citations, and after what nothing supports."""
    code = [found.span() for found in CODE.finditer(text)]
    changes: list[tuple[int, int, str]] = []
    for span in dict.fromkeys((one.start, one.end) for one in cited):
        numbers = [str(one.number) for one in cited if (one.start, one.end) == span]
        changes.append((*span, f"{CITE_OPEN}{','.join(numbers)}{CITE_CLOSE}"))
    for one in checked:
        inside = any(start < one.end <= end for start, end in code)
        if one.support == "unsupported" and not inside and not text[one.start : one.end].lstrip().startswith("|"):
            changes.append((one.end, one.end, FLAG))
    for start, end, told in sorted(changes, reverse=True):
        text = f"{text[:start]}{told}{text[end:]}"
    return text
