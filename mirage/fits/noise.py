"""The jump test on simulated data sets, in the linear model about a fitted curve.

`mirage.fits.power.jump_power` says what is simulated. Arrays are (curves, gaps × heights, …): every
curve has a jump in each gap, and every height of it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import expit, ndtri
from scipy.stats import qmc

from mirage.fits.links import Link
from mirage.fits.shares import Points
from mirage.fits.trends import (
    MOST_SCATTER,
    Trend,
    above_gaps,
    fit_offset,
    fit_trend,
    freedom,
    log_odds_variance,
    slope_at,
)

N_NOISE = 320  # simulated data sets for each height, over all gaps
LEVEL = 0.05
_SCATTER = np.array([1, 2, 5, 15, 50])  # times the least: the null is simulated for these
_TINY = 1e-12


def share_found(
    data: Points, links: list[Link], scatter: np.ndarray, spread: np.ndarray, jumped: np.ndarray
) -> np.ndarray:
    """Share of data sets in which the jump is found in every link, (curves, heights).

    Parameters
    ----------
    data : Points
        Curves of equally many models.
    links : list of Link
        In which they may be smooth.
    scatter, spread : ndarray, shape (curves,)
        Scatter that the test allows for, and that of the models, log odds.
    jumped : ndarray, shape (curves, gaps, heights, models)
        Expected shares, with a jump.
    """
    n_curves, n_gaps, n_heights, n_models = jumped.shape
    jumped = jumped.reshape(n_curves, -1, n_models)
    n = data.n_items[:, None]
    counted = ~np.isnan(n)
    typical = np.where(counted, np.rint(jumped * np.where(counted, n, 1)), jumped)
    data = data._replace(y=typical / np.where(counted, n, 1))
    noise = np.repeat(_normals(n_gaps, n_models), n_heights, axis=0)
    errors = _errors(data, links[0], scatter, spread, jumped, noise)
    found = [_found(data, link, scatter, jumped, noise, errors) for link in links]
    return np.mean(np.all(found, axis=0).reshape(n_curves, n_gaps, n_heights, -1), axis=(1, 3))


@cache
def _normals(n_gaps: int, n_models: int) -> np.ndarray:
    """Normal numbers (gaps, data sets, models), spread evenly; the same for all curves."""
    n = max(16, N_NOISE // n_gaps)
    points = qmc.Sobol(n_models, rng=0).random(2 ** int(np.ceil(np.log2(n * n_gaps))))
    return ndtri(np.clip(points[: n * n_gaps], 1e-6, 1 - 1e-6)).reshape(n_gaps, n, n_models)


def _errors(data: Points, link: Link, scatter, spread, jumped, noise) -> np.ndarray:
    """Errors of scores drawn with the jump, in units of their error by the least scatter.

    Counts are drawn as counts: near chance and the ceiling they are far from normal.
    """
    slope = slope_at(data, link, jumped)[:, :, None]
    variance = log_odds_variance(data, link, jumped)[:, :, None]
    moved = spread[:, None, None, None] * noise
    rng = np.random.default_rng(0)
    expected, n = jumped[:, :, None], data.n_items[:, None, None]
    if link.name == "identity":
        drawn = expected + slope * moved
    else:
        floor = data.floor[..., None]
        inner = np.clip((expected - floor) / (1 - floor), 1e-9, 1 - 1e-9)
        drawn = floor + (1 - floor) * expit(np.log(inner / (1 - inner)) + moved)
    counted = ~np.isnan(data.n_items[:, 0])
    if counted.any():
        trials = n[counted].astype(np.int64)
        drawn[counted] = rng.binomial(trials, drawn[counted]) / trials
    if not counted.all():
        real = np.sqrt(data.variance[~counted])[:, None, None]
        drawn[~counted] += real * rng.standard_normal(drawn[~counted].shape)
    least = scatter[:, None, None, None] ** 2
    return (drawn - expected) / (slope * np.sqrt(variance + least))


def _found(data: Points, link: Link, scatter, jumped, noise, errors) -> np.ndarray:
    """Whether the test finds the jump, (curves, gaps × heights, data sets)."""
    smooth, _ = fit_trend(data, link, scatter)
    gap = np.arange(jumped.shape[1]) // (jumped.shape[1] // (jumped.shape[2] - 3))
    shift, rest = _typical(data, link, scatter, smooth, gap)
    project, directions = _geometry(data, smooth)
    least = scatter[:, None, None] ** 2
    left = np.maximum(freedom(data) - 1, 1)[:, None, None]  # as in the test
    degrees = np.maximum(freedom(data) - 2, 1)[:, None, None, None]

    taus = np.minimum(scatter[:, None] * _SCATTER, MOST_SCATTER).T[:, :, None, None]
    variance = log_odds_variance(data, link, smooth.share)
    critical = []
    for tau in taus:
        error = np.sqrt((variance + tau**2) / (variance + least))
        critical.append(_critical((noise * error[:, :, None]) @ project, directions, left))
    variance = log_odds_variance(data, link, jumped)
    moved = errors @ project
    own = np.moveaxis(directions, -1, 0)[gap, :, np.arange(len(gap))].swapaxes(0, 1)
    along = (moved @ own[..., None])[..., 0]
    squares = (moved - along[..., None] * own[:, :, None] + rest[:, :, None]) ** 2
    statistic = np.maximum(shift[..., None] + along, 0) ** 2
    statistic /= np.maximum(squares.sum(-1) / left, 1)
    # The scatter at which the weighted squares sum to their degrees of freedom, as in the test.
    squared = taus[:, :, 0, 0].T[:, None, None] ** 2
    relative = (variance + least)[..., None] / (variance[..., None] + squared)
    excess = np.log(np.maximum(squares @ relative, _TINY)) - np.log(degrees)
    return statistic >= np.exp(_between(excess, np.log(np.stack(critical, -1))))


def _typical(data: Points, link: Link, scatter, smooth: Trend, gap):
    """Shift of the offset in its own gap, in units of its error, and the residuals that stay."""
    shift, rest = np.zeros(smooth.eta.shape[:2]), np.zeros(smooth.eta.shape)
    for i, above in enumerate(above_gaps(data.y.shape[-1])):
        columns = np.flatnonzero(gap == i)
        before = Trend(*(array[:, columns] for array in smooth))
        some = data._replace(y=data.y[:, columns])
        beyond = np.broadcast_to(above, data.present.shape)
        after, theta = fit_offset(some, link, scatter, before, beyond)
        gain = np.maximum(before.misfit - after.misfit, 0) * (theta[..., -1] > 0)
        shift[:, columns] = np.sqrt(gain)
        rest[:, columns] = np.sqrt(after.weight) * after.residual
    return shift, rest


def _geometry(data: Points, smooth: Trend):
    """Projection on residuals (…, models, models); directions of offsets (…, models, gaps)."""
    root = np.sqrt(smooth.weight)
    basis = root[..., None] * data.basis[:, None]
    hat = basis @ np.linalg.solve(smooth.normal, basis.swapaxes(-1, -2))
    project = np.eye(root.shape[-1]) - hat
    moved = project @ (root[..., None] * above_gaps(root.shape[-1]).T)
    length = np.linalg.norm(moved, axis=-2, keepdims=True)
    # Without information no offset moves anything.
    return project, np.where(length > 1e-6, moved / np.maximum(length, _TINY), 0)


def _critical(residuals, directions, left) -> np.ndarray:
    """The 95 % point of the test's statistic, over all gaps of a height, (curves, pairs)."""
    along = residuals @ directions
    squares = np.einsum("ckzm,ckzm->ckz", residuals, residuals)[..., None] - along**2
    top = (np.maximum(along, 0) ** 2 / np.maximum(squares / left[..., None], 1)).max(-1)
    n_gaps = directions.shape[-1]
    top = np.stack(np.split(top, n_gaps, axis=1), axis=2)  # curves, heights, gaps, draws
    point = np.quantile(top.reshape(*top.shape[:2], -1), 1 - LEVEL, axis=-1)
    return np.maximum(np.tile(point, n_gaps), _TINY)


def _between(excess: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values (curves, pairs, scatters) where the excess (…, draws, scatters) falls to 0."""
    values = values[:, :, None]
    found = np.where(excess[..., 0] <= 0, values[..., 0], values[..., -1])
    for i in range(excess.shape[-1] - 1):
        before, after = excess[..., i], excess[..., i + 1]
        inside = (before > 0) & (after <= 0)
        part = before / np.maximum(before - after, _TINY)
        step = values[..., i + 1] - values[..., i]
        found = np.where(inside, values[..., i] + step * part, found)
    return found
