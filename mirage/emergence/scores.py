"""How sharply a score rises with scale: the emergence score of the paper's Fig 5.

The emergence score is BIG-bench's *breakthroughness*: the range of the scores over the
root **median** square of their steps. `linearity` has the root **mean** square below.
Both ignore how far apart the models are, and a straight line of n scores has n − 1:
`normalized_emergence_score` mends the second fault, `spaced_emergence_score` both.

All of them take one curve, or many at once: the models are the last axis. `table` applies
everything that this package knows of a curve to each curve of a score table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from mirage._check import inside, plain
from mirage.emergence.steps import aligned, median, score, steps, weighted_median, widths

ZeroMedian = Literal["inf", "nan"] | ArrayLike
NanPolicy = Literal["raise", "omit"]
Scores = float | np.ndarray
_BLOCK = 2**12  # curves scored at once: their arrays stay in a core's cache


def emergence_score(
    y: ArrayLike, zero_median: ZeroMedian = "inf", nan_policy: NanPolicy = "raise"
) -> Scores:
    """Signed range of the scores over the root median square of their steps.

    Parameters
    ----------
    y : array_like, shape (..., models)
        Score of each model in ascending order of scale, higher is better; at least 2 models.
        Negate metrics where lower is better.
    zero_median : {"inf", "nan"}, float or array_like of shape (...)
        What a median of 0 gives. "inf" is the definition: ±inf. "nan" leaves the score out.
        Positive numbers, in the unit of y, are floors: the root of the median is never
        taken below them. So they also lower a finite score whose root is under the floor.
        `mirage.emergence.scores.noise_floor` gives the one that the test set calls for.
    nan_policy : {"raise", "omit"}
        What a NaN in y means: an error, or a model without a score, which is left out.
        So curves of unequal length share an array (see `pad`).

    Returns
    -------
    float or ndarray of shape (...)
        No unit, unbounded; a straight line has n − 1. Positive if the highest score
        belongs to a larger model than the lowest does, negative if to a smaller one.
        A constant curve has 0 under each policy: it has no range, and the sign is 0.
        NaN for a curve of which "omit" leaves fewer than 2 models.

    Raises
    ------
    ValueError
        If y has fewer than 2 models, inf, or NaN under "raise", or a policy is unknown.

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
    many = isinstance(y, np.ndarray) and y.ndim > 1 and len(y) > _BLOCK
    if many and np.ndim(zero_median) == 0:
        if y.ndim == 2:
            blocks = (y[start : start + _BLOCK] for start in range(0, len(y), _BLOCK))
            return np.concatenate([emergence_score(b, zero_median, nan_policy) for b in blocks])
        curves = (y[:, curve] for curve in range(y.shape[1]))
        return np.stack([emergence_score(c, zero_median, nan_policy) for c in curves], axis=1)
    of = steps(y, nan_policy)
    return score(of, median(of.relative**2), zero_median)


def normalized_emergence_score(
    y: ArrayLike, zero_median: ZeroMedian = "inf", nan_policy: NanPolicy = "raise"
) -> Scores:
    """Emergence score in units of a straight line's.

    Parameters
    ----------
    y, zero_median, nan_policy
        As in `emergence_score`.

    Returns
    -------
    float or ndarray of shape (...)
        No unit, unbounded; a straight line has 1, whatever the number of models.

    Raises
    ------
    ValueError
        As `emergence_score`.

    Notes
    -----
    `emergence_score` / (n − 1) for n models: the range over the root median square step,
    each as a multiple of what the straight line between the extremes would have.

    Examples
    --------
    >>> round(normalized_emergence_score([1, 2, 3, 4, 5]), 12)
    1.0
    """
    of = steps(y, nan_policy)
    return score(of, median(of.relative**2) * of.count**2, zero_median, unit=of.count)


def spaced_emergence_score(
    y: ArrayLike, x: ArrayLike, zero_median: ZeroMedian = "inf", nan_policy: NanPolicy = "raise"
) -> Scores:
    """Emergence score of slopes per unit of log scale: it knows how far apart the models are.

    Parameters
    ----------
    y, zero_median, nan_policy
        As in `emergence_score`.
    x : array_like, shape (models,) or (..., models)
        Scale of each model (parameters, FLOP), positive, strictly ascending.

    Returns
    -------
    float or ndarray of shape (...)
        No unit, unbounded; 1 for a straight line in log x, whatever the spacing.
        For models equally spaced in log x, `normalized_emergence_score`.

    Raises
    ------
    ValueError
        As `emergence_score`, or if x is not positive, finite and strictly ascending.

    Notes
    -----
    sign · range(y) / (√Median(s²) · range(log x)) with slopes s_i = Δy_i / Δlog x_i, each
    counted by the share of the log axis that it covers: the median over the axis, not over
    the models. A further model on the line between two neighbours therefore changes nothing.
    A floor is a step between equally spaced models: √Median(s²) range(log x) / (n − 1).

    Examples
    --------
    Sizes at 0, 1, 2 and 5 decades: the line has 1, but an emergence score of 5, not n − 1 = 3.

    >>> x, line = [1, 10, 100, 1e5], [0.0, 0.1, 0.2, 0.5]
    >>> round(spaced_emergence_score(line, x), 12), round(emergence_score(line), 12)
    (1.0, 5.0)
    """
    of = steps(y, nan_policy)
    shares = widths(x, of)
    slopes = of.relative / shares
    return score(of, weighted_median(slopes**2, shares), zero_median, unit=of.count)


def linearity(y: ArrayLike, nan_policy: NanPolicy = "raise") -> Scores:
    """Signed range of the scores over the root mean square of their steps.

    Parameters
    ----------
    y, nan_policy
        As in `emergence_score`.

    Returns
    -------
    float or ndarray of shape (...)
        No unit, in [−(n − 1), n − 1]; n − 1 is a straight rise, √(n − 1) a single jump.
        The sign is that of `emergence_score`; a constant curve has 0.

    Raises
    ------
    ValueError
        As `emergence_score`.

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
    of = steps(y, nan_policy)
    return score(of, np.nansum(of.relative**2, axis=-1) / np.maximum(of.count, 1), "inf")


def pad(curves: Sequence[ArrayLike]) -> np.ndarray:
    """Put curves of unequal length in one array, NaN behind the end of the shorter ones.

    Parameters
    ----------
    curves : sequence of array_like, each of shape (models,)
        One curve each.

    Returns
    -------
    ndarray, shape (curves, models)
        As wide as the longest, at least 2; to be scored with ``nan_policy="omit"``.

    Examples
    --------
    >>> emergence_score(pad([[0, 1, 3, 9], [0, 1, 2]]), nan_policy="omit")
    array([4.5, 2. ])
    """
    array = np.full((len(curves), max([2, *map(len, curves)])), np.nan)
    for row, curve in zip(array, curves, strict=True):
        row[: len(curve)] = curve
    return array


def noise_floor(y: ArrayLike, n_items: ArrayLike, nan_policy: str = "raise") -> float | np.ndarray:
    """Root median square step that the sampling of items alone would give.

    Parameters
    ----------
    y : array_like, shape (..., models)
        Accuracy of each model, in [0, 1].
    n_items : int or array_like, shape (models,) or (..., models)
        Number of items behind each accuracy, at least 1.
    nan_policy : {"raise", "omit"}
        As in `mirage.emergence.emergence_score`.

    Returns
    -------
    float or ndarray of shape (...)
        In the unit of y, positive; the floor that `mirage.emergence.emergence_score` takes as
        `zero_median`.

    Raises
    ------
    ValueError
        As `mirage.emergence.emergence_score`, or if an accuracy or a number of items is out of
        range.

    Notes
    -----
    Φ⁻¹(¾) √Median({v_i + v_{i−1}}) with the binomial variance v = p(1 − p)/n: half of the
    steps of models that are equally able are larger. p = (k + ½)/(n + 1) for k of n, so that
    0 of n is not without noise. Models that answer the same items vary together, and less.

    Examples
    --------
    Accuracy ½ on 100 items: p(1 − p)/n = .0025 and .6745 √.005.

    >>> round(noise_floor([0.5, 0.5, 0.5], 100), 4)
    0.0477
    """
    of = steps(y, nan_policy)
    n = aligned("n_items", n_items, of)
    absent = np.isnan(of.y)
    inside("y", np.where(absent, 0, of.y), 0, 1, "accuracies in [0, 1]")
    inside("n_items", np.where(absent, 1, n), 1, np.inf, "at least 1 item")
    p = (of.y * n + 0.5) / (n + 1)
    variance = p * (1 - p) / n
    return plain(ndtri(0.75) * np.sqrt(median(variance[..., 1:] + variance[..., :-1])))
