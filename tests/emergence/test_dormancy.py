"""Dormant share and rise width: by hand, on the paper's points, and under resampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirage.emergence import dormancy, dormancy_difference, dormancy_interval
from mirage.pages import published

SIZES = [1e8, 1e9, 1e10, 1e11]


def test_a_curve_by_hand():
    # Rise .4 from .1: 5 % of it is .12, a fifth of the way from .1 to .2, in the second gap.
    # 10 % is .14 (u = 1/3 + .4/3), 90 % is .46 (u = 2/3 + .26/.3 · 1/3).
    found = dormancy([0.1, 0.1, 0.2, 0.5], SIZES)
    assert found == pytest.approx((1 / 3 + 0.2 / 3, 1 / 3, 2 / 3, (1 + 0.26 / 0.3 - 0.4) / 3))


def test_the_noise_of_chance_delays_the_rise():
    # 1.645 √(.25 · .75/100) = .07123; of the rise .5 that is 14.2 %, not 5 %.
    y, threshold = [0.25, 0.25, 0.35, 0.75], 1.645 * np.sqrt(0.25 * 0.75 / 100)
    found = dormancy(y, SIZES, chance=0.25, n_items=100)
    assert found.share == pytest.approx((1 + threshold / 0.1) / 3)
    assert dormancy(y, SIZES, chance=0.25).share == pytest.approx((1 + 0.025 / 0.1) / 3)
    # .3 is within the noise of .25 on 100 items: no rise.
    assert np.isnan(dormancy([0.25, 0.2, 0.25, 0.3], SIZES, 0.25, 100)).all()


def test_no_rise_is_undefined_and_a_rise_from_the_first_model_has_no_dormant_share():
    assert np.isnan(dormancy([0.5, 0.4, 0.3, 0.2], SIZES)).all()
    assert np.isnan(dormancy([0.3] * 4, SIZES)).all()
    above_chance = dormancy([0.5, 0.6, 0.7, 0.8], SIZES, chance=0.25)
    assert above_chance[:3] == (0, 0, 0)


FIGURE_2 = published.load("fig2")


@pytest.mark.parametrize(("n_sizes", "expected"), [(4, (0.32, 0.04)), (12, (0.38, 0.05))])
def test_figure_2(n_sizes, expected):
    paper = FIGURE_2["N"]
    sizes = paper if n_sizes == 4 else np.geomspace(paper[0], paper[-1], n_sizes)
    p = np.exp(-((np.array(sizes) / 2e9) ** -0.5))
    found = dormancy([p**5, -5 * (1 - p)], sizes)
    np.testing.assert_allclose(found.share, expected, atol=0.005)
    assert found.low[0] >= found.high[1]


def test_figure_3():
    figure = published.load("fig3")
    curves = [
        next(
            curve
            for curve in figure[f"multiplication_{metric}"]
            if curve["target_len"] == 4 and curve["temperature"] == 0
        )
        for metric in ("accuracy", "neg_token_edit_distance")
    ]
    found = dormancy_difference(
        *(curve["y"] for curve in curves), curves[0]["params"], np.random.default_rng(0)
    )
    assert (found.a.share, found.b.share) == pytest.approx((0.50, 0.10), abs=0.005)
    assert found.disjoint
    assert np.isnan(found.low)  # four scores, no items and no seeds: nothing to resample


def test_figure_7():
    error = published.load("fig7B_mse")
    reconstruction = published.load("fig7C_reconstruction")["0.003"]
    found = dormancy([reconstruction, -np.array(error["test_mse"])], error["params"])
    np.testing.assert_allclose(found.share, (0.88, 0.03), atol=0.005)


def test_figure_8():
    sizes = published.load("fig8_params_estimate")
    # Two of the six models have one size. A guess among hundreds of characters is right in .1 %.
    found = dormancy(
        [published.load("fig8C_K3"), published.load("fig8B_K1")], sizes, chance=[0, 0.001]
    )
    np.testing.assert_allclose(found.share, (0.22, 0.00), atol=0.005)


def test_figure_11():
    figure = published.load("fig11B_lenet")
    accuracy = np.array(figure["test_acc"])
    found = dormancy([accuracy**10, accuracy], figure["params"], chance=[0.1**10, 0.1])
    np.testing.assert_allclose(found.share, (0.29, 0.00), atol=0.005)


curves = st.lists(st.floats(0, 1).map(lambda y: round(y, 3)), min_size=2, max_size=9)


@given(curves, st.floats(1e-3, 1e3), st.floats(-5, 5))
def test_dormancy_ignores_units_and_order(y, scale, offset):
    x = 10.0 ** np.arange(len(y))
    found = np.array(dormancy(y, x))
    moved = np.array(dormancy(scale * np.array(y) + offset, 7 * x))
    np.testing.assert_allclose(moved, found, atol=1e-6)
    np.testing.assert_allclose(dormancy(y[::-1], x[::-1]), found, atol=1e-9)
    if not np.isnan(found).any():
        assert 0 <= found[1] <= found[0] <= found[2] <= 1
        assert 0 <= found[3] <= 1


def test_many_curves_are_the_curves_one_by_one():
    rng = np.random.default_rng(0)
    y, chance = rng.random((5, 3, 6)).round(2), rng.random((5, 3)) / 4
    n, x = rng.integers(10, 300, (5, 3, 6)), np.geomspace(1e6, 1e9, 6)
    together = dormancy(y, x, chance, n)
    for index in np.ndindex(5, 3):
        one = dormancy(y[index], x, chance[index], n[index])
        np.testing.assert_allclose([part[index] for part in together], one, atol=1e-12)


def tokens(p, n_items, length, rng):
    right = rng.random((len(p), n_items, length)) < np.array(p)[:, None, None]
    return right.all(axis=2) * 1.0, right.mean(axis=2)


def test_difference_of_metrics_on_the_same_items():
    rng = np.random.default_rng(0)
    p = np.exp(-((np.array(SIZES) / 2e9) ** -0.5))
    exact, share = tokens(p, 300, 5, rng)
    found = dormancy_difference(exact, share, SIZES, rng, per_item=True)
    assert 0 < found.low < found.difference < found.high
    same = dormancy_difference(exact, exact, SIZES, rng, per_item=True)
    assert (same.difference, same.disjoint) == (0, False)


def test_seeds_are_resampled_in_pairs_within_each_model():
    rng = np.random.default_rng(0)
    p = np.exp(-((np.array(SIZES) / 2e9) ** -0.5)) * rng.uniform(0.9, 1, (6, 4))
    found = dormancy_difference(p**5, p, SIZES, rng)
    assert 0 < found.low < found.difference < found.high
    # Two seeds: deviations are widened to the variance that the mean of two has, s²/2.
    two = np.array([[0, 0, 0.1, 1.0], [0, 0, 0.3, 1.0]])
    interval = dormancy_interval(two, SIZES, rng).share
    means = 0.2 + np.sqrt(2) * np.array([0.1, -0.1])
    shares = [dormancy([0, 0, mean, 1], SIZES).share for mean in means]
    assert (interval.low, interval.high) == pytest.approx(shares)


def test_interval_from_counts_holds_the_truth_and_nothing_to_resample_is_nan():
    p = [0.0, 0.01, 0.3, 0.9]
    truth, rng = dormancy(p, SIZES).share, np.random.default_rng(1)
    inside = 0
    for _ in range(40):
        y = rng.binomial(400, p) / 400
        interval = dormancy_interval(y, SIZES, rng, n_items=400, n_resamples=300).share
        inside += interval.contains(truth)
    assert inside >= 34  # 95 % of 40 is 38; below 34 with probability .002
    assert np.isnan(dormancy_interval(p, SIZES, rng).share).all()
    assert np.isnan(dormancy_interval(p[::-1], SIZES, rng, n_items=400).share).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(y=[1, 2, 3], x=SIZES), "x: found 4 sizes for 3 models"),
        (dict(y=[1, 2, 3, np.nan], x=SIZES), "y: found NaN"),
        (dict(y=[1, 2, 3, np.inf], x=SIZES), "y: found inf"),
        (dict(y=[1, 2], x=[5, 5]), "x: found 1 distinct size"),
        (dict(y=[1, 2], x=[0, 5]), "x: found 0 at index 0"),
        (dict(y=[0.1, 2], x=[1, 5], n_items=10), "y: found 2 at index 1"),
        (dict(y=[0.1, 0.2], x=[1, 5], n_items=0), "n_items: found 0"),
        (dict(y=[0.1, 0.2], x=[1, 5], n_items=[1, 2, 3]), r"n_items: found shape \(3,\)"),
        (dict(y=[0.1, 0.2], x=[1, 5], chance=np.nan), "chance: found nan"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        dormancy(**arguments)


def test_refusals_of_resampling():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"b: found shape \(2, 4, 1\), expected that of a"):
        dormancy_difference(np.ones(4), np.ones((2, 4)), SIZES, rng)
    with pytest.raises(ValueError, match="expected 4 models, as x has"):
        dormancy_interval(np.ones((4, 3)), SIZES, rng)
