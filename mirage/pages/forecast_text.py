"""What the page on forecasts says in words."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from mirage.arithmetic.curves import EXACT, NEGATED, PROBABILITY
from mirage.pages.forecast import BIGG, NAMES, NEAR, n_sizes

WIDE = 0.9  # share of a metric's range from which a prediction interval says nothing


class Early(NamedTuple):
    """What was forecast for sums from models that could not add.

    Attributes
    ----------
    size : int
        Parameters of the largest of them.
    forecast : dict of str to float
        By metric, the forecast exact match of the largest model, mean over seeds.
    observed : float
        Its exact match.
    """

    size: int
    forecast: dict[str, float]
    observed: float


def early(found: pl.DataFrame, curves: pl.DataFrame, below: float = 0.05) -> Early | None:
    """Return the last forecast of sums from models whose exact match lies below a threshold.

    Parameters
    ----------
    found : polars.DataFrame
        From :func:`mirage.pages.forecast.forecasts`.
    curves : polars.DataFrame
        What was forecast from.
    below : float
        Exact match, mean over seeds.

    Returns
    -------
    Early or None
        None where even the shortest fits hold a better model.
    """
    learnt = curves.filter(metric=EXACT).group_by("task", largest_fitted="n_params")
    rows = found.join(learnt.agg(pl.mean("score")), on=["task", "largest_fitted"])
    rows = rows.filter(pl.col("score") < below, task="four-digit-addition")
    rows = rows.filter(pl.col("largest_fitted") == pl.col("largest_fitted").max())
    if rows.is_empty():
        return None
    means = rows.group_by("metric").agg(pl.mean("exact_match"))
    by_metric = dict(means.iter_rows())
    return Early(rows["largest_fitted"][0], by_metric, float(rows["em_observed"].mean()))


def numbers(found: pl.DataFrame, by_seed: pl.DataFrame) -> dict[str, str | float]:
    """Compute what the text of the page quotes of our family.

    Parameters
    ----------
    found : polars.DataFrame
        From :func:`mirage.pages.forecast.forecasts`.
    by_seed : polars.DataFrame
        From :func:`mirage.pages.forecast.errors`.

    Returns
    -------
    dict of str to str or float
        By metric: the mean error; the error of the equation alone; how many prediction intervals
        contain the observed score, and how many of them cover more than 90 % of the metric's
        range: these contain almost any score.
    """
    values: dict[str, str | float] = {"filled": f"{100 * WIDE:.0f} %"}
    for name in (EXACT, PROBABILITY, "token accuracy"):
        of_metric = found.filter(metric=name)
        near = of_metric.filter(pl.col("n_held_out") <= NEAR)
        known = of_metric.filter(n_held_out=1)
        inside = near["observed"].is_between(near["low"], near["high"]).sum()
        # The three metrics lie in [0, 1].
        wide = (near["high"].clip(0, 1) - near["low"].clip(0, 1) > WIDE).sum()
        short = name.split()[-1]
        values[f"error-{short}"] = float(by_seed[name].mean())
        values[f"known-{short}"] = float((known["em_known"] - known["em_observed"]).abs().mean())
        values[f"covered-{short}"] = f"{inside} of {near.height}"
        values[f"wide-{short}"] = str(wide)
    return values


def early_text(found: Early | None) -> str:
    """Write :func:`early` as a sentence.

    Examples
    --------
    >>> early_text(Early(1000, {"exact match": 0.0, "token probability": 0.1}, 0.9))[:61]
    'From models of at most 1,000 parameters, which cannot add, th'
    """
    if found is None:
        return "Here even the smallest models of a fit already answer some sums."
    ahead = ", ".join(f"{y:.2f} through {metric}" for metric, y in sorted(found.forecast.items()))
    return (
        f"From models of at most {found.size:,} parameters, which cannot add, the forecast is"
        f" {ahead}; the largest model gets {found.observed:.2f} right."
    )


def n_hidden(curves: pl.DataFrame) -> int:
    """Number of the largest sizes to hide in the figure: 3, or fewer where few are left to fit."""
    return min(3, n_sizes(curves) - 3)


def quoted(
    curves: pl.DataFrame, found: pl.DataFrame, gap: pl.DataFrame, bigg: pl.DataFrame
) -> dict[str, str | float]:
    """Compute what else the text of the page quotes.

    Parameters
    ----------
    curves : polars.DataFrame
        What was forecast from.
    found : polars.DataFrame
        From :func:`mirage.pages.forecast.forecasts`.
    gap : polars.DataFrame
        From :func:`mirage.pages.forecast.gaps`.
    bigg : polars.DataFrame
        From :func:`mirage.pages.forecast.relative`.

    Returns
    -------
    dict of str to str or float
    """
    largest = curves.filter(metric=EXACT).group_by("task", maintain_order=True)
    counts = (f"{n} {NAMES[task]}" for task, n in largest.agg(pl.max("n_items")).iter_rows())
    n_seeds = curves["seed"].n_unique()
    seeds = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
    best = bigg.filter(model="floored power", n_held_out=1)
    of_metric = {metric: best.filter(metric=metric)["score"].item() for metric in BIGG}
    return {
        "about": f"{n_sizes(curves)} sizes, {seeds}, {' and '.join(counts)}",
        "early": early_text(early(found, curves)),
        "hidden": str(n_hidden(curves)),
        "gpt-exact": float(gap[EXACT].mean()),
        "gpt-distance": float(gap[NEGATED].mean()),
        "relative-accuracy": float(of_metric[BIGG[0]]),
        "relative-brier": float(of_metric[BIGG[1]]),
    }
