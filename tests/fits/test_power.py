"""Power of the jump test against simulations of the test itself, and its limits."""

import numpy as np
import pytest
from scipy.special import expit, logit

from mirage.fits import jump_power, jump_test

RUNS = 25  # simulated data sets for each gap
# What the linear model about the fit may be wrong by; the largest of these cases, with 200 runs,
# was .05. Without the estimate of the scatter the power near chance would be .9 in place of .5.
APPROXIMATE = 0.06


def found(smooth, n, height, gap, rng, spread=0.1, chance=0.0, error=None):
    """Share of simulated data sets with a jump in one gap in which the test finds one.

    The jump leads away from chance (or 0) where the smooth curve is low, else away from 1.
    """
    m = len(smooth)
    x = np.geomspace(1e8, 1e11, m)
    eta = logit((smooth - chance) / (1 - chance))
    above = np.arange(m) > gap
    low = (eta[gap] + eta[gap + 1]) / 2 < 0
    eta = eta + height * (above if low else above - 1.0)
    eta = eta + spread * rng.standard_normal((RUNS, m))
    p = chance + (1 - chance) * expit(eta)
    if error is None:
        y, more = rng.binomial(n, p) / n, {"n_items": n}
    else:
        y, more = np.clip(p + error * rng.standard_normal(p.shape), 0, 1), {"stderr": error}
    test = jump_test(x, y, rng=rng, chance=chance, n_draws=59, with_power=False, **more)
    return (test.p_value <= 0.05).mean()


T = np.linspace(0, 3, 8)  # decades


@pytest.mark.parametrize(
    ("smooth", "n", "height", "more"),
    [
        (expit(-2 + 0.5 * T), 100, 1.6, {}),
        (expit(-5 + 0.8 * T), 100, 3.0, {}),  # 1 to 7 of 100 items right
        (np.full(8, 0.97), 100, 2.2, {}),
        (0.25 + 0.75 * expit(-6 + 1.2 * T), 100, 6.0, {"chance": 0.25}),
        (expit(-2 + 0.5 * np.linspace(0, 3, 5)), 500, 1.2, {}),
        (expit(-2 + 0.5 * T), 1000, 1.5, {"spread": 0.3}),
        (expit(-1 + 0.5 * T), None, 0.7, {"error": 0.01}),
    ],
)
def test_power_is_that_of_the_simulated_test(smooth, n, height, more):
    rng = np.random.default_rng(0)
    x = np.geomspace(1e8, 1e11, len(smooth))
    given = {"stderr": more["error"]} if n is None else {"n_items": n}
    chance = more.get("chance", 0.0)
    spread = more.get("spread", 0.1)
    power = jump_power(x, smooth, height=height, scatter=0.1, spread=spread, chance=chance, **given)
    gaps = range(1, len(smooth) - 2)
    simulated = np.mean([found(smooth, n, height, gap, rng, **more) for gap in gaps])
    error = np.sqrt(simulated * (1 - simulated) / (RUNS * len(gaps)))
    assert power[0] == pytest.approx(simulated, abs=2.6 * error + APPROXIMATE)


def test_the_smallest_detectable_jump_has_a_power_of_80_per_cent():
    x = np.geomspace(1e8, 1e11, 8)
    curves = expit([-2 + 0.5 * T, -5 + 0.8 * T, 1 + 0.8 * T])
    rng = np.random.default_rng(0)
    heights = jump_test(x, curves, 300, rng=rng, n_draws=19).smallest_detectable
    power = jump_power(x, curves, 300, height=heights, scatter=0.1)
    # Each power is that of 320 draws, with a standard error of .022; twice that.
    np.testing.assert_allclose(power, 0.8, atol=0.045)
    assert (heights > 0.5).all()
    assert (heights < 4).all()


def test_power_grows_with_height_and_items_and_falls_with_scatter():
    x, smooth = np.geomspace(1e8, 1e11, 8), expit(-2 + 0.5 * T)
    heights = [0.5, 1.0, 1.5, 2.0]
    power = jump_power(x, [smooth] * 4, 200, height=heights, scatter=0.1)
    assert (np.diff(power) > 0).all()
    n = np.array([30, 100, 300, 1000])[:, None]
    power = jump_power(x, [smooth] * 4, n, height=1.0, scatter=0.1)
    assert (np.diff(power) > 0).all()
    power = jump_power(x, [smooth] * 3, 1000, height=1.5, scatter=0.1, spread=[0.1, 0.3, 0.6])
    assert (np.diff(power) < 0).all()


def test_curves_of_different_lengths_have_the_power_that_each_has_alone():
    x, smooth = np.geomspace(1e8, 1e11, 8), expit(-2 + 0.5 * T)
    y = np.tile(smooth, (3, 1))
    y[1, 5:] = y[2, 4:] = np.nan
    both = jump_power(x, y, 200, height=1.5, scatter=0.1)
    alone = jump_power(x[:5], smooth[:5], 200, height=1.5, scatter=0.1)
    assert both[1] == alone[0]
    assert np.isnan(both[2])
    assert both[0] == jump_power(x, smooth, 200, height=1.5, scatter=0.1)[0]


def test_no_height_is_found_in_a_curve_whose_scatter_the_scores_do_not_show():
    """Flat at chance with 100 items: any scatter fits, so that no jump is beyond it."""
    x = np.geomspace(1e8, 1e11, 8)
    rng = np.random.default_rng(0)
    test = jump_test(x, np.full(8, 0.25), 100, chance=0.25, rng=rng, n_draws=19)
    assert np.isinf(test.smallest_detectable[0])


def test_scores_without_bounds():
    x = np.geomspace(1e8, 1e11, 8)
    loss = -3 + 0.4 * T
    power = jump_power(x, [loss] * 3, bounds=None, height=[0.3, 1, 3], scatter=0.1)
    assert (np.diff(power) > 0).all()
    assert power[0] < 0.8 < power[2]
