"""A judge's results and a person's own ratings as HTML; whether the judge is to be trusted comes first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backend.evaluation.agreement import Agreement, PairwiseResult, RubricResult
from backend.evaluation.answer_store import StoredAnswer
from backend.examples.example import Example
from tabs import widgets
from tabs.evaluation import marks
from tabs.evaluation.side_views import variables_view
from tabs.text import Words


def nothing_judged(words: Words) -> str:
    return widgets.empty(words.t("compare.judge_empty"), words.t("compare.judge_empty_hint"))


def trust_lines(words: Words, found: Agreement) -> list[str]:
    """What its agreement with people allows to say of it."""
    t = words.t
    if found.trust == "unknown":
        return [t("compare.trust_unknown", needed=found.needed)]
    kappa = "–" if found.kappa is None else f"{found.kappa:.2f}"
    told = t(
        "compare.trust_agrees",
        share=marks.hundred(found.share),
        low=marks.hundred(found.interval.low),
        high=marks.hundred(found.interval.high),
        n=found.n,
        kappa=kappa,
    )
    return [told, t("compare.trust_low" if found.trust == "low" else "compare.trust_fair")]


def pairwise_view(words: Words, name: str, result: PairwiseResult, names: tuple[str, str]) -> str:
    if not result.n and not result.unreadable:
        return nothing_judged(words)
    t = words.t
    lines = [
        t("compare.judge_wins", left=names[0], right=names[1], a=result.a, b=result.b, tie=result.ties, n=result.n),
        conclusion(words, result, names) if result.difference else "",
        t("compare.position_bias", share=marks.hundred(result.position)),
        t("compare.judge_unreadable", count=result.unreadable) if result.unreadable else "",
    ]
    return judged_box(words, name, result.agreement, lines)


def conclusion(words: Words, result: PairwiseResult, names: tuple[str, str]) -> str:
    """Which one the judge prefers, when its own verdicts carry that."""
    verdict = result.verdict
    if verdict is None or verdict.outcome not in ("better", "worse"):
        return words.t("compare.judge_open")
    one = verdict.difference
    low, high = (one.low, one.high) if verdict.outcome == "better" else (-one.high, -one.low)
    better = names[1] if verdict.outcome == "better" else names[0]
    return words.t("compare.judge_prefers", better=better, low=marks.hundred(low), high=marks.hundred(high))


def rubric_view(words: Words, name: str, result: RubricResult, names: Sequence[str]) -> str:
    if not result.n and not result.unreadable:
        return nothing_judged(words)
    lines = [
        words.t(
            "compare.judge_mean",
            name=one,
            value=marks.hundred(score.value),
            low=marks.hundred(score.interval.low),
            high=marks.hundred(score.interval.high),
            n=score.n,
        )
        for one, score in zip(names, result.scores, strict=False)
    ]
    if result.unreadable:
        lines.append(words.t("compare.judge_unreadable", count=result.unreadable))
    return judged_box(words, name, result.agreement, lines)


def judged_box(words: Words, name: str, found: Agreement, lines: Sequence[str]) -> str:
    css = {"fair": "tag good"}.get(found.trust, "tag")
    head = (
        f'<p><b>{escape(name)}</b> <span class="{css}">{escape(words.t(f"compare.trust_tag_{found.trust}"))}</span></p>'
    )
    trust = "".join(f"<p>{escape(line)}</p>" for line in trust_lines(words, found))
    told = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return f'<div class="cp-said">{head}{trust}</div><div class="cp-said cp-trust-{found.trust}">{told}</div>'


def rating_view(
    words: Words, example: Example, answers: tuple[StoredAnswer, StoredAnswer], done: int, total: int
) -> str:
    """One pair to be rated; whose is whose is not told."""
    t, (first, second) = words.t, answers
    sides = "".join(
        f'<section class="cp-answer"><header><b>{escape(t(f"compare.answer_{side}"))}</b></header>'
        f"{marks.long_text(one.text.strip(), t('compare.more'))}</section>"
        for side, one in (("left", first), ("right", second))
    )
    buttons = "".join(
        widgets.action(t(f"compare.rate_{name}"), "rate", verdict)
        for name, verdict in (("left", "first"), ("tie", "tie"), ("both_bad", "both_bad"), ("right", "second"))
    )
    return (
        f'<article class="cp-example"><p><b>{escape(t("compare.rate_question"))}</b></p>'
        f"<small>{escape(t('compare.input'))}</small>{variables_view(words, example.variables)}"
        f'<div class="cp-pair">{sides}</div><div class="cp-rate">{buttons}</div>{widgets.bar(done / max(total, 1))}'
        f"{marks.note(t('compare.rated', total=total, done=done))}</article>"
    )
