"""The judge, and the blind ratings that say whether it may be trusted."""

from __future__ import annotations

from typing import Any, Final, Literal

import gradio as gr

from backend.assistants import ModelRef
from backend.errors import BadInput
from backend.evaluation.agreement import pairwise_result, rubric_result, to_rate
from backend.evaluation.comparison import Comparison
from backend.evaluation.judge import start_judging
from backend.evaluation.opinions import Rated, Rating, rate, ratings
from backend.projects.folder import Project
from tabs import widgets
from tabs.evaluation import models, naming
from tabs.evaluation.desk import Desk, Looked, Updates
from tabs.evaluation.judge_views import nothing_judged, pairwise_view, rating_view, rubric_view
from tabs.evaluation.sides import places
from tabs.session import owner

NOTE: Final = "compare.judge"
WANTED: Final = 20
"""Pairs that one person is asked to rate at a time."""
MOST_GRADED: Final = 12
VERDICTS: Final[tuple[Rated, ...]] = ("first", "second", "tie", "both_bad")
Mode = Literal["pairwise", "rubric"]


class Judging:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def drawn(self, project: Project, comparison: Comparison, looked: Looked) -> Updates:
        """What was judged; the rating pane is left as it is, since somebody may be at it."""
        return {self.desk.view.judged: self.judged(project, comparison, looked)}

    # --- the judge

    def offered(self, project_id: str, request: gr.Request) -> Any:
        """The models that can judge, with the one asked last chosen. Apart from `drawn`: connections may be slow."""
        ref, mode = asked_last(self.desk.project(project_id, request))
        found = models.judges(self.desk.services, self.desk.words)
        values = [value for _, value in found]
        chosen = ref.model_dump_json() if ref else None
        value = chosen if chosen in values else values[0] if len(values) > 1 else None
        return {self.desk.view.judge: gr.update(choices=found, value=value), self.desk.view.mode: mode}

    def ask(self, project_id: str, looked: Looked, judge: str, mode: str, count: float, request: gr.Request) -> Updates:
        """Start the judging as a run."""
        project, ref = self.desk.project(project_id, request), models.judge_of(judge)
        how: Mode = "rubric" if mode == "rubric" else "pairwise"
        comparison = self.desk.needed(project)
        left, right = places(comparison, looked)
        compared = comparison.rows[: len(comparison.scores)]
        rows = [compared[left], compared[right]] if how == "pairwise" else compared[:MOST_GRADED]
        if how == "pairwise" and left == right:
            raise BadInput("error.compare_two")
        split = self.desk.choice(project).split
        ids = [row.saved.id for row in rows]
        start_judging(self.desk.runs(project), project, ref, how, ids, split, int(count or WANTED))
        project.set_note(NOTE, {"judge": ref.model_dump(mode="json"), "mode": how})
        self.desk.words.say("compare.judge_started", "success")
        return self.drawn(project, comparison, looked)

    def judged(self, project: Project, comparison: Comparison, looked: Looked) -> str:
        words = self.desk.words
        ref, mode = asked_last(project)
        if ref is None:
            return nothing_judged(words)
        left, right = places(comparison, looked)
        names = [row.name for row in comparison.rows[: len(comparison.scores)]]
        name = naming.model(words, ref)
        if mode == "rubric":
            return rubric_view(words, name, rubric_result(project, comparison, ref), names)
        result = pairwise_result(project, comparison, left, right, ref)
        return pairwise_view(words, name, result, (names[left], names[right]))

    # --- one's own ratings

    def begin(self, project_id: str, looked: Looked, request: gr.Request) -> Updates:
        return self.next(self.desk.project(project_id, request), looked, owner(request))

    def rate(
        self, project_id: str, looked: Looked, pair: list[int] | None, request: gr.Request, event: gr.EventData
    ) -> Updates:
        """Keep what was said of the pair on the page, and show the next. Raises BadInput("error.page_action")."""
        pressed, project = widgets.chosen(event), self.desk.project(project_id, request)
        verdict = next((one for one in VERDICTS if one == pressed.what), None)
        compared = {one.id for answers in self.desk.needed(project).answers for one in answers}
        if pressed.do != "rate" or verdict is None or not pair or not compared.issuperset(pair):
            raise BadInput("error.page_action")
        rate(project, owner(request), pair[0], pair[1], verdict)
        return self.next(project, looked, owner(request))

    def next(self, project: Project, looked: Looked, who: str) -> Updates:
        """The next pair that this person has not rated; at the end of a lot, what to do now."""
        words, view = self.desk.words, self.desk.view
        comparison = self.desk.needed(project)
        left, right = places(comparison, looked)
        told = ratings(project, who)
        found = to_rate(comparison, left, right, told) if left != right else None
        done = rated_here(comparison, left, right, told)
        lot = (done // WANTED + 1) * WANTED
        more = {view.judged: self.judged(project, comparison, looked), view.rate: gr.update(visible=True)}
        if left == right or (found is None and not done):
            shown = widgets.empty(words.t("compare.rating_empty"), words.t("compare.rating_empty_hint"))
            return {view.rating: shown, view.pair: None, **more}
        if found is None:
            return {view.rating: widgets.empty(words.t("compare.rating_done", done=done)), view.pair: None, **more}
        example, first, second = found
        drawn = rating_view(words, example, (first, second), done, min(lot, unlike(comparison, left, right)))
        return {view.rating: drawn, view.pair: [first.id, second.id], **more, view.rate: gr.update(visible=False)}


def asked_last(project: Project) -> tuple[ModelRef | None, Mode]:
    """The judge that was asked last in this project, and how."""
    told = project.get_note(NOTE)
    if not isinstance(told, dict):
        return None, "pairwise"
    try:
        return ModelRef.model_validate(told.get("judge")), "rubric" if told.get("mode") == "rubric" else "pairwise"
    except ValueError:
        return None, "pairwise"


def rated_here(comparison: Comparison, left: int, right: int, told: list[Rating]) -> int:
    """How many of the pairs of these two this person has rated."""
    done = {frozenset((one.first_id, one.second_id)) for one in told}
    both = zip(comparison.answers[left], comparison.answers[right], strict=True)
    return sum(frozenset((one.id, two.id)) in done for one, two in both)


def unlike(comparison: Comparison, left: int, right: int) -> int:
    """Pairs of which one can be better: both answered, in different words."""
    both = zip(comparison.answers[left], comparison.answers[right], strict=True)
    return sum(
        one.error_key is None and two.error_key is None and one.text.strip() != two.text.strip() for one, two in both
    )
