"""Largest emergence score of each metric, one curve per family or with families pooled.

The paper's Figure 5A shows maxima that no single family reaches on BIG-bench's official scores.
Where two families with the same sizes are pooled as one, each size appears twice; steps between
equal sizes are near zero, the median step collapses, and the score with it rises.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from mirage.emergence.scores import emergence_score


def largest_scores(
    scores: pl.DataFrame, pooled: Collection[str] = (), by: Collection[str] = ()
) -> pl.DataFrame:
    """Largest emergence score of each metric.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table.
    pooled : collection of str
        Families to be judged as a single one, on the tasks that all of them have; by default each
        family is a curve.
    by : collection of str
        Further columns that distinguish curves, beside task and metric.

    Returns
    -------
    polars.DataFrame
        One row per metric: ``largest`` finite score; ``curves``; ``tasks``; how many scores are
        ``infinite`` (of either sign) and ``negative``. Curves of fewer than 3 models are left out.

    Notes
    -----
    Models of one size are ordered by family, then as in the table: the difference between them
    counts as a step.

    Examples
    --------
    Steps of .1, .1 and .4 score .6/.1; twice each size, the median step is 0.05.

    >>> row = {"task": "t", "metric": "accuracy"}
    >>> sizes = list(enumerate([0.1, 0.2, 0.3, 0.7], start=1))
    >>> table = pl.DataFrame([row | {"family": f, "n_params": n, "score": y}
    ...                       for f in "ab" for n, y in sizes])
    >>> largest_scores(table)["largest"].round(9).item()
    6.0
    >>> largest_scores(table, pooled=("a", "b"))["infinite"].item()
    1
    """
    table, cell = scores, ["task", "metric", *by]
    if pooled:
        table = scores.filter(pl.col("family").is_in(list(pooled))).sort("family")
        table = table.filter(pl.col("family").n_unique().over(cell) == len(set(pooled)))
        table = table.with_columns(family=pl.lit(" + ".join(sorted(pooled))))
    key = ["family", *cell]
    curves = (
        table.sort("n_params", maintain_order=True)
        .group_by(key, maintain_order=True)
        .agg("score")
        .filter(pl.col("score").list.len() >= 3)
    )
    found = [float(emergence_score(y)) for y in curves["score"].to_list()]
    score, is_finite = pl.col("emergence"), pl.col("emergence").is_finite()
    return (
        curves.with_columns(emergence=pl.Series(found, dtype=pl.Float64))
        .group_by("metric", maintain_order=True)
        .agg(
            largest=score.filter(is_finite).max(),
            curves=pl.len(),
            tasks=pl.col("task").n_unique(),
            infinite=score.is_infinite().sum(),
            negative=(score < 0).sum(),
        )
        .sort("largest", descending=True, nulls_last=True)
    )
