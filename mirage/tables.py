"""The two tables that everything passes through, and their checks on input.

- *outcomes*: one row per (family, model, item), only where items matter;
- *scores*: one row per (family, model, task, metric). Figures, statistics and claims read this.

Extra columns are kept; a missing or ill-typed one is an error that names the offending rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from mirage.metrics import catalogue

SCORES: dict[str, Any] = {
    "family": pl.String,
    "model": pl.String,
    "n_params": pl.Int64,
    "compute": pl.Float64,  # training FLOP
    "loss": pl.Float64,  # nats
    "task": pl.String,
    "metric": pl.String,
    "score": pl.Float64,
    "n_items": pl.Int64,
    "seed": pl.Int64,
    "source": pl.String,
}
OPTIONAL_SCORES = frozenset({"compute", "loss", "n_items", "seed"})
# How a model was asked, where a table says so. One curve has one protocol.
PROTOCOL = (
    "shots",
    "n_shots",
    "number_of_shots",
    "task_version",
    "revision",
    "variant",
    "quantisation",
    "token_budget",
    "prompt_template",
    "chat_template",
    "system_prompt",
    "limit",
    "generation",
)

OUTCOMES: dict[str, Any] = {
    "family": pl.String,
    "model": pl.String,
    "n_params": pl.Int64,
    "task": pl.String,
    "item": pl.Int64,
    "target_length": pl.Int64,
    "seed": pl.Int64,
}
OPTIONAL_OUTCOMES = frozenset({"target_length", "seed"})


def scores(
    rows: pl.DataFrame | Iterable[Mapping[str, Any]], blank_scores: bool = False
) -> pl.DataFrame:
    """Check a score table and give it its columns and types.

    Parameters
    ----------
    rows : polars.DataFrame or iterable of mappings
        At least ``family, model, n_params, task, metric, score, source``.
    blank_scores : bool
        Whether a score may be null: a model was evaluated, but its log holds no number.

    Returns
    -------
    polars.DataFrame
        The columns of ``SCORES`` first, then any others.

    Raises
    ------
    ValueError
        A column is missing, a required value is null, ``n_params`` is not positive, a score is
        NaN, or two rows measure the same thing. The message names the first offending rows.

    Examples
    --------
    >>> row = dict(family="LeNet", model="w = 1", n_params=6547, task="MNIST",
    ...            metric="accuracy", score=0.19, source="example")
    >>> scores([row])["score"].to_list()
    [0.19]
    """
    optional = OPTIONAL_SCORES | {"score"} if blank_scores else OPTIONAL_SCORES
    table = _typed(rows, SCORES, optional)
    _refuse(table, pl.col("n_params") <= 0, "n_params must be positive")
    _refuse(table, pl.col("score").is_nan(), "score is NaN")
    _refuse(table, pl.col("n_items") <= 0, "n_items must be positive")
    key = ["family", "model", "task", "metric", "seed", "source"]
    key += [name for name in table.columns if name not in SCORES]
    _refuse(table, pl.struct(key).is_duplicated(), "the same measurement twice")
    return table


def with_direction(table: pl.DataFrame) -> pl.DataFrame:
    """Say of each score whether higher is better: as the table states, else as is known.

    Parameters
    ----------
    table : polars.DataFrame
        Has ``metric``; a column ``higher_is_better`` may be absent or have nulls.

    Returns
    -------
    polars.DataFrame
        With ``higher_is_better``, null where the table states nothing and
        `mirage.metrics.catalogue` does not list the metric.

    Examples
    --------
    >>> table = with_direction(pl.DataFrame({"metric": ["acc", "wer", "zest"]}))
    >>> table["higher_is_better"].to_list()
    [True, False, None]
    """
    known = pl.col("metric").replace_strict(
        {name: catalogue.higher_is_better(name) for name in table["metric"].unique().drop_nulls()},
        default=None,
        return_dtype=pl.Boolean,
    )
    if "higher_is_better" in table.columns:
        known = pl.col("higher_is_better").cast(pl.Boolean).fill_null(known)
    return table.with_columns(higher_is_better=known)


def outcomes(rows: pl.DataFrame | Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Check an outcome table: one row per item that a model answered.

    Parameters
    ----------
    rows : polars.DataFrame or iterable of mappings
        At least ``family, model, n_params, task, item``, and what the model produced in further
        columns (``correct``, ``prediction``, ``log_probs``, …), which are kept.

    Returns
    -------
    polars.DataFrame
        The columns of ``OUTCOMES`` first, then any others.

    Raises
    ------
    ValueError
        As for :func:`scores`; an item may come again under another ``split``, ``temperature``,
        ``filter`` or protocol (`PROTOCOL`).

    Examples
    --------
    >>> row = dict(family="LeNet", model="w = 1", n_params=6547, task="MNIST", item=0, correct=True)
    >>> outcomes([row]).height
    1
    """
    table = _typed(rows, OUTCOMES, OPTIONAL_OUTCOMES)
    _refuse(table, pl.col("n_params") <= 0, "n_params must be positive")
    key = ["family", "model", "task", "item", "seed"]
    apart = ("split", "temperature", "filter", *PROTOCOL)
    key += [name for name in apart if name in table.columns]
    _refuse(table, pl.struct(key).is_duplicated(), "the same item twice")
    return table


def over_seeds(
    table: pl.DataFrame, level: float = 0.95, bounds: tuple[float, float] | None = (0.0, 1.0)
) -> pl.DataFrame:
    """Average a score table over seeds, with Student's interval of the mean.

    Parameters
    ----------
    table : polars.DataFrame
        A score table; rows that differ only in ``seed``, ``score`` and ``loss`` are averaged.
    level : float
        Confidence of the interval.
    bounds : (float, float) or None
        Range of the metric, at which intervals are cut off. None: of each metric its own
        (`mirage.metrics.catalogue`), or none where it is not listed.

    Returns
    -------
    polars.DataFrame
        One row per model, task and metric, by ascending ``n_params``; ``score`` and ``loss`` are
        means, ``low`` and ``high`` its interval (NaN for one seed), ``n_seeds`` their number.

    Examples
    --------
    >>> row = dict(family="LeNet", model="w = 1", n_params=6547, task="MNIST",
    ...            metric="accuracy", source="example")
    >>> table = scores([row | {"seed": 0, "score": 0.1}, row | {"seed": 1, "score": 0.3}])
    >>> over_seeds(table).select("score", "n_seeds").row(0)
    (0.2, 2)
    """
    key = [name for name in table.columns if name not in ("seed", "score", "loss")]
    means = mean_over(table, by=key, level=level)
    losses = table.group_by(key, maintain_order=True).agg(pl.mean("loss"))
    low, high = bounds or _ranges(table)
    ends = (pl.col("low").clip(low, high), pl.col("high").clip(low, high))
    return means.with_columns(losses["loss"], *ends).sort("n_params", maintain_order=True)


def _ranges(table: pl.DataFrame) -> list[pl.Expr]:
    """Lowest and highest value of each metric, infinite where it is not listed."""
    names = table["metric"].unique().to_list()
    found = [catalogue.find(name) for name in names]
    unbounded = (-float("inf"), float("inf"))
    ends = zip(*(metric.bounds if metric else unbounded for metric in found), strict=True)
    return [
        pl.col("metric").replace_strict(names, end, return_dtype=pl.Float64)
        for end in (list(map(float, of_all)) for of_all in ends)
    ]


def mean_over(table: pl.DataFrame, by: list[str], level: float = 0.95) -> pl.DataFrame:
    """Average ``score`` over everything but ``by``, with Student's interval of the mean.

    Parameters
    ----------
    table : polars.DataFrame
        Has ``score`` and the columns of ``by``; its rows in a group are independent (seeds).
    by : list of str
        What tells the groups apart.
    level : float
        Confidence of the interval.

    Returns
    -------
    polars.DataFrame
        ``by``, the mean ``score``, ``low`` and ``high`` (NaN for one value), and ``n_seeds``, the
        number of values; groups in the order of their first row.

    Examples
    --------
    >>> mean_over(pl.DataFrame({"k": [1, 1], "score": [0.1, 0.3]}), by=["k"])["score"].item()
    0.2
    """
    from mirage.statistics.intervals import mean_interval

    grouped = table.group_by(by, maintain_order=True).agg(pl.col("score").alias("values"))
    intervals = [mean_interval(values, level) for values in grouped["values"].to_list()]
    return grouped.with_columns(
        score=pl.col("values").list.mean(),
        low=pl.Series([float(interval.low) for interval in intervals]),
        high=pl.Series([float(interval.high) for interval in intervals]),
        n_seeds=pl.col("values").list.len(),
    ).drop("values")


def _typed(rows, schema: dict[str, Any], optional: frozenset[str]) -> pl.DataFrame:
    if not isinstance(rows, pl.DataFrame):
        # All rows decide on a type: the first hundred may be whole numbers where later ones are not
        rows = pl.DataFrame(list(rows), strict=False, infer_schema_length=None)
    table = rows
    if table.is_empty():
        raise ValueError("the table is empty: found 0 rows, expected at least one")
    missing = [name for name in schema if name not in table.columns and name not in optional]
    if missing:
        raise ValueError(f"missing columns {missing}; found {table.columns}")
    absent = [pl.lit(None, dtype=schema[n]).alias(n) for n in schema if n not in table.columns]
    table = table.with_columns(absent)
    for name, kind in schema.items():
        if name not in optional:
            _refuse(table, pl.col(name).is_null(), f"{name} is missing")
        _refuse(table, _lost(table, name, kind), f"{name} is not {_NOUNS[kind]}")
    table = table.with_columns(pl.col(name).cast(kind) for name, kind in schema.items())
    return table.select(*schema, pl.exclude(*schema))


_NOUNS = {pl.String: "text", pl.Int64: "a whole number", pl.Float64: "a number"}


def _lost(table: pl.DataFrame, name: str, kind) -> pl.Expr:
    """Mark the values that a cast would lose; polars itself cuts 1.5 to the integer 1."""
    column = pl.col(name)
    if table.schema[name].is_nested():
        return column.is_not_null()
    lost = column.is_not_null() & column.cast(kind, strict=False).is_null()
    if kind == pl.Int64 and table.schema[name].is_float():
        lost |= column != column.floor()
    return lost


def _refuse(table: pl.DataFrame, wrong: pl.Expr, why: str) -> None:
    bad = table.with_row_index("row").filter(wrong)
    if bad.height:
        shown = "; ".join(str(row) for row in bad.head(3).to_dicts())
        raise ValueError(f"{why} in {bad.height} of {table.height} rows, first: {shown}")
