"""Odds ratios with exact intervals: is a property more common in a selection than elsewhere?

The paper's Fig 5C counts metrics among the pairs that people called emergent. Such a share means
something only beside the metric's share of all pairs: its base rate.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage import _check
from mirage._check import counts, inside, plain
from mirage.statistics.intervals import Interval, clopper_pearson_interval


class OddsRatio(NamedTuple):
    """Odds of a property in a selection, over its odds elsewhere.

    Attributes
    ----------
    estimate : float or ndarray
        Ratio of the odds, in [0, inf]; 1 for no difference.
    interval : Interval
        Exact interval of the ratio; its ends may be 0 and inf.
    p_value : float or ndarray
        Two-sided, in [0, 1]: twice the smaller tail, so that 1 lies outside the interval
        if and only if p falls below 1 − level.

    Examples
    --------
    >>> OddsRatio(2.0, Interval(0.5, 8.0), 0.4).interval.contains(1)
    True
    """

    estimate: float | np.ndarray
    interval: Interval
    p_value: float | np.ndarray


def odds_ratio(k: int, n: int, k_rest: int, n_rest: int, level: float = 0.95) -> OddsRatio:
    """Compare a selection with the rest, both counted.

    Parameters
    ----------
    k, n : int
        Members of the selection with the property, and all of them (n ≥ 1).
    k_rest, n_rest : int
        The same for those that were not selected.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    OddsRatio
        NaN and [0, inf] if all or none have the property: the data say nothing.

    Raises
    ------
    ValueError
        If the counts are not whole numbers with 0 ≤ k ≤ n and n ≥ 1.

    See Also
    --------
    odds_ratio_at : Against a known base rate.

    Notes
    -----
    Conditional on all four margins k is noncentral hypergeometric: the estimate is the maximum
    likelihood one, the interval inverts the two tails.

    References
    ----------
    R. A. Fisher (1935), The logic of inductive inference, JRSS 98. https://doi.org/10.2307/2342435

    Examples
    --------
    Of 3 selected all have it, of 3 others none: twice the tail 1/20.

    >>> found = odds_ratio(3, 3, 0, 3)
    >>> found.estimate, round(found.p_value, 12)
    (inf, 0.1)
    """
    from scipy.stats import hypergeom
    from scipy.stats.contingency import odds_ratio as conditional

    (k, k_rest), (n, n_rest) = (part.astype(int) for part in counts([k, k_rest], [n, n_rest]))
    level = _check.level("level", level)
    found = conditional([[k, n - k], [k_rest, n_rest - k_rest]], kind="conditional")
    low, high = found.confidence_interval(confidence_level=level)
    null = hypergeom(n + n_rest, k + k_rest, n)
    tails = null.cdf(k), null.sf(k - 1)
    return OddsRatio(
        float(found.statistic), Interval(float(low), float(high)), float(min(1, 2 * min(tails)))
    )


def odds_ratio_at(k: int, n: int, base_rate: ArrayLike, level: float = 0.95) -> OddsRatio:
    """Compare a selection with a known or assumed base rate.

    Parameters
    ----------
    k, n : int
        Members of the selection with the property, and all of them (n ≥ 1).
    base_rate : float or array_like
        Share of all that have the property, between 0 and 1.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    OddsRatio
        Numbers for one base rate, else arrays of its shape.

    Raises
    ------
    ValueError
        If the counts are not whole numbers with 0 ≤ k ≤ n and n ≥ 1, or the base rate is not
        between 0 and 1.

    See Also
    --------
    odds_ratio : Against a rest that is counted, too.

    Notes
    -----
    (k/(n − k)) / (π/(1 − π)), with the ends of Clopper and Pearson's interval of k/n in place of
    it: k of n does not differ significantly from the base rates inside that interval.
    The members count as independent: pairs that share a task or a model family are not quite.

    Examples
    --------
    9 of 10 at a base rate of .5: odds of 9 to odds of 1; twice (1 + 10)/1024.

    >>> found = odds_ratio_at(9, 10, 0.5)
    >>> round(found.estimate, 12), round(found.p_value, 4)
    (9.0, 0.0215)
    """
    from scipy.stats import binom

    ends = clopper_pearson_interval(k, n, level)
    rate = inside("base_rate", base_rate, 0, 1, "between 0 and 1", closed=False)
    tails = binom.cdf(k, n, rate), binom.sf(k - 1, n, rate)
    with np.errstate(divide="ignore"):  # all members have it: odds of inf
        estimate, *ends = (np.divide(s, 1 - s) * (1 - rate) / rate for s in (k / n, *ends))
    p = np.minimum(1, 2 * np.minimum(*tails))
    return OddsRatio(plain(estimate), Interval(*map(plain, ends)), plain(p))
