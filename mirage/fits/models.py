"""The curves that are fitted: each is floor + (ceiling − floor) q with a shape q of its own.

Sizes enter as t, the decades of x towards more capable models: log10 of a size, −log10 of a
loss; only line and hinge are straight in the loss itself. A model is a box of parameters
(floor, ceiling, shape…), and a parameter whose box has no width is not fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LN10 = float(np.log(10))
# From q = .1 to .9 a power law of exponent a takes (log −log .1 − log −log .9)/a = 3.084/a nats
# of x, a logistic of slope s takes 4.394/s: with this ratio one width bounds both.
LOGISTIC_SLOPE = 4.394 / 3.084
# Levels of the link at the two ends of the sizes, between which the first lines are drawn:
# q from 1 − 1e-6 to 1e-24 and from 2e-9 to 1 − 2e-9, closest together where curves are seen.
POWER_LEVELS = np.array(
    [-14, -10, -7, -5, -4, -3, -2.3, -1.6, -1, -0.4, 0, 0.4, 0.8, 1.2, 1.5, 2, 2.6, 4]
)
LOGIT_LEVELS = np.array([-20, -14, -10, -7, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 10, 14, 20])


class Frame(NamedTuple):
    """The units of a fit: decades t, and scores y = offset + scale · mean."""

    against: str  # "size" or "loss"
    steepest: float  # largest exponent |α| of a smooth curve
    low: float  # smallest t
    high: float  # largest t
    hinge_end: float  # largest coordinate of the hinge
    offset: float
    scale: float
    bounds: tuple[float, float] | None  # of the mean; None: both ends are fitted

    @property
    def centre(self) -> float:
        """Where the level of a curve is measured, decades."""
        return (self.low + self.high) / 2

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


Shape = Callable[[np.ndarray, np.ndarray, Frame], np.ndarray]  # (P, rows, 1), t → (rows, points)


class Model(NamedTuple):
    """A family of curves."""

    kind: str  # smooth, broken or step
    free: tuple[bool, bool]  # whether floor and ceiling are fitted, inside the bounds
    shape: Shape
    box: Callable[[Frame], list[tuple[float, float]]]  # of the shape's parameters
    grid: Callable[[np.ndarray, np.ndarray, Frame], np.ndarray]  # t, y in (0, 1) → (starts, P)
    describe: Callable[[np.ndarray, Frame], dict[str, float]]

    def coordinate(self, x: np.ndarray, frame: Frame) -> np.ndarray:
        """What the shape is a function of."""
        return frame.straight(x) if self.shape in (_hinge, _line) else frame.decades(x)

    def mean(self, theta: np.ndarray, t: np.ndarray, frame: Frame) -> np.ndarray:
        """Mean score in units of the fit, (rows, points), of parameters (rows, 2 + P)."""
        q = self.shape(theta[:, 2:].T[..., None], t, frame)
        return theta[:, :1] + (theta[:, 1:2] - theta[:, :1]) * q

    def bounds(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends of all parameters."""
        outer = frame.bounds or (-10.0, 10.0)  # the scores themselves span 1
        fitted = self.free if frame.bounds else (True, self.shape is not _constant)
        ends = [outer if free else (end, end) for free, end in zip(fitted, outer, strict=True)]
        low, high = np.array([*ends, *self.box(frame)]).T
        return low, high


def _constant(shape, t, frame):
    return np.zeros((shape.shape[1] if shape.size else 1, len(t)))


def _line(shape, t, frame):
    return ((t - _hinge_start(frame)) / (frame.hinge_end - _hinge_start(frame)))[None]


def _hinge_start(frame):
    return frame.low if frame.against == "size" else -(10.0**-frame.low)


def _power(shape, t, frame):
    if frame.bounds is None:  # the ordinary scaling law, which has no floor
        return 1 - np.exp(np.clip(-shape[1] * (t - frame.low), -50, 6))
    return _saturating(shape, t, frame)


def _saturating(shape, t, frame):
    return np.exp(-np.exp(np.clip(shape[0] - shape[1] * (t - frame.centre), -50, 6)))


def _logistic(shape, t, frame):
    return 1 / (1 + np.exp(np.clip(-shape[0] - shape[1] * (t - frame.centre), -50, 50)))


def _break(shape, t, frame):
    if frame.bounds is None:
        turns = _turns(shape, t) - _turns(shape, np.array([frame.low]))
        return 1 - np.exp(np.clip(turns, -50, 6))
    return np.exp(-np.exp(np.clip(shape[0] + _turns(shape, t), -50, 6)))


def _turns(shape, t):
    """Log of (x/d)^before (1 + (x/d)^(1/f))^((after − before) f), exponents falling."""
    _, before, after, place, width = shape
    past, width = t - place, np.exp(width)
    return -before * past - (after - before) * width * np.logaddexp(0, past / width)


def _step(shape, t, frame):
    return (t > shape[0]).astype(np.float64)


def _hinge(shape, t, frame):
    return np.maximum(0, t - shape[0]) / (frame.hinge_end - shape[0])


LEVEL = (-60.0, 60.0)  # wide enough for any line between the levels of the grid


def _slope(frame, factor):
    return (-factor * LN10 * frame.steepest, factor * LN10 * frame.steepest)


def _power_box(frame):
    return [LEVEL if frame.bounds else (0.0, 0.0), _slope(frame, 1)]


def _floored_box(frame):
    # With both ends fitted these alone say whether the curve falls: one slope, not its mirror.
    steepest = _slope(frame, 1)
    return [LEVEL, steepest if frame.bounds else (0.0, steepest[1])]


def _break_box(frame):
    span, level = frame.high - frame.low, LEVEL if frame.bounds else (0.0, 0.0)
    slope = _slope(frame, 10)  # a break may be sharper than a smooth curve
    width = (float(np.log(0.01 * span)), float(np.log(span)))
    return [level, slope, slope, (frame.low, frame.high), width]


def _lines(levels, sign, frame):
    first, last = (axis.ravel() for axis in np.meshgrid(levels, levels))
    slope = (last - first) / (frame.high - frame.low)
    return np.column_stack([(first + last) / 2, sign * slope])


ENDS = (1.02, 1.2, 2.0, 5.0)  # of a curve whose scores span [0, 1]


def _power_grid(t, y, frame):
    if frame.bounds:
        return _lines(POWER_LEVELS, -1, frame)
    slopes = np.geomspace(0.02, 1, 20) * LN10 * frame.steepest
    slopes = np.concatenate([-slopes, slopes])
    return np.column_stack([np.zeros_like(slopes), slopes])


def _break_grid(t, y, frame):
    """Places and widths of the break; level and slopes by least squares on a broken line."""
    span, starts = frame.high - frame.low, []
    if frame.bounds:
        links = np.log(-np.log(y))[:, None]
    else:  # the distance from an end that the curve tends to, above the scores or below
        links = np.log(np.column_stack([*(e - y for e in ENDS), *(y - 1 + e for e in ENDS)]))
    for place in frame.low + span * np.linspace(0.05, 0.95, 10):
        for width in np.log([0.03 * span, 0.3 * span]):
            units = np.array([[0, 0], [1, 0], [0, 1], [place, place], [width, width]])
            design = np.column_stack([np.ones_like(t), *_turns(units[..., None], t)])
            for level, before, after in np.linalg.lstsq(design, links)[0].T:
                starts.append([level if frame.bounds else 0.0, before, after, place, width])
    return np.array(starts)


def _step_grid(t, y, frame):
    places = np.unique(t)
    return (places[1:, None] + places[:-1, None]) / 2


def _hinge_grid(t, y, frame):
    places = np.unique(t)
    return (places[:-1, None] + np.diff(places)[:, None] * [0.05, 0.35, 0.65, 0.95]).reshape(-1, 1)


def _scores(theta, frame):
    return (frame.offset + frame.scale * theta[:2]).tolist()


def _constant_parameters(theta, frame):
    return {"level": _scores(theta, frame)[0]}


def _line_parameters(theta, frame):
    return dict(zip(("first", "last"), _scores(theta, frame), strict=True))


def _power_parameters(theta, frame):
    (floor, ceiling), (level, slope) = _scores(theta, frame), theta[2:]
    alpha = -slope / LN10 if frame.against == "size" else slope / LN10
    if frame.bounds is None:
        return {"first": floor, "ceiling": ceiling, "alpha": float(alpha)}
    with np.errstate(divide="ignore", invalid="ignore"):
        c = frame.x(frame.centre + np.divide(level, slope))
    return {"floor": floor, "ceiling": ceiling, "c": c, "alpha": float(alpha)}


def _saturating_parameters(theta, frame):
    return _power_parameters(theta, frame._replace(bounds=frame.bounds or (0.0, 1.0)))


def _logistic_parameters(theta, frame):
    (floor, ceiling), (level, slope) = _scores(theta, frame), theta[2:]
    if floor > ceiling:  # the same curve, told the usual way
        floor, ceiling, level, slope = ceiling, floor, -level, -slope
    with np.errstate(divide="ignore", invalid="ignore"):
        midpoint = frame.x(frame.centre - np.divide(level, slope))
    slope = slope if frame.against == "size" else -slope
    return {"floor": floor, "ceiling": ceiling, "midpoint": midpoint, "slope": float(slope)}


def _break_parameters(theta, frame):
    (floor, ceiling), (_, before, after, place, width) = _scores(theta, frame), theta[2:]
    sign = -1 if frame.against == "size" else 1
    ends = {"floor" if frame.bounds else "first": floor, "ceiling": ceiling}
    slopes = {"alpha_before": sign * before / LN10, "alpha_after": sign * after / LN10}
    shape = {"threshold": frame.x(place), **slopes, "width": np.exp(width)}
    return ends | {name: float(value) for name, value in shape.items()}


def _step_parameters(theta, frame):
    before, after = _scores(theta, frame)
    return {"before": before, "after": after, "threshold": frame.x(theta[2])}


def _hinge_parameters(theta, frame):
    (before, after), place = _scores(theta, frame), float(theta[2])
    slope = (after - before) / (frame.hinge_end - place)
    if frame.against == "loss":
        return {"before": before, "slope": -slope, "threshold": -place}
    return {"before": before, "slope": slope, "threshold": frame.x(place)}


def _hinge_box(frame):
    first = _hinge_start(frame)
    return [(first, frame.hinge_end - 1e-6 * (frame.hinge_end - first))]


NO_SHAPE = (lambda f: [], lambda t, y, f: np.empty((1, 0)))  # a box and a grid of no parameters

FAMILIES: dict[str, Model] = {
    "constant": Model("smooth", (True, False), _constant, *NO_SHAPE, _constant_parameters),
    # The hinge whose threshold is the first size: a straight curve must not count as broken.
    "line": Model("smooth", (True, True), _line, *NO_SHAPE, _line_parameters),
    "power": Model("smooth", (False, False), _power, _power_box, _power_grid, _power_parameters),
    "floored power": Model(
        "smooth",
        (True, False),
        _saturating,
        _floored_box,
        lambda t, y, f: _lines(POWER_LEVELS, -1, f),
        _saturating_parameters,
    ),
    "logistic": Model(
        "smooth",
        (False, False),
        _logistic,
        lambda f: [LEVEL, _slope(f, LOGISTIC_SLOPE)],
        lambda t, y, f: _lines(LOGIT_LEVELS, 1, f),
        _logistic_parameters,
    ),
    "sigmoid": Model(
        "smooth",
        (True, True),
        _logistic,
        lambda f: [LEVEL, (0.0, _slope(f, LOGISTIC_SLOPE)[1])],
        lambda t, y, f: _lines(LOGIT_LEVELS, 1, f),
        _logistic_parameters,
    ),
    "break": Model("broken", (False, False), _break, _break_box, _break_grid, _break_parameters),
    "hinge": Model("broken", (True, True), _hinge, _hinge_box, _hinge_grid, _hinge_parameters),
    "step": Model(
        "step", (True, True), _step, lambda f: [(f.low, f.high)], _step_grid, _step_parameters
    ),
}
