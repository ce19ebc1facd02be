"""The report: complete, harmless to open, and silent about texts that nobody asked to have in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from scipy.stats import binomtest

from backend.assistants import Assistant, Instructions
from backend.evaluation.answer_store import NewAnswer
from backend.evaluation.comparison import Comparison, compare
from backend.evaluation.identity import fingerprint, remember
from backend.evaluation.report import Extras, write_report
from backend.evaluation.values import Interval, Score
from backend.examples.example import NewExample
from backend.examples.splits import make_splits, plan_splits
from backend.examples.task import Task
from backend.fewshot.curve import Curve, Point
from backend.projects.folder import Project
from backend.settings import ASSETS
from tabs.text import Words

SECRET = "아무에게도 보이지 않을 영화평"


@pytest.fixture
def comparison(project: Project) -> Comparison:
    """Two assistants over one test split: the first always right, the second one label throughout."""
    store = project.examples
    store.set_task(Task(kind="sentiment", labels=("긍정", "부정"), metric="accuracy"))
    labels = ("긍정", "부정")
    rows = [NewExample(variables={"input": f"{SECRET} {n}"}, output=labels[n % 2]) for n in range(120)]
    store.add(rows, "import")
    make_splits(store, plan_splits(store))
    ids = []
    for name, system in (("<b>나은</b>", "하나"), ("기본", "둘")):
        assistant = Assistant(name=name, instructions=Instructions(system=system))
        ids.append(project.assistants.save(name, assistant).id)
        known = fingerprint(project.assistants.get(ids[-1]).assistant, lambda ref: ASSETS / "starter")
        remember(project, project.assistants.get(ids[-1]).assistant, known)
        right = name != "기본"
        project.answers.add(
            [
                NewAnswer(assistant=known, input_key=one.input_key, text=one.output if right else "긍정", seconds=0.1)
                for one in store.each("test", "evaluate")
            ]
        )
    return compare(project, ids, "test")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_report_has_the_verdict_the_figures_and_the_method(
    tmp_path: Path, comparison: Comparison, language: str
) -> None:
    words = Words(language)  # type: ignore[arg-type]
    path = tmp_path / "report.html"
    tell = lambda key, details: words.t(key, **details)  # noqa: E731
    write_report(path, "영화평 & 분류", comparison, tell, language, "2026-11-21 10:00", Extras({}))
    page = path.read_text(encoding="utf-8")
    assert comparison.n > 10 and comparison.rows[0].score and comparison.rows[0].score.value == 1.0
    low = 100 * float(binomtest(comparison.n, comparison.n).proportion_ci(method="wilson").low)
    assert "&lt;b&gt;나은" in page and "<b>나은" not in page and "영화평 &amp; 분류" in page
    verdict = comparison.verdicts[0]
    assert words.t(verdict.key, **verdict.details).split("’")[-1].split(" ")[-1] in page
    for told in (f"100.0 ({low:.1f}–100.0)", "seed", "statsmodels", words.t("report.method_tests")[:20]):
        assert told in page, told
    assert SECRET not in page, "texts of examples are there only when asked for"


def test_texts_are_quoted_when_asked_for(tmp_path: Path, comparison: Comparison) -> None:
    path = tmp_path / "report.html"
    words = Words("ko")
    write_report(path, "x", comparison, lambda key, told: words.t(key, **told), "ko", "now", Extras({}, texts=3))
    assert path.read_text(encoding="utf-8").count(SECRET) == 3


class Tags(HTMLParser):
    """Which tags and which addresses a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "action", "data"}]


def test_a_report_runs_nothing_and_asks_nobody(tmp_path: Path, comparison: Comparison) -> None:
    path = tmp_path / "report.html"
    words = Words("en")
    write_report(path, "x", comparison, lambda key, told: words.t(key, **told), "en", "now", Extras({}))
    page = path.read_text(encoding="utf-8")
    found = Tags()
    found.feed(page)
    assert not found.tags & {"script", "link", "img", "iframe", "form", "object"} and not found.addresses
    assert "default-src 'none'" in page and not re.search(r"https?://|@import|url\(", page)


def test_the_curve_is_titled_with_its_own_metric(tmp_path: Path, comparison: Comparison) -> None:
    words = Words("ko")
    score = Score("macro_f1", 0.5, Interval(0.4, 0.6, "wilson"), 50)
    points = (Point(shots=0, value=0.5, low=0.4, high=0.6, scores=(score,)),)
    curve = Curve(metric="macro_f1", method="random", n=50, points=points, made=1.0)
    path = tmp_path / "report.html"
    tell = lambda key, details: words.t(key, **details)  # noqa: E731
    write_report(path, "p", comparison, tell, "ko", "", Extras({}, curve))
    section = path.read_text(encoding="utf-8").split(words.t("report.curve_note"))[1].split("</table>")[0]
    assert words.t("metrics.name.macro_f1") in section and words.t("metrics.name.accuracy") not in section
