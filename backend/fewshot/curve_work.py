"""The work of a "learning_curve" run: draw the sets once, try them all, keep the curve under the fingerprints."""

from __future__ import annotations

from collections.abc import Sequence

from backend.assistants import PER_INPUT, Assistant, Examples, Method, Order, Selection
from backend.errors import BadInput
from backend.evaluation.identity import fingerprint
from backend.examples.example import NewExample
from backend.fewshot.candidates import drawn_examples, identity_of, without_leaks
from backend.fewshot.choosing import considered
from backend.fewshot.curve import CurveConfig, CurveExtent, bare, curve_from, keep_curve
from backend.fewshot.halving import Halving, Round
from backend.fewshot.picking import answers_repeat
from backend.fewshot.planning import DRAWN_FROM, dev_examples, task_of
from backend.fewshot.tried import BASE, Candidate, Prepared, Saying, keep_outcome
from backend.fewshot.working import Shop, at_work, config_of
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress

TRIES = 4


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the model or the connection says when it fails for good; both can be resumed."""
    config = config_of(job, CurveConfig)
    with at_work(job, progress, config.assistant) as shop:
        prepared = shop.prepared() or _prepare(shop, config)
        tried = shop.trials(prepared).run()
        selections = {one.name: one.assistant.examples.selection for one in prepared.candidates}
        sizes = {name: selection.count if selection else 0 for name, selection in selections.items()}
        method = next(selection.method for selection in selections.values() if selection)
        curve = curve_from(tried, sizes, method, prepared.basis)
        keep_outcome(shop.output, curve)
        both = [bare(config.assistant), config.assistant]
        keep_curve(shop.project, [fingerprint(one, shop.where, shop.project) for one in both], curve)
        progress.result(best=curve.best.value, shots=curve.best.shots, zero=curve.points[0].value)


def _prepare(shop: Shop, config: CurveConfig) -> Prepared:
    shop.progress.message("run.message.search_drawing")
    extent = config.extent
    task = task_of(shop.project, config.assistant)
    examples = dev_examples(shop.project, task, extent.examples, extent.seed)
    pool = considered(shop.project.examples.each("train", "shots"), extent.seed, DRAWN_FROM)
    found = without_leaks(shop.project, pool, lambda left: curve_candidates(config.assistant, left, extent))
    if len(found) < 2:
        raise BadInput("error.search_no_shots")
    halving = Halving((Round(len(found) - 1, len(examples)),))
    prepared = Prepared(task=task, halving=halving, candidates=tuple(found), examples=examples)
    return shop.keep(prepared)


def curve_candidates(assistant: Assistant, pool: Sequence[NewExample], extent: CurveExtent) -> list[Candidate]:
    """The assistant without examples, and every size drawn `samples` times, as far as there are so many sets."""
    plain, method = bare(assistant), extent.method or method_of(assistant, pool)
    found = [Candidate(name=BASE, about=Saying(key="search.tried.zero"), assistant=plain)]
    for size in extent.sizes:
        for draw, examples in enumerate(_draws(pool, method, size, extent) if size <= len(pool) else (), 1):
            about = Saying(key=f"search.tried.{method}", details={"count": size, "draw": draw})
            one = plain.model_copy(update={"examples": examples})
            found.append(Candidate(name=f"n{size:02d}-{draw}", about=about, assistant=one))
    return found


def _draws(pool: Sequence[NewExample], method: Method, size: int, extent: CurveExtent) -> list[Examples]:
    """As many different sets of one size as are wanted, or as TRIES draws for each bring up."""
    found: dict[str, Examples] = {}
    for seed in range(extent.seed, extent.seed + extent.samples * TRIES):
        if len(found) < extent.samples:
            examples = drawn_examples(pool, Selection(method=method, count=size, seed=seed, order=_order(method)))
            found.setdefault(identity_of(examples.shots), examples)
    return list(found.values())


def method_of(assistant: Assistant, pool: Sequence[NewExample]) -> Method:
    """As the assistant draws; what was picked by hand cannot be drawn: balanced where answers repeat, else random."""
    selection = assistant.examples.selection
    if selection is not None and selection.method != "by_hand":
        return selection.method
    return "balanced" if answers_repeat([example.output for example in pool]) else "random"


def _order(method: Method) -> Order:
    return "nearest_last" if method in PER_INPUT else "as_listed"
