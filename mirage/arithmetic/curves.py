"""Curves of the arithmetic family: which way they point, and what exact match they amount to.

A user wants exact match, whatever metric a forecast was made under: the paper's own equations
lead from one to the other.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from mirage._check import inside
from mirage.metrics import catalogue

DISTANCE = "token edit distance"


NEGATED = f"−{DISTANCE}"


def upward(scores: pl.DataFrame) -> pl.DataFrame:
    """Negate every metric where lower is better, so that higher is better throughout.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table.

    Returns
    -------
    polars.DataFrame
        The same, with the metric ``−token edit distance`` in place of ``token edit distance``.

    Raises
    ------
    UnknownMetricError
        If `mirage.metrics.catalogue` does not list a metric.

    Examples
    --------
    >>> table = pl.DataFrame({"metric": ["exact match", "token edit distance"], "score": [1.0, 2]})
    >>> upward(table).rows()
    [('exact match', 1.0), ('−token edit distance', -2.0)]
    """
    names = scores["metric"].unique()
    falls = pl.col("metric").is_in([n for n in names if not catalogue.get(n).higher_is_better])
    return scores.with_columns(
        metric=pl.when(falls).then(pl.format("−{}", "metric")).otherwise("metric"),
        score=pl.when(falls).then(-pl.col("score")).otherwise("score"),
    )


EXACT, ACCURACY = "exact match", "token accuracy"


PROBABILITY = "token probability"


METRICS = (EXACT, ACCURACY, NEGATED, PROBABILITY)


def comparable(scores: pl.DataFrame, lengths: dict[str, int]) -> pl.DataFrame:
    """Choose the curves of an arithmetic family that can be put in terms of exact match.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with the column ``target_length``, of one split and one temperature.
    lengths : dict of str to int
        Target length of each task that is wanted.

    Returns
    -------
    polars.DataFrame
        Its rows of exact match, token accuracy and token edit distance, the last negated, and,
        where the table has a loss, of the token probability exp(−loss); with the range of the
        metric in ``floor`` and ``ceiling``. ``n_items`` is kept for exact match, whose noise is
        binomial.

    Examples
    --------
    >>> row = {"family": "toy", "model": "a", "n_params": 10, "task": "sum", "source": "example"}
    >>> row |= {"target_length": 2, "loss": 0.0, "metric": "exact match", "score": 1.0}
    >>> from mirage import tables
    >>> chosen = comparable(tables.scores([row]), {"sum": 2})
    >>> chosen.select("metric", "score", "floor", "ceiling").rows()
    [('exact match', 1.0, 0.0, 1.0), ('token probability', 1.0, 0.0, 1.0)]
    """
    wanted = [(pl.col("task") == t) & (pl.col("target_length") == n) for t, n in lengths.items()]
    scores = scores.filter(pl.any_horizontal(wanted))
    signed = upward(scores)
    exact = signed.filter(metric=EXACT)
    probability = exact.filter(pl.col("loss").is_not_null()).with_columns(
        metric=pl.lit(PROBABILITY), score=(-pl.col("loss")).exp()
    )
    rest = signed.filter(pl.col("metric").is_in([EXACT, ACCURACY, NEGATED]))
    range_of = {name: tuple(map(float, catalogue.get(name).bounds)) for name in METRICS}
    low, high = ({name: ends[i] for name, ends in range_of.items()} for i in (0, 1))
    return pl.concat([rest, probability]).with_columns(
        # A distance is at most the target length, but for surplus tokens.
        floor=pl.max_horizontal(pl.col("metric").replace_strict(low), -pl.col("target_length")),
        ceiling=pl.col("metric").replace_strict(high),
        n_items=pl.when(pl.col("metric") == EXACT).then("n_items"),
    )


def as_exact_match(metric: str, score: ArrayLike, target_length: ArrayLike) -> np.ndarray:
    """Exact match that the paper's model expects of another metric's score.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    score : float or array_like
        Its value.
    target_length : int or array_like
        Digits L of the answer.

    Returns
    -------
    ndarray
        In [0, 1]: the score itself, a^L of a token accuracy a, (1 − d/L)^L of an edit distance d
        and p^(L + 1) of a token probability p, which the end of the answer has as well.

    Raises
    ------
    ValueError
        Another metric, or a score outside its range; −distance may lie below −L, which gives 0.

    Notes
    -----
    Section 2 of the paper: tokens are right or wrong independently of each other.

    Examples
    --------
    >>> float(as_exact_match("token accuracy", 0.5, 3))
    0.125
    >>> as_exact_match("−token edit distance", [-5.0, -2.0, 0.0], 4).tolist()
    [0.0, 0.0625, 1.0]
    """
    if metric not in METRICS:
        raise ValueError(f"metric: found {metric!r}, expected one of {', '.join(METRICS)}")
    length = inside("target_length", target_length, 1, np.inf, "at least one digit")
    if metric == NEGATED:
        distance = inside("score", score, -np.inf, 0, "−distances, at most 0")
        return np.maximum(1 + distance / length, 0) ** length
    power = {EXACT: 1, ACCURACY: length, PROBABILITY: length + 1}[metric]
    return inside("score", score, 0, 1, f"a {metric} in [0, 1]") ** power
