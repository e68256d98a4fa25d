"""Statistics of the page on the works after the paper: tables in, tables out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from mirage.book.claims import Found
from mirage.emergence.dormancy import dormancy
from mirage.fits.comparison import compare
from mirage.fits.curve import fit
from mirage.fits.linearised import curvature
from mirage.statistics.intervals import percentile_interval

ACCURACY, BITS, PROBABILITY = "accuracy, normalised", "bits per byte", "target probability"
LARGEST = 2e9  # parameters: larger runs of the ladder are held out
FEWEST = 8  # items of a task: two halves of four


def ladder(scores: pl.DataFrame) -> pl.DataFrame:
    """The OLMo ladder's 25 runs, a row per run and task, a column per metric.

    Parameters
    ----------
    scores : polars.DataFrame
        Data set ``olmo_ladder``.

    Returns
    -------
    polars.DataFrame
        Columns ``task``, ``n_params``, ``compute`` (FLOP), ``loss`` (nats), `ACCURACY`, `BITS`
        and `PROBABILITY`; the test set of each task where there is one.
    """
    runs = scores.filter(~pl.col("rerun"), pl.col("shots") > 0)
    runs = runs.filter(pl.col("split") == pl.col("split").min().over("task"))
    runs = runs.with_columns(pl.col("metric").replace({"accuracy": ACCURACY}))
    index = ["task", "model", "n_params", "compute", "loss"]
    wide = runs.filter(pl.col("metric").is_in([ACCURACY, BITS, PROBABILITY]))
    return wide.pivot(on="metric", index=index, values="score").sort("task", "compute")


def forecasts(runs: pl.DataFrame) -> pl.DataFrame:
    """Forecast accuracy of the largest models, from compute and by way of bits per byte.

    Parameters
    ----------
    runs : polars.DataFrame
        Of `ladder`.

    Returns
    -------
    polars.DataFrame
        One row per held-out run and task: ``task``, ``observed``, ``direct`` (a sigmoid of
        compute), ``chained`` (a power law of bits per byte in compute, then a sigmoid of accuracy
        in bits per byte) and ``last``, the accuracy of the largest run that was fitted.
    """
    rows = []
    for (task,), table in runs.group_by(["task"], maintain_order=True):
        small, large = (table.filter(side) for side in _sides())
        x, new = small["compute"].to_numpy(), large["compute"].to_numpy()
        accuracy, bits = small[ACCURACY].to_numpy(), small[BITS].to_numpy()
        direct = fit(x, accuracy, "sigmoid", bounds=(0, 1)).predict(new)
        ahead = -fit(x, -bits, "power").predict(new)
        link = fit(bits, accuracy, "sigmoid", bounds=(0, 1), against="loss")
        found = {"observed": large[ACCURACY], "direct": direct, "chained": link.predict(ahead)}
        rows.append(pl.DataFrame(found).with_columns(task=pl.lit(task), last=pl.lit(accuracy[-1])))
    return pl.concat(rows)


def _sides() -> tuple[pl.Expr, pl.Expr]:
    return pl.col("n_params") < LARGEST, pl.col("n_params") >= LARGEST


def forecast_errors(table: pl.DataFrame) -> pl.DataFrame:
    """Mean absolute error of each task's forecasts.

    Parameters
    ----------
    table : polars.DataFrame
        Of `forecasts`.

    Returns
    -------
    polars.DataFrame
        One row per task, by descending ``direct``: ``task``, ``direct``, ``chained``, ``last``.

    Examples
    --------
    >>> row = {"task": "a", "observed": [0.5, 0.75], "direct": 0.25, "chained": 0.5, "last": 0}
    >>> forecast_errors(pl.DataFrame(row)).row(0)
    ('a', 0.375, 0.125, 0.625)
    """
    observed = pl.col("observed")
    names = ("direct", "chained", "last")
    errors = [(observed - pl.col(name)).abs().mean().alias(name) for name in names]
    return table.group_by("task", maintain_order=True).agg(errors).sort("direct", descending=True)


def relative_error(errors: pl.DataFrame, rng: np.random.Generator, n: int) -> Found:
    """Error of the chained forecast over that of the direct one, tasks resampled n times."""
    values = errors.select("chained", "direct").to_numpy()
    draws = values[rng.integers(len(values), size=(n, len(values)))].sum(axis=1)
    ratio = values.sum(axis=0)
    ends = percentile_interval(draws[:, 0] / draws[:, 1])
    return Found(ratio[0] / ratio[1], ends, len(values), "tasks")


def thresholds(runs: pl.DataFrame) -> pl.DataFrame:
    """Dormant share against the pre-training loss, of accuracy and of a continuous metric.

    Parameters
    ----------
    runs : polars.DataFrame
        Of `ladder`.

    Returns
    -------
    polars.DataFrame
        One row per task: ``task``, ``accuracy`` and ``probability``, shares of the range of
        exp(−loss) on a logarithmic axis; null where the metric does not rise.
    """
    rows = []
    for (task,), table in runs.group_by(["task"], maintain_order=True):
        x = np.exp(-table["loss"].to_numpy())
        shares = [float(dormancy(table[name], x).share) for name in (ACCURACY, PROBABILITY)]
        rows.append({"task": task, "accuracy": shares[0], "probability": shares[1]})
    return pl.DataFrame(rows).fill_nan(None).sort("probability", nulls_last=True)


def curvatures(scores: pl.DataFrame) -> pl.DataFrame:
    """Curvature of log(−log score) in log size, of official BIG-G curves that count items.

    Parameters
    ----------
    scores : polars.DataFrame
        Data set ``official_bigbench``.

    Returns
    -------
    polars.DataFrame
        One row per task with a known chance: ``task``, ``curvature`` per squared decade with
        its 95 % interval ``low``, ``high``, and ``p_value``.
    """
    table = scores.filter(pl.col("n_items").is_not_null(), pl.col("chance").is_not_null())
    table = table.filter(family="BIG-G T=0").sort("n_params")
    rows = []
    for (task,), curve in table.group_by(["task"], maintain_order=True):
        x, y, n = (curve[name].to_numpy() for name in ("n_params", "score", "n_items"))
        right = y * n
        if len(curve) < 5 or (abs(right - right.round()) > 1e-3).any():
            continue
        found = curvature(x, right.round() / n, n, bounds=(curve["chance"][0], 1))
        row = {"task": task, "curvature": found.curvature, "p_value": found.p}
        rows.append(row | {"low": found.interval.low, "high": found.interval.high})
    return pl.DataFrame(rows).sort("curvature")


class Halves(NamedTuple):
    """Accuracy on the easy and the hard half of each task's items.

    Attributes
    ----------
    sizes : ndarray, shape (models,)
        Parameters, ascending.
    easy, hard : ndarray, shape (tasks, models)
        Accuracy on each half.
    """

    sizes: np.ndarray
    easy: np.ndarray
    hard: np.ndarray


def halves(outcomes: pl.DataFrame) -> Halves:
    """Split each task's items by how often the other sizes get them right.

    Parameters
    ----------
    outcomes : polars.DataFrame
        Data set ``bigg``.

    Returns
    -------
    Halves
        For each model the difficulty of an item is that for all *other* models, so that its own
        luck does not choose its items. Ties are split by the order of the items.
    """
    shared = outcomes.filter("shared_items").sort("n_params")
    easy, hard = [], []
    for (_,), table in shared.group_by(["task"], maintain_order=True):
        wide = table.pivot(on="n_params", index="item", values="correct").sort("item").drop_nulls()
        right = wide.drop("item").to_numpy().astype(float).T  # (models, items)
        if right.shape[1] < FEWEST:
            continue
        others = right.sum(axis=0) - right
        order = np.argsort(others, axis=1, kind="stable")
        ranked, half = np.take_along_axis(right, order, axis=1), right.shape[1] // 2
        hard.append(ranked[:, :half].mean(axis=1))
        easy.append(ranked[:, -half:].mean(axis=1))
    sizes = shared["n_params"].unique().sort().to_numpy()
    return Halves(sizes, np.array(easy), np.array(hard))


def first_change(found: Halves, rng: np.random.Generator, n: int) -> Found:
    """Accuracy on hard items, the middle third of sizes less the smallest; tasks resampled."""
    third = len(found.sizes) // 3
    change = found.hard[:, third : 2 * third].mean(axis=1) - found.hard[:, :third].mean(axis=1)
    draws = change[rng.integers(len(change), size=(n, len(change)))].mean(axis=1)
    return Found(change.mean(), percentile_interval(draws), len(change), "tasks")


def breaks(runs: pl.DataFrame) -> pl.DataFrame:
    """Smooth against broken power laws of bits per byte in compute.

    Parameters
    ----------
    runs : polars.DataFrame
        Of `ladder`.

    Returns
    -------
    polars.DataFrame
        One row per task: ``task``, ``delta``, the AICc of the best smooth curve less that of the
        best broken or step curve, and the ``verdict`` of `mirage.fits.compare`.
    """
    rows = []
    for (task,), table in runs.group_by(["task"], maintain_order=True):
        found = compare(table["compute"], -table[BITS], held_out=False)
        rows.append({"task": task, "delta": found.delta, "verdict": found.verdict})
    return pl.DataFrame(rows).sort("delta")


def chain(runs: pl.DataFrame) -> pl.DataFrame:
    """Rank correlation with compute of each task, from likelihood to accuracy.

    Parameters
    ----------
    runs : polars.DataFrame
        Of `ladder`.

    Returns
    -------
    polars.DataFrame
        One row per task: ``task``, ``bits`` (of minus bits per byte), ``probability`` and
        ``accuracy``, in [−1, 1].
    """
    names = {
        "bits": -pl.col(BITS),
        "probability": pl.col(PROBABILITY),
        "accuracy": pl.col(ACCURACY),
    }
    return runs.group_by("task", maintain_order=True).agg(
        pl.corr("compute", column, method="spearman").alias(name) for name, column in names.items()
    )


def least_loss(correlations: pl.DataFrame, rng: np.random.Generator, n: int) -> Found:
    """Smaller of the mean losses of correlation at the two steps of `chain`; tasks resampled."""
    values = correlations.select("bits", "probability", "accuracy").to_numpy()
    losses = -np.diff(values, axis=1)  # (tasks, steps)
    draws = losses[rng.integers(len(losses), size=(n, len(losses)))].mean(axis=1)
    least = losses.mean(axis=0).min()
    return Found(least, percentile_interval(draws.min(axis=1)), len(losses), "tasks")
