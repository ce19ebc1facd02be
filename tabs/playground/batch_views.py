"""A batch as HTML: the table before it runs, how far it is, and the answers. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.batch.results import Result
from backend.documents.grounding.values import Quoted
from backend.jobs.run import Run
from backend.prompts.table import Table
from tabs import widgets
from tabs.playground.cited import grounded, place
from tabs.playground.conversation import Say, act
from tabs.playground.prose import plain
from tabs.text import Words

FIRST = 5
PAGE = 25
LONGEST = 300
"""Characters of a cell on screen; the files hold all of it."""
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}


def short(text: str, longest: int = LONGEST) -> str:
    return plain(text if len(text) <= longest else text[:longest].rstrip() + "…")


def table_view(table: Table, t: Say) -> str:
    """What was read: how many rows, in which encoding, what had to be mended, and the first rows."""
    facts = [t("playground.table_rows", rows=len(table.cells)), t("playground.table_columns", count=len(table.columns))]
    if table.encoding:
        facts.append(t("playground.table_encoding", encoding=table.encoding.upper()))
    if table.delimiter in DELIMITERS:
        facts.append(t(f"playground.table_{DELIMITERS[table.delimiter]}"))
    told = "".join(f"<li>{plain(t(problem.key, **problem.details))}</li>" for problem in table.problems[:FIRST])
    problems = f'<ul class="pg-problems">{told}</ul>' if told else ""
    cells = [
        [str(number), *(short(cell, 120) for cell in row)]
        for number, row in zip(table.numbers[:FIRST], table.cells[:FIRST], strict=True)
    ]
    return f'<p class="pg-facts">{plain(" · ".join(facts))}</p>{problems}{widgets.table(["#", *table.columns], cells)}'


def run_view(run: Run | None, failed: int, words: Words) -> str:
    """State, how far, time left, and the buttons that make sense now."""
    if run is None:
        return ""
    t, buttons = words.t, []
    if run.active and run.state != "stopping":
        buttons.append(act("stop", t("playground.stop_now"), to=run.id))
    if run.resumable:
        buttons.append(act("resume", t("playground.resume"), to=run.id))
    if run.done:
        buttons += [
            act("save", name, to=run.id, form=form)
            for form, name in (("csv", "CSV"), ("xlsx", "XLSX"), ("jsonl", "JSONL"))
        ]
    failures = f'<p class="pg-fault">{plain(t("playground.rows_failed", count=failed))}</p>' if failed else ""
    label = f'<span class="pg-quiet">{plain(t("playground.download_as"))}</span>' if run.done else ""
    ends = len(buttons) - (3 if run.done else 0)
    return (
        f'<div class="pg-run pg-run-{run.state}" data-run="{plain(run.id)}">'
        f'<div class="pg-run-head"><b>{plain(run.title)}</b> <span>{plain(widgets.run_progress(words, run))}</span> '
        f"<small>{plain(widgets.run_detail(words, run))}</small></div>"
        f"{widgets.bar(run.fraction) if run.active else ''}{failures}"
        f'<div class="pg-tools">{"".join(buttons[:ends])}{label}{"".join(buttons[ends:])}</div></div>'
    )


def answers_view(results: Sequence[Result], columns: Sequence[str], start: int, total: int, words: Words) -> str:
    """One page of rows with their answers, and the way to the other pages."""
    if not results:
        return ""
    t = words.t
    heads = ["#", *columns, t("playground.answer")]
    rows = [
        [str(one.number), *(short(one.cells[column]) for column in columns), answer_cell(one, words)] for one in results
    ]
    return f"{widgets.table(heads, rows, css='pg-answers')}{pages(start, total, t)}"


def answer_cell(result: Result, words: Words) -> str:
    answer = result.answer
    if answer is None:
        return f'<span class="pg-quiet">{plain(words.t("playground.row_waiting"))}</span>'
    if answer.error_key:
        return f'<span class="pg-fault">{plain(widgets.told(words, answer.error_key, answer.error_details))}</span>'
    if answer.passages:
        return cited_cell(result.index, answer.answer or "", answer.passages, words)
    return f'<span class="pg-row-answer">{short(answer.answer or "")}</span>'


def cited_cell(row: int, text: str, passages: Sequence[Quoted], words: Words) -> str:
    """An answer from documents: its citations as buttons, the passages it rests on folded away."""
    t = words.t
    told = text if len(text) <= LONGEST else text[:LONGEST].rstrip() + "…"
    listed = "".join(
        f'<li value="{one.number}"><button type="button" class="pg-open-passage" data-act="cite" '
        f'data-to="{one.number}">{plain(place(one, t))}</button></li>'
        for one in passages
    )
    return (
        f'<div class="pg-row-cited" data-place="{row}">{grounded(told, passages, t, check=False)}'
        f'<details class="pg-sources"><summary>{plain(t("grounding.passages_in", count=len(passages)))}</summary>'
        f'<ol class="pg-passages">{listed}</ol></details></div>'
    )


def pages(start: int, total: int, t: Say) -> str:
    if total <= PAGE:
        return ""
    last = min(total, start + PAGE)
    before = ("disabled " if start == 0 else "") + f'data-act="page" data-to="{max(0, start - PAGE)}"'
    after = ("disabled " if last >= total else "") + f'data-act="page" data-to="{start + PAGE}"'
    return (
        f'<div class="pg-tools pg-pages"><button type="button" {before}>‹</button>'
        f"<span>{plain(t('playground.rows_shown', first=start + 1, last=last, total=total))}</span>"
        f'<button type="button" {after}>›</button></div>'
    )


def mapped_columns(mapping: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """The columns to show beside an answer: those that went into it; all of a narrow table."""
    return list(columns) if len(columns) <= 3 else [column for column in columns if column in mapping.values()]
