"""Forecasts of an arithmetic family, metric by metric, in terms of exact match.

A user wants exact match, whatever metric the forecast was made under: the paper's own equations
lead from one to the other.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage import tables
from mirage.arithmetic.curves import EXACT, NEGATED, PROBABILITY, as_exact_match, comparable
from mirage.book.claims import Claim, Found, Kind
from mirage.book.rules import Below
from mirage.emergence.forecast import CURVE, forecast_largest, relative_errors
from mirage.pages import published
from mirage.statistics.intervals import mean_interval

LENGTHS = {"two-digit-multiplication": 4, "four-digit-addition": 5}  # target length, digits
NAMES = {
    "two-digit-multiplication": "products of 4 digits",
    "four-digit-addition": "sums of 5 digits",
}
BIGG = ("accuracy", "top-label Brier score, normalised")
CURVES = ("power", "floored power", "sigmoid")  # of `mirage.fits`, for BIG-G
NEAR = 3  # largest number of held-out sizes over which errors are averaged
CHANGES = "Abstract: under its metrics performance changes smoothly and predictably with scale"
CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="forecast-two-digit-multiplication",
        kind=Kind.IMPLIED,
        place=CHANGES,
        statement="Error of a forecast of our largest transformer's exact match on products of four"
        " digits: through the token probability less through exact match itself; negative if the"
        " smooth metric forecasts better.",
        rule=Below(0),
    ),
    Claim(
        id="forecast-four-digit-addition",
        kind=Kind.IMPLIED,
        place=CHANGES,
        statement="Error of a forecast of our largest transformer's exact match on sums of five"
        " digits: through the token probability less through exact match itself; negative if the"
        " smooth metric forecasts better.",
        rule=Below(0),
    ),
    Claim(
        id="forecast-gpt-3",
        kind=Kind.IMPLIED,
        place=CHANGES,
        statement="Error of a forecast of GPT-3 175B's exact match from the paper's three smaller"
        " models: through token edit distance less through exact match itself, mean over 9 curves;"
        " negative if the smooth metric forecasts better.",
        rule=Below(0),
    ),
    Claim(
        id="forecast-bigg",
        kind=Kind.OURS,
        place="Does a Brier score forecast better than accuracy? (Wei 2023 doubts it)",
        statement="BIG-G, multiple choice tasks: error of a forecast of the largest model under the"
        " top-label Brier score over that under accuracy, each relative to a forecast that nothing"
        " changes; below 1 if the Brier score forecasts better.",
        rule=Below(1),
    ),
)


def in_exact_match(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Put forecasts of an arithmetic family in terms of exact match.

    Parameters
    ----------
    forecasts : polars.DataFrame
        As `mirage.emergence.forecast.forecast_largest` returns, of `curves`; each curve has one of
        exact match beside it.

    Returns
    -------
    polars.DataFrame
        The same with ``exact_match``, the forecast by `as_exact_match`, ``em_low`` and ``em_high``
        likewise, ``em_observed``, the exact match of the largest model, ``em_known``, what the
        metric of the largest model itself gives (no forecast, only the equation), and ``error``,
        ``exact_match`` − ``em_observed``.
    """
    wanted = {
        "forecast": "exact_match",
        "low": "em_low",
        "high": "em_high",
        "observed": "em_known",
    }
    parts = []
    for (metric,), part in forecasts.group_by("metric", maintain_order=True):
        ends = (-np.inf, 0) if metric == NEGATED else (0, 1)
        length = part["target_length"].to_numpy()
        columns = {
            new: pl.Series(as_exact_match(metric, part[old].to_numpy().clip(*ends), length))
            for old, new in wanted.items()
        }
        parts.append(part.with_columns(**columns))
    table = pl.concat(parts)
    key = [name for name in (*CURVE, "n_held_out") if name in table.columns and name != "metric"]
    observed = table.filter(metric=EXACT).select(*key, em_observed="observed")
    table = table.join(observed, on=key, nulls_equal=True, maintain_order="left")
    return table.with_columns(error=pl.col("exact_match") - pl.col("em_observed"))


def forecasts(curves: pl.DataFrame) -> pl.DataFrame:
    """Forecast the largest of our models from ever fewer small ones, in terms of exact match.

    Parameters
    ----------
    curves : polars.DataFrame
        From `mirage.arithmetic.curves.comparable`.

    Returns
    -------
    polars.DataFrame
        From :func:`in_exact_match`; at least 3 sizes are fitted.
    """
    return in_exact_match(forecast_largest(curves, range(1, n_sizes(curves) - 2)))


def n_sizes(curves: pl.DataFrame) -> int:
    """Number of sizes of each task; of the task with the fewest, should they differ."""
    return int(curves.group_by("task").agg(pl.n_unique("n_params"))["n_params"].min())


def errors(found: pl.DataFrame) -> pl.DataFrame:
    """Mean absolute error in exact match of each task, metric and seed, from the nearest origins.

    Parameters
    ----------
    found : polars.DataFrame
        From :func:`forecasts`.

    Returns
    -------
    polars.DataFrame
        ``task, seed``, a column for each metric, and ``score``, the error through the token
        probability less that through exact match.
    """
    near = found.filter(pl.col("n_held_out") <= NEAR).with_columns(pl.col("error").abs())
    by_seed = near.group_by("task", "metric", "seed", maintain_order=True).agg(pl.mean("error"))
    wide = by_seed.pivot(on="metric", index=["task", "seed"], values="error")
    return wide.with_columns(score=pl.col(PROBABILITY) - pl.col(EXACT))


def of_paper() -> pl.DataFrame:
    """Forecast GPT-3 175B on each of the paper's 9 curves at temperature 0 from the other three.

    Returns
    -------
    polars.DataFrame
        From :func:`in_exact_match`, with a ``label`` such as "×4": operation, target length.
    """
    points = published.arithmetic_scores().filter(temperature=0.0)
    tasks = dict(zip(points["task"].unique(maintain_order=True), "×+", strict=True))
    chosen = [comparable(points, dict.fromkeys(tasks, length)) for length in range(1, 6)]
    ordered = pl.concat(chosen).sort("task", "target_length", descending=[True, False])
    sign = pl.col("task").replace_strict(tasks)
    found = in_exact_match(forecast_largest(ordered, [1]))
    return found.with_columns(label=pl.format("{}{}", sign, "target_length"))


def gaps(paper: pl.DataFrame) -> pl.DataFrame:
    """Absolute errors of :func:`of_paper`, by curve, and the ``gap`` between both metrics."""
    apart = paper.with_columns(score=pl.col("error").abs())
    wide = apart.pivot(on="metric", index="label", values="score")
    return wide.with_columns(gap=pl.col(NEGATED) - pl.col(EXACT))


def bigg_curves(scores: pl.DataFrame) -> pl.DataFrame:
    """Choose the multiple choice curves of BIG-G, higher is better, with the range of the metric.

    Parameters
    ----------
    scores : polars.DataFrame
        The scores of the data set "bigg".

    Returns
    -------
    polars.DataFrame
        With ``floor`` and ``ceiling``; ``n_items`` for accuracy only, whose noise is binomial.
    """
    brier = pl.col("metric") != "accuracy"
    return scores.filter(pl.col("metric").is_in(BIGG), kind="multiple choice").with_columns(
        score=pl.when(brier).then(-pl.col("score")).otherwise("score"),
        n_items=pl.when(~brier).then("n_items"),
        floor=pl.when(brier).then(-1.0).otherwise(0.0),
        ceiling=pl.when(brier).then(0.0).otherwise(1.0),
    )


def relative(curves: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Errors of forecasts of the largest BIG-G model over those of "nothing changes".

    Parameters
    ----------
    curves : polars.DataFrame
        From :func:`bigg_curves`.
    rng : numpy.random.Generator
        Of the bootstrap over tasks.

    Returns
    -------
    polars.DataFrame
        From `mirage.emergence.forecast.relative_errors`, for each ``model`` of `CURVES` and
        number of sizes held out.
    """
    parts = []
    for model in CURVES:
        ahead = forecast_largest(curves, [1, 2, 3], model)
        for (n,), part in ahead.group_by("n_held_out", maintain_order=True):
            found = relative_errors(part, rng)
            parts.append(found.with_columns(model=pl.lit(model), n_held_out=pl.lit(n)))
    return pl.concat(parts)


def findings(
    by_seed: pl.DataFrame, paper: pl.DataFrame, bigg: pl.DataFrame | str
) -> dict[str, Found | str]:
    """Compute the numbers of ``CLAIMS``.

    Parameters
    ----------
    by_seed : polars.DataFrame
        From :func:`errors`.
    paper : polars.DataFrame
        From :func:`gaps`.
    bigg : polars.DataFrame or str
        From :func:`relative`, or why there is none.

    Returns
    -------
    dict of str to Found or str
        By the id of the claim.
    """
    found: dict[str, Found | str] = {}
    for row in tables.mean_over(by_seed, by=["task"]).iter_rows(named=True):
        ends, n = (row["low"], row["high"]), row["n_seeds"]
        found[f"forecast-{row['task']}"] = (
            Found(row["score"], ends, n, "seeds") if n > 1 else "one seed has no interval"
        )
    gap = paper["gap"]
    found["forecast-gpt-3"] = Found(gap.mean(), tuple(mean_interval(gap)), len(gap), "curves")
    if isinstance(bigg, str):
        return found | {"forecast-bigg": bigg}
    ratio = bigg.filter(pl.col("metric").str.contains("/"), model="floored power", n_held_out=1)
    row = ratio.row(0, named=True)
    of_bigg = Found(row["score"], (row["low"], row["high"]), row["n_tasks"], "tasks")
    return found | {"forecast-bigg": of_bigg}
