"""Fits: known curves are found, likelihoods are right, verdicts err as rarely as they say."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import differential_evolution
from scipy.stats import binom, norm, t

from mirage.fits import MODELS, compare, fit, forecast, threshold
from mirage.fits.comparison import compare_curves
from mirage.fits.curve import draw_scores
from mirage.fits.data import checked

relaxed = settings(max_examples=25)
SIZES = np.geomspace(3.5e8, 2e11, 12)  # the paper's range
DECADES = np.log10(SIZES / SIZES[0])
SMOOTH = {
    "power": np.exp(-((SIZES / 3e10) ** -0.5)),
    "foot": np.exp(-5 * (SIZES / 2e10) ** -0.5),  # most sizes score 0
    "floored power": 0.25 + 0.75 * np.exp(-((SIZES / 3e10) ** -1.0)),
    "sigmoid": 0.25 + 0.45 / (1 + np.exp(-3 * (DECADES - 1.4))),
    "constant": np.full(12, 0.25),
}
JUMP = np.where(SIZES > 1e10, 0.6, 0.25)


@st.composite
def curves(draw):
    """Odd but valid data: few or equal sizes, all 0, all 1, few items."""
    n_points = draw(st.integers(3, 9))
    exponents = draw(
        st.lists(st.integers(0, 12), min_size=n_points, max_size=n_points).filter(
            lambda values: len(set(values)) > 1
        )
    )
    n_items = draw(st.sampled_from([1, 4, 50, 100_000]))
    counts = draw(st.lists(st.integers(0, n_items), min_size=n_points, max_size=n_points))
    return 10.0 ** np.array(exponents), np.array(counts) / n_items, n_items


def test_step_by_hand():
    # 20, 20 and 60, 60 of 100: the levels .2, .6 lose nothing, between 1e7 and 1e8.
    found = fit([1e6, 1e7, 1e8, 1e9], [0.2, 0.2, 0.6, 0.6], "step", 100, overdispersed=False)
    assert found.parameters["before"] == pytest.approx(0.2)
    assert found.parameters["after"] == pytest.approx(0.6)
    assert found.parameters["threshold"] == pytest.approx(10**7.5)
    expected = 2 * binom.logpmf(20, 100, 0.2) + 2 * binom.logpmf(60, 100, 0.6)
    assert found.log_likelihood == pytest.approx(expected)
    assert found.n_parameters == 3
    assert np.isnan(found.aicc)  # 4 points ≤ 3 + 1
    assert found.bic == pytest.approx(3 * np.log(4) - 2 * expected)


def test_gaussian_constant_by_hand():
    # Mean 3 of 1, 2, 6, squares 4 + 1 + 9 = 14: variance 14/3, corrected 14/2.
    found = fit([1.0, 10.0, 100.0], [1.0, 2.0, 6.0], "constant")
    assert found.parameters == {"level": pytest.approx(3)}
    assert found.noise == pytest.approx(np.sqrt(7))
    expected = norm.logpdf([1, 2, 6], 3, np.sqrt(14 / 3)).sum()
    assert found.log_likelihood == pytest.approx(expected)
    assert found.bic == pytest.approx(2 * np.log(3) - 2 * expected)


def test_overdispersed_likelihood_by_hand():
    # 0, 50, 100 of 100 about ½: deviances 200 ln 2, 0, 200 ln 2, mean 92.42 = φ.
    found = fit([1.0, 10.0, 100.0], [0.0, 0.5, 1.0], "constant", 100)
    phi = 400 * np.log(2) / 3
    saturated = binom.logpmf([0, 50, 100], 100, [0, 0.5, 1]).sum()
    assert found.log_likelihood == pytest.approx(saturated - 1.5 * np.log(phi) - 1.5)
    assert found.noise == pytest.approx(200 * np.log(2))  # over 3 − 1 degrees of freedom


@pytest.mark.parametrize(
    ("model", "options", "truth", "found"),
    [
        ("power", {}, lambda x: np.exp(-((x / 3e9) ** -0.3)), {"c": 3e9, "alpha": -0.3}),
        ("floored power", {}, lambda x: 0.2 + 0.8 * np.exp(-((x / 3e10) ** -0.9)),
         {"floor": 0.2, "c": 3e10, "alpha": -0.9}),
        ("power", {"bounds": (0.25, 1)}, lambda x: 0.25 + 0.75 * np.exp(-((x / 3e9) ** -0.3)),
         {"floor": 0.25, "c": 3e9, "alpha": -0.3}),
        ("logistic", {}, lambda x: 1 / (1 + (x / 7e9) ** (-2 / np.log(10))),
         {"midpoint": 7e9, "slope": 2}),
        ("sigmoid", {}, lambda x: 0.9 - 0.7 / (1 + (x / 7e9) ** (3 / np.log(10))),
         {"floor": 0.2, "ceiling": 0.9, "midpoint": 7e9, "slope": 3}),
        ("break", {},
         lambda x: np.exp(-((x / 5e9) ** -0.2) * 2 * (1 + (x / 5e9) ** 2) ** (-1.0 * 0.5)),
         {"threshold": 5e9, "alpha_before": -0.2, "alpha_after": -1.2, "width": 0.5 / np.log(10)}),
        ("hinge", {}, lambda x: 0.3 + 0.2 * np.maximum(0, np.log10(x / 5e9)),
         {"before": 0.3, "slope": 0.2, "threshold": 5e9}),
        ("power", {"against": "loss"}, lambda x: np.exp(-((x / 5e9) ** 0.8)),
         {"c": 5e9, "alpha": 0.8}),
    ],
)  # fmt: skip
def test_recovers_the_parameters_of_its_own_curve(model, options, truth, found):
    y = truth(SIZES)
    parameters = fit(SIZES, y, model, 10**6, **options).parameters
    assert {name: parameters[name] for name in found} == pytest.approx(found, rel=2e-3)


@pytest.mark.parametrize(
    ("model", "truth", "parameters"),
    [
        ("power", lambda x: 5 - 3 * (x / SIZES[0]) ** -0.4,
         {"first": 2, "ceiling": 5, "alpha": -0.4}),
        ("floored power", lambda x: 7 * np.exp(-((x / 3e9) ** -0.7)) - 5,
         {"floor": -5, "ceiling": 2, "c": 3e9, "alpha": -0.7}),
        ("step", lambda x: np.where(x > 1e10, -3.0, 40.0), {"before": 40, "after": -3}),
    ],
)  # fmt: skip
def test_without_bounds_the_ends_are_fitted(model, truth, parameters):
    found = fit(SIZES, truth(SIZES), model).parameters
    assert {name: found[name] for name in parameters} == pytest.approx(parameters, rel=1e-3)


def direct_mean(model, theta, x):
    """The curves again, written independently, with |α| ≤ 2 and nothing else bounded."""
    d = np.log10(x / 1e10)
    if model == "power":
        return np.exp(-np.exp(theta[0] - theta[1] * 2 * np.log(10) * d))
    if model == "floored power":
        q = np.exp(-np.exp(theta[0] - theta[1] * 2 * np.log(10) * d))
        return abs(theta[2]) + (1 - abs(theta[2])) * q
    if model == "sigmoid":
        q = 1 / (1 + np.exp(-theta[0] - theta[1] * 2 * np.log(10) * 4.394 / 3.084 * d))
        return abs(theta[2]) + (abs(theta[3]) - abs(theta[2])) * q
    place = theta[0] / 8 * 1.6
    rise = np.maximum(0, d - place) / (np.log10(2e11 / 1e10) - place)
    return abs(theta[2]) + (abs(theta[3]) - abs(theta[2])) * rise


@pytest.mark.parametrize("model", ["power", "floored power", "sigmoid", "hinge"])
@pytest.mark.parametrize("truth", ["floored power", "sigmoid", "jump"])
def test_likelihood_agrees_with_a_global_optimiser(model, truth):
    rng = np.random.default_rng(5)
    y = rng.binomial(200, JUMP if truth == "jump" else SMOOTH[truth]) / 200

    def lost(theta):
        p = np.clip(direct_mean(model, theta, SIZES), 1e-10, 1 - 1e-10)
        return -binom.logpmf(np.rint(200 * y), 200, p).sum()

    ends = [(-8, 8), (-1, 1), (0, 1), (0, 1)][: 2 if model == "power" else 4]
    best = differential_evolution(lost, ends, rng=np.random.default_rng(0), tol=1e-8, maxiter=2000)
    found = fit(SIZES, y, model, 200, overdispersed=False)
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-3)


@relaxed
@given(curves())
def test_odd_data_never_fail(curve):
    x, y, n_items = curve
    for options in ({"n_items": n_items}, {"n_items": n_items, "overdispersed": False}, {}):
        comparison = compare(x, y, **options, held_out=not options)
        assert comparison.verdict in {"smooth", "broken", "step", "not identifiable"}
        for row in comparison.models:
            assert np.isfinite(row.log_likelihood)
            assert np.isfinite(row.bic)
            assert np.isnan(row.aicc) == (len(x) <= row.n_parameters + 1)
    low, high = threshold(x, y, n_items).interval
    assert np.isnan(low) or 0 <= low <= high


@relaxed
@given(curves(), st.sampled_from([1e-9, 0.5, 1e15]), st.randoms(use_true_random=False))
def test_neither_the_unit_of_x_nor_the_order_matters(curve, unit, random):
    x, y, n_items = curve
    order = list(range(len(x)))
    random.shuffle(order)
    for model in MODELS:
        one = fit(x, y, model, n_items, overdispersed=False)
        two = fit(x[order] * unit, y[order], model, n_items, overdispersed=False)
        assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-4, abs=0.05)


@pytest.mark.parametrize("model", list(MODELS))
def test_gaussian_fit_follows_the_unit_of_y(model):
    y = SMOOTH["sigmoid"] + np.random.default_rng(0).normal(0, 0.02, 12)
    one, two = fit(SIZES, y, model), fit(SIZES, 1e-4 * y - 7, model)
    np.testing.assert_allclose(two.fitted, 1e-4 * one.fitted - 7, atol=1e-7)
    # Density in the unit of y: n log 1e4 more.
    assert two.log_likelihood - one.log_likelihood == pytest.approx(12 * np.log(1e4), abs=1e-3)


@pytest.mark.parametrize("truth", [*SMOOTH.values(), JUMP], ids=[*SMOOTH, "jump"])
def test_a_model_fits_as_well_as_those_it_contains(truth):
    y = draw_scores(truth, np.full(12, 300), 2, np.random.default_rng(2))
    lost = {model: fit(SIZES, y, model, 300).deviance for model in MODELS}
    nested = [("power", "floored power"), ("logistic", "sigmoid"), ("power", "break")]
    nested += [
        ("constant", "step"),
        ("constant", "line"),
        ("line", "hinge"),
        ("constant", "sigmoid"),
    ]
    for small, large in nested:
        assert lost[large] <= lost[small] + 0.02, (small, large)


def test_loss_is_size_turned_round():
    y = draw_scores(SMOOTH["sigmoid"], np.full(12, 300), 1, np.random.default_rng(2))
    for model in set(MODELS) - {"line", "hinge"}:  # straight in the loss, not in its log
        size = fit(SIZES, y, model, 300)
        loss = fit(1 / SIZES, y, model, 300, against="loss", steepest=2)
        assert loss.log_likelihood == pytest.approx(size.log_likelihood, abs=1e-3)
        np.testing.assert_allclose(loss.predict(1 / SIZES), size.fitted, atol=1e-3)


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_constant_curves_are_smooth(level):
    y = np.full(12, level)
    comparison = compare(SIZES, y, 100)
    assert (comparison.verdict, comparison.best) == ("smooth", "constant")
    for model in MODELS:
        np.testing.assert_allclose(fit(SIZES, y, model, 100).fitted, level, atol=1e-3)
        np.testing.assert_allclose(fit(SIZES, y, model).fitted, level, atol=1e-3)
    interval = threshold(SIZES, y, 100).interval
    assert interval == (0, np.inf)  # no threshold at all fits as well


def test_all_zero_says_little_of_the_next_size():
    # Under a power law as steep as smooth curves may be, the rise can begin just above.
    found = forecast(SIZES, np.zeros(12), 2e12, 100)
    assert found.prediction.low[0] == 0
    assert found.prediction.high[0] > 0.3


def test_confidence_of_a_forecast_agrees_with_a_direct_profile():
    # With p at 1e12 held at an end, each slope fixes the level: one dimension is left.
    y = draw_scores(SMOOTH["power"], np.full(12, 300), 1, np.random.default_rng(3))
    d = np.log(SIZES / 1e12)

    def lost(slope, p):
        mean = np.exp(-np.exp(np.log(-np.log(p)) + slope * d))
        return -2 * binom.logpmf(np.rint(300 * y), 300, mean).sum()

    found = forecast(SIZES, y, 1e12, 300, overdispersed=False)
    slopes = np.linspace(-1, -0.1, 2001)
    best = min(lost(slope, p) for p in [found.score[0]] for slope in slopes)
    for end in found.confidence:
        least = min(lost(slope, end[0]) for slope in slopes)
        assert least - best == pytest.approx(3.8415, rel=0.03)  # χ² of 1 degree of freedom


def test_confidence_without_bounds_agrees_with_a_direct_profile():
    # Floor and ceiling are linear: for each c and α, least squares with the mean at 1e12 held.
    y = 7 * SMOOTH["power"] - 5 + np.random.default_rng(3).normal(0, 0.05, 12)

    def shapes(c, alpha):
        q = np.exp(-((np.append(SIZES, 1e12) / c) ** -alpha))
        return np.stack([1 - q, q], 1)

    def lost(theta, held=None):
        design = shapes(10.0 ** theta[0], np.clip(theta[1], 0.01, 2))
        if held is None:
            values = np.linalg.lstsq(design[:-1], y)[0]
        else:  # the ends that give `held` there, and one direction that does not change it
            last = design[-1]
            base, free = held * last / (last @ last), np.array([last[1], -last[0]])
            moved = design[:-1] @ free
            values = base + free * (moved @ (y - design[:-1] @ base)) / (moved @ moved)
        return ((y - design[:-1] @ values) ** 2).sum()

    found = forecast(SIZES, y, 1e12, model="floored power")
    box = [(9, 12.5), (0.05, 2)]
    best = differential_evolution(lost, box, rng=np.random.default_rng(0), tol=1e-10).fun
    for end in found.confidence:
        held = differential_evolution(lost, box, (end[0],), rng=np.random.default_rng(0), tol=1e-10)
        # (D(v) − D) / (D / 8) is t² with 12 − 4 degrees of freedom.
        assert 8 * (held.fun / best - 1) == pytest.approx(t.ppf(0.975, 8) ** 2, rel=0.03)


@pytest.mark.parametrize("n_points", [3, 4, 5, 6])
def test_few_points_are_not_identifiable(n_points):
    comparison = compare(SIZES[:n_points], JUMP[-n_points:] + 0.1 * np.arange(n_points), None)
    assert comparison.verdict == "not identifiable"
    assert f"{n_points} points" in comparison.reason
    assert np.isnan(comparison.delta)


def test_known_noise_needs_a_point_less():
    x, y = SIZES[:6], [0.2, 0.2, 0.2, 0.9, 0.9, 0.9]
    assert compare(x, y, 10**4).verdict == "not identifiable"
    assert compare(x, y, 10**4, overdispersed=False, steepest=0.5).verdict == "step"


def test_seven_points_are_enough_for_a_jump():
    x, y = SIZES[:7], [0.25, 0.26, 0.24, 0.6, 0.59, 0.62, 0.6]
    assert compare(x, y, 1000, held_out=False).verdict == "step"
    assert compare(x[:6], y[:6], 1000, held_out=False).verdict == "not identifiable"


def test_a_limit_on_slope_is_what_makes_a_step():
    y = JUMP.round(2)
    step = fit(SIZES, y, "step", 100).log_likelihood
    assert fit(SIZES, y, "sigmoid", 100, steepest=100).log_likelihood == pytest.approx(step)
    assert fit(SIZES, y, "sigmoid", 100).log_likelihood < step - 4


def test_comparison_is_a_table():
    comparison = compare(SIZES, SMOOTH["power"].round(2), 100)
    table = pl.DataFrame(comparison.rows())
    assert table["model"].to_list() == list(MODELS)
    assert table["weight"].sum() == pytest.approx(1)
    aicc = dict(zip(table["model"], table["aicc"], strict=True))
    smooth = min(value for model, value in aicc.items() if MODELS[model] == "smooth")
    other = min(value for model, value in aicc.items() if MODELS[model] != "smooth")
    assert comparison.delta == pytest.approx(smooth - other)
    # The largest: .68 observed; forecast by the power law of the others.
    ahead = fit(SIZES[:-1], SMOOTH["power"][:-1].round(2), "power", 100).predict(SIZES[-1])[0]
    row = table.row(by_predicate=pl.col("model") == "power", named=True)
    assert row["held_out_error"] == pytest.approx(SMOOTH["power"][-1].round(2) - ahead, abs=1e-6)
    k = round(100 * SMOOTH["power"][-1].round(2))
    assert row["held_out_log_likelihood"] == pytest.approx(binom.logpmf(k, 100, ahead), abs=1e-3)
    assert row["held_out_low"] < SMOOTH["power"][-1] < row["held_out_high"]


def test_simulated_scores_have_the_fitted_noise():
    rng = np.random.default_rng(0)
    y = draw_scores(np.full(12, 0.3), np.full(12, 200), 4, rng)
    found = fit(SIZES, y, "constant", 200)
    drawn = found.simulate(4000, rng)
    assert drawn.shape == (4000, 12)
    np.testing.assert_allclose(drawn * 200, np.rint(drawn * 200), atol=1e-9)
    level = found.parameters["level"]
    assert drawn.mean() == pytest.approx(level, abs=0.002)
    assert drawn.var() == pytest.approx(found.noise * level * (1 - level) / 200, rel=0.05)
    exact = fit(SIZES, SMOOTH["power"], "power", 10**6)
    assert exact.noise == 1
    drawn = exact.simulate(4000, rng)
    expected = SMOOTH["power"] * (1 - SMOOTH["power"]) / 10**6
    np.testing.assert_allclose(drawn.var(0), expected, rtol=0.15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [1, 2]}, "y: found 3 scores for 2 x"),
        ({"x": [1, 1, 1]}, "3 points at 1 distinct x"),
        ({"x": [0, 1, 2]}, "x: found 0 at index 0, expected positive"),
        ({"x": [1, 2, np.nan]}, "x: found NaN"),
        ({"y": [0, 1, np.inf]}, "y: found inf at index 2"),
        ({"y": [0, 1, 2]}, "y: found 2 at index 2, expected accuracies"),
        ({"x": [1, 2], "y": [0, 1]}, "found 2 points"),
        ({"n_items": 0}, "n_items: found 0"),
        ({"n_items": [10, 10]}, r"n_items: found shape \(2,\)"),
        ({"n_items": 2.5}, "n_items: found 2.5, expected whole numbers"),
        ({"bounds": (1, 0)}, r"bounds: found \(1, 0\)"),
        ({"bounds": (-1, 1)}, "bounds: found .* within"),
        ({"against": "time"}, "against: found 'time', expected 'size' or 'loss'"),
        ({"steepest": 0}, "steepest: found 0"),
        ({"model": "cubic"}, "model: found 'cubic', expected one of constant"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {"x": [1, 10, 100], "y": [0, 0.5, 1], "n_items": 10, "model": "power"}
    with pytest.raises(ValueError, match=message):
        fit(**(good | change))


def test_bad_options_of_the_others_are_named():
    with pytest.raises(ValueError, match="model: found 'power', expected 'hinge'"):
        threshold(SIZES, JUMP, model="power")
    with pytest.raises(ValueError, match="model: found 'cubic'"):
        forecast(SIZES, JUMP, 1e12, model="cubic")
    with pytest.raises(ValueError, match="x_new: found -1"):
        forecast(SIZES, JUMP, -1)
    with pytest.raises(ValueError, match="margin: found -1"):
        compare(SIZES, JUMP, margin=-1)


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_a_straight_line_is_not_broken(noise):
    """A hinge with its threshold at the first size is a line: smooth must contain it too."""
    rng = np.random.default_rng(0)
    draws = np.linspace(0, 3, 12) + rng.normal(0, noise, (20, 12))
    curves = [checked(SIZES, scores, None, None, "size", None) for scores in draws]
    verdicts = [found.verdict for found, _ in compare_curves(curves)]
    assert not {"broken", "step"} & set(verdicts)
    assert "smooth" in verdicts
