"""The shapes q of curves, from 0 to 1, and their slopes in each parameter.

Sizes enter as t, the decades of x towards more capable models: log10 of a size, −log10 of a
loss; only line and hinge are straight in the loss itself. One curve has t of shape (points,) and
a frame of numbers; many curves have t of shape (rows, points) and a frame of arrays (rows, 1).
Shapes take parameters (P, rows, 1) and return (rows, points); slopes return one such array for
each parameter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

LN10 = float(np.log(10))


class Frame(NamedTuple):
    """The units of a fit: decades t, and scores y = offset + scale · mean.

    Each number is an array (rows, 1) where many curves are fitted together.
    """

    against: str  # "size" or "loss"
    steepest: Any  # largest exponent |α| of a smooth curve
    low: Any  # smallest t
    high: Any  # largest t
    hinge_end: Any  # largest coordinate of the hinge
    offset: Any
    scale: Any
    bounds: tuple[Any, Any] | None  # of the mean; None: both ends are fitted

    @property
    def centre(self) -> Any:
        """Where the level of a curve is measured, decades."""
        return (self.low + self.high) / 2

    @property
    def hinge_start(self) -> Any:
        """Smallest coordinate of the hinge."""
        return self.low if self.against == "size" else -(10.0**-self.low)

    def decades(self, x: np.ndarray) -> np.ndarray:
        """Decades of x, towards more capable models."""
        return np.log10(x) if self.against == "size" else -np.log10(x)

    def straight(self, x: np.ndarray) -> np.ndarray:
        """Coordinate in which a hinge is straight: decades of a size, minus a loss."""
        return np.log10(x) if self.against == "size" else -x

    def x(self, t: float) -> float:
        """Size or loss at t decades, 0 or inf where it cannot be written."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.power(10.0, t if self.against == "size" else -t))

    def take(self, index: Any) -> Frame:
        """The frames of some of many curves; any index of the first axis."""
        bounds = self.bounds and (self.bounds[0][index], self.bounds[1][index])
        arrays = (self.steepest, self.low, self.high, self.hinge_end, self.offset, self.scale)
        return Frame(self.against, *(array[index] for array in arrays), bounds)


def constant(shape, t, frame):
    """No rise at all."""
    return np.zeros(t.shape)


def line(shape, t, frame):
    """Straight from the least capable model to the most capable one."""
    return (t - frame.hinge_start) / (frame.hinge_end - frame.hinge_start)


def no_slopes(shape, t, frame):
    """Slopes of a shape without parameters, or of a step, which has none."""
    return [np.zeros(t.shape)] * len(shape)


def power(shape, t, frame):
    """The paper's curve between bounds; without them the ordinary scaling law, with no floor."""
    if frame.bounds is None:
        return 1 - np.exp(np.clip(-shape[1] * (t - frame.low), -50, 6))
    return saturating(shape, t, frame)


def power_slopes(shape, t, frame):
    """Slopes of `power`."""
    if frame.bounds is not None:
        return saturating_slopes(shape, t, frame)
    past = t - frame.low
    u = -shape[1] * past
    return [np.zeros(u.shape), np.where(u < 6, past * np.exp(np.minimum(u, 6)), 0)]


def saturating(shape, t, frame):
    """q = exp(−exp(level − slope (t − centre)))."""
    return np.exp(-np.exp(np.clip(shape[0] - shape[1] * (t - frame.centre), -50, 6)))


def saturating_slopes(shape, t, frame):
    """Slopes of `saturating`; where it is clipped, they are 0 to the last digit."""
    past = t - frame.centre
    rate = np.exp(np.clip(shape[0] - shape[1] * past, -50, 6))
    falls = rate * np.exp(-rate)
    return [-falls, falls * past]


def logistic(shape, t, frame):
    """q = 1/(1 + exp(−level − slope (t − centre)))."""
    return 1 / (1 + np.exp(np.clip(-shape[0] - shape[1] * (t - frame.centre), -50, 50)))


def logistic_slopes(shape, t, frame):
    """Slopes of `logistic`."""
    q = logistic(shape, t, frame)
    rise = q * (1 - q)
    return [rise, rise * (t - frame.centre)]


def broken(shape, t, frame):
    """`saturating`, or `power` without bounds, whose exponent changes at a break."""
    if frame.bounds is None:
        bend = turns(shape, t) - turns(shape, frame.low)
        return 1 - np.exp(np.clip(bend, -50, 6))
    return np.exp(-np.exp(np.clip(shape[0] + turns(shape, t), -50, 6)))


def broken_slopes(shape, t, frame):
    """Slopes of `broken`."""
    if frame.bounds is None:
        bend, bends = turns(shape, t), _turns_slopes(shape, t)
        start, starts = turns(shape, frame.low), _turns_slopes(shape, frame.low)
        u = bend - start
        rise = np.where(u < 6, np.exp(np.clip(u, -50, 6)), 0)
        return [np.zeros(u.shape), *(-rise * (a - b) for a, b in zip(bends, starts, strict=True))]
    rate = np.exp(np.clip(shape[0] + turns(shape, t), -50, 6))
    falls = -rate * np.exp(-rate)
    return [falls, *(falls * bend for bend in _turns_slopes(shape, t))]


def turns(shape, t):
    """Log of (x/d)^before (1 + (x/d)^(1/f))^((after − before) f), exponents falling."""
    _, before, after, place, width = shape
    past, width = t - place, np.exp(width)
    return -before * past - (after - before) * width * _softplus(past / width)


def _turns_slopes(shape, t):
    """Slopes of `turns` in all but the level."""
    _, before, after, place, width = shape
    past, width = t - place, np.exp(width)
    soft = width * _softplus(past / width)
    share = 1 / (1 + np.exp(np.clip(-past / width, -50, 50)))
    bend = after - before
    return [soft - past, -soft, before + bend * share, -bend * (soft - past * share)]


def _softplus(z):
    """log(1 + exp(z)); `np.logaddexp` takes several times as long."""
    return np.maximum(z, 0) + np.log(1 + np.exp(-np.abs(z)))


def step(shape, t, frame):
    """0 up to the threshold, 1 above it."""
    return (t > shape[0]).astype(np.float64)


def hinge(shape, t, frame):
    """0 up to the threshold, then straight."""
    return np.maximum(0, t - shape[0]) / (frame.hinge_end - shape[0])


def hinge_slopes(shape, t, frame):
    """Slopes of `hinge`."""
    return [np.where(t > shape[0], (t - frame.hinge_end) / (frame.hinge_end - shape[0]) ** 2, 0)]
