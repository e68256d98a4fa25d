"""BIG-G on BIG-bench, item by item (behind Figures 5 and 6): 85 tasks × 12 sizes, 3 shots, T = 0.

Computed from the official BIG-bench logs (github wschella/lass @ 67fefca6). Know before use:

- the items are a random 20 % of each task's, from 2 to 205;
- the tasks were selected because the 128B model beats chance, so that rates of emergence among
  them say nothing of BIG-bench;
- the Brier scores are those of the *top label*, not of all choices;
- for the 18 exact-match tasks, and 5 more with several targets, only the unnormalised one means
  anything, and the other is left out;
- item i is the same item for 2M to 27B, but not for 128B: ``shared_items`` is false there. So it
  is in three tasks whose number of items differs between the sizes, where nothing vouches for it.

``bigg_shots`` holds the 128B model alone, at 0 to 3 shots, on 101 tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable

if TYPE_CHECKING:
    import polars as pl

FAMILY = "BIG-G T=0"
# Parameters, as BIG-bench counts them: twelve sizes, nearly even in log scale.
SIZES = {
    "2m": 2_098_048,
    "16m": 16_780_288,
    "53m": 56_629_632,
    "125m": 134_228_992,
    "244m": 262_161_280,
    "422m": 453_009_408,
    "1b": 1_073_784_832,
    "2b": 2_097_218_560,
    "4b": 3_623_973_888,
    "8b": 8_590_102_528,
    "27b": 28_991_404_032,
    "128b": 137_440_272_384,
}
_SOURCE = "BIG-bench logs, github wschella/lass @ 67fefca6"
_METRICS = {
    "acc": "accuracy",
    "conf_normalized_brier": "top-label Brier score, normalised",
    "conf_absolute_brier": "top-label Brier score",
}


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores and the outcomes.

    Parameters
    ----------
    paths : sequence of Path
        The table of scores (csv), the table of items (parquet).

    Returns
    -------
    dict
        ``scores``: extra columns ``shots``, ``kind`` (inferred), ``chance`` (null where it is not
        known), ``higher_is_better``. ``outcomes``: extra columns ``correct``, ``shared_items``.
    """
    import polars as pl

    from mirage import tables

    wide = pl.read_csv(paths[0]).rename({"n": "n_items", "params": "n_params", "size": "model"})
    chance = pl.col("chance_from_accs_3")
    exact = pl.col("kind_inferred") == "generative_exact_match"
    # The file calls the others "multiple choice or multi target"; choices have a chance.
    several = chance.is_null().all().over("task")
    kind = pl.when(exact).then(pl.lit("exact match"))
    kind = kind.when(several).then(pl.lit("exact match, several targets"))
    wide = wide.with_columns(kind=kind.otherwise(pl.lit("multiple choice")), chance=chance)
    scores = _long(wide, ["model", "n_params", "task", "n_items", "shots", "kind", "chance"])
    of_labels = pl.col("metric") == "top-label Brier score, normalised"
    scores = scores.filter(~of_labels | (pl.col("kind") == "multiple choice"))
    items = pl.read_parquet(paths[1]).select(
        "task", pl.col("i").alias("item"), pl.col("correct").cast(bool), model="size"
    )
    sizes = wide.select("model", "n_params").unique()
    n_items = pl.col("n_items").filter(pl.col("model") != "128b")
    aligned = wide.group_by("task").agg(aligned=n_items.n_unique() == 1)
    outcomes = items.join(sizes, on="model", maintain_order="left").join(
        aligned, on="task", maintain_order="left"
    )
    outcomes = outcomes.with_columns(
        family=pl.lit(FAMILY), shared_items=pl.col("aligned") & (pl.col("model") != "128b")
    ).drop("aligned")
    return {"scores": tables.scores(scores), "outcomes": tables.outcomes(outcomes)}


def read_shots(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores of the 128B model at 0 to 3 shots.

    Parameters
    ----------
    paths : sequence of Path
        The table of scores (csv).

    Returns
    -------
    dict
        ``scores``: extra columns ``shots``, ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    wide = pl.read_csv(paths[0]).rename({"n": "n_items", "size": "model"})
    wide = wide.with_columns(n_params=SIZES["128b"])
    return {"scores": tables.scores(_long(wide, ["model", "n_params", "task", "n_items", "shots"]))}


def _long(wide: pl.DataFrame, index: list[str]) -> pl.DataFrame:
    """Turn a column per metric into a row per metric."""
    import polars as pl

    from mirage import tables

    long = wide.unpivot(
        on=list(_METRICS), index=index, variable_name="metric", value_name="score"
    ).with_columns(
        pl.col("metric").replace_strict(_METRICS),
        family=pl.lit(FAMILY),
        source=pl.lit(_SOURCE),
    )
    return tables.with_direction(long)


_COMMON = {
    "licence": "Apache-2.0",
    "citation": "Srivastava et al. (2022)",
    "origin": "computed from the BIG-bench logs at github wschella/lass @ 67fefca6",
    "container": ScoreTable,
}
SPEC = Spec(
    name="bigg",
    title="BIG-G",
    files=("bigbench/bigg_t0_3shot.csv", "bigbench/bigg_t0_3shot_items.parquet"),
    n_bytes=164_000,
    caption="BIG-G at T = 0, 3 shots ({tasks} BIG-bench tasks × {models} sizes)",
    read_files=read,
    **_COMMON,
)
SHOTS_SPEC = Spec(
    name="bigg_shots",
    title="BIG-G 128B by shots",
    files=("bigbench/bigg_t0_128b_by_shots.csv",),
    n_bytes=27_000,
    caption="BIG-G 128B at T = 0, 0 to 3 shots ({tasks} BIG-bench tasks)",
    read_files=read_shots,
    **_COMMON,
)
