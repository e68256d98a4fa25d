"""Does a metric forecast? The largest models of a curve are held out, and its largest forecast.

Wei's objection to the paper: a smooth metric, chosen once the sharp curve is known, is no
prediction. Here each metric forecasts from the small models alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from mirage.fits.curve import fit_curves
from mirage.fits.data import checked
from mirage.fits.forecasts import forecast, intervals_of
from mirage.statistics.intervals import percentile_interval

CURVE = ("family", "task", "target_length", "temperature", "metric", "seed")


def forecast_largest(
    curves: pl.DataFrame, n_held_out: Sequence[int] = (1,), model: str = "power"
) -> pl.DataFrame:
    """Forecast the largest model of each curve without the largest few.

    Parameters
    ----------
    curves : polars.DataFrame
        A score table with ``floor`` and ``ceiling``, the range of the metric (null: none).
        What stands in the columns `CURVE`, as far as there are such, tells the curves apart.
        Where ``n_items`` is known the noise is binomial, else Gaussian.
    n_held_out : sequence of int
        Numbers of the largest sizes to hold out, each at least 1 and so that 3 sizes are left.
    model : str
        A key of `mirage.fits.MODELS`.

    Returns
    -------
    polars.DataFrame
        A row per curve and number: ``n_fitted`` sizes, ``largest_fitted``, the ``forecast`` of the
        largest with ``low`` and ``high``, its 95 % prediction interval, what was ``observed``,
        and ``last``, the score of ``largest_fitted``: the forecast that nothing changes.

    Raises
    ------
    ValueError
        Fewer than 3 sizes would be left of a curve.

    Examples
    --------
    >>> row = {"family": "toy", "task": "sum", "metric": "accuracy", "source": "example"}
    >>> sizes = np.geomspace(1e8, 1e11, 7)
    >>> rows = [
    ...     row | {"model": f"{x:.0f}", "n_params": round(x), "score": float(y), "n_items": 10_000}
    ...     for x, y in zip(sizes, np.exp(-5 * (sizes / 2e9) ** -0.5).round(4), strict=True)
    ... ]
    >>> from mirage import tables
    >>> curve = tables.scores(rows).with_columns(floor=0.0, ceiling=1.0)
    >>> found = forecast_largest(curve, [2])
    >>> found.select(pl.col("last", "forecast", "observed").round(2)).row(0)
    (0.11, 0.49, 0.49)
    """
    key = [name for name in CURVE if name in curves.columns]
    rows, rest = [], []
    for values, curve in curves.group_by(key, maintain_order=True):
        sizes = curve["n_params"].unique().sort()
        for n in n_held_out:
            if not 1 <= n <= len(sizes) - 3:
                raise ValueError(
                    f"n_held_out: found {n} of the {len(sizes)} sizes of {values}, expected at "
                    "least 1, and 3 sizes left"
                )
            found = {"n_held_out": n, "n_fitted": len(sizes) - n}
            rows.append(dict(zip(key, values, strict=True)) | found | _ends(curve, sizes, n))
            rest.append(checked(**_small(curve, sizes, n), against="size", steepest=None))
    fits = fit_curves(rest, model)
    largest = [row.pop("largest") for row in rows]
    n_items = [np.nan if one.n_items is None else one.n_items.mean() for one in rest]
    ahead = intervals_of(fits, largest, n_items)
    for row, fit, x, (_, (low, high)) in zip(rows, fits, largest, ahead, strict=True):
        row |= {"forecast": float(fit.predict(x)[0]), "low": low, "high": high}
    told = ["n_held_out", "n_fitted", "largest_fitted", "forecast", "low", "high"]
    table = pl.DataFrame(rows, infer_schema_length=None)
    return table.select(*key, *told, "observed", "last")


def extrapolate(
    curve: pl.DataFrame, n_held_out: int, n_params: ArrayLike, model: str = "power"
) -> pl.DataFrame:
    """Draw a curve on from its small models, for a figure.

    Parameters
    ----------
    curve : polars.DataFrame
        One curve, as in `forecast_largest`, of one or several seeds.
    n_held_out : int
        Number of the largest sizes to hold out.
    n_params : array_like, shape (sizes,)
        Where to forecast.
    model : str
        A key of `mirage.fits.MODELS`.

    Returns
    -------
    polars.DataFrame
        ``n_params``, ``score``, and ``low`` and ``high``, the ends of the 95 % prediction interval.
    """
    sizes = curve["n_params"].unique().sort()
    found = forecast(x_new=n_params, model=model, **_small(curve, sizes, n_held_out))
    low, high = found.prediction
    return pl.DataFrame({"n_params": n_params, "score": found.score, "low": low, "high": high})


def relative_errors(
    forecasts: pl.DataFrame, rng: np.random.Generator, n_resamples: int = 2000
) -> pl.DataFrame:
    """Measure forecasts against the forecast that nothing changes, metric by metric.

    Parameters
    ----------
    forecasts : polars.DataFrame
        As `forecast_largest` returns; each task has every metric as often.
    rng : numpy.random.Generator
        Draws the bootstrap samples of tasks.
    n_resamples : int
        Bootstrap samples.

    Returns
    -------
    polars.DataFrame
        A row per metric and one more for each metric but the first, named
        ``second / first``: ``score`` with ``low`` and ``high``, a 95 % percentile interval over
        tasks, and ``n_tasks``. No unit, at least 0, lower is better: mean
        absolute error of the forecast over that of "nothing changes". 1 is no better than that.

    Raises
    ------
    ValueError
        The tasks do not have the same metrics, or nothing changes in any task.

    Examples
    --------
    Errors .1 and 0, changes .3 and .1: relative error .1 / .4.

    >>> table = {"task": ["a", "b"], "metric": ["accuracy"] * 2, "forecast": [0.5, 0.7]}
    >>> table |= {"observed": [0.6, 0.7], "last": [0.3, 0.6]}
    >>> found = relative_errors(pl.DataFrame(table), np.random.default_rng(0))
    >>> found.select("metric", pl.col("score").round(6), "n_tasks").rows()
    [('accuracy', 0.25, 2)]
    """
    sums = [(pl.col("observed") - pl.col(name)).abs().sum() for name in ("forecast", "last")]
    by_task = forecasts.group_by("task", "metric", maintain_order=True).agg(
        pl.struct(error=sums[0], change=sums[1]).alias("both")
    )
    metrics = forecasts["metric"].unique(maintain_order=True).to_list()
    wide = by_task.pivot(on="metric", index="task", values="both")
    if wide.null_count().select(pl.sum_horizontal(pl.all())).item():
        raise ValueError(f"forecasts: expected each of {metrics} for every task, found some absent")
    # (tasks, metrics, 2)
    values = np.stack([wide[name].struct.unnest().to_numpy() for name in metrics], axis=1)
    if (values[..., 1].sum(axis=0) == 0).any():
        raise ValueError("forecasts: found no change between last and observed in any task")
    draws = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), n_resamples)
    sums = np.einsum("bt,tmk->bmk", np.vstack([np.ones(len(values)), draws]), values)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sums[..., 0] / sums[..., 1]  # (1 + resamples, metrics), the first as observed
        columns = dict(zip(metrics, ratio.T, strict=True))
        columns |= {f"{name} / {metrics[0]}": columns[name] / ratio[:, 0] for name in metrics[1:]}
    rows = []
    for name, column in columns.items():
        low, high = percentile_interval(column[1:])
        row = {"metric": name, "score": float(column[0]), "low": low, "high": high}
        rows.append(row | {"n_tasks": len(values)})
    return pl.DataFrame(rows)


def _small(curve: pl.DataFrame, sizes: pl.Series, n: int) -> dict:
    """What `mirage.fits.forecast` takes of all sizes of a curve but the n largest."""
    rest = curve.filter(pl.col("n_params") <= sizes[-n - 1])
    ends = curve.select("floor", "ceiling").row(0)
    n_items = None if rest["n_items"].null_count() else rest["n_items"].to_numpy()
    x, y = rest["n_params"].to_numpy().astype(float), rest["score"].to_numpy()
    return {"x": x, "y": y, "n_items": n_items, "bounds": None if None in ends else ends}


def _ends(curve: pl.DataFrame, sizes: pl.Series, n: int) -> dict:
    """The largest size and the largest but n, and what they scored."""
    at = {"observed": int(sizes[-1]), "last": int(sizes[-1 - n])}
    known = {name: curve.filter(n_params=x)["score"].mean() for name, x in at.items()}
    return {"largest": at["observed"], "largest_fitted": at["last"]} | known
