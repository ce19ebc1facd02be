"""The catalog's facts hang together, and the number for "does it fit" is one to rely on."""

from __future__ import annotations

import json
import re

import pytest

from backend.models.catalog import CATALOG, CatalogModel, fits
from backend.models.hub import check_id
from backend.models.memory import Gpu, Machine
from backend.settings import ASSETS

GB = 10**9


def test_the_catalog_is_a_choice() -> None:
    assert len(CATALOG) >= 16 and len({model.id for model in CATALOG}) == len(CATALOG)
    families = {"qwen", "llama", "gemma", "exaone", "smollm", "kanana", "phi", "mistral", "hyperclova"}
    assert {family for family in families if any(family in model.id.lower() for model in CATALOG)} == families
    assert {model.korean for model in CATALOG} == {"good", "some", "none"}
    assert sum(model.korean == "good" for model in CATALOG) >= 5
    assert [model.parameters for model in CATALOG] == sorted(model.parameters for model in CATALOG)


@pytest.mark.parametrize("model", CATALOG, ids=lambda model: model.name)
def test_facts_hang_together(model: CatalogModel) -> None:
    assert check_id(model.id) == model.id
    assert 2 * model.parameters < model.size_bytes < 2.1 * model.parameters + 50_000_000
    assert model.licence_url.startswith("https://") and model.licence and 2048 <= model.context_length <= 2**20
    assert (model.korean == "good") <= ("ko" in model.languages)
    said = re.search(r"(\d+(?:\.\d+)?)([BM])\b", model.name, re.IGNORECASE)
    if said:
        # Makers do not count a second table of words, which the files hold all the same.
        assert 0.9 < model.parameters / (float(said[1]) * (1e9 if said[2] in "Bb" else 1e6)) < 1.3
    own_terms = not re.match(r"Apache|MIT", model.licence)
    assert own_terms <= (model.note_key is not None)


def test_notes_are_written_in_both_languages() -> None:
    for language in ("ko", "en"):
        words = json.loads((ASSETS / "locale" / language / "catalog.json").read_text("utf-8"))
        assert set(words) == {model.note_key for model in CATALOG if model.note_key}


def named(part: str) -> CatalogModel:
    return next(model for model in CATALOG if part in model.id)


def test_a_gpu_takes_16_bits_and_a_processor_32() -> None:
    model = named("Qwen2.5-0.5B")
    laptop = Machine(cores=8, memory_bytes=16 * GB, memory_available_bytes=10 * GB)
    fit = fits(model, laptop)
    assert (fit.bits, fit.on_gpu, fit.available_bytes) == (32, False, 8 * GB)
    assert 494_032_768 * 4 < fit.needed_bytes < 494_032_768 * 4 * 1.3 and fit.fits
    card = Machine(8, 16 * GB, 10 * GB, (Gpu("small", 8 * GB, 7 * GB), Gpu("large", 24 * GB, 4 * GB)))
    fit = fits(model, card)
    assert (fit.bits, fit.on_gpu, fit.available_bytes) == (16, True, 16 * GB)
    assert fit.fraction == fit.needed_bytes / fit.available_bytes


def test_what_fits_where() -> None:
    laptop = Machine(8, 16 * GB, 9 * GB)
    card = Machine(8, 32 * GB, 20 * GB, (Gpu("card", 24 * GB, GB),))
    small, large = named("SmolLM2-360M"), named("Qwen3-8B")
    assert fits(small, laptop).fraction < 0.5 and fits(large, laptop).fraction > 2
    assert not fits(large, laptop, bits=16).fits and fits(large, card, bits=8).fits
    # The cache counts: 36 layers of 8 heads of 128 numbers, keys and values, 2 bytes, 4,096 tokens.
    assert fits(large, card, bits=16).needed_bytes - int(large.parameters * 2 * 1.15) == 36 * 8 * 128 * 2 * 2 * 4096
