"""A profile at a null hypothesis never loses more than the fit of that hypothesis.

Then an interval and a test of the same hypothesis agree, on curves that say little, too.
"""

import numpy as np
import polars as pl
import pytest

from mirage import datasets
from mirage.fits import curvature, geometric_length
from mirage.fits.curve import draw_scores, fit_curve
from mirage.fits.data import checked
from mirage.fits.linearised import REACH, SPREAD, LogLog
from mirage.fits.models import FAMILIES
from mirage.fits.profiles import Profile, _fits_at_hand
from mirage.fits.solver import deviance, minimise

SIZES = np.geomspace(2e6, 1.28e11, 12)
MIDDLE = np.sqrt(SIZES[0] * SIZES[-1])
TRUTHS = {
    "chance": np.full(12, 0.25),
    "foot": 0.25 + 0.75 * np.exp(-((SIZES / SIZES[-1] / 3) ** -0.5)),
    "power": np.exp(-((SIZES / MIDDLE) ** -0.5)),
    "near zero": np.full(12, 0.002),
}


def scores(truth, n_items, seed, noise=1):
    rng = np.random.default_rng(seed)
    return draw_scores(TRUTHS[truth][None], np.full(12, n_items), noise, rng)[0]


def official():
    """Official curves of tasks at chance and above it; two had a wrong interval."""
    table = datasets.load("official_bigbench").scores.filter(family="BIG-G T=0").sort("n_params")
    for name in (
        "irony_identification",
        "hinglish_toxicity",
        "play_dialog_same_or_different",
        "metaphor_boolean",
        "physics",
        "riddle_sense",
    ):
        rows = table.filter(pl.col("chance").is_not_null(), task=name)
        x, y, n = (rows[column].to_numpy() for column in ("n_params", "score", "n_items"))
        yield x, np.rint(y * n) / n, n, (rows["chance"][0], 1)


def simulated():
    for truth, low in (("chance", 0.25), ("foot", 0.25), ("power", 0), ("near zero", 0)):
        for seed in range(4):
            y = scores(truth, 100, seed)
            yield SIZES, y, np.full(12, 100), (low, 1)


@pytest.mark.parametrize("curves", [simulated, official])
def test_interval_and_test_of_a_straight_line_agree(curves):
    for x, y, n, bounds in curves():
        found = curvature(x, y, n, bounds=bounds)
        assert found.interval.contains(found.curvature)
        assert (found.p > 0.05) == found.interval.contains(0)


def links(x, y, n, bounds):
    curve = checked(x, y, n, bounds, "size", None)
    t = np.log10(curve.x) - curve.frame.centre
    t /= np.abs(t).max()
    design = np.stack([np.ones_like(t), t, t**2])
    straight = LogLog(curve, design, [-np.inf, -np.inf, 0.0], True)
    return straight, LogLog(curve, design, [-np.inf, -np.inf, -np.inf], True, straight)


@pytest.mark.parametrize("curves", [simulated, official])
def test_a_bent_curve_and_its_profile_lose_no_more_than_a_straight_one(curves):
    for x, y, n, bounds in curves():
        straight, bent = links(x, y, n, bounds)
        assert bent.deviance <= straight.deviance
        assert bent.profile(2).lost(np.array([0.0]))[0] <= straight.deviance


def test_no_other_start_finds_less_than_the_profile():
    rng = np.random.default_rng(0)
    for x, y, n, bounds in official():
        _, bent = links(x, y, n, bounds)
        values = bent.theta[2] + REACH * SPREAD
        lost = bent.profile(2).lost(values)
        for value, least in list(zip(values, lost, strict=True))[::5]:
            starts = np.column_stack([rng.uniform(-8, 10, (500, 2)), np.full(500, value)])
            place = rng.uniform(-1, 1, 500)
            starts[:250, 0] += value * place[:250] ** 2  # the least accuracy, or the greatest,
            starts[:250, 1] -= 2 * value * place[:250]  # at a place between the sizes
            near = deviance(bent.curve.y, bent.mean(starts), n)
            starts = starts[np.argsort(near)[:40]]
            box = np.array([-400.0, -400, value]), np.array([400.0, 400, value])
            _, found = minimise(bent.mean, starts, box, bent.curve.y, n, slopes=bent.slopes)
            assert least <= found.min() + 0.01 * bent.noise


def test_chance_alone_does_not_end_an_interval():
    low, high = curvature(SIZES, np.full(12, 0.25), 100, bounds=(0.25, 1)).interval
    assert (low, high) == (-np.inf, np.inf)


@pytest.mark.parametrize("n_items", [None, 100])
def test_interval_and_test_of_geometric_lengths_agree(n_items):
    lengths = np.arange(1, 6)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        y = rng.binomial(n_items or 300, 0.6**lengths) / (n_items or 300)
        found = geometric_length(lengths, y, n_items)
        curve = checked(lengths, y, n_items, (0, 1), "size", None)
        design = np.stack([np.ones(5), np.log(lengths)])
        law = LogLog(curve, design, [-np.inf, 1.0], True)
        free = LogLog(curve, design, [-np.inf, -np.inf], True, law)
        assert free.profile(1).lost(np.array([1.0]))[0] <= law.deviance
        assert found.exponent_interval.contains(1) == (free.p_at(1, 1.0) > 0.05)


@pytest.mark.parametrize(
    ("model", "simple"), [("hinge", "constant"), ("step", "constant"), ("break", "power")]
)
@pytest.mark.parametrize("n_items", [None, 1000])
@pytest.mark.parametrize("truth", list(TRUTHS))
def test_the_profile_of_a_threshold_loses_no_more_than_a_curve_without(
    truth, n_items, model, simple
):
    curve = checked(SIZES, scores(truth, 1000, 0), n_items, (0, 1), "size", None)
    found, family = fit_curve(curve, model, True), FAMILIES[model]
    index = 5 if model == "break" else 2
    low, high = (end[index] for end in family.bounds(curve.frame))
    values = np.linspace(low, high, 12)[:-1]
    fits = _fits_at_hand(found, values, True)
    lost = Profile(curve.mean_of(family), family.bounds(curve.frame), index, curve, fits).lost(
        values
    )
    least = fit_curve(curve, simple, True).deviance
    assert (lost <= least + 1e-9 * (1 + least)).all()


def test_many_sizes_have_a_profile_in_little_memory():
    x = np.geomspace(1e6, 1e11, 400)
    accuracy = np.exp(-np.exp(3 - 0.6 * np.log10(x / 1e6)))
    noisy = np.random.default_rng(0).binomial(200, accuracy) / 200
    found = curvature(x, noisy, n_items=200)  # of pairs of all sizes it would need 20 GB
    assert found.interval.low < 0 < found.interval.high
