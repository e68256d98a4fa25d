"""The isotonic curve: against two other implementations, and its refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from sklearn.isotonic import IsotonicRegression

from mirage.fits import isotonic


@given(st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_isotonic_agrees_with_scikit_learn_and_scipy(points, seed):
    rng = np.random.default_rng(seed)
    y, weights = rng.normal(size=(2, points)).round(1), rng.integers(1, 500, (2, points))
    found = isotonic(y, weights)
    for row, score, weight in zip(found, y, weights, strict=True):
        learnt = IsotonicRegression().fit(np.arange(points), score, sample_weight=weight)
        learnt = learnt.predict(np.arange(points))
        np.testing.assert_allclose(row, learnt, atol=1e-9)
        np.testing.assert_allclose(row, isotonic_regression(score, weights=weight).x, atol=1e-9)


def test_isotonic_by_hand():
    # 3, 1, 2 pool to their mean 2; with weight 4 of the 1 to (3 + 4)/5, below the 2.
    np.testing.assert_allclose(isotonic([0, 3, 1, 2, 9]), [0, 2, 2, 2, 9])
    np.testing.assert_allclose(isotonic([0, 3, 1, 2, 9], [1, 1, 4, 1, 1]), [0, 1.4, 1.4, 2, 9])


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        ([], 1, "y: found no values"),
        ([1, np.nan], 1, "y: found NaN at index 1"),
        ([1, np.inf], 1, "y: found inf at index 1"),
        ([1, 2], 0, "weights: found 0, expected positive"),
        ([1, 2], [1, 2, 3], r"weights: found shape \(3,\)"),
    ],
)
def test_isotonic_refuses(y, weights, message):
    with pytest.raises(ValueError, match=message):
        isotonic(y, weights)
