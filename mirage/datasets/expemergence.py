"""ExpEmergence (Wu and Lo 2024): up to 70 open models on two BIG-bench tasks, by difficulty.

Accuracy and the *target* Brier score (1 − p)² of BIG-bench arithmetic, and the Brier score of
Persian question answering, on the whole task and in ten groups of items of equal size. Know before
use:

- rows 112 and 113 of each file are GPT-2 results a second time, under a wrong size: left out;
- rows without results, blank ones too, are left out;
- the groups were formed by the metric itself, over all models: group 1 of the accuracy is not
  the same set of items as group 1 of the Brier score, and the lines within a metric are ordered
  by construction;
- ``openlm-research/open_llama_7b_v2`` stands there with 13 billion parameters: 7 here, and its
  compute with it;
- the compute of some families is blank.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage.datasets.remote import Remote, download_pinned
from mirage.datasets.spec import GITHUB, Spec
from mirage.datasets.tables import ScoreTable
from mirage.metrics import catalogue

if TYPE_CHECKING:
    import polars as pl

COMMIT = "76a84af05e184dfcf096db8b12526b4899afdbb9"
_RAW = f"{GITHUB}/tony10101105/ExpEmergence/{COMMIT}/data"
_WRONG_SIZE = {"openlm-research/open_llama_7b_v2": 7 / 13}
_MISLABELLED = (112, 113)
_METRICS = {"acc": "accuracy", "brier": "target Brier score"}
_N_GROUPS = 10
# The columns "acc" and "brier" of a whole task stand in more than one file: each is read once.
_FILES = (("arithmetic", "acc"), ("arithmetic", "brier"), ("parsinlu_qa", "brier"))
_N_ITEMS = {"arithmetic": 15_023, "parsinlu_qa": 1_050}
_REMOTES = (
    Remote(
        "llm/expemergence/bigbench_arithmetic_accuracy.csv",
        f"{_RAW}/arithmetic/acc_arithmetic_instance_brier_-1000_63.09573444801933_10_redist.csv",
        "b3cf99391c8397045ceef95213f47bdda13f7c3ff854c9865caa515006ae51f2",
    ),
    Remote(
        "llm/expemergence/bigbench_arithmetic_brier.csv",
        f"{_RAW}/arithmetic/arithmetic_instance_brier_-1000_63.09573444801933_10_redist.csv",
        "a7e71aefafd9cb69e94e2524981acb68e18228947c19516e2ba1a22c851ce89b",
    ),
    Remote(
        "llm/expemergence/parsinlu_qa_brier.csv",
        f"{_RAW}/parsinlu_qa_mc/"
        "parsinlu_qa_mc_instance_brier_-1000_199.52623149688787_10_redist.csv",
        "659c91e09a628eeec4743a3fd8d68b7478a55d2a32b6e72183995933fbccf463",
    ),
)


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the scores of whole tasks and of their groups.

    Parameters
    ----------
    paths : sequence of Path
        Three tables (csv): arithmetic by accuracy and by Brier score, Persian by Brier score.

    Returns
    -------
    dict
        ``scores``: extra columns ``group`` (1, the hardest, to 10; null for the whole task, and
        part of the name in ``task``), ``n_tokens``, ``higher_is_better``.
    """
    import polars as pl

    from mirage import tables

    frames = [
        _long(path, task, grouped_by)
        for path, (task, grouped_by) in zip(paths, _FILES, strict=True)
    ]
    return {"scores": tables.with_direction(tables.scores(pl.concat(frames)))}


def _long(path: Path, task: str, grouped_by: str) -> pl.DataFrame:
    """Read a file: its groups, and the scores of the whole task that no earlier file has."""
    import polars as pl

    metric = _METRICS[grouped_by]
    wide = pl.read_csv(path, infer_schema_length=None).with_row_index("row")
    wide = wide.filter(~pl.col("row").is_in(_MISLABELLED))
    columns = [c for c in wide.columns if re.fullmatch(rf"\d+_\d+_{grouped_by}", c)]
    # Files are sorted by ascending score: the first accuracy and the last Brier score are hard.
    rises = catalogue.get(metric).higher_is_better
    hardest_first = columns if rises else columns[::-1]
    n_items = _N_ITEMS[task]
    blocks = [
        (column, f"{task}, group {i} of {_N_GROUPS}", i, metric, _size(column))
        for i, column in enumerate(hardest_first, 1)
    ]
    if grouped_by == "brier":  # this file has both scores of the whole task
        blocks += [(c, task, None, _METRICS[c], n_items) for c in _METRICS]
    return pl.concat(_block(wide, *block) for block in blocks)


def _size(column: str) -> int:
    """Count the items of a group, whose column is named by the first and the last-but-one."""
    first, end = re.match(r"(\d+)_(\d+)_", column).groups()
    return int(end) - int(first)


def _block(
    wide: pl.DataFrame,
    column: str,
    task: str,
    group: int | None,
    metric: str,
    n_items: int,
) -> pl.DataFrame:
    """Read one column as rows of a score table."""
    import polars as pl

    share = pl.col("Model").replace_strict(_WRONG_SIZE, default=1.0)
    return wide.drop_nulls(column).select(
        family="Model Family",
        model="Model",
        n_params=(pl.col("Model Size (B)") * 1e9 * share).round().cast(pl.Int64),
        compute=pl.col("FLOPs (1E21)") * 1e21 * share,
        task=pl.lit(task),
        metric=pl.lit(metric),
        score=pl.col(column),
        n_items=pl.lit(n_items, pl.Int64),
        source=pl.lit(f"github tony10101105/ExpEmergence @ {COMMIT[:8]}"),
        group=pl.lit(group, pl.Int64),
        n_tokens=pl.col("Pretraining Data Size (T)") * 1e12,
    )


def download(folder: Path) -> None:
    """Download the three files."""
    download_pinned(_REMOTES, folder)


SPEC = Spec(
    name="expemergence",
    title="ExpEmergence",
    licence="MIT",
    citation="Wu, Lo (2024)",
    origin=f"github tony10101105/ExpEmergence @ {COMMIT[:8]}",
    files=tuple(remote.file for remote in _REMOTES),
    n_bytes=148_000,
    caption="ExpEmergence ({models} open models, two BIG-bench tasks)",
    container=ScoreTable,
    read_files=read,
    download=download,
    urls=tuple(remote.url for remote in _REMOTES),
)
