"""Tests of what the paper's model makes straight.

log(−log accuracy) in log size and in log target length, token edit distance in target length.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from mirage._check import inside
from mirage.fits.data import Bounds, Curve, checked
from mirage.fits.models import POWER_LEVELS
from mirage.fits.profiles import SPREAD, Profile, crossings
from mirage.fits.solver import deviance, minimise, spare_points
from mirage.statistics.intervals import Interval

REACH = 60.0  # how far from its estimate a θ is profiled, and how large it is in a fit
MOST_POINTS = 12  # of which pairs are taken: their number grows as its square
WIDEST = 300.0  # of the other θ in a profile: where all is at chance, the level follows the bend


class Curvature(NamedTuple):
    """How far log(−log accuracy) bends in log size.

    Attributes
    ----------
    curvature : float
        Coefficient of the squared decades of x, per decade². Negative: the fall of −log accuracy
        gets faster with size, positive: slower.
    interval : Interval
        Its profile-likelihood interval; an infinite end is open.
    p : float
        Two-sided probability of so much curvature or more on a straight line.
    slope : float
        Of the straight line, per decade: the exponent α times ln 10.
    dispersion : float
        Variance about the bent curve over the binomial one, at least 1; without items the
        residual variance of log(−log accuracy).
    """

    curvature: float
    interval: Interval
    p: float
    slope: float
    dispersion: float


def curvature(
    x: ArrayLike,
    y: ArrayLike,
    n_items: ArrayLike | None = None,
    *,
    level: float = 0.95,
    bounds: Bounds = None,
    overdispersed: bool = True,
) -> Curvature:
    """Test whether log(−log accuracy) is linear in log size.

    Parameters
    ----------
    x : array_like, shape (points,)
        Size or compute of each model, positive; at least 3 distinct values.
    y : array_like, shape (points,)
        Accuracies in [0, 1]; 0 and 1 are allowed with items.
    n_items : int or array_like, shape (points,), optional
        Test items behind each accuracy. Without them the accuracies count as exact: least
        squares on log(−log accuracy) itself, for which each must lie strictly inside.
    level : float
        Confidence, between 0 and 1.
    bounds : (float, float), optional
        Chance and ceiling, (0, 1) by default; accuracy is then (y − low)/(high − low).
    overdispersed : bool
        As in `fit`.

    Returns
    -------
    Curvature
        Zero curvature is the paper's model: accuracy = exp(−(x/c)^α).

    Raises
    ------
    ValueError
        As `fit`, if there are fewer than 3 distinct x, or an exact accuracy is 0 or 1.

    Notes
    -----
    log(−log y) = a + b t + κ t², t the decades of x from the middle. With items this is a
    generalised linear model with the complementary log-log link of an error, fitted by
    likelihood, so that zeros count as what they are. The interval holds the κ that lose no more
    than φ t², as in `threshold`; p comes from the same root at κ = 0, so that p > 1 − level puts 0
    into the interval. φ is the deviance over its degrees of freedom, at least 1 (quasi-likelihood).
    The estimate is sought near straight lines. Where most scores are at chance, a rise about a
    single size can fit the noise of that size better; such κ lie in the interval, too.
    Linearity in this plot is the test of Hu et al. (2024).

    Examples
    --------
    >>> x = np.geomspace(1e6, 1e10, 9)
    >>> straight = curvature(x, np.exp(-((x / 1e8) ** -0.25)))
    >>> abs(straight.curvature) < 1e-9, f"{straight.slope / np.log(10):.4f}"
    (True, '-0.2500')
    """
    curve = checked(x, y, n_items, bounds or (0, 1), "size", None)
    distinct = len(np.unique(curve.x))
    if distinct < 3:
        raise ValueError(f"x: found {distinct} distinct x, expected at least 3 for a curvature")
    t = np.log10(curve.x) - curve.frame.centre
    if n_items is None:
        inside("y", curve.y, 0, 1, "exact accuracies inside the bounds (or n_items)", closed=False)
        link = np.log(-np.log(curve.y))
        line, bent = (Line(np.stack([t**i for i in range(n)], 1), link) for n in (2, 3))
        return Curvature(
            bent.values[2], bent.interval(2, level), bent.p(2), line.values[1], bent.variance
        )
    half = (curve.frame.high - curve.frame.low) / 2
    design = np.stack([np.ones_like(t), t / half, (t / half) ** 2])
    straight = LogLog(curve, design, [-np.inf, -np.inf, 0.0], overdispersed)
    bent = LogLog(curve, design, [-np.inf, -np.inf, -np.inf], overdispersed, straight)
    ends = bent.interval(2, level, 0.0)
    return Curvature(
        curvature=float(bent.theta[2] / half**2),
        interval=Interval(*(float(end / half**2) for end in ends)),
        p=bent.p_at(2, 0.0),
        slope=float(straight.theta[1] / half),
        dispersion=bent.noise,
    )


class Line:
    """Ordinary least squares with Student's intervals."""

    def __init__(self, design: np.ndarray, y: np.ndarray):
        solution = np.linalg.lstsq(design, y)[0]
        self.values: list[float] = solution.tolist()
        self.freedom = len(y) - design.shape[1]
        squares = float(((y - design @ solution) ** 2).sum())
        # An exact line is not known to the last digit.
        rounding = (1e-12 * (float(np.abs(y).max()) or 1.0)) ** 2
        self.variance = max(squares / self.freedom, rounding) if self.freedom else np.nan
        inverse = np.linalg.pinv(design.T @ design)
        self.errors = np.sqrt(self.variance * np.diag(inverse))

    def interval(self, index: int, level: float) -> Interval:
        """Interval of one coefficient."""
        half = _quantile(self.freedom, level) * self.errors[index]
        return Interval(float(self.values[index] - half), float(self.values[index] + half))

    def p(self, index: int) -> float:
        """Two-sided probability of the estimate if the coefficient were 0."""
        if self.freedom < 1:
            return np.nan
        return float(2 * stdtr(self.freedom, -abs(self.values[index]) / self.errors[index]))


class LogLog:
    """Accuracy = exp(−exp(θ · design)), fitted by likelihood; finite `held` θ are not fitted.

    `simpler` is a fit with more of them held. It is a start of this one and of its profiles, so
    that neither loses more than it does.
    """

    def __init__(
        self,
        curve: Curve,
        design: np.ndarray,
        held: list[float],
        overdispersed: bool,
        simpler: LogLog | None = None,
    ):
        self.curve, self.design = curve, design
        fixed = np.isfinite(held)
        low, high = np.full(len(held), -REACH), np.full(len(held), REACH)
        high[0] = 6.0  # an accuracy of exp(−e⁶) in the middle is 0, whatever more
        self.fixed, self.box = fixed, (np.where(fixed, held, low), np.where(fixed, held, high))
        starts = np.zeros((len(POWER_LEVELS) * 9, len(held)))
        starts[:, 0] = np.repeat(POWER_LEVELS, 9)
        starts[:, 1] = np.tile(np.linspace(-8, 8, 9), len(POWER_LEVELS))
        starts = np.clip(starts, *self.box)
        y, n_items = curve.y, curve.n_items
        order = np.argsort(deviance(y, self.mean(starts), n_items), kind="stable")
        told = np.empty((0, len(held))) if simpler is None else simpler.theta[None]
        some = np.concatenate([starts[order[:12]], told])
        found, lost = minimise(self.mean, some, self.box, y, n_items, steps=100)
        self.fits = np.concatenate([found, told])
        best = int(np.argmin(lost))
        self.theta, self.deviance = found[best], float(lost[best])
        self.fair = curve.n_items is not None and not overdispersed
        k_mean = int((~fixed).sum())
        self.freedom, least = float(len(curve.y) - k_mean), 0.0
        if curve.n_items is not None:
            expected, least = self.mean(self.theta[None])[0], 1.0
            if self.freedom > 0:
                self.freedom = float(spare_points(expected, curve.n_items, k_mean))
        self.noise = 1.0 if self.fair else max(least, self.deviance / max(self.freedom, 1))
        self.profiles: dict[int, Profile] = {}

    def mean(self, theta: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Expected accuracies (rows, points) of θ (rows, P)."""
        low, high = self.curve.frame.bounds
        return low + (high - low) * np.exp(-np.exp(np.clip(theta @ self.design, -50, 6)))

    def slopes(self, theta: np.ndarray, rows: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Slopes of `mean` in some θ, (rows, columns, points); next to 0 where it is clipped."""
        low, high = self.curve.frame.bounds
        rate = np.exp(np.clip(theta @ self.design, -50, 6))
        return ((low - high) * rate * np.exp(-rate))[:, None] * self.design[free]

    def profile(self, index: int) -> Profile:
        """The profile of one θ, the same for its interval and for its test."""
        if index not in self.profiles:
            box = tuple(np.where(self.fixed, self.box[0], end) for end in (-WIDEST, WIDEST))
            arguments = (self.mean, box, index, self.curve, self.fits, self.slopes)
            self.profiles[index] = Profile(*arguments, self._along(index))
        return self.profiles[index]

    def _along(self, index: int) -> np.ndarray:
        """Directions (directions, P) of one θ in which the curve stays as it is at some points.

        As many as there are other θ, out of `MOST_POINTS` at the most. Along them a curve at chance
        stays there nearly everywhere.
        """
        others = np.flatnonzero(~self.fixed & (np.arange(len(self.fixed)) != index))
        points = np.unique(self.design, axis=1)
        spread = np.linspace(0, points.shape[1] - 1, min(points.shape[1], MOST_POINTS))
        points = points[:, spread.round().astype(int)]
        some = np.array(list(combinations(range(points.shape[1]), len(others))), dtype=int)
        along = np.zeros((len(some), len(self.fixed)))
        along[:, index] = 1
        if len(others):
            matrix = np.moveaxis(points[others][:, some], 0, -1)
            along[:, others] = np.linalg.solve(matrix, -points[index][some][..., None])[..., 0]
        return along

    def interval(self, index: int, level: float, null: float | None = None) -> Interval:
        """Profile-likelihood interval of one θ; (NaN, NaN) with no point to spare.

        It holds a `null` to which `p_at` gives more than 1 − level.
        """
        quantile = ndtri((1 + level) / 2) if self.fair else _quantile(self.freedom, level)
        if np.isnan(quantile):
            return Interval(np.nan, np.nan)
        estimate, profile = self.theta[index], self.profile(index)
        values = np.append(estimate + REACH * SPREAD, [] if null is None else null)
        values = np.unique(values)

        def roots(values):
            return self._roots(profile.lost(values))

        return Interval(*crossings(roots, values, quantile, estimate))

    def p_at(self, index: int, value: float) -> float:
        """Two-sided probability of the loss at a value of one θ, if it were the true one."""
        root = -float(self._roots(self.profile(index).lost(np.array([value])))[0])
        if self.fair:
            return float(2 * ndtr(root))
        return float(2 * stdtr(self.freedom, root)) if self.freedom > 0 else np.nan

    def _roots(self, lost):
        return np.sqrt(np.maximum(lost - self.deviance, 0) / max(self.noise, 1e-24))


def _quantile(freedom: float, level: float) -> float:
    return float(stdtrit(freedom, (1 + level) / 2)) if freedom > 0 else np.nan
