"""What n items can show: smallest detectable accuracy, items needed, and PassUntil.

The paper's second explanation of a sudden ability: too few items to see a rare success.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv, ndtri

from mirage._check import inside, plain
from mirage.statistics.intervals import Interval


def rule_of_three(n_items: ArrayLike, level: float = 0.95) -> float | np.ndarray:
    """Largest accuracy that 0 right answers out of n leave possible.

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
        If n_items is below 1 or the level not between 0 and 1.

    Notes
    -----
    1 − (1 − level)^(1/n), about 3/n at 95 %: hence the name (Hanley and Lippman-Hand 1983).

    Examples
    --------
    >>> round(rule_of_three(100), 4)
    0.0295
    """
    n = inside("n_items", n_items, 1, np.inf, "at least 1 item")
    return plain(-np.expm1(np.log1p(-_level("level", level)) / n))


def smallest_detectable(
    n_items: ArrayLike, chance: ArrayLike = 0.0, level: float = 0.95, power: float = 0.95
) -> float | np.ndarray:
    """Smallest accuracy that n items tell from chance, as a rule.

    Parameters
    ----------
    n_items : int or array_like
        Number of independent items n, at least 1.
    chance : float or array_like
        Accuracy of a guess, in [0, 1).
    level : float
        Confidence of the interval that must lie above chance, between 0 and 1.
    power : float
        Probability with which it shall do so, between 0 and 1.

    Returns
    -------
    float or ndarray
        In (0, 1); NaN where not even n of n right answers suffice.

    Raises
    ------
    ValueError
        If an argument is out of its range.

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
    n = inside("n_items", n_items, 1, np.inf, "at least 1 item")
    n, chance = np.broadcast_arrays(n, inside("chance", chance, 0, 1, "in [0, 1]"))
    tail, power = (1 - _level("level", level)) / 2, _level("power", power)
    few, enough = np.zeros(n.shape), n + 1.0  # bisection: few never suffice, enough do
    while (enough - few > 1).any():
        k = np.clip(np.floor((few + enough) / 2), 1, n)
        above = betainc(k, n - k + 1, chance) < tail  # P(Binomial(n, chance) ≥ k)
        few, enough = np.where(above, few, k), np.where(above, k, enough)
    k = np.minimum(enough, n)
    return plain(np.where(enough > n, np.nan, betaincinv(k, n - k + 1, power)))


def items_needed(
    width: ArrayLike, accuracy: ArrayLike = 0.5, level: float = 0.95
) -> int | np.ndarray:
    """Count the items for an interval of the wanted width.

    Parameters
    ----------
    width : float or array_like
        From the lower to the upper end of the interval, in (0, 1).
    accuracy : float or array_like
        Expected accuracy, in [0, 1]; ½ needs the most items.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    int or ndarray of int
        Smallest n, at least 1, at which Wilson's interval is no wider.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    The width of `mirage.statistics.wilson_interval` at k = pn, 2z √(np(1 − p) + z²/4)/(n + z²),
    solved for n: n + z² = z² (2pq + √(4p²q² + w²(1 − 4pq)))/w² with q = 1 − p.
    For small w this is the familiar 4z²pq/w².

    Examples
    --------
    ± 3 percentage points about one half.

    >>> items_needed(0.06)
    1064
    """
    w = inside("width", width, 0, 1, "between 0 and 1", closed=False)
    p = inside("accuracy", accuracy, 0, 1, "in [0, 1]")
    z2 = ndtri((1 + _level("level", level)) / 2) ** 2
    pq = p * (1 - p)
    n = z2 * ((2 * pq + np.sqrt(4 * pq**2 + w**2 * (1 - 4 * pq))) / w**2 - 1)
    n = np.maximum(np.ceil(n), 1).astype(np.int64)
    return int(n) if n.ndim == 0 else n


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

    Notes
    -----
    (r − 1)/(K − 1), the unbiased estimator of a negative binomial (Haldane 1945), as Hu et al.
    (2023, arXiv 2310.03262) use it to see abilities far below 1/n. Its relative error is about
    1/√(r − 2) for r > 2, however rare a pass is; K grows instead, to r/p on average.
    The interval inverts P(K ≤ k) = P(Binomial(k, p) ≥ r), exactly as Clopper and Pearson:
    low = B(α/2; r, K − r + 1), high = B(1 − α/2; r, K − r), and 1 for K = r.
    For a test set, average the estimates over its items: each is unbiased, so the mean is.

    Examples
    --------
    The tenth pass came at the 90 001st sample.

    >>> result = pass_until(90_001, 10)
    >>> print(f"{result.estimate:.1e}, {result.interval:.1e}")
    1.0e-04, [5.3e-05, 1.9e-04]
    """
    k, r = np.broadcast_arrays(np.asarray(n_samples, np.float64), np.asarray(r, np.float64))
    valid = (r >= 2) & (k >= r) & (k < np.inf) & (k == np.floor(k)) & (r == np.floor(r))
    if not valid.all():
        found = f"found r = {r[~valid][0]:g} passes in {k[~valid][0]:g} samples"
        raise ValueError(f"{found}, expected whole numbers with 2 <= r <= n_samples")
    tail = (1 - _level("level", level)) / 2
    low = betaincinv(r, k - r + 1, tail)
    high = np.where(k == r, 1.0, betaincinv(r, np.maximum(k - r, 1), 1 - tail))
    return PassUntil(plain((r - 1) / (k - 1)), Interval(plain(low), plain(high)))


def _level(name: str, level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"{name}: found {level!r}, expected a probability between 0 and 1")
    return level
