"""The models tab tells numbers, never a key, and hands a button only what it may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.assistants import ModelRef
from backend.errors import BadInput
from backend.models.catalog import CATALOG, fits
from backend.models.endpoints import Endpoints
from backend.models.host import LoadedModel
from backend.models.installed import InstalledModel
from backend.models.memory import Machine
from backend.services import create_services
from backend.settings import Settings
from tabs import models, models_views
from tabs.text import LANGUAGES, Language, Words

KO, EN = Words("ko"), Words("en")
LAPTOP = Machine(cores=4, memory_bytes=16_000_000_000, memory_available_bytes=10_000_000_000)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_catalog_is_told_in_words_and_numbers(language: Language) -> None:
    words = Words(language)
    shown = models_views.catalog_view(words, [(model, fits(model, LAPTOP)) for model in CATALOG], set(), set())
    assert shown.count('data-do="download"') == len(CATALOG)
    assert words.size(fits(CATALOG[0], LAPTOP).available_bytes) in shown
    assert words.t("models.korean_good") in shown
    assert words.t("models.fits_no") in shown and words.t("models.fits_yes") in shown


def test_what_is_here_or_coming_is_not_offered_again() -> None:
    offered = [(model, fits(model, LAPTOP)) for model in CATALOG[:2]]
    shown = models_views.catalog_view(EN, offered, {CATALOG[0].id}, {CATALOG[1].id})
    assert 'data-do="download"' not in shown
    assert EN.t("models.installed_tag") in shown and EN.t("models.coming_tag") in shown


def test_the_practice_model_cannot_be_removed_and_a_busy_one_not_unloaded() -> None:
    starter = InstalledModel(ModelRef(), Path("/models/starter"), 9_500_000)
    hub = InstalledModel(ModelRef(kind="hub", name="a/<b>", revision="0" * 40), Path("/models/x"), 10)
    busy = [LoadedModel("matchum-starter", 40_000_000, busy=True)]
    shown = models_views.installed_view(EN, [starter, hub], busy)
    assert shown.count('data-do="remove"') == 1
    assert 'data-do="unload"' not in shown
    assert "40 MB" in shown
    assert "<b><b>" not in shown and "&lt;b&gt;" in shown
    idle = [LoadedModel("matchum-starter", 40_000_000, busy=False)]
    assert 'data-do="unload"' in models_views.installed_view(EN, [starter], idle)


def test_a_key_is_never_drawn(tmp_path: Path) -> None:
    endpoints = Endpoints(tmp_path)
    endpoints.add("work", "https://models.example.test/v1", "sk-very-secret")
    shown = models_views.endpoints_view(EN, endpoints.list())
    assert "sk-very" not in shown
    assert EN.t("models.has_key") in shown


@pytest.mark.parametrize("text", ["", "{}x", '{"kind": "shell"}', "../../etc"])
def test_a_button_names_a_model_or_nothing(text: str) -> None:
    with pytest.raises(BadInput, match=r"error\.page_action"):
        models.model_ref(text)


def test_everything_of_a_fresh_home_can_be_drawn(tmp_path: Path) -> None:
    services = create_services(Settings(home=tmp_path))
    here, downloads, catalog, endpoints = models.everything(services, KO)
    assert KO.t("models.practice") in here
    assert downloads == ""
    assert CATALOG[0].id in catalog
    assert KO.t("models.no_endpoints") in endpoints
    services.close()
