"""Known questions: kept, brought in as a table, and their places found again in a new version of their document."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from backend.documents.index.index import Index
from backend.documents.index.settings import active
from backend.documents.measuring.importing import import_questions
from backend.documents.measuring.measuring import askable
from backend.documents.measuring.places import Place, Refound, found_again, refind
from backend.errors import BadInput, NotFound
from backend.projects.folder import Project
from tests.documents.asking import THINGS, document, reread, table


def test_places_are_found_again_in_a_new_version_of_their_document(asked: Project) -> None:
    there = f"펌프에 대하여 말하면 {THINGS['펌프']}."
    changed = reread(asked, "펌프", "새 머리말입니다.", there)
    assert refind(asked, changed) == Refound(moved=1)
    (place,) = asked.questions.about(changed.id)[0].places
    assert asked.documents.laid(changed).text[place.start : place.end] == place.quote == THINGS["펌프"]
    assert refind(asked, changed) == Refound(same=1)


def test_a_place_that_is_not_there_any_more_is_lost_until_its_words_are_back(asked: Project) -> None:
    changed = reread(asked, "펌프", "윤활유는 이제 갈지 않습니다.")
    assert refind(asked, changed) == Refound(lost=1)
    (place,) = asked.questions.about(changed.id)[0].places
    assert place.lost and place.quote == THINGS["펌프"]
    with closing(Index(asked.folder, active(asked))) as index:
        good, left = askable(index, asked.questions.list())
    assert len(good) == len(THINGS) - 1 and left == [asked.questions.about(changed.id)[0].id]
    reread(asked, "펌프", "머리말", f"다시 {THINGS['펌프'].replace(' ', '  ')}.")
    assert refind(asked, changed) == Refound(moved=1), "blanks may differ"
    assert not asked.questions.about(changed.id)[0].places[0].lost


def test_other_documents_places_stay_where_they_are(asked: Project) -> None:
    two = [place for thing in ("펌프", "금고") for place in asked.questions.about(document(asked, thing).id)[0].places]
    both = asked.questions.add("둘 다 무엇입니까?", two)
    refind(asked, reread(asked, "펌프", "아무 말도 없습니다."))
    assert both is not None
    assert [place.lost for place in asked.questions.get(both.id).places] == [True, False]
    assert asked.questions.get(both.id).places[1] == two[1]


def test_of_several_the_nearest_and_of_a_few_letters_none() -> None:
    text = "값은 십이다. " * 3
    assert found_again("머. " + text, Place(1, 9, 16).quoted(text))[:3] == (1, 12, 19)
    assert found_again("가나 십 다라 십", Place(1, 3, 4, "십")).lost is False, "it stands where it stood"
    assert found_again("십 가나 다라 십", Place(1, 3, 4, "십")).lost
    assert found_again("짧다", Place(1, 3, 9)).lost and not found_again("짧지 않은 글이다", Place(1, 3, 9)).lost
    long = "긴 글입니다. " * 300
    whole = found_again("앞말 " + long, Place(1, 0, len(long)).quoted(long))
    assert (whole.start, whole.end) == (3, 3 + len(long))


def test_a_question_is_kept_edited_accepted_and_removed(project: Project) -> None:
    store = project.questions
    first = store.add("  무엇입니까?\n", [Place(1, 5, 9), Place(1, 0, 3)], "답", "model", "proposed")
    assert first is not None and first.question == "무엇입니까?" and first.places == (Place(1, 0, 3), Place(1, 5, 9))
    assert store.add("무엇입니까?", [Place(1, 0, 3), Place(1, 5, 9)]) is None
    assert store.count() == 1 and store.list("accepted") == []
    assert store.accept([first.id, 999]) == 1 and store.accept([first.id]) == 0
    edited = store.edit(first.id, answer="다른 답")
    assert (edited.answer, edited.question, edited.state) == ("다른 답", "무엇입니까?", "accepted")
    assert store.remove([first.id]) == 1
    with pytest.raises(NotFound):
        store.get(first.id)


@pytest.mark.parametrize(("question", "places"), [("", [Place(1, 0, 1)]), ("무엇?", []), ("무엇?", [Place(1, 4, 4)])])
def test_a_question_without_words_or_place_is_refused(project: Project, question: str, places: list[Place]) -> None:
    with pytest.raises(BadInput):
        project.questions.add(question, places)


def test_a_table_in_an_old_encoding_comes_in_and_each_bad_row_is_told(filled: Project, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "질문;문서;인용;쪽",
        "정원은?;승강기.txt;정원은  열세 명;",
        "어느 쪽?;승강기.txt;;2",
        "정원은?;승강기.txt;정원은 열세 명;",
        "없는 글;승강기.txt;정원은 백 명;",
        "없는 문서;배.txt;정원;",
        "없는 쪽;승강기.txt;;77",
        "곳이 없다;승강기.txt;;",
        ";승강기.txt;정원은 열세 명;",
        encoding="cp949",
    )
    done = import_questions(filled, path)
    assert (done.added, done.same) == (2, 1)
    told = [(one.line, one.key) for one in done.refused]
    assert told == [
        (5, "error.measure_quote"), (6, "error.measure_document"), (7, "error.measure_page"),
        (8, "error.measure_no_place"), (9, "error.measure_question"),
    ]  # fmt: skip
    laid = filled.documents.laid(document(filled, "승강기")).text
    quoted, page = (one.places[0] for one in filled.questions.list())
    assert laid[quoted.start : quoted.end] == "정원은 열세 명"
    assert laid[page.start : page.end] == "승강기에 대하여 말하면 정원은 열세 명입니다."


def test_a_table_without_the_columns_is_refused(filled: Project, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as told:
        import_questions(filled, table(tmp_path, "question,answer", "a,b"))
    assert told.value.key == "error.measure_csv_columns"
