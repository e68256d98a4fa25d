"""Pythia on addition and multiplication by operand: 7 sizes × 6 checkpoints × 0 to 16 shots.

From github EleutherAI/pythia @ a19eecb8, ``evals/``. Task ``addition 7`` is a sum of which one
operand is 7; operands are 0 to 99. Know before use:

- 50 items a cell, which the standard errors imply: the accuracy is a multiple of .02;
- the models bear their names of before 2023. The names of today count all parameters, and are
  the ``n_params`` here: 125M, 350M, 800M, 1.3B, 2.7B, 6.7B, 13B became 160M, 410M, 1B, 1.4B,
  2.8B, 6.9B, 12B;
- filter by ``step`` and ``shots`` before looking for emergence over sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable

N_ITEMS = 50
# Old name (EleutherAI/pythia-…-deduped): all parameters, nominal.
_SIZES = {
    "125m": 160_000_000,
    "350m": 410_000_000,
    "800m": 1_000_000_000,
    "1.3b": 1_400_000_000,
    "2.7b": 2_800_000_000,
    "6.7b": 6_900_000_000,
    "13b": 12_000_000_000,
}


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores.

    Parameters
    ----------
    paths : sequence of Path
        The table (csv, gzip).

    Returns
    -------
    dict
        ``scores``: extra columns ``operation``, ``operand``, ``step`` (of training), ``shots``,
        ``stderr``, ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    name = pl.col("model").str.extract(r"pythia-(.+)-deduped")
    parts = pl.col("task").str.extract_groups(r"num_reasoning_arithmetic_(.+)_(\d+)$")
    table = pl.read_csv(paths[0]).select(
        family=pl.lit("Pythia deduped"),
        model=name,
        n_params=name.replace_strict(_SIZES),
        metric=pl.lit("accuracy"),
        score="acc",
        n_items=pl.lit(N_ITEMS),
        source=pl.lit("github EleutherAI/pythia @ a19eecb8"),
        operation=parts.struct[0],
        operand=parts.struct[1].cast(pl.Int64),
        step="checkpoint",
        shots="fewshot",
        stderr="acc_stderr",
    )
    table = table.with_columns(task=pl.format("{} {}", "operation", "operand"))
    return {"scores": tables.with_direction(tables.scores(table))}


SPEC = Spec(
    name="pythia_arithmetic",
    title="Pythia arithmetic",
    licence="Apache-2.0",
    citation="Biderman et al. (2023)",
    origin="seven result tables of github EleutherAI/pythia @ a19eecb8, evals/, put together",
    files=("llm/pythia_arithmetic.csv.gz",),
    n_bytes=157_000,
    caption="Pythia arithmetic ({models} sizes, {tasks} tasks, 6 checkpoints, 0 to 16 shots)",
    container=ScoreTable,
    read_files=read,
)
