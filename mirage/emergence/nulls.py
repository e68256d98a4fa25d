"""How sharp a smooth curve looks by chance: null distributions, p-values, false discoveries.

Fit a smooth curve (`mirage.fits`), draw test sets from it, score each draw: a score is
evidence of a jump only where such draws seldom reach it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside
from mirage.emergence.scores import emergence_score
from mirage.statistics.bootstrap import draw_accuracies

_BLOCK = 2**21  # accuracies drawn at once: about 100 MiB at work, whatever the number of draws


def null_scores(
    p: ArrayLike,
    n_items: ArrayLike,
    n_draws: int,
    rng: np.random.Generator,
    score: Callable[[np.ndarray], ArrayLike] = emergence_score,
) -> np.ndarray:
    """Scores of test sets drawn from a smooth curve.

    Parameters
    ----------
    p : array_like, shape (..., models)
        Accuracy that the smooth curve predicts for each model, in [0, 1].
    n_items : int or array_like
        Number of items of each; broadcasts against `p`.
    n_draws : int
        How many test sets to draw, at least 1.
    rng : numpy.random.Generator
        Source of the draws.
    score : callable
        Takes accuracies of shape (draws, ..., models), returns shape (draws, ...).

    Returns
    -------
    ndarray, shape (n_draws, ...)
        In the unit of the score; draws of 0 median step are infinite by the default score.

    Raises
    ------
    ValueError
        If a probability or a number of items is out of range, or there are no draws.

    Notes
    -----
    Accuracies are Binomial(n, p)/n, drawn independently for each model: all that differs from
    the curve is which items were drawn. Real models scatter more, and with many items that
    alone makes smooth curves fail; then score the draws of ``mirage.fits.Fit.simulate``.

    Examples
    --------
    A straight rise scores 3; with 20 items, one draw in twenty reaches twice that.

    >>> null = null_scores([0.2, 0.4, 0.6, 0.8], 20, 10_000, np.random.default_rng(0))
    >>> print(f"{np.quantile(null, 0.95):.1f}")
    6.0
    """
    p, n = np.broadcast_arrays(np.asarray(p, np.float64), n_items)
    block = max(1, _BLOCK // max(p.size, 1))
    sizes = [min(block, n_draws - start) for start in range(0, n_draws, block)] or [n_draws]
    return np.concatenate([score(draw_accuracies(p, n, size, rng)) for size in sizes])


def p_value(observed: ArrayLike, null: ArrayLike) -> float | np.ndarray:
    """Share of the null draws that are at least as large as what was observed.

    Parameters
    ----------
    observed : float or array_like, shape (...)
        Score of the curve; may be infinite.
    null : array_like, shape (n_draws, ...)
        Scores under the null, as `null_scores` gives them.
    Returns
    -------
    float or ndarray of shape (...)
        In [1/(1 + n), 1]; NaN where the observed score or a draw is.

    Raises
    ------
    ValueError
        If the shapes disagree, or there are no draws.

    Notes
    -----
    (1 + k)/(1 + n), k of n draws as large or larger: the observation counts as one of the draws,
    so that p is never 0 and a test at level α rejects a true null in at most α of cases.

    Examples
    --------
    Two of four draws reach 2: 3/5.

    >>> p_value(2.0, [1.0, 2.0, -3.0, 5.0])
    0.6
    """
    observed, null = np.asarray(observed, np.float64), np.asarray(null, np.float64)
    if null.ndim == 0 or null.shape[0] == 0 or null.shape[1:] != observed.shape:
        expected = f"expected (n_draws, ...) with (...) = {observed.shape}"
        raise ValueError(f"null: found shape {null.shape}, {expected}")
    # Equal scores may differ in the last digit: they count as equal.
    reached = (null >= observed - 1e-9 * abs(np.nan_to_num(observed, posinf=0, neginf=0))).sum(
        axis=0
    )
    undefined = np.isnan(observed) | np.isnan(null).any(axis=0)
    p = np.where(undefined, np.nan, (1 + reached) / (1 + len(null)))
    return float(p) if p.ndim == 0 else p


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Smallest false discovery rate at which each hypothesis is rejected.

    Parameters
    ----------
    p : array_like, shape (...)
        p-values of all hypotheses tested, in [0, 1]; NaN for one that was not.

    Returns
    -------
    ndarray, shape (...)
        In [0, 1], at least p; NaN where p is, and not counted.

    Raises
    ------
    ValueError
        If a p-value is outside [0, 1].

    See Also
    --------
    scipy.stats.false_discovery_control : The same, without untested hypotheses.

    Notes
    -----
    Benjamini and Hochberg (1995). To reject where q ≤ α keeps the expected share of false
    rejections at or below α if the tests are independent or positively dependent; metrics of one
    task usually are positively dependent.

    Examples
    --------
    3 × .01/1, 3 × .03/2 and 3 × .04/3, each no larger than its successor.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.04, 0.04])
    """
    from scipy.stats import false_discovery_control  # .7 s that what tests nothing need not wait

    p = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(p)
    q = np.full(p.shape, np.nan)
    if tested.any():
        q[tested] = false_discovery_control(
            inside("p", p[tested], 0, 1, "p-values in [0, 1]"), axis=None
        )
    return q
