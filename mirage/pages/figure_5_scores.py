"""Emergence scores of Figure 5: which curves there are, their largest scores, what survives a test.

A curve is one task, metric and model family over scale: the paper's triplet. Curves of different
data sets or numbers of shots are not joined.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from mirage import tables
from mirage.datasets.tables import ScoreTable
from mirage.emergence import judge
from mirage.emergence.nulls import benjamini_hochberg
from mirage.emergence.pooling import largest_scores
from mirage.emergence.scores import pad
from mirage.fits.jump import jump_test
from mirage.pages import published
from mirage.pages.figure_5_tasks import name_of, named

OTHERS = ("obsscaling", "expemergence", "inverse_scaling", "lm_eval", "pythia_arithmetic")
BY = ("data", "shots")  # columns that distinguish curves, beside family, task and metric
_KINDS = {
    "exact match": "exact match",
    "exact match, several targets": "exact match",
    "multiple choice": "multiple choice grade",
}


def paper_maxima() -> dict[str, float]:
    """Largest emergence score of each metric in Figure 5A, highest first, as digitised.

    Examples
    --------
    >>> next(iter(paper_maxima().items()))
    ('BLEU', 632)
    """
    drawn = published.load("fig5A_max_emergence_score")
    return {name_of(name): drawn[name] for name in sorted(drawn, key=drawn.get, reverse=True)}


def curves(data: Mapping[str, ScoreTable]) -> pl.DataFrame:
    """Join score tables into one in which nothing is counted twice.

    Parameters
    ----------
    data : mapping of str to ScoreTable
        Name and content of each data set.

    Returns
    -------
    polars.DataFrame
        A score table with ``higher_is_better``, ``chance``, ``shots`` and ``data`` (the name),
        for ``mirage.emergence.table(…, by=BY)``. Empty if there is no table.

    Notes
    -----
    Of a table are kept:

    - whole tasks, not the difficulty groups they were split into (``group``), and subtasks, not
      the averages over them (``is_group``);
    - the last checkpoint (``step``);
    - preferred metrics, where a task states one (``is_preferred``), as in the paper. A composite
      task of BIG-bench then appears under ``normalized_aggregate_score`` alone, which no
      subtask has: the two are not pooled.

    Where the kind of task says which accuracy it is, the metric is called exact match or
    multiple choice grade.
    """
    extra = {"higher_is_better": pl.Boolean, "chance": pl.Float64, "shots": pl.Int64}
    schema = tables.SCORES | extra | {"data": pl.String}
    frames = [pl.DataFrame(schema=schema)]
    for name, loaded in data.items():
        table = loaded.scores.filter(_of_curves(loaded.scores.columns))
        missing = [pl.lit(None).alias(column) for column in extra if column not in table.columns]
        table = table.with_columns(*missing, metric=_metric(table.columns), data=pl.lit(name))
        frames.append(table.select(pl.col(name).cast(dtype) for name, dtype in schema.items()))
    return pl.concat(frames)


def _of_curves(columns: list[str]) -> list[pl.Expr]:
    """Say which rows of a table belong to a curve."""
    rules = {
        "group": pl.col("group").is_null(),
        "is_group": ~pl.col("is_group"),
        "step": pl.col("step") == pl.col("step").max(),
        "is_preferred": pl.col("is_preferred"),
    }
    return [pl.lit(True), *(rule for column, rule in rules.items() if column in columns)]


def _metric(columns: list[str]) -> pl.Expr:
    metric = named()
    if "kind" not in columns:
        return metric
    kind = pl.col("kind").replace_strict(_KINDS)
    return pl.when(metric == "accuracy").then(kind).otherwise(metric)


POOLED = ("BIG-G T=0", "BIG-G T=1")  # the same sizes, twice
# A threshold between the paper's fifth and sixth largest maximum leaves its five metrics.
THRESHOLD, UPPER = sorted(paper_maxima().values())[-6:-4]


def by_metric(judged: pl.DataFrame) -> pl.DataFrame:
    """Sum up the emergence scores of each metric.

    Parameters
    ----------
    judged : polars.DataFrame
        Of `mirage.emergence.table`; curves without a score are left out.

    Returns
    -------
    polars.DataFrame
        Columns ``metric``; ``finite``, the list of finite scores; how many scores are
        ``infinite``, ``negative`` and ``large`` (finite and above the threshold); ``curves``, how
        many there are. Highest finite score first.

    Examples
    --------
    >>> scores = [49.0, float("inf"), -2.0, None]
    >>> by_metric(pl.DataFrame({"metric": "BLEU", "emergence_score": scores})).row(0)
    ('BLEU', [49.0, -2.0], 1, 1, 1, 3)
    """
    score = pl.col("emergence_score")
    return (
        judged.filter(score.is_not_null())
        .group_by("metric")
        .agg(
            finite=score.filter(score.is_finite()),
            infinite=score.is_infinite().sum(),
            negative=(score < 0).sum(),
            large=((score > THRESHOLD) & score.is_finite()).sum(),
            curves=pl.len(),
        )
        .sort(pl.col("finite").list.max(), "metric", descending=[True, False], nulls_last=True)
    )


def message(rows: pl.DataFrame) -> str:
    """Say how many scores are large, and how many infinite.

    Examples
    --------
    >>> message(pl.DataFrame({"large": [0, 2], "infinite": [1, 0], "curves": [5, 6]}))
    '2 of 11 official scores are above 48 and finite; 1 is infinite.'
    """
    large, n = rows["large"].sum(), rows["curves"].sum()
    start = {0: "Not one", 1: "One"}.get(large, str(large))
    verb = "is" if large < 2 else "are"
    infinite = int(rows["infinite"].sum())
    rest = f"; {infinite} {'is' if infinite == 1 else 'are'} infinite" if infinite else ""
    return f"{start} of {n} official scores {verb} above {THRESHOLD} and finite{rest}."


def large(scored: pl.DataFrame) -> pl.DataFrame:
    """Curves of counted items with a score above the threshold, infinite ones too.

    Examples
    --------
    >>> table = {"emergence_score": [99.0, 3.0, 60.0], "floored_emergence_score": [9.0, 3.0, None]}
    >>> large(pl.DataFrame(table))["emergence_score"].to_list()
    [99.0]
    """
    return scored.drop_nulls("floored_emergence_score").filter(
        pl.col("emergence_score") > THRESHOLD
    )


def against_null(
    scores: pl.DataFrame, chosen: pl.DataFrame, rng: np.random.Generator, n_draws: int
) -> pl.DataFrame:
    """Judge some curves against smooth ones.

    Parameters
    ----------
    scores : polars.DataFrame
        Of `curves`.
    chosen : polars.DataFrame
        Rows of `mirage.emergence.table` on these scores.
    rng : numpy.random.Generator
        Source of the draws.
    n_draws : int
        Draws of the null: of m curves a single one can have q ≤ 0.05 only with 20 m draws.

    Returns
    -------
    polars.DataFrame
        Of `mirage.emergence.table`, with ``jump_q``, the q-value of `mirage.fits.jump.jump_test`
        over these curves; empty if no curve was chosen.
    """
    key = ["family", "task", "metric", *BY]
    few = scores.join(chosen, on=key, how="semi", nulls_equal=True)
    if few.is_empty():
        return chosen.with_columns(jump_q=pl.lit(None, pl.Float64))
    judged = judge.table(few, rng, by=BY, n_draws=n_draws)
    columns = ["n_params", "score", "n_items", pl.col("chance").max().fill_null(0.0)]
    curves = few.sort("n_params").group_by(key).agg(columns)
    curves = judged.select(key).join(curves, on=key, nulls_equal=True, maintain_order="left")
    x, y, n = (pad(curves[name].to_list()) for name in ("n_params", "score", "n_items"))
    jumps = jump_test(x, y, n, rng=rng, chance=curves["chance"].to_numpy())
    return judged.with_columns(jump_q=pl.Series(benjamini_hochberg(jumps.p_value)))


def maxima(scores: pl.DataFrame) -> pl.DataFrame:
    """Where the paper's largest scores may come from: the paper, one family, two pooled.

    Parameters
    ----------
    scores : polars.DataFrame
        Official scores, of `mirage.pages.figure_5_tables.curves`.

    Returns
    -------
    polars.DataFrame
        One row per metric: ``metric``; ``paper``, its largest score in Figure 5A; ``family``, the
        largest finite one of one curve per family, over how many ``curves`` of ``tasks``;
        ``pooled``, the largest where both temperatures of BIG-G are one family, over how many
        ``pooled_curves``, and how many of those are ``pooled_infinite``.
    """
    alone = largest_scores(scores, by=["data"])
    both = largest_scores(scores, pooled=POOLED, by=["data"])
    drawn = pl.DataFrame(list(paper_maxima().items()), schema=["metric", "paper"], orient="row")
    both = both.select(
        "metric", pooled="largest", pooled_curves="curves", pooled_infinite="infinite"
    )
    return (
        alone.select("metric", "curves", "tasks", family="largest")
        .join(both, on="metric", how="left")
        .join(drawn, on="metric", how="left")
        .sort("paper", descending=True, nulls_last=True)
    )


def survivors(judged: pl.DataFrame) -> pl.DataFrame:
    """Count the curves that meet each demand of a better statistic.

    Parameters
    ----------
    judged : polars.DataFrame
        Of `against_null`.

    Returns
    -------
    polars.DataFrame
        Columns ``demand`` and ``curves``: all curves; score above the threshold, finite or not;
        … and finite; … and above it with a noise floor; … and with a q-value of at most 5 %. Then
        the last demand of scores of any size, the same by the jump test, and the curves for which
        a step or a broken curve is preferred.

    Examples
    --------
    >>> row = {"emergence_score": 60.0, "floored_emergence_score": 9.0, "q_value": 0.2}
    >>> survivors(pl.DataFrame([row | {"jump_q": 0.9, "fit": "smooth"}]))["curves"].to_list()
    [1, 1, 1, 0, 0, 0, 0, 0]
    """
    score, is_sharp = pl.col("emergence_score"), pl.col("q_value") <= 0.05
    large = score > THRESHOLD
    demands = {
        "tested": score.is_not_null(),
        f"score above {THRESHOLD}": large,
        "… and finite": large & score.is_finite(),
        "… and above with noise floor": large & (pl.col("floored_emergence_score") > THRESHOLD),
        "… and q ≤ 0.05": large & is_sharp,
        "any score, q ≤ 0.05": is_sharp,
        "any score, jump test q ≤ 0.05": pl.col("jump_q") <= 0.05,
        "any score, step or broken fit": pl.col("fit").is_in(["broken", "step", "jump"]),
    }
    counts = judged.select(rule.sum().alias(name) for name, rule in demands.items()).row(0)
    return pl.DataFrame({"demand": list(demands), "curves": counts})
