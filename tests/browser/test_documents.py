"""Documents in a real browser: handed over, read, looked at, searched, asked about, and measured.

Every process of the studio notes where it connects to: a document and a question leave this machine in no way.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import TimeoutError, expect

from backend.documents.measuring.measuring import WAYS
from backend.models.endpoints import Endpoints
from tabs.text import Words
from tests.browser.conftest import open_studio
from tests.documents.pdfs import Sheet, save
from tests.fakes import ChatServer, chat_server
from tests.studio.process import Studio
from tests.studio.watching import strangers, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

HANGUL = Path(__file__).parents[1] / "documents" / "files" / "Table.hwpx"
LONG_MS = 120_000
TITLES = {"ko": ("새 프로젝트", "만들기"), "en": ("New project", "Create")}


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="module")
def library(watch: Path) -> Iterator[Studio]:
    """A studio of its own that notes every connection."""
    running = Studio(watch / "home", "--port", "7964", environment=watched(watch))
    try:
        yield running.wait(240)
    finally:
        running.end()


@pytest.fixture
def citing(library: Studio) -> Iterator[tuple[ChatServer, str]]:
    """A model on another server whose answers cite the first passage, and its name in the list of models."""
    with chat_server(words=["수학은 ", "78점입니다 ", "[1]."]) as fake:
        endpoints, name = Endpoints(library.home), f"인용하는 서버 {fake.url}"
        kept = endpoints.add(name, fake.url)
        yield fake, name
        endpoints.remove(kept.id)


def open_project(page: Page, studio: Studio, language: str, name: str) -> None:
    """An empty project, with the files part open; a second try makes another one."""
    name = f"{name} {secrets.token_hex(2)}"
    page.set_default_timeout(60_000)
    open_studio(page, f"{studio.url}{language}/")
    label, button = TITLES[language]
    page.click("#tab-overview-button")
    page.get_by_label(label).fill(name)
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_function("name => document.querySelector('#project input').value === name", arg=name)
    page.click("#tab-documents-button")
    page.wait_for_selector("#dc-list .empty")


def words_only(page: Page, told: str) -> None:
    """Documents get no points: no process has to load a model. Until the page says so, in the words `told`."""
    page.click("#dx-settings button")
    page.click("#dx-kind label:last-of-type")
    page.click("#dx-save")
    # Its words, and not just others: while the change is under way Gradio lays a clock over the old ones.
    expect(page.locator("#dx-told")).to_contain_text(told, timeout=60_000)


def hand_over(page: Page, folder: Path, language: str, sentences: list[str]) -> None:
    """A PDF of two pages, a Hangul file, and half a PDF; until the two are ready and the third is told as broken."""
    pages = [Sheet().lines(60, 780, ["Cover sheet of the handbook"]), Sheet().lines(60, 780, sentences)]
    whole = save(folder / "handbook.pdf", pages).read_bytes()
    (folder / "broken.pdf").write_bytes(whole[: len(whole) // 2])
    shutil.copy(HANGUL, folder / "scores.hwpx")
    files = [folder / name for name in ("handbook.pdf", "scores.hwpx", "broken.pdf")]
    page.set_input_files("#dc-drop input[type=file]", [str(file) for file in files])
    page.wait_for_selector("#dc-list .dc-fail", timeout=LONG_MS)
    page.wait_for_selector("#dc-standing [data-do=to_search]", timeout=LONG_MS)
    page.wait_for_function("document.querySelectorAll('#dc-list .tag.good').length === 2", timeout=LONG_MS)
    why = page.inner_text("#dc-list .dc-why")
    assert "broken.pdf" in why and ("다시" in why if language == "ko" else "again" in why), "it says what to do"


def row_of(page: Page, name: str) -> str:
    return page.locator("#dc-list tr", has_text=name).inner_text()


def search(page: Page, question: str) -> None:
    page.fill("#ds-question textarea", question)
    page.click("#ds-ask")
    page.wait_for_selector("#ds-results .ds-column[data-way=hybrid] li", timeout=LONG_MS)


def ask_with_documents(page: Page, question: str, way: str, model: str = "") -> None:
    """In the playground, with the project's documents on; until the answer is there."""
    page.click("#tab-playground-button")
    page.wait_for_selector(".pg-starter")
    if model:
        pick(page, "#pg-model", model)
    pick(page, "#pg-documents", way)
    page.fill("#pg-message textarea", question)
    page.click("#pg-send")
    page.wait_for_selector("#pg-conversation .pg-turn:last-child.pg-answer .pg-cost", timeout=LONG_MS)


def settle(page: Page) -> None:
    """Until the page stood still for a second: Gradio's list trips over a click while its choices are drawn anew."""
    before = ""
    for _ in range(30):
        now = page.inner_text("#tabs")
        if now == before:
            return
        before = now
        page.wait_for_timeout(1_000)


def pick(page: Page, dropdown: str, name: str) -> None:
    """A list that is drawn anew while it is open closes, or forgets the choice: it is opened again."""
    settle(page)
    for _ in range(10):
        try:
            page.click(f"{dropdown} input")
            page.get_by_role("option", name=name).first.click(timeout=5_000)
            page.wait_for_function(
                "([at, name]) => document.querySelector(at + ' input').value.includes(name)",
                arg=[dropdown, name],
                timeout=5_000,
            )
            break
        except TimeoutError:
            page.press(f"{dropdown} input", "Escape")
            page.locator(f"{dropdown} input").blur()
    page.wait_for_timeout(500)
    assert name in page.input_value(f"{dropdown} input")


def measure(page: Page, question: str, document: str, quote: str) -> dict[str, list[str]]:
    """Write a question down with its passage and measure; of each way what stands in the table: recall, nDCG, MRR."""
    page.click("#tab-documents-button")
    page.click("#dc-part-measure-button")
    page.wait_for_selector("#dr-form")
    if not page.is_visible("#dr-question textarea, #dr-question input"):
        page.click("#dr-form button")
    page.fill("#dr-question :is(textarea, input)", question)
    pick(page, "#dr-document", document)
    page.fill("#dr-quote textarea", quote)
    page.click("#dr-keep")
    page.wait_for_function("text => document.querySelector('#dr-list').innerText.includes(text)", arg=question)
    page.click("#dr-measure")
    page.wait_for_selector("#dr-measured table", timeout=LONG_MS)
    rows = page.locator("#dr-measured table.dr-table tbody tr").all()
    return {row.locator("b").first.inner_text(): row.locator(".dr-figure > b").all_inner_texts() for row in rows}


def test_from_a_hangul_file_to_a_citation_and_a_measure(
    page: Page, library: Studio, watch: Path, citing: tuple[ChatServer, str]
) -> None:
    """Words only, no embedding; the answer comes from a server that cites the first passage."""
    folder = watch / "ko"
    folder.mkdir(exist_ok=True)
    fake, name = citing
    open_project(page, library, "ko", "성적")
    words_only(page, "낱말로만")
    hand_over(page, folder, "ko", ["개똥이는 국어를 잘한다.", "수학은 더 배워야 한다."])
    assert "한글 HWPX" in row_of(page, "scores.hwpx")

    page.locator("#dc-list tr", has_text="scores.hwpx").locator("[data-do=read]").click()
    page.wait_for_selector("#dp-page .dc-no")
    assert "개똥이" in page.inner_text("#dp-page table") and "scores.hwpx" in page.input_value("#dp-picker input")

    page.click("#dc-part-search-button")
    search(page, "개똥이 이름 국어 영어 수학")
    assert "scores.hwpx" in page.inner_text(".ds-column[data-way=bm25] li:first-child")
    assert page.locator(".ds-column[data-way=bm25] li:first-child mark").count() > 2

    ask_with_documents(page, "개똥이의 수학 점수는?", "낱말 무게", model=name)
    page.click("#pg-conversation .pg-cite")
    page.wait_for_selector("#pg-sources .pg-page mark")
    assert "개똥이" in page.inner_text("#pg-sources .pg-page")
    assert "개똥이" in str(fake.asked[-1]["messages"]), "the passage went with the question"

    told = measure(page, "개똥이의 국어, 영어, 수학 점수는?", "scores.hwpx", "개똥이 | 89 | 65 | 78")
    t = Words("ko").t
    assert told[t("measure.way_bm25")] == ["100", "100", "100"], "the table stands first among what was found"
    assert told[t("measure.way_dense")] == [], "it has no points to be asked by"
    assert "질문 1개로" in page.inner_text("#dr-measured")
    assert strangers(watch) == []


def test_from_a_page_to_its_meaning_and_the_sources_of_an_answer(page: Page, library: Studio, watch: Path) -> None:
    """With the embedding that ships and the practice model, which need not cite: the sources open its passages."""
    folder = watch / "en"
    folder.mkdir(exist_ok=True)
    sentences = ["Patients with a fever above 39 degrees are seen first.", "Wards close for visitors at eight."]
    open_project(page, library, "en", "Ward rules")
    hand_over(page, folder, "en", sentences)

    page.click("#dc-standing [data-do=to_search]")
    search(page, "Who is treated before the others when it is urgent?")
    first = page.inner_text(".ds-column[data-way=dense] li:first-child")
    assert "handbook.pdf" in first and "39 degrees" in first, "found by meaning, with other words"
    page.click(".ds-column[data-way=dense] li:first-child [data-do=read]")
    page.wait_for_selector("#dp-page mark.dc-here")
    page.click("#dp-turn [data-do=leaf]")  # the passage begins on the cover and goes on to the second page
    page.wait_for_function("document.querySelector('#dp-page mark.dc-here')?.innerText.includes('39 degrees')")

    page.click("#dc-part-map-button")
    page.fill("#dm-question textarea", "When must guests leave?")
    page.click("#dm-ask")
    page.wait_for_selector("#dm-nearest .dm-near li", timeout=LONG_MS)
    assert "handbook.pdf" in page.inner_text("#dm-nearest li:first-child")
    # Two files and the question.
    page.wait_for_function("document.querySelectorAll('#dm-plot .scatterlayer .trace').length >= 3")

    ask_with_documents(page, "Which patients are seen first?", "Words and meaning")
    page.click("#pg-conversation [data-act=sources]")
    page.click("#pg-sources .pg-open-passage >> nth=0")
    page.wait_for_selector("#pg-sources .pg-page mark")

    told = measure(page, "Which patients come first?", "handbook.pdf", sentences[0])
    t = Words("en").t
    assert told == {t(f"measure.way_{way}"): ["100", "100", "100"] for way in WAYS}, "there is one English file"
    assert strangers(watch) == []


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_phone_shows_every_part_without_scrolling_sideways(
    page: Page, library: Studio, watch: Path, language: str
) -> None:
    """With a file that was read and a question that was measured by: the parts are not empty."""
    open_project(page, library, language, "phone")
    told = "The gate at the back of the building opens at seven and closes at nine."
    (watch / "gate.txt").write_text(told, encoding="utf-8")
    page.set_input_files("#dc-drop input[type=file]", str(watch / "gate.txt"))
    page.wait_for_selector("#dc-standing [data-do=to_search]", timeout=LONG_MS)
    assert measure(page, "When does the gate open?", "gate.txt", told)
    page.set_viewport_size({"width": 400, "height": 900})
    for part in ("files", "passages", "search", "map", "measure"):
        page.click(f"#dc-part-{part}-button")
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, part
