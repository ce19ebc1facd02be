"""The work of an "instruction_search" run: gather the wordings once, try them to the end of the plan, keep the best."""

from __future__ import annotations

from itertools import zip_longest

from backend.assistants import Assistant, Instructions
from backend.errors import BadInput
from backend.examples.task import Task
from backend.fewshot.choosing import considered
from backend.fewshot.halving import plan_halving
from backend.fewshot.instructions import InstructionBudget, InstructionConfig, own_wordings
from backend.fewshot.outcome import conclude
from backend.fewshot.planning import MOST_EXAMPLES, dev_examples, task_of
from backend.fewshot.proposing import look_at, prompts_for, propose
from backend.fewshot.tried import BASE, Candidate, Prepared, Saying
from backend.fewshot.wordings import language_of
from backend.fewshot.working import Shop, at_work, config_of
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress

SHOWN_FROM = 200
"""Train examples of which the proposer is shown some."""


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what a model or the connection says when it fails for good; both can be resumed."""
    config = config_of(job, InstructionConfig)
    asked = [Assistant(model=config.budget.proposer)] if config.budget.proposer else []
    with at_work(job, progress, config.assistant, *asked) as shop:
        prepared = shop.prepared() or _prepare(shop, config)
        trials = shop.trials(prepared)
        outcome = conclude(shop, trials, trials.run(), len(prepared.candidates) - 1)
        progress.result(tried=outcome.tried, best=outcome.best.score.value, base=outcome.base.score.value)


def _prepare(shop: Shop, config: InstructionConfig) -> Prepared:
    base, budget = config.assistant, config.budget
    task = task_of(shop.project, base, shots=False)
    own = [one for one in own_wordings(shop.project, task, budget) if one != base.instructions]
    proposed, skipped = _proposed(shop, task, base, budget, own)
    model = budget.proposer.label() if budget.proposer else ""
    ours = [_candidate(base, wording, "wording", number) for number, wording in enumerate(own, 1)]
    theirs = [_candidate(base, wording, "proposed", number, model=model) for number, wording in enumerate(proposed, 1)]
    turns = (one for turn in zip_longest(ours, theirs) for one in turn if one is not None)
    candidates = [Candidate(name=BASE, about=Saying(key="search.tried.base"), assistant=base), *turns]
    if len(candidates) < 2:
        raise BadInput("error.search_one_only")
    return _planned(shop, task, budget, candidates, skipped)


def _planned(
    shop: Shop, task: Task, budget: InstructionBudget, candidates: list[Candidate], skipped: list[Saying]
) -> Prepared:
    examples = dev_examples(shop.project, task, MOST_EXAMPLES, budget.seed)
    halving = plan_halving(len(candidates) - 1, len(examples), budget.answers)
    cut = len(candidates) - 1 - halving.candidates
    if cut:
        skipped = [*skipped, Saying(key="search.skipped.budget", details={"count": cut})]
    prepared = Prepared(
        task=task,
        halving=halving,
        candidates=tuple(candidates[: halving.candidates + 1]),
        examples=examples[: halving.examples],
        skipped=tuple(skipped),
    )
    return shop.keep(prepared)


def _proposed(
    shop: Shop, task: Task, base: Assistant, budget: InstructionBudget, own: list[Instructions]
) -> tuple[list[Instructions], list[Saying]]:
    """What the proposer wrote that can be tried, and what cannot."""
    if budget.proposer is None or not budget.proposals:
        return [], []
    shop.progress.message("run.message.search_proposing", model=budget.proposer.label())
    shown = considered(shop.project.examples.each("train", "shots"), budget.seed, SHOWN_FROM)
    dev = shop.project.examples.each("dev", "tune")
    language = budget.language or language_of(one.text() for one in dev)
    prompts = prompts_for(task, base, shown, language, budget.proposals, budget.seed)
    kept = shop.output / "proposed.jsonl"
    texts = propose(shop.answers, budget.proposer, prompts, kept, shop.progress, language)
    return look_at(texts, task, base, [base.instructions, *own])


def _candidate(base: Assistant, wording: Instructions, kind: str, number: int, **details: str) -> Candidate:
    about = Saying(key=f"search.tried.{kind}", details={"number": number, **details})
    assistant = base.model_copy(update={"instructions": wording})
    return Candidate(name=f"{kind[0]}{number:02d}", about=about, assistant=assistant)
