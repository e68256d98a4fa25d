"""Reconstruction over its threshold c (Figure 7D–E): how sharp it is, and where it rises."""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage import tables
from mirage.emergence.scores import emergence_score


def emergence(scores: pl.DataFrame) -> pl.DataFrame:
    """Emergence score of reconstruction at each threshold.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of one family, with a column ``c``; rows where it is null are left out.

    Returns
    -------
    polars.DataFrame
        One row per ``c``, ascending. ``score`` is each seed's emergence score, averaged, where
        the median step is not taken below the resolution 1/``n_items``; ``low``, ``high`` its
        interval. ``definition`` is the mean without that floor: ∞ where a median step is 0.

    Examples
    --------
    Steps 0 and .5: their median, .25, is above the resolution of ten items.

    >>> row = dict(family="a", task="t", source="example", n_items=10, metric="m", c=0.1, seed=0)
    >>> curve = [row | dict(model=str(n), n_params=n, score=y) for n, y in ((1, 0), (2, 0), (3, 1))]
    >>> emergence(tables.scores(curve)).select("c", pl.col("score").round(3)).row(0)
    (0.1, 1.414)
    """
    curves = (
        scores.filter(pl.col("c").is_not_null())
        .sort("c", "n_params")
        .group_by("c", "seed", maintain_order=True)
        .agg("score", pl.first("n_items"))
    )
    values = zip(curves["score"].to_list(), curves["n_items"].to_list(), strict=True)
    pairs = [(emergence_score(y, 1 / n), emergence_score(y)) for y, n in values]
    of_seed = curves.with_columns(
        score=pl.Series([floored for floored, _ in pairs]),
        definition=pl.Series([plain for _, plain in pairs]),
    )
    plain = of_seed.group_by("c", maintain_order=True).agg(pl.mean("definition"))
    return tables.mean_over(of_seed, by=["c"]).join(plain, on="c", maintain_order="left")


def of_error(scores: pl.DataFrame) -> float:
    """Emergence score of minus the mean squared error: each seed's, averaged.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table of one family.

    Returns
    -------
    float
        As :func:`mirage.emergence.emergence_score`.
    """
    errors = scores.filter(metric="mean squared error").sort("n_params")
    curves = errors.group_by("seed", maintain_order=True).agg(-pl.col("score"))
    return float(np.mean([emergence_score(y) for y in curves["score"].to_list()]))


def half_size(curve: pl.DataFrame, c: float) -> float:
    """Number of parameters at which half of the images are reconstructed to within c.

    Parameters
    ----------
    curve : polars.DataFrame
        Columns ``c``, ``n_params``, ``score``; the score does not fall with the parameters.
    c : float
        One of its thresholds.

    Returns
    -------
    float
        Interpolated in log parameters between two models, and no less or more than the outer ones.

    Examples
    --------
    >>> curve = pl.DataFrame({"c": [0.1, 0.1], "n_params": [100, 10_000], "score": [0.0, 1.0]})
    >>> round(half_size(curve, 0.1))
    1000
    """
    at = curve.filter(pl.col("c") == c).sort("n_params")
    return float(10 ** np.interp(0.5, at["score"], np.log10(at["n_params"])))
