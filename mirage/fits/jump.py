"""Does a curve jump between two models, beyond a smooth trend of any slope?

A step model needs flat sides, a broken power law has no jump: neither sees a jump on a slope.
Here the trend may rise and bend, and a jump is an offset in one gap. Curves are tested together.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import joblib
import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside
from mirage.fits.links import LINKS, Link
from mirage.fits.power import smallest_detectable
from mirage.fits.shares import Points, checked
from mirage.fits.trends import (
    FEWEST,
    Trend,
    above_gaps,
    draw,
    estimate_scatter,
    fit_offset,
    fit_trend,
    freedom,
)

LEAST_SCATTER = 0.1  # log odds, see `jump_test`
_BLOCK = 2**21  # numbers in an array at work


class Jumps(NamedTuple):
    """Result of a jump test, one entry for each curve; NaN where fewer than 5 models.

    Attributes
    ----------
    p_value : ndarray
        In (0, 1]: how often smooth curves show as large a jump.
    height : ndarray
        Estimated upward jump in the best gap, log odds; 0 if no gap shows any.
    height_low, height_high : ndarray
        Its 95 % interval, as if the gap were known.
    score_height : ndarray
        The same jump in the unit of the scores.
    gap_low, gap_high : ndarray
        The sizes on either side of the best gap.
    smallest_detectable : ndarray
        Jump in log odds that the test would find with 80 % power at the 5 % level, in a gap
        chosen at random; inf if none would be found. `mirage.fits.jump_power` says how.
    scatter : ndarray
        Between-model scatter about the smooth trend, log odds.
    expected : ndarray, shape (curves, models)
        Scores of the smooth trend that fits better.
    """

    p_value: np.ndarray
    height: np.ndarray
    height_low: np.ndarray
    height_high: np.ndarray
    score_height: np.ndarray
    gap_low: np.ndarray
    gap_high: np.ndarray
    smallest_detectable: np.ndarray
    scatter: np.ndarray
    expected: np.ndarray


def jump_test(
    x: ArrayLike,
    y: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    stderr: ArrayLike | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = (0.0, 1.0),
    chance: ArrayLike | None = None,
    scatter: ArrayLike = LEAST_SCATTER,
    n_draws: int = 999,
    with_power: bool = True,
) -> Jumps:
    """Test curves of score against size for a jump between two neighbouring models.

    Parameters
    ----------
    x, y : array_like, shape (curves, models) or (models,)
        Sizes, ascending, and scores, higher is better. NaN at the end of a curve of fewer models.
    n_items : array_like, optional
        Items behind each score, for a share of items; broadcasts against `y`. NaN for a curve of
        another kind.
    rng : numpy.random.Generator
        Source of the draws.
    stderr : array_like, optional
        Standard error of each score that is a mean of real numbers; without it all noise is
        estimated from the curve. Broadcasts against `y`.
    bounds : (float or array_like, float or array_like) or None
        Lowest and highest score of the metric, for each curve; None for no bounds: heights are
        then in units where the range of the curve itself is 3.6.
    chance : float or array_like, optional
        Score of a guess, for each curve; by default the lower bound.
    scatter : float or array_like
        Least between-model scatter, log odds, for each curve: from the other curves of the same
        models where there are any.
    n_draws : int
        Bootstrap draws of each curve; p-values are multiples of 1/(n_draws + 1).
    with_power : bool
        Whether to find the smallest detectable jump, for as much time as some 100 draws.

    Returns
    -------
    Jumps
        Arrays over curves, also for one curve.

    Raises
    ------
    ValueError
        If the shapes disagree, sizes do not ascend, a score lies outside the bounds, or an
        argument is out of its range.

    See Also
    --------
    mirage.fits.jump_power : Power at a height, also for other models or more items.
    mirage.fits.compare : Smooth, broken and step curves by AICc, from 7 models.
    mirage.emergence.dormancy : Where a curve begins to rise, whether or not it jumps.

    Notes
    -----
    A share q of the range above chance is q = g(η) with logit η or η = −log(−log q); η is a
    polynomial of log size: a straight line up to 6 models, with t² from 7 and t³ from 12 (weakly
    informative priors keep bends near what a straight line in one link looks like in the other).
    For each gap with 2 models or more on both sides, the upward offset δ in η above the gap gives
    T = R/max(φ, 1), R the drop of the weighted squares and φ the mean square left. The statistic
    is the largest T; its null distribution comes from draws of the fitted smooth curve with its
    scatter. The p-value is the *larger* of the two links': a jump is what no smooth curve of
    either kind explains.

    Models scatter about any curve, and no curve is exactly of these two kinds; a test that knew
    only the noise of the items would call both a jump once there are many items. So the scatter
    is never below `scatter`. A curve with two smooth rises can still pass for a jump where there
    are many models: read height and gap, not only p.

    Where most models are at chance (or at the ceiling) the scores say little about the scatter in
    log odds, but it is estimated from them with the others: it comes out too large, and true jumps
    are missed. From chance, with 8 models and 100 items, jumps of any height are found in half of
    the simulated data sets; `smallest_detectable` is then inf. Scores at both
    ends are the extreme, since more items leave more log odds between them: of six models at 0 and
    two at 1, p is .002 with 2 000 items and .08 with 14 000; with two at .9 and .95 it is .001.

    References
    ----------
    R. C. Paule and J. Mandel (1982), Consensus values and weighting factors, J. Res. NBS 87.
    https://doi.org/10.6028/jres.087.022

    A. C. Davison and D. V. Hinkley (1997), Bootstrap Methods and their Application, Section 4.4.
    https://doi.org/10.1017/CBO9780511802843

    Examples
    --------
    A jump of 1.5 in log odds on a slope, and the slope alone.

    >>> x = np.geomspace(1e8, 1e11, 8)
    >>> slope = -2 + 0.5 * np.log10(x / 1e8)
    >>> curves = 1 / (1 + np.exp(-np.array([slope + 1.5 * (x > 3e9), slope])))
    >>> found = jump_test(x, curves.round(3), 1000, rng=np.random.default_rng(0))
    >>> (found.p_value < 0.05).tolist(), found.height.round(1).tolist()
    ([True, False], [1.5, 0.0])
    """
    data, x, offset, unit, link_names = checked(x, y, n_items, stderr, bounds, chance)
    scatter = inside("scatter", scatter, 0, np.inf, "positive log odds", closed=False)
    scatter = np.broadcast_to(scatter, len(x))
    if n_draws < 19:
        raise ValueError(f"n_draws: found {n_draws}, expected at least 19, for a p-value of .05")
    tested = np.flatnonzero(data.present.sum(1) >= FEWEST)
    columns = np.full((len(Jumps._fields) - 1, len(x)), np.nan)
    expected = np.full(x.shape, np.nan)
    if len(tested):
        links = [LINKS[name] for name in link_names]
        some, least = data.take(tested), scatter[tested]
        results = _blocks(some, links, least, n_draws, rng, with_power)
        _describe(results, some, x[tested], links[0], unit[tested])
        for column, name in zip(columns, Jumps._fields[:-1], strict=True):
            column[tested] = results[name]
        fitted = offset[tested, None] + unit[tested, None] * results["expected"]
        expected[tested] = np.where(some.present, fitted, np.nan)
    return Jumps(*columns, expected)


def _blocks(data: Points, links, scatter, n_draws, rng, with_power) -> dict[str, np.ndarray]:
    """Test blocks of curves in a thread for each core."""
    n_curves, _, n_models = data.y.shape
    size = max(1, _BLOCK // (n_draws * n_models * 4))
    starts = range(0, n_curves, size)
    jobs = zip(starts, rng.spawn(len(starts)), strict=True)

    def one(job):
        rows = np.arange(job[0], min(job[0] + size, n_curves))
        return _test(data.take(rows), links, scatter[rows], n_draws, job[1], with_power)

    with ThreadPoolExecutor(joblib.cpu_count()) as threads:
        parts = list(threads.map(one, jobs))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _test(data: Points, links: list[Link], scatter, n_draws, rng, with_power) -> dict:
    p, misfits, columns = [], [], []
    for link in links:
        trend, _ = fit_trend(data, link, scatter)
        statistic = _statistics(data, link, scatter, trend)[:, 0]
        gap = statistic.argmax(-1)
        beyond = _gaps(data)[0][gap]
        offset, _ = fit_offset(data, link, scatter, trend, beyond)
        # Offset and gap are fitted, too. Scatter about the smooth curve would hide a jump: it is
        # what the jump itself looks like where there is none in the model.
        degrees = np.maximum(freedom(data) - 2, 1)
        spread = estimate_scatter(data, link, offset, scatter, degrees)
        drawn = data._replace(y=draw(data, link, trend, spread, n_draws, rng))
        null = _statistics(drawn, link, scatter, fit_trend(drawn, link, scatter)[0]).max(-1)
        top = statistic.max(-1)
        p.append((1 + (null >= top[:, None] - 1e-9).sum(1)) / (1 + n_draws))
        misfits.append(trend.misfit[:, 0])
        columns.append({"gap": gap, "scatter": spread, "expected": trend.share[:, 0]})
    better, rows = np.argmin(misfits, axis=0), np.arange(len(top))
    cells = {name: np.array([c[name] for c in columns])[better, rows] for name in columns[0]}
    share, spread = cells["expected"], cells["scatter"]
    detectable = np.full(len(share), np.nan)
    if with_power:
        detectable = smallest_detectable(data, links, scatter, spread, share)
    return cells | {"p_value": np.max(p, axis=0), "smallest_detectable": detectable}


def _gaps(data: Points) -> tuple[np.ndarray, np.ndarray]:
    """Which models lie above each gap, (gaps, models); where a jump may be, (curves, gaps)."""
    above = above_gaps(data.y.shape[-1])
    return above, np.arange(1, len(above) + 1) <= data.present.sum(1)[:, None] - 3


def _statistics(data: Points, link: Link, scatter, smooth: Trend) -> np.ndarray:
    """T of every gap, (curves, draws, gaps): 0 for a fall, and where no jump may be."""
    left = np.maximum(freedom(data) - 1, 1)[:, None]
    columns = []
    indicators, possible = _gaps(data)
    for above, allowed in zip(indicators, possible.T, strict=True):
        column = np.zeros(data.y.shape[:2])
        rows = np.flatnonzero(allowed)
        if len(rows):
            some = data.take(rows)
            before = Trend(*(array[rows] for array in smooth))
            beyond = np.broadcast_to(above, some.present.shape)
            after, theta = fit_offset(some, link, scatter[rows], before, beyond)
            gain = np.maximum(before.misfit - after.misfit, 0) * (theta[..., -1] > 0)
            column[rows] = gain / np.maximum(after.misfit / left[rows], 1)
        columns.append(column)
    return np.stack(columns, axis=-1)


def _describe(results, data: Points, x, link: Link, unit) -> None:
    """Height of the jump in its gap, by a full fit of trend and offset."""
    gap, rows = results["gap"], np.arange(len(x))
    gap += 1  # the first gap in which a jump may be lies behind the second model
    above = (np.arange(x.shape[1]) > gap[:, None]) * 1.0
    smooth, _ = fit_trend(data, link, results["scatter"])
    trend, theta = fit_offset(data, link, results["scatter"], smooth, above)
    height = theta[:, 0, -1]
    error = np.sqrt(np.linalg.inv(trend.normal[:, 0])[:, -1, -1])
    # The link's η half way across the gap, without the offset and with it.
    eta = trend.eta[:, 0] - height[:, None] * above
    middle = (eta[rows, gap] + eta[rows, gap + 1]) / 2
    step = link.share(middle + height) - link.share(middle)
    results["height"] = np.maximum(height, 0)
    results["height_low"], results["height_high"] = height - 1.96 * error, height + 1.96 * error
    results["score_height"] = np.maximum(unit * (1 - data.floor[:, 0, 0]) * step, 0)
    results["gap_low"], results["gap_high"] = x[rows, gap], x[rows, gap + 1]
