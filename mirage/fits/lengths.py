"""How accuracy and token edit distance change with target length: the third prediction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside, numbers
from mirage.fits.data import checked
from mirage.fits.linearised import Line, LogLog
from mirage.statistics.intervals import Interval


class GeometricLength(NamedTuple):
    """How accuracy falls with target length.

    Attributes
    ----------
    p : float
        Of accuracy = p^L, the probability of each token.
    interval : Interval
        Of p.
    exponent : float
        γ of accuracy = p^(L^γ): 1 is geometric; below 1 longer targets are easier than
        independent errors would make them.
    exponent_interval : Interval
        Of γ; an infinite end is open, (NaN, NaN) stands for fewer than 3 lengths.
    dispersion : float
        Variance about p^L over the binomial one, at least 1; the residual variance without items.
    """

    p: float
    interval: Interval
    exponent: float
    exponent_interval: Interval
    dispersion: float


class LinearLength(NamedTuple):
    """Token edit distance as a line in target length.

    Attributes
    ----------
    slope : float
        Tokens per token of the target.
    interval : Interval
        Student's, of the slope.
    intercept : float
        Tokens.
    intercept_interval : Interval
        Student's, of the intercept.
    r_squared : float
        Share of the variance that the line explains, in [0, 1]; NaN for a constant distance.
    """

    slope: float
    interval: Interval
    intercept: float
    intercept_interval: Interval
    r_squared: float


def geometric_length(
    length: ArrayLike,
    accuracy: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    level: float = 0.95,
    overdispersed: bool = True,
) -> GeometricLength:
    """Fit accuracy = p^L to one model's accuracies on targets of several lengths.

    Parameters
    ----------
    length : array_like, shape (points,)
        Target length L, tokens, at least 1; at least 2 distinct values.
    accuracy : array_like, shape (points,)
        In [0, 1]; at least 3 points.
    n_items : int or array_like, shape (points,), optional
        Test items behind each accuracy (binomial). Without them least squares on the
        accuracies.
    level : float
        Confidence, between 0 and 1.
    overdispersed : bool
        As in `fit`: here lengths differ in more than their length.

    Returns
    -------
    GeometricLength
        p in [0, 1], higher is better, and the exponent that tests the law.

    Raises
    ------
    ValueError
        If the points are too few, a length below 1 or an accuracy outside [0, 1].

    Notes
    -----
    accuracy = p^(L^γ) is log(−log accuracy) = log(−log p) + γ log L, fitted as in `curvature`,
    for p with γ = 1 and then with γ free. Independent errors of equal probability give γ = 1,
    the paper's third prediction.

    Examples
    --------
    >>> found = geometric_length([1, 2, 3, 4], [0.8, 0.64, 0.512, 0.4096], 10_000)
    >>> round(found.p, 4), round(found.exponent, 4), found.exponent_interval.contains(1)
    (0.8, 1.0, True)
    """
    length = inside("length", length, 1, np.inf, "at least 1 token")
    inside("accuracy", accuracy, 0, 1, "an accuracy in [0, 1]")
    curve = checked(length, accuracy, n_items, (0, 1), "size", None)
    design = np.stack([np.ones_like(curve.x), np.log(curve.x)])
    law = LogLog(curve, design, [-np.inf, 1.0], overdispersed)
    free = LogLog(curve, design, [-np.inf, -np.inf], overdispersed, law)
    high, low = (np.exp(-np.exp(end)) for end in law.interval(0, level))
    unknown = Interval(np.nan, np.nan)
    return GeometricLength(
        p=float(np.exp(-np.exp(law.theta[0]))),
        interval=Interval(float(low), float(high)),
        exponent=float(free.theta[1]),
        exponent_interval=free.interval(1, level, 1.0) if len(np.unique(curve.x)) > 2 else unknown,
        dispersion=law.noise,
    )


def linear_length(length: ArrayLike, distance: ArrayLike, *, level: float = 0.95) -> LinearLength:
    """Fit a line to one model's mean token edit distance on targets of several lengths.

    Parameters
    ----------
    length : array_like, shape (points,)
        Target length L, tokens, at least 1; at least 3 points at 2 distinct values.
    distance : array_like, shape (points,)
        Mean token edit distance, tokens, lower is better.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    LinearLength
        Slope, intercept, and the share of the variance they explain.

    Raises
    ------
    ValueError
        If the points are too few, not finite, or a length below 1.

    Notes
    -----
    Ordinary least squares. The paper's model has the slope 1 − p and the intercept 0; surplus
    tokens raise the intercept.

    Examples
    --------
    >>> found = linear_length([1, 2, 3, 4], [0.5, 0.7, 0.9, 1.1])
    >>> round(found.slope, 6), round(found.intercept, 6), round(found.r_squared, 6)
    (0.2, 0.3, 1.0)
    """
    length = inside("length", length, 1, np.inf, "at least 1 token")
    curve = checked(
        length, numbers("distance", distance, {1}, "(points,)"), None, None, "size", None
    )
    y = curve.frame.offset + curve.frame.scale * curve.y
    line = Line(np.stack([np.ones_like(curve.x), curve.x], 1), y)
    spread = ((y - y.mean()) ** 2).sum()
    explained = 1 - line.variance * line.freedom / spread if spread > 0 else np.nan
    return LinearLength(
        line.values[1],
        line.interval(1, level),
        line.values[0],
        line.interval(0, level),
        float(explained),
    )
