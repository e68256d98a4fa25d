"""Intervals of the dormant share, and its difference between two metrics of the same models.

Items and training seeds are resampled, in pairs where two metrics are compared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mirage._check import numbers
from mirage.emergence.dormancy import Dormancy, dormancy
from mirage.statistics.bootstrap import binomial_bootstrap, item_bootstrap
from mirage.statistics.intervals import Interval, percentile_interval


class DormancyInterval(NamedTuple):
    """Bootstrap intervals of `Dormancy`.

    Attributes
    ----------
    share : Interval
        Of the dormant share.
    rise_width : Interval
        Of the rise width.
    """

    share: Interval
    rise_width: Interval


class DormancyDifference(NamedTuple):
    """How much longer one metric stays dormant than another on the same models.

    Attributes
    ----------
    difference : float
        Dormant share of the first metric less that of the second, in [-1, 1].
    low, high : float
        Its bootstrap interval; NaN where nothing could be resampled.
    disjoint : bool
        Whether the brackets do not overlap: the rises begin in different gaps, so that the
        difference does not rest on a line drawn between two models.
    a, b : Dormancy
        Of each metric.
    """

    difference: float
    low: float
    high: float
    disjoint: bool
    a: Dormancy
    b: Dormancy


def dormancy_interval(
    y: ArrayLike,
    x: ArrayLike,
    rng: np.random.Generator,
    *,
    per_item: bool = False,
    chance: float | None = None,
    n_items: ArrayLike | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> DormancyInterval:
    """Bootstrap intervals of the dormant share and the rise width of one curve.

    Parameters
    ----------
    y : array_like, shape (models,), (seeds, models), (models, items) or (seeds, models, items)
        Scores, higher is better; the last two shapes with `per_item`.
    x : array_like, shape (models,)
        Sizes, positive.
    rng : numpy.random.Generator
        Source of the resamples.
    per_item : bool
        Whether the last axis holds the score of each item. The items are resampled then, the
        same for all models and seeds.
    chance : float, optional
        As in `dormancy`.
    n_items : int or array_like, shape (models,), optional
        Number of items behind each accuracy, where single items are not known. Accuracies are
        then drawn anew for each model (`mirage.statistics.binomial_bootstrap`).
    n_resamples : int
        How often to resample.
    level : float
        Confidence.

    Returns
    -------
    DormancyInterval
        (NaN, NaN) where the curve itself has no rise, or there is nothing to resample.

    Raises
    ------
    ValueError
        As `dormancy`, or if the shapes do not agree with `per_item`.

    Notes
    -----
    Percentile intervals. Seeds are drawn within each model, since networks of different sizes
    share nothing but a number; deviations from the mean over S seeds are widened by √(S/(S − 1)),
    without which few seeds give too narrow an interval. A resample that does not rise is dormant
    over the whole range (D = 1); its width is left out.
    Together with its bracket the interval of D held the value of the continuous curve in 95 to
    100 % of 18 simulated settings; alone in 88 to 97 %.

    References
    ----------
    B. Efron and R. J. Tibshirani (1993), An Introduction to the Bootstrap, Chapter 13.
    https://doi.org/10.1201/9780429246593

    Examples
    --------
    >>> p = np.array([0.02, 0.03, 0.3, 0.8])
    >>> found = dormancy_interval(p, [1e8, 1e9, 1e10, 1e11], np.random.default_rng(0), n_items=500)
    >>> print(f"{found.share:.2f}")
    [0.35, 0.39]
    """
    values, x = _values("y", y, x, per_item)
    observed = dormancy(_means(values), x, chance, n_items)
    drawn = _resamples([values], per_item, n_items, n_resamples, rng)
    if drawn is None or np.isnan(observed.share):
        unknown = Interval(np.nan, np.nan)
        return DormancyInterval(unknown, unknown)
    draws = dormancy(_in_range(drawn[0], n_items), x, chance, n_items)
    width = draws.rise_width[~np.isnan(draws.rise_width)]
    share = np.nan_to_num(draws.share, nan=1.0)
    return DormancyInterval(percentile_interval(share, level), percentile_interval(width, level))


def dormancy_difference(
    a: ArrayLike,
    b: ArrayLike,
    x: ArrayLike,
    rng: np.random.Generator,
    *,
    per_item: bool = False,
    chance: tuple[float | None, float | None] = (None, None),
    n_resamples: int = 2000,
    level: float = 0.95,
) -> DormancyDifference:
    """Difference between the dormant shares of two metrics, on the same models and items.

    Parameters
    ----------
    a, b : array_like, shape (models,), (seeds, models), (models, items) or (seeds, models, items)
        Scores under each metric, higher is better, both of one shape; the last two shapes with
        `per_item`. Seeds and items stand in the same order in both.
    x : array_like, shape (models,)
        Sizes, positive.
    rng : numpy.random.Generator
        Source of the resamples.
    per_item : bool
        Whether the last axis holds the score of each item.
    chance : (float or None, float or None)
        Base of the rise of each metric, as in `dormancy`.
    n_resamples, level
        As in `dormancy_interval`.

    Returns
    -------
    DormancyDifference
        Positive where `a` stays dormant longer.

    Raises
    ------
    ValueError
        As `dormancy`, or if the shapes disagree.

    See Also
    --------
    dormancy_interval : How items and seeds are resampled; here in pairs, each draw for both
        metrics alike.

    Notes
    -----
    The noise of the base takes no part in either share: the metric with fewer possible values
    would otherwise be called dormant for lack of items. Bare scores (one seed, no items) have no
    interval, only brackets.

    Examples
    --------
    All five tokens of an answer right, against the share of its tokens that are right.

    >>> rng = np.random.default_rng(0)
    >>> p = np.array([0.09, 0.29, 0.58, 0.9])
    >>> right = rng.random((4, 500, 5)) < p[:, None, None]
    >>> both = right.all(axis=2), right.mean(axis=2)
    >>> found = dormancy_difference(*both, [3.5e8, 1.3e9, 6.7e9, 2e11], rng, per_item=True)
    >>> round(found.difference, 2), f"[{found.low:.2f}, {found.high:.2f}]", found.disjoint
    (0.26, '[0.23, 0.30]', True)
    """
    (a, x), (b, _) = _values("a", a, x, per_item), _values("b", b, x, per_item)
    if a.shape != b.shape:
        raise ValueError(f"b: found shape {b.shape}, expected that of a, {a.shape}")
    found = [dormancy(_means(v), x, base) for v, base in zip((a, b), chance, strict=True)]
    difference = found[0].share - found[1].share
    apart = abs(difference) > 0 and (found[0].low >= found[1].high or found[1].low >= found[0].high)
    drawn = _resamples([a, b], per_item, None, n_resamples, rng)
    ends = Interval(np.nan, np.nan)
    if drawn is not None and not np.isnan(difference):
        shares = [dormancy(y, x, base).share for y, base in zip(drawn, chance, strict=True)]
        ends = percentile_interval(np.subtract(*np.nan_to_num(shares, nan=1.0)), level)
    return DormancyDifference(difference, *ends, bool(apart), *found)


def _values(name: str, values: ArrayLike, x: ArrayLike, per_item: bool):
    """Scores with a seed axis first, and an item axis last if they have one."""
    shapes = {False: "(models,) or (seeds, models)"}
    shapes[True] = "(models, items) or (seeds, models, items)"
    values = numbers(name, values, {1 + per_item, 2 + per_item}, shapes[per_item])
    if values.ndim == 1 + per_item:
        values = values[None]
    x = np.asarray(x, np.float64)
    if x.shape != values.shape[1:2]:
        expected = f"expected {len(x) if x.ndim == 1 else x.shape} models, as x has"
        raise ValueError(f"{name}: found shape {values.shape}, {expected}")
    return values if per_item else values[..., None], x


def _means(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=(0, -1))


def _in_range(y: np.ndarray, n_items: ArrayLike | None) -> np.ndarray:
    """Resampled accuracies: widened deviations between seeds may leave [0, 1]."""
    return y if n_items is None else np.clip(y, 0, 1)


def _resamples(metrics, per_item, n_items, n_resamples, rng) -> list[np.ndarray] | None:
    """Curves (n_resamples, models) of each metric, all by the same draws; None if none vary."""
    seeds, models, items = metrics[0].shape
    if seeds == 1 and not per_item and n_items is None:
        return None
    if per_item:
        stacked = np.concatenate(metrics).reshape(-1, items)
        means = item_bootstrap(stacked, n_resamples, rng)
        means = means.reshape(n_resamples, len(metrics), seeds, models)
    elif n_items is not None:
        means = np.stack(
            [binomial_bootstrap(m[..., 0], n_items, n_resamples, rng) for m in metrics], axis=1
        )
    else:
        means = np.broadcast_to(
            np.stack(metrics)[None, ..., 0], (n_resamples, len(metrics), seeds, models)
        )
    centre = means.mean(axis=2)
    if seeds > 1:
        drawn = rng.integers(seeds, size=(n_resamples, 1, seeds, models))
        chosen = np.take_along_axis(means, np.broadcast_to(drawn, means.shape), axis=2)
        widen = np.sqrt(seeds / (seeds - 1))
        centre = centre + widen * (chosen.mean(axis=2) - centre)
    return list(np.moveaxis(centre, 1, 0))
