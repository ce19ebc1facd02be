"""Task data as a person brings it in, in a real browser: a wrong guess corrected, a split, edits, an answer kept."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Studio, open_studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

SLOW = 60_000
"""Milliseconds; a machine that runs other tests beside this one takes its time."""

THINGS = ("우유", "의자", "책상", "이불", "냄비", "가방", "모자", "연필", "시계", "화분", "거울", "우산")
# The page's own words: without examples, labels and names, which are in the language of whoever made them.
INTERFACE = """one => {
  const made = '.fs-in, .fs-out, .fs-labels, .fs-chips, .fs-said span, .fs-pre, .tag, option, #project, style';
  const walk = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (!holder.closest(made) && holder.checkVisibility()) found.push(walk.currentNode.data);
  }
  return found;
}"""


def open_data(page: Page, studio: Studio, language: str = "ko") -> None:
    """The data part of the project that is open."""
    open_studio(page, f"{studio.url}{language}/")
    page.click("#tab-fewshot-button")
    page.wait_for_selector("#fs-standing :is(.fs-empty, .fs-standing)", timeout=SLOW)


def new_project(page: Page, studio: Studio, name: str) -> None:
    """The data part of a project that has nothing yet."""
    open_studio(page, f"{studio.url}ko/")
    page.click("#tab-overview-button")
    page.get_by_label("새 프로젝트").first.fill(name)
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('#project input').value === name", arg=name, timeout=SLOW)
    page.click("#tab-fewshot-button")
    page.wait_for_selector(".fs-empty", timeout=SLOW)


def inquiries() -> bytes:
    """A Korean file as a spreadsheet program saves it; its last column looks like the answer and is none."""
    rows = ["지역,문의내용,판정,담당"]
    for number in range(48):
        thing, good = THINGS[number % 12], number % 2 == 0
        said = "마음에 들어서 하나 더 샀습니다" if good else "금이 가 있어서 바꾸고 싶습니다"
        text = f"{thing} {said} {number * 7919} {THINGS[(number * 5 + 3) % 12]}"
        rows.append(f"{('서울', '부산')[number % 3 % 2]},{text},{'칭찬' if good else '불만'},상담{number % 3}")
    return "\n".join(rows).encode("cp949")


def choose(page: Page, picker: str, name: str) -> None:
    page.click(f"{picker} input")
    page.get_by_role("option", name=name, exact=True).click()


def test_a_file_is_brought_in_a_wrong_guess_corrected_and_the_data_split(page: Page, studio: Studio) -> None:
    new_project(page, studio, "고객이 보낸 글")
    page.set_input_files(
        "#fs-file input[type=file]", [{"name": "문의.csv", "mimeType": "text/csv", "buffer": inquiries()}]
    )
    page.wait_for_selector("#fs-preview article", timeout=SLOW)
    assert "CP949" in page.inner_text("#fs-facts") and "48행" in page.inner_text("#fs-facts")
    if page.input_value("#fs-column-output input") != "판정":
        choose(page, "#fs-column-output", "판정")
    page.wait_for_function("document.querySelector('#fs-guess-labels textarea').value.includes('불만')", timeout=SLOW)
    page.wait_for_function("document.querySelector('#fs-preview .fs-wanted')?.innerText === '칭찬'", timeout=SLOW)
    assert "우유 마음에 들어서" in page.inner_text("#fs-preview article >> nth=0")
    page.click("#fs-import")
    page.wait_for_selector(".fs-standing", timeout=SLOW)
    assert "예시 48개" in page.inner_text(".fs-standing") and "불만" in page.inner_text(".fs-labels")
    page.click("[data-do=open_split]")
    page.click("#fs-plan-start")
    page.wait_for_selector("table.fs-plan", timeout=SLOW)
    page.click("#fs-make:not([disabled])")
    page.wait_for_selector(".fs-lock", timeout=SLOW)
    assert "잠겨 있습니다" in page.inner_text(".fs-lock")
    page.wait_for_selector(".fs-next [data-do=part]")
    # What the page shows is what the project holds: another visit sees the same.
    open_data(page, studio)
    page.wait_for_selector(".fs-legend .fs-test", timeout=SLOW)


def test_examples_are_edited_tagged_found_undone_and_taken_out(page: Page, studio: Studio, tmp_path: Path) -> None:
    new_project(page, studio, "고치기 시험")
    page.click("[data-do=sample][data-what=ko]")
    page.wait_for_selector("#fs-preview article", timeout=SLOW)
    page.click("#fs-import")
    first = "#fs-list .fs-row >> nth=0"
    page.wait_for_selector(first, timeout=SLOW)
    before = page.inner_text(f"{first} >> .fs-in p")
    page.click(f"{first} >> [data-do=edit]")
    page.fill(".fs-open textarea", "고쳐 쓴 글 <b>한</b> 줄")
    page.click(".fs-open [data-do=save]")
    page.wait_for_selector("#fs-list .fs-in >> text=고쳐 쓴 글 <b>한</b> 줄", timeout=SLOW)
    page.fill("#fs-search :is(input, textarea)", "고쳐 쓴")
    page.wait_for_function("document.querySelectorAll('#fs-list .fs-row').length === 1", timeout=SLOW)
    page.check("#fs-list [data-tick]")
    page.fill(".fs-ticked input[name=tag]", "다시 볼 것")
    page.click(".fs-ticked [data-do=tag]")
    page.wait_for_selector("#fs-list .fs-own >> text=다시 볼 것", timeout=SLOW)
    page.click("#fs-list [data-do=undo]")
    page.wait_for_selector("#fs-list .fs-own", state="detached", timeout=SLOW)
    page.click("#fs-list [data-do=undo]")
    page.wait_for_selector("#fs-list .fs-row", state="detached", timeout=SLOW)
    page.fill("#fs-search :is(input, textarea)", "")
    page.wait_for_function(
        "text => document.querySelector('#fs-list .fs-in p')?.innerText === text", arg=before, timeout=SLOW
    )
    with page.expect_download() as handed:
        page.click("[data-do=export][data-what=csv]")
    handed.value.save_as(tmp_path / "examples.csv")
    with (tmp_path / "examples.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120 and rows[0]["input"] == before


def test_an_answer_of_the_playground_becomes_an_example(page: Page, studio: Studio) -> None:
    new_project(page, studio, "대화에서 배우기")
    page.click("#tab-playground-button")
    page.wait_for_selector(".pg-starter", timeout=SLOW)
    page.fill("#pg-message textarea", "오늘 너무 피곤해요.")
    page.press("#pg-message textarea", "Enter")
    page.wait_for_selector("#pg-conversation .pg-answer [data-act=teach]", timeout=SLOW)
    answer = page.inner_text("#pg-conversation .pg-answer .pg-bubble").strip()
    page.click("#pg-conversation .pg-answer [data-act=teach]")
    page.wait_for_selector(".toast-body >> text=예시로 남겼습니다", timeout=SLOW)
    page.click("#tab-fewshot-button")
    page.wait_for_selector("#fs-list .fs-in >> text=오늘 너무 피곤해요.", timeout=SLOW)
    assert page.inner_text("#fs-list .fs-out").split() == answer.split()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_other_language_leaks_into_the_data_and_it_fits_a_narrow_page(
    page: Page, studio: Studio, language: str
) -> None:
    open_data(page, studio, language)
    for name in ("bring", "look", "split"):
        shut = page.locator(f"#fs-{name} > .label-wrap:not(.open)")
        if shut.count():
            shut.click()
    page.wait_for_timeout(500)
    place = page.locator("#fs-part-data")
    texts = [
        *place.evaluate(INTERFACE),
        *place.locator("[placeholder]").evaluate_all("all => all.map(one => one.placeholder)"),
    ]
    found = [line for line in texts if line.strip()]
    assert len(found) > 30
    for line in found:
        if language == "en":
            assert not re.search("[가-힣]", line), line
        else:
            plain = re.sub(r"\(.*?\)|CSV|XLSX|JSONL?|Parquet", "", line)
            assert not re.search(r"[A-Za-z]{3,}\s+[A-Za-z]{3,}", plain), line
    page.set_viewport_size({"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
