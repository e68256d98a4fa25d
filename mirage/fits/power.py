"""Power of the jump test: how often it would find a jump of some height in a curve.

To simulate the whole test would need a bootstrap in each simulated data set. Here a curve with a
jump is fitted once, without noise; the noise, the scatter that is estimated from it, and the null
distribution for that scatter are then simulated in the linear model about this fit. The docstring
of `jump_power` says what is approximate; ``tests/fits/test_power.py`` compares with simulations of
the test itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtri

from mirage._check import inside
from mirage.fits.links import LINKS, Link
from mirage.fits.noise import N_NOISE, share_found
from mirage.fits.shares import Points, checked
from mirage.fits.trends import FEWEST, above_gaps, fit_trend

POWER = 0.8
_FIRST = (0.6, 1.5, 3.2)  # log odds: heights that are tried first; verdicts ask for 1.5
_HIGHEST = (5.5, 10.0)  # and if none of them would be found; no jump is larger
_BLOCK = 2**21  # numbers in an array at work


def jump_power(
    x: ArrayLike,
    y: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    height: ArrayLike,
    scatter: ArrayLike,
    spread: ArrayLike | None = None,
    stderr: ArrayLike | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = (0.0, 1.0),
    chance: ArrayLike | None = None,
) -> np.ndarray:
    """Power of `mirage.fits.jump_test` at the 5 % level, for a jump in a gap chosen at random.

    Parameters
    ----------
    x, y, n_items, stderr, bounds, chance
        As for `mirage.fits.jump_test`: the jump is added to the smooth trend of these scores.
    height : float or array_like
        Jump in log odds of the share of the range above chance, for each curve.
    scatter : float or array_like
        Least between-model scatter that the test allows for, log odds.
    spread : float or array_like, optional
        Scatter of the models, log odds; that of `scatter` by default.

    Returns
    -------
    ndarray, shape (curves,)
        Probability in [0, 1]; NaN with fewer than 5 models.

    Raises
    ------
    ValueError
        As `mirage.fits.jump_test`.

    Notes
    -----
    The jump is added to the log odds of the smooth trend: the models above the gap score higher by
    `height`, or, where the trend is above one half there, the models below score lower. So a jump
    leads away from chance or from the ceiling. The trend itself counts as half an item from them
    at least, since a score of exactly chance has no log odds.

    Smooth curve and offset are fitted to the counts nearest to the scores expected with the jump.
    This gives the drop λ² of the weighted squares with all bends of the link. Noise ε is simulated
    in the linear model about the fit, with the variance that the scores have with the jump:
    T = (λ + uᵀε)²/max(φ, 1), u the direction in which the offset moves the residuals and φ the
    mean square of what is left. From the same residuals comes the scatter that the test would
    estimate, and for it the 95 % point of the largest T over the gaps, simulated in the same
    model without a jump. The jump is found if T exceeds that point in every link.

    Draws of scores are not normal where only a few items are right or wrong; jumps in other gaps
    than the true one are not counted as found.

    Examples
    --------
    >>> x = np.geomspace(1e8, 1e11, 8)
    >>> smooth = 1 / (1 + np.exp(2 - 0.5 * np.log10(x / 1e8)))
    >>> jump_power(x, [smooth] * 2, 500, height=[0.5, 1.5], scatter=0.1).round(1).tolist()
    [0.3, 1.0]
    """
    data, _, _, _, names = checked(x, y, n_items, stderr, bounds, chance)
    n_curves = len(data.y)
    links = [LINKS[name] for name in names]
    scatter = inside("scatter", scatter, 0, np.inf, "positive log odds", closed=False)
    scatter, height = (np.broadcast_to(a, n_curves).astype(float) for a in (scatter, height))
    spread = scatter if spread is None else np.broadcast_to(spread, n_curves).astype(float)
    trends = [fit_trend(data, link, scatter)[0] for link in links]
    better = np.argmin([trend.misfit[:, 0] for trend in trends], axis=0)
    share = np.array([trend.share[:, 0] for trend in trends])[better, np.arange(n_curves)]
    return _power(data, links, scatter, spread, share, height[:, None])[:, 0]


def smallest_detectable(
    data: Points, links: list[Link], scatter: np.ndarray, spread: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Least height that the test finds with 80 % power, log odds; inf if there is none.

    Parameters
    ----------
    data, links
        The curves, and the links in which they may be smooth.
    scatter, spread : ndarray, shape (curves,)
        Scatter that the test allows for, and that of the models.
    share : ndarray, shape (curves, models)
        Smooth trend, as shares of the range.

    Returns
    -------
    ndarray, shape (curves,)

    Notes
    -----
    Five heights are tried, the last two near the answer; between them the power is interpolated
    on the scale of its normal quantile against the logarithm of the height.
    """
    first = np.tile(_FIRST, (len(share), 1))
    power = _power(data, links, scatter, spread, share, first)
    near = _crossing(first, power)[:, None]
    second = np.where(np.isfinite(near), near * [0.87, 1.15], _HIGHEST)
    heights = np.concatenate([first, second], axis=1)
    power = np.concatenate([power, _power(data, links, scatter, spread, share, second)], axis=1)
    order = np.argsort(heights, axis=1)
    return _crossing(*(np.take_along_axis(a, order, 1) for a in (heights, power)))


def _crossing(heights: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Where the power first reaches 80 %; heights ascend along the last axis."""
    low = np.full((len(heights), 1), 0.02)  # a jump of no height is found as often as none
    log = np.log(np.concatenate([low, heights], axis=1))
    z = ndtri(np.clip(np.concatenate([low, power], axis=1), 0.005, 0.995))
    enough = z >= ndtri(POWER)
    i, rows = np.maximum(enough.argmax(1), 1), np.arange(len(z))
    rise = np.where(enough.any(1), z[rows, i] - z[rows, i - 1], np.inf)
    part = (ndtri(POWER) - z[rows, i - 1]) / rise
    found = np.exp(log[rows, i - 1] + part * (log[rows, i] - log[rows, i - 1]))
    return np.where(enough.any(1), found, np.inf)


def _power(data: Points, links, scatter, spread, share, heights) -> np.ndarray:
    """Power at heights (curves, heights), in blocks of curves of equally many models."""
    power = np.full(heights.shape, np.nan)
    count = data.present.sum(1)
    for n_models in np.unique(count[count >= FEWEST]):
        rows = np.flatnonzero(count == n_models)
        # Of a curve: noise in all gaps, and the projections.
        numbers = n_models * (max(N_NOISE, 16 * n_models) + n_models**2) * heights.shape[1]
        size = max(1, _BLOCK // numbers)
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            points, trend = data.take(some).first(n_models), share[some, :n_models]
            given = points, trend, heights[some], scatter[some], spread[some]
            if links[0].name == "identity":
                given = _shrunk(*given)
            points, trend, height, least, wide = given
            jumped = _with_jump(points, trend, height, links[0].name == "identity")
            power[some] = share_found(points, links, least, wide, jumped)
    return power


def _shrunk(data: Points, share, heights, scatter, spread):
    """Curves without bounds in a smaller unit, so that their jumps fit into (0, 1)."""
    unit = 1 / (1 + 0.25 * heights.max(1))
    squared = unit[:, None] ** 2
    data = data._replace(
        variance=data.variance * squared, precision=data.precision / squared[..., None]
    )
    return data, share * unit[:, None], heights * unit[:, None], scatter * unit, spread * unit


def _with_jump(data: Points, share, heights, linear: bool) -> np.ndarray:
    """Expected shares with a jump in each gap, (curves, gaps, heights, models)."""
    above = above_gaps(share.shape[1])
    if linear:
        return share[:, None, None] + 0.25 * heights[:, None, :, None] * above[:, None]
    floor = data.floor[:, 0]
    inner = (share - floor) / (1 - floor)
    edge = np.where(np.isnan(data.n_items), 1e-4, 0.5 / data.n_items)
    inner = np.clip(inner, edge, 1 - edge)
    eta = np.log(inner / (1 - inner))
    middle = (eta[:, 1:-2] + eta[:, 2:-1])[..., None] / 2
    moved = np.where(middle < 0, above, above - 1)[:, :, None]
    eta = eta[:, None, None] + heights[:, None, :, None] * moved
    return floor[..., None, None] + (1 - floor[..., None, None]) * expit(eta)
