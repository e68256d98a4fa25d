"""What n items can show: against exact binomial sums and Wilson's interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb
from scipy.stats import binom

from mirage.emergence.scores import noise_floor
from mirage.statistics import clopper_pearson_interval
from mirage.statistics.resolution import (
    pass_until,
    rule_of_three,
    smallest_detectable,
)


def test_rule_of_three_by_hand():
    # 1 − .05^(1/100) = 1 − e^(−2.995732/100) = .029513.
    assert rule_of_three(100) == pytest.approx(0.029513, abs=1e-6)
    assert rule_of_three([1, 10_000]) == pytest.approx([0.95, 2.9953e-4], abs=1e-7)
    # One-sided: the upper end of the two-sided interval at 90 %.
    assert rule_of_three(37) == pytest.approx(clopper_pearson_interval(0, 37, 0.9).high)


@given(st.integers(1, 3000), st.sampled_from([0, 0.1, 0.25, 0.5]), st.sampled_from([0.8, 0.95]))
def test_smallest_detectable_by_enumeration(n, chance, power):
    low = np.array([clopper_pearson_interval(k, n).low for k in (np.arange(n + 1),)])[0]
    (above,) = np.nonzero(low > chance)
    found = smallest_detectable(n, chance, power=power)
    if not len(above):
        assert np.isnan(found)
    else:
        assert binom.sf(above[0] - 1, n, found) == pytest.approx(power)
        assert found > chance


def test_smallest_detectable_edges():
    assert smallest_detectable(100) == pytest.approx(rule_of_three(100))
    assert np.isnan(smallest_detectable(5, 0.5))  # 5 of 5 has .5⁵ = .031 > .025
    assert smallest_detectable(6, 0.5) == pytest.approx(0.95 ** (1 / 6))  # .5⁶ = .016: all 6
    assert np.isnan(smallest_detectable(1000, 1.0))
    several = smallest_detectable([10, 100, 10**6], [0, 0.25, 0.25])
    assert several == pytest.approx([rule_of_three(10), 0.4258, 0.2516], abs=1e-4)


def test_noise_floor_by_hand():
    # Models 0, 4 and 10 of 10: p = .5/11, 4.5/11, 10.5/11, p(1 − p)/10 = .0043388, .0241736,
    # .0043388. Both steps have .0285124: .67449 × √.0285124.
    assert noise_floor([0, 0.4, 1], 10) == pytest.approx(0.113891, abs=1e-6)
    # One number of items a model.
    v = 0.5 * 0.5 / np.array([10, 1000, 1000])
    expected = 0.6744898 * np.sqrt((v[0] + 3 * v[1]) / 2)
    assert noise_floor([0.5, 0.5, 0.5], [10, 1000, 1000]) == pytest.approx(expected)
    both = noise_floor([[0.5, 0.5, np.nan], [np.nan, 0.5, 0.5]], [10, 20, 30], nan_policy="omit")
    assert both == pytest.approx(
        [noise_floor([0.5] * 2, [10, 20]), noise_floor([0.5] * 2, [20, 30])]
    )


def test_noise_floor_is_the_median_step_of_equals():
    rng = np.random.default_rng(0)
    steps = np.diff(rng.binomial(400, 0.3, (20_000, 2)) / 400)
    assert np.median(abs(steps)) == pytest.approx(noise_floor([0.3, 0.3], 400), rel=0.05)


@pytest.mark.parametrize("p", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("r", [2, 3, 10])
def test_pass_until_is_unbiased(p, r):
    # E[(r − 1)/(K − 1)] = p, summed over K until the rest is below 1e-12.
    k = np.arange(r, r + int(60 * r / p))
    chance = comb(k - 1, r - 1) * p**r * (1 - p) ** (k - r)
    assert chance.sum() == pytest.approx(1, abs=1e-9)
    assert chance @ pass_until(k, r).estimate == pytest.approx(p, rel=1e-7)


@pytest.mark.parametrize("p", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("r", [2, 10])
def test_pass_until_covers(p, r):
    k = np.arange(r, r + int(60 * r / p))
    chance = comb(k - 1, r - 1) * p**r * (1 - p) ** (k - r)
    interval = pass_until(k, r).interval
    outside_low, outside_high = chance @ (interval.low > p), chance @ (interval.high < p)
    assert outside_low <= 0.025 + 1e-9
    assert outside_high <= 0.025 + 1e-9
    assert outside_low + outside_high > 0.005  # exact, but not idle


def test_pass_until_edges():
    all_passed = pass_until(3, 3)
    assert all_passed.estimate == 1
    # P(K ≤ 3) = p³ = .025 at the lower end.
    assert all_passed.interval == pytest.approx((0.025 ** (1 / 3), 1))
    many = pass_until([[3, 101]], 2)
    assert many.estimate.tolist() == [[0.5, 0.01]]
    # At the ends a tail has α/2: P(K ≤ 101) = P(Binomial(101, low) ≥ 2).
    low, high = many.interval.low[0, 1], many.interval.high[0, 1]
    assert binom.sf(1, 101, low) == pytest.approx(0.025)
    assert binom.cdf(1, 100, high) == pytest.approx(0.025)  # P(K ≥ 101)
    assert type(all_passed.estimate) is float


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rule_of_three(0), "n_items: found 0, expected at least 1 item"),
        (lambda: rule_of_three(10, 95), "level: found 95"),
        (lambda: smallest_detectable(np.nan), "n_items: found nan"),
        (lambda: smallest_detectable(10, 1.5), r"chance: found 1.5, expected in \[0, 1\]"),
        (lambda: smallest_detectable(10, power=1), "power: found 1"),
        (lambda: noise_floor([0.1, 45.0, 0.3], 10), "y: found 45 at index 1, expected accuracies"),
        (lambda: noise_floor([0.1, -0.2], 10), "y: found -0.2 at index 1"),
        (lambda: noise_floor([0.1, 0.2], [10, 0]), "n_items: found 0 at index 1"),
        (lambda: noise_floor([0.1, 0.2], [10, 1, 1]), r"n_items: found shape \(3,\)"),
        (lambda: noise_floor([0.1, np.nan], 10), "y: found nan at index 1"),
        (lambda: pass_until(10, 1), "found r = 1 passes in 10 samples, expected whole numbers"),
        (lambda: pass_until(3, 4), "found r = 4 passes in 3 samples"),
        (lambda: pass_until(10.5, 2), "found r = 2 passes in 10.5 samples"),
        (lambda: pass_until(np.nan, 2), "found r = 2 passes in nan samples"),
        (lambda: pass_until(10, 2, 1.0), "level: found 1.0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
