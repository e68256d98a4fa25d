"""How often verdicts are wrong and intervals miss, on simulated curves with fixed seeds.

Bounds are wide enough for a few dozen draws; the rates found with more stand in the docstring of
`mirage.fits.compare`.
"""

import numpy as np
import pytest

from mirage.fits import curvature, forecast, geometric_length, threshold
from mirage.fits.comparison import compare_curves
from mirage.fits.curve import draw_scores
from mirage.fits.data import checked

SIZES = np.geomspace(2e6, 1.28e11, 12)  # BIG-G's range
MIDDLE = np.sqrt(SIZES[0] * SIZES[-1])
SMOOTH = {
    "power": np.exp(-((SIZES / MIDDLE) ** -0.5)),
    "foot": np.exp(-((SIZES / SIZES[-1] / 3) ** -0.5)),
    "floored power": 0.25 + 0.75 * np.exp(-((SIZES / MIDDLE / 3) ** -1.0)),
    "sigmoid": 0.25 + 0.45 / (1 + np.exp(-0.75 * np.log(SIZES / MIDDLE))),
    "constant": np.full(12, 0.25),
}
JUMP = np.where(SIZES > MIDDLE, 0.6, 0.25)
NOISES = [(50, 1), (1000, 1), (1000, 5)]  # items, variance over the binomial one


def draws(truth, n_items, noise, count, seed=0):
    rng = np.random.default_rng(seed)
    return draw_scores(np.tile(truth, (count, 1)), np.full(len(truth), n_items), noise, rng)


def verdicts(scores, n_items, overdispersed=True):
    """Together, as tests/fits/test_batch.py shows, they are what `compare` says of each."""
    curves = [checked(SIZES, y, n_items, None, "size", None) for y in scores]
    return [found.verdict for found, _ in compare_curves(curves, overdispersed)]


@pytest.mark.parametrize(("n_items", "noise"), NOISES)
def test_smooth_curves_are_seldom_called_broken(n_items, noise):
    scores = np.concatenate([draws(truth, n_items, noise, 12) for truth in SMOOTH.values()])
    found = verdicts(scores, n_items)
    wrong = np.mean([verdict in ("broken", "step") for verdict in found])
    assert wrong <= 0.08  # 60 curves; about 2 % in the long run


@pytest.mark.parametrize(
    ("n_items", "noise", "power"), [(50, 1, 0.5), (1000, 1, 1), (1000, 5, 0.7)]
)
def test_a_jump_is_found(n_items, noise, power):
    found = verdicts(draws(JUMP, n_items, noise, 20), n_items)
    assert np.mean([verdict == "step" for verdict in found]) >= power


def test_binomial_noise_alone_rejects_what_varies_more():
    # The reason for `overdispersed`: models differ in more than their size.
    scores = draws(SMOOTH["floored power"], 1000, 20, 20)
    wrong = {}
    for given in (True, False):
        found = verdicts(scores, 1000, overdispersed=given)
        wrong[given] = np.mean([verdict in ("broken", "step") for verdict in found])
    assert wrong[False] >= 0.25
    assert wrong[True] <= 0.1


# Intervals are wide where the noise is only binomial: φ is never below 1, and Student's quantile
# allows for its estimate. So the coverage is bounded from below; 60 draws at 90 % seldom give < 50.


@pytest.mark.parametrize(("n_items", "noise"), [(100, 1), (1000, 5)])
def test_prediction_intervals_cover_the_largest_model(n_items, noise):
    truth, held = SMOOTH["power"], 0
    for y in draws(truth, n_items, noise, 60):
        found = forecast(SIZES[:-1], y[:-1], SIZES[-1], n_items)
        held += found.prediction.low[0] <= y[-1] <= found.prediction.high[0]
    assert held >= 50


@pytest.mark.parametrize("bounds", [(-5, 0), None])
def test_gaussian_prediction_intervals_cover(bounds):
    rng, held = np.random.default_rng(0), 0
    distance = 5 * SMOOTH["power"] - 5
    for _ in range(60):
        y = distance + rng.normal(0, 0.1, 12)
        model = "power" if bounds else "floored power"
        found = forecast(SIZES[:-1], y[:-1], SIZES[-1], model=model, bounds=bounds)
        held += found.prediction.low[0] <= y[-1] <= found.prediction.high[0]
    assert held >= 50


@pytest.mark.parametrize(("n_items", "noise"), [(100, 1), (1000, 5)])
@pytest.mark.parametrize("model", ["hinge", "step"])
def test_threshold_intervals_cover(model, n_items, noise):
    place = 1.3 * MIDDLE
    rise = np.minimum(0.2 * np.maximum(0, np.log10(SIZES / place)), 0.6)
    truth = 0.25 + rise if model == "hinge" else np.where(place < SIZES, 0.6, 0.25)
    intervals = [
        threshold(SIZES, y, n_items, model=model).interval for y in draws(truth, n_items, noise, 40)
    ]
    assert sum(interval.contains(place) for interval in intervals) >= 34
    assert np.mean([low > 0 and high < np.inf for low, high in intervals]) > 0.5


def test_threshold_in_loss_covers():
    loss, held = np.linspace(3.2, 1.6, 12), 0
    truth = 0.25 + 0.5 * np.maximum(0, 2.3 - loss)
    for y in draws(truth, 500, 1, 40):
        interval = threshold(loss, y, 500, against="loss").interval
        held += interval.contains(2.3)
        assert interval.low < 2.3 < interval.high or np.isfinite(interval).all()
    assert held >= 34


@pytest.mark.parametrize(("n_items", "noise"), [(100, 1), (1000, 5)])
def test_curvature_keeps_its_level(n_items, noise):
    found = [curvature(SIZES, y, n_items) for y in draws(SMOOTH["power"], n_items, noise, 40)]
    assert sum(one.p < 0.05 for one in found) <= 6
    assert sum(one.interval.contains(0) for one in found) >= 34
    assert all((one.p > 0.05) == one.interval.contains(0) for one in found)


def test_curvature_has_power():
    bent = np.exp(-np.exp(np.linspace(2, -4, 12) - 1.5 * np.linspace(-1, 1, 12) ** 2))
    found = [curvature(SIZES, y, 1000).p for y in draws(bent, 1000, 1, 20)]
    assert np.mean(np.array(found) < 0.05) >= 0.9


@pytest.mark.parametrize(("n_items", "noise"), [(100, 1), (1000, 5)])
def test_length_intervals_cover(n_items, noise):
    lengths = np.arange(1, 6)
    found = [geometric_length(lengths, y, n_items) for y in draws(0.7**lengths, n_items, noise, 40)]
    assert sum(one.interval.contains(0.7) for one in found) >= 34
    assert sum(one.exponent_interval.contains(1) for one in found) >= 34
