"""The curves of a meta-analysis: many published score tables as one (behind Fig 5).

A curve is one task, metric and model family over scale: the paper's triplet, told apart by data
set and number of shots where there are several.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mirage.book.claims import Claim, Kind
from mirage.book.rules import Below, Equals, Exceeds

if TYPE_CHECKING:
    import polars as pl

    from mirage.datasets import ScoreTable

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="figure-5-metrics",
        kind=Kind.PAPER,
        place="Section 4, Figure 5A: at most 5 of 39 metrics show a large emergence score",
        statement="On official BIG-bench scores, most preferred metrics have no emergence score"
        " above 48 on any task and model family: share of metrics that have one.",
        rule=Below(0.5),
        published=5 / 39,
    ),
    Claim(
        id="figure-5-annotated-metrics",
        kind=Kind.PAPER,
        place="Section 4, Figure 5B: 4 of 39 metrics have a pair called emergent by hand",
        statement="Of all metrics that some BIG-bench task prefers, the share under which a task"
        " on Wei's list of emergent abilities is scored.",
        rule=Equals(0.05),
        published=4 / 39,
    ),
    Claim(
        id="figure-5-two",
        kind=Kind.PAPER,
        place="Section 4, Figure 5C: 62 of 67 annotated pairs have one of two metrics",
        statement="Of the BIG-bench tasks on Wei's list of emergent abilities, the share scored by"
        " multiple choice grade or exact string match (composite tasks by their subtasks).",
        rule=Equals(0.1, loose=0.2),
        published=62 / 67,
    ),
    Claim(
        id="figure-5-enriched-tasks",
        kind=Kind.OURS,
        place="Figure 5C gives no base rate: the share of these two metrics among all pairs",
        statement="Tasks on Wei's list prefer multiple choice grade or exact string match more"
        " often than the other BIG-bench tasks, counted by top-level task: odds ratio.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-5-enriched-subtasks",
        kind=Kind.OURS,
        place="Figure 5C gives no base rate: the share of these two metrics among all pairs",
        statement="The same, with composite tasks counted by the metric of their subtasks, as the"
        " paper's pairs are: odds ratio.",
        rule=Exceeds(1),
    ),
    Claim(
        id="figure-5-maximum",
        kind=Kind.OURS,
        place="Figure 5A: the largest score under multiple choice grade is 199",
        statement="On official scores, one curve per model family, the largest finite emergence"
        " score under multiple choice grade is at least half the paper's: its share of 199.",
        rule=Exceeds(0.5),
        published=1,
    ),
    Claim(
        id="figure-5-pooled",
        kind=Kind.OURS,
        place="Figure 5A: the largest score under multiple choice grade is 199",
        statement="The same where BIG-G at temperature 0 and at temperature 1 are pooled as one"
        " family, so that each size appears twice: its share of 199.",
        rule=Exceeds(0.5),
        published=1,
    ),
    Claim(
        id="figure-5-beyond-smooth",
        kind=Kind.OURS,
        place="Figure 5A gives scores and no null distribution",
        statement="Of the official curves of counted items, the share whose rise is sharper than a"
        " smooth curve and its items explain, at a false discovery rate of 5 %.",
        rule=Below(0.5),
    ),
    Claim(
        id="figure-5-ranks",
        kind=Kind.OURS,
        place="Section 4 takes a large emergence score for the mark of an emergent ability",
        statement="On official scores of BIG-G, a task called emergent for LaMDA has a larger"
        " emergence score than another task: probability (0.5 is chance).",
        rule=Exceeds(0.5),
    ),
    Claim(
        id="figure-5-other-survive",
        kind=Kind.OURS,
        place="Figure 5A gives scores and no null distribution",
        statement="In other published tables, the share of emergence scores above 48 that no"
        " smooth curve and its items explain, at a false discovery rate of 5 %.",
        rule=Below(0.5),
    ),
)

BY = ("data", "shots")  # what tells curves apart, beside family, task and metric
# Each item is right or wrong as a whole: the metrics of which the paper says that they jump.
ALL_OR_NOTHING = ("accuracy", "exact match", "multiple choice grade", "accuracy, normalised")
_METRICS = {
    "exact_str_match": "exact match",
    "multiple_choice_grade": "multiple choice grade",
    "bleu": "BLEU",
    "acc": "accuracy",
    "acc_norm": "accuracy, normalised",
    "ppl": "perplexity",
    "pct_stereotype": "share of stereotypes",
    "likelihood_difference": "likelihood difference",
}
_KINDS = {
    "exact match": "exact match",
    "exact match, several targets": "exact match",
    "multiple choice": "multiple choice grade",
}


def name_of(metric: str) -> str:
    """Return the book's name of a metric, or its own where the book has none.

    Parameters
    ----------
    metric : str
        As a data set or a figure of the paper spells it.

    Returns
    -------
    str

    Examples
    --------
    >>> name_of("exact_str_match"), name_of("macro_f1")
    ('exact match', 'macro_f1')
    """
    return _METRICS.get(metric, metric)


def curves(data: Mapping[str, ScoreTable]) -> pl.DataFrame:
    """Join score tables into one, in which nothing is counted twice.

    Parameters
    ----------
    data : mapping of str to ScoreTable
        Name and content of each data set.

    Returns
    -------
    polars.DataFrame
        A score table with ``higher_is_better``, ``chance``, ``shots`` and ``data`` (the name),
        for ``mirage.emergence.table(…, by=BY)``.

    Raises
    ------
    ValueError
        If there is no table.

    Notes
    -----
    Of a table are kept:

    - whole tasks, not the difficulty groups they were split into (``group``), and subtasks, not
      the averages over them (``is_group``);
    - the last checkpoint (``step``);
    - preferred metrics, where a task states one (``is_preferred``), as in the paper. A composite
      task of BIG-bench then appears under ``normalized_aggregate_score`` alone, which no
      subtask has: the two are not pooled.

    Where the kind of task tells which accuracy it is, the metric is called exact match or
    multiple choice grade.

    Examples
    --------
    >>> from mirage import datasets
    >>> table = curves({"lm_eval": datasets.load("lm_eval", source="embedded")})
    >>> table["data"].unique().to_list(), table["metric"].unique().to_list()
    (['lm_eval'], ['accuracy'])
    """
    import polars as pl

    from mirage import tables

    if not data:
        raise ValueError("data: found no score table, expected at least one")
    kept = {"higher_is_better": pl.Boolean, "chance": pl.Float64, "shots": pl.Int64}
    frames = []
    for name, loaded in data.items():
        table = loaded.scores.filter(_of_curves(loaded.scores.columns))
        missing = [pl.lit(None, t).alias(c) for c, t in kept.items() if c not in table.columns]
        table = table.with_columns(*missing, metric=_metric(table.columns), data=pl.lit(name))
        columns = [pl.col(column).cast(dtype) for column, dtype in kept.items()]
        frames.append(table.select(*tables.SCORES, *columns, "data"))
    return pl.concat(frames)


def _of_curves(columns: list[str]) -> list[pl.Expr]:
    """Say which rows of a table belong to a curve."""
    import polars as pl

    rules = {
        "group": pl.col("group").is_null(),
        "is_group": ~pl.col("is_group"),
        "step": pl.col("step") == pl.col("step").max(),
        "is_preferred": pl.col("is_preferred"),
    }
    return [pl.lit(True), *(rule for column, rule in rules.items() if column in columns)]


def _metric(columns: list[str]) -> pl.Expr:
    import polars as pl

    metric = pl.col("metric").replace(_METRICS)
    if "kind" not in columns:
        return metric
    kind = pl.col("kind").replace_strict(_KINDS)
    return pl.when(metric == "accuracy").then(kind).otherwise(metric)


def by_metric(judged: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Sum up the emergence scores of each metric.

    Parameters
    ----------
    judged : polars.DataFrame
        Of `mirage.emergence.table`; curves without a score are left out.
    threshold : float
        What counts as a large score.

    Returns
    -------
    polars.DataFrame
        Columns ``metric``; ``finite``, the list of finite scores; ``infinite``, ``negative`` and
        ``large``, how many scores are so; ``curves``, how many there are. Highest finite score
        first.

    Examples
    --------
    >>> import polars as pl
    >>> scores = [3.0, float("inf"), -2.0, None]
    >>> by_metric(pl.DataFrame({"metric": "BLEU", "emergence_score": scores}), 48).row(0)
    ('BLEU', [3.0, -2.0], 1, 1, 1, 3)
    """
    import polars as pl

    score = pl.col("emergence_score")
    return (
        judged.filter(score.is_not_null())
        .group_by("metric")
        .agg(
            finite=score.filter(score.is_finite()),
            infinite=score.is_infinite().sum(),
            negative=(score < 0).sum(),
            large=(score > threshold).sum(),
            curves=pl.len(),
        )
        .sort(pl.col("finite").list.max(), "metric", descending=[True, False], nulls_last=True)
    )


def survivors(judged: pl.DataFrame, threshold: float, rate: float = 0.05) -> pl.DataFrame:
    """Count the curves that meet each demand of a better statistic.

    Parameters
    ----------
    judged : polars.DataFrame
        Of `mirage.emergence.table`, with draws.
    threshold : float
        What counts as a large score.
    rate : float
        False discovery rate.

    Returns
    -------
    polars.DataFrame
        Columns ``demand`` and ``curves``. Of the large scores: which are finite; large above the
        noise floor; have a q-value within the rate; belong to a curve for which a broken or a
        step fit is preferred. Then the last two, of scores of any size.

    Examples
    --------
    >>> import polars as pl
    >>> row = {"emergence_score": 60.0, "floored_emergence_score": 9.0, "q_value": 0.2}
    >>> survivors(pl.DataFrame([row | {"fit": "smooth"}]), 48)["curves"].to_list()
    [1, 1, 1, 0, 0, 0, 0, 0]
    """
    import polars as pl

    score = pl.col("emergence_score")
    large, found = score > threshold, pl.col("q_value") <= rate
    sharp = pl.col("fit").is_in(["broken", "step"])
    demands = {
        "tested": score.is_not_null(),
        f"score above {threshold:g}": large,
        "… and finite": large & score.is_finite(),
        "… and floored": large & (pl.col("floored_emergence_score") > threshold),
        f"… and q ≤ {rate:g}": large & found,
        "… and not smooth": large & sharp,
        f"any score, q ≤ {rate:g}": found,
        "any score, not smooth": sharp,
    }
    counts = judged.select(rule.sum().alias(name) for name, rule in demands.items()).row(0)
    return pl.DataFrame({"demand": list(demands), "curves": counts})


def metrics_of_tasks(table: pl.DataFrame, metrics: tuple[str, ...]) -> pl.DataFrame:
    """Tell which tasks of BIG-bench may prefer one of some metrics.

    Parameters
    ----------
    table : polars.DataFrame
        Columns ``task`` and ``metric``, all metrics of each task (data set ``human_eval``).
    metrics : tuple of str
        As BIG-bench spells them.

    Returns
    -------
    polars.DataFrame
        Columns ``task``; ``possible``, whether the task has one of the metrics; ``certain``,
        whether it has no other that it might prefer.

    Notes
    -----
    Left aside: ``normalized_aggregate_score``, which almost every task has beside its own, and
    two calibrations that come with the multiple choice grade. Which tasks are composite, and so
    prefer their aggregate, the table does not tell: ``certain`` supposes that none is.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"task": ["a", "a", "b"], "metric": ["bleu", "f1", "bleu"]})
    >>> metrics_of_tasks(table, ("bleu",)).rows()
    [('a', True, False), ('b', True, True)]
    """
    import polars as pl

    aside = (
        "normalized_aggregate_score",
        "calibration_multiple_choice_brier_score",
        "expected_calibration_error",
    )
    one_of = pl.col("metric").is_in(metrics)
    return table.group_by("task", maintain_order=True).agg(
        possible=one_of.any(),
        certain=one_of.any() & (one_of | pl.col("metric").is_in(aside)).all(),
    )
