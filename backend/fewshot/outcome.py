"""What a search came to: the best that was tried beside the base, an honest difference, and saving it as a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.assistants import Assistant, Part
from backend.errors import BadInput, Busy, Refused
from backend.evaluation.cost import keep_making
from backend.evaluation.statistics import paired
from backend.evaluation.values import Difference, Verdict
from backend.evaluation.verdicts import verdict
from backend.examples.leakage import check_leakage
from backend.fewshot.trials import Trials
from backend.fewshot.tried import BASE, Tell, Tried, keep_outcome, outcome_in, prepared_in, tried_of
from backend.fewshot.working import Shop
from backend.jobs.run import Run
from backend.projects.assistants import SavedAssistant
from backend.projects.folder import Project


class SearchOutcome(Part):
    """What came out of a search.

    best, base  as they stood at the end, on the same examples; best is the base when nothing did better there
    difference  best minus base, p corrected for every candidate tried (Bonferroni, which holds however they were
                chosen); None when best is the base. Its interval is that of one comparison: the best of many is
                likely to lie nearer its lower end
    tried       candidates, the base not counted; answers  that they were measured by
    """

    best: Tried
    base: Tried
    difference: Difference | None
    tried: int
    answers: int

    @property
    def better(self) -> bool:
        """Whether something did better than the base on these examples, which need not mean that it is better."""
        return self.difference is not None

    def verdict(self, base: str, best: str) -> Verdict | None:
        """What the dev examples carry, for the two names; None when best is the base."""
        return None if self.difference is None else verdict(self.difference, (base, best))


def conclude(shop: Shop, trials: Trials, finalists: Sequence[Tried], tried: int) -> SearchOutcome:
    """Work out and keep the outcome; of equals the base is the best, then the earlier (shorter) candidate."""
    base, *others = finalists
    best = max([base, *others], key=lambda one: one.score.value)
    difference = None
    if best.name != BASE:
        pair = paired(best.score.metric, trials.scores(BASE), trials.scores(best.name))
        difference = replace(pair, p_corrected=min(1.0, pair.p * tried))
    outcome = SearchOutcome(best=best, base=base, difference=difference, tried=tried, answers=trials.answered)
    keep_outcome(shop.output, outcome)
    return outcome


def outcome_of(run: Run) -> SearchOutcome | None:
    """None while the run has not come to its end. Raises StorageProblem("error.search_files")."""
    return outcome_in(run.output, SearchOutcome)


def save_candidate(
    project: Project, run: Run, tell: Tell, name: str = "", candidate: str | None = None
) -> SavedAssistant:
    """Keep the best (or another candidate that was tried) as a new version, with a note of what was tried.

    tell  makes a sentence of a words key and its details; name  of the assistant, by default the base's
    Raises Busy("error.search_unfinished"), BadInput("error.search_nothing_better"), Refused("error.search_leak",
    count=, text=), StorageProblem, NotFound.
    """
    outcome, prepared = outcome_of(run), prepared_in(run.output)
    if outcome is None or prepared is None:
        raise Busy("error.search_unfinished")
    wanted = candidate or outcome.best.name
    if wanted == BASE:
        raise BadInput("error.search_nothing_better")
    chosen = prepared.candidate(wanted)
    assistant = chosen.assistant
    _no_leaks(project, assistant)
    note = note_of(outcome, next(one for one in tried_of(run) if one.name == wanted), tell)
    parent = run.config.get("parent")
    kept_name = name or assistant.name or assistant.model.label()
    kept = project.assistants.save(kept_name, assistant, note, parent if isinstance(parent, int) else None)
    if run.started is not None and run.ended is not None:
        keep_making(project, kept.assistant, max(0.0, run.ended - run.started))
    return kept


def _no_leaks(project: Project, assistant: Assistant) -> None:
    """The splits may have been made anew since the search drew its examples."""
    found = {leak.left.text(): leak for leak in check_leakage(project, assistant.examples.shots)}
    if found:
        raise Refused("error.search_leak", count=len(found), text=next(iter(found)).strip()[:80])


def note_of(outcome: SearchOutcome, chosen: Tried, tell: Tell) -> str:
    """What was tried, how the chosen one did, and the caution that belongs to it."""
    score, before = chosen.score, outcome.base.score
    told = {
        "metric": tell(f"metrics.name.{score.metric}", {}),
        "what": tell(chosen.about.key, chosen.about.details),
        "tried": outcome.tried,
        "answers": outcome.answers,
        "n": score.n,
        "value": _percent(score.value),
        "low": _percent(score.interval.low),
        "high": _percent(score.interval.high),
        "base": _percent(before.value),
    }
    return f"{tell('search.note', told)} {tell('search.caution', {'tried': outcome.tried})}"


def _percent(value: float) -> str:
    return f"{value * 100:.0f}"
