"""Profile likelihood, and by it the interval of a threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from mirage.fits.curve import Fit, fit_curve
from mirage.fits.data import Against, Bounds, Curve, batches, checked
from mirage.fits.models import FAMILIES
from mirage.fits.solver import deviance, minimise, spare_points
from mirage.fits.starts import grid_of
from mirage.statistics.intervals import Interval

# Where a profile is evaluated, in units of its widest reach: dense about the estimate.
SPREAD = np.linspace(-1, 1, 41) ** 3
N_STARTS = 6  # fits that are refined at each value: those with the least deviance there
N_ROUNDS = 10  # in which a value hears of a better fit that many places away


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

    profile = Profile(
        curve.mean_of(family), box, index, curve, _fits_at_hand(found, values, overdispersed)
    )

    def roots(values):
        lost = profile.lost(values)
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


def _fits_at_hand(found: Fit, values: np.ndarray, overdispersed: bool) -> np.ndarray:
    """Parameters from which the profile of a threshold starts: what its model contains, too.

    A hinge or step of no height is a constant, a hinge at the first size a line, and a break
    between equal exponents a power law, wherever it is.
    """
    curve, family = found.curve, FAMILIES[found.model]
    ((_, batch),) = batches([curve], 1)
    fits = [found.theta[None], grid_of(batch, family).theta[0]]
    rows = np.tile(found.theta, (len(values), 1))
    if found.model == "break":
        simple, frame = fit_curve(curve, "power", overdispersed).theta, curve.frame
        slope = simple[3]
        level = simple[2] + slope * (frame.centre - values) if frame.bounds else 0.0
        rows[:, :2], rows[:, 2], rows[:, 3:5], rows[:, 5] = simple[:2], level, slope, values
        return np.concatenate([*fits, rows])
    level = fit_curve(curve, "constant", overdispersed).theta[0]
    line = fit_curve(curve, "line", overdispersed).theta
    return np.concatenate([*fits, [[level, level, found.theta[2]], [*line[:2], values[0]]]])


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


class Profile:
    """Least deviance of a curve with one parameter held at a value.

    Deviances have flat stretches (all scores at chance, say) on which a search stops far from the
    least one. So a profile is told the fits at hand, and remembers those that it finds: each of
    them is a start at every value. At a value at which it was told a fit, a simpler model's too,
    it never loses more than that fit.

    Parameters
    ----------
    mean : callable
        As in `mirage.fits.solver.minimise`; also of parameters (values, fits, P).
    box : (ndarray, ndarray), shapes (P,)
        Smallest and largest parameters.
    index : int
        Which one is held.
    curve : Curve
        What is fitted.
    fits : ndarray, shape (fits, P)
        Parameters to start from.
    slopes : callable, optional
        As in `mirage.fits.solver.minimise`.
    along : ndarray, shape (directions, P), optional
        How the others may move with the held one: starts are the fits, and each so moved.
    """

    def __init__(
        self,
        mean: Callable[..., np.ndarray],
        box: tuple[np.ndarray, np.ndarray],
        index: int,
        curve: Curve,
        fits: np.ndarray,
        slopes: Callable[..., np.ndarray] | None = None,
        along: np.ndarray | None = None,
    ):
        self.mean, self.box, self.index, self.curve = mean, box, index, curve
        self.fits, self.slopes, self.along = np.asarray(fits), slopes, along
        self.told, self.known = self.fits, dict[float, float]()

    def lost(self, values: np.ndarray) -> np.ndarray:
        """Least deviance at each of some values, ascending."""
        new = np.array([value for value in values.tolist() if value not in self.known])
        if len(new):
            self.known.update(zip(new.tolist(), self._found(new).tolist(), strict=True))
        return np.array([self.known[value] for value in values.tolist()])

    def _found(self, values: np.ndarray) -> np.ndarray:
        curve, held = self.curve, self._held(values)
        near = deviance(curve.y, self.mean(held), curve.n_items)
        best = _least_distinct(near, N_STARTS)
        starts = np.take_along_axis(held, best[..., None], axis=1)
        n_values, n_starts, size = starts.shape
        flat = starts.reshape(-1, size)
        found, lost = self._minimised(flat, np.repeat(values, n_starts))
        found, lost = found.reshape(starts.shape), lost.reshape(n_values, n_starts)
        least = np.argmin(lost, axis=1)
        found, lost = found[np.arange(n_values), least], lost.min(axis=1)
        self._spread(found, lost, values)
        self.fits = np.concatenate([self.fits, found])
        return lost

    def _held(self, values: np.ndarray) -> np.ndarray:
        """All fits (values, starts, P), with the parameter moved to each value."""
        held = np.tile(self.fits, (len(values), 1, 1))
        if self.along is not None:
            way = (values[:, None] - self.told[:, self.index])[..., None, None]
            moved = self.told[:, None] + way * self.along  # (values, fits, directions, P)
            held = np.concatenate([held, moved.reshape(len(values), -1, held.shape[-1])], axis=1)
        held[..., self.index] = values[:, None]
        low, high = (end.copy() for end in self.box)
        low[self.index], high[self.index] = -np.inf, np.inf
        return np.clip(held, low, high)

    def _minimised(self, starts, values):
        low, high = (np.tile(end, (len(values), 1)) for end in self.box)
        low[:, self.index] = high[:, self.index] = values
        y, n_items = self.curve.y, self.curve.n_items
        return minimise(self.mean, starts, (low, high), y, n_items, slopes=self.slopes)

    def _spread(self, found, lost, values) -> None:
        """Start each value from its neighbours' answers, in place, as long as that helps."""
        told = np.arange(len(values))  # whose answer its neighbours do not know yet
        for _ in range(N_ROUNDS):
            rows, of = np.concatenate([told + 1, told - 1]), np.concatenate([told, told])
            inside = (rows >= 0) & (rows < len(values))
            rows, of = rows[inside], of[inside]
            again, less = self._minimised(found[of], values[rows])
            better = np.flatnonzero(less < lost[rows] - 1e-9 * (1 + lost[rows]))
            better = better[np.argsort(-less[better])]  # of two for one value the last one stays
            told = np.unique(rows[better])
            found[rows[better]], lost[rows[better]] = again[better], less[better]
            if not len(told):
                break


def _least_distinct(values: np.ndarray, n: int) -> np.ndarray:
    """Where the n least of each row (rows, columns) stand; equal ones count once."""
    order = np.argsort(values, axis=1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=1)
    same = np.zeros(values.shape, dtype=bool)
    same[:, 1:] = np.diff(ranked, axis=1) <= 1e-6 * (1 + ranked[:, 1:])
    first = np.argsort(same, axis=1, kind="stable")[:, :n]
    return np.take_along_axis(order, first, axis=1)


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
