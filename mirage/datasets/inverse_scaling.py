"""Inverse-scaling pipeline, item by item: GPT-3, InstructGPT, GPT-2 and OPT (behind Figure 6).

421 288 rows of github naimenz/inverse-scaling-eval-pipeline @ 34c8c7b0. Know before use:

- a *run* is a task in one version on one family, and is the ``task`` here; not every run has all
  models of its family;
- what was measured differs between runs: the loss (−log p of the right answer, nats), whether the
  right class got the largest p, a difference of log odds, or an estimated number;
- rows in which nothing was measured are left out;
- ``correct`` is blank in some runs, and in part of one (``anli_r1-gpt3``): those have no accuracy;
- sizes of GPT-3 models are those of the GPT-3 paper that their scores match; OpenAI states none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable

if TYPE_CHECKING:
    import polars as pl

_SOURCE = "github naimenz/inverse-scaling-eval-pipeline @ 34c8c7b0"
_MEASURED = ("loss", "correct", "logodds", "logodds_difference", "estimate")
_GPT3 = {"ada": 350e6, "babbage": 1.3e9, "curie": 6.7e9, "davinci": 175e9}
_MODELS = {
    "GPT-3": _GPT3,
    "InstructGPT": {f"text-{name}-001": size for name, size in _GPT3.items()},
    "GPT-2": {"gpt2": 124e6, "gpt2-medium": 355e6, "gpt2-large": 774e6, "gpt2-xl": 1.558e9},
    "OPT": {"opt-125m": 125e6, "opt-350m": 350e6, "opt-1.3b": 1.3e9},
}
_METRICS = {"accuracy": "correct", "negative log-likelihood": "loss"}


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the outcomes, and average them into scores.

    Parameters
    ----------
    paths : sequence of Path
        The table (parquet).

    Returns
    -------
    dict
        ``outcomes``: extra columns ``correct, loss, total_logprob, logodds, logodds_difference,
        estimate``. ``scores``: accuracy and negative log-likelihood (nats) where every item of
        the run has it; extra columns ``stderr`` (of the mean) and ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    models = pl.DataFrame(
        [
            (family, model, int(n))
            for family, sizes in _MODELS.items()
            for model, n in sizes.items()
        ],
        schema=["family", "model", "n_params"],
        orient="row",
    )
    raw = pl.read_parquet(paths[0]).filter(
        pl.any_horizontal(pl.col(name).is_not_null() for name in _MEASURED)
    )
    raw = raw.rename({"run": "task", "index": "item"}).with_columns(pl.col("correct").cast(bool))
    outcomes = tables.outcomes(raw.join(models, on="model", maintain_order="left"))
    return {"scores": _average(outcomes), "outcomes": outcomes}


def _average(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Average each quantity over the items of a run, where all have it."""
    import polars as pl

    from mirage import tables

    frames = []
    for metric, column in _METRICS.items():
        value = pl.col(column).cast(pl.Float64)
        cell = outcomes.group_by("family", "model", "n_params", "task", maintain_order=True).agg(
            score=value.mean(),
            n_items=pl.len(),
            stderr=value.std() / pl.len().sqrt(),
            n_known=value.count(),
        )
        whole = cell.filter(pl.col("n_known") == pl.col("n_items")).drop("n_known")
        frames.append(whole.with_columns(metric=pl.lit(metric)))
    scores = tables.scores(pl.concat(frames).with_columns(source=pl.lit(_SOURCE)))
    return tables.with_direction(scores)


SPEC = Spec(
    name="inverse_scaling",
    title="inverse-scaling per sample",
    licence="none stated",
    citation="McKenzie et al. (2023)",
    origin="hundreds of result files of github naimenz/inverse-scaling-eval-pipeline @ 34c8c7b0",
    files=("llm/inverse_scaling_per_sample.parquet",),
    n_bytes=3_600_000,
    caption="inverse-scaling pipeline ({models} models, {tasks} runs, item by item)",
    container=ScoreTable,
    read_files=read,
)
