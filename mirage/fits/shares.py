"""Curves of score against size as shares of the range of their metric: checked, many at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import inside, numbers

# Prior standard deviations of the coefficients of 1, t, t² and t³ on log sizes t in [−1, 1], in
# log odds. Level and slope are free in effect. A bend of 1 between the ends and the middle is
# what a straight line in one link looks like in the other, over a rise from .02 to .98; but the
# test asks both links, and with few models a free bend costs more true jumps than false ones.
PRIORS = {  # from how many models
    2: (10.0, 30.0, 1e-4, 1e-4),
    7: (10.0, 30.0, 0.3, 1e-4),
    12: (10.0, 30.0, 1.0, 0.5),
}
FIXED = 1e6  # precision of a coefficient that is held
_MARGIN = 0.9  # of the range, that scores without bounds fill


class Points(NamedTuple):
    """Curves as shares of the range of their metric, in (0, 1); padded with NaN.

    Attributes
    ----------
    y : ndarray, shape (curves, draws, models)
        Scores.
    basis : ndarray, shape (curves, models, 4)
        Powers of log size.
    present : ndarray of bool, shape (curves, models)
        Where there is a model.
    n_items : ndarray, shape (curves, models)
        Items of a share of items, else NaN.
    variance : ndarray, shape (curves, models)
        Squared standard error of the mean of a real-valued metric, 0 if unknown.
    floor : ndarray, shape (curves, 1, 1)
        Share that a guess scores.
    precision : ndarray, shape (curves, 1, 4)
        Of the prior of each coefficient.
    decades : ndarray, shape (curves, 1)
        Range of the sizes.
    """

    y: np.ndarray
    basis: np.ndarray
    present: np.ndarray
    n_items: np.ndarray
    variance: np.ndarray
    floor: np.ndarray
    precision: np.ndarray
    decades: np.ndarray

    def take(self, rows: np.ndarray) -> Points:
        """Some of the curves."""
        return Points(*(array[rows] for array in self))

    def first(self, n_models: int) -> Points:
        """The curves up to a number of models."""
        names = ("basis", "present", "n_items", "variance")
        parts = {name: getattr(self, name)[:, :n_models] for name in names}
        return self._replace(y=self.y[..., :n_models], **parts)


class Shares(NamedTuple):
    """Checked curves.

    Attributes
    ----------
    data : Points
        As the fits take them.
    x : ndarray, shape (curves, models)
        Sizes.
    offset, unit : ndarray, shape (curves,)
        Score at share 0, and the range: a score is offset + unit × share.
    links : list of str
        Names of the links in which such curves may be smooth.
    """

    data: Points
    x: np.ndarray
    offset: np.ndarray
    unit: np.ndarray
    links: list[str]


def checked(x, y, n_items, stderr, bounds, chance) -> Shares:
    """Check the arguments of `mirage.fits.jump_test`."""
    x, y = (np.atleast_2d(_padded(name, values)) for name, values in (("x", x), ("y", y)))
    x = np.broadcast_to(x, y.shape) if x.shape == (1, y.shape[1]) else x
    if x.shape != y.shape:
        raise ValueError(f"x: found shape {x.shape}, expected that of y, {y.shape}")
    present = ~np.isnan(y)
    if (present[:, 1:] & ~present[:, :-1]).any() or not present[:, :2].all():
        raise ValueError("y: found NaN before a score, expected at least 2 models and then NaN")
    sizes = np.where(present, x, np.nan)
    ascending = ~present[:, 1:] | (sizes[:, 1:] > sizes[:, :-1])
    if not (ascending.all() and (sizes[present] > 0).all() and np.isfinite(sizes[present]).all()):
        raise ValueError("x: found sizes that do not ascend, expected positive and ascending ones")
    n, error = (
        np.full(y.shape, np.nan) if values is None else _like(name, values, y)
        for name, values in (("n_items", n_items), ("stderr", stderr))
    )
    counted = ~np.isnan(n) & present
    inside("n_items", n[counted], 1, 2**53, "at least 1 item")
    inside("y", y[counted], 0, 1, "accuracies in [0, 1], as n_items is given")
    n = np.where(present & (~np.isnan(n)).all(1, where=present, keepdims=True), np.rint(n), np.nan)
    inside("stderr", error[~np.isnan(error)], 0, np.inf, "standard errors of at least 0")
    if bounds is None:
        low, high = np.nanmin(y, 1), np.nanmax(y, 1)
        unit = np.where(high > low, high - low, 1) / _MARGIN
        offset, names = (low + high) / 2 - unit / 2, ["identity"]
        floor = np.zeros(len(y))
    else:
        offset, high = (_like("bounds", end, y[:, 0]) for end in bounds)
        unit, names = high - offset, ["logit", "loglog"]
        if not (unit > 0).all():
            raise ValueError(f"bounds: found {bounds}, expected (low, high) with low < high")
        guess = offset if chance is None else _like("chance", chance, y[:, 0])
        floor = inside("chance", (guess - offset) / unit, 0, 0.999, "a guess inside the bounds")
    share = (y - offset[:, None]) / unit[:, None]
    inside("y", share[present], -1e-9, 1 + 1e-9, "scores within the bounds of their metric")
    data = _points(share, x, n, (error / unit[:, None]) ** 2, np.atleast_1d(floor))
    return Shares(data, x, offset, unit, names)


def _padded(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    numbers(name, np.nan_to_num(array), {1, 2}, "(curves, models) or (models,)")
    return array


def _like(name: str, values: ArrayLike, like: np.ndarray) -> np.ndarray:
    try:
        return np.broadcast_to(np.asarray(values, np.float64), like.shape)
    except (TypeError, ValueError) as error:
        expected = f"expected one that broadcasts to {like.shape}"
        raise ValueError(f"{name}: found shape {np.shape(values)}, {expected}") from error


def _points(y, x, n_items, variance, floor) -> Points:
    """Curves (curves, models) as `Points` of one draw; x ascending, all padded with NaN."""
    present = ~np.isnan(y)
    log = np.where(present, np.log10(np.where(present, x, 1)), np.nan)
    low, high = np.nanmin(log, 1, keepdims=True), np.nanmax(log, 1, keepdims=True)
    t = np.where(present, 2 * (log - low) / (high - low) - 1, 0)
    basis = np.stack([np.ones_like(t), t, t**2 - 1 / 3, t**3 - 0.6 * t], axis=-1)
    count = present.sum(1)[:, None]
    precision = np.zeros((len(count), 4))
    for fewest, deviations in PRIORS.items():
        precision = np.where(count >= fewest, 1 / np.square(deviations), precision)
    return Points(
        np.where(present, y, 0.5)[:, None],
        basis,
        present,
        n_items,
        np.nan_to_num(variance),
        floor[:, None, None],
        precision[:, None],
        high - low,
    )
