"""How a conversation looks: turns of the store to HTML. Pure; buttons carry `data-act` for the page's script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.assistants import ModelRef
from backend.projects.turns import Chat, Turn, TurnVersion
from tabs.playground.cited import grounded, quoted_of, rests_line
from tabs.playground.prose import plain, prose

Say = Callable[..., str]


def conversation(
    turns: Sequence[Turn], t: Say, starters: Sequence[str] = (), busy: bool = False, undo: bool = False
) -> str:
    """All finished turns, oldest first.

    `busy` leaves the buttons out while an answer is written; `undo` offers back the exchange that was just removed.
    """
    back = (
        f'<p class="pg-undo">{plain(t("playground.removed"))} {act("unremove", t("playground.undo"))}</p>'
        if undo
        else ""
    )
    if not turns:
        return welcome(starters, t) + back
    last = len(turns) - 1
    parts = [turn_view(turn, t, last=number == last, busy=busy) for number, turn in enumerate(turns)]
    return f'<div class="pg-turns" role="log" aria-label="{plain(t("playground.chat"))}">{"".join(parts)}{back}</div>'


def welcome(starters: Sequence[str], t: Say) -> str:
    """What an empty chat says: what to do, with three things to try."""
    buttons = "".join(
        f'<button type="button" class="pg-starter" data-act="example" data-text="{plain(text)}">{plain(text)}</button>'
        for text in starters
    )
    return (
        f'<div class="pg-welcome"><p class="pg-lead">{plain(t("playground.empty_title"))}</p>'
        f'<p>{plain(t("playground.empty_hint"))}</p><div class="pg-starters">{buttons}</div></div>'
    )


def turn_view(turn: Turn, t: Say, last: bool, busy: bool) -> str:
    return user_view(turn, t, last, busy) if turn.role == "user" else answer_view(turn, t, last, busy)


def user_view(turn: Turn, t: Say, last: bool, busy: bool) -> str:
    """What the person wrote, exactly as typed. A last one without an answer can be answered again."""
    text = turn.text
    edit = act("edit", t("playground.edit"), save=t("playground.send"), cancel=t("playground.cancel"))
    acts = [edit, act("copy", t("playground.copy"))]
    if last:
        acts = [act("regenerate", t("playground.answer_again")), *acts, act("remove", t("playground.remove_last"))]
    tools = "" if busy else f'<div class="pg-tools">{"".join(acts)}</div>'
    return (
        f'<article class="pg-turn pg-user" data-turn="{plain(str(turn.id))}" data-raw="{plain(text)}">'
        f'<div class="pg-bubble">{plain(text)}</div>{tools}</article>'
    )


def answer_view(turn: Turn, t: Say, last: bool, busy: bool) -> str:
    """An answer, its cost under it, and what can be done with it."""
    version = turn.shown
    trace = version.trace_json
    acts = [steps(len(turn.versions), turn.chosen, t)]
    if last:
        acts.append(act("regenerate", t("playground.regenerate")))
        if trace.get("finish") in ("length", "stopped", None):
            acts.append(act("continue", t("playground.continue")))
    acts += [act("inside", t("playground.inside")), act("copy", t("playground.copy"))]
    if version.text.strip():
        acts.append(act("teach", t("data.keep")))
    if last:
        acts.append(act("remove", t("playground.remove_last")))
    tools = "" if busy else f'<div class="pg-tools">{"".join(acts)}</div>'
    return (
        f'<article class="pg-turn pg-answer" data-turn="{plain(str(turn.id))}" data-raw="{plain(version.text)}">'
        f'<div class="pg-bubble">{body(version.text, t, trace)}</div>{rests_line(version.text, trace, t)}'
        f'<p class="pg-cost">{cost(trace, model_label(version, t), t)}</p>{tools}</article>'
    )


def body(text: str, t: Say, trace: Mapping[str, Any]) -> str:
    """An answer, its citations as buttons where it rests on passages."""
    return (
        grounded(text, quoted_of(trace), t)
        if text.strip()
        else f'<p class="pg-quiet">{plain(t("playground.empty_answer"))}</p>'
    )


def writing(text: str, t: Say) -> str:
    """The answer while it is being written."""
    inner = prose(text) if text else f'<p class="pg-quiet pg-thinking">{plain(t("playground.thinking"))}</p>'
    return (
        f'<article class="pg-turn pg-answer pg-writing" aria-busy="true"><div class="pg-bubble">{inner}</div></article>'
    )


def cost(trace: Mapping[str, Any], model: str, t: Say) -> str:
    """One line: first token 0.12 s · 41 tokens/s · 118 + 2 tokens · model; what is unknown is left out."""
    parts = []
    if trace.get("first_token_s") is not None:
        parts.append(t("playground.cost_first", time=round(float(trace["first_token_s"]), 2)))
    if trace.get("tokens_per_s"):
        parts.append(t("playground.cost_speed", speed=brief(float(trace["tokens_per_s"]))))
    if trace.get("prompt_tokens") is not None and trace.get("answer_tokens") is not None:
        parts.append(t("playground.cost_tokens", prompt=trace["prompt_tokens"], answer=trace["answer_tokens"]))
    if model:
        parts.append(model)
    ending = {"length": "playground.finish_length", "stopped": "playground.finish_stopped"}.get(
        trace.get("finish") or ""
    )
    if ending:
        parts.append(t(ending))
    return " · ".join(plain(part) for part in parts)


def brief(number: float) -> float | int:
    """A speed as people read it: 3.4, 41, 1,204."""
    return round(number, 1) if number < 10 else round(number)


def model_label(version: TurnVersion, t: Say) -> str:
    """The name of the model that wrote this version; the model that ships is called what it is."""
    ref = version.assistant.model if version.assistant else None
    return "" if ref is None else named(ref, t)


def named(ref: ModelRef, t: Say) -> str:
    return t("playground.practice_model") if ref.kind == "starter" else ref.label()


def steps(count: int, chosen: int, t: Say) -> str:
    """‹ 2/3 › between versions of one answer; nothing when there is one."""
    if count < 2:
        return ""
    before, after = t("playground.version_before"), t("playground.version_after")
    off = ("disabled " if chosen == 0 else "", "disabled " if chosen == count - 1 else "")

    def button(to: int, off: str, label: str, sign: str) -> str:
        return f'<button type="button" {off}data-act="step" data-to="{to}" aria-label="{plain(label)}">{sign}</button>'

    return (
        f'<span class="pg-steps">{button(chosen - 1, off[0], before, "‹")}'
        f"<span>{chosen + 1}/{count}</span>{button(chosen + 1, off[1], after, '›')}</span>"
    )


def act(name: str, label: str, **data: str) -> str:
    """A quiet button; `data` are words that the page's script needs for it."""
    more = "".join(f' data-{key}="{plain(text)}"' for key, text in data.items())
    return f'<button type="button" data-act="{name}"{more}>{plain(label)}</button>'


def chats_view(chats: Sequence[Chat], current: int | None, t: Say, removed: bool = False) -> str:
    """The chats of this project, newest first, each with rename and delete."""
    rows = []
    rename = act("rename", t("playground.rename"), save=t("playground.save"), cancel=t("playground.cancel"))
    for chat in chats:
        mark = ' aria-current="true"' if chat.id == current else ""
        title = chat.title or t("playground.untitled")
        rows.append(
            f'<li data-chat="{plain(str(chat.id))}"{mark}>'
            f'<button type="button" class="pg-open" data-act="open">{plain(title)}</button>'
            f'<span class="pg-tools">{rename}{act("delete", t("playground.delete"))}</span></li>'
        )
    undo = (
        f'<p class="pg-undo">{plain(t("playground.chat_deleted"))} {act("undelete", t("playground.undo"))}</p>'
        if removed
        else ""
    )
    none = f'<p class="pg-quiet">{plain(t("playground.no_chats"))}</p>' if not rows else ""
    return f'{undo}{none}<ul class="pg-chats">{"".join(rows)}</ul>'
