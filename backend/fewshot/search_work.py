"""The work of a "fewshot_search" run: draw the candidates once, try them to the end of the plan, keep what came out."""

from __future__ import annotations

from backend.errors import BadInput
from backend.fewshot.candidates import shot_candidates, without_leaks
from backend.fewshot.choosing import considered
from backend.fewshot.halving import plan_halving
from backend.fewshot.outcome import conclude
from backend.fewshot.planning import DRAWN_FROM, MOST_EXAMPLES, dev_examples, task_of
from backend.fewshot.search import SearchConfig
from backend.fewshot.tried import Candidate, Prepared
from backend.fewshot.working import Shop, at_work, config_of
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress
from backend.projects.folder import Project


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the model or the connection says when it fails for good; both can be resumed."""
    config = config_of(job, SearchConfig)
    with at_work(job, progress, config.assistant) as shop:
        prepared = shop.prepared() or _prepare(shop, config)
        trials = shop.trials(prepared)
        outcome = conclude(shop, trials, trials.run(), len(prepared.candidates) - 1)
        progress.result(tried=outcome.tried, best=outcome.best.score.value, base=outcome.base.score.value)


def _prepare(shop: Shop, config: SearchConfig) -> Prepared:
    shop.progress.message("run.message.search_drawing")
    budget, task = config.budget, task_of(shop.project, config.assistant)
    examples = dev_examples(shop.project, task, MOST_EXAMPLES, budget.seed)
    wanted = plan_halving(budget.candidates, len(examples), budget.answers).candidates
    candidates = _drawn(shop.project, config, wanted)
    if len(candidates) < 2:
        raise BadInput("error.search_one_only")
    # Equal draws count once, so there may be fewer candidates than were planned, and more examples for each.
    halving = plan_halving(len(candidates) - 1, len(examples), budget.answers)
    prepared = Prepared(task=task, halving=halving, candidates=tuple(candidates), examples=examples[: halving.examples])
    return shop.keep(prepared)


def _drawn(project: Project, config: SearchConfig, wanted: int) -> list[Candidate]:
    pool = considered(project.examples.each("train", "shots"), config.budget.seed, DRAWN_FROM)
    return without_leaks(project, pool, lambda left: shot_candidates(config.assistant, left, wanted, config.budget))
