"""Every metric against a published value, or one that another library computes."""

from collections.abc import Sequence

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.metrics.sequence_labeling import get_entities
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from backend.errors import BadInput
from backend.evaluation.counts import VALUE_OF
from backend.evaluation.metrics import aggregate, confusion, latency, per_label, refuses, rule_key, score_example, share
from backend.evaluation.metrics.generation import morphemes, rouge_l
from backend.evaluation.metrics.overlap import char_f1, exact_match, normalised, token_f1
from backend.evaluation.values import ExampleScore
from backend.examples.entity_text import write_spans
from backend.examples.example import NewExample, Span
from backend.examples.task import METRICS, Task

LETTERS = Task(kind="classification", labels=("one", "two", "three", "never"), metric="macro_f1")
TRANSLATION = Task(kind="translation", metric="chrf")


def example(output: str, text: str = "x") -> NewExample:
    return NewExample(variables={"input": text}, output=output)


def labelled(pairs: Sequence[tuple[str, str | None]]) -> list[ExampleScore]:
    return [score_example(LETTERS, example(wanted), told) for wanted, told in pairs]


# --- classification ---------------------------------------------------------------------------------------------------

PAIRS: list[tuple[str, str | None]] = [
    *[("one", "one")] * 7,
    *[("one", "two")] * 2,
    ("one", None),
    *[("two", "two")] * 4,
    ("two", "one"),
    ("two", "who knows"),
    *[("three", "three")] * 2,
    ("three", "one"),
]


def test_macro_f1_accuracy_and_labels_agree_with_scikit_learn() -> None:
    scores = labelled(PAIRS)
    wanted = [pair[0] for pair in PAIRS]
    told = [pair[1] if pair[1] in LETTERS.labels else "unreadable" for pair in PAIRS]
    names = ["one", "two", "three"]
    assert aggregate(LETTERS, "macro_f1", scores).value == pytest.approx(
        f1_score(wanted, told, labels=names, average="macro", zero_division=0)
    )
    assert aggregate(LETTERS, "accuracy", scores).value == pytest.approx(13 / 19)
    assert aggregate(LETTERS, "accuracy", scores).unreadable == 2
    table = confusion(LETTERS, scores)
    assert table.labels == ("one", "two", "three")
    both = confusion_matrix(wanted, told, labels=[*names, "unreadable"])
    assert table.matrix == tuple(tuple(map(int, row)) for row in both[:3])
    precision, recall, f1, n = precision_recall_fscore_support(wanted, told, labels=names, zero_division=0)
    for place, (label, one) in enumerate(per_label(LETTERS, scores).items()):
        assert label == names[place]
        assert one[:3] == pytest.approx((precision[place], recall[place], f1[place]))
        assert one.n == n[place]


def test_a_label_that_is_only_invented_costs_recall_and_is_shown() -> None:
    scores = labelled([("one", "never"), ("one", "one")])
    assert confusion(LETTERS, scores).labels == ("one", "never")
    assert per_label(LETTERS, scores)["never"] == (0.0, None, None, 0)
    assert aggregate(LETTERS, "macro_f1", scores).value == pytest.approx(2 / 3)


def test_failures_count_as_wrong() -> None:
    score = score_example(LETTERS, example("one"), None)
    assert (score.values["accuracy"], score.values["readable"], score.parsed.value) == (0.0, 0.0, None)
    for kind, metrics in METRICS.items():
        task = Task(kind=kind, labels=("one",) if kind in ("classification", "sentiment") else ())
        failed = score_example(task, example("one"), None)
        assert all(failed.values[metric] == 0.0 for metric in metrics if metric != "judge")
        assert aggregate(task, metrics[0], [failed] * 3).value == 0.0
        assert aggregate(task, metrics[0], [failed] * 3).unreadable == 3


# --- entities ---------------------------------------------------------------------------------------------------------


def test_span_f1_is_that_of_seqevals_readme() -> None:
    wanted = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    told = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    task = Task(kind="entities", labels=("MISC", "PER"), metric="span_f1")
    scores = []
    for right, given in zip(wanted, told, strict=True):
        text = " ".join(f"w{place}" for place in range(len(right)))
        variables = {"input": text}
        answer = write_spans(variables, _spans(given))
        scores.append(score_example(task, example(write_spans(variables, _spans(right)), text), answer))
    assert aggregate(task, "span_f1", scores).value == pytest.approx(0.5)  # the value in seqeval's README
    assert seqeval_f1(wanted, told) == pytest.approx(0.5)
    assert [score.values["exact_match"] for score in scores] == [0.0, 1.0]


def _spans(tags: list[str]) -> list[Span]:
    """Tags of words "w0 w1 ...", three characters each with the space after them."""
    return [Span(start=3 * first, end=3 * last + 2, label=label) for label, first, last in get_entities(tags)]


def test_entities_that_are_not_in_the_input_are_wrong() -> None:
    task = Task(kind="entities", labels=("사람", "장소"), metric="span_f1")
    one = example("사람: 이순신\n장소: 한산도", "이순신은 한산도에 갔다")
    invented = score_example(task, one, "사람: 이순신\n장소: 부산")
    assert invented.counts["span_f1"] == (1.0, 2.0, 2.0)
    assert invented.values["span_f1"] == 0.5
    nothing = example("없음", "비가 온다")
    assert score_example(task, nothing, "없음").values == {
        "span_f1": 1.0,
        "exact_match": 1.0,
        "refusal": 0.0,
        "readable": 1.0,
        "length": 2.0,
    }
    assert score_example(task, nothing, "모릅니다").values["span_f1"] == 0.0


# --- question answering -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "answer", "exact", "f1"),
    [
        # SQuAD's normalisation (Rajpurkar et al. 2016): case, punctuation, articles, white space.
        ("The Eiffel Tower", "eiffel tower.", 1.0, 1.0),
        ("a cat, sat!", "Cat sat", 1.0, 1.0),
        ("Denver Broncos", "the Denver Broncos won", 0.0, 0.8),
        ("Carolina Panthers", "Denver Broncos", 0.0, 0.0),
        ("", "", 1.0, 1.0),
        ("", "something", 0.0, 0.0),
    ],
)
def test_english_answers_as_squads_script_measures_them(expected: str, answer: str, exact: float, f1: float) -> None:
    assert exact_match(expected, answer) == exact
    assert token_f1(expected, answer) == pytest.approx(f1)


def test_korean_answers_as_korquads_script_measures_them() -> None:
    assert exact_match("《독립신문》", "독립신문") == 1.0
    assert exact_match("서울", "서울에서") == 0.0
    assert char_f1("서울", "서울에서") == pytest.approx(2 * 2 / (2 + 4))
    assert token_f1("서울", "서울에서") == 0.0
    assert char_f1("대한 민국", "대한민국") == 1.0
    assert normalised("“A” the\u1112\u1161\u11ab", True) == "a the한"


def test_a_number_is_right_or_wrong() -> None:
    task = Task(kind="question_answering", metric="exact_match")
    solved = example("She has 16 - 3 - 4 = 9 eggs left.\nShe makes 9 * 2 = $18.\n#### 18")  # the first of GSM8K's test
    assert score_example(task, solved, "9 eggs at $2, so 9 * 2 = $18.00").values["exact_match"] == 1.0
    assert not score_example(task, solved, "9 eggs at $2 make $18.00").parsed.readable, "three, and none is the result"
    assert score_example(task, solved, "The answer is 19").values["char_f1"] == 0.0


# --- chrF, BLEU, ROUGE ------------------------------------------------------------------------------------------------

ANSWERS = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
REFERENCES = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
SECOND = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]
"""The example of sacrebleu's README."""


def test_values_of_counts_are_those_of_sacrebleus_readme() -> None:
    bleu = BLEU()._extract_corpus_statistics(ANSWERS, [REFERENCES, SECOND])
    chrf = CHRF()._extract_corpus_statistics(ANSWERS, [REFERENCES, SECOND])
    assert 100 * VALUE_OF["bleu"](np.sum(bleu, axis=0, dtype=float)) == pytest.approx(48.53, abs=0.005)
    assert 100 * VALUE_OF["chrf"](np.sum(chrf, axis=0, dtype=float)) == pytest.approx(59.73, abs=0.005)


def test_bleu_and_chrf_are_sacrebleus() -> None:
    task = Task(kind="translation", metric="bleu")
    scores = [score_example(task, example(one), told) for one, told in zip(REFERENCES, ANSWERS, strict=True)]
    bleu, chrf = aggregate(task, "bleu", scores).value, aggregate(task, "chrf", scores).value
    assert 100 * bleu == pytest.approx(BLEU().corpus_score(ANSWERS, [REFERENCES]).score)
    assert 100 * chrf == pytest.approx(CHRF().corpus_score(ANSWERS, [REFERENCES]).score)
    for score, one, told in zip(scores, REFERENCES, ANSWERS, strict=True):
        assert 100 * score.values["bleu"] == pytest.approx(BLEU(effective_order=True).sentence_score(told, [one]).score)
        assert 100 * score.values["chrf"] == pytest.approx(CHRF().sentence_score(told, [one]).score)


def test_corpus_values_agree_with_sacrebleu_on_odd_texts() -> None:
    drawn = np.random.default_rng(0)
    words = ["가", "나라", "abc", ".", "x", "the"]
    for _ in range(30):
        texts = [
            [" ".join(drawn.choice(words, drawn.integers(0, 7))) for _ in range(int(drawn.integers(1, 4)))]
            for _ in range(2)
        ]
        pairs = list(zip(*texts, strict=False))
        answers, wanted = (
            [one for one, _ in pairs],
            [other.replace("가", "q").replace("나라", "z") for _, other in pairs],
        )
        scores = [score_example(TRANSLATION, example(one), told) for one, told in zip(wanted, answers, strict=True)]
        # An answer of nothing but white space is unreadable; sacrebleu sees the same empty text.
        bleu = 100 * aggregate(TRANSLATION, "bleu", scores).value
        chrf = 100 * aggregate(TRANSLATION, "chrf", scores).value
        assert bleu == pytest.approx(BLEU(force=True).corpus_score(answers, [wanted]).score, abs=1e-6)
        assert chrf == pytest.approx(CHRF().corpus_score(answers, [wanted]).score, abs=1e-6)


def test_korean_bleu_counts_morphemes() -> None:
    wanted, told = "나는 학교에 갔다.", "나는 학교에서 갔다."
    score = score_example(TRANSLATION, example(wanted), told)
    cut = [" ".join(morphemes(text)) for text in (told, wanted)]
    expected = BLEU(tokenize="none", effective_order=True).sentence_score(cut[0], [cut[1]]).score
    assert 100 * score.values["bleu"] == pytest.approx(expected)
    assert score.counts["bleu"][2] > 3, "more agrees than words with their particles could"


def test_rouge_sees_korean() -> None:
    assert rouge_l("오늘은 비가 온다", "오늘은 비가 온다") == 1.0
    # 오늘/은/비/가/오/ᆫ다 and 오늘/은/눈/이/오/ᆫ다: 4 of 6 morphemes in order.
    assert rouge_l("오늘은 비가 온다", "오늘은 눈이 온다") == pytest.approx(4 / 6)
    assert rouge_l("비", "") == 0.0


def test_rouge_of_english_is_that_of_lins_paper() -> None:
    # Lin 2004, section 3: 3/4 and 2/4, where ROUGE-2 cannot tell the two apart.
    reference = "police killed the gunman"
    assert rouge_l(reference, "police kill the gunman") == pytest.approx(0.75)
    assert rouge_l(reference, "the gunman kill police") == pytest.approx(0.5)


# --- behaviour --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ("죄송하지만 그 질문에는 답변할 수 없습니다.", True),
        ("도와드릴 수 없습니다.", True),
        ("AI 언어 모델로서 의견을 가질 수 없습니다", True),
        ("I'm sorry, but I can't help with that.", True),
        ("I cannot assist with this request.", True),
        ("As an AI language model, I do not have opinions", True),
        ("긍정", False),
        ("이 문제는 풀 수 없을 만큼 어렵지 않습니다.", False),
        ("죄송합니다. 배송이 늦어졌습니다.", False),
        ("He said he cannot come.", False),
        ("", False),
    ],
)
def test_refusals_are_known_by_how_they_open(answer: str, refused: bool) -> None:
    assert refuses(answer) is refused


def test_latency_is_a_median_and_a_high_percentile() -> None:
    assert latency([]) == (None, None)
    assert latency([2.0]) == (2.0, 2.0)
    assert latency([float(second) for second in range(1, 101)]) == pytest.approx((50.5, 95.05))


def test_a_share_of_what_answers_do_has_its_interval() -> None:
    scores = labelled([("one", "one")] * 8 + [("one", "?")] * 2)
    value, interval = share(scores, "readable")
    assert value == 0.8
    assert (interval.low, interval.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


# --- the frame --------------------------------------------------------------------------------------------------------


def test_a_metric_that_was_not_measured_is_refused() -> None:
    with pytest.raises(BadInput, match="metric_not_measured"):
        aggregate(LETTERS, "bleu", labelled([("one", "one")]))
    with pytest.raises(BadInput, match="metric_not_measured"):
        aggregate(TRANSLATION, "judge", [score_example(TRANSLATION, example("x"), "y")])


def test_the_rule_changes_with_what_a_score_follows_from() -> None:
    one = example("one")
    key = rule_key(LETTERS, one)
    assert key == rule_key(LETTERS.model_copy(update={"good": "short", "metric": "accuracy"}), one)
    assert key != rule_key(LETTERS, example("two"))
    assert key != rule_key(LETTERS.model_copy(update={"labels": ("one",)}), one)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_examples_have_wide_intervals(n: int) -> None:
    for kind, metrics in METRICS.items():
        task = Task(kind=kind, labels=("one", "two") if kind in ("classification", "sentiment") else ())
        for metric in (one for one in metrics if one != "judge"):
            scores = [score_example(task, example("one"), "one")] * n
            told = aggregate(task, metric, scores)
            assert 0 <= told.interval.low <= told.value <= told.interval.high <= 1
            assert told.interval.high - told.interval.low > 0.5
