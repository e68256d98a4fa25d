"""Smooth trends in log size, with and without an offset, fitted to many curves at once.

Arrays are (curves, draws, models): every curve has the same draws, so that the observed scores
(one draw) and bootstrap samples of them go through the same code. Each Newton step is one matrix
product and one small solve for all curves and draws together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from mirage.fits.links import Link
from mirage.fits.shares import FIXED, Points
from mirage.fits.solver import solve

N_STEPS, N_FURTHER = 8, 5  # Newton steps: from the transformed scores, and from another fit
FEWEST = 5  # models with a jump: two on either side of it, and one for the noise
MOST_SCATTER = 5.0  # log odds: no estimate is larger
_LIMIT = 12.0  # of |η|


class Trend(NamedTuple):
    """Fitted smooth trends.

    Attributes
    ----------
    eta : ndarray, shape (curves, draws, models)
        Linear predictor.
    share : ndarray
        Expected share of the range, floor included.
    residual : ndarray
        Observed less expected, in units of η.
    weight : ndarray
        Inverse variance of a residual; 0 without a model.
    normal : ndarray, shape (curves, draws, p, p)
        Information of the coefficients, prior included.
    """

    eta: np.ndarray
    share: np.ndarray
    residual: np.ndarray
    weight: np.ndarray
    normal: np.ndarray

    @property
    def misfit(self) -> np.ndarray:
        """Weighted sum of squared residuals, (curves, draws)."""
        return (self.weight * self.residual**2).sum(-1)


def fit_trend(data: Points, link: Link, scatter: np.ndarray) -> tuple[Trend, np.ndarray]:
    """Fit the smooth trend of every curve and draw.

    Returns
    -------
    (Trend, ndarray)
        And the coefficients, shape (curves, draws, 4).

    Notes
    -----
    Each residual has the variance of its score, plus that of models that scatter about the curve
    by `scatter` (curves,) in log odds. A slope beyond `Link.steepest` is held there.
    """
    steepest = link.steepest * data.decades / 2  # per unit of t
    centre = np.zeros((*data.y.shape[:2], data.basis.shape[-1]))
    precision = np.broadcast_to(data.precision, centre.shape)
    trend, theta = _newton(data, link, scatter, (data.basis, precision, centre))
    steep = abs(theta[..., 1]) > steepest
    if steep.any():
        rows = steep.any(1)
        centre[..., 1] = np.where(steep, np.sign(theta[..., 1]) * steepest, 0)
        precision = precision.copy()
        precision[..., 1] = np.where(steep, FIXED, precision[..., 1])
        terms = (data.basis[rows], precision[rows], centre[rows])
        held, coefficients = _newton(data.take(rows), link, scatter[rows], terms)
        for array, part in zip((*trend, theta), (*held, coefficients), strict=True):
            array[rows] = part
    return trend, theta


def fit_offset(
    data: Points, link: Link, scatter: np.ndarray, smooth: Trend, above: np.ndarray
) -> tuple[Trend, np.ndarray]:
    """Fit trend and offset, from the smooth fit on; `above` (curves, models) is 1 beyond the gap.

    Returns
    -------
    (Trend, ndarray)
        And the coefficients, shape (curves, draws, 5), that of the offset last.
    """
    basis = np.concatenate([data.basis, above[..., None]], axis=-1)
    weak = np.full_like(data.precision[..., :1], 1e-2)
    centre = np.zeros((*data.y.shape[:2], 5))
    precision = np.broadcast_to(np.concatenate([data.precision, weak], axis=-1), centre.shape)
    return _newton(data, link, scatter, (basis, precision, centre), smooth.eta)


def _newton(data: Points, link: Link, scatter, terms, eta=None):
    """Newton steps to the coefficients; `terms` are basis, prior precision and prior mean."""
    basis, precision, centre = terms
    *shape, p = centre.shape
    products = (basis[..., :, None] * basis[..., None, :]).reshape(*basis.shape[:2], p * p)
    transposed = basis.transpose(0, 2, 1)
    n_steps, transformed = (N_STEPS, True) if eta is None else (N_FURTHER, False)
    if transformed:
        eta = _first_guess(data, link)
    theta = None
    for step in range(n_steps + 1):
        share, slope, variance = _moments(data, link, eta, scatter)
        weight = data.present[:, None] * slope**2 / variance
        residual = (data.y - share) / slope
        normal = (weight @ products).reshape(*shape, p, p)
        normal = normal + precision[..., None] * np.eye(p)
        if step == n_steps:
            break
        target = eta if transformed and step == 0 else eta + residual
        right = (weight * target) @ basis + precision * centre
        system = np.ascontiguousarray(np.moveaxis(normal, (-2, -1), (0, 1)))
        moved = np.moveaxis(solve(system, np.moveaxis(right, -1, 0)), 0, -1)
        if theta is not None:  # a long step overshoots where the link is flat
            far = abs(moved - theta).max(-1, keepdims=True)
            moved = theta + (moved - theta) * np.minimum(1, 3 / np.maximum(far, 1e-12))
        theta = moved
        eta = np.clip(theta @ transposed, -_LIMIT, _LIMIT)
    return Trend(eta, share, residual, weight, normal), theta


def _first_guess(data: Points, link: Link) -> np.ndarray:
    """The scores on the scale of the link; half a success and half a failure keep it finite."""
    trials = np.nan_to_num(data.n_items, nan=100.0)[:, None]
    share = ((data.y - data.floor) / (1 - data.floor) * trials + 0.5) / (trials + 1)
    edge = 0.5 / (trials + 1)
    return np.clip(link.inverse(np.clip(share, edge, 1 - edge)), -8, 8)


def _moments(data: Points, link: Link, eta, scatter):
    """Expected share, its slope in η, and the variance of a score about it."""
    inner = link.share(eta)
    slope = (1 - data.floor) * link.slope(eta, inner)
    inner = np.clip(inner, 1e-9, 1 - 1e-9)
    share = data.floor + (1 - data.floor) * inner
    n = data.n_items[:, None]
    sampling = np.where(np.isnan(n), data.variance[:, None], share * (1 - share) / n)
    return share, slope, sampling + (scatter[:, None, None] * _per_logit(data, link, inner)) ** 2


def _per_logit(data: Points, link: Link, inner):
    """Change of a score per unit of log odds of its share above the floor."""
    if link.name == "identity":
        return np.full_like(inner, 0.25)
    return (1 - data.floor) * inner * (1 - inner)


def slope_at(data: Points, link: Link, share):
    """Change of an expected score per unit of log odds."""
    inner = (share - data.floor) / (1 - data.floor)
    return _per_logit(data, link, np.clip(inner, 1e-9, 1 - 1e-9))


def log_odds_variance(data: Points, link: Link, share: np.ndarray) -> np.ndarray:
    """Variance of scores about expected shares (curves, draws, models), squared log odds.

    1 without a model.
    """
    n = data.n_items[:, None]
    sampling = np.where(np.isnan(n), data.variance[:, None], share * (1 - share) / n)
    return np.where(data.present[:, None], sampling / slope_at(data, link, share) ** 2, 1)


def above_gaps(n_models: int) -> np.ndarray:
    """Which models lie above each gap with two models or more on both sides, (gaps, models)."""
    return (np.arange(n_models) > np.arange(1, n_models - 2)[:, None]) * 1.0


def estimate_scatter(
    data: Points, link: Link, trend: Trend, least: np.ndarray, degrees: np.ndarray
) -> np.ndarray:
    """Scatter of each curve's models in log odds that explains its misfit, at least `least`.

    Paule and Mandel's estimate: the weighted squares sum to the `degrees` of freedom.
    """
    slope = slope_at(data, link, trend.share)[:, 0]
    squared = np.where(data.present, ((data.y[:, 0] - trend.share[:, 0]) / slope) ** 2, 0)
    sampling = log_odds_variance(data, link, trend.share)[:, 0]
    low, high = np.array(least, np.float64), np.full(len(least), MOST_SCATTER)
    for _ in range(30):
        middle = np.sqrt(low * high)
        more = (squared / (sampling + middle[:, None] ** 2)).sum(1) > degrees
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return low


def freedom(data: Points) -> np.ndarray:
    """Models less the terms of the trend that they can determine, at least 1."""
    return np.maximum(data.present.sum(1) - (data.precision[:, 0] < FIXED).sum(1), 1)


def draw(data: Points, link: Link, trend: Trend, scatter, n_draws: int, rng) -> np.ndarray:
    """Scores (curves, n_draws, models) drawn from the fitted trends, with their noise."""
    inner = np.clip((trend.share - data.floor) / (1 - data.floor), 1e-9, 1 - 1e-9)
    shape = (len(inner), n_draws, inner.shape[-1])
    moved = scatter[:, None, None] * rng.standard_normal(shape)
    if link.name == "identity":
        share = inner + 0.25 * moved
    else:
        share = data.floor + (1 - data.floor) * expit(np.log(inner / (1 - inner)) + moved)
    counted = ~np.isnan(data.n_items[:, :1])[:, 0]
    if counted.any():
        n = np.nan_to_num(data.n_items[counted], nan=1)[:, None]
        share[counted] = rng.binomial(n.astype(np.int64), share[counted]) / n
    real = ~counted
    if real.any():
        share[real] += np.sqrt(data.variance[real])[:, None] * rng.standard_normal(
            share[real].shape
        )
    return share
