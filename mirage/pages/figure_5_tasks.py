"""Base rate of Figure 5: which metric each task of BIG-bench prefers, by unit of counting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from mirage.metrics import catalogue
from mirage.statistics.intervals import Interval, percentile_interval
from mirage.statistics.odds_ratio import odds_ratio

TWO = ("multiple choice grade", "exact match")  # the paper's two metrics, as the book calls them
AGGREGATE = "normalised aggregate score"  # what BIG-bench gives for a task made of subtasks
GIANTS = ("list_functions", "mult_data_wrangling", "multiemo", "natural_instructions")


def name_of(metric: str) -> str:
    """Return the book's name of a metric, or its own where the book has none.

    Examples
    --------
    >>> name_of("exact_str_match"), name_of("zest")
    ('exact match', 'zest')
    """
    known = catalogue.find(metric)
    return known.name if known else metric


def named(column: str = "metric") -> pl.Expr:
    """Return a column of metrics under the book's names."""
    return pl.col(column).map_elements(name_of, return_dtype=pl.String)


def preferences(entries: pl.DataFrame) -> pl.DataFrame:
    """Which metric each BIG-bench task prefers, by two ways of counting composite tasks.

    Parameters
    ----------
    entries : polars.DataFrame
        Data set ``bigbench_task_metrics``: a row per task or subtask, columns ``task``,
        ``subtask`` (null for the task itself), preferred ``metric`` (null for a task that is made
        of subtasks) and ``n_uses`` in the code, the most used of which counts.

    Returns
    -------
    polars.DataFrame
        One row per task: ``task``; ``alone``, its own preferred metric, the aggregate for a task
        made of subtasks; ``by_subtasks``, the commonest of its subtasks in place of the aggregate.

    Examples
    --------
    >>> rows = [("a", None, "bleu"), ("b", None, None), ("b", "x", "f1"), ("b", "y", "f1")]
    >>> entries = pl.DataFrame(rows, schema=["task", "subtask", "metric"], orient="row")
    >>> entries = entries.with_columns(n_uses=pl.lit(None, pl.Int64))
    >>> preferences(entries).rows()
    [('a', 'BLEU', 'BLEU'), ('b', 'normalised aggregate score', 'F1')]
    """
    is_subtask, uses = pl.col("subtask").is_not_null(), pl.col("n_uses").fill_null(0)
    own, inner = (
        pl.col("metric").filter(side & pl.col("metric").is_not_null())
        for side in (~is_subtask, is_subtask)
    )
    tasks = (
        entries.with_columns(named())
        .sort(uses, descending=True, maintain_order=True)
        .group_by("task")
        .agg(alone=own.first(), inner=inner.mode(maintain_order=True).first())
        .sort("task")
    )
    return tasks.select(
        "task",
        pl.col("alone").fill_null(AGGREGATE),
        by_subtasks=pl.coalesce("alone", "inner").fill_null(AGGREGATE),
    )


def base_rates(
    entries: pl.DataFrame, called: list[str], rng: np.random.Generator, n_resamples: int = 2000
) -> pl.DataFrame:
    """Share of the paper's two metrics by unit of counting, and among tasks called emergent.

    Parameters
    ----------
    entries : polars.DataFrame
        As for `preferences`.
    called : list of str
        Tasks that were called emergent.
    rng : numpy.random.Generator
        Source of the resamples.
    n_resamples : int
        Bootstrap resamples of whole tasks, for units that are not independent.

    Returns
    -------
    polars.DataFrame
        One row per ``unit``: the number of units ``n`` and of those with one of the two metrics,
        ``two``; ``called`` and ``called_two``, the same of the tasks called emergent; the
        ``odds_ratio`` of these against the others with its 95 % interval ``low``, ``high``: exact
        for tasks; for their files by resampled tasks, with ½ added to each count.
    """
    units = _units(entries)
    return pl.DataFrame(
        [{"unit": unit} | _rate(table, called, rng, n_resamples) for unit, table in units.items()]
    )


def _units(entries: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Tables of ``task`` and ``metric``, a row per unit, by the name of the unit of counting."""
    tasks, metric = preferences(entries), named()
    files = entries.drop_nulls("metric").filter(kind="json").select("task", metric=metric)
    return {
        "task (composite: its aggregate)": tasks.select("task", metric="alone"),
        "task (composite: its subtasks)": tasks.select("task", metric="by_subtasks"),
        "task file": files,
        "task file, without four giants": files.filter(~pl.col("task").is_in(GIANTS)),
    }


def shares(entries: pl.DataFrame) -> pl.DataFrame:
    """Share of each metric by unit of counting.

    Parameters
    ----------
    entries : polars.DataFrame
        As for `preferences`.

    Returns
    -------
    polars.DataFrame
        One row per ``unit`` and ``metric`` with its ``share`` of the units.
    """
    frames = [
        table.group_by("metric", maintain_order=True)
        .len()
        .select("metric", unit=pl.lit(unit), share=pl.col("len") / pl.sum("len"))
        for unit, table in _units(entries).items()
    ]
    return pl.concat(frames)


def _rate(table: pl.DataFrame, called: list[str], rng, n_resamples: int) -> dict:
    """Counts and odds ratio of one unit of counting."""
    cells = table.group_by("task", maintain_order=True).agg(
        n=pl.len(), two=pl.col("metric").is_in(TWO).sum()
    )
    inside = pl.col("task").is_in(called)
    groups = [cells.filter(inside), cells.filter(~inside)]
    (two, n), (rest_two, rest_n) = ((group["two"].sum(), group["n"].sum()) for group in groups)
    if cells["n"].max() == 1:
        ratio, ends, _ = odds_ratio(two, n, rest_two, rest_n)
    else:
        ratio, ends = _resampled_ratio(groups, rng, n_resamples)
    row = {"n": n + rest_n, "two": two + rest_two, "called": n, "called_two": two}
    return row | {"odds_ratio": ratio, "low": ends.low, "high": ends.high}


def _resampled_ratio(groups: list[pl.DataFrame], rng, n_resamples: int) -> tuple[float, Interval]:
    """Odds ratio of two groups of tasks, with its percentile interval over resampled tasks."""
    estimates, draws = [], []
    for group in groups:
        two, others = group["two"].to_numpy(), (group["n"] - group["two"]).to_numpy()
        rows = rng.integers(len(two), size=(n_resamples, len(two)))
        estimates.append((two.sum() + 0.5) / (others.sum() + 0.5))
        draws.append((two[rows].sum(axis=1) + 0.5) / (others[rows].sum(axis=1) + 0.5))
    return float(estimates[0] / estimates[1]), percentile_interval(draws[0] / draws[1])


class Ranks(NamedTuple):
    """How often a task called emergent has a larger emergence score than another task.

    Attributes
    ----------
    probability : float
        In [0, 1], ties counted half; ½ is chance.
    interval : Interval
        Its 95 % bootstrap interval over tasks.
    n_called : int
        Number of tasks called emergent.
    """

    probability: float
    interval: Interval
    n_called: int


def ranks(
    judged: pl.DataFrame, called: list[str], rng: np.random.Generator, n_resamples: int = 2000
) -> Ranks | None:
    """Compare the emergence scores of the tasks called emergent with those of the others.

    Parameters
    ----------
    judged : polars.DataFrame
        Of `mirage.emergence.table`, one curve per task.
    called : list of str
        Tasks that were called emergent.
    rng : numpy.random.Generator
        Source of the resamples.
    n_resamples : int
        Bootstrap resamples of the tasks of each group.

    Returns
    -------
    Ranks or None
        None if no task, or every task, was called emergent.

    Examples
    --------
    3 beats 1 and ties with 3: (1 + ½)/2.

    >>> judged = pl.DataFrame({"task": ["a", "b", "c"], "emergence_score": [3.0, 1.0, 3.0]})
    >>> ranks(judged, ["a"], np.random.default_rng(0)).probability
    0.75
    """
    judged, inside = judged.drop_nulls("emergence_score"), pl.col("task").is_in(called)
    first, rest = (judged.filter(side)["emergence_score"].to_numpy() for side in (inside, ~inside))
    if not len(first) or not len(rest):
        return None
    wins = (first[:, None] > rest) + 0.5 * (first[:, None] == rest)
    rows = rng.integers(len(first), size=(n_resamples, len(first)))
    columns = rng.integers(len(rest), size=(n_resamples, len(rest)))
    draws = [wins[np.ix_(i, j)].mean() for i, j in zip(rows, columns, strict=True)]
    return Ranks(float(wins.mean()), percentile_interval(np.array(draws)), len(first))


def numbers(entries: pl.DataFrame) -> dict[str, str]:
    """Numbers of the text on the base rate."""
    tasks, files = preferences(entries), _units(entries)["task file"]
    giants = files.filter(pl.col("task").is_in(GIANTS))
    return {
        "giants": f"{100 * giants.height / max(files.height, 1):.0f} %",
        "tasks-all": str(tasks.height),
        "composite": str(tasks.filter(alone=AGGREGATE).height),
    }
