"""How sharply a score rises with scale: the emergence score of the paper's Fig 5.

The emergence score is BIG-bench's *breakthroughness*: the range of the scores over the
root **median** square of their steps. `linearity` has the root **mean** square below.
Both ignore how far apart the models are: a straight line of n scores has n − 1.
"""

from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike


def emergence_score(y: ArrayLike, zero_median: Literal["inf", "nan"] | float = "inf") -> float:
    """Signed range of the scores over the root median square of their steps.

    Parameters
    ----------
    y : array_like, shape (models,)
        Score of each model in ascending order of scale, higher is better; at least 2 values.
        Negate a metric of which lower is better.
    zero_median : {"inf", "nan"} or float
        What a median of 0 gives. "inf" is the definition: ±inf. "nan" leaves the score out.
        A positive float, in the unit of y, is a floor: the root of the median is never
        taken below it. So it also lowers a finite score whose root is under the floor.

    Returns
    -------
    float
        No unit, unbounded; a straight line has n − 1. Positive if the highest score
        belongs to a larger model than the lowest does, negative if to a smaller one.
        A constant curve has 0 under each policy: it has no range, and the sign is 0.

    Raises
    ------
    ValueError
        If y has fewer than 2 values, several axes, NaN or inf, or the policy is unknown.

    Notes
    -----
    sign(argmax_i y_i − argmin_i y_i) (max_i y_i − min_i y_i) / √Median({(y_i − y_{i−1})²}),
    the paper's Section 4. Of equal extremes the first counts.
    For an even number of steps the median is the mean of the middle two squares.

    Examples
    --------
    Steps .1, .1, .8 with median square .01: (1 − 0) / .1.

    >>> round(emergence_score([0.0, 0.1, 0.2, 1.0]), 12)
    10.0
    >>> emergence_score([0.5, 0.5, 1, 1]), emergence_score([0.5, 0.5, 1, 1], zero_median=0.01)
    (inf, 50.0)
    """
    floor = _floor(zero_median)
    sign, span, steps = _steps(y)
    if span == 0:
        return 0.0
    root = max(float(np.sqrt(np.median(steps**2))), floor / span)
    if root == 0:
        return sign * np.inf if zero_median == "inf" else np.nan
    return sign / root


def linearity(y: ArrayLike) -> float:
    """Signed range of the scores over the root mean square of their steps.

    Parameters
    ----------
    y : array_like, shape (models,)
        Score of each model in ascending order of scale, higher is better; at least 2 values.

    Returns
    -------
    float
        No unit, in [−(n − 1), n − 1]; n − 1 is a straight rise, √(n − 1) a single jump.
        The sign is that of `emergence_score`; a constant curve has 0.

    Raises
    ------
    ValueError
        If y has fewer than 2 values, several axes, NaN or inf.

    Notes
    -----
    sign(argmax_i y_i − argmin_i y_i) (max_i y_i − min_i y_i) / √Mean({(y_i − y_{i−1})²}),
    BIG-bench's companion of the emergence score.
    The mean of squares is 0 only for a constant curve, so no policy is needed.

    Examples
    --------
    A line of four scores; one jump among them, 1 / √(1/3) = √3.

    >>> round(linearity([1, 2, 3, 4]), 12), round(linearity([0, 0, 1, 1]), 4)
    (3.0, 1.7321)
    """
    sign, span, steps = _steps(y)
    return 0.0 if span == 0 else sign / float(np.sqrt(np.mean(steps**2)))


def _floor(zero_median: str | float) -> float:
    if isinstance(zero_median, str):
        if zero_median in ("inf", "nan"):
            return 0.0
    elif isinstance(zero_median, Real) and 0 < zero_median < np.inf:
        return float(zero_median)
    expected = 'expected "inf", "nan" or a positive finite floor for the root of the median'
    raise ValueError(f"zero_median: found {zero_median!r}, {expected}")


def _steps(y: ArrayLike) -> tuple[float, float, np.ndarray]:
    """Sign, range and the steps in units of the range (so that squares cannot underflow)."""
    y = np.asarray(y, dtype=np.float64)
    if y.ndim != 1 or len(y) < 2:
        raise ValueError(f"y: found shape {y.shape}, expected (models,) with at least 2 models")
    if not np.isfinite(y).all():
        index = int(np.argmin(np.isfinite(y)))
        raise ValueError(f"y: found {y[index]} at index {index}, expected finite scores")
    sign = float(np.sign(int(y.argmax()) - int(y.argmin())))
    span = float(np.ptp(y))
    return sign, span, np.diff(y) / (span or 1.0)
