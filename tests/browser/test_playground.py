"""The playground as a person uses it, in a real browser: streams, stops, Hangul, versions, sides, a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import TimeoutError

from backend.models.endpoints import Endpoints
from tests.browser.conftest import Studio, open_studio
from tests.fakes import ChatServer, chat_server

if TYPE_CHECKING:
    from playwright.sync_api import Page

BOX = "#pg-message textarea"
WRITING = ".pg-writing .pg-bubble p:not(.pg-quiet)"
# The page's own words: without chats, versions and runs, which are in the language of whoever made them.
INTERFACE = """one => {
  const made = '#pg-chats ul, #pg-conversation, #pg-versions, #pg-prompt-list, #pg-run, #pg-answers, .pg-seen, style';
  const walk = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (!holder.closest(made) && holder.checkVisibility()) found.push(walk.currentNode.data);
  }
  return found;
}"""
LAST = "#pg-conversation .pg-turn:last-child"


@pytest.fixture
def server(studio: Studio) -> Iterator[ChatServer]:
    """A model on another server, slow enough (its 128 words take half a minute) to be stopped on any machine."""
    with chat_server(words=[f"말{number} " for number in range(600)], mood="slow", pause_s=0.25) as fake:
        endpoints = Endpoints(studio.home)
        kept = endpoints.add(f"server {fake.url}", fake.url)
        yield fake
        endpoints.remove(kept.id)


def open_chat(page: Page, studio: Studio, language: str = "ko") -> None:
    """The playground with an empty chat."""
    open_studio(page, f"{studio.url}{language}/")
    page.wait_for_selector(BOX)
    page.wait_for_selector("#pg-conversation :is(.pg-starter, .pg-turn)")
    page.click("#pg-new")
    page.wait_for_selector(".pg-starter")
    if "연습용 모델" not in page.input_value("#pg-model input") and language == "ko":
        choose_model(page, "연습용 모델")


def choose_model(page: Page, name: str) -> None:
    option = page.get_by_role("option", name=name)
    # A list that is drawn anew (the page has just learnt of another model) closes: it is opened again.
    for _ in range(10):
        page.click("#pg-model input")
        try:
            option.click(timeout=3_000)
            break
        except TimeoutError:
            page.press("#pg-model input", "Escape")
            page.locator("#pg-model input").blur()
    page.wait_for_function("name => document.querySelector('#pg-model input').value.includes(name)", arg=name)
    page.wait_for_timeout(300)


def say(page: Page, text: str) -> None:
    page.fill(BOX, text)
    page.press(BOX, "Enter")


def answered(page: Page) -> None:
    page.wait_for_selector(f"{LAST}.pg-answer .pg-cost", timeout=60_000)


def test_an_answer_streams_stops_and_is_there_after_a_reload(page: Page, studio: Studio, server: ChatServer) -> None:
    open_chat(page, studio)
    choose_model(page, f"small-model · server {server.url}")
    say(page, "길게 말해 주세요")
    page.wait_for_selector(WRITING)
    first = page.inner_text(WRITING)
    page.wait_for_function(
        "([at, before]) => document.querySelector(at)?.innerText.length > before", arg=[WRITING, len(first)]
    )
    page.keyboard.press("Escape")
    answered(page)
    assert server.left.wait(10), "the server was not left"
    assert "멈춤" in page.inner_text(f"{LAST} .pg-cost")
    text = page.inner_text(f"{LAST} .pg-bubble")
    assert "말1" in text and "말599" not in text
    open_studio(page, f"{studio.url}ko/")
    page.wait_for_selector(f"{LAST} .pg-cost")
    assert page.inner_text(f"{LAST} .pg-bubble") == text


def test_closing_the_page_in_the_middle_keeps_what_was_written(page: Page, studio: Studio, server: ChatServer) -> None:
    open_chat(page, studio)
    choose_model(page, f"small-model · server {server.url}")
    say(page, "길게 말해 주세요")
    page.wait_for_selector(WRITING)
    page.goto("about:blank")
    assert server.left.wait(15), "the model went on for nobody"
    open_studio(page, f"{studio.url}ko/")
    answered(page)
    assert "말0" in page.inner_text(f"{LAST} .pg-bubble")


def test_a_model_that_went_away_is_told_and_the_question_stays(page: Page, studio: Studio) -> None:
    open_chat(page, studio)
    with chat_server() as fake:
        gone = Endpoints(studio.home).add(f"gone {fake.url}", fake.url)
        open_studio(page, f"{studio.url}ko/")
        page.wait_for_selector("#pg-conversation .pg-starter")
        choose_model(page, f"small-model · gone {fake.url}")
    Endpoints(studio.home).remove(gone.id)
    say(page, "안녕하세요?")
    page.wait_for_selector(".toast-body")
    page.wait_for_selector("#pg-conversation .pg-user [data-act=regenerate]")
    page.wait_for_selector("#pg-send")
    assert not page.locator("#pg-stop").is_visible()
    choose_model(page, "연습용 모델")
    page.hover("#pg-conversation .pg-user")
    page.click("#pg-conversation .pg-user [data-act=regenerate]")
    answered(page)


def test_enter_while_composing_hangul_neither_sends_nor_breaks_the_line(page: Page, studio: Studio) -> None:
    open_chat(page, studio)
    page.focus(BOX)
    tools = page.context.new_cdp_session(page)
    tools.send("Input.imeSetComposition", {"text": "안녕", "selectionStart": 2, "selectionEnd": 2})
    assert page.input_value(BOX) == "안녕"
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229, "text": "\r"}
    tools.send("Input.dispatchKeyEvent", {"type": "keyDown", **enter})
    # Some systems press it a second time, plainly, once the syllable is complete.
    tools.send("Input.insertText", {"text": "안녕"})
    tools.send("Input.dispatchKeyEvent", {"type": "keyDown", **enter, "windowsVirtualKeyCode": 13})
    tools.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter, "windowsVirtualKeyCode": 13})
    page.wait_for_timeout(700)
    assert page.input_value(BOX) == "안녕"
    assert page.locator("#pg-conversation .pg-turn").count() == 0
    page.press(BOX, "Shift+Enter")
    page.keyboard.type("hi")
    assert page.input_value(BOX) == "안녕\nhi"
    page.press(BOX, "Enter")
    page.wait_for_selector("#pg-conversation .pg-user")
    assert page.inner_text("#pg-conversation .pg-user .pg-bubble") == "안녕\nhi"
    assert page.input_value(BOX) == ""
    answered(page)


def test_the_practice_model_answers_again_and_lets_itself_be_looked_into(page: Page, studio: Studio) -> None:
    open_chat(page, studio)
    page.click(".pg-starter >> nth=0")
    answered(page)
    assert re.search(r"첫 글자까지 [\d.]+초 · .*토큰 · 연습용 모델", page.inner_text(f"{LAST} .pg-cost"))
    page.click(f"{LAST} [data-act=regenerate]")
    page.wait_for_selector(f"{LAST} .pg-steps", timeout=60_000)
    assert "2/2" in page.inner_text(f"{LAST} .pg-steps")
    page.click(f"{LAST} [data-act=step] >> nth=0")
    page.wait_for_selector(f"{LAST} .pg-steps >> text=1/2")
    page.click(f"{LAST} [data-act=inside]")
    page.wait_for_selector(".pg-chip")
    page.locator(".pg-chip").last.click()
    page.wait_for_function("document.querySelector('.pg-chip:last-of-type')?.getAttribute('aria-selected') === 'true'")
    figures = [text for text in page.locator(".pg-bar-figure").all_inner_texts() if text]
    assert len(figures) >= 3 and all(text.endswith("%") for text in figures)


def test_a_message_is_edited_removed_and_brought_back(page: Page, studio: Studio) -> None:
    open_chat(page, studio)
    say(page, "안녕하세요")
    answered(page)
    page.hover("#pg-conversation .pg-user")
    page.click("#pg-conversation .pg-user [data-act=edit]")
    page.fill(".pg-field", "잘 지내세요?")
    page.click(".pg-save")
    page.wait_for_function("document.querySelector('.pg-user .pg-bubble')?.innerText === '잘 지내세요?'")
    answered(page)
    page.click(f"{LAST} [data-act=remove]")
    page.wait_for_selector(".pg-welcome")
    page.click("[data-act=unremove]")
    answered(page)
    assert page.inner_text("#pg-conversation .pg-user .pg-bubble") == "잘 지내세요?"


def test_two_assistants_side_by_side_and_one_is_kept(page: Page, studio: Studio, server: ChatServer) -> None:
    open_chat(page, studio)
    page.click("#pg-library > button")
    page.click("#pg-use-template")
    page.wait_for_function("document.querySelector('#pg-template textarea').value.includes('감성')")
    page.click("#pg-save > button")
    page.fill("#pg-name :is(input, textarea)", "영화평 분류")
    page.click("#pg-save-button")
    page.wait_for_function("document.querySelector('#pg-assistant input').value.includes('영화평 분류 v1')")
    page.fill("#pg-system textarea", "친절하게 답하십시오.")
    choose_model(page, f"small-model · server {server.url}")
    page.get_by_role("tab", name="나란히 비교").click()
    page.click("#pg-sides input")
    page.get_by_role("option", name="영화평 분류 v1").click()
    page.fill("#pg-sides-text textarea", "매 순간을 즐겼습니다.")
    page.press("#pg-sides-text textarea", "Enter")
    page.wait_for_function("document.querySelectorAll('.pg-card .pg-cost').length === 2", timeout=30_000)
    page.wait_for_selector("[data-act=keep]", timeout=60_000)
    page.click("[data-act=keep]")
    page.wait_for_function("document.querySelector('#pg-system textarea').value.includes('긍정')")
    assert "연습용 모델" in page.input_value("#pg-model input")


def test_a_table_is_answered_row_by_row_and_downloaded(
    page: Page, studio: Studio, server: ChatServer, tmp_path: Path
) -> None:
    server.words, server.mood = ["긍정"], "normal"
    open_chat(page, studio)
    choose_model(page, f"small-model · server {server.url}")
    page.fill("#pg-template textarea", "평: {input}")
    page.get_by_role("tab", name="일괄 실행").click()
    table = '번호,평\n1,매 순간을 즐겼습니다\n2,"지루하고, 길었습니다"\n3,다시 보고 싶습니다\n'
    page.set_input_files(
        "#pg-table-file input[type=file]",
        [{"name": "영화평.csv", "mimeType": "text/csv", "buffer": table.encode("cp949")}],
    )
    page.wait_for_selector("#pg-table >> text=CP949")
    page.wait_for_function("document.querySelector('#pg-column-0 input')?.value === '평'")
    page.click("#pg-batch-start")
    page.wait_for_selector(".pg-run", timeout=30_000)
    open_studio(page, f"{studio.url}ko/")
    page.get_by_role("tab", name="일괄 실행").click()
    page.wait_for_selector(".pg-run-succeeded", timeout=90_000)
    page.wait_for_function("document.querySelectorAll('.pg-row-answer').length === 3")
    with page.expect_download() as handed:
        page.click("[data-act=save][data-form=csv]")
    handed.value.save_as(tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["평"] for row in rows] == ["매 순간을 즐겼습니다", "지루하고, 길었습니다", "다시 보고 싶습니다"]
    assert {row["answer"] for row in rows} == {"긍정"}


def test_what_stands_in_the_form_is_there_after_a_reload(page: Page, studio: Studio) -> None:
    open_chat(page, studio)
    page.fill("#pg-template textarea", "{context} 위 글을 보고 답하십시오: {input}")
    page.wait_for_selector("#pg-slot-0 textarea")
    page.fill("#pg-slot-0 textarea", "도서관은 아홉 시에 엽니다.")
    page.wait_for_timeout(700)
    open_studio(page, f"{studio.url}ko/")
    page.wait_for_function("document.querySelector('#pg-slot-0 textarea')?.value.includes('아홉 시')")
    assert "{context}" in page.input_value("#pg-template textarea")
    page.fill("#pg-template textarea", "{input}")
    page.wait_for_selector("#pg-slot-0", state="hidden")
    page.wait_for_timeout(500)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_other_language_leaks_into_the_playground(page: Page, studio: Studio, language: str) -> None:
    open_chat(page, studio, language)
    for accordion in page.locator("#pg-left .label-wrap").all():
        accordion.click()
    texts = []
    for tab in page.locator("#pg-ways button[role=tab]").all():
        tab.click()
        page.wait_for_timeout(200)
        texts += page.locator("#playground").evaluate(INTERFACE)
        texts += page.locator("#playground [placeholder]").evaluate_all("all => all.map(one => one.placeholder)")
    found = [line for line in texts if line.strip()]
    assert len(found) > 40
    for line in found:
        if language == "en":
            assert not re.search("[가-힣]", line.replace("한국어", "")), line
        else:
            plain = re.sub(r"\(.*?\)|\{.*?\}|Enter|Shift|English|CSV|JSON|Matchum sample", "", line)
            assert not re.search(r"[A-Za-z]{3,}\s+[A-Za-z]{3,}", plain), line


def test_it_can_be_used_on_a_narrow_page(page: Page, studio: Studio) -> None:
    open_chat(page, studio)
    page.set_viewport_size({"width": 400, "height": 900})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 400
    for button in ("#pg-send", "#pg-new"):
        box = page.locator(button).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 400
