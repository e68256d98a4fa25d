"""Intervals for a proportion, for a mean over seeds, and from resampled statistics.

Both intervals of a proportion are right at the edges: 0 of 100 is not 0 ± 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri, stdtrit

from mirage._check import counts


class Interval(NamedTuple):
    """The ends of an interval: numbers, or arrays of one shape.

    Attributes
    ----------
    low : float or ndarray
        Lower end, in the unit of the quantity; NaN if it cannot be said.
    high : float or ndarray
        Upper end.

    Examples
    --------
    A number is printed with 3 significant digits unless the format says otherwise.

    >>> print(Interval(0.12345, 0.5))
    [0.123, 0.5]
    >>> f"{Interval(0.12345, 0.5):.2f}", Interval(0.1, 0.5).contains(0.5)
    ('[0.12, 0.50]', True)
    """

    low: float | np.ndarray
    high: float | np.ndarray

    def contains(self, value: ArrayLike) -> bool | np.ndarray:
        """Whether the value lies in the interval, ends included; never in a NaN interval.

        Parameters
        ----------
        value : float or array_like
            One number, or as many as the interval has ends.

        Returns
        -------
        bool or ndarray of bool
            One answer for each value.

        Examples
        --------
        >>> Interval(0.0, 1.0).contains(2.0)
        False
        """
        inside = (np.asarray(self.low) <= value) & (value <= np.asarray(self.high))
        return bool(inside) if np.ndim(inside) == 0 else inside

    def __format__(self, spec: str) -> str:
        low, high = (np.vectorize(lambda end: format(end, spec or ".3g"))(end) for end in self)
        return f"[{low}, {high}]"

    def __str__(self) -> str:
        return format(self, "")


def wilson_interval(n_success: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson 1927).

    Parameters
    ----------
    n_success : int or array_like
        Number of successes, from 0 to n.
    n : int or array_like
        Number of trials, at least 1; broadcasts against `n_success`.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Interval
        Within [0, 1]; numbers for numbers, arrays for arrays.

    Raises
    ------
    ValueError
        If the counts are not whole numbers with 0 ≤ n_success ≤ n and n ≥ 1, or the level
        is not between 0 and 1.

    Notes
    -----
    (k + z²/2 ± z √(k(n − k)/n + z²/4)) / (n + z²) with z = Φ⁻¹((1 + level)/2).
    Coverage is close to the level on average and can fall below it for p near 0 or 1;
    `clopper_pearson_interval` never does.

    Examples
    --------
    0 of 100: the upper end is z²/(n + z²) = 3.8415/103.8415.

    >>> print(f"{wilson_interval(0, 100):.4f}")
    [0.0000, 0.0370]
    """
    k, n = counts(n_success, n)
    z = ndtri((1 + _checked_level(level)) / 2)
    half = z * np.sqrt(k * (n - k) / n + z**2 / 4)
    low, high = (k + z**2 / 2 - half) / (n + z**2), (k + z**2 / 2 + half) / (n + z**2)
    # At the edges the end is known exactly; rounding would leave about 1e-18.
    return _interval(np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high))


def clopper_pearson_interval(n_success: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Exact interval of a proportion (Clopper and Pearson 1934).

    Parameters
    ----------
    n_success : int or array_like
        Number of successes, from 0 to n.
    n : int or array_like
        Number of trials, at least 1; broadcasts against `n_success`.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Interval
        Within [0, 1]; numbers for numbers, arrays for arrays.

    Raises
    ------
    ValueError
        As `wilson_interval`.

    Notes
    -----
    With α = 1 − level the ends are quantiles of beta distributions:
    low = B(α/2; k, n − k + 1), high = B(1 − α/2; k + 1, n − k), 0 for k = 0 and 1 for k = n.
    Coverage is at least the level for each p, at the price of a wider interval.

    Examples
    --------
    0 of 100: the upper end is 1 − .025^(1/100).

    >>> print(f"{clopper_pearson_interval(0, 100):.4f}")
    [0.0000, 0.0362]
    """
    k, n = counts(n_success, n)
    tail = (1 - _checked_level(level)) / 2
    # A beta distribution needs positive parameters: 1 stands in where the end is known.
    low = betaincinv(np.where(k == 0, 1, k), n - k + 1, tail)
    high = betaincinv(k + 1, np.where(k == n, 1, n - k), 1 - tail)
    return _interval(np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high))


def mean_interval(
    values: ArrayLike, level: float = 0.95, bounds: tuple[float, float] | None = None
) -> Interval:
    """Student's t interval of a mean, over the last axis (seeds, say).

    Parameters
    ----------
    values : array_like, shape (..., n)
        Independent measurements. One alone says nothing of its spread: (NaN, NaN).
    level : float
        Confidence, between 0 and 1.
    bounds : (float, float), optional
        Lowest and highest possible value, which may be infinite: the interval ends there.

    Returns
    -------
    Interval
        In the unit of the values; numbers for one axis, else arrays of shape (...). Measurements
        that agree to the last digit say nothing of their spread: (NaN, NaN), unless there are
        bounds (see Notes).

    Raises
    ------
    ValueError
        If there are no values, one is NaN or inf, or the level is not between 0 and 1.

    Notes
    -----
    mean ± t_{n−1}((1 + level)/2) s/√n, s the standard deviation with n − 1 below.
    Exact for normal values; without bounds it can leave the range of the metric.
    After n equal values v in [a, b] others may still come up, in a share of at most
    q = 1 − ((1 − level)/2)^(1/n): the mean lies in [v − q(v − a), v + q(b − v)].

    Examples
    --------
    None of 25 tokens right: at most 14 % are.

    >>> print(f"{mean_interval([0.0] * 25, bounds=(0, 1)):.3f}")
    [0.000, 0.137]

    Mean 2, s = 1, t₂(.975) = 4.3027: 2 ± 4.3027/√3.

    >>> print(f"{mean_interval([1.0, 2.0, 3.0]):.3f}")
    [-0.484, 4.484]
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0 or values.size == 0:
        raise ValueError(f"values: found shape {values.shape}, expected (..., n) with n >= 1")
    if not np.isfinite(values).all():
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise ValueError(f"values: found {count} of {values.size} NaN or inf, expected none")
    quantile = (1 + _checked_level(level)) / 2
    n, mean = values.shape[-1], values.mean(axis=-1)
    if n == 1:
        return _interval(np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    half = stdtrit(n - 1, quantile) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    equal = (values == values[..., :1]).all(axis=-1)
    if bounds is None:
        half = np.where(equal, np.nan, half)
        return _interval(mean - half, mean + half)
    low, high = bounds
    other = 1 - (1 - quantile) ** (1 / n)
    with np.errstate(invalid="ignore"):  # 0 times inf, where the value is at an infinite end
        ends = mean - other * (mean - low), mean + other * (high - mean)
    ends = [np.where(equal, a, b) for a, b in zip(ends, (mean - half, mean + half), strict=True)]
    return _interval(*(np.clip(end, low, high) for end in ends))


def percentile_interval(draws: ArrayLike, level: float = 0.95) -> Interval:
    """Interval that holds the middle of a statistic's bootstrap draws.

    Parameters
    ----------
    draws : array_like, shape (n_resamples, ...)
        Statistic of each resample; may be infinite, as an emergence score is.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Interval
        Numbers for one statistic, else arrays of shape (...); NaN where a draw is, and where
        several finite draws are all the same, which says nothing of the spread.

    Raises
    ------
    ValueError
        If there are no draws, or the level is not between 0 and 1.

    Notes
    -----
    The draws ranked (1 ∓ level)/2 of the way (Efron's percentile interval), rounded outwards:
    between a finite and an infinite draw there is nothing to interpolate.
    Resampling adds the noise of the items to a curve that already has it. A statistic that
    noise pulls to one side, such as the median step, is pulled twice, and so are the ends.

    Examples
    --------
    >>> percentile_interval(range(101), level=0.9)
    Interval(low=5.0, high=95.0)
    """
    draws = np.asarray(draws, dtype=np.float64)
    if draws.ndim == 0 or draws.shape[0] == 0:
        raise ValueError(f"draws: found shape {draws.shape}, expected (n_resamples, ...)")
    rank = (1 - _checked_level(level)) / 2 * (len(draws) - 1)
    low = int(np.floor(rank + 1e-9))  # a whole rank may come out a rounding error below itself
    draws = np.sort(draws, axis=0)  # NaN to the end
    with np.errstate(invalid="ignore"):  # inf − inf
        spread = draws[-1] - draws[0]  # rounding alone leaves 1e-16 of equal sums
    same = (spread <= 1e-12 * np.maximum(abs(draws[0]), abs(draws[-1]))) & (len(draws) > 1)
    same &= np.isfinite(draws[0]) & np.isfinite(draws[-1])
    undefined = np.isnan(draws[-1]) | same
    return _interval(*(np.where(undefined, np.nan, draws[i]) for i in (low, -1 - low)))


def _checked_level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level: found {level!r}, expected a confidence between 0 and 1")
    return level


def _interval(low: np.ndarray, high: np.ndarray) -> Interval:
    return Interval(*(float(end) if np.ndim(end) == 0 else end for end in (low, high)))
