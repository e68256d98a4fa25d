"""Extrapolation of a fitted curve, with the interval of its mean and of a new score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, expit, logit, ndtri

from mirage._check import inside
from mirage.fits.curve import Fit, fit_curve
from mirage.fits.data import Against, Batch, Bounds, batches, checked
from mirage.fits.models import FAMILIES, Model
from mirage.fits.profiles import freedom, quantile_of, squared_noise
from mirage.fits.solver import EDGE, deviance, minimise, weights_of
from mirage.fits.starts import grid_of
from mirage.statistics.intervals import Interval

# Wanted means: near the estimate in standard deviations, and far in units of the widest reach.
NEAR = np.linspace(-6, 6, 25)
FAR = np.linspace(-1, 1, 16) ** 3
MIDPOINTS = (np.arange(49) + 0.5) / 49  # probabilities that stand for a distribution
TOGETHER = 32  # fits whose profiles are found at once: some 20 MiB at work


class Forecast(NamedTuple):
    """Scores expected at new sizes.

    Attributes
    ----------
    score : ndarray, shape (new,)
        Mean score, the unit of y.
    confidence : Interval
        Of the mean score, shape (new,); NaN with too few points.
    prediction : Interval
        Of a newly measured score, shape (new,): the same and its noise.
    """

    score: np.ndarray
    confidence: Interval
    prediction: Interval


def forecast(
    x: ArrayLike,
    y: ArrayLike,
    x_new: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    model: str = "power",
    n_items_new: ArrayLike | None = None,
    level: float = 0.95,
    bounds: Bounds = None,
    overdispersed: bool = True,
    against: Against = "size",
    steepest: float | None = None,
) -> Forecast:
    """Extrapolate a fitted curve to new sizes, with intervals.

    Parameters
    ----------
    x, y, n_items, model, bounds, overdispersed, against, steepest
        As in `fit`.
    x_new : float or array_like, shape (new,)
        Sizes or losses at which to forecast.
    n_items_new : int or array_like, shape (new,), optional
        Items of the new measurements; by default the mean of `n_items`.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Forecast
        Scores in the unit of y.

    Raises
    ------
    ValueError
        As `fit`.

    See Also
    --------
    compare : Which model to forecast with.
    fit : The fit itself.

    Notes
    -----
    The confidence interval is the profile likelihood of the mean score, as in `threshold`: it
    says how far the data bend this model, not whether the model holds.
    The prediction interval takes the signed root of that profile for a Student's t, and adds the
    noise of `Fit`: a beta with φ times the binomial variance, its excess stretched as t² over
    the normal quantile's square, rounded outwards to whole items; without items another t.
    One size ahead of 11 it held the score in 84–100 % of 200 simulations of its own model at a
    level of 95 %: least where most sizes score 0 and the variance is five times the binomial.

    Examples
    --------
    Six sizes under a power law; the largest is ten times as large as the last of them.

    >>> x = np.geomspace(1e8, 1e10, 6)
    >>> found = forecast(x, np.exp(-5 * (x / 2e9) ** -0.5).round(3), 1e11, 1000)
    >>> found.score.round(2), f"{found.prediction.low[0]:.2f} {found.prediction.high[0]:.2f}"
    (array([0.49]), '0.35 0.64')
    """
    curve = checked(x, y, n_items, bounds, against, steepest)
    if model not in FAMILIES:
        raise ValueError(f"model: found {model!r}, expected one of {', '.join(FAMILIES)}")
    x_new = np.atleast_1d(inside("x_new", x_new, 0, np.inf, "positive and finite", closed=False))
    if n_items_new is not None:
        n_items_new = inside("n_items_new", n_items_new, 1, np.inf, "at least 1 item")
    elif n_items is not None:
        n_items_new = curve.n_items.mean()
    found = fit_curve(curve, model, overdispersed)
    items = np.broadcast_to(np.nan if n_items_new is None else n_items_new, x_new.shape)
    ends = intervals_of([found] * len(x_new), x_new, items, overdispersed, level)
    confidence, prediction = (np.array(part).T for part in zip(*ends, strict=True))
    return Forecast(found.predict(x_new), Interval(*confidence), Interval(*prediction))


def intervals_of(
    fits: Sequence[Fit],
    x: ArrayLike,
    n_items: ArrayLike,
    overdispersed: bool = True,
    level: float = 0.95,
) -> list[tuple[Interval, Interval]]:
    """Find the intervals of :class:`Forecast` for many fits of one model, together.

    Parameters
    ----------
    fits : sequence of Fit
        All of the same model.
    x : array_like, shape (fits,)
        A new size for each.
    n_items : array_like, shape (fits,)
        Items of the new measurement; NaN without items.
    overdispersed, level
        As in `forecast`.

    Returns
    -------
    list of (Interval, Interval)
        Confidence and prediction interval of each; NaN with too few points.
    """
    unknown = Interval(np.nan, np.nan)
    found: list[tuple[Interval, Interval]] = [(unknown, unknown)] * len(fits)
    known = [i for i, fit in enumerate(fits) if not np.isnan(freedom(fit, overdispersed))]
    for places, batch in batches([fits[i].curve for i in known], TOGETHER):
        rows = [known[place] for place in places]
        alike = [fits[i] for i in rows]
        profiles = _profiles_of_means(alike, batch, np.array([float(x[i]) for i in rows]))
        for i, fit, (values, roots) in zip(rows, alike, profiles, strict=True):
            nu = freedom(fit, overdispersed)
            found[i] = _intervals(fit, values, roots, float(n_items[i]), nu, level)
    return found


def _intervals(
    found: Fit, values: np.ndarray, roots: np.ndarray, n_items: float, nu: float, level: float
) -> tuple[Interval, Interval]:
    """Confidence and prediction interval of the score at one size, from its profile."""
    frame, quantile = found.curve.frame, quantile_of(nu, (1 + level) / 2)
    low, high = np.interp([-quantile, quantile], roots, values)
    confidence = Interval(*(float(frame.offset + frame.scale * end) for end in (low, high)))
    spread = quantile_of(nu, MIDPOINTS)
    means = np.interp(spread, roots, values)[:, None]
    tails = [(1 - level) / 2, (1 + level) / 2]
    if found.curve.n_items is None:
        scores = frame.offset + frame.scale * means + found.noise * spread
        return confidence, Interval(*(float(end) for end in np.quantile(scores, tails)))
    # φ is an estimate: its excess is stretched as Student's quantile is.
    noise = 1 + (found.noise - 1) * (quantile / ndtri((1 + level) / 2)) ** 2
    total = max(n_items / noise - 1, 1e-3)
    p = np.clip(means[:, 0], EDGE, 1 - EDGE)
    low, high = _beta_quantiles(p * total, (1 - p) * total, np.array(tails))
    low, high = np.floor(low * n_items + 1e-9), np.ceil(high * n_items - 1e-9)
    return confidence, Interval(float(low / n_items), float(abs(high) / n_items))


def _beta_quantiles(a: np.ndarray, b: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """Quantiles of a mixture of beta distributions with equal weights, by bisection."""
    low, high = np.zeros(len(tails)), np.ones(len(tails))
    for _ in range(40):
        middle = (low + high) / 2
        below = betainc(a, b, middle[:, None]).mean(1) < tails
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _deviations(model: Model, batch: Batch, theta, t, noise) -> np.ndarray:
    """Standard deviation of each mean at the last t by the delta method: a scale, no more."""
    low, high = model.bounds(batch.frame)
    expected = model.mean(theta, t, batch.frame)
    every = np.stack(model.mean_slopes(theta, t, batch.frame), axis=1)
    slopes = every[:, (low < high)[0]]
    known, last = slopes[..., :-1], slopes[..., -1]
    weights = weights_of(expected[:, :-1], batch.n_items)
    information = (known * weights[:, None]) @ known.transpose(0, 2, 1)
    covariance = np.linalg.pinv(information, hermitian=True)
    variance = noise * np.einsum("cp,cpq,cq->c", last, covariance, last)
    return np.clip(np.sqrt(np.maximum(variance, 0)), 1e-9, 1e3)


def _wanted(frame, here: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Means at which each profile is taken (curves, wanted), about the estimate (curves, 1)."""
    if frame.bounds is None:
        scale = np.clip(deviation, 1e-5, 2)
        return here + np.hstack([scale * NEAR, np.broadcast_to(10 * FAR, (len(here), len(FAR)))])
    low, high = frame.bounds
    inner = np.clip((here - low) / (high - low), 1e-9, 1 - 1e-9)
    scale = np.clip(deviation / ((high - low) * inner * (1 - inner)), 1e-3, 4)
    away = np.hstack([scale * NEAR, np.broadcast_to(24 * FAR, (len(here), len(FAR)))])
    return low + (high - low) * expit(logit(inner) + away)


def _profiles_of_means(
    fits: Sequence[Fit], batch: Batch, x: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean scores at x in units of each fit, and the signed roots of what they lose."""
    model, frame = FAMILIES[fits[0].model], batch.frame
    noise = np.array([squared_noise(fit) for fit in fits])
    best = np.array([fit.theta for fit in fits])
    t = model.coordinate(np.column_stack([batch.x, x]), frame)
    here = model.mean(best, t[:, -1:], frame)
    deviation = _deviations(model, batch, best, t, noise)[:, None]
    wanted = _wanted(frame, here, deviation)
    # The wanted mean is one more point, 30 times as heavy as what the data say there. The fit
    # that it pulls away loses least of all fits with the same mean, however heavy it is; a much
    # heavier point only makes that fit hard to find.
    heavy = 30 * noise[:, None] / deviation**2
    if batch.n_items is None:
        weight, n_items = np.sqrt(np.clip(heavy, 1, 1e8)), None
    else:
        weight, total = np.ones_like(heavy), batch.n_items.sum(1, keepdims=True)
        added = np.clip(heavy * here * (1 - here), total, 1e3 * total)
        n_items = np.hstack([batch.n_items, added])
    theta = _pulled(model, batch, best, t, wanted, weight, n_items)
    means = _means(model, np.concatenate([best[:, None], theta], axis=1), t, frame)
    known = None if batch.n_items is None else batch.n_items[:, None]
    lost = deviance(batch.y[:, None], means[..., :-1], known)
    lost -= np.array([fit.deviance for fit in fits])[:, None]
    values = means[..., -1]
    if frame.bounds:
        values = np.clip(values, *frame.bounds)
    return [_roots(*row) for row in zip(values, lost, here[:, 0], noise, strict=True)]


def _means(model: Model, theta, t, frame) -> np.ndarray:
    """Mean scores (curves, fits, points) of several parameters (curves, fits, P) of each curve."""
    return model.mean(theta, t[:, None], frame.take((slice(None), None)))


def _pulled(model: Model, batch: Batch, best, t, wanted, weight, n_items) -> np.ndarray:
    """Parameters (curves, wanted, P) of the fits to the data and one more point, the last of t."""
    n_curves, n_wanted = wanted.shape
    starts = np.concatenate([best[:, None], grid_of(batch, model).theta], axis=1)
    near = _means(model, starts, t, batch.frame)
    known, last = (None, None) if n_items is None else (batch.n_items[:, None], n_items[:, -1:])
    last = None if last is None else last[:, None, None]
    pull, there = weight[:, None, None], near[:, None, :, -1:]
    missed = deviance((weight * wanted)[..., None, None], pull * there, last)
    missed += deviance(batch.y[:, None], near[..., :-1], known)[:, None]
    theta = np.take_along_axis(starts, np.argmin(missed, axis=2)[..., None], axis=1)
    curve = np.repeat(np.arange(n_curves), n_wanted)  # of each wanted mean
    weights = np.hstack([np.ones_like(batch.y), weight])
    y = np.hstack([batch.y[curve], (weight * wanted).reshape(-1, 1)])

    def weighed(theta, rows):
        of = curve[rows]
        return weights[of] * model.mean(theta, t[of], batch.frame.take(of))

    def slopes(theta, rows, free):
        of = curve[rows]
        found = model.mean_slopes(theta, t[of], batch.frame.take(of))
        return weights[of][:, None] * np.stack([found[column] for column in free], axis=1)

    box = tuple(end[curve] for end in model.bounds(batch.frame))
    items = None if n_items is None else n_items[curve]
    flat = theta.reshape(len(curve), -1)
    found, _ = minimise(weighed, flat, box, y, items, slopes=slopes)
    return found.reshape(theta.shape)


def _roots(values, lost, here: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Values in order, and the signed roots of what they lose."""
    order = np.argsort(values, kind="stable")
    values, lost = values[order], np.maximum(lost[order], 0)
    above = values >= np.clip(here, values[0], values[-1])
    # What a mean loses can only grow with its distance: a smaller loss further out holds nearer.
    roots = np.sqrt(lost / max(noise, 1e-24))
    roots[above] = np.minimum.accumulate(roots[above][::-1])[::-1]
    roots[~above] = -np.minimum.accumulate(roots[~above])
    # Equal roots have no inverse; the rise keeps their order.
    return values, roots + 1e-12 * np.arange(len(roots))
