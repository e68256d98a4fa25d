"""Draws by tables have the distribution that they say, to the last count."""

import numpy as np
import pytest
from scipy.stats import betabinom, binom, chisquare

from mirage.statistics.draws import share_draws


@pytest.mark.parametrize(
    ("n", "p", "concentration"),
    [
        (205, 0.3, np.inf),
        (205, 0.999, np.inf),
        (10, 0.01, np.inf),
        (1, 0.3, np.inf),
        (205, 0.4, 50.0),
        (50, 0.9, 3.0),
        (300, 0.5, 1e5),
        (3000, 0.2, np.inf),  # more items than draws: no table
        (3000, 0.2, 1e3),
    ],
)
def test_distribution(n, p, concentration):
    n_draws = 100_000 if n < 3000 else 2500
    drawn = share_draws(
        np.array([n]), np.array([p]), n_draws, np.random.default_rng(1), concentration
    )
    counts = np.rint(drawn[0] * n).astype(int)
    assert (counts / n == drawn[0]).all()
    a, b = p * concentration, (1 - p) * concentration
    law = binom(n, p) if np.isinf(concentration) else betabinom(n, a, b)
    ends = np.unique(law.ppf(np.linspace(0, 1, 31)[1:-1]).astype(int))  # some 30 bins
    expected = np.diff([0.0, *law.cdf(ends), 1.0])
    observed = np.bincount(np.searchsorted(ends, counts), minlength=len(expected))
    kept = expected * n_draws >= 5
    expected = expected[kept] / expected[kept].sum()
    assert chisquare(observed[kept], expected * observed[kept].sum()).pvalue > 1e-3


def test_rows_are_independent_and_keep_their_place():
    n, p = np.array([100, 40, 100, 7]), np.array([0.2, 1.0, 0.7, 0.0])
    drawn = share_draws(n, p, 20_000, np.random.default_rng(0))
    assert drawn.mean(1) == pytest.approx(p, abs=0.002)
    assert drawn[1].min() == 1
    assert drawn[3].max() == 0
    assert abs(np.corrcoef(drawn[[0, 2]])[0, 1]) < 0.03
    assert abs(np.corrcoef(drawn[0, 1:], drawn[0, :-1])[0, 1]) < 0.03
