"""Passage size, overlap, way of searching and k tried on the known questions.

Chosen on one half of the questions and told on the other: the best of many on one set looks better there than it is.
More passages, or larger ones, always find more; so what is compared is what fits into a number of tokens that the model
shall read, and of equals the one that reads less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from pydantic import Field, ValidationError

from backend.assistants import Assistant, Documents, Part
from backend.documents.index.settings import IndexSettings, activate, active, index_folder
from backend.documents.measuring.comparing import mean_of, verdicts_of
from backend.documents.measuring.files import PLAN
from backend.documents.measuring.measuring import WAYS, Row, Sought, Way, way_of
from backend.documents.measuring.questions import KnownQuestion
from backend.documents.splitting.settings import SplitSettings
from backend.errors import BadInput, NotFound, Refused, StorageProblem
from backend.evaluation.values import Interval, Verdict
from backend.files import write_atomic
from backend.jobs.folder import read_file, read_lines
from backend.jobs.run import Run
from backend.jobs.runs import Runs
from backend.projects.folder import Project

KIND: Final = "retrieval_sweep"
SIZES: Final = (64, 128, 256, 512)
OVERLAPS: Final = (0.0, 0.125, 0.25)
KS: Final = (1, 2, 3, 5, 8, 12, 20, 30)
FEWEST: Final = 10
MOST: Final = 1_000
TRIED: Final = "tried.jsonl"


class SweepConfig(Part):
    """overlaps  shares of the size        budget  tokens of passages that the model shall read at most

    base  fusion, rerank and MMR are its; `base.retriever` and `base.top_k` are how it is now
    """

    sizes: tuple[int, ...] = Field(SIZES, min_length=1, max_length=12)
    overlaps: tuple[float, ...] = Field((0.125,), min_length=1, max_length=6)
    ways: tuple[Way, ...] = Field(WAYS, min_length=1)
    budget: int = Field(2048, ge=16, le=200_000)
    seed: int = 0
    base: Documents = Documents()


class SweepPlan(Part):
    """Frozen at the first attempt: a resume tries the same cuts on the same questions, the first `choosing` choose."""

    settings: IndexSettings
    questions: tuple[Sought, ...]
    choosing: int
    documents: tuple[int, ...]
    cuts: tuple[SplitSettings, ...]


class Tried(Part):
    """One cut asked in one way. tokens  of a passage, on average        row  its figures, question by question"""

    split: SplitSettings
    passages: int
    tokens: float
    row: Row


class Choice(Part):
    """How documents are cut and searched. reads  tokens of passages that the model reads, on average"""

    split: SplitSettings
    way: Way
    k: int
    reads: float
    told: tuple[float, ...]
    """Recall at k of each question of the half that told."""
    ndcg: tuple[float, ...]
    chosen_by: float
    """Mean recall at k over the half that chose."""

    def same(self, other: Choice) -> bool:
        return (self.split, self.way, self.k) == (other.split, other.way, other.k)


class Outcome(Part):
    """What came out: the best, how it is now, and the best of each cut and way; the best first.

    choosing  how many questions chose
    """

    choosing: int
    best: Choice
    now: Choice | None
    every: tuple[Choice, ...]
    failed: tuple[Tried, ...] = ()

    def score(self, choice: Choice) -> tuple[float, Interval]:
        return mean_of(choice.told)

    def verdict(self, names: tuple[str, str]) -> Verdict | None:
        """The best (second name) against how it is now; None when that is the best."""
        if self.now is None or self.now.same(self.best):
            return None
        return verdicts_of([(names[0], self.now.told), (names[1], self.best.told)])[0, 1]


def start_sweep(runs: Runs, project: Project, config: SweepConfig, title: str = "") -> Run:
    """Try them as a run. Raises Refused("error.measure_few" | "error.measure_no_index" | "error.measure_whole"),
    BadInput("error.measure_sweep_cuts"), StorageProblem."""
    way_of(config.base)
    list(cuts_of(config))
    if not index_folder(project.folder, active(project)).is_dir():
        raise Refused("error.measure_no_index")
    count = project.questions.count("accepted")
    if count < FEWEST:
        raise Refused("error.measure_few", count=count, needed=FEWEST)
    return runs.submit(KIND, config.model_dump(mode="json"), title)


def cuts_of(config: SweepConfig) -> Iterator[SplitSettings]:
    """Raises BadInput("error.measure_sweep_cuts")."""
    try:
        for size in config.sizes:
            for share in config.overlaps:
                yield SplitSettings(size=size, overlap=round(size * share))
    except ValidationError as fault:
        raise BadInput("error.measure_sweep_cuts") from fault


def make_plan(project: Project, config: SweepConfig) -> SweepPlan:
    """Raises Refused("error.measure_few"): of the accepted questions too few lie in documents that are read.

    A question all of whose places are lost would be found by no setting: it is left out, as it is from the table.
    """
    settings = active(project)
    read = {one.id for one in project.documents.list() if one.state == "indexed"}
    known = project.questions.list("accepted", limit=MOST)
    sought = [Sought(id=one.id, question=one.question, places=one.places) for one in known if _there(one, read)]
    if len(sought) < FEWEST:
        raise Refused("error.measure_few", count=len(sought), needed=FEWEST)
    Random(f"sweep {config.seed}").shuffle(sought)
    return SweepPlan(
        settings=settings.model_copy(update={"chroma": "embedded"}),
        questions=tuple(sought),
        choosing=len(sought) // 2,
        documents=tuple(sorted(read)),
        cuts=tuple(dict.fromkeys([settings.split, *cuts_of(config)])),
    )


def _there(one: KnownQuestion, read: set[int]) -> bool:
    known = [place for place in one.places if not place.lost]
    return bool(known) and all(place.document_id in read for place in known)


def ks_of(config: SweepConfig) -> tuple[int, ...]:
    return tuple(sorted({*KS, config.base.top_k}))


def outcome(config: SweepConfig, plan: SweepPlan, tried: Sequence[Tried]) -> Outcome:
    """Raises Refused("error.measure_sweep_nothing", ...): no way could be asked."""
    asked = [one for one in tried if one.row.ndcg]
    if not asked:
        raise Refused("error.measure_sweep_nothing")
    every = sorted((_best_k(config, plan, one) for one in asked), key=_rank, reverse=True)
    present = next((one for one in asked if (one.split, one.row.way) == (plan.cuts[0], way_of(config.base))), None)
    now = None if present is None else _choice(plan, present, config.base.top_k)
    failed = tuple(one for one in tried if not one.row.ndcg)
    return Outcome(choosing=plan.choosing, best=every[0], now=now, every=tuple(every), failed=failed)


def _best_k(config: SweepConfig, plan: SweepPlan, one: Tried) -> Choice:
    """The k within the budget that finds most, of equals the smallest; one passage is always allowed."""
    fitting = [k for k in ks_of(config) if k == 1 or k * one.tokens <= config.budget]
    return max((_choice(plan, one, k) for k in fitting), key=lambda choice: (round(choice.chosen_by, 9), -choice.k))


def _rank(choice: Choice) -> tuple[float, float]:
    return round(choice.chosen_by, 9), -choice.reads


def _choice(plan: SweepPlan, one: Tried, k: int) -> Choice:
    values, half = one.row.recall[k], plan.choosing
    return Choice(
        split=one.split,
        way=one.row.way,
        k=k,
        reads=k * one.tokens,
        told=values[half:],
        ndcg=one.row.ndcg[half:],
        chosen_by=sum(values[:half]) / half,
    )


# --- what lies in the run's folder


def keep_plan(output: Path, plan: SweepPlan) -> SweepPlan:
    write_atomic(output / PLAN, plan.model_dump_json())
    return plan


def plan_in(output: Path) -> SweepPlan | None:
    """None before the first attempt got so far. Raises StorageProblem("error.measure_sweep_files")."""
    try:
        return SweepPlan.model_validate_json(read_file(output / PLAN))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise StorageProblem("error.measure_sweep_files") from fault


def tried_in(output: Path) -> list[Tried]:
    """Raises StorageProblem("error.measure_sweep_files")."""
    try:
        return [Tried.model_validate(line) for line in read_lines(output / TRIED)]
    except ValueError as fault:
        raise StorageProblem("error.measure_sweep_files") from fault


def outcome_of(run: Run) -> Outcome:
    """What a finished sweep came to. Raises StorageProblem("error.measure_sweep_files"), Refused."""
    plan = plan_in(run.output)
    try:
        config = SweepConfig.model_validate(run.config)
        if plan is None:
            raise NotFound("error.measure_sweep_files")
        return outcome(config, plan, tried_in(run.output))
    except (ValidationError, LookupError, ZeroDivisionError) as fault:
        raise StorageProblem("error.measure_sweep_files") from fault


def keep_best(project: Project, run: Run) -> Choice:
    """Cut and search from now on as the best does: the index's settings, and the documents of the playground's form.

    Raises as `outcome_of`. Passages of another size are made by the next indexing run.
    """
    best = outcome_of(run).best
    activate(project, active(project).model_copy(update={"split": best.split}))
    draft = project.draft() or Assistant()
    wanted = (draft.documents or Documents()).model_copy(update={"retriever": best.way, "top_k": best.k})
    project.keep_draft(draft.model_copy(update={"documents": wanted}))
    return best
