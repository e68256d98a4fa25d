"""What a jump of the loss is described by: local exponents, half-way sizes, spread of seeds."""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage.statistics.intervals import wilson_interval

CURVE = ("task", "schedule", "seed")


def local_exponents(scores: pl.DataFrame) -> pl.DataFrame:
    """Exponent of the power law that leads from the loss of one size to that of the next.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with one row per size, and per task, schedule and seed where it has them.

    Returns
    -------
    polars.DataFrame
        A row per pair of neighbours: ``task``, ``schedule`` and ``seed`` as far as there are such,
        ``n_params``, the geometric mean of both, and ``exponent``, the nats of the log loss that a
        nat of size takes away. The paper's model has one exponent for all sizes.

    Raises
    ------
    ValueError
        A size twice on one curve, or a loss that is not positive.

    Notes
    -----
    −Δ ln(loss) / Δ ln(n_params).

    Examples
    --------
    Ten times the size, half the loss: ln 2 / ln 10.

    >>> table = pl.DataFrame({"task": "sum", "n_params": [100, 1000], "loss": [1.0, 0.5]})
    >>> local_exponents(table).select("n_params", pl.col("exponent").round(3)).rows()
    [(316.22776601683796, 0.301)]
    """
    key = [name for name in CURVE if name in scores.columns]
    if scores.select(pl.struct(*key, "n_params").is_duplicated().any()).item():
        raise ValueError(f"scores: found a size twice on one curve, expected one row per {key}")
    if not scores.select((pl.col("loss") > 0).fill_null(False).all()).item():
        raise ValueError("loss: found a value that is not positive, or none; expected nats above 0")
    x, y = pl.col("n_params").log(), pl.col("loss").log()
    pairs = scores.sort(*key, "n_params").select(
        *key,
        n_params=((x + x.shift(1)).over(key) / 2).exp(),
        exponent=-y.diff().over(key) / x.diff().over(key),
    )
    return pairs.drop_nulls("exponent")


def half_size(scores: pl.DataFrame) -> pl.DataFrame:
    """Size at which a score first passes one half.

    Parameters
    ----------
    scores : polars.DataFrame
        As in `local_exponents`, of one metric.

    Returns
    -------
    polars.DataFrame
        A row per task, schedule and seed: ``half_size``, parameters, by interpolation in their
        logarithm; null where all scores lie on one side of one half.

    Examples
    --------
    >>> table = pl.DataFrame({"task": "sum", "n_params": [100, 10_000], "score": [0.25, 0.75]})
    >>> half_size(table)["half_size"].round(6).item()
    1000.0
    """
    key = [name for name in CURVE if name in scores.columns]
    rows = []
    for values, curve in scores.sort("n_params").group_by(key, maintain_order=True):
        x, y = np.log(curve["n_params"].to_numpy()), curve["score"].to_numpy()
        above = int(np.argmax(y >= 0.5))
        found = None
        if above:  # neither the smallest nor none
            found = float(
                np.exp(np.interp(0.5, y[above - 1 : above + 1], x[above - 1 : above + 1]))
            )
        rows.append(dict(zip(key, values, strict=True)) | {"half_size": found})
    return pl.DataFrame(rows, schema_overrides={"half_size": pl.Float64})


def between_seeds(scores: pl.DataFrame, success: float = 0.5) -> pl.DataFrame:
    """Do seeds of one size agree, or do some learn a task that others do not?

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of one task and metric in [0, 1], a row per size and seed.
    success : float
        Score above which a run has learnt the task.

    Returns
    -------
    polars.DataFrame
        A row per size: ``n_params``, ``n_seeds``, ``score``, the mean, ``share``, the variance
        between seeds over the largest that this mean allows, in [0, 1] (0: they agree; 1: each is
        at 0 or 1; null for one seed, and where all are at 0 or 1), and ``success``, the fraction of
        runs, with ``low`` and ``high``, its 95 % Wilson interval.

    Notes
    -----
    share = s² / (m (1 − m)), s² the variance with n − 1 below; cut off at 1.
    Bimodality over seeds is Zhao et al.'s account of breakthroughs.

    Examples
    --------
    >>> table = pl.DataFrame({"n_params": [9, 9, 99, 99], "score": [0.0, 1.0, 0.9, 0.9]})
    >>> between_seeds(table).select("n_params", "share", "success").rows()
    [(9, 1.0, 0.5), (99, 0.0, 1.0)]
    """
    mean = pl.col("score").mean()
    share = (pl.col("score").var() / (mean * (1 - mean))).clip(0, 1)
    sizes = scores.group_by("n_params").agg(
        n_seeds=pl.len(),
        score=mean,
        share=pl.when((mean > 0) & (mean < 1)).then(share),
        n_success=(pl.col("score") > success).sum(),
    )
    sizes = sizes.sort("n_params")
    low, high = wilson_interval(sizes["n_success"].to_numpy(), sizes["n_seeds"].to_numpy())
    return sizes.with_columns(
        success=pl.col("n_success") / pl.col("n_seeds"), low=pl.Series(low), high=pl.Series(high)
    ).drop("n_success")
