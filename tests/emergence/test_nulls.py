"""Null distributions, p-values and false discoveries: exact, calibrated, equal to SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, false_discovery_control

from mirage import theory
from mirage.emergence import emergence_score
from mirage.emergence.nulls import benjamini_hochberg, null_scores, p_value
from mirage.statistics.bootstrap import draw_accuracies


def test_null_by_enumeration():
    # Three models with one item each: 8 test sets, their scores and probabilities.
    p = np.array([0.1, 0.4, 0.8])
    sets = np.array(np.meshgrid(*[[0, 1]] * 3, indexing="ij")).reshape(3, 8).T
    chances = binom.pmf(sets, 1, p).prod(axis=1)
    exact = {}
    for score, chance in zip(emergence_score(sets), chances, strict=True):
        exact[score] = exact.get(score, 0) + chance
    null = null_scores(p, 1, 40_000, np.random.default_rng(0))
    values, counts = np.unique(null, return_counts=True)
    assert values.tolist() == sorted(exact)
    assert counts / 40_000 == pytest.approx([exact[value] for value in values], abs=0.01)


def test_many_curves_axes_blocks_and_scores(monkeypatch):
    monkeypatch.setattr("mirage.emergence.nulls._BLOCK", 100)  # several blocks, the last one short
    p = np.array([[0.1, 0.2, 0.3, 0.4], [0.9, 0.5, 0.3, 0.1], [0.5] * 4])
    null = null_scores(p, [10, 20, 30, 40], 1003, np.random.default_rng(1))
    assert null.shape == (1003, 3)
    assert np.median(null[:, 0]) > 0 > np.median(null[:, 1])
    spans = null_scores(p, 50, 7, np.random.default_rng(2), score=lambda y: np.ptp(y, axis=-1))
    assert spans.shape == (7, 3)
    assert (spans <= 1).all()


@pytest.mark.parametrize("n_items", [20, 50])
def test_no_test_exceeds_its_level(n_items):
    # Under the null itself P(p ≤ α) ≤ α, ties and infinite scores included.
    p = theory.accuracy(theory.token_probability(np.geomspace(1e8, 1e11, 8)), 5)
    rng = np.random.default_rng(3)
    observed = emergence_score(draw_accuracies(np.broadcast_to(p, (2000, 8)), n_items, 1, rng)[0])
    null = null_scores(p, n_items, 2000, rng)
    found = p_value(observed, np.broadcast_to(null[:, None], (2000, 2000)))
    for alpha in (0.01, 0.05, 0.2):
        # Three standard errors of α in 2 000 curves, and those of the 2 000 draws.
        assert (found <= alpha).mean() <= alpha + 3 * np.sqrt(2 * alpha * (1 - alpha) / 2000)


def test_p_values_by_hand():
    null = [1.0, 2.0, -3.0, 5.0]
    assert p_value(2.0, null) == 3 / 5  # 2 and 5
    assert p_value(-3.0, null) == 1
    assert p_value(6.0, null) == 1 / 5  # never 0
    assert type(p_value(2.0, null)) is float


def test_infinite_and_equal_scores():
    null = np.array([1.0, np.inf, np.inf, -np.inf])
    assert p_value(np.inf, null) == 3 / 5
    assert p_value(3.0, [3 - 1e-15, 3 - 1e-6]) == 2 / 3  # the last digit does not decide


def test_undefined_scores_have_no_p_value():
    null = np.array([[1.0, 1.0, np.nan], [2.0, 2.0, 1.0]])
    found = p_value([np.nan, 1.5, 1.0], null)
    np.testing.assert_array_equal(found, [np.nan, 2 / 3, np.nan])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_values_agree_with_scipy(p):
    q = benjamini_hochberg(p)
    assert q == pytest.approx(false_discovery_control(p), rel=1e-12)
    assert (q >= np.array(p)).all()
    assert (q <= 1).all()
    # Hypotheses that were not tested change nothing.
    among = benjamini_hochberg([np.nan, *p, np.nan])
    np.testing.assert_array_equal(among[1:-1], q)
    assert np.isnan(among[[0, -1]]).all()


def test_q_values_by_hand():
    # p sorted .005, .009, .05, .5: times 4/1, 4/2, 4/3, 4/4 = .02, .018, .0667, .5; then the
    # smallest from the right.
    q = benjamini_hochberg([[0.05, 0.009], [0.5, 0.005]])
    assert q.tolist() == [pytest.approx([0.2 / 3, 0.018]), pytest.approx([0.5, 0.018])]
    assert benjamini_hochberg([]).shape == (0,)
    assert np.isnan(benjamini_hochberg([np.nan])).all()


def test_q_values_keep_the_false_discovery_rate():
    # 900 true nulls and 100 strong effects: of the rejected at 10 %, at most 10 % are false.
    rng = np.random.default_rng(4)
    shares = []
    for _ in range(200):
        p = np.concatenate([rng.random(900), rng.random(100) * 1e-4])
        rejected = benjamini_hochberg(p) <= 0.1
        assert rejected[900:].all()
        shares.append(rejected[:900].sum() / rejected.sum())
    # The rate is .1 × 900/1000; 200 repetitions have a standard error of .002.
    assert np.mean(shares) == pytest.approx(0.09, abs=0.008)


rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: null_scores([0.1, 1.2, 0.3], 10, 5, rng), "probability: found 1.2 at index 1"),
        (lambda: null_scores([0.1, 0.2], 0, 5, rng), "n_items: found 0"),
        (lambda: null_scores([0.1, 0.2], 10, 0, rng), "n_draws: found 0, expected a whole number"),
        (lambda: null_scores([0.1, np.nan], 10, 5, rng), "y: found nan"),
        (lambda: p_value(1.0, []), r"null: found shape \(0,\), expected \(n_draws, ...\)"),
        (lambda: p_value([1.0, 2.0], [1.0, 2.0]), r"null: found shape \(2,\)"),
        (lambda: benjamini_hochberg([0.1, 1.1]), "p: found 1.1 at index 1, expected p-values"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
