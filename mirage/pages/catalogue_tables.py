"""Public scores of claimed emergent abilities, as one table, and what the audit says of them.

Every data set is read by one rule: the preferred metric of BIG-bench, all metrics where several
score the same answers, the largest number of shots, one run where there are several.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from mirage.audit import Audit
from mirage.audit.words import VERDICTS

DATA = (
    "official_bigbench",
    "bigg",
    "ukp_on_emergence",
    "expemergence",
    "obsscaling",
    "bigbench_task_metrics",
)
FEWEST = 3  # models of a column; the jump test needs TESTED
TESTED = 5
# Whose scores a claim of Wei's list is about; the architecture of BIG-G is LaMDA's.
CLAIMED = {"GPT-3": "GPT-3", "LaMDA": "BIG-G, T=0", "PaLM": "PaLM"}
NAMES = {
    "BIG-G T=0": "BIG-G, T=0",
    "BIG-G T=1": "BIG-G, T=1",
    "GPT": "GPT-3",
}
UKP_NAMES = {"GPT": "GPT-2 to GPT-3", "GPT, instructed": "GPT-2 to GPT-3, tuned"}
EXACT = ("exact_str_match", "exact match")
_COLUMNS = (
    "family",
    "model",
    "n_params",
    "task",
    "metric",
    "score",
    "n_items",
    "chance",
    "higher_is_better",
    "source",
)

# Here as in the paper's claims a lone metric's jump is one, too: it is the metric at hand.
SHOWN = VERDICTS | {"jump": "jump under every metric at hand"}


def claimed(wei: pl.DataFrame) -> pl.DataFrame:
    """Wei's list with the family of models that each claim is about.

    Parameters
    ----------
    wei : polars.DataFrame
        Of the data set ``wei_emergent``.

    Returns
    -------
    polars.DataFrame
        ``task``, ``model`` (the smallest at which it is called emergent), ``family``.
    """
    name = pl.col("model").str.split(" ").list.first()
    return wei.select("task", "model", family=name.replace_strict(CLAIMED))


def scores(data: Mapping[str, Any], listed: set[str]) -> pl.DataFrame:
    """Put the public scores of all data sets into one score table.

    Parameters
    ----------
    data : mapping of str to data set
        Those of `DATA` that are here and real.
    listed : set of str
        Tasks of Wei's list. Of the official scores all tasks are kept, for comparison, of the other
        data sets these alone.

    Returns
    -------
    polars.DataFrame
        A score table with ``chance`` (null where it is not known), without families of fewer than
        `FEWEST` models on a task.
    """
    parts = [_official(data)] if "official_bigbench" in data else []
    if "bigg" in data:
        parts.append(_bigg(data["bigg"].scores.filter(pl.col("task").is_in(list(listed)))))
    if "ukp_on_emergence" in data:
        parts.append(_ukp(data["ukp_on_emergence"].scores, listed))
    open_models = [_open(data[name].scores, listed) for name in DATA[3:5] if name in data]
    table = pl.concat([part.select(_COLUMNS) for part in [*parts, *open_models]])
    # A curve comes from one source: of a family's and a task's, the one named first in `DATA`.
    first = pl.col("source").first().over("family", "task")
    table = table.filter(pl.col("source") == first)
    exact = pl.col("metric").is_in(EXACT)
    chance = pl.when(exact).then(0.0).otherwise(pl.col("chance").max().over("task"))
    enough = pl.col("model").n_unique().over("family", "task") >= FEWEST
    return table.filter(enough).with_columns(chance=chance)


def _official(data: Mapping[str, Any]) -> pl.DataFrame:
    """BIG-bench's own scores; of composite tasks those of the subtask that the source holds."""
    table = data["official_bigbench"].scores
    if "bigbench_task_metrics" in data:
        entries = data["bigbench_task_metrics"].table
        choices = entries.filter(pl.col("n_multiple_choice") == pl.col("n_items"))
        choices = choices.select(
            task=pl.concat_str("task", "subtask", separator=":", ignore_nulls=True),
            uniform=1 / pl.col("mean_choices"),
        ).unique("task")
        table = table.join(choices, on="task", how="left", maintain_order="left")
        table = table.with_columns(chance=pl.coalesce("chance", "uniform"))
    return table.with_columns(
        task="parent_task", family=pl.col("family").replace(NAMES), source=pl.lit("official scores")
    )


def _bigg(table: pl.DataFrame) -> pl.DataFrame:
    """BIG-G on a fifth of the items, where there is no official score of the task.

    Its Brier score is that of the likeliest answer, right or wrong: no metric of the same thing.
    """
    table = table.filter(metric="accuracy").with_columns(family=pl.col("family").replace(NAMES))
    exact = pl.col("kind") != "multiple choice"
    return table.with_columns(
        metric=pl.when(exact).then(pl.lit("exact match")).otherwise(pl.lit("accuracy")),
        source=pl.lit("BIG-G outcomes"),
    )


def _ukp(table: pl.DataFrame, listed: set[str]) -> pl.DataFrame:
    """Free answers with most shots, one run of each model: the same answers under four metrics."""
    table = table.filter(pl.col("task").is_in(list(listed)), prompt="open")
    table = table.filter(pl.col("shots") == pl.col("shots").max().over("task"))
    key = ["family", "model", "task", "metric"]
    table = table.sort("seed", nulls_last=False).unique(key, keep="first", maintain_order=True)
    counted = pl.col("metric").is_in(("exact match", "BERTScore accuracy"))
    return table.with_columns(
        family=pl.col("family").replace(UKP_NAMES),
        n_items=pl.when(counted).then("n_items"),
        chance=pl.lit(None, pl.Float64),
        source=pl.lit("UKP on-emergence"),
    )


def _open(table: pl.DataFrame, listed: set[str]) -> pl.DataFrame:
    """Open models of ExpEmergence or ObsScaling."""
    source = pl.col("source").str.extract(r"github [^/]+/(\S+)")
    return table.filter(pl.col("task").is_in(list(listed))).with_columns(
        chance=pl.lit(None, pl.Float64), source=source
    )


def curves(found: Audit, listed: pl.DataFrame) -> pl.DataFrame:
    """Verdicts of the audit on the tasks of Wei's list and on others.

    Parameters
    ----------
    found : Audit
        Of the table of `scores`.
    listed : polars.DataFrame
        Of `claimed`.

    Returns
    -------
    polars.DataFrame
        Rows of ``verdicts`` with ``kind`` (`mirage.audit.words.VERDICTS`), ``is_jump``,
        ``is_listed``, and ``is_claimed``, whether Wei's list names this family, too.
    """
    pairs = listed.select("task", "family", is_claimed=pl.lit(True))
    table = found.verdicts.with_columns(kind=pl.Series(found.kinds))
    table = table.join(pairs, on=["task", "family"], how="left", maintain_order="left")
    return table.with_columns(
        pl.col("is_claimed").fill_null(False),
        is_listed=pl.col("task").is_in(listed["task"].implode()),
        is_jump=pl.col("kind") == "jump",
    )


def order(table: pl.DataFrame, listed: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Rows and columns of the picture: tasks as Wei lists them, families with most curves first.

    Parameters
    ----------
    table : polars.DataFrame
        Of `curves`.
    listed : polars.DataFrame
        Of `claimed`.

    Returns
    -------
    tasks, families : list of str
    """
    shown = table.filter("is_listed")
    counts = shown.group_by("family").agg(n=pl.len(), models=pl.max("n_models"))
    named = list(CLAIMED.values())
    rest = counts.filter(~pl.col("family").is_in(named))
    rest = rest.sort("n", "models", "family", descending=[True, True, False])["family"].to_list()
    return listed["task"].to_list(), [*named, *rest]


def in_words(table: pl.DataFrame) -> pl.DataFrame:
    """A row per judged curve of Wei's list, as a reader of the page sees it.

    Parameters
    ----------
    table : polars.DataFrame
        Of `curves`.

    Returns
    -------
    polars.DataFrame
        ``ability, models, items, verdict, smallest jump``, the sentence and the plan as ``why``.
    """
    shown = table.filter("is_listed").sort("task", "family", "protocol")
    why = pl.concat_str(
        pl.when(pl.col("sentence") != "").then("sentence").otherwise("note"),
        pl.col("plan"),
        separator=" ",
    ).str.strip_chars()
    return shown.select(
        ability=pl.format("{}, {}", pl.col("task").str.replace_all("_", " "), "family"),
        models="n_models",
        verdict=pl.col("kind").replace_strict(SHOWN),
        smallest_jump="smallest_detectable_jump",
        why=why,
    )
