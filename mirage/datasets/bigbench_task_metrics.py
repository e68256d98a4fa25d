"""The metric that each BIG-bench task prefers: 167 JSON tasks with their subtasks, 42 in code.

From the Python package bigbench 1.0.0. A row per entry; columns:

- ``task``, ``subtask`` (null for the task itself), ``kind``: ``"json"`` or ``"code"``;
- ``metric``: the preferred one. Null where a JSON task only has subtasks, and for code that uses
  several, each of which then has a row with its ``n_uses`` in the code;
- ``metrics``: all metrics of a JSON entry;
- ``n_items``, ``n_multiple_choice``, ``mean_choices``: its items, those with choices, and how many
  choices they have on average;
- ``has_subtasks``.

Know before use:

- of a task in code only the strings in the code are known: not which of them the results use;
- four tasks (list_functions, mult_data_wrangling, multiemo, natural_instructions) have two thirds
  of all entries, so that a share of entries is a share of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ItemTable


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read both lists.

    Parameters
    ----------
    paths : sequence of Path
        The entries of JSON tasks, the strings in the code of the others (csv).

    Returns
    -------
    dict
        ``table``, a row per entry.
    """
    import polars as pl

    entries = pl.read_csv(paths[0], infer_schema_length=None).select(
        "task",
        "subtask",
        kind=pl.lit("json"),
        metric="preferred_score",
        metrics=pl.col("metrics").str.split(";"),
        n_items="n_examples",
        n_multiple_choice="n_multiple_choice",
        mean_choices="mean_choices",
        has_subtasks=pl.col("has_children") == 1,
    )
    uses = pl.col("preferred_scores_in_code").str.split(";")
    code = pl.read_csv(paths[1]).with_columns(use=uses).explode("use")
    parts = pl.col("use").str.extract_groups(r"^(?<metric>.+) x(?<n_uses>\d+)$")
    code = code.select("task", parts.alias("part"), kind=pl.lit("code")).unnest("part")
    code = code.with_columns(pl.col("n_uses").cast(pl.Int64))
    return {"table": pl.concat([entries, code], how="diagonal")}


SPEC = Spec(
    name="bigbench_task_metrics",
    title="BIG-bench task metrics",
    licence="Apache-2.0",
    citation="Srivastava et al. (2022)",
    origin="the task files and the code of the Python package bigbench 1.0.0",
    files=("bigbench/task_metrics.csv", "bigbench/programmatic_task_metrics.csv"),
    n_bytes=168_000,
    caption="preferred metrics of {tasks} BIG-bench tasks ({rows} entries)",
    container=ItemTable,
    read_files=read,
)
