"""The score files of google/BIG-bench as a data set; see :mod:`mirage.readers.bigbench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets import bigbench_download, simulated
from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable
from mirage.readers import bigbench


def read_archive(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the fetched archive.

    Parameters
    ----------
    paths : sequence of Path
        The archive.

    Returns
    -------
    dict
        ``scores`` and ``faults``, as :func:`mirage.readers.bigbench.read` gives them.
    """
    found = bigbench.read(paths[0])
    return {"scores": found.scores, "faults": found.faults}


def stand_in() -> dict[str, Any]:
    """Simulate four tasks on BIG-G's twelve sizes: one composite, 0 and 3 shots alike."""
    import polars as pl

    parts = {"simulated_sums:short": 2, "simulated_sums:long": 10}
    tasks = {"simulated_choices": 1, "simulated_strings": 5} | parts
    cells = simulated.answers(simulated.SIZES, tasks, n_items=200)
    metrics = ["exact_str_match", "calibration_multiple_choice_brier_score"]
    constant = {"family": "BIG-G T=0", "non_embedding_params": None, "total_params": None}
    table = pl.concat(
        simulated.score_rows(cells, metrics, shots=shots, **constant) for shots in (0, 3)
    )
    preferred = pl.col("metric") == "exact_str_match"
    ends = {"low_score": 0.0, "high_score": 1.0}
    table = table.with_columns(
        pl.col("non_embedding_params", "total_params").cast(pl.Float64),
        *(pl.when(preferred).then(pl.lit(end)).alias(name) for name, end in ends.items()),
        n_items=pl.lit(None, pl.Int64),
        n_params_from=pl.lit("flop-matched"),
        parent_task=pl.col("task").str.split(":").list.first(),
        is_preferred=preferred,
        is_aggregate=False,
    )
    whole = table.filter(preferred, pl.col("task").str.contains(":"))
    key = [c for c in table.columns if c not in ("task", "score", "metric")]
    whole = whole.group_by(key, maintain_order=True).agg(score=100 * pl.col("score").mean())
    whole = whole.with_columns(
        task=pl.col("parent_task"),
        metric=pl.lit(bigbench.AGGREGATE),
        high_score=100.0,
        is_aggregate=True,
    )
    return {"scores": pl.concat([table, whole.select(table.columns)]), "faults": ()}


SPEC = Spec(
    name="bigbench",
    title="BIG-bench score files",
    licence="Apache-2.0",
    citation="Srivastava et al. (2022)",
    origin=f"github google/BIG-bench @ {bigbench_download.COMMIT[:8]}, thousands of score files",
    files=(bigbench_download.ARCHIVE,),
    n_bytes=30_000_000,
    caption="BIG-bench score files ({tasks} tasks and subtasks, {models} models, {rows} scores)",
    stand_in_caption="stand-in: scores simulated from the paper's model, not BIG-bench score files",
    container=ScoreTable,
    read_files=read_archive,
    stand_in=stand_in,
    download=bigbench_download.download,
    urls=(bigbench_download.PROBE,),
    by_name_only=True,
)
