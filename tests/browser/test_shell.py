"""What stands around the tabs: the header, both languages, narrow pages, the tray, and what is not asked of anybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backend.accounts import Accounts
from backend.jobs.runs import Runs
from backend.settings import Settings
from tests.browser.conftest import open_studio
from tests.studio.process import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = [400, 800, 1100, 1400, 1800]
OWN_NAMES = re.compile(r"Matchum|English|CPU|GB|MB|kB|[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+|\b[vV]?[0-9.]+\b")


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}-button").click()
    page.wait_for_selector(f"#tab-{name}", state="visible")


def test_the_root_leads_to_the_language_of_the_browser(browser: Browser, studio_url: str) -> None:
    for asked, expected in (("ko-KR", "ko"), ("en-GB", "en"), ("fr-FR", "en")):
        visitor = browser.new_context(locale=asked)
        page = visitor.new_page()
        open_studio(page, studio_url)
        assert page.url.rstrip("/").endswith(f"/{expected}")
        assert page.evaluate("document.documentElement.lang") == expected
        visitor.close()


def test_the_switch_changes_the_language_and_is_remembered(page: Page, studio_url: str) -> None:
    open_studio(page, studio_url)
    assert "플레이그라운드" in page.inner_text("#tabs")
    page.get_by_role("link", name="English").click()
    page.wait_for_selector("text=Playground")
    assert page.evaluate("[document.documentElement.lang, navigator.language]") == ["en", "en"]
    open_studio(page, studio_url)
    assert page.url.rstrip("/").endswith("/en")


def test_no_korean_leaks_into_the_english_shell_and_the_other_way_round(page: Page, studio_url: str) -> None:
    for language in ("ko", "en"):
        open_studio(page, f"{studio_url}{language}/")
        for tab in ("overview", "models"):
            open_tab(page, tab)
            page.wait_for_timeout(500)
            labels = page.locator(f"#tab-{tab} :is(h2, h3, label > span, button, th, p.note)").all_inner_texts()
            assert labels
            for label in labels:
                told = OWN_NAMES.sub("", label).strip()
                if language == "en":
                    assert not re.search("[가-힣]", told), label
                else:
                    assert not re.search(r"[A-Za-z]{4,} [A-Za-z]{3,}", re.sub(r"\(.*?\)", "", told)), label


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_its_window_and_does_not_jump_between_tabs(page: Page, studio_url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_studio(page, f"{studio_url}ko/")
    seen = set()
    for tab in ("overview", "playground", "models"):
        open_tab(page, tab)
        page.wait_for_timeout(300)
        wide, shown = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= shown, f"{tab} is {wide} wide in {shown}"
        box = page.locator("#tabs").bounding_box()
        assert box is not None
        seen.add((round(box["x"]), round(box["width"])))
    assert len(seen) == 1


def test_a_project_is_made_renamed_left_and_found_again_after_a_reload(page: Page, studio_url: str) -> None:
    open_studio(page, f"{studio_url}ko/")
    open_tab(page, "overview")
    page.get_by_label("새 프로젝트").fill("문의 분류")
    page.get_by_role("button", name="만들기").click()
    page.wait_for_function("document.querySelector('#project input').value === '문의 분류'")
    page.wait_for_selector("#projects tr:has-text('문의 분류') >> text=열려 있음")
    # The box is filled anew when the project opens; typing before that would be typing into the old one.
    from playwright.sync_api import expect

    expect(page.get_by_label("프로젝트 이름")).to_have_value("문의 분류")
    page.get_by_label("프로젝트 이름").fill("고객 문의")
    page.get_by_role("button", name="이름 바꾸기").click()
    page.wait_for_function("document.querySelector('#project input').value === '고객 문의'")
    open_studio(page, f"{studio_url}ko/")
    assert page.input_value("#project input") == "고객 문의"
    open_tab(page, "overview")
    page.wait_for_selector("#projects tr:has-text('고객 문의') >> text=열려 있음")
    page.locator("#tab-overview button.stop", has_text="삭제").click()
    page.wait_for_function("document.querySelector('#project input').value !== '고객 문의'")
    page.locator("#projects tr:has-text('고객 문의') button", has_text="되돌리기").click()
    page.wait_for_function("document.querySelector('#project input').value === '고객 문의'")


def test_an_assistant_is_exported_as_a_file(page: Page, studio_url: str) -> None:
    open_studio(page, f"{studio_url}ko/")
    page.locator("#project input").click()
    page.get_by_role("option", name=re.compile("Matchum")).first.click()
    open_tab(page, "overview")
    page.wait_for_selector("#assistants table")
    with page.expect_download() as waiting:
        page.locator("#assistants button", has_text="내보내기").first.click()
    assert waiting.value.suggested_filename.endswith("-v1.json")


def test_the_tray_opens_and_says_what_will_be_there(page: Page, studio_url: str) -> None:
    open_studio(page, f"{studio_url}ko/")
    page.locator("#tray").click()
    assert page.locator("#tray-panel .html-container").is_visible()
    page.wait_for_selector("#tray-panel >> text=진행 상황")
    page.locator("#brand").click(position={"x": 300, "y": 4})
    page.wait_for_selector("#tray-panel .html-container", state="hidden")


def test_running_work_is_seen_from_every_tab_and_stopped_and_resumed_there(page: Page, studio: Studio) -> None:
    settings = Settings(home=studio.home)
    runs = Runs(studio.home / "runs", settings)
    run = runs.submit("rehearsal", {"steps": 600, "seconds": 0.05}, title="예행 작업")
    open_studio(page, f"{studio.url}ko/")
    page.wait_for_function("document.querySelector('#tray')?.innerText.includes('%')", timeout=30_000)
    open_tab(page, "overview")
    page.wait_for_selector("#runs .bar")
    page.locator("#tray").click()
    page.locator("#tray-panel button", has_text="중지").click()
    page.wait_for_selector("#tray-panel button >> text=이어서 하기", timeout=30_000)
    assert runs.get(run.id).state == "stopped"
    page.locator("#tray-panel button", has_text="이어서 하기").click()
    page.wait_for_function("document.querySelector('#tray')?.innerText.includes('%')", timeout=30_000)
    page.locator("#tray-panel button", has_text="중지").click()
    page.wait_for_selector("#tray-panel button >> text=이어서 하기", timeout=30_000)
    row = page.locator("#runs li", has_text="예행 작업")
    row.get_by_role("button", name="삭제").click()
    row.wait_for(state="detached")
    assert runs.list() == []


def test_pages_behind_a_proxy_with_a_path_of_its_own_still_find_their_files(tmp_path: Path, page: Page) -> None:
    """Here the path arrives as the browser asked it; test_access has the proxy that takes it off."""
    studio = Studio(tmp_path / "home", "--port", "7938", "--root-path", "/matchum")
    try:
        studio.wait()
        open_studio(page, f"{studio.url}ko/")
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        page.get_by_role("link", name="English").click()
        page.wait_for_url("**/matchum/en/")
        page.close()
    finally:
        studio.end()


@pytest.mark.signs_out
def test_a_visitor_signs_in_works_in_projects_of_their_own_and_signs_out(tmp_path: Path, page: Page) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("mina", "jun"):
        Accounts(home).add(name, f"{name}'s long secret")
    studio = Studio(home, "--port", "7940")
    try:
        studio.wait()
        page.goto(studio.url)
        page.get_by_label("계정 이름").fill("mina")
        page.get_by_label("비밀번호").fill("mina's long secret")
        page.get_by_role("button", name="들어가기").click()
        page.wait_for_function("document.querySelector('#project input')?.value", timeout=30_000)
        open_tab(page, "overview")
        page.get_by_label("새 프로젝트").fill("미나의 비밀")
        page.get_by_role("button", name="만들기").click()
        page.wait_for_function("document.querySelector('#project input').value === '미나의 비밀'")
        page.wait_for_timeout(1500)  # what is under way when a person signs out is cut off, and the page complains
        page.get_by_role("button", name="mina 로그아웃").click()
        page.wait_for_url("**/signin")
        page.goto(f"{studio.url}ko/")
        assert "/signin" in page.url
        page.get_by_label("계정 이름").fill("jun")
        page.get_by_label("비밀번호").fill("jun's long secret")
        page.get_by_role("button", name="들어가기").click()
        page.wait_for_function("document.querySelector('#project input')?.value", timeout=30_000)
        assert "미나의 비밀" not in page.content()
        page.close()
    finally:
        studio.end()
