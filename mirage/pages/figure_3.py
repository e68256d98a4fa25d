"""Scores of an arithmetic family as curves over size (Figure 3): their direction and sharpness."""

from __future__ import annotations

import polars as pl

from mirage import tables
from mirage.arithmetic.curves import NEGATED
from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Exceeds
from mirage.emergence.scores import emergence_score

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-3-paper",
        kind=Kind.PAPER,
        place="Section 4, Figure 3: accuracy jumps, token edit distance of the same outputs rises"
        " smoothly",
        statement="On the paper's points at temperature 0, accuracy stays at its base longer than"
        " −token edit distance on each of the 7 curves of at least two digits: smallest difference"
        " of dormant shares.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-3-times",
        kind=Kind.IMPLIED,
        place="Section 4: changing the metric removes the emergence of integer arithmetic",
        statement="Our transformers, held-out products of four digits: exact match stays at its"
        " base longer than −token edit distance of the same answers: difference of dormant shares."
        " Attempted if exact match rises above one half.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-3-plus",
        kind=Kind.IMPLIED,
        place="Section 4: changing the metric removes the emergence of integer arithmetic",
        statement="The same comparison on our transformers' held-out sums of five digits."
        " Attempted if exact match rises above one half.",
        rule=Exceeds(0),
    ),
    Claim(
        id="figure-3-independent",
        kind=Kind.IMPLIED,
        place="Section 2: accuracy on L tokens is about p^L",
        statement="Our transformers, held-out products: expected exact match differs from p^(L + 1)"
        " with the p measured on the same items: largest difference over sizes and target lengths.",
        rule=Below(0.1),
    ),
    Claim(
        id="figure-3-largest",
        kind=Kind.OURS,
        place="Does our family reach what the paper's largest model does (.86)?",
        statement="Exact match of our largest transformer on held-out products of four digits,"
        " temperature 0.",
        rule=Exceeds(0.85),
    ),
    Claim(
        id="figure-3-smallest",
        kind=Kind.OURS,
        place="Does our family begin where the paper's smallest model does (near 0)?",
        statement="Exact match of our smallest transformer on held-out products of four digits,"
        " temperature 0.",
        rule=Below(0.01),
    ),
    Claim(
        id="figure-3-held-out",
        kind=Kind.OURS,
        place="Do the models know the products they were trained on, or how to multiply?",
        statement="Our largest transformer, products of four digits: exact match on trained less"
        " exact match on held-out problems.",
        rule=Below(0.1),
    ),
)

CURVE = ("family", "task", "metric", "temperature", "target_length")


def means(scores: pl.DataFrame) -> pl.DataFrame:
    """Average over seeds, as `mirage.tables.over_seeds`, with the range of each metric.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table that `upward` has turned.

    Returns
    -------
    polars.DataFrame
        Intervals are cut off at the ends of each metric's range.

    Examples
    --------
    >>> row = {"family": "toy", "model": "S", "n_params": 9, "task": "sum", "source": "example"}
    >>> row |= {"metric": "exact match"}
    >>> two = tables.scores(row | {"seed": i, "score": y} for i, y in enumerate((0.0, 0.2)))
    >>> means(two).select("score", "low", "high").row(0)
    (0.1, 0.0, 1.0)
    """
    return tables.over_seeds(scores, bounds=None)


def emergence(scores: pl.DataFrame) -> pl.DataFrame:
    """Emergence score of each curve of each seed.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with the columns ``temperature`` and ``target_length``; see `upward`.

    Returns
    -------
    polars.DataFrame
        A row per family, task, metric, temperature, target length and seed: ``score`` is the
        emergence score, ``n_models`` the number of models behind it.

    Notes
    -----
    Where ``n_items`` is known the root median square step is not taken below 1/``n_items``, the
    resolution of a mean over items: equal scores of two models would else make the score infinite.

    Examples
    --------
    >>> row = {"family": "toy", "task": "sum", "metric": "exact match", "source": "example"}
    >>> row |= {"temperature": 0.0, "target_length": 1}
    >>> sizes = {100: 0.0, 1000: 0.1, 10_000: 0.2, 100_000: 1.0}
    >>> table = [row | {"model": str(n), "n_params": n, "score": y} for n, y in sizes.items()]
    >>> emergence(tables.scores(table)).select(pl.col("score").round(6), "n_models").row(0)
    (10.0, 4)
    """
    curves = (
        scores.sort(*CURVE, "seed", "n_params")
        .group_by(*CURVE, "seed", maintain_order=True)
        .agg(values="score", n_items=pl.min("n_items"), n_models=pl.len())
    )
    pairs = zip(curves["values"].to_list(), curves["n_items"].to_list(), strict=True)
    found = [emergence_score(y, 1 / n if n else "inf") for y, n in pairs]
    return curves.with_columns(score=pl.Series(found, dtype=pl.Float64)).drop("values", "n_items")


def sharpening(
    scores: pl.DataFrame, sharp: str = "exact match", smooth: str = NEGATED
) -> pl.DataFrame:
    """How many times higher one metric's emergence score is than another's, on the same outputs.

    Parameters
    ----------
    scores : polars.DataFrame
        As in `emergence`.
    sharp, smooth : str
        Metrics, the first over the second.

    Returns
    -------
    polars.DataFrame
        A row per family, task, temperature and target length: ``score`` is the ratio, averaged
        over seeds, with ``low``, ``high`` and ``n_seeds`` as in `mirage.tables.mean_over`; above 1
        the first metric is the sharper. ``sharp`` and ``smooth`` are the two emergence scores,
        averaged over seeds, and ``n_models`` the models behind each.

    Examples
    --------
    >>> row = {"family": "toy", "task": "sum", "source": "a", "temperature": 0.0, "seed": 0}
    >>> row |= {"target_length": 1}
    >>> curves = {"exact match": (0, 0.1, 0.2, 1), "−token edit distance": (-3, -2, -1, 0)}
    >>> table = [
    ...     row | {"metric": metric, "model": str(n), "n_params": n + 1, "score": float(score)}
    ...     for metric, curve in curves.items() for n, score in enumerate(curve)
    ... ]
    >>> sharpening(tables.scores(table)).select(pl.col("score").round(4)).item()
    3.3333
    """
    key = ["family", "task", "temperature", "target_length"]
    of = emergence(scores.filter(pl.col("metric").is_in([sharp, smooth])))
    index = [*key, "seed", "n_models"]
    paired = of.pivot(on="metric", index=index, values="score").rename(
        {sharp: "sharp", smooth: "smooth"}
    )
    ratio = paired.with_columns(score=pl.col("sharp") / pl.col("smooth"))
    means = ratio.group_by(*key, "n_models", maintain_order=True).agg(pl.mean("sharp", "smooth"))
    joined = tables.mean_over(ratio, by=[*key, "n_models"])
    return joined.join(means, on=[*key, "n_models"], maintain_order="left")
