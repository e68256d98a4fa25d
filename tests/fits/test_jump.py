"""The jump test: jumps on slopes, smooth curves of other kinds, edges, and one fit by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit

from mirage.fits import jump_test
from mirage.fits.links import LINKS
from mirage.fits.shares import checked
from mirage.fits.trends import draw, estimate_scatter, fit_trend, freedom

SIZES = np.geomspace(1e8, 1e11, 8)
DECADES = np.log10(SIZES / 1e8)


def counts(p, n, rng):
    return rng.binomial(n, p) / n


@pytest.mark.parametrize("name", LINKS)
def test_links_are_inverses_and_slopes_are_slopes(name):
    link, eta = LINKS[name], np.linspace(-1.5, 1.5, 13)
    np.testing.assert_allclose(link.inverse(link.share(eta)), eta, atol=1e-9)
    step = (link.share(eta + 1e-6) - link.share(eta - 1e-6)) / 2e-6
    np.testing.assert_allclose(link.slope(eta, link.share(eta)), step, rtol=1e-6)


def test_a_jump_on_a_slope_is_found_and_the_slope_is_not():
    rng = np.random.default_rng(0)
    slope = -2 + 0.5 * DECADES
    curves = expit([slope + 1.5 * (np.arange(8) >= 5), slope, slope + 1.5 * (np.arange(8) >= 3)])
    found = jump_test(SIZES, counts(curves, 1000, rng), 1000, rng=rng)
    assert (found.p_value < 0.05).tolist() == [True, False, True]
    assert found.height[[0, 2]] == pytest.approx([1.5, 1.5], abs=0.5)
    assert (found.height_low < 1.5).all()
    assert found.gap_low[[0, 2]] == pytest.approx(SIZES[[4, 2]])
    assert found.gap_high[[0, 2]] == pytest.approx(SIZES[[5, 3]])
    # Score height: from the trend half way across the gap, 1.5 log odds up.
    middle = -2 + 0.5 * (DECADES[4] + DECADES[5]) / 2
    assert found.score_height[0] == pytest.approx(expit(middle + 1.5) - expit(middle), abs=0.1)
    assert found.smallest_detectable[1] < 1.5


def test_jumps_are_found_in_most_and_smooth_curves_pass():
    """60 curves each, 8 models, 1 000 items; the power of the step models of `compare` is 0-8 %."""
    rng = np.random.default_rng(1)
    step = np.arange(8) >= rng.integers(2, 7, 60)[:, None]
    jumps = expit(-1.5 + 0.5 * DECADES + 1.5 * step)
    power = np.exp(-((SIZES / 10 ** rng.uniform(8.3, 10, (60, 1))) ** -rng.uniform(0.2, 0.6)))
    mixed = np.mean([power**length for length in range(1, 6)], axis=0)
    y = counts(np.concatenate([jumps, power, mixed]), 1000, rng)
    p = jump_test(SIZES, y, 1000, rng=rng, n_draws=199).p_value.reshape(3, 60)
    found = (p <= 0.05).mean(axis=1)
    assert found[0] >= 0.9
    assert (found[1:] <= 0.05).all()


def test_a_leap_from_zero_is_found_although_no_trend_has_an_information_there():
    y = np.repeat([[0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0, 1, 1, 1, 1]], 1, axis=0)
    found = jump_test(SIZES, y, 500, rng=np.random.default_rng(0))
    assert (found.p_value < 0.05).all()
    assert found.score_height == pytest.approx([0.5, 1.0], abs=0.1)


def test_curves_of_different_lengths_and_too_short_ones():
    rng = np.random.default_rng(0)
    p = expit(-1 + 0.6 * DECADES)
    y = np.full((3, 8), np.nan)
    for row, m in enumerate((8, 5, 4)):
        y[row, :m] = counts(p[:m], 300, rng)
    found = jump_test(SIZES, y, 300, rng=rng)
    assert np.isnan(found.p_value).tolist() == [False, False, True]
    assert np.isnan(found.expected).sum(1).tolist() == [0, 3, 8]
    np.testing.assert_allclose(found.expected[0], p, atol=0.08)
    alone = jump_test(SIZES[:5], y[1, :5], 300, rng=rng)
    assert alone.height[0] == pytest.approx(found.height[1])


def test_means_of_reals_and_scores_without_bounds():
    rng = np.random.default_rng(0)
    smooth = expit(-1 + 0.6 * DECADES) + 0.005 * rng.standard_normal(8)
    jump = expit(-1 + 0.3 * DECADES + 1.5 * (np.arange(8) > 3)) + 0.005 * rng.standard_normal(8)
    found = jump_test(SIZES, [smooth, jump], stderr=0.005, rng=rng)
    assert (found.p_value < 0.05).tolist() == [False, True]
    # The same as −Brier scores in [−1, 0], and without bounds as losses.
    moved = jump_test(SIZES, [smooth - 1, jump - 1], stderr=0.005, bounds=(-1, 0), rng=rng)
    np.testing.assert_allclose(moved.height, found.height)
    np.testing.assert_allclose(moved.expected, found.expected - 1)
    loss = -3 + 0.4 * DECADES + 0.02 * rng.standard_normal(8)
    unbounded = jump_test(SIZES, [loss, loss + (np.arange(8) > 3)], bounds=None, rng=rng)
    assert (unbounded.p_value < 0.05).tolist() == [False, True]
    assert unbounded.score_height[1] == pytest.approx(1, abs=0.15)


def test_chance_is_the_floor_of_the_trend():
    rng = np.random.default_rng(0)
    p = 0.25 + 0.75 * expit(3 * (DECADES - 2))
    found = jump_test(SIZES, counts(p, 2000, rng), 2000, chance=0.25, rng=rng)
    np.testing.assert_allclose(found.expected[0], p, atol=0.04)
    assert found.p_value[0] > 0.05


def test_flat_curves_at_the_edges_show_nothing():
    for level in (0.0, 1.0, 0.3):
        found = jump_test(SIZES, np.full(8, level), 100, rng=np.random.default_rng(0))
        assert found.p_value[0] > 0.5
        assert found.smallest_detectable[0] > 0


def test_the_newton_fit_is_the_maximum_of_the_penalised_likelihood():
    """Without scatter the trend in the logit is a logistic regression with a Gaussian prior."""
    rng = np.random.default_rng(0)
    y = counts(expit(-2 + 1.2 * DECADES), 100, rng)
    data = checked(SIZES, y, 100, None, (0.0, 1.0), None).data
    _, theta = fit_trend(data, LINKS["logit"], np.array([1e-9]))
    basis, precision = data.basis[0], data.precision[0, 0]

    def lost(b):
        q = expit(basis @ b)
        likelihood = 100 * (y * np.log(q) + (1 - y) * np.log1p(-q)).sum()
        return -likelihood + (precision * b**2).sum() / 2

    best = minimize(lost, theta[0, 0] + 0.3, method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(theta[0, 0][:3], best[:3], atol=1e-4)


def test_scatter_is_recovered_and_drawn():
    rng = np.random.default_rng(0)
    p = expit(-1 + 0.6 * DECADES + 0.4 * rng.standard_normal((300, 8)))
    data = checked(SIZES, counts(p, 10_000, rng), 10_000, None, (0.0, 1.0), None).data
    least, link = np.full(300, 0.1), LINKS["logit"]
    trend, _ = fit_trend(data, link, least)
    found = estimate_scatter(data, link, trend, least, freedom(data))
    assert np.sqrt((found**2).mean()) == pytest.approx(0.4, abs=0.03)
    drawn = draw(data, link, trend, np.full(300, 0.4), 200, rng)
    spread = (logit(np.clip(drawn, 1e-6, 1 - 1e-6)) - trend.eta).std()
    assert spread == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(x=[1, 2], y=[0.1, 0.2, 0.3]), "x: found shape"),
        (dict(x=[2, 1, 3], y=[0.1, 0.2, 0.3]), "do not ascend"),
        (dict(x=[1, 2, 3], y=[0.1, np.nan, 0.3]), "found NaN before a score"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 1.3]), "y: found 1.3"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], n_items=0), "n_items: found 0"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], scatter=0), "scatter: found 0"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], n_draws=5), "n_draws: found 5"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], bounds=(1, 0)), "bounds: found"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], chance=2), "chance: found 2"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], stderr=[1, 2]), "stderr: found shape"),
        (dict(x=[1, 2, 3], y=[0.1, 0.2, 0.3], stderr=-1), "stderr: found -1"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        jump_test(**arguments, rng=np.random.default_rng(0))
