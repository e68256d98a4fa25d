"""Least deviance: every start of a fit at once, in a box, by damped Fisher scoring."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

EDGE = 1e-10  # a probability is kept this far from 0 and 1: no likelihood is infinite


def deviance(y: np.ndarray, mean: np.ndarray, n_items: np.ndarray | None) -> np.ndarray:
    """Twice the log-likelihood lost against the scores themselves, or the sum of squares.

    Parameters
    ----------
    y, mean : ndarray, shape (..., points)
        Scores and what a model expects.
    n_items : ndarray, shape (..., points), or None
        Items behind each score (binomial), or None (Gaussian).

    Returns
    -------
    ndarray, shape (...)
        At least 0, lower is better.

    Examples
    --------
    >>> float(deviance(np.array([0.5]), np.array([0.5]), np.array([10])))
    0.0
    """
    return _deviance(y, mean, n_items, None if n_items is None else _exact(y))


def _exact(y: np.ndarray) -> np.ndarray:
    """Log-likelihood of each score, per item, under itself: it takes longer than all the rest."""
    return xlogy(y, y) + xlog1py(1 - y, -y)


def _deviance(y, mean, n_items, exact):
    if n_items is None:
        return ((y - mean) ** 2).sum(-1)
    p = np.clip(mean, EDGE, 1 - EDGE)
    lost = exact - y * np.log(p) - (1 - y) * np.log(1 - p)
    return 2 * (n_items * np.maximum(lost, 0)).sum(-1)


def telling_points(mean: np.ndarray, n_items: np.ndarray) -> np.ndarray:
    """How many points can show noise: a score that is bound to be 0 or 1 shows none.

    A binomial deviance has the mean 1 where λ = n min(p, 1 − p) is large, and 0 for λ = 0;
    1 − exp(−8λ) is within 0.1 of it up to λ = ½ and within 0.15 beyond.
    """
    p = np.clip(mean, 0, 1)
    return (1 - np.exp(-8 * n_items * np.minimum(p, 1 - p))).sum(-1)


def spare_points(mean: np.ndarray, n_items: np.ndarray, k_mean: int) -> np.ndarray:
    """Degrees of freedom left for the noise by k fitted parameters, at least 1.

    Of the points that can show noise, but at least 3 if there are as many points to spare: with
    fewer, scores near 0 or 1 would allow any noise, where the binomial is the likelier one.
    """
    spare = mean.shape[-1] - k_mean
    return np.maximum(np.minimum(spare, np.maximum(telling_points(mean, n_items) - k_mean, 3)), 1)


def saturated(y: np.ndarray, n_items: np.ndarray) -> np.ndarray:
    """Binomial log-likelihood, nats, of scores that a model hits exactly."""
    k = n_items * y
    choose = gammaln(n_items + 1) - gammaln(k + 1) - gammaln(n_items - k + 1)
    return (choose + n_items * _exact(y)).sum(-1)


def minimise(
    mean: Callable[[np.ndarray, np.ndarray], np.ndarray],
    theta: np.ndarray,
    box: tuple[np.ndarray, np.ndarray],
    y: np.ndarray,
    n_items: np.ndarray | None,
    steps: int = 60,
    slopes: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lower the deviance of each row of parameters until no step helps.

    Parameters
    ----------
    mean : callable
        Parameters (rows, P) and their places among the starts, (rows,), to expected scores
        (rows, points): the rows may belong to different curves.
    theta : ndarray, shape (starts, P)
        Starts; they do not influence each other.
    box : (ndarray, ndarray), shapes (P,) or (starts, P)
        Smallest and largest parameters.
    y, n_items : ndarray, shape (points,) or (starts, points)
        As in `deviance`.
    steps : int
        Most steps to take.
    slopes : callable, optional
        Parameters, their places and the columns of those that are fitted, to the slopes of the
        expected scores, (rows, columns, points). By default finite differences.

    Returns
    -------
    (ndarray, ndarray), shapes (starts, P) and (starts,)
        Parameters and their deviances.

    Notes
    -----
    Levenberg and Marquardt's damping of Fisher scoring; a parameter at an end of its box
    that would leave it stays.

    Examples
    --------
    The mean of 1, 2, 6 has squares 4 + 1 + 9.

    >>> constant = lambda theta, rows: np.repeat(theta, 3, axis=1)
    >>> box = (np.array([-10.0]), np.array([10.0]))
    >>> theta, least = minimise(constant, np.zeros((1, 1)), box, np.array([1.0, 2, 6]), None)
    >>> theta.round(6).tolist(), least.round(6).tolist()
    ([[3.0]], [14.0])
    """
    low, high = (np.broadcast_to(end, theta.shape) for end in box)
    theta, rows = np.clip(theta, low, high), np.arange(len(theta))  # rows: those that still move
    free = np.flatnonzero((low < high).any(0))
    data = [np.broadcast_to(y, (len(theta), np.shape(y)[-1])), None, None]
    if n_items is not None:
        data[1:] = (np.broadcast_to(a, data[0].shape) for a in (n_items, _exact(np.asarray(y))))
    expected = mean(theta, rows)
    least, damping = _deviance(data[0], expected, *data[1:]), np.full(len(theta), 1e-3)
    if not len(free):
        return theta, least
    if slopes is None:
        slopes = partial(slopes_of, mean, high)
    enough = 1e-12 if n_items is None else 1e-8
    gradient, information = _quadratic(slopes(theta, rows, free), expected, *data[:2])
    at, low, high = theta[:, free], low[:, free], high[:, free]
    for _ in range(steps):
        step = _step(gradient, information, at, low, high, damping[rows])
        moved = np.clip(at + step, low, high)
        whole = theta[rows]
        whole[:, free] = moved
        there = mean(whole, rows)
        found = _deviance(data[0], there, *data[1:])
        better, gain = found < least[rows], least[rows] - found
        accepted = rows[better]
        theta[accepted], least[accepted], at[better] = whole[better], found[better], moved[better]
        damping[rows] *= np.where(better, 0.1, 10)
        on = np.where(better, gain > 1e-7 * found + enough, damping[rows] < 1e4)
        new = better & on
        if new.any():
            some = (None if array is None else array[new] for array in data[:2])
            moving = slopes(whole[new], rows[new], free)
            gradient[new], information[new] = _quadratic(moving, there[new], *some)
        if not on.all():
            rows, at, low, high, gradient, information = (
                array[on] for array in (rows, at, low, high, gradient, information)
            )
            data = [None if array is None else array[on] for array in data]
        if len(rows) == 0:
            break
    return theta, least


def slopes_of(
    mean: Callable, high: np.ndarray, theta: np.ndarray, rows: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Finite differences (rows, free, points) of the expected scores, taken inside the box."""
    expected, columns = mean(theta, rows), []
    for column in free:
        width = 1e-6 * np.maximum(1, np.abs(theta[:, column]))
        width = np.where(theta[:, column] + width > high[rows, column], -width, width)
        shifted = theta.copy()
        shifted[:, column] += width
        columns.append((mean(shifted, rows) - expected) / width[:, None])
    return np.stack(columns, axis=1)


def weights_of(expected: np.ndarray, n_items: np.ndarray | None) -> np.ndarray:
    """Fisher information of each score about its mean: n/(p(1 − p)), or 1 without items."""
    if n_items is None:
        return np.ones_like(expected)
    p = np.clip(expected, EDGE, 1 - EDGE)
    return n_items / (p * (1 - p))


def _quadratic(slopes, expected, y, n_items):
    """Gradient (rows, free) of minus half the deviance, and Fisher information."""
    weights = weights_of(expected, n_items)
    weighted = slopes * weights[:, None]
    gradient = (weighted * (y - expected)[:, None]).sum(-1)
    return gradient, weighted @ slopes.transpose(0, 2, 1)


def _step(gradient, information, theta, low, high, damping):
    """Damped step (rows, free) of Fisher scoring; 0 where the box or the curve forbids one."""
    diagonal = np.einsum("rpp->rp", information)
    largest = 1e-12 * diagonal.max(1, keepdims=True) + 1e-280  # below it digits are lost
    stuck = ((theta <= low) & (gradient <= 0)) | ((theta >= high) & (gradient >= 0))
    stuck |= (low == high) | (diagonal <= largest)
    free = ~stuck
    columns = np.moveaxis(information, 0, -1) * (free.T[:, None] & free.T)  # (free, free, rows)
    extra = np.where(free, damping[:, None] * diagonal + largest, 1).T
    columns += extra * np.eye(len(extra))[..., None]
    return solve(columns, np.where(free, gradient, 0).T).T


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solution (P, ...) of many small systems, of symmetric positive definite (P, P, ...).

    Elimination without pivoting, for all systems at once: `np.linalg.solve` takes several times
    as long for thousands of systems of a few unknowns.

    Examples
    --------
    2x + y = 4 and x + 3y = 7.

    >>> solve(np.array([[2.0, 1], [1, 3]]), np.array([4.0, 7])).round(12).tolist()
    [1.0, 2.0]
    """
    matrix, right = matrix.copy(), right.copy()
    size = len(matrix)
    least = 1e-15 * np.einsum("pp...->p...", matrix)  # what rounding leaves of a pivot
    for i in range(size):
        matrix[i, i] = np.maximum(matrix[i, i], least[i])
        factor = matrix[i, i + 1 :] / matrix[i, i]
        for j in range(i + 1, size):  # the half above the diagonal is enough
            matrix[j, j:] -= factor[j - i - 1] * matrix[i, j:]
        right[i + 1 :] -= factor * right[i]
    for i in reversed(range(size)):
        right[i] = (right[i] - (matrix[i, i + 1 :] * right[i + 1 :]).sum(0)) / matrix[i, i]
    return right
