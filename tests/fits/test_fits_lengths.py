"""What the paper's model makes straight: curvature in size, geometric and linear in length."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binom, linregress, t

from mirage.fits import curvature, geometric_length, linear_length

SIZES = np.geomspace(3.5e8, 2e11, 12)
T = np.log10(SIZES) - (np.log10(3.5e8) + np.log10(2e11)) / 2  # decades from the middle


def bent(kappa):
    return np.exp(-np.exp(0.3 - 0.8 * T + kappa * T**2))


@pytest.mark.parametrize("kappa", [-0.4, 0.0, 0.3])
def test_curvature_is_found(kappa):
    exact, counted = curvature(SIZES, bent(kappa)), curvature(SIZES, bent(kappa), 10**6)
    assert exact.curvature == pytest.approx(kappa, abs=1e-9)
    assert counted.curvature == pytest.approx(kappa, abs=1e-3)
    assert counted.interval.contains(kappa)
    assert counted.interval.contains(0) == (counted.p > 0.05) == (kappa == 0)


def test_slope_is_the_exponent():
    found = curvature(SIZES, np.exp(-((SIZES / 2e9) ** -0.5)), 10**6)
    assert found.slope == pytest.approx(-0.5 * np.log(10), rel=1e-3)


def test_curvature_with_zeros_agrees_with_a_direct_maximum():
    y = np.random.default_rng(4).binomial(100, np.exp(-5 * (SIZES / 2e9) ** -0.5)) / 100
    assert (y == 0).any()

    def lost(theta):
        p = np.exp(-np.exp(theta[0] + theta[1] * T + theta[2] * T**2))
        return -binom.logpmf(np.rint(100 * y), 100, np.clip(p, 1e-10, 1 - 1e-10)).sum()

    starts = [[0, slope, 0] for slope in (-2.0, -1.0, -0.3)]
    best = min((minimize(lost, s, method="Nelder-Mead", tol=1e-9) for s in starts),
               key=lambda found: found.fun)  # fmt: skip
    found = curvature(SIZES, y, 100, overdispersed=False)
    assert found.curvature == pytest.approx(best.x[2], abs=1e-3)
    # The ends of the interval lose z²/2 = 1.92 nats once the rest is fitted again.
    for end in found.interval:
        held = minimize(lambda rest, end=end: lost([*rest, end]), best.x[:2],
                        method="Nelder-Mead", tol=1e-9)  # fmt: skip
        assert held.fun - best.fun == pytest.approx(1.9207, abs=0.02)


def test_curvature_above_chance():
    y = 0.25 + 0.75 * bent(0.2)
    assert curvature(SIZES, y, 10**6, bounds=(0.25, 1)).curvature == pytest.approx(0.2, abs=2e-3)
    assert curvature(SIZES, y, bounds=(0.25, 1)).curvature == pytest.approx(0.2)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_curvature_of_a_flat_edge_says_nothing(level):
    found = curvature(SIZES, np.full(12, level), 100)
    assert found.p == 1
    assert found.interval.contains(0)
    assert np.isinf(found.interval).any()


def test_p_is_of_student_without_items():
    # Squares of residuals by an independent least squares; t = κ / its standard error.
    rng = np.random.default_rng(1)
    y = np.exp(-np.exp(0.3 - 0.8 * T + rng.normal(0, 0.1, 12)))
    design = np.stack([np.ones(12), T, T**2], 1)
    values, squares, *_ = np.linalg.lstsq(design, np.log(-np.log(y)))
    error = np.sqrt(squares[0] / 9 * np.linalg.inv(design.T @ design)[2, 2])
    found = curvature(SIZES, y)
    assert found.curvature == pytest.approx(values[2])
    half = t.ppf(0.975, 9) * error
    assert found.interval == pytest.approx((values[2] - half, values[2] + half))
    assert found.p == pytest.approx(2 * t.sf(abs(values[2]) / error, 9))


@pytest.mark.parametrize(
    ("x", "y", "n_items", "message"),
    [
        ([1, 1, 10], [0.1, 0.2, 0.3], 10, "2 distinct x, expected at least 3"),
        ([1, 10, 100], [0, 0.5, 1], None, "y: found 0 at index 0"),
        ([1, 10, 100], [0, 0.5, 1.5], 10, "y: found 1.5"),
    ],
)
def test_bad_curvature(x, y, n_items, message):
    with pytest.raises(ValueError, match=message):
        curvature(x, y, n_items)


def test_geometric_by_hand():
    # log .8 per token; with γ = ½, accuracy at L = 4 is .8².
    lengths = np.arange(1, 6)
    found = geometric_length(lengths, 0.8**lengths, 10**6)
    assert found.p == pytest.approx(0.8, rel=1e-4)
    assert found.exponent == pytest.approx(1, abs=1e-3)
    found = geometric_length(lengths, 0.8**lengths**0.5)
    assert found.exponent == pytest.approx(0.5, abs=1e-4)
    assert not found.exponent_interval.contains(1)


def test_geometric_p_agrees_with_a_grid():
    counts = np.array([88, 70, 52, 50])
    grid = np.linspace(0.7, 0.95, 25_001)
    lost = -binom.logpmf(counts[:, None], 100, grid ** np.arange(1, 5)[:, None]).sum(0)
    found = geometric_length([1, 2, 3, 4], counts / 100, 100, overdispersed=False)
    assert found.p == pytest.approx(grid[lost.argmin()], abs=2e-5)
    inside = grid[lost <= lost.min() + 1.9207]  # χ²(.95)/2
    assert found.interval == pytest.approx((inside[0], inside[-1]), abs=2e-4)


def test_geometric_at_the_edges():
    zero = geometric_length([1, 2, 3, 4], [0, 0, 0, 0], 100, overdispersed=False)
    # All four are 0: p + p² + … items of 100 lose χ²/2; the upper end is near 1.92/100.
    assert zero.p < 1e-6
    assert zero.interval.low < 1e-6
    assert zero.interval.high == pytest.approx(0.0188, abs=0.0005)
    one = geometric_length([1, 2, 3, 4], [1, 1, 1, 1], 100, overdispersed=False)
    # p^(100 + 200 + 300 + 400) = e^−1.92
    assert one.interval == pytest.approx((np.exp(-1.9207 / 1000), 1), abs=1e-4)


def test_two_lengths_say_nothing_of_the_exponent():
    found = geometric_length([1, 1, 2], [0.5, 0.5, 0.3], 100)
    assert np.isnan(found.exponent_interval).all()


def test_linear_agrees_with_scipy():
    distance = np.array([0.3, 0.5, 1.0, 1.1, 1.6])
    found, expected = (
        linear_length(np.arange(1, 6), distance),
        linregress(np.arange(1, 6), distance),
    )
    assert found.slope == pytest.approx(expected.slope)
    assert found.intercept == pytest.approx(expected.intercept)
    assert found.r_squared == pytest.approx(expected.rvalue**2)
    half = t.ppf(0.975, 3) * expected.stderr
    assert found.interval == pytest.approx((expected.slope - half, expected.slope + half))
    half = t.ppf(0.975, 3) * expected.intercept_stderr
    assert found.intercept_interval == pytest.approx(
        (expected.intercept - half, expected.intercept + half)
    )


def test_constant_distance():
    found = linear_length([1, 2, 3], [0.5, 0.5, 0.5])
    assert found.slope == pytest.approx(0)
    assert np.isnan(found.r_squared)


@pytest.mark.parametrize("function", [geometric_length, linear_length])
@pytest.mark.parametrize(
    ("length", "message"),
    [([0, 1, 2], "length: found 0"), ([1, 2], "found 3 scores for 2 x"), ([2, 2, 2], "1 distinct")],
)
def test_bad_lengths(function, length, message):
    with pytest.raises(ValueError, match=message):
        function(length, [0.1, 0.2, 0.3])
