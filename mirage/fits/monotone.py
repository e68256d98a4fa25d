"""The rising curve without any other shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside, numbers


def isotonic(y: ArrayLike, weights: ArrayLike = 1.0) -> np.ndarray:
    """Rising curve that lies nearest to the scores, with no other shape.

    Parameters
    ----------
    y : array_like, shape (..., points)
        Finite scores, ordered by size.
    weights : array_like
        Positive weight of each score, such as its number of items; broadcasts against `y`.

    Returns
    -------
    ndarray, shape (..., points)
        In the unit of y; it never falls along the last axis.

    Raises
    ------
    ValueError
        If a score is not finite, a weight not positive, or the shapes do not broadcast.

    See Also
    --------
    scipy.optimize.isotonic_regression : The same for one curve; a test holds the two equal.

    Notes
    -----
    mᵢ = max_{j ≤ i} min_{k ≥ i} of the weighted mean of y_j, …, y_k: the solution of weighted
    least squares and, with weights n, the maximum of the binomial likelihood among rising curves.
    This form has no loop over curves, so that thousands of bootstrap draws cost one call; its
    memory grows with the square of the number of points.

    References
    ----------
    R. E. Barlow and H. D. Brunk (1972), The isotonic regression problem and its dual, JASA 67.
    https://doi.org/10.1080/01621459.1972.10481216

    Examples
    --------
    The pair .4, .2 is pooled to its mean.

    >>> isotonic([0.1, 0.4, 0.2, 0.9])
    array([0.1, 0.3, 0.3, 0.9])
    """
    y = numbers("y", y, range(1, 65), "(..., points)")
    inside("y", y, -np.finfo(float).max, np.finfo(float).max, "finite scores")
    weights = inside("weights", weights, 0, np.inf, "positive and finite weights", closed=False)
    try:
        weights = np.broadcast_to(weights, y.shape)
    except ValueError as error:
        expected = f"expected one that broadcasts to the {y.shape} of y"
        raise ValueError(f"weights: found shape {np.shape(weights)}, {expected}") from error
    zero = np.zeros((*y.shape[:-1], 1))
    total = np.concatenate([zero, np.cumsum(weights * y, axis=-1)], axis=-1)
    weight = np.concatenate([zero, np.cumsum(weights, axis=-1)], axis=-1)
    first, last = np.triu_indices(y.shape[-1])
    means = np.full((*y.shape, y.shape[-1]), np.inf)  # (..., first, last)
    sums = total[..., last + 1] - total[..., first]
    means[..., first, last] = sums / (weight[..., last + 1] - weight[..., first])
    least = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]  # over last ≥ i
    least = np.where(np.tri(y.shape[-1], dtype=bool).T, least, -np.inf)
    # For last = i the means of first > i are undefined: they take no part in the maximum.
    rising = np.maximum.accumulate(least, axis=-2)
    return np.einsum("...ii->...i", rising).copy()
