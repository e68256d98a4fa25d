"""Human raters on BIG-bench: the average and the best of them, 178 tasks.

From the Python package bigbench 1.0.0. Columns: ``task``, ``metric``, ``rater`` (``average`` or
``best``), ``score``. Know before use:

- people have no number of parameters: this is no score table;
- shares are in percent there (BIG-bench shows people so) and fractions here, as in
  :mod:`mirage.readers.bigbench`; BLEU, ROUGE and ``normalized_aggregate_score`` stay on 0 to 100;
- NaN are no rows here, and of a 179th task nothing else is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ItemTable
from mirage.readers.files import decode

_DECODER = msgspec.json.Decoder(dict[str, dict[str, dict[str, float | None]]])
_RATERS = {"average": "average", "expert": "best"}
_PERCENT = {"multiple_choice_grade", "exact_str_match"}  # its other fractions are fractions


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the human scores.

    Parameters
    ----------
    paths : sequence of Path
        The file (json).

    Returns
    -------
    dict
        ``table``, a row per task, metric and rater.
    """
    import polars as pl

    file = decode(_DECODER, paths[0].read_bytes())
    rows = [
        (task, metric, _RATERS[rater], score / 100 if metric in _PERCENT else score)
        for rater, tasks in file.items()
        for task, scores in tasks.items()
        for metric, score in scores.items()
        if score is not None
    ]
    return {"table": pl.DataFrame(rows, schema=["task", "metric", "rater", "score"], orient="row")}


SPEC = Spec(
    name="human_eval",
    title="BIG-bench human raters",
    licence="Apache-2.0",
    citation="Srivastava et al. (2022)",
    origin="a file of the Python package bigbench 1.0.0",
    files=("bigbench/human_eval.json",),
    n_bytes=78_000,
    caption="human raters on BIG-bench ({tasks} tasks, average and best)",
    container=ItemTable,
    read_files=read,
)
