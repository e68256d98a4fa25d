"""Intervals: right at the edges, and equal to SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, t

from mirage.statistics import (
    Interval,
    clopper_pearson_interval,
    mean_interval,
    percentile_interval,
    wilson_interval,
)

PROPORTIONS = [wilson_interval, clopper_pearson_interval]
levels = st.sampled_from([0.5, 0.9, 0.95, 0.999])


@st.composite
def counts(draw):
    n = draw(st.integers(1, 2000))
    return draw(st.integers(0, n)), n


def test_edges_by_hand():
    # z² = 1.959964² = 3.841459: 3.841459/103.841459 = .036994; 1 − .025^.01 = .036217.
    assert wilson_interval(0, 100) == pytest.approx((0, 0.036994), abs=1e-6)
    assert wilson_interval(100, 100) == pytest.approx((1 - 0.036994, 1), abs=1e-6)
    assert clopper_pearson_interval(0, 100) == pytest.approx((0, 0.036217), abs=1e-6)
    assert clopper_pearson_interval(100, 100) == pytest.approx((1 - 0.036217, 1), abs=1e-6)
    for interval in PROPORTIONS:
        assert interval(0, 7).low == 0
        assert interval(7, 7).high == 1


@given(counts(), levels)
def test_proportions_agree_with_scipy(count, level):
    for interval, method in zip(PROPORTIONS, ["wilson", "exact"], strict=True):
        expected = binomtest(*count).proportion_ci(level, method)
        assert interval(*count, level) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(counts(), levels)
def test_proportions_hold_the_estimate_and_mirror(count, level):
    k, n = count
    for interval in PROPORTIONS:
        ends = interval(k, n, level)
        assert 0 <= ends.low < ends.high <= 1
        # The estimate lies inside; one rounding error is allowed where it is an end.
        assert ends.low <= k / n + 1e-12
        assert k / n <= ends.high + 1e-12
        mirrored = interval(n - k, n, level)
        assert ends == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-9)


@pytest.mark.parametrize("n", [5, 20, 100])
def test_coverage(n):
    # Exact coverage: the binomial probability of the counts whose interval holds p.
    p = np.linspace(0.005, 0.995, 199)[:, None]  # (p, 1)
    k = np.arange(n + 1)
    mass = binom.pmf(k, n, p)  # (p, k)
    exact = (mass * clopper_pearson_interval(k, n).contains(p)).sum(axis=1)
    assert (exact >= 0.95).all()
    wilson = (mass * wilson_interval(k, n).contains(p)).sum(axis=1)
    assert wilson.mean() == pytest.approx(0.95, abs=0.01)
    assert wilson.min() < 0.95  # the documented price


def test_arrays_and_numbers():
    for interval in PROPORTIONS:
        ends = interval([0, 5, 10], 10)
        singles = [interval(k, 10) for k in (0, 5, 10)]
        assert ends.low.tolist() == [single.low for single in singles]
        assert ends.high.tolist() == [single.high for single in singles]
        assert type(singles[0].low) is float


def test_mean_by_hand():
    # Mean 2, s = 1, t with 2 degrees of freedom at .975 is 4.302653: ± 4.302653/√3 = 2.484138.
    interval = mean_interval([1, 2, 3])
    assert interval == pytest.approx((-0.484138, 4.484138), abs=1e-6)
    assert type(interval.low) is float
    rows = mean_interval([[1, 2, 3], [3, 4, 5]])
    assert rows.low == pytest.approx([-0.484138, 1.515862], abs=1e-6)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20), levels)
def test_mean_agrees_with_scipy(values, level):
    n, mean, spread = len(values), np.mean(values), np.std(values, ddof=1)
    interval = mean_interval(values, level)
    if len(set(values)) > 1 and spread > 1e-300:  # SciPy warns of smaller scales
        expected = t.interval(level, n - 1, loc=mean, scale=spread / np.sqrt(n))
        assert interval == pytest.approx(expected, rel=1e-9, abs=1e-9)
    elif len(set(values)) == 1:
        assert np.isnan(interval).all()


@pytest.mark.parametrize(
    ("value", "bounds", "low", "high"),
    [
        # 1 − .025^(1/25) = .1372 may be something else: anything up to 1, down to 0.
        (0.0, (0, 1), 0, 0.13718),
        (1.0, (0, 1), 1 - 0.13718, 1),
        (7.0, (0, np.inf), 7 - 7 * 0.13718, np.inf),
        (-2.0, (-np.inf, 0), -np.inf, -2 + 2 * 0.13718),
    ],
)
def test_equal_values_have_no_interval_of_width_zero(value, bounds, low, high):
    values = [value] * 25
    assert mean_interval(values, bounds=bounds) == pytest.approx((low, high), abs=1e-4)
    assert np.isnan(mean_interval(values)).all()
    assert np.isnan(percentile_interval(values)).all()
    rows = mean_interval([values, [*values[:-1], value * 0.5 + 0.25]], bounds=bounds)
    assert rows.low[0] == pytest.approx(low, abs=1e-4)
    assert rows.low[1] < rows.high[1]


def test_one_value_has_no_interval():
    interval = mean_interval([0.5])
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)
    assert not interval.contains(0.5)
    assert str(interval) == "[nan, nan]"
    assert np.isnan(mean_interval([[0.5], [0.6]]).low).all()


def test_interval_contains_and_prints():
    interval = Interval(0.25, 0.5)
    assert interval.contains(0.25)
    assert interval.contains(0.5)
    assert not interval.contains(0.51)
    assert interval.contains([0.1, 0.3]).tolist() == [False, True]
    assert str(interval) == f"{interval}" == "[0.25, 0.5]"
    assert f"{interval:.1%}" == "[25.0%, 50.0%]"
    low, high = interval
    assert (low, high) == (0.25, 0.5)


@pytest.mark.parametrize("interval", PROPORTIONS)
@pytest.mark.parametrize(
    ("k", "n", "level", "message"),
    [
        (0, 0, 0.95, "found 0 of 0, expected whole numbers with 0 <= n_success <= n and n >= 1"),
        (3, 2, 0.95, "found 3 of 2"),
        (-1, 2, 0.95, "found -1 of 2"),
        (0.5, 2, 0.95, "found 0.5 of 2"),
        (np.nan, 2, 0.95, "found nan of 2"),
        ([1, 5], [2, 4], 0.95, "found 5 of 4"),
        (1, 2, 95, "level: found 95, expected a confidence between 0 and 1"),
        (1, 2, np.nan, "level: found nan"),
    ],
)
def test_bad_counts_are_named(interval, k, n, level, message):
    with pytest.raises(ValueError, match=message):
        interval(k, n, level)


@pytest.mark.parametrize(
    ("values", "level", "message"),
    [
        ([], 0.95, r"values: found shape \(0,\)"),
        (1.0, 0.95, r"values: found shape \(\)"),
        ([1, np.nan, np.inf], 0.95, "values: found 2 of 3 NaN or inf"),
        ([1, 2], 0, "level: found 0"),
    ],
)
def test_bad_values_are_named(values, level, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values, level)


def test_percentiles_by_hand():
    # 101 draws 0 to 100: ranks 2.5 and 97.5 of the way, rounded outwards to 2 and 98.
    assert percentile_interval(range(101)) == (2, 98)
    assert percentile_interval(range(101), level=0.9) == (5, 95)
    assert type(percentile_interval(range(101)).low) is float
    columns = percentile_interval(np.array([np.arange(101.0), -np.arange(101.0)]).T)
    assert (columns.low.tolist(), columns.high.tolist()) == ([2, -98], [98, -2])


def test_percentiles_of_infinite_and_missing_draws():
    draws = np.array([np.inf, 3.0, -np.inf, 4.0])
    assert percentile_interval(draws) == (-np.inf, np.inf)
    assert percentile_interval(draws, level=0.1) == (3, 4)  # ranks 1.35 and 1.65
    columns = percentile_interval(np.array([[1.0, np.nan], [2.0, 1.0]]))
    np.testing.assert_array_equal(columns.low, [1, np.nan])
    np.testing.assert_array_equal(columns.high, [2, np.nan])


@pytest.mark.parametrize(
    ("draws", "level", "message"),
    [
        ([], 0.95, r"draws: found shape \(0,\), expected \(n_resamples, ...\)"),
        (1.0, 0.95, r"draws: found shape \(\)"),
        ([1.0, 2.0], 1.0, "level: found 1.0"),
    ],
)
def test_bad_draws_are_named(draws, level, message):
    with pytest.raises(ValueError, match=message):
        percentile_interval(draws, level)
