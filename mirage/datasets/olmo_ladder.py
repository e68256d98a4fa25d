"""OLMo ladder (Bhagia et al. 2024): several metrics of the same outputs, size and tokens apart.

The last evaluation of 30 runs: 190M, 370M, 760M, 1B and 3B parameters, each trained on 0.5, 1, 2, 5
and 10 times its Chinchilla-optimal number of tokens, and each once more on 1 time (``rerun``).
Metrics of the same answers: accuracy, probability of the right choice among the choices
(``target probability``), its logarithm, and bits per byte of the right answer; besides, the loss on
eleven validation sets. Know before use:

- one curve is one ``budget`` over the sizes, or one size over the budgets; ``rerun`` is false for
  the 25 runs of the grid;
- ``loss`` is that of the C4 validation set, in nats;
- accuracy is by length-normalised log-likelihood, except BoolQ's, which is plain;
- questions are ranked (not multiple choice letters), with 5 shots;
- ``split`` is ``val`` or ``test``; tasks that have both have other items in each;
- the number of items is not in the source.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ScoreTable

# Parameters without embeddings, as src/ladder/ladder.py of the source counts them.
_SIZES = {
    "190M": 190_354_176,
    "370M": 371_262_464,
    "760M": 758_220_288,
    "1B": 1_279_395_840,
    "3B": 3_169_537_280,
}
_METRICS = {
    "len_norm": ("accuracy, normalised", True),
    "acc": ("accuracy", True),
    "soft": ("target probability", True),
    "soft_log": ("target log-likelihood", True),
    "bpb": ("bits per byte", False),
}
_ANSWERS = re.compile(
    r"eval/downstream\w*/(.+)_(val|test)_rc_5shot_(len_norm|acc|soft_log|soft|bpb)"
)
_LOSSES = re.compile(r"eval/(.+)-validation/CrossEntropyLoss")
_C4 = "eval/c4_en-validation/CrossEntropyLoss"


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores.

    Parameters
    ----------
    paths : sequence of Path
        The table (csv), a row per run.

    Returns
    -------
    dict
        ``scores``: ``compute`` in FLOP, ``loss`` in nats; extra columns ``n_tokens`` (of training),
        ``budget`` (multiples of the Chinchilla-optimal number of tokens), ``rerun``, ``split``,
        ``shots``, ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    wide = pl.read_csv(paths[0], infer_schema_length=None).with_columns(
        family=pl.lit("OLMo ladder"),
        model=pl.format("{}-{}xC{}", "size", _budget(), _again()),
        n_params=pl.col("size").replace_strict(_SIZES),
        compute=pl.col("throughput/total_training_Gflops") * 1e9,
        n_tokens=pl.col("throughput/total_tokens"),
        budget=pl.col("chinchilla"),
        loss=pl.col(_C4),
    )
    key = ["family", "model", "n_params", "compute", "n_tokens", "budget", "rerun", "loss"]
    columns = [column for column in wide.columns if _named(column)]
    long = wide.unpivot(on=columns, index=key, variable_name="column", value_name="score")
    names = pl.DataFrame(
        [(column, *_named(column)) for column in columns],
        schema=["column", "task", "split", "metric", "shots", "higher_is_better"],
        orient="row",
    )
    long = long.join(names, on="column", maintain_order="left").drop("column")
    long = long.with_columns(source=pl.lit("github allenai/OLMo-ladder @ 67a3f440"))
    return {"scores": tables.scores(long)}


def _budget() -> Any:
    """Write the budget as the source names its runs: 0.5, 1, 2, 5, 10."""
    import polars as pl

    return pl.col("chinchilla").cast(pl.String).str.strip_suffix(".0")


def _again() -> Any:
    """Write the mark of a rerun."""
    import polars as pl

    return pl.when("rerun").then(pl.lit("-rerun")).otherwise(pl.lit(""))


def _named(column: str) -> tuple[str, str, str, int, bool] | None:
    """Return task, split, metric, shots and direction of a column; None for no score."""
    if match := _ANSWERS.fullmatch(column):
        metric, higher = _METRICS[match[3]]
        return match[1], match[2], metric, 5, higher
    if match := _LOSSES.fullmatch(column):
        return match[1], "val", "loss", 0, False
    return None


SPEC = Spec(
    name="olmo_ladder",
    title="OLMo ladder",
    licence="Apache-2.0",
    citation="Bhagia et al. (2024)",
    origin="the last rows of the result tables of github allenai/OLMo-ladder @ 67a3f440",
    files=("llm/olmo_ladder_final.csv",),
    n_bytes=60_000,
    caption="OLMo ladder ({models} runs of 5 sizes and 5 token budgets; {tasks} tasks and texts)",
    container=ScoreTable,
    read_files=read,
)
