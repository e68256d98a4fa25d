"""Tables of Figure 6: real models under two metrics of the same answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from mirage import tables
from mirage.datasets.tables import ScoreTable
from mirage.emergence import metric_change, same_items
from mirage.emergence.dormancy import dormancy
from mirage.fits.data import Bounds
from mirage.statistics.intervals import Interval, percentile_interval


@dataclass(frozen=True)
class Pair:
    """Two metrics of one task.

    Attributes
    ----------
    data : str
        Name of the score table for `mirage.datasets.load`.
    task : str
        Task in that table.
    label : str
        What the figures call it.
    old, new : str
        The all-or-nothing metric, a share of right items, and the one it is changed to.
    bounds : (float, float)
        Bounds of the new one, turned so that higher is better.
    """

    data: str
    task: str
    label: str
    old: str
    new: str
    bounds: tuple[float, float]


BRIER = (-1.0, 0.0)  # bounds of the target and of the top-label Brier score, negated
IPA = "international_phonetic_alphabet_transliterate"
PAIRS = (
    Pair("expemergence", "arithmetic", "arithmetic", "accuracy", "target Brier score", BRIER),
    Pair("expemergence", "parsinlu_qa", "Persian QA", "accuracy", "target Brier score", BRIER),
    Pair("obsscaling", IPA, "IPA transliteration", "exact match", "BLEU", (0, 100)),
)
BIGG = ("accuracy", "top-label Brier score, normalised")
OLMO = ("accuracy, normalised", "bits per byte")
CHAIN = ("bits per byte", "target log-likelihood", "target probability", "accuracy, normalised")
UKP = ("edit distance", "BERTScore")
UKP_FAMILIES = ("GPT", "GPT, instructed")  # four sizes each, from 124 million to 175 billion
RISE = 0.1  # exact match: of a smaller rise no one would ask whether it is a jump


def open_models(data: Mapping[str, ScoreTable]) -> dict[Pair, pl.DataFrame]:
    """Open models under the two metrics of each of `PAIRS` whose data are here."""
    real = [pair for pair in PAIRS if pair.data in data]
    return {
        pair: metric_change.paired(
            data[pair.data].scores.filter(task=pair.task), pair.old, pair.new
        )
        for pair in real
    }


def bigg_accuracy(data: Mapping[str, ScoreTable]) -> pl.DataFrame:
    """Accuracy of BIG-G of a billion parameters and more; empty without the data."""
    if "bigg" not in data:
        return pl.DataFrame(schema=tables.SCORES)
    return data["bigg"].scores.filter(pl.col("n_params") > 9e8, metric="accuracy")


def olmo(data: Mapping[str, ScoreTable]) -> pl.DataFrame:
    """Scores of the OLMo ladder's 25 runs: each task once, with one name for its accuracy.

    Where a task has a test set its validation set is left out: the items differ, the runs do not.
    """
    if "olmo_ladder" not in data:
        return pl.DataFrame(schema=tables.SCORES | {"higher_is_better": pl.Boolean})
    answers = data["olmo_ladder"].scores.filter(~pl.col("rerun"), pl.col("shots") > 0)
    answers = answers.with_columns(pl.col("metric").replace({"accuracy": OLMO[0]}))
    best = pl.col("split") == pl.col("split").min().over("task")  # "test" is before "val"
    return answers.filter(best)


def ukp(data: Mapping[str, ScoreTable], new: str) -> pl.DataFrame:
    """Free answers of the GPT families under exact match and another metric, side by side.

    Parameters
    ----------
    data : mapping of str to ScoreTable
        With ``ukp_on_emergence``.
    new : str
        One of `UKP`.

    Returns
    -------
    polars.DataFrame
        Of `mirage.emergence.metric_change.paired`, seeds averaged; a task for each family, task
        and number of shots on which all four models have both metrics and exact match of the
        largest is higher by `RISE` than that of the smallest.
    """
    scores = data["ukp_on_emergence"].scores
    free = scores.filter(pl.col("family").is_in(UKP_FAMILIES), prompt="open")
    key = ["family", "model", "n_params", "task", "metric", "higher_is_better"]
    mean = free.group_by([*key, "shots"], maintain_order=True).agg(
        pl.mean("score"), pl.first("n_items")
    )
    name = pl.format("{}, {}, {} shots", "task", "family", "shots")
    mean = mean.with_columns(task=name, compute=pl.lit(None, pl.Float64))
    table = metric_change.paired(mean, "exact match", new)
    rise = (pl.col("old").last() - pl.col("old").first()).over("task") >= RISE
    return table.filter(pl.len().over("task") == 4, rise)


def rising_most(table: pl.DataFrame, n: int) -> pl.DataFrame:
    """The n tasks of `ukp` whose exact match rises most, highest rise first."""
    rise = (pl.col("old").last() - pl.col("old").first()).over("task").alias("rise")
    ranked = table.with_columns(rise).sort("rise", descending=True, maintain_order=True)
    first = ranked["task"].unique(maintain_order=True).head(n)
    return ranked.filter(pl.col("task").is_in(first.implode()))


def shares(table: pl.DataFrame) -> pl.DataFrame:
    """Dormant shares of both metrics of each task.

    Parameters
    ----------
    table : polars.DataFrame
        Of `mirage.emergence.metric_change.paired`.

    Returns
    -------
    polars.DataFrame
        One row per task: ``task``, ``n_models``, ``old_share``, ``new_share``; ``difference``
        (null where a metric does not rise) and ``disjoint``, whether the brackets are.
    """
    rows = []
    for (task,), curve in table.group_by(["task"], maintain_order=True):
        old, new = (dormancy(curve[side], curve["x"]) for side in ("old", "new"))
        row = {"task": task, "n_models": curve.height}
        row |= {"old_share": old.share, "new_share": new.share}
        row["difference"] = old.share - new.share
        row["disjoint"] = bool(old.low >= new.high or new.low >= old.high)
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None).fill_nan(None)


def judged(
    table: pl.DataFrame, bounds: Bounds, rng: np.random.Generator, n_draws: int
) -> pl.DataFrame:
    """Outcome of the change of metric, and dormant shares, of each task.

    Parameters
    ----------
    table, bounds, rng, n_draws
        As for `mirage.emergence.metric_change.verdicts`.

    Returns
    -------
    polars.DataFrame
        Columns of `shares` and of `mirage.emergence.metric_change.verdicts`.
    """
    found = metric_change.verdicts(table, bounds, rng, n_draws=n_draws)
    return shares(table).join(found.drop("n_models"), on="task", maintain_order="left")


def family_interval(table: pl.DataFrame, n_resamples: int, rng: np.random.Generator) -> Interval:
    """95 % interval of the difference of dormant shares, model families resampled.

    Parameters
    ----------
    table : polars.DataFrame
        Of `mirage.emergence.metric_change.paired`, one task.
    n_resamples : int
        How often to resample the families.
    rng : numpy.random.Generator
        Source of the resamples.

    Returns
    -------
    Interval
        A resample under which a metric does not rise counts as dormant over the whole range.
    """
    families = [part.select("x", "old", "new").to_numpy() for part in table.partition_by("family")]
    draws = []
    for _ in range(n_resamples):
        chosen = rng.integers(len(families), size=len(families))
        x, *both = np.concatenate([families[i] for i in chosen]).T
        if len(np.unique(x)) > 1:
            old, new = np.nan_to_num(dormancy(both, x).share, nan=1.0)
            draws.append(old - new)
    return percentile_interval(np.array(draws))


def runs(data: ScoreTable, n_resamples: int, rng: np.random.Generator) -> pl.DataFrame:
    """Inverse-scaling runs, item by item: dormant shares of accuracy and loss with intervals."""
    found = same_items.differences(data.outcomes, n_resamples, rng)
    names = {"accuracy": "old_share", "loss": "new_share", "outcome": "comparison"}
    # Four sizes decide no jump.
    return found.rename(names).with_columns(outcome=pl.lit("undecided")).fill_nan(None)


def correlations(scores: pl.DataFrame, metrics: tuple[str, ...] = CHAIN) -> pl.DataFrame:
    """Rank correlation of each metric with training compute, by task.

    Parameters
    ----------
    scores : polars.DataFrame
        A score table with ``compute`` and ``higher_is_better``.
    metrics : tuple of str
        Metrics to correlate.

    Returns
    -------
    polars.DataFrame
        One row per ``task`` and ``metric``: ``correlation``, Spearman's, of the score turned so
        that higher is better, in [−1, 1].

    Examples
    --------
    >>> rows = [{"task": "t", "metric": "bits per byte", "compute": c, "score": -c,
    ...          "higher_is_better": False} for c in (1.0, 2.0, 3.0)]
    >>> correlations(pl.DataFrame(rows))["correlation"].item()
    1.0
    """
    turned = pl.when("higher_is_better").then("score").otherwise(-pl.col("score"))
    table = scores.filter(pl.col("metric").is_in(metrics)).with_columns(score=turned)
    groups = table.group_by(["task", "metric"], maintain_order=True)
    rows = [
        {"task": task, "metric": metric}
        | {"correlation": float(spearmanr(one["compute"], one["score"])[0])}
        for (task, metric), one in groups
    ]
    schema = {"task": pl.String, "metric": pl.String, "correlation": pl.Float64}
    return pl.DataFrame(rows, schema=schema)
