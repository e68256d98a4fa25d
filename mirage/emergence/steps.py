"""What the scores of `mirage.emergence` share: the steps of many curves at once, and medians."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import plain

_MANY = 64  # curves from which whole columns are compared; a loop over columns costs as many


class Steps(NamedTuple):
    """Curves, their absent models moved to the end, and the steps between the others."""

    y: np.ndarray  # (..., models)
    order: np.ndarray | None  # (..., models): what moved them; None if no model is absent
    sign: np.ndarray  # (...)
    span: np.ndarray  # (...): largest score minus smallest; negative without any
    relative: np.ndarray  # (..., models − 1), in units of the span: squares cannot underflow
    count: np.ndarray  # (...): how many steps


def steps(y: ArrayLike, nan_policy: str) -> Steps:
    """Check the curves and take their steps."""
    y = _curves(y, nan_policy)
    order, highest, lowest = None, y, y
    count = np.full(y.shape[:-1], y.shape[-1] - 1)
    if np.isnan(y).any():
        absent = np.isnan(y)
        order = np.argsort(absent, axis=-1, kind="stable")
        y, absent = (np.take_along_axis(array, order, axis=-1) for array in (y, absent))
        highest, lowest = np.where(absent, -np.inf, y), np.where(absent, np.inf, y)
        count = np.count_nonzero(~absent, axis=-1) - 1
    high, low = highest.max(axis=-1), lowest.min(axis=-1)
    span = high - low
    sign = _sign(y, high, low)
    relative = np.diff(y)
    relative /= np.where(span > 0, span, 1.0)[..., None]
    # Means over seeds of equal scores differ in the last digit: that is no step.
    relative[np.abs(relative) < 1e-12] = 0.0
    return Steps(y, order, sign, span, relative, count)


def _sign(y: np.ndarray, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """1 where the first lowest score comes before the first highest one, −1 where after it."""
    sign = np.zeros(y.shape[:-1], np.int8)
    for column in np.moveaxis(y, -1, 0):
        lowest, highest = column == low, column == high
        sign += (sign == 0) * (lowest.astype(np.int8) - highest)
    return sign.astype(np.float64)


def aligned(name: str, values: ArrayLike, of: Steps) -> np.ndarray:
    """Give a quantity of each model the shape and the order of the curves, NaN where absent."""
    values = np.asarray(values, dtype=np.float64)
    try:
        values = np.broadcast_to(values, of.y.shape)
    except ValueError as error:
        expected = f"expected one that broadcasts to the {of.y.shape} of y"
        raise ValueError(f"{name}: found shape {values.shape}, {expected}") from error
    if of.order is None:
        return values
    return np.where(np.isnan(of.y), np.nan, np.take_along_axis(values, of.order, axis=-1))


def widths(x: ArrayLike, of: Steps) -> np.ndarray:
    """Shares of the log axis that the steps cover, shape (..., models − 1), of sum 1."""
    x = aligned("x", x, of)
    positive = (x > 0) & (x < np.inf)
    wrong = ~positive & ~np.isnan(of.y)
    if wrong.any():
        raise ValueError(f"x: found {x[wrong][0]:g}, expected positive finite sizes")
    lengths = np.diff(np.log(x))
    if (lengths <= 0).any():
        first = (lengths <= 0).argmax()
        before, after = x[..., :-1].flat[first], x[..., 1:].flat[first]
        raise ValueError(f"x: found {before:g} before {after:g}, expected strictly ascending sizes")
    total = np.nansum(lengths, axis=-1, keepdims=True)
    return lengths / np.where(total > 0, total, 1.0)


def median(values: np.ndarray) -> np.ndarray:
    """Median over the last axis of what is not NaN; of two middle values their mean."""
    n = values.shape[-1]
    if values.size // max(n, 1) >= _MANY and n <= 32 and not np.isnan(values).any():
        columns = [np.array(column) for column in np.moveaxis(values, -1, 0)]
        for i, j in _comparators(n):
            columns[i], columns[j] = (
                np.minimum(columns[i], columns[j]),
                np.maximum(columns[i], columns[j]),
            )
        return (columns[(n - 1) // 2] + columns[n // 2]) / 2
    values = np.sort(values, axis=-1)  # NaN to the end
    if not np.isnan(values[..., -1]).any():
        return (values[..., (n - 1) // 2] + values[..., n // 2]) / 2
    count = np.count_nonzero(~np.isnan(values), axis=-1)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    middle = np.minimum(middle, n - 1)
    return np.take_along_axis(values, middle, axis=-1).mean(axis=-1)


@cache
def _comparators(n: int) -> list[tuple[int, int]]:
    """Pairs of columns to bring in order, one after the other, until the middle ones are right.

    Batcher's odd–even merge sort; comparisons on which the middle does not depend are left out.
    """
    pairs, size = [], 1
    while size < n:
        gap = size
        while gap:
            pairs += [
                (i + j, i + j + gap)
                for j in range(gap % size, n - gap, 2 * gap)
                for i in range(min(gap, n - j - gap))
                if (i + j) // (2 * size) == (i + j + gap) // (2 * size)
            ]
            gap //= 2
        size *= 2
    needed, kept = {(n - 1) // 2, n // 2}, []
    for pair in reversed(pairs):
        if needed & set(pair):
            needed |= set(pair)
            kept.append(pair)
    return kept[::-1]


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Value at half of the weight (of sum 1); where half falls between two, their mean."""
    order = np.argsort(values, axis=-1)  # NaN to the end
    values = np.take_along_axis(values, order, axis=-1)
    below = np.nancumsum(np.take_along_axis(weights, order, axis=-1), axis=-1)
    # Equal weights reach half but for rounding: the tolerance is far above it, far below 1/n.
    ends = [(below > 0.5 + side * 1e-9).argmax(axis=-1) for side in (-1, 1)]
    return np.take_along_axis(values, np.stack(ends, axis=-1), axis=-1).mean(axis=-1)


def score(of: Steps, square: np.ndarray, zero_median: object, unit: ArrayLike = 1.0):
    """Divide sign by root, under a policy for 0; `unit` is the floor's, in roots per span."""
    floor = _floor(zero_median)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.maximum(np.sqrt(square), floor * unit / of.span)
        ratio = of.sign / root
    if isinstance(zero_median, str) and zero_median == "nan":
        ratio = np.where(root == 0, np.nan, ratio)
    return plain(np.where(of.count < 1, np.nan, np.where(of.span == 0, 0.0, ratio)))


def _curves(y: ArrayLike, nan_policy: str) -> np.ndarray:
    if nan_policy not in ("raise", "omit"):
        raise ValueError(f'nan_policy: found {nan_policy!r}, expected "raise" or "omit"')
    try:
        y = np.asarray(y, dtype=np.float64)
    except ValueError as error:
        advice = 'curves of unequal length go through pad(), with nan_policy="omit"'
        raise ValueError(f"y: {error}; {advice}") from error
    if y.ndim == 0 or y.shape[-1] < 2:
        raise ValueError(f"y: found shape {y.shape}, expected (..., models) with at least 2 models")
    bad = np.isinf(y) if nan_policy == "omit" else ~np.isfinite(y)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        where = index[0] if len(index) == 1 else index
        raise ValueError(f"y: found {y[index]} at index {where}, expected finite scores")
    return y


def _floor(zero_median: object) -> np.ndarray:
    if isinstance(zero_median, str):
        floor = np.array(0.0 if zero_median in ("inf", "nan") else np.nan)
    else:
        floor = np.asarray(zero_median, dtype=np.float64)
        floor = np.where((floor > 0) & (floor < np.inf), floor, np.nan)
    if np.isnan(floor).any():
        expected = 'expected "inf", "nan" or positive finite floors for the root of the median'
        raise ValueError(f"zero_median: found {zero_median!r}, {expected}")
    return floor
