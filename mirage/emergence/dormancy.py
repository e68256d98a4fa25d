"""How long a curve stays at its base before it rises, and how wide its rise is.

What the eye calls emergence is a score near its base over much of the sizes, and then a rise.
`dormancy` measures both: the share of the sizes, on a log axis, before the rise begins, and the
width of the rise. The numbers belong to a curve *and* its range of sizes: compare them only on
the same models, as `mirage.emergence.dormancy_difference` does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside, numbers, plain
from mirage.fits.monotone import isotonic

BEGIN, TENTH, END = 0.05, 0.1, 0.9  # shares of the rise: where it begins, and its 10-90 % width
NOISE = 1.645  # one-sided 5 % point of the normal distribution
_AT_ONCE = 2**20  # numbers in a block of curves: (models, models) of each are held at once


class Dormancy(NamedTuple):
    """Where a curve begins to rise, and how wide its rise is.

    Attributes
    ----------
    share : float or ndarray
        Dormant share D of the range of log sizes, in [0, 1]; 0 for a curve that rises from its
        first model on. NaN if the curve does not rise at all.
    low, high : float or ndarray
        Its bracket: the models between which the rise begins, as shares of the same range. Where
        between them it begins is a straight line's guess.
    rise_width : float or ndarray
        Share W of the range between 10 % and 90 % of the rise, in [0, 1]. Times the range in
        decades it is a width in decades.
    """

    share: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray
    rise_width: float | np.ndarray


def dormancy(
    y: ArrayLike,
    x: ArrayLike,
    chance: ArrayLike | None = None,
    n_items: ArrayLike | None = None,
) -> Dormancy:
    """Dormant share and rise width of curves of score against size.

    Parameters
    ----------
    y : array_like, shape (..., models)
        Scores, higher is better; accuracies in [0, 1] where `n_items` is given.
    x : array_like, shape (models,)
        Sizes (parameters or FLOP), positive, in any order. Models of one size are pooled.
    chance : float or array_like, shape (...), optional
        Score of a guess, the base of the rise. By default, the first value of the curve.
    n_items : int or array_like, optional
        Number of items behind each score; broadcasts against `y`.

    Returns
    -------
    Dormancy
        Numbers for one curve, else arrays of shape (...).

    Raises
    ------
    ValueError
        If a score, size, chance or number of items is out of range, if the shapes disagree, or
        if there are fewer than 2 sizes.

    See Also
    --------
    mirage.emergence.dormancy_interval : What other items or seeds would have shown.
    mirage.emergence.dormancy_difference : Two metrics on the same models.
    mirage.emergence.emergence_score : The paper's statistic, which depends on how many models
        there are and how they are spaced.
    mirage.fits.isotonic : The rising curve that it is read off.

    Notes
    -----
    With u the share of the range of log sizes, m the isotonic curve through the scores (weighted
    by `n_items`), joined by straight lines in u, and z = (m − base)/(m_last − base) cut to [0, 1]:

    - D is the u at which z first reaches 5 %, or the noise of the base if that is larger:
      1.645 √(base (1 − base)/n) with the fewest items n of a model (accuracies only);
    - W is u(z = 90 %) − u(z = 10 %).

    A curve that never leaves the noise of its base, or whose last value is its base, has no
    rise. D does not tell a steep smooth curve from a jump between two models; that is what
    the jump test (`mirage.fits.jump`) is for.

    Examples
    --------
    Accuracy of the paper's Figure 2 stays near 0 on a third of its sizes, the probability of a
    token on 4 %.

    >>> sizes, p = [3.5e8, 1.3e9, 6.7e9, 2e11], np.array([0.0916, 0.2893, 0.5791, 0.9048])
    >>> [round(share, 2) for share in dormancy([p**5, p], sizes).share.tolist()]
    [0.32, 0.04]
    """
    y, x = _curves(y, x)
    n = None if n_items is None else _broadcast("n_items", n_items, y)
    if n is not None:
        inside("n_items", n, 1, 2**53, "at least 1 item")
        inside("y", y, 0, 1, "accuracies in [0, 1], as n_items is given")
    base = None
    if chance is not None:
        base = inside("chance", chance, -np.inf, np.inf, "finite scores", closed=False)
        base = _broadcast("chance", base, y[..., 0])
    y, weights, u = _pooled(y, 1.0 if n is None else n, x)
    fewest = None if n is None else n.min(-1)
    flat = [a if a is None else a.reshape(-1, *a.shape[y.ndim - 1 :]) for a in (y, weights)]
    rest = [a if a is None else a.reshape(-1) for a in (base, fewest)]
    block = max(1, _AT_ONCE // len(u) ** 2)
    parts = [
        _read(*(a if a is None else a[i : i + block] for a in (*flat, *rest)), u)
        for i in range(0, len(flat[0]), block)
    ]
    columns = (np.concatenate(values).reshape(y.shape[:-1]) for values in zip(*parts, strict=True))
    return Dormancy(*(plain(values) for values in columns))


def _curves(y: ArrayLike, x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y = numbers("y", y, range(1, 65), "(..., models)")
    inside("y", y, -np.inf, np.inf, "finite scores", closed=False)
    x = numbers("x", x, {1}, "(models,)")
    inside("x", x, 0, np.inf, "positive and finite sizes", closed=False)
    if len(x) != y.shape[-1]:
        raise ValueError(f"x: found {len(x)} sizes for {y.shape[-1]} models, expected one each")
    if len(np.unique(x)) < 2:
        raise ValueError(f"x: found {len(np.unique(x))} distinct size, expected at least 2")
    return y, x


def _broadcast(name: str, values: ArrayLike, like: np.ndarray) -> np.ndarray:
    try:
        return np.broadcast_to(np.asarray(values, np.float64), like.shape)
    except ValueError as error:
        expected = f"expected one that broadcasts to {like.shape}"
        raise ValueError(f"{name}: found shape {np.shape(values)}, {expected}") from error


def _pooled(y, weights, x):
    """Scores and weights of each distinct size, ascending, and the share u of each size."""
    sizes, place = np.unique(x, return_inverse=True)
    weights = np.broadcast_to(weights, y.shape)
    member = np.eye(len(sizes))[place]  # (models, sizes)
    total = weights @ member
    log = np.log(sizes)
    return (weights * y) @ member / total, total, (log - log[0]) / (log[-1] - log[0])


def _read(y, weights, base, fewest, u):
    """Share, bracket and rise width of curves (curves, models) by their isotonic curves."""
    m = isotonic(y, weights)
    base = m[:, 0] if base is None else base
    rise = m[:, -1] - base
    # Rounding in the pooled means must not look like a rise.
    rises = rise > 1e-12 * np.maximum(abs(m).max(-1), abs(base))
    z = np.clip((m - base[:, None]) / np.where(rises, rise, 1)[:, None], 0, 1)
    begin = np.full(len(z), BEGIN)
    if fewest is not None:
        p = np.clip(base, 0, 1)
        noise = NOISE * np.sqrt(p * (1 - p) / fewest)
        begin = np.maximum(begin, noise / np.where(rises, rise, 1))
        rises &= begin <= 1
    share, low, high = _crossing(z, u, np.minimum(begin, 1))
    width = _crossing(z, u, END)[0] - _crossing(z, u, TENTH)[0]
    return tuple(np.where(rises, values, np.nan) for values in (share, low, high, width))


def _crossing(z, u, level):
    """Where rising z (curves, models) first reaches a level, and the models on either side."""
    level = np.broadcast_to(level, len(z))
    after = (z >= level[:, None] - 1e-12).argmax(-1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(z))
    step = z[rows, after] - z[rows, before]
    part = np.where(step > 0, (level - z[rows, before]) / np.where(step > 0, step, 1), 0)
    return u[before] + part * (u[after] - u[before]), u[before], u[after]
