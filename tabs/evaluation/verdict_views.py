"""The plain verdict at the top: one sentence that the data carries, then what it rests on. Pure functions."""

from __future__ import annotations

from collections import Counter
from html import escape

from backend.evaluation.comparison import Comparison
from backend.evaluation.values import Verdict
from backend.examples.example import input_key
from tabs import widgets
from tabs.evaluation import marks, naming
from tabs.evaluation.choice import Choice
from tabs.evaluation.standing import banner
from tabs.text import Words


def nothing_view(words: Words, under_way: bool) -> str:
    """Assistants and examples are there, answers are not."""
    t = words.t
    if under_way:
        return banner(t("compare.under_way"), [], css="cp-open")
    return banner(t("compare.not_evaluated"), [t("compare.not_evaluated_hint")], css="cp-open")


def verdict_view(words: Words, comparison: Comparison, choice: Choice) -> str:
    """The best against the next one, then the others, then what weakens it, said as plainly as the verdict."""
    t = words.t
    verdicts = comparison.verdicts
    lead = sentence(words, verdicts[0]) if verdicts else one_sentence(words, comparison)
    settled = bool(verdicts) and verdicts[0].outcome in ("better", "worse")
    split = t(f"compare.split_name_{choice.split}")
    based = t("compare.based" if len(comparison.rows) > 1 else "compare.based_one", split=split, n=comparison.n)
    others = [sentence(words, verdict) for pair, verdict in comparison.pairs.items() if pair != (0, 1)]
    lines = [*caveats(words, comparison, choice), based]
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    small = weak_model(comparison)
    button = widgets.action(t("compare.go_models"), "go", "models") if small else ""
    listed = "".join(f"<li>{escape(line)}</li>" for line in others)
    more = (
        f"<details><summary>{escape(t('compare.pairs_title'))}</summary><ul>{listed}</ul></details>" if others else ""
    )
    body = f'<p class="cp-lead">{escape(lead)}</p>{told}{more}'
    return f'<section class="cp-verdict{"" if settled else " cp-open"}"><div>{body}</div>{button}</section>'


def sentence(words: Words, verdict: Verdict) -> str:
    return words.t(verdict.key, **verdict.details)


def one_sentence(words: Words, comparison: Comparison) -> str:
    """There is nothing to compare with: the score and its interval."""
    row = comparison.rows[0]
    score = row.score
    if score is None:
        return words.t("compare.not_evaluated")
    told: dict[str, object] = {
        "name": row.name,
        "value": marks.hundred(score.value),
        "low": marks.hundred(score.interval.low),
        "high": marks.hundred(score.interval.high),
    }
    if score.metric in naming.SHARES:
        return words.t("compare.one_share", **told)
    return words.t("compare.one_score", metric=naming.metric(words, score.metric), **told)


def caveats(words: Words, comparison: Comparison, choice: Choice) -> list[str]:
    """What the person must know before relying on it."""
    t, told = words.t, []
    missing = sum(row.missing for row in comparison.rows if row.score is not None)
    if any(row.score is None for row in comparison.rows):
        told.append(t("compare.some_left_out"))
    if missing:
        told.append(t("compare.partly", missing=missing, n=comparison.n))
    beaten = constant(comparison)
    if beaten is not None:
        told.append(t("compare.majority", label=beaten[0], share=marks.hundred(beaten[1])))
    if weak_model(comparison):
        told.append(t("compare.practice"))
    if choice.split == "dev":
        told.append(t("compare.dev_note"))
    told += [t("compare.seen_before", name=name, count=count) for name, count in seen_before(comparison)]
    return told


def seen_before(comparison: Comparison) -> list[tuple[str, int]]:
    """(name, how many) of those compared whose own shots are among the examples that they are measured by."""
    asked = {one.input_key for one in comparison.examples}
    found = []
    for row in comparison.rows[: len(comparison.scores)]:
        shots = {input_key(shot.variables) for shot in row.saved.assistant.examples.shots}
        if asked & shots:
            found.append((row.name, len(asked & shots)))
    return found


def constant(comparison: Comparison) -> tuple[str, float] | None:
    """(label, share) when always giving the most frequent label does as well as the best, by its interval."""
    best = comparison.rows[0].score
    if not comparison.task.labelled or best is None or best.metric != "accuracy" or not comparison.n:
        return None
    label, count = Counter(one.expected or "" for one in comparison.scores[0]).most_common(1)[0]
    share = count / comparison.n
    return (label, share) if share >= best.interval.low else None


def weak_model(comparison: Comparison) -> bool:
    """Whether the practice model answered and nothing came of it: no difference, or no better than one label always."""
    small = any(row.saved.assistant.model.kind == "starter" for row in comparison.rows)
    told_apart = any(verdict.outcome in ("better", "worse") for verdict in comparison.pairs.values())
    return small and ((bool(comparison.pairs) and not told_apart) or constant(comparison) is not None)
