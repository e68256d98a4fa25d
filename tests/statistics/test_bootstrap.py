"""The bootstrap: paired, clustered, binomial, and without one model."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from mirage.statistics import percentile_interval
from mirage.statistics.bootstrap import (
    binomial_bootstrap,
    draw_accuracies,
    item_bootstrap,
    leave_one_out,
)


def shares(values):
    counts = Counter(np.round(values, 9).tolist())
    return {value: count / len(values) for value, count in sorted(counts.items())}


def test_item_bootstrap_by_hand():
    # Items 0, 0, 1: means k/3 with the probabilities of Binomial(3, 1/3), 8, 12, 6, 1 of 27.
    draws = item_bootstrap([[0, 0, 1]], 40_000, np.random.default_rng(0))
    assert draws.shape == (40_000, 1)
    expected = {0.0: 8 / 27, 1 / 3: 12 / 27, 2 / 3: 6 / 27, 1.0: 1 / 27}
    assert list(shares(draws[:, 0])) == pytest.approx(list(expected))
    # Four standard errors of a share near .44 in 40 000 draws: .01.
    assert list(shares(draws[:, 0]).values()) == pytest.approx(list(expected.values()), abs=0.01)


def test_item_bootstrap_is_the_exact_one():
    # All 4⁴ equally likely resamples of 4 items, enumerated; outcomes need not be 0 or 1.
    outcomes = np.array([[0.0, 0.5, 2.0, -1.0], [1.0, 1.0, 0.0, 3.0]])
    every = np.array([outcomes[:, list(i)].mean(axis=1) for i in product(range(4), repeat=4)])
    draws = item_bootstrap(outcomes, 50_000, np.random.default_rng(1))
    assert draws.mean(axis=0) == pytest.approx(every.mean(axis=0), abs=0.02)
    assert np.cov(draws.T) == pytest.approx(np.cov(every.T, ddof=0), abs=0.02)


def test_pairing_keeps_what_models_share():
    # Model 1 is right where model 0 is, and on one item more: never behind in a resample.
    rng = np.random.default_rng(2)
    outcomes = np.zeros((2, 30))
    outcomes[:, :12], outcomes[1, 12] = 1, 1
    draws = item_bootstrap(outcomes, 2000, rng)
    assert (draws[:, 1] >= draws[:, 0]).all()
    apart = np.concatenate([item_bootstrap(row[None], 2000, rng) for row in outcomes], axis=-1)
    assert (apart[:, 1] < apart[:, 0]).mean() > 0.2  # unpaired, order is often lost


def test_tasks_are_drawn_apart():
    outcomes = np.random.default_rng(3).integers(0, 2, (5, 3, 40))
    draws = item_bootstrap(outcomes, 3000, np.random.default_rng(4))
    assert draws.shape == (3000, 5, 3)
    assert draws.mean(axis=0) == pytest.approx(outcomes.mean(axis=-1), abs=0.01)
    between = np.corrcoef(draws[:, :, 0].T)[np.triu_indices(5, 1)]
    assert abs(between).max() < 0.1  # 4/√3000 = .07 for five independent tasks


def test_clusters_move_as_one():
    # Two clusters, all right and all wrong: a resample has 0, 1 or 2 of the first.
    outcomes = [[1, 1, 1, 0, 0, 0]]
    labels = ["a", "a", "a", "b", "b", "b"]
    draws = item_bootstrap(outcomes, 20_000, np.random.default_rng(5), clusters=labels)
    assert list(shares(draws[:, 0])) == [0, 0.5, 1]
    assert list(shares(draws[:, 0]).values()) == pytest.approx([0.25, 0.5, 0.25], abs=0.015)
    # Unequal sizes: one right of one, one wrong of three: (1 + 0)/(1 + 3) if both are drawn.
    draws = item_bootstrap([[1, 0, 0, 0]], 1000, np.random.default_rng(6), clusters=[7, 3, 3, 3])
    assert list(shares(draws[:, 0])) == [0, 0.25, 1]
    # Each item its own cluster is the plain bootstrap.
    plain = item_bootstrap([[1, 0, 1]], 100, np.random.default_rng(7))
    own = item_bootstrap([[1, 0, 1]], 100, np.random.default_rng(7), clusters=[0, 1, 2])
    np.testing.assert_array_equal(plain, own)


def test_blocks_do_not_show(monkeypatch):
    # More numbers than one block holds: every row is filled, none twice.
    monkeypatch.setattr("mirage.statistics.bootstrap._BLOCK", 64)
    draws = item_bootstrap(np.eye(20)[None], 1001, np.random.default_rng(8))
    assert draws.shape == (1001, 1, 20)
    assert draws.sum(axis=-1) == pytest.approx(np.ones((1001, 1)))
    assert len(np.unique(draws, axis=0)) > 900


@pytest.mark.parametrize("n", [20, 200])
def test_binomial_bootstrap_has_the_binomial_spread(n):
    draws = binomial_bootstrap([0.0, 0.3, 1.0], n, 40_000, np.random.default_rng(9))
    p = (n * np.array([0.0, 0.3, 1.0]) + 0.5) / (n + 1)
    assert draws.mean(axis=0) == pytest.approx(p, abs=0.002)
    assert draws.var(axis=0) == pytest.approx(p * (1 - p) / n, rel=0.05)
    # 0 of n is not 0 ± 0: P(0 again) = (1 − ½/(n + 1))ⁿ, about e^(−½).
    assert (draws[:, 0] == 0).mean() == pytest.approx((1 - 0.5 / (n + 1)) ** n, abs=0.015)


def test_interval_of_an_accuracy_covers():
    # The bootstrap interval of one accuracy holds .3 in about 95 % of 2 000 test sets.
    rng = np.random.default_rng(10)
    observed = draw_accuracies(np.full(2000, 0.3), 100, 1, rng)[0]
    interval = percentile_interval(binomial_bootstrap(observed, 100, 999, rng))
    assert interval.contains(np.full(2000, 0.3)).mean() == pytest.approx(0.95, abs=0.025)


def test_draws_have_their_distribution():
    draws = draw_accuracies([[0.1, 0.5], [0.9, np.nan]], [10, 4], 20_000, np.random.default_rng(11))
    assert draws.shape == (20_000, 2, 2)
    assert np.isnan(draws[:, 1, 1]).all()
    for i, j, n, p in [(0, 0, 10, 0.1), (0, 1, 4, 0.5), (1, 0, 10, 0.9)]:
        found = np.bincount(np.rint(n * draws[:, i, j]).astype(int), minlength=n + 1) / 20_000
        assert found == pytest.approx(binom.pmf(np.arange(n + 1), n, p), abs=0.015)


def test_leave_one_out_by_hand():
    y = [[1, 2, 3], [4, 5, 6]]
    expected = [[[2, 3], [5, 6]], [[1, 3], [4, 6]], [[1, 2], [4, 5]]]
    np.testing.assert_array_equal(leave_one_out(y), expected)


rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: item_bootstrap([0, 1], 10, rng), r"outcomes: found shape \(2,\), expected \(...,"),
        (lambda: item_bootstrap([[]], 10, rng), "outcomes: found no values"),
        (lambda: item_bootstrap([[0, np.nan]], 10, rng), "outcomes: found NaN at index"),
        (lambda: item_bootstrap([[0, 1]], 0, rng), "n_resamples: found 0, expected a whole"),
        (lambda: item_bootstrap([[0, 1]], 2.5, rng), "n_resamples: found 2.5"),
        (lambda: item_bootstrap([[0, 1]], 9, rng, [1]), r"clusters: found shape \(1,\) for 2 item"),
        (lambda: binomial_bootstrap([0.5, 30.0], 10, 5, rng), "accuracy: found 30 at index 1"),
        (lambda: binomial_bootstrap([-0.1, 0.5], 10, 5, rng), "accuracy: found -0.1 at index 0"),
        (lambda: binomial_bootstrap(0.5, 0, 5, rng), "n_items: found 0, expected at least 1 item"),
        (lambda: draw_accuracies([0.5], 2.5, 5, rng), "n_items: found 2.5, expected whole numbers"),
        (lambda: draw_accuracies([0.5], np.nan, 5, rng), "n_items: found nan"),
        (lambda: draw_accuracies([1.5], 10, 5, rng), "probability: found 1.5 at index 0"),
        (lambda: draw_accuracies([0.5], 10, 0, rng), "n_draws: found 0"),
        (lambda: leave_one_out([1]), r"y: found shape \(1,\), expected \(..., models\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
