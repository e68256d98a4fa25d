"""Profile likelihood, and by it the interval of a threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from mirage.fits.curve import Fit, fit_curve
from mirage.fits.data import Against, Bounds, Curve, checked
from mirage.fits.models import FAMILIES
from mirage.fits.solver import minimise, spare_points
from mirage.statistics.intervals import Interval

# Where a profile is evaluated, in units of its widest reach: dense about the estimate.
SPREAD = np.linspace(-1, 1, 41) ** 3


class Threshold(NamedTuple):
    """Where a curve turns.

    Attributes
    ----------
    threshold : float
        Size or loss, the unit of x.
    interval : Interval
        Its profile-likelihood interval, in the same unit. An end of 0 or inf is open: no
        threshold at all, or one outside the sizes, fits as well. (NaN, NaN) with too few points.
    """

    threshold: float
    interval: Interval


def threshold(
    x: ArrayLike,
    y: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    model: str = "hinge",
    level: float = 0.95,
    bounds: Bounds = None,
    overdispersed: bool = True,
    against: Against = "size",
    steepest: float | None = None,
) -> Threshold:
    """Threshold of a hinge, step or break, with its interval.

    Parameters
    ----------
    x, y, n_items, bounds, overdispersed, against, steepest
        As in `fit`.
    model : {"hinge", "step", "break"}
        Which kind of turn.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    Threshold
        In the unit of x.

    Raises
    ------
    ValueError
        As `fit`, or if the model has no threshold.

    See Also
    --------
    fit : The same models, without an interval of the threshold.

    Notes
    -----
    The values θ whose best fit loses no more than (D(θ) − D)/φ ≤ t², with t the quantile of
    Student's t, D the deviance and φ the noise of `Fit`; its degrees of freedom are the points
    less the fitted parameters of the mean, where a point that is bound to score 0 or 1 counts
    for nothing, but at least 3 if there are as many. If not overdispersed, the normal quantile
    and φ = 1.
    A step has the same likelihood anywhere between two sizes: its interval is made of whole gaps,
    and its threshold is the middle of one.

    Examples
    --------
    >>> x = np.geomspace(1e6, 1e11, 11)
    >>> found = threshold(x, np.where(x > 2e8, 0.6, 0.25), 200, model="step")
    >>> f"{found.threshold:.3g}", f"{found.interval:.3g}"
    ('1.78e+08', '[1e+08, 3.16e+08]')
    """
    if model not in ("hinge", "step", "break"):
        raise ValueError(f"model: found {model!r}, expected 'hinge', 'step' or 'break'")
    curve = checked(x, y, n_items, bounds, against, steepest)
    found = fit_curve(curve, model, overdispersed)
    family, frame = FAMILIES[model], curve.frame
    quantile = quantile_of(freedom(found, overdispersed), (1 + level) / 2)
    scale = squared_noise(found)
    if np.isnan(quantile):
        return Threshold(found.parameters["threshold"], Interval(np.nan, np.nan))
    index = 5 if model == "break" else 2
    box = family.bounds(frame)
    places = np.unique(family.coordinate(curve.x, frame))
    values = (places[1:] + places[:-1]) / 2
    if model != "step":
        values = np.union1d(np.linspace(box[0][index], box[1][index], 81), found.theta[index])

    def roots(values):
        lost = profile(curve.mean_of(family), found.theta, box, index, values, curve)
        return np.sqrt(np.maximum(lost - found.deviance, 0) / max(scale, 1e-24))

    if model == "step":
        kept = np.flatnonzero(roots(values) <= quantile)
        ends = [places[kept[0]], places[kept[-1] + 1]]
    else:
        ends = crossings(roots, values, quantile, found.theta[index])
    flat = fit_curve(curve, "constant", overdispersed).deviance - found.deviance
    none = flat <= scale * quantile**2
    ends = [-np.inf if none else ends[0], np.inf if none else ends[1]]
    return Threshold(found.parameters["threshold"], _in_x(ends, model, frame))


def _in_x(ends, model, frame) -> Interval:
    """Ends in the unit of x, lower first; an infinite one is open."""
    if frame.against == "loss" and model == "hinge":
        return Interval(max(0.0, -float(ends[1])), -float(ends[0]))
    low, high = (frame.x(end) for end in ends)
    return Interval(min(low, high), max(low, high))


def crossings(
    roots_at: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    quantile: float,
    estimate: float,
) -> list[float]:
    """Where the roots of a profile pass the quantile, on either side of the estimate; else ∓inf.

    The roots of a quadratic profile are straight, so that lines between them are exact; others
    are evaluated again between the two values about the crossing. A second dip below the
    quantile further out belongs to the interval.
    """
    ends, roots = [], roots_at(values)
    for side in (-1, 1):
        order = np.argsort(side * values)
        order = order[side * values[order] >= side * estimate]
        within = np.flatnonzero(roots[order] <= quantile)
        last = int(within[-1]) if len(within) else 0
        if last + 1 >= len(order):
            ends.append(side * np.inf)
            continue
        fine = np.linspace(values[order[last]], values[order[last + 1]], 9)
        there = np.maximum.accumulate(roots_at(fine))
        ends.append(float(np.interp(quantile, there + 1e-12 * np.arange(9), fine)))
    return ends


def profile(
    mean: Callable[[np.ndarray], np.ndarray],
    theta: np.ndarray,
    box: tuple[np.ndarray, np.ndarray],
    index: int,
    values: np.ndarray,
    curve: Curve,
) -> np.ndarray:
    """Least deviance with one parameter held at each value."""
    low, high = (np.tile(end, (len(values), 1)) for end in box)
    low[:, index] = high[:, index] = values
    starts = np.tile(theta, (len(values), 1))
    found, lost = minimise(mean, starts, (low, high), curve.y, curve.n_items)
    for shift in (1, -1):  # the neighbours' answers as second starts
        again = minimise(mean, np.roll(found, shift, 0), (low, high), curve.y, curve.n_items)
        found = np.where((again[1] < lost)[:, None], again[0], found)
        lost = np.minimum(lost, again[1])
    return lost


def freedom(found: Fit, overdispersed: bool) -> float:
    """Degrees of freedom of the noise: inf if it is known, NaN if no point is left for it."""
    n_items, k_mean = found.curve.n_items, found.n_parameters - 1
    if n_items is not None and not overdispersed:
        return np.inf
    spare = found.n_points - k_mean
    if spare < 1:
        return np.nan
    return float(spare) if n_items is None else spare_points(found.fitted, n_items, k_mean)


def quantile_of(freedom: float, p: np.ndarray | float) -> np.ndarray | float:
    """Quantile of Student's t, of the normal for infinite freedom."""
    return ndtri(p) if np.isinf(freedom) else stdtrit(freedom, p)


def squared_noise(found: Fit) -> float:
    """What a lost deviance is measured by: the noise of a fit, in units of the fit."""
    if found.curve.n_items is not None:
        return found.noise
    return (found.noise / found.curve.frame.scale) ** 2
