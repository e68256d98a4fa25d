"""Statistical resolution of a test set: smallest detectable accuracy, and PassUntil.

The paper's second explanation of apparent emergence: too few items to see a rare success.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv

from mirage import _check
from mirage._check import floats, inside, plain
from mirage.statistics.intervals import Interval


def rule_of_three(n_items: ArrayLike, level: float = 0.95) -> float | np.ndarray:
    """Largest accuracy that is compatible with 0 right answers of n.

    Parameters
    ----------
    n_items : int or array_like
        Number of independent items n, at least 1.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    float or ndarray
        Upper end of the one-sided interval, in (0, 1).

    Raises
    ------
    ValueError
        If n_items is below 1 or infinite, or the level not between 0 and 1.

    See Also
    --------
    smallest_detectable : Also above chance, with a stated power.

    Notes
    -----
    1 − (1 − level)^(1/n), about 3/n at 95 %: hence the name.

    References
    ----------
    J. A. Hanley and A. Lippman-Hand (1983), If nothing goes wrong, is everything all right?,
    JAMA 249. https://doi.org/10.1001/jama.1983.03330370053031

    Examples
    --------
    >>> round(rule_of_three(100), 4)
    0.0295
    """
    n = inside("n_items", n_items, 1, 2**53, "at least 1 item")
    return plain(-np.expm1(np.log1p(-_check.level("level", level)) / n))


def smallest_detectable(
    n_items: ArrayLike, chance: ArrayLike = 0.0, level: float = 0.95, power: float = 0.95
) -> float | np.ndarray:
    """Smallest accuracy that n items distinguish from chance, with a given power.

    Parameters
    ----------
    n_items : int or array_like
        Number of independent items n, at least 1.
    chance : float or array_like
        Accuracy of a guess, in [0, 1).
    level : float
        Confidence of the interval that must lie above chance, between 0 and 1.
    power : float
        Probability that it does, between 0 and 1.

    Returns
    -------
    float or ndarray
        In (0, 1); NaN where not even n of n right answers suffice.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    See Also
    --------
    rule_of_three : What no right answer at all leaves possible.
    mirage.statistics.item_counts.items_to_exceed : Items needed, for a given accuracy.

    Notes
    -----
    Let k be the smallest number of right answers whose Clopper–Pearson interval lies above
    chance. The result is the p of P(Binomial(n, p) ≥ k) = power, B(power; k, n − k + 1).
    At chance 0 one right answer suffices: 1 − (1 − power)^(1/n), the rule of three.

    Examples
    --------
    At chance ¼ it takes 35 right answers of 100; accuracy .4258 gives them in 95 % of tests.

    >>> round(smallest_detectable(100), 4), round(smallest_detectable(100, chance=0.25), 4)
    (0.0295, 0.4258)
    """
    n = inside("n_items", n_items, 1, 2**53, "at least 1 item")
    n, chance = np.broadcast_arrays(n, inside("chance", chance, 0, 1, "in [0, 1]"))
    tail, power = (1 - _check.level("level", level)) / 2, _check.level("power", power)
    few, enough = np.zeros(n.shape), n + 1.0  # bisection: few never suffice, enough do
    while (enough - few > 1).any():
        k = np.clip(np.floor((few + enough) / 2), 1, n)
        above = betainc(k, n - k + 1, chance) < tail  # P(Binomial(n, chance) ≥ k)
        few, enough = np.where(above, few, k), np.where(above, k, enough)
    k = np.minimum(enough, n)
    return plain(np.where(enough > n, np.nan, betaincinv(k, n - k + 1, power)))


def agreement(score: ArrayLike, n_items: ArrayLike, stderr: ArrayLike) -> bool | np.ndarray:
    """Whether a stated standard error is that of a share of n items.

    Parameters
    ----------
    score : float or array_like
        Share of right answers.
    n_items : float or array_like
        Number of items n; NaN where it is not known.
    stderr : float or array_like
        Standard error, in the unit of the score; NaN where none is stated.

    Returns
    -------
    bool or ndarray
        True where nothing is stated, and where a share of 0 or 1, or no share, has no such error.

    Notes
    -----
    Tools divide by n or n − 1; 2 % allow for the digits printed, and for a bootstrap's own error.

    Examples
    --------
    A share of .6 of 100 items has the error √(.24/100) = .049.

    >>> agreement(0.6, 100, [0.049, 0.0492, 0.06]).tolist()
    [True, True, False]
    """
    score, n, stderr = (np.asarray(value, np.float64) for value in (score, n_items, stderr))
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.sqrt(score * (1 - score) / n)
        high = np.sqrt(score * (1 - score) / (n - 1))
        wrong = (stderr < 0.98 * low) | (stderr > 1.02 * high)
    return ~(wrong & (low > 0))


class PassUntil(NamedTuple):
    """A success rate measured by sampling until a fixed number of passes.

    Attributes
    ----------
    estimate : float or ndarray
        Unbiased estimate of the probability that a sample passes, in (0, 1].
    interval : Interval
        Exact interval of that probability.

    Examples
    --------
    >>> pass_until(101, 2).estimate
    0.01
    """

    estimate: float | np.ndarray
    interval: Interval


def pass_until(n_samples: ArrayLike, r: ArrayLike, level: float = 0.95) -> PassUntil:
    """Estimate a success rate from the number of samples that the r-th pass took.

    Parameters
    ----------
    n_samples : int or array_like
        Samples K drawn until the r-th pass, that one included; at least r.
    r : int or array_like
        Number of passes at which sampling stopped, at least 2: from one pass the estimator
        would be 0. Broadcasts against `n_samples`.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    PassUntil
        Estimate and interval; numbers for numbers, arrays for arrays.

    Raises
    ------
    ValueError
        If K or r are not whole numbers with 2 ≤ r ≤ K, or the level not between 0 and 1.

    See Also
    --------
    clopper_pearson_interval : The same for a fixed number of samples.

    Notes
    -----
    (r − 1)/(K − 1), the unbiased estimator of a negative binomial, as Hu et al. use it to see
    abilities far below 1/n. Its relative error is about 1/√(r − 2) for r > 2, however rare a pass
    is; K grows instead, to r/p on average.
    The interval inverts P(K ≤ k) = P(Binomial(k, p) ≥ r), exactly as Clopper and Pearson:
    low = B(α/2; r, K − r + 1), high = B(1 − α/2; r, K − r), and 1 for K = r.
    For a test set, average the estimates over its items: each is unbiased, so the mean is.

    References
    ----------
    J. B. S. Haldane (1945), On a method of estimating frequencies, Biometrika 33.
    https://doi.org/10.1093/biomet/33.3.222

    S. Hu et al. (2023), Predicting emergent abilities with infinite resolution evaluation,
    arXiv:2310.03262. https://doi.org/10.48550/arXiv.2310.03262

    Examples
    --------
    The tenth pass came at the 90 001st sample.

    >>> result = pass_until(90_001, 10)
    >>> print(f"{result.estimate:.1e}, {result.interval:.1e}")
    1.0e-04, [5.3e-05, 1.9e-04]
    """
    k, r = floats("n_samples", n_samples, "counts"), floats("r", r, "counts")
    k, r = np.broadcast_arrays(k, r)
    valid = (r >= 2) & (k >= r) & (k < np.inf) & (k == np.floor(k)) & (r == np.floor(r))
    if not valid.all():
        found = f"found r = {r[~valid][0]:g} passes in {k[~valid][0]:g} samples"
        raise ValueError(f"{found}, expected whole numbers with 2 <= r <= n_samples")
    tail = (1 - _check.level("level", level)) / 2
    low = betaincinv(r, k - r + 1, tail)
    high = np.where(k == r, 1.0, betaincinv(r, np.maximum(k - r, 1), 1 - tail))
    return PassUntil(plain((r - 1) / (k - 1)), Interval(plain(low), plain(high)))
