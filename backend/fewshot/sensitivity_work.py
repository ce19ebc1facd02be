"""The work of a "sensitivity" run: make the variants once, try them all, keep the band under the fingerprint."""

from __future__ import annotations

from backend.evaluation.identity import fingerprint
from backend.fewshot.candidates import without_leaks
from backend.fewshot.choosing import considered
from backend.fewshot.halving import Halving, Round
from backend.fewshot.planning import DRAWN_FROM, dev_examples, task_of
from backend.fewshot.sensitivity import SensitivityConfig, band_from, keep_band
from backend.fewshot.tried import Prepared, keep_outcome
from backend.fewshot.variants import kind_of, variants
from backend.fewshot.wordings import language_of
from backend.fewshot.working import Shop, at_work, config_of
from backend.jobs.kinds import Job
from backend.jobs.progress import Progress


def work(job: Job, progress: Progress) -> None:
    """Raises Stopped, and what the model or the connection says when it fails for good; both can be resumed."""
    config = config_of(job, SensitivityConfig)
    with at_work(job, progress, config.assistant) as shop:
        prepared = shop.prepared() or _prepare(shop, config)
        tried = shop.trials(prepared).run()
        band = band_from(
            tried, {one.name: kind for one in tried if (kind := kind_of(one.name)) is not None}, prepared.basis
        )
        keep_outcome(shop.output, band)
        keep_band(shop.project, fingerprint(config.assistant, shop.where, shop.project), band)
        progress.result(low=band.low, high=band.high, median=band.median, value=band.value)


def _prepare(shop: Shop, config: SensitivityConfig) -> Prepared:
    shop.progress.message("run.message.search_drawing")
    extent, store = config.extent, shop.project.examples
    task = task_of(shop.project, config.assistant, shots=False)
    examples = dev_examples(shop.project, task, extent.examples, extent.seed)
    language = language_of(one.text() for one in examples)
    pool = considered(store.each("train", "shots"), extent.seed, DRAWN_FROM) if config.assistant.examples.shots else []
    found = without_leaks(
        shop.project,
        pool,
        lambda left: variants(config.assistant, task, left, language, extent.variants, extent.seed),
    )
    halving = Halving((Round(len(found) - 1, len(examples)),))
    prepared = Prepared(task=task, halving=halving, candidates=tuple(found), examples=examples)
    return shop.keep(prepared)
