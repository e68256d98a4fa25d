"""The work behind `mirage.emergence.table`: from a score table to one row per curve.

Curves are arrays (curves, models), padded with NaN, so that a statistic is computed for all of
them at once. A curve that cannot be judged keeps its row, with the reason as its note.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import joblib
import numpy as np
import polars as pl

from mirage import emergence, fits, tables
from mirage.bootstrap import binomial_bootstrap
from mirage.nulls import benjamini_hochberg, p_value
from mirage.resolution import noise_floor, smallest_detectable
from mirage.statistics import percentile_interval

KEY = ("family", "task", "metric")
NUMBERS = (
    "emergence_score",
    "low",
    "high",
    "leave_one_out_low",
    "leave_one_out_high",
    "floored_emergence_score",
    "normalized_emergence_score",
    "spaced_emergence_score",
    "linearity",
    "p_value",
    "q_value",
    "smallest_detectable",
)
_FRACTION = r"(?i)(^|[^a-z])(accuracy|acc|exact|grade|correct)([^a-z]|$)"  # never above 1
_LOWER = (
    r"(?i)(^|[^a-z])(loss|perplexity|ppl|bits.per.byte|cross.entropy|negative log.likelihood|mse|"
    r"squared error|edit distance|brier|calibration.error)([^a-z]|$)"
)
_SHOTS = ("shots", "n_shots", "number_of_shots")
_WHOLE = 0.01  # items: five digits of a score of 1 000 items; a mean of real numbers seldom hits
_AT_ONCE = 2**13  # curves scored at once: a dozen models of each stay in a core's cache
_BLOCK = 2**21  # accuracies drawn at once; some 100 MiB at work
_UNKNOWN = "no n_items: no interval, floor, p-value or resolution"
_NO_COUNT = "scores are no counts of n_items: no interval, floor, p-value or resolution"

_score = partial(emergence.emergence_score, nan_policy="omit")


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
    chance: np.ndarray  # (curves,)

    @property
    def counted(self) -> np.ndarray:
        """Whether the scores of a curve are counts of items: accuracies."""
        return ~np.isnan(self.n[:, 0])

    def take(self, rows: np.ndarray | slice) -> Curves:
        """Some of the curves."""
        return Curves(*(array[rows] for array in self))


def build(scores, rng: np.random.Generator, options: Options) -> pl.DataFrame:
    """One row per curve: its scores, what may be doubted of them, and why a cell is blank."""
    if options.n_draws < 0:
        raise ValueError(f"n_draws: found {options.n_draws}, expected 0 or more")
    table = _curves(_checked(scores), options)
    sound = table["note"].is_null().to_numpy()
    cells = {name: np.full(table.height, np.nan) for name in NUMBERS}
    fit, notes = np.full((2, table.height), None)
    if sound.any():
        found, fit[sound], notes[sound] = _judge(table.filter(sound), rng, options)
        for name, values in found.items():
            cells[name][sound] = values
    return table.select(*KEY, *options.by, "n_models").with_columns(
        *(pl.Series(name, values).fill_nan(None) for name, values in cells.items()),
        pl.Series("fit", fit.tolist(), pl.String),
        table["note"].fill_null(pl.Series(notes.tolist(), dtype=pl.String)),
    )


def _checked(scores) -> pl.DataFrame:
    """Check the table; a score that is missing or NaN passes as inf, and is noted at its curve."""
    if not isinstance(scores, pl.DataFrame):
        scores = pl.DataFrame(list(scores), strict=False, infer_schema_length=None)
    if "score" in scores.columns and scores.schema["score"].is_numeric():
        score = pl.col("score").cast(pl.Float64).fill_null(np.inf).fill_nan(np.inf)
        scores = scores.with_columns(score)
    return tables.scores(scores)


def _curves(table: pl.DataFrame, options: Options) -> pl.DataFrame:
    """One row per curve: lists of x, y, n, and a note where they are no curve."""
    for name in (*options.by, options.x):
        if name not in table.columns:
            raise ValueError(f"no column {name!r} in the score table; found {table.columns}")
    if not table.schema[options.x].is_numeric():
        raise ValueError(f"x: found {table.schema[options.x]} in {options.x!r}, expected numbers")
    key = [*KEY, *options.by]
    shots = [name for name in _SHOTS if name in table.columns and name not in options.by]
    metric, higher = pl.first("metric"), pl.first("higher_is_better")
    falls = metric.str.contains(_LOWER) & ~metric.str.contains("^[-−]")
    told = "higher_is_better" in table.columns
    chance = pl.col("chance").cast(pl.Float64) if "chance" in table.columns else pl.lit(0.0)
    models = table.group_by([*key, "model"], maintain_order=True).agg(
        pl.mean("score"),
        pl.first(options.x).cast(pl.Float64).alias("x"),
        pl.min("n_items").cast(pl.Float64),
        *(pl.col(name).unique() for name in shots),
        *([higher] if told else []),
        chance=chance.first(),
        again=pl.col("seed").n_unique() < pl.len(),
    )
    reasons = _reasons(options.x, shots)
    curves = models.group_by(key, maintain_order=True).agg(
        x="x",
        y="score",
        n="n_items",
        n_models=pl.len(),
        falls=~higher.fill_null(~falls) if told else falls,
        chance=pl.max("chance").fill_null(0.0),
        doubtful=pl.any_horizontal(wrong.any() for wrong, _, _ in reasons),
    )
    # The words cost more than all the rest: only where there is something to say.
    doubtful = models.join(curves.filter("doubtful"), on=key, how="semi", nulls_equal=True)
    notes = doubtful.group_by(key).agg(
        note=pl.coalesce(
            pl.when(wrong.any()).then(pl.format(text, *values) if values else pl.lit(text))
            for wrong, text, values in reasons
        )
    )
    return curves.join(notes, on=key, how="left", nulls_equal=True, maintain_order="left")


def _reasons(x: str, shots: list[str]) -> list[tuple[pl.Expr, str, tuple]]:
    """Why the models of a group are no curve of one score per size: whether, and in which words."""
    model, score, size, shown = pl.col("model"), pl.col("score"), pl.col("x"), pl.lit(x)
    infinite = ~score.is_finite()
    chance, no_chance = pl.col("chance"), ~pl.col("chance").is_between(0, 1, closed="left")
    outside = pl.first("metric").str.contains(_FRACTION) & ~score.is_between(0, 1)

    def first(column: pl.Expr, wrong: pl.Expr) -> pl.Expr:
        return column.filter(wrong).first()

    return [
        *(
            (
                pl.col(name).explode().n_unique() > 1,
                "{} mixed: {}",
                (pl.lit(name), _all(pl.col(name).explode())),
            )
            for name in shots
        ),
        (pl.first("metric").str.strip_chars() == "", "the metric has no name", ()),
        (pl.col("again"), "{} has several scores", (first(model, pl.col("again")),)),
        (infinite, "the score of {} is not finite", (first(model, infinite),)),
        (
            outside,
            "{} of {} is not in [0, 1]: a percentage?",
            (first(score, outside), first(model, outside)),
        ),
        (no_chance, "{} is no chance: not in [0, 1)", (first(chance, no_chance),)),
        (size.is_null(), "{} has no {}", (first(model, size.is_null()), shown)),
        (size <= 0, "{} of {} is not positive", (shown, first(model, size <= 0))),
        (
            size.n_unique() < pl.len(),
            "one {} for {}: which is larger?",
            (shown, _all(model.filter(size.is_duplicated()))),
        ),
        (pl.len() < 3, "fewer than 3 models", ()),
    ]


def _all(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.String).unique().sort().str.join(", ")


def _judge(table: pl.DataFrame, rng: np.random.Generator, options: Options):
    """Cells by column name, kinds of fit and notes, of curves that are sound."""
    y, x, n = (_padded(table[name], table["n_models"].to_numpy()) for name in ("y", "x", "n"))
    mixed = np.flatnonzero((np.diff(x, axis=1) < 0).any(axis=1))
    order = np.argsort(x[mixed], axis=1)  # NaN, no model, stays last
    for array in (y, x, n):
        array[mixed] = np.take_along_axis(array[mixed], order, axis=1)
    absent, falls = np.isnan(y), table["falls"].to_numpy()[:, None]
    known = (absent | ~np.isnan(n)).all(axis=1, keepdims=True)
    whole = (abs(y * n - np.rint(y * n)) < _WHOLE) & (y >= 0) & (y <= 1)
    counted = known & (absent | whole).all(axis=1, keepdims=True)
    # A rate of errors e is judged as the accuracy 1 − e: the same curve.
    y = np.where(falls, counted - y, y)
    curves = Curves(y, x, np.where(counted, n, np.nan), table["chance"].to_numpy())
    cells = _of_curve(curves) | _of_items(curves)
    kinds, doubts = np.full((2, len(y)), None)
    if options.n_draws:
        kinds, doubts, p = _of_fits(curves, rng, options.n_draws)
        cells |= {"p_value": p, "q_value": benjamini_hochberg(p)}
        cells |= _of_draws(curves, rng, options)
    why = np.select([counted, known], [None, _NO_COUNT], _UNKNOWN)[:, 0]
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
        "normalized_emergence_score": emergence.normalized_emergence_score(y, nan_policy="omit"),
        "spaced_emergence_score": emergence.spaced_emergence_score(y, curves.x, nan_policy="omit"),
        "linearity": emergence.linearity(y, nan_policy="omit"),
    }


def _of_items(curves: Curves) -> dict[str, np.ndarray]:
    """What the number of items allows to say, of the curves that count items."""
    floored, detectable = np.full((2, len(curves.y)), np.nan)
    if (counted := curves.counted).any():
        y, _, n, chance = curves.take(counted)
        floor = noise_floor(y, n, nan_policy="omit")
        floored[counted] = _score(y, floor)
        detectable[counted] = smallest_detectable(np.nanmin(n, axis=1), chance)
    return {"floored_emergence_score": floored, "smallest_detectable": detectable}


def _of_draws(curves: Curves, rng, options: Options) -> dict[str, np.ndarray]:
    """Intervals from resampled items, of the curves that count items."""
    low, high = np.full((2, len(curves.y)), np.nan)
    counted = np.flatnonzero(curves.counted)
    block = max(1, _BLOCK // (options.n_draws * curves.y.shape[1]))
    for start in range(0, len(counted), block):
        rows = counted[start : start + block]
        draws = binomial_bootstrap(curves.y[rows], curves.n[rows], options.n_draws, rng)
        low[rows], high[rows] = percentile_interval(_score(draws), options.level)
    return {"low": low, "high": high}


def _of_fits(curves: Curves, rng, n_draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Preferred kind of each curve, why it has none, and p-values of those that count items."""
    kinds, doubts = np.full((2, len(curves.y)), None)
    p = np.full(len(curves.y), np.nan)
    for row, counted in enumerate(curves.counted):
        here = ~np.isnan(curves.y[row])
        x, y = curves.x[row, here], curves.y[row, here]
        items = {"n_items": curves.n[row, here], "bounds": (curves.chance[row], 1)}
        try:
            found = fits.compare(x, y, **(items if counted else {}), held_out=False)
            kinds[row] = found.verdict
            if counted:
                calm = [model for model in found.models if model.kind == "smooth"]
                best = fits.fit(x, y, min(calm, key=lambda model: model.bic).model, **items)
                p[row] = p_value(_score(y), _score(best.simulate(n_draws, rng)))
        except ValueError as error:
            doubts[row] = f"no fit: {error}"
    return kinds, doubts, p
