"""The points of a curve: checked, and put in the units of the fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from mirage._check import inside, numbers
from mirage.fits.models import Model
from mirage.fits.shapes import Frame

# Exponents above these are not called smooth. In size the paper's toy has ½ and measured scaling
# laws less, so 2 is generous: q goes from .1 to .9 within a factor 4.7. A loss is itself a power
# of size near −.1, so a given width in size is ten times the exponent in loss.
STEEPEST = {"size": 2.0, "loss": 20.0}
Bounds = tuple[float, float] | None
Against = Literal["size", "loss"]


class Curve(NamedTuple):
    """Checked data in units of the fit, with the frame that leads back."""

    x: np.ndarray
    y: np.ndarray  # (y − offset) / scale
    n_items: np.ndarray | None
    frame: Frame

    def take(self, rows: np.ndarray) -> Curve:
        """The curve of some of its points, in the frame of those points."""
        y = self.frame.offset + self.frame.scale * self.y[rows]
        n_items = None if self.n_items is None else self.n_items[rows]
        return framed(self.x[rows], y, n_items, *_choices_of(self))

    def mean_of(self, model: Model) -> Callable[..., np.ndarray]:
        """Function from parameters (rows, P) to mean scores (rows, points) at these sizes."""
        t = model.coordinate(self.x, self.frame)
        return lambda theta, rows=None: model.mean(theta, t, self.frame)


class Batch(NamedTuple):
    """Curves that are fitted together: of as many points, distinct sizes and kinds of bounds."""

    curves: list[Curve]
    x: np.ndarray  # (curves, points)
    y: np.ndarray  # (curves, points), in units of the fit
    n_items: np.ndarray | None  # (curves, points)
    frame: Frame  # of arrays (curves, 1)


def batches(curves: Sequence[Curve], at_most: int) -> Iterator[tuple[list[int], Batch]]:
    """Curves in batches of those alike, with the place of each among all."""
    alike: dict[tuple, list[int]] = {}
    for place, curve in enumerate(curves):
        frame = curve.frame
        kind = (len(curve.x), len(np.unique(curve.x)), frame.against, frame.bounds is None)
        alike.setdefault((*kind, curve.n_items is None), []).append(place)
    for places in alike.values():
        for start in range(0, len(places), at_most):
            some = places[start : start + at_most]
            yield some, _batch([curves[place] for place in some])


def _batch(curves: list[Curve]) -> Batch:
    first, frames = curves[0], [curve.frame for curve in curves]

    def column(values):
        return np.array([float(value) for value in values])[:, None]

    fields = ("steepest", "low", "high", "hinge_end", "offset", "scale")
    numbers = [column(getattr(frame, name) for frame in frames) for name in fields]
    bounds = first.frame.bounds and tuple(column(f.bounds[end] for f in frames) for end in (0, 1))
    n_items = None if first.n_items is None else np.stack([curve.n_items for curve in curves])
    x, y = (np.stack(arrays) for arrays in zip(*((c.x, c.y) for c in curves), strict=True))
    return Batch(curves, x, y, n_items, Frame(first.frame.against, *numbers, bounds))


def checked(x, y, n_items, bounds: Bounds, against: str, steepest: float | None) -> Curve:
    """Check the data of a curve and put them in the units of the fit."""
    x, y = numbers("x", x, {1}, "(points,)"), numbers("y", y, {1}, "(points,)")
    inside("x", x, 0, np.inf, "positive and finite sizes or losses", closed=False)
    inside("y", y, -np.inf, np.inf, "finite scores", closed=False)
    if len(x) != len(y):
        raise ValueError(f"y: found {len(y)} scores for {len(x)} x, expected one each")
    if len(x) < 3 or len(np.unique(x)) < 2:
        found = f"found {len(x)} points at {len(np.unique(x))} distinct x"
        raise ValueError(f"x: {found}, expected at least 3 points at 2 distinct x")
    if against not in STEEPEST:
        raise ValueError(f"against: found {against!r}, expected 'size' or 'loss'")
    if n_items is not None:
        inside("y", y, 0, 1, "accuracies in [0, 1], as n_items is given")
        n_items = inside("n_items", n_items, 1, 2**53, "at least 1 item")
        if (n_items != np.floor(n_items)).any():
            raise ValueError(f"n_items: found {n_items}, expected whole numbers")
        if np.ndim(n_items) and np.shape(n_items) != x.shape:
            raise ValueError(f"n_items: found shape {np.shape(n_items)}, expected {x.shape} or one")
        n_items = np.broadcast_to(n_items, x.shape)
    if bounds is not None and not -np.inf < bounds[0] < bounds[1] < np.inf:
        raise ValueError(f"bounds: found {bounds}, expected (low, high) with low < high")
    if n_items is not None and bounds is not None and not 0 <= bounds[0] < bounds[1] <= 1:
        raise ValueError(f"bounds: found {bounds}, expected within [0, 1], as n_items is given")
    if steepest is not None:
        steepest = inside("steepest", steepest, 0, np.inf, "a positive exponent", closed=False)
    return framed(x, y, n_items, bounds, against, steepest or STEEPEST[against])


def framed(x, y, n_items, bounds: Bounds, against: str, steepest: float) -> Curve:
    """Put checked data in the units of the fit."""
    if n_items is not None:
        offset, scale, inner = 0.0, 1.0, bounds or (0.0, 1.0)
    elif bounds is not None:
        offset, scale, inner = bounds[0], bounds[1] - bounds[0], (0.0, 1.0)
    else:  # centred, the range is 1; a constant curve keeps its own size as the unit
        middle = (y.max() + y.min()) / 2
        offset, scale, inner = middle, float(np.ptp(y)) or abs(middle) or 1.0, None
    frame = Frame(against, float(steepest), 0.0, 0.0, 0.0, float(offset), float(scale), inner)
    t = frame.decades(x)
    frame = frame._replace(low=t.min(), high=t.max(), hinge_end=frame.straight(x).max())
    return Curve(x, (y - offset) / scale, n_items, frame)


def _choices_of(curve: Curve) -> tuple[Bounds, str, float]:
    frame = curve.frame
    bounds = frame.bounds and tuple(frame.offset + frame.scale * end for end in frame.bounds)
    return bounds, frame.against, frame.steepest
