"""The curves that are fitted: each is floor + (ceiling − floor) q with a shape q of its own.

A model is a box of parameters (floor, ceiling, shape…), and a parameter whose box has no width is
not fitted. Boxes and grids are made for many curves at once, by a frame of arrays (curves, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mirage.fits import shapes
from mirage.fits.shapes import LN10, Frame

# From q = .1 to .9 a power law of exponent a takes (log −log .1 − log −log .9)/a = 3.084/a nats
# of x, a logistic of slope s takes 4.394/s: with this ratio one width bounds both.
LOGISTIC_SLOPE = 4.394 / 3.084
# Levels of the link at the two ends of the sizes, between which the first lines are drawn:
# q from 1 − 1e-6 to 1e-24 and from 2e-9 to 1 − 2e-9, closest together where curves are seen.
POWER_LEVELS = np.array(
    [-14, -10, -7, -5, -4, -3, -2.3, -1.6, -1, -0.4, 0, 0.4, 0.8, 1.2, 1.5, 2, 2.6, 4]
)
LOGIT_LEVELS = np.array([-20, -14, -10, -7, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 10, 14, 20])


Shape = Callable[[np.ndarray, np.ndarray, Frame], np.ndarray]  # (P, rows, 1), t → (rows, points)
Ends = list[tuple[Any, Any]]  # smallest and largest value of each parameter


class Model(NamedTuple):
    """A family of curves."""

    kind: str  # smooth, broken or step
    free: tuple[bool, bool]  # whether floor and ceiling are fitted, inside the bounds
    shape: Shape
    slopes: Callable[[np.ndarray, np.ndarray, Frame], list[np.ndarray]]  # of the shape
    box: Callable[[Frame], Ends]  # of the shape's parameters
    grid: Callable[[np.ndarray, np.ndarray, Frame], np.ndarray]  # t, y → (curves, starts, P)
    describe: Callable[[np.ndarray, Frame], dict[str, float]]

    def coordinate(self, x: np.ndarray, frame: Frame) -> np.ndarray:
        """What the shape is a function of."""
        straight = self.shape in (shapes.hinge, shapes.line)
        return frame.straight(x) if straight else frame.decades(x)

    def mean(self, theta: np.ndarray, t: np.ndarray, frame: Frame) -> np.ndarray:
        """Mean score in units of the fit, (..., points), of parameters (..., 2 + P)."""
        floor, ceiling = theta[..., :1], theta[..., 1:2]
        return floor + (ceiling - floor) * self.shape(_first(theta[..., 2:]), t, frame)

    def mean_slopes(self, theta: np.ndarray, t: np.ndarray, frame: Frame) -> list[np.ndarray]:
        """Slopes of the mean score in each of the parameters (rows, 2 + P)."""
        shape, span = _first(theta[:, 2:]), theta[:, 1:2] - theta[:, :1]
        q = np.broadcast_to(self.shape(shape, t, frame), (len(theta), t.shape[-1]))
        return [1 - q, q, *(span * slope for slope in self.slopes(shape, t, frame))]

    def bounds(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends of all parameters, (P,) or (curves, P)."""
        outer = frame.bounds or (-10.0, 10.0)  # the scores themselves span 1
        fitted = self.free if frame.bounds else (True, self.shape is not shapes.constant)
        ends = [outer if free else (end, end) for free, end in zip(fitted, outer, strict=True)]
        ends += self.box(frame)
        if isinstance(frame.low, float):
            low, high = np.array(ends).T
            return low, high
        pairs = ([np.broadcast_to(end, frame.low.shape) for end in pair] for pair in ends)
        low, high = (np.concatenate(columns, axis=1) for columns in zip(*pairs, strict=True))
        return low, high


def _first(theta: np.ndarray) -> np.ndarray:
    """Parameters (..., P) as (P, ..., 1)."""
    return np.moveaxis(theta, -1, 0)[..., None]


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
    width = (np.log(0.01 * span), np.log(span))
    return [level, slope, slope, (frame.low, frame.high), width]


def _lines(levels, sign, frame):
    first, last = (axis.ravel() for axis in np.meshgrid(levels, levels))
    slope = sign * (last - first) / (frame.high - frame.low)
    return np.stack([np.broadcast_to((first + last) / 2, slope.shape), slope], axis=-1)


ENDS = (1.02, 1.2, 2.0, 5.0)  # of a curve whose scores span [0, 1]


def _power_grid(t, y, frame):
    if frame.bounds:
        return _lines(POWER_LEVELS, -1, frame)
    slopes = np.geomspace(0.02, 1, 20) * LN10 * frame.steepest
    slopes = np.concatenate([-slopes, slopes], axis=1)
    return np.stack([np.zeros_like(slopes), slopes], axis=-1)


def _break_grid(t, y, frame):
    """Places and widths of the break; level and slopes by least squares on a broken line."""
    span, starts = frame.high - frame.low, []
    if frame.bounds:
        links = np.log(-np.log(y))[..., None]
    else:  # the distance from an end that the curve tends to, above the scores or below
        links = np.log(np.stack([*(e - y for e in ENDS), *(y - 1 + e for e in ENDS)], axis=-1))
    for share in np.linspace(0.05, 0.95, 10):
        place = frame.low + share * span
        for width in np.log([0.03 * span, 0.3 * span]):
            flat, full = np.zeros_like(place), np.ones_like(place)
            slopes = [
                shapes.turns((flat, *slopes, place, width), t)
                for slopes in ((full, flat), (flat, full))
            ]
            design = np.stack([np.ones_like(t), *slopes], axis=-1)  # (curves, points, 3)
            level, before, after = np.moveaxis(_least_squares(design, links), 1, 0)
            ends = (np.broadcast_to(end, level.shape) for end in (place, width))
            level = level if frame.bounds else np.zeros_like(level)
            starts.append(np.stack([level, before, after, *ends], axis=-1))
    return np.concatenate(starts, axis=1)


def _least_squares(design, y):
    """Coefficients (curves, 3, k) of y (curves, points, k); they only start a fit."""
    transposed = design.transpose(0, 2, 1)
    normal = transposed @ design
    ridge = 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(design.shape[-1])
    return np.linalg.solve(normal + ridge, transposed @ y)


def _places(t):
    """Distinct t of each curve, ascending; all curves have as many."""
    return np.stack([np.unique(row) for row in t])


def _step_grid(t, y, frame):
    places = _places(t)
    return (places[:, 1:, None] + places[:, :-1, None]) / 2


def _hinge_grid(t, y, frame):
    places = _places(t)
    inside = places[:, :-1, None] + np.diff(places)[..., None] * [0.05, 0.35, 0.65, 0.95]
    return inside.reshape(len(t), -1, 1)


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
    first = frame.hinge_start
    return [(first, frame.hinge_end - 1e-6 * (frame.hinge_end - first))]


# A box and a grid of no parameters.
NO_SHAPE = (lambda f: [], lambda t, y, f: np.empty((len(t), 1, 0)))

FAMILIES: dict[str, Model] = {
    "constant": Model(
        "smooth",
        (True, False),
        shapes.constant,
        shapes.no_slopes,
        *NO_SHAPE,
        _constant_parameters,
    ),
    # The hinge whose threshold is the first size: a straight curve must not count as broken.
    "line": Model(
        "smooth", (True, True), shapes.line, shapes.no_slopes, *NO_SHAPE, _line_parameters
    ),
    "power": Model(
        "smooth",
        (False, False),
        shapes.power,
        shapes.power_slopes,
        _power_box,
        _power_grid,
        _power_parameters,
    ),
    "floored power": Model(
        "smooth",
        (True, False),
        shapes.saturating,
        shapes.saturating_slopes,
        _floored_box,
        lambda t, y, f: _lines(POWER_LEVELS, -1, f),
        _saturating_parameters,
    ),
    "logistic": Model(
        "smooth",
        (False, False),
        shapes.logistic,
        shapes.logistic_slopes,
        lambda f: [LEVEL, _slope(f, LOGISTIC_SLOPE)],
        lambda t, y, f: _lines(LOGIT_LEVELS, 1, f),
        _logistic_parameters,
    ),
    "sigmoid": Model(
        "smooth",
        (True, True),
        shapes.logistic,
        shapes.logistic_slopes,
        lambda f: [LEVEL, (0.0, _slope(f, LOGISTIC_SLOPE)[1])],
        lambda t, y, f: _lines(LOGIT_LEVELS, 1, f),
        _logistic_parameters,
    ),
    "break": Model(
        "broken",
        (False, False),
        shapes.broken,
        shapes.broken_slopes,
        _break_box,
        _break_grid,
        _break_parameters,
    ),
    "hinge": Model(
        "broken",
        (True, True),
        shapes.hinge,
        shapes.hinge_slopes,
        _hinge_box,
        _hinge_grid,
        _hinge_parameters,
    ),
    "step": Model(
        "step",
        (True, True),
        shapes.step,
        shapes.no_slopes,
        lambda f: [(f.low, f.high)],
        _step_grid,
        _step_parameters,
    ),
}
