"""Every number that `mirage.emergence.table` gives for a curve.

Curves are arrays (curves, models), padded with NaN, so that a statistic is computed for all of
them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import joblib
import numpy as np
import polars as pl

from mirage.emergence import scores
from mirage.emergence.nulls import benjamini_hochberg, p_value
from mirage.emergence.scores import noise_floor
from mirage.fits.comparison import compare_curves
from mirage.fits.data import checked
from mirage.fits.models import FAMILIES
from mirage.statistics.bootstrap import binomial_bootstrap
from mirage.statistics.intervals import percentile_interval
from mirage.statistics.resolution import smallest_detectable

_AT_ONCE = 2**13  # curves scored at once: a dozen models of each stay in a core's cache
_BLOCK = 2**21  # accuracies drawn at once; some 100 MiB at work
TINY = 1e-12  # a standard error that rounding alone makes; 0 stands for "not known"
_UNKNOWN = "no n_items"
_NO_SHARE = "not a share of items"
_NO_COUNT = "scores are no counts of n_items"
_DISAGREE = "n_items and the stated standard errors disagree"
_BLANK = "no interval, floor, p-value or resolution"
_STATED = "interval from the stated standard errors; no floor, p-value or resolution"


_score = partial(scores.emergence_score, nan_policy="omit")


class Options(NamedTuple):
    """What the caller may choose; see `mirage.emergence.table`."""

    by: Sequence[str]
    x: str
    n_draws: int
    level: float


class Curves(NamedTuple):
    """Curves that can be judged; NaN where one has no further model."""

    y: np.ndarray  # (curves, models), higher is better
    x: np.ndarray  # (curves, models), ascending
    n: np.ndarray  # (curves, models), items; NaN where the scores are no counts of them
    stderr: np.ndarray  # (curves, models); NaN where not stated, or not needed
    chance: np.ndarray  # (curves,)

    @property
    def counted(self) -> np.ndarray:
        """Whether the scores of a curve are counts of items: accuracies."""
        return ~np.isnan(self.n[:, 0])

    def take(self, rows: np.ndarray | slice) -> Curves:
        """Some of the curves."""
        return Curves(*(array[rows] for array in self))


def judge(table: pl.DataFrame, rng: np.random.Generator, options: Options):
    """Cells by column name, kinds of fit and notes, of curves that are sound."""
    lengths = table["n_models"].to_numpy()
    y, x, n, stderr = (_padded(table[name], lengths) for name in ("y", "x", "n", "stderr"))
    mixed = np.flatnonzero((np.diff(x, axis=1) < 0).any(axis=1))
    order = np.argsort(x[mixed], axis=1)  # NaN, no model, stays last
    for array in (y, x, n, stderr):
        array[mixed] = np.take_along_axis(array[mixed], order, axis=1)
    absent, falls = np.isnan(y), table["falls"].to_numpy()[:, None]
    counted, is_share, disagrees = (
        table[name].to_numpy()[:, None] for name in ("counted", "is_share", "disagrees")
    )
    stated = ~counted & ~disagrees & (absent | ~np.isnan(stderr)).all(axis=1, keepdims=True)
    # A rate of errors e is judged as the accuracy 1 − e: the same curve.
    y = np.where(falls, counted - y, y)
    ends = table.select("low", "high").to_numpy()
    ends = np.where(falls, counted - ends[:, ::-1], ends)
    n, stderr = np.where(counted, n, np.nan), np.where(stated, stderr, np.nan)
    curves = Curves(y, x, n, stderr, table["chance"].to_numpy())
    cells = _of_curve(curves) | _of_items(curves)
    kinds, doubts = np.full((2, len(y)), None)
    if options.n_draws:
        kinds, doubts, p = _of_fits(curves, rng, options.n_draws)
        cells |= {"p_value": p, "q_value": benjamini_hochberg(p)}
        cells |= _of_draws(curves, ends, rng, options)
    known = (absent | ~np.isnan(_padded(table["n"], lengths))).all(axis=1, keepdims=True)
    reasons = [_NO_SHARE, _DISAGREE, _NO_COUNT]
    why = np.select([~is_share, disagrees, known], reasons, _UNKNOWN).astype(object)
    why += np.where(stated, f": {_STATED}", f": {_BLANK}").astype(object)
    why = np.where(counted, None, why)[:, 0]
    doubtful = doubts.astype(bool)  # few, or none without draws
    both = zip(why[doubtful], doubts[doubtful], strict=True)
    why[doubtful] = ["; ".join(filter(None, pair)) for pair in both]
    return cells, kinds, why


def _padded(lists: pl.Series, lengths: np.ndarray) -> np.ndarray:
    """`mirage.emergence.pad` of a column of lists, at once."""
    array = np.full((len(lists), lengths.max()), np.nan)
    array[np.arange(array.shape[1]) < lengths[:, None]] = lists.explode().to_numpy()
    return array


def _of_curve(curves: Curves) -> dict[str, np.ndarray]:
    """Scores that need the curve alone, by blocks of curves in a thread for each core."""
    starts = range(0, len(curves.y), _AT_ONCE)
    with ThreadPoolExecutor(joblib.cpu_count()) as threads:
        blocks = (curves.take(slice(start, start + _AT_ONCE)) for start in starts)
        parts = list(threads.map(_of_block, blocks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_block(curves: Curves) -> dict[str, np.ndarray]:
    """The scores, and the range of the first without one of the models."""
    y = curves.y
    models = range(y.shape[1])  # one at a time: all of `bootstrap.leave_one_out` leaves the cache
    left = np.stack([_score(np.delete(y, model, axis=1)) for model in models])  # (models, curves)
    left[np.isnan(y.T)] = np.nan
    return {
        "emergence_score": _score(y),
        "leave_one_out_low": np.nanmin(left, axis=0),
        "leave_one_out_high": np.nanmax(left, axis=0),
        "normalized_emergence_score": scores.normalized_emergence_score(y, nan_policy="omit"),
        "spaced_emergence_score": scores.spaced_emergence_score(y, curves.x, nan_policy="omit"),
        "linearity": scores.linearity(y, nan_policy="omit"),
    }


def _of_items(curves: Curves) -> dict[str, np.ndarray]:
    """What the number of items allows to say, of the curves that count items."""
    floored, detectable = np.full((2, len(curves.y)), np.nan)
    if (counted := curves.counted).any():
        y, _, n, _, chance = curves.take(counted)
        floor = noise_floor(y, n, nan_policy="omit")
        floored[counted] = _score(y, floor)
        detectable[counted] = smallest_detectable(np.nanmin(n, axis=1), chance)
    return {"floored_emergence_score": floored, "smallest_detectable": detectable}


def _of_draws(curves: Curves, ends: np.ndarray, rng, options: Options) -> dict[str, np.ndarray]:
    """Intervals from resampled items, or else from stated standard errors."""
    low, high = np.full((2, len(curves.y)), np.nan)
    block = max(1, _BLOCK // (options.n_draws * curves.y.shape[1]))
    stated = (~np.isnan(curves.stderr)).any(axis=1)
    for chosen in (curves.counted, stated):
        which = np.flatnonzero(chosen)
        for start in range(0, len(which), block):
            rows = which[start : start + block]
            if chosen is stated:
                errors = rng.standard_normal((options.n_draws, *curves.y[rows].shape))
                draws = curves.y[rows] + errors * curves.stderr[rows]
                draws = np.clip(draws, ends[rows, :1], ends[rows, 1:])
            else:
                draws = binomial_bootstrap(curves.y[rows], curves.n[rows], options.n_draws, rng)
            low[rows], high[rows] = percentile_interval(_score(draws), options.level)
    return {"low": low, "high": high}


def _of_fits(curves: Curves, rng, n_draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Preferred kind of each curve, why it has none, and p-values of those that count items."""
    kinds, doubts = np.full((2, len(curves.y)), None)
    p = np.full(len(curves.y), np.nan)
    rows, sound = [], []
    for row, counted in enumerate(curves.counted):
        here = ~np.isnan(curves.y[row])
        x, y = curves.x[row, here], curves.y[row, here]
        items = (curves.n[row, here], (curves.chance[row], 1)) if counted else (None, None)
        try:
            sound.append(checked(x, y, *items, "size", None))
            rows.append(row)
        except ValueError as error:
            doubts[row] = f"no fit: {error}"
    for row, (found, fits) in zip(rows, compare_curves(sound), strict=True):
        kinds[row] = found.verdict
        if found.verdict == "not identifiable":
            doubts[row] = f"fit: {found.reason}"
        if curves.counted[row]:
            smooth = [fit for fit in fits if FAMILIES[fit.model].kind == "smooth"]
            best = min(smooth, key=lambda fit: fit.bic)
            observed = best.curve.frame.offset + best.curve.frame.scale * best.curve.y
            p[row] = p_value(_score(observed), _score(best.simulate(n_draws, rng)))
    return kinds, doubts, p
