"""The measure part without a browser: what is listed, told, opened, kept, and what a tampered page is answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from backend.assistants import Documents
from backend.documents.embedding.model import EmbeddingModel
from backend.documents.index.index import Index
from backend.documents.index.settings import IndexSettings, activate, active
from backend.documents.measuring.importing import Imported, Refusal
from backend.documents.measuring.measuring import Measured, Row
from backend.documents.measuring.places import Place, Refound, refind
from backend.documents.measuring.sweep import Choice, Outcome, Tried
from backend.documents.measuring.told import measure
from backend.documents.shelf.intake import bring
from backend.documents.splitting.settings import SplitSettings
from backend.documents.values import Block, Parsed
from backend.errors import BadInput, Refused
from backend.jobs.run import Run
from backend.projects.folder import Project
from backend.services import Services, create_services
from backend.settings import Settings
from tabs.documents import measure_list, measure_part, measure_sweep_views, measure_views
from tabs.documents.measure_doing import PAGE, Doing
from tabs.documents.measure_handing import hand_over
from tabs.documents.measure_state import Where
from tabs.documents.measure_trying import Trying
from tabs.documents.passages_state import HANDED
from tabs.evaluation.choice import kept as choice_kept
from tabs.text import Words
from tests.documents.making import passages
from tests.documents.test_intake import texts

KO, EN = Words("ko"), Words("en")
ME = cast(gr.Request, SimpleNamespace(username=None))
TEXTS = ("정원은 <열세> 명입니다.", "점심은 열두 시에 시작합니다.")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = create_services(Settings(home=tmp_path / "home"))
    yield made
    made.close()


@pytest.fixture
def project(services: Services, tmp_path: Path) -> Project:
    """One document, read and indexed."""
    made = services.projects.open("owner", services.projects.create("owner", "문서").id)
    activate(made, IndexSettings(embedding=EmbeddingModel(kind="none")))
    (document,) = bring(made, texts(tmp_path, 안내="글")).added
    parsed = Parsed(blocks=tuple(Block(kind="paragraph", text=text, page=at) for at, text in enumerate(TEXTS, 1)))
    made.documents.kept.keep_parsed(document.sha256, parsed)
    made.documents.set_state(document, "indexed")
    with closing(Index(made.folder, active(made))) as index:
        index.put(document.id, passages(document.id, *TEXTS))
    return made


@pytest.fixture
def doing(services: Services) -> Doing:
    with gr.Blocks(analytics_enabled=False):
        return Doing(services, KO, measure_part.layout(KO), gr.Tabs())


def press(do: str, what: str = "") -> gr.EventData:
    return gr.EventData(None, {"do": do, "what": what})


def write(doing: Doing, project: Project, quote: str = TEXTS[0], where: Where | None = None, **changed: Any) -> Any:
    fields = {"question": "정원은 몇 명입니까?", "answer": "열세 명", "document": 1, "page": ""} | changed
    return doing.keep(project.id, where, quote=quote, request=ME, **fields)


def test_a_question_is_written_listed_escaped_edited_and_removed(doing: Doing, project: Project) -> None:
    updates = write(doing, project)
    html = updates[doing.view.listing]
    assert "정원은 &lt;열세&gt; 명입니다." in html and "<열세>" not in html and updates[doing.view.question] == ""
    (one,) = project.questions.list()
    form = doing.press(project.id, None, ME, press("edit", str(one.id)))
    assert form[doing.view.question] == "정원은 몇 명입니까?" and "정원은 &lt;열세&gt;" in form[doing.view.places]
    write(doing, project, "열두 시", form[doing.view.place], question="점심은 언제입니까?")
    (edited,) = project.questions.list()
    assert edited.id == one.id and edited.question == "점심은 언제입니까?"
    assert [place.quote for place in edited.places] == [TEXTS[0], "열두 시"], "its first place stays"
    doing.press(project.id, None, ME, press("drop", str(one.id)))
    assert project.questions.list() == []


def test_proposals_are_accepted_one_by_one_and_all(doing: Doing, project: Project) -> None:
    for number in range(3):
        project.questions.add(f"{number}번 질문?", [Place(1, 0, 5)], "", "model", "proposed")
    html = doing.press(project.id, None, ME, press("accept", "1"))[doing.view.listing]
    assert html.count(KO.t("measure.proposed")) == 2 and KO.t("measure.standing", accepted=1, proposed=2) in html
    html = doing.press(project.id, None, ME, press("accept_all"))[doing.view.listing]
    assert KO.t("measure.proposed") not in html and project.questions.count("accepted") == 3


def test_a_place_is_opened_in_its_passage(doing: Doing, project: Project) -> None:
    write(doing, project, "열두 시에 시작합니다")
    updates = doing.press(project.id, None, ME, press("read", "1"))
    assert updates[doing.parts].selected == "passages"
    assert project.get_note(HANDED) == {"document": 1, "passage": 1}


def test_long_lists_have_pages(doing: Doing, project: Project) -> None:
    for number in range(PAGE + 3):
        project.questions.add(f"{number}번 질문?", [Place(1, 0, 5)])
    first = doing.listed(project, Where(project.id))
    second = doing.press(project.id, first[doing.view.place], ME, press("page", "1"))
    assert "0번 질문?" in first[doing.view.listing] and f"{PAGE}번 질문?" not in first[doing.view.listing]
    assert f"{PAGE}번 질문?" in second[doing.view.listing] and second[doing.view.place].page == 1
    assert doing.listed(project, Where(project.id, page=99))[doing.view.place].page == 1


@pytest.mark.parametrize(("do", "what"), [("accept", "x"), ("page", "-1"), ("nonsense", "1"), ("drop", "9" * 40)])
def test_what_no_button_sends_is_refused(doing: Doing, project: Project, do: str, what: str) -> None:
    with pytest.raises(BadInput):
        doing.press(project.id, None, ME, press(do, what))


def test_a_question_needs_a_document_and_words_that_stand_in_it(doing: Doing, project: Project) -> None:
    for changed in ({"document": None}, {"quote": "없는 글"}, {"quote": "", "page": "두"}, {"question": " "}):
        with pytest.raises(BadInput):
            write(doing, project, **cast(Any, changed))


def test_places_are_gathered_left_out_and_given_up(doing: Doing, project: Project) -> None:
    view, fields = doing.view, {"document": 1, "page": ""}
    one = doing.editing.more(project.id, None, quote=TEXTS[0], request=ME, **cast(Any, fields))
    two = doing.editing.more(project.id, one[view.place], quote="열두 시", request=ME, **cast(Any, fields))
    assert [place.quote for place in two[view.place].places] == [TEXTS[0], "열두 시"] and two[view.quote] == ""
    left = doing.editing.press(project.id, two[view.place], ME, press("leave_out", "0"))
    assert [place.quote for place in left[view.place].places] == ["열두 시"]
    with pytest.raises(BadInput):
        doing.editing.press(project.id, left[view.place], ME, press("leave_out", "1"))
    write(doing, project, "", left[view.place], document=None)
    assert [place.quote for place in project.questions.list()[0].places] == ["열두 시"]
    assert doing.editing.press(project.id, left[view.place], ME, press("give_up"))[view.place].places == ()


def test_a_passage_that_was_found_begins_a_question(doing: Doing, project: Project, services: Services) -> None:
    (first, *_) = services.retrieval.index(project).passages(1)
    hand_over(project, "정원은 몇 명인가?", first)
    updates = Trying(services, KO, doing.view, doing).restore(project.id, None, ME)
    assert updates[doing.view.question] == "정원은 몇 명인가?" and updates[doing.view.form]["open"]
    write(doing, project, "", updates[doing.view.place], question=updates[doing.view.question], document=None)
    (kept,) = project.questions.list()
    assert kept.places == (Place(1, first.start, first.end, first.text),)
    again = Trying(services, KO, doing.view, doing).restore(project.id, None, ME)
    assert doing.view.question not in again, "read once"


def test_a_place_that_is_lost_is_told_first_with_what_to_do(doing: Doing, project: Project) -> None:
    write(doing, project, TEXTS[1], question="점심은 언제입니까?")
    write(doing, project)
    (document,) = project.documents.list()
    blocks = (
        Block(kind="paragraph", text=TEXTS[1], page=1),
        Block(kind="paragraph", text="정원이 바뀌었습니다.", page=2),
    )
    project.documents.kept.keep_parsed(document.sha256, Parsed(blocks=blocks))
    assert refind(project, document) == Refound(moved=1, lost=1)
    html = doing.listed(project, Where(project.id))[doing.view.listing]
    assert KO.t("measure.lost_count", count=1) in html and html.count(KO.t("measure.place_lost")) == 1
    assert html.index("정원은 몇 명입니까?") < html.index("점심은 언제입니까?")
    assert "정원은 &lt;열세&gt; 명입니다." in html, "what stood there is still told"
    project.documents.set_state(document, "queued")
    project.documents.kept.forget_parsed(document.sha256)
    assert html.count("<li>") == 2
    assert KO.t("measure.place_unread") in doing.listed(project, Where(project.id))[doing.view.listing]


def test_measuring_draws_the_table_and_it_is_there_again(doing: Doing, project: Project, services: Services) -> None:
    trying = Trying(services, KO, doing.view, doing)
    with pytest.raises(Refused):
        trying.measure(project.id, ME)
    assert doing.measured(project) == ""
    write(doing, project)
    write(doing, project, TEXTS[1], question="점심은 언제 시작합니까?")
    measure(project, services.retrieval)
    updates = trying.follow(project.id, Where(project.id), ME)
    html = updates[doing.view.measured]
    assert KO.t("measure.way_bm25") in html and escape(KO.t("error.index_no_vectors")) in html
    assert doing.view.measured not in trying.follow(project.id, updates[doing.view.place], ME), "drawn once"
    with closing(Index(project.folder, active(project))) as index:
        index.put(2, passages(2, "새 문서입니다."))
    followed = trying.follow(project.id, updates[doing.view.place], ME)
    assert doing.view.listing not in followed and KO.t("measure.outdated") in followed[doing.view.stale]
    with closing(Index(project.folder, active(project))) as index:
        index.drop(2)
    measure(project, services.retrieval)
    updates = trying.follow(project.id, updates[doing.view.place], ME)
    assert updates[doing.view.stale] == "", "measured again"
    html = updates[doing.view.measured]
    removed = doing.press(project.id, None, ME, press("drop", "1"))
    assert KO.t("measure.outdated") in removed[doing.view.stale]
    updates = trying.restore(project.id, None, ME)
    assert updates[doing.view.measured] == html
    assert updates[doing.view.body]["visible"] and updates[doing.view.empty] == ""
    assert updates[doing.view.document]["choices"] == [("안내.txt", 1)]


def test_without_documents_it_says_what_to_do_first(doing: Doing, services: Services) -> None:
    empty = services.projects.open("owner", services.projects.create("owner", "빈").id)
    updates = Trying(services, KO, doing.view, doing).restore(empty.id, None, ME)
    assert KO.t("measure.nothing") in updates[doing.view.empty] and not updates[doing.view.body]["visible"]
    assert doing.press(empty.id, None, ME, press("to_files"))[doing.parts].selected == "files"


def test_a_sweep_needs_a_choice_and_enough_questions(doing: Doing, project: Project, services: Services) -> None:
    trying = Trying(services, KO, doing.view, doing)
    with pytest.raises(BadInput, match="sweep_choose"):
        trying.sweep(project.id, [], [0.0], 2048, ME)
    with pytest.raises(Refused, match="measure_few"):
        trying.sweep(project.id, [128], [0.0], 2048, ME)
    with pytest.raises(BadInput, match="page_action"):
        trying.write(project.id, "{}x", 5, ME)


# --- views


def measured(**rows: tuple[float, ...]) -> Measured:
    told = tuple(Row(way=cast(Any, way), recall={5: one}, ndcg=one, mrr=one) for way, one in rows.items())
    failed = Row(way="dense", error_key="error.index_no_vectors")
    n = len(next(iter(rows.values())))
    return Measured(
        index="k", generation=1, questions=tuple(range(n)), left_out=(99,), k=5, when=time.time(), rows=(*told, failed)
    )


@pytest.mark.parametrize("words", [KO, EN])
def test_the_best_stands_first_and_the_verdict_is_of_questions(words: Words) -> None:
    told = measured(keyword=(0.2, 0.1) * 20, bm25=(1.0, 0.9) * 20)
    html = measure_views.measured_view(words, told, "keyword")
    better, other = words.t("measure.way_bm25"), words.t("measure.way_keyword")
    first = html[html.index("<tbody>") :]
    assert first.index(better) < first.index(other) < first.index(words.t("measure.way_dense"))
    assert better in html[: html.index("</p>")] and other not in html[: html.index("</p>")]
    assert "dr-open" not in html and 'data-do="use_way" data-what="bm25"' in html
    assert "use_way" not in measure_views.measured_view(words, told, "bm25")
    for key, details in (("left_out", {"count": 1}), ("recall_at", {"k": 5})):
        assert words.t(f"measure.{key}", **details) in html
    assert "95" in html and words.t("measure.few", few=30) not in html


@pytest.mark.parametrize("words", [KO, EN])
def test_few_questions_prove_nothing_and_a_models_own_are_told(words: Words) -> None:
    few = measured(keyword=(0.2,) * 19, bm25=(1.0,) * 19)
    html = measure_views.measured_view(words, few)
    assert words.t("measure.verdict.not_distinguishable.few", n=19, few=20) in html and "dr-open" in html
    by_model = escape(words.t("measure.by_model", count=10, n=19))
    assert by_model not in html
    html = measure_views.measured_view(words, few.model_copy(update={"model_written": 10}))
    assert by_model in html
    enough = measure_views.measured_view(words, measured(keyword=(0.2,) * 20, bm25=(1.0,) * 20))
    assert "dr-open" not in enough and words.t("measure.few", few=30) in enough


def test_the_lead_says_no_more_than_is_known() -> None:
    same = measure_views.measured_view(EN, measured(keyword=(0.5, 0.1) * 20, bm25=(0.5, 0.1) * 20))
    assert EN.t("measure.first_same", ways="“Keywords”, “Weighted words (BM25)”") in same
    near = measure_views.measured_view(EN, measured(keyword=(0.5, 0.1) * 20, bm25=(0.1, 0.52) * 20))
    assert EN.t("measure.first_unsure", way="“Weighted words (BM25)”") in near and "dr-open" in near
    clear = measure_views.measured_view(EN, measured(keyword=(0.5, 0.1) * 20, bm25=(0.9, 0.8) * 20))
    assert EN.t("measure.first", way="“Weighted words (BM25)”") in clear and "dr-open" not in clear


def choice(size: int, way: Any, k: int, told: tuple[float, ...]) -> Choice:
    cut = SplitSettings(size=size, overlap=0)
    return Choice(split=cut, way=way, k=k, reads=k * size, told=told, ndcg=told, chosen_by=told[0])


@pytest.mark.parametrize("words", [KO, EN])
def test_the_sweep_tells_the_best_against_now_and_offers_to_keep_it(words: Words) -> None:
    best, now = choice(128, "hybrid", 8, (1.0, 0.9) * 10), choice(256, "bm25", 5, (0.1, 0.2) * 10)
    failed = Tried(split=best.split, passages=3, tokens=9.0, row=Row(way="dense", error_key="error.index_no_vectors"))
    found = Outcome(choosing=20, best=best, now=now, every=(best,), failed=(failed,))
    html = measure_sweep_views.sweep_view(words, "run-1", found)
    assert 'data-do="keep_best" data-what="run-1"' in html and words.t("measure.as_best") in html
    assert words.t("measure.sweep_failed", way=words.t("measure.way_dense")) in html and html.count("<tr>") == 3
    same = Outcome(choosing=20, best=now, now=now, every=(now,))
    html = measure_sweep_views.sweep_view(words, "run-1", same)
    assert "keep_best" not in html and html.count("<tr>") == 2 and "dr-open" not in html


@pytest.mark.parametrize(
    ("now", "outcome", "looks"),
    [
        ((0.1, 0.2) * 10, "better", (False, True, True)),
        ((1.0, 0.9) * 10, "worse", (True, False, False)),
        ((0.1, 0.52) * 10, "not_distinguishable", (True, True, False)),
    ],
)
def test_only_a_proven_winner_is_told_as_settled_and_pressed_on(
    now: tuple[float, ...], outcome: str, looks: tuple[bool, bool, bool]
) -> None:
    """Whether the box is the undecided one, whether there is a button, and whether it is the main one."""
    told = {"better": (1.0, 0.9), "worse": (0.1, 0.2), "not_distinguishable": (0.5, 0.1)}[outcome] * 10
    best, present = choice(128, "hybrid", 8, told), choice(256, "bm25", 5, now)
    found = Outcome(choosing=20, best=best, now=present, every=(best, present))
    verdict = found.verdict(("now", "found"))
    assert verdict is not None and verdict.outcome == outcome
    html = measure_sweep_views.sweep_view(EN, "run-1", found)
    assert ("dr-open" in html, "keep_best" in html, 'class="act primary"' in html) == looks


def test_a_finished_sweep_is_read_from_its_files_once(
    doing: Doing, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trying, read = Trying(services, KO, doing.view, doing), []
    best = choice(128, "hybrid", 8, (1.0, 0.9) * 10)

    def outcome_of(run: Run) -> Outcome:
        read.append(run.id)
        return Outcome(choosing=20, best=best, now=None, every=(best,))

    monkeypatch.setattr("tabs.documents.measure_trying.outcome_of", outcome_of)
    runs = [Run(name, "retrieval_sweep", "", "succeeded", tmp_path / name, 1.0) for name in ("b", "a")]
    first = trying.swept(runs)
    assert trying.swept(runs) == first and "keep_best" in first and read == ["b"]
    assert trying.swept(runs[1:]) != first and read == ["b", "a"], "another run is another outcome"


def test_a_list_that_is_drawn_again_opens_no_document(
    doing: Doing, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(doing, project)
    before, opened = doing.listed(project, Where(project.id)), []
    parsed = type(project.documents).parsed
    monkeypatch.setattr(type(project.documents), "parsed", lambda *asked: opened.append(1) or parsed(*asked))
    assert doing.listed(project, Where(project.id)) == before and not opened
    project.questions.add("인용을 적지 않은 때의 질문?", [Place(1, 0, 5)])
    assert "<q>정원은 &lt;</q>" in doing.listed(project, Where(project.id))[doing.view.listing] and opened


def test_rows_that_were_left_out_are_told_with_their_line() -> None:
    refused = [Refusal(3, "error.measure_page", {"name": "<b>", "page": "9"})] * 25
    html = measure_list.imported_view(KO, Imported(added=1, same=2, refused=refused))
    assert html.count("<li>") == 22 and "&lt;b&gt;" in html and "<b>" not in html


def test_every_way_and_measure_has_its_words() -> None:
    for words in (KO, EN):
        for way in ("keyword", "bm25", "dense", "hybrid"):
            assert words.t(f"measure.way_{way}") and words.t(f"measure.about_{way}")
    assert Documents().retriever in ("keyword", "bm25", "dense", "hybrid")


def test_compare_opens_on_what_was_asked_here(doing: Doing, project: Project, services: Services) -> None:
    write(doing, project)
    trying = Trying(services, KO, doing.view, doing)
    trying.answer(project.id, ME)
    kept = choice_kept(project)
    assert kept is not None and kept.split == "dev" and len(kept.assistants) == 2
    assert {tag for one in project.examples.page() for tag in one.tags} == {"아는 질문"}
    (run,) = services.runs(project).list()
    services.runs(project).stop(run.id)
