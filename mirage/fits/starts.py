"""Where fits start: a grid of each model, its free ends by weighted least squares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mirage.fits.data import Batch
from mirage.fits.models import Model
from mirage.fits.solver import deviance


class Grid(NamedTuple):
    """Starts of a model, and how far each is from the scores."""

    theta: np.ndarray  # (curves, starts, P), the free ends by weighted least squares
    missed: np.ndarray  # (curves, starts): squares over the variance of each score


def grid_of(batch: Batch, model: Model) -> Grid:
    """Grid of a model's parameters for each curve."""
    frame, y = batch.frame, batch.y
    low, high = (end[:, None] for end in model.bounds(frame))
    t = model.coordinate(batch.x, frame)
    counted = batch.n_items is not None
    least = 0.5 / (batch.n_items + 1) if counted else 0.002
    inner = np.clip(y if frame.bounds else y + 0.5, least, 1 - least)
    grid = np.clip(model.grid(t, inner, frame), low[..., 2:], high[..., 2:])
    # Where all curves have the same sizes, they share their shapes.
    same = slice(1) if (grid == grid[:1]).all() and (t == t[:1]).all() else slice(None)
    first = np.moveaxis(grid[same], -1, 0)[..., None]
    q = model.shape(first, t[same, None], frame.take((same, None)))
    q = np.broadcast_to(q, (len(grid[same]), grid.shape[1], t.shape[1]))
    weights = batch.n_items if counted else np.ones_like(t)
    floor, ceiling = _ends(_sums(q, y, weights), low[..., :2], high[..., :2])
    sums = _sums(q, y, weights / (inner * (1 - inner)) if counted else weights)
    squares = floor**2 * sums.aa + 2 * floor * ceiling * sums.ab + ceiling**2 * sums.bb
    missed = squares - 2 * (floor * sums.ya + ceiling * sums.yb)
    theta = np.concatenate(
        [np.broadcast_to(end, missed.shape) for end in (floor, ceiling)] + [grid], axis=-1
    )
    return Grid(np.clip(theta, low, high), missed[..., 0])


def best_of(batch: Batch, model: Model, grid: Grid, n: int) -> np.ndarray:
    """The n starts of each curve with the least deviance, of four times as many near ones."""
    order = np.sort(np.argsort(grid.missed, axis=1, kind="stable")[:, : 4 * n], axis=1)
    starts = np.take_along_axis(grid.theta, order[..., None], axis=1)
    t, every = model.coordinate(batch.x, batch.frame), (slice(None), None)
    near = model.mean(starts, t[:, None], batch.frame.take(every))
    n_items = None if batch.n_items is None else batch.n_items[:, None]
    order = order_of(deviance(batch.y[:, None], near, n_items))[:, :n]
    return np.take_along_axis(starts, order[..., None], axis=1)


def order_of(deviances: np.ndarray) -> np.ndarray:
    """From the least deviance (curves, starts) on; of those equal but for rounding, the first."""
    least = deviances.min(axis=1, keepdims=True)
    equal = deviances <= least * (1 + 1e-9) + 1e-9
    return np.argsort(np.where(equal, least, deviances), axis=1, kind="stable")


class _Sums(NamedTuple):
    """Weighted sums over points, (curves, starts, 1): a = 1 − q, b = q."""

    aa: np.ndarray
    ab: np.ndarray
    bb: np.ndarray
    ya: np.ndarray
    yb: np.ndarray
    total: np.ndarray


def _sums(q, y, weights) -> _Sums:
    bb, wq, yb = q**2 @ weights[..., None], q @ weights[..., None], q @ (weights * y)[..., None]
    total, wy = weights.sum(1)[:, None, None], (weights * y).sum(1)[:, None, None]
    return _Sums(total - 2 * wq + bb, wq - bb, bb, wy - yb, yb, total)


def _ends(sums: _Sums, low, high) -> tuple[np.ndarray, np.ndarray]:
    """Floor and ceiling (curves, starts, 1) of least squares, then clipped."""
    aa, ab, bb, ya, yb, total = sums
    tiny = 1e-9 * total
    if (low < high).all():
        floor = (ya * (bb + tiny) - yb * ab) / ((aa + tiny) * (bb + tiny) - ab**2)
    else:
        floor = (ya - ab * low[..., 1:]) / (aa + tiny)
    floor = np.clip(floor, low[..., :1], high[..., :1])
    ceiling = np.clip((yb - ab * floor) / (bb + tiny), low[..., 1:], high[..., 1:])
    return floor, ceiling
