"""Odds ratios: hand-computed cases, agreement with SciPy's tests, edges, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact
from scipy.stats.contingency import odds_ratio as scipy_odds_ratio

from mirage.statistics import clopper_pearson_interval
from mirage.statistics.odds_ratio import odds_ratio, odds_ratio_at

counts = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_counts_by_hand():
    # Margins 2 and 2 of 4: k = 0, 1, 2 with 1, 4, 1 of 6 ways; weights ψ^k.
    # At k = 1 the mean of k is (4ψ + 2ψ²)/(1 + 4ψ + ψ²) = 1, so ψ = 1.
    found = odds_ratio(1, 2, 1, 2)
    assert found.estimate == pytest.approx(1)
    assert found.p_value == 1
    # Upper end: P(k ≤ 1) = (1 + 4ψ)/(1 + 4ψ + ψ²) = .025, so .025ψ² − 3.9ψ − .975 = 0.
    high = (3.9 + math.sqrt(3.9**2 + 4 * 0.025 * 0.975)) / 0.05
    assert found.interval == pytest.approx((1 / high, high), rel=1e-4)


def test_rate_by_hand():
    # 3 of 4 at a base rate of ¼: odds 3 over odds 1/3.
    # P(K ≥ 3) = 4 (1/64)(3/4) + 1/256 = 13/256, doubled.
    found = odds_ratio_at(3, 4, 0.25)
    assert found.estimate == pytest.approx(9)
    assert found.p_value == pytest.approx(26 / 256)


def test_many_rates_at_once():
    rates = [0.2, 0.5, 0.8]
    found, one = odds_ratio_at(3, 4, rates), [odds_ratio_at(3, 4, rate) for rate in rates]
    assert found.estimate == pytest.approx([o.estimate for o in one])
    assert found.interval.low == pytest.approx([o.interval.low for o in one])
    assert found.p_value == pytest.approx([o.p_value for o in one])


@given(counts, counts)
def test_counts_agree_with_scipy_and_with_their_interval(selected, rest):
    (k, n), (k_rest, n_rest) = selected, rest
    found = odds_ratio(k, n, k_rest, n_rest)
    cells = [[k, n - k], [k_rest, n_rest - k_rest]]
    sides = [fisher_exact(cells, side).pvalue for side in ("less", "greater")]
    assert found.p_value == pytest.approx(min(1, 2 * min(sides)), rel=1e-6)
    if 0 < k + k_rest < n + n_rest:
        assert found.estimate == scipy_odds_ratio(cells).statistic
        assert found.interval.contains(found.estimate)
        if abs(found.p_value - 0.05) > 1e-6:
            assert found.interval.contains(1) == (found.p_value > 0.05)
    else:
        assert math.isnan(found.estimate)
        assert found.interval == (0, math.inf)


@given(counts, st.floats(0.01, 0.99))
def test_rates_agree_with_the_binomial_test_and_with_their_interval(selected, rate):
    k, n = selected
    found = odds_ratio_at(k, n, rate)
    sides = [binomtest(k, n, rate, side).pvalue for side in ("less", "greater")]
    assert found.p_value == pytest.approx(min(1, 2 * min(sides)), rel=1e-9)
    assert found.interval.low <= found.estimate <= found.interval.high
    ends = clopper_pearson_interval(k, n)
    if min(abs(rate - end) for end in ends) > 1e-9:
        assert found.interval.contains(1) == ends.contains(rate)


def test_all_and_none():
    assert odds_ratio_at(5, 5, 0.5).estimate == math.inf
    assert odds_ratio_at(5, 5, 0.5).interval.high == math.inf
    assert odds_ratio_at(0, 5, 0.5)[0] == 0
    assert odds_ratio_at(0, 5, 0.5).interval.low == 0


def test_exchanging_the_groups_inverts_the_ratio():
    one, other = odds_ratio(7, 9, 20, 40), odds_ratio(20, 40, 7, 9)
    assert one.estimate == pytest.approx(1 / other.estimate, rel=1e-6)
    assert one.interval.low == pytest.approx(1 / other.interval.high, rel=1e-6)


def test_interval_covers():
    # Exact: in at most 5 % of repetitions the truth, odds ratio 3, is left out; ± 4 sd of 400.
    rng = np.random.default_rng(0)
    p, q = 0.5, 0.75  # odds 1 and 3
    draws = rng.binomial([20, 30], [q, p], (400, 2))
    covered = [odds_ratio(int(k), 20, int(r), 30).interval.contains(3) for k, r in draws]
    assert np.mean(covered) >= 0.95 - 4 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("bad", [(5, 4, 0, 3), (-1, 4, 0, 3), (1, 0, 0, 3), (1.5, 4, 0, 3)])
def test_counts_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match="0 <= n_success <= n"):
        odds_ratio(*bad)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, math.nan])
def test_a_base_rate_lies_between_0_and_1(rate):
    with pytest.raises(ValueError, match="base_rate"):
        odds_ratio_at(1, 2, rate)


def test_level_is_refused():
    with pytest.raises(ValueError, match="level"):
        odds_ratio(1, 2, 1, 2, level=1)
