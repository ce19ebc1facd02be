"""Every interval and test against a published value, or one that scipy or statsmodels computes another way."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_rel
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from backend.evaluation.counts import counts_of
from backend.evaluation.intervals import apart, mean_limits, score_limits, tango, wilson
from backend.evaluation.statistics import examples_needed, gap, holm, paired, parts, score_of
from backend.evaluation.values import Difference, ExampleScore, Interval, Parsed
from backend.evaluation.verdicts import family
from backend.examples.task import Metric

TEXT = Parsed("x", "metrics.rule.text")


def shares(*right: float) -> list[ExampleScore]:
    return [ExampleScore(TEXT, {"accuracy": float(one)}) for one in right]


def graded(values: list[float]) -> list[ExampleScore]:
    return [ExampleScore(TEXT, {"rouge_l": one}) for one in values]


def labelled(pairs: Sequence[tuple[str, str | None]]) -> list[ExampleScore]:
    return [
        ExampleScore(Parsed(told, ""), {"accuracy": float(told == wanted)}, expected=wanted) for wanted, told in pairs
    ]


def rounded(limits: tuple[float, float] | Interval, digits: int = 4) -> tuple[float, float]:
    low, high = (limits.low, limits.high) if isinstance(limits, Interval) else limits
    return round(low, digits), round(high, digits)


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "limits"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilsons_interval_is_that_of_newcombes_table(k: int, n: int, limits: tuple[float, float]) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3."""
    assert rounded(wilson(k, n)) == limits
    assert score_of("accuracy", shares(*[1] * k, *[0] * (n - k)))[1] == wilson(k, n)


@pytest.mark.parametrize(
    ("a", "b", "limits"),
    [
        ((48, 80), (56, 70), (0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.1705, 0.8090)),
        ((2, 7), (6, 7), (0.0582, 0.8062)),
        ((0, 29), (5, 56), (-0.0381, 0.1926)),
        ((0, 10), (10, 10), (0.6075, 1.0)),
    ],
)
def test_the_gap_of_two_groups_is_that_of_newcombes_table(
    a: tuple[int, int], b: tuple[int, int], limits: tuple[float, float]
) -> None:
    """Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10."""
    first, second = (shares(*[1] * k, *[0] * (n - k)) for k, n in (a, b))
    told = gap("accuracy", first, second)
    assert rounded((told.low, told.high)) == limits
    assert told.n == a[1] + b[1]
    assert told.test == "fisher"


def test_tangos_interval_and_mcnemars_test_on_two_published_studies() -> None:
    """Fagerland, Lydersen and Laake 2014 and 2013: airways (1, 1, 7, 12), response (59, 6, 16, 80)."""
    assert rounded(tango(7, 1, 21), 3) == (-0.517, -0.026)
    assert rounded(tango(16, 6, 161), 3) == (-0.124, -0.005)
    before = shares(*[1] * 8, *[0] * 13)
    after = shares(1, *[0] * 7, 1, *[0] * 12)
    told = paired("accuracy", before, after)
    assert (told.a_only, told.b_only, told.n, told.test) == (7, 1, 21, "mcnemar")
    assert told.value == pytest.approx(-6 / 21)
    assert told.p == pytest.approx(0.0703, abs=5e-5)
    assert (told.low, told.high) == tango(7, 1, 21)


@pytest.mark.parametrize(("a_only", "b_only", "n"), [(0, 0, 10), (0, 10, 10), (10, 0, 10), (0, 1, 1), (3, 4, 7)])
def test_tango_at_the_ends(a_only: int, b_only: int, n: int) -> None:
    low, high = tango(a_only, b_only, n)
    assert -1 <= low <= (b_only - a_only) / n <= high <= 1
    assert high - low > 0.2
    assert rounded((low, high)) == rounded((-tango(b_only, a_only, n)[1], -tango(b_only, a_only, n)[0]))


def test_score_limits_solve_the_equation_they_stand_for() -> None:
    """|value - mu| = t * sqrt(mu (1 - mu) / n*) at both limits; without variance n* is n."""
    interval = score_limits(0.7, 0.05, 30)
    effective, t = 0.7 * 0.3 / 0.05**2, 2.045230
    for limit in (interval.low, interval.high):
        assert abs(0.7 - limit) == pytest.approx(t * math.sqrt(limit * (1 - limit) / effective), rel=1e-5)
    assert score_limits(1.0, 0.0, 10).high == 1.0
    assert score_limits(1.0, 0.0, 10).low == pytest.approx(1 - 2.262157**2 / (10 + 2.262157**2), abs=1e-5)
    # With very many examples and a small error it is value +- 1.96 error.
    assert rounded(score_limits(0.5, 0.01, 100_000)) == (0.4804, 0.5196)


def test_parts_of_a_mean_are_its_deviations_and_their_error_the_standard_error() -> None:
    values = [0.1, 0.5, 0.9, 0.3, 1.0]
    own = parts(counts_of("rouge_l", graded(values)))
    assert own == pytest.approx(np.array(values) - np.mean(values))
    error = math.sqrt(np.var(values, ddof=1) / 5)
    expected = score_limits(float(np.mean(values)), error, 5)
    interval = score_of("rouge_l", graded(values))[1]
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.method == "jackknife"


def test_the_jackknife_of_macro_f1_is_near_the_bootstraps_error() -> None:
    drawn = np.random.default_rng(3)
    wanted = drawn.choice(list("abc"), 200, p=[0.5, 0.3, 0.2])
    told = np.where(drawn.random(200) < 0.75, wanted, drawn.choice(list("abc"), 200))
    counts = counts_of("macro_f1", labelled(list(zip(map(str, wanted), map(str, told), strict=True))))
    own = parts(counts)
    error = math.sqrt(float((own**2).sum()) / (200 * 199))
    weights = drawn.multinomial(200, np.full(200, 1 / 200), size=4_000).astype(float)
    assert error == pytest.approx(counts.values(weights).std(ddof=1), rel=0.06)


def test_mean_limits_are_students_with_one_example_each_way() -> None:
    seen = np.array([0.2, -0.1, 0.0, 0.4, 0.3, 0.0])
    far = math.sqrt((0.04 + 0.01 + 0.16 + 0.09) / 4)
    with_two = DescrStatsW(np.array([*seen, far, -far]))
    half = 2.570582 * math.sqrt(with_two.var / 8)
    assert mean_limits(float(seen.mean()), seen) == pytest.approx(
        (with_two.mean - half, with_two.mean + half), abs=1e-5
    )


def test_mean_limits_of_shares_are_bonett_and_prices_with_students_t() -> None:
    """7 only A, 1 only B, of 21 (Fagerland, Lydersen and Laake 2014): -0.508 to -0.013 by the normal distribution."""
    parts_of_21 = np.array([-1.0] * 7 + [1.0] + [0.0] * 13)
    low, high = mean_limits(-6 / 21, parts_of_21)
    centre, wider = -6 / 23, 2.085963 / 1.959964
    half = 1.959964 * math.sqrt((10 / 23 - (6 / 23) ** 2) / 23)
    assert (low, high) == pytest.approx((centre - half * wider, centre + half * wider), abs=1e-5)


def test_mean_limits_of_no_difference_at_all_have_a_width() -> None:
    low, high = mean_limits(0.0, np.zeros(20))
    assert -0.4 < low < -0.05 < 0.05 < high < 0.4


def test_apart_adds_the_two_distances_as_they_lean() -> None:
    a, b = (0.5, Interval(0.4, 0.65, "wilson")), (0.8, Interval(0.6, 0.9, "wilson"))
    assert apart(a, b) == pytest.approx((0.3 - math.hypot(0.2, 0.15), 0.3 + math.hypot(0.1, 0.1)))


# --- tests ------------------------------------------------------------------------------------------------------------

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's maize, self- against cross-fertilised, in eighths of an inch, as Fisher tested them in 1935."""


def test_the_permutation_test_is_fishers_of_darwins_maize() -> None:
    told = paired("rouge_l", graded([0.5] * 15), graded([0.5 + one / 200 for one in DARWIN]))
    assert told.p == pytest.approx(2 * 863 / 2**15)
    assert told.test == "permutation"


def test_the_permutation_test_agrees_with_scipys() -> None:
    drawn = np.random.default_rng(0)
    for n, tolerance in ((8, 1e-9), (40, 0.015)):
        a, b = drawn.beta(2, 2, n), drawn.beta(2.6, 2, n)
        scipys = permutation_test(
            (b - a,), np.mean, permutation_type="samples", vectorized=True, n_resamples=20_000, rng=drawn
        )
        told = paired("rouge_l", graded(list(a)), graded(list(b)))
        assert told.p == pytest.approx(scipys.pvalue, abs=tolerance)
        assert told.p == pytest.approx(ttest_rel(a, b).pvalue, abs=0.06)


def test_macro_f1_is_swapped_example_by_example() -> None:
    wanted = list("aabbccabca")
    first = list("aabbccabab")
    second = list("abbbacacca")
    a, b = (labelled(list(zip(wanted, told, strict=True))) for told in (first, second))

    def f1(rows: list[ExampleScore]) -> float:
        return counts_of("macro_f1", rows).value()

    seen, beyond = abs(f1(b) - f1(a)), 0
    for way in range(2**10):
        pairs = [(y, x) if way >> place & 1 else (x, y) for place, (x, y) in enumerate(zip(a, b, strict=True))]
        beyond += abs(f1([y for _, y in pairs]) - f1([x for x, _ in pairs])) >= seen - 1e-12
    assert paired("macro_f1", a, b).p == pytest.approx(beyond / 2**10)


def test_fishers_lady_tasting_tea() -> None:
    assert gap("accuracy", shares(1, 1, 1, 0), shares(1, 0, 0, 0)).p == pytest.approx(34 / 70)


def test_groups_of_graded_answers_are_dealt_anew() -> None:
    drawn = np.random.default_rng(1)
    a, b = drawn.beta(2, 2, 25), drawn.beta(4, 2, 15)
    scipys = permutation_test(
        (b, a), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis), vectorized=True, n_resamples=9_999, rng=drawn
    )
    told = gap("rouge_l", graded(list(a)), graded(list(b)))
    assert told.p == pytest.approx(scipys.pvalue, abs=0.012)
    assert told.value == pytest.approx(b.mean() - a.mean())
    assert told.low < told.value < told.high


def difference(p: float, value: float = 0.1, n: int = 40) -> Difference:
    return Difference(value, value - 0.1, value + 0.1, p, "permutation", n)


def test_holm_corrects_for_the_family() -> None:
    """p 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1, never falling."""
    told = holm([difference(p) for p in (0.04, 0.01, 0.03, 0.02)])
    assert [one.p_corrected for one in told] == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([difference(0.01)], comparisons=15)[0].p_corrected == pytest.approx(0.15)
    assert holm([]) == []
    p = list(np.random.default_rng(0).beta(0.3, 2, 12))
    statsmodels = multipletests(p, method="holm")[1]
    assert [one.p_corrected for one in holm([difference(one) for one in p])] == pytest.approx(list(statsmodels))


# --- how many examples ------------------------------------------------------------------------------------------------


def test_examples_needed_reaches_the_power_it_promises() -> None:
    """10 of 100 against 20 of 100 discordant: Connor's formula, and simulated exact McNemar tests of that size."""
    seen = Difference(0.1, 0.0, 0.2, 0.1, "mcnemar", 60, None, 6, 12)
    needed = examples_needed(seen)
    apart, d, surely, mostly = 18 / 60, 0.1, 1.959964, 0.841621
    assert needed == math.ceil(((surely * math.sqrt(apart) + mostly * math.sqrt(apart - d * d)) / d) ** 2) == 234
    drawn = np.random.default_rng(0).multinomial(needed, [0.1, 0.2, 0.7], size=600)
    found = 0
    for a_only, b_only, _ in drawn:
        both = [[0, a_only], [b_only, 0]]
        found += mcnemar(both, exact=True).pvalue <= 0.05
    assert 0.74 <= found / 600 <= 0.86


def test_examples_needed_for_means_is_near_statsmodels() -> None:
    n, spread = 1_000, 0.3
    half = 1.959964 * spread / math.sqrt(n)
    needed = examples_needed(Difference(0.02, 0.02 - half, 0.02 + half, 0.04, "permutation", n))
    assert needed == pytest.approx(TTestPower().solve_power(effect_size=0.02 / 0.3, power=0.8, alpha=0.05), rel=0.01)


def test_no_number_is_named_where_none_would_do() -> None:
    assert examples_needed(difference(1.0, value=0.0)) is None
    assert examples_needed(Difference(0.001, -0.1, 0.102, 0.9, "permutation", 40)) is None
    assert examples_needed(Difference(0.0, -1.0, 1.0, 1.0, "mcnemar", 0, None, 0, 0)) is None
    assert examples_needed(Difference(1.0, -1.0, 1.0, 1.0, "mcnemar", 1, None, 0, 1)) is None


def test_a_corrected_p_asks_for_more_examples() -> None:
    alone = examples_needed(difference(0.04))
    among = examples_needed(replace(difference(0.04), p_corrected=0.6))
    assert alone is not None
    assert among is not None
    assert among > alone


# --- the ends, and speed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 30])
@pytest.mark.parametrize("right", [0.0, 1.0])
def test_all_right_or_all_wrong_is_not_taken_for_certain(n: int, right: float) -> None:
    both: dict[Metric, list[ExampleScore]] = {"accuracy": shares(*[right] * n), "rouge_l": graded([right] * n)}
    for metric, scores in both.items():
        value, interval = score_of(metric, scores)
        assert value == (right if n else 0.0)
        assert interval.high - interval.low >= (0.1 if n == 30 else 0.6)
        same = paired(metric, scores, scores)
        assert (same.value, same.p) == (0.0, 1.0)
        assert same.low < 0 < same.high
        none = gap(metric, scores, [])
        assert (none.low, none.high, none.p) == (-1.0, 1.0, 1.0)


def test_paired_scores_are_of_the_same_examples() -> None:
    with pytest.raises(ValueError, match="same examples"):
        paired("accuracy", shares(1), shares(1, 0))


def test_equal_scores_have_equal_figures() -> None:
    drawn = np.random.default_rng(5)
    a, b = (graded(list(drawn.beta(2, 2, 60))) for _ in range(2))
    assert paired("rouge_l", a, b) == paired("rouge_l", a, b)
    assert paired("rouge_l", a, b).value == -paired("rouge_l", b, a).value


def test_six_assistants_on_500_examples_take_a_moment() -> None:
    drawn = np.random.default_rng(0)
    wanted = [str(one) for one in drawn.integers(0, 5, 500)]
    rows = [
        (str(place), labelled([(one, one if drawn.random() < 0.7 else "0") for one in wanted])) for place in range(6)
    ]
    paired("accuracy", rows[0][1], rows[1][1])  # statsmodels is imported at its first use
    started = time.perf_counter()
    assert len(family("macro_f1", rows)) == 15
    assert time.perf_counter() - started < 5.0  # 0.4 s where nothing else runs


def test_many_labels_are_summed_without_a_table_of_all() -> None:
    pairs = [(f"label {place % 1_000}", f"label {place % 999}") for place in range(1_500)]
    a = labelled(pairs)
    b = labelled([(wanted, wanted) for wanted, _ in pairs])
    value, interval = score_of("macro_f1", a)
    assert 0.5 < value < 0.9
    assert interval.low < value < interval.high
    assert score_of("macro_f1", b)[0] == 1.0
