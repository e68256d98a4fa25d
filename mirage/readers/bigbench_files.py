"""Official BIG-bench score files among logs of other formats; see `mirage.readers.bigbench`."""

from __future__ import annotations

import polars as pl

from mirage.files import DataError
from mirage.readers import bigbench, unpack
from mirage.readers.files import BadFile
from mirage.readers.found import Found, Source

NAME = "BIG-bench"
EXPECTED = "a JSON object with 'scores' and 'model', or a zip archive of scores_*.json"


def matches(source: Source) -> bool:
    """Whether this is a score file of BIG-bench, or an archive of them."""
    if source.head[:4] == b"PK\x03\x04":
        return any("scores_" in name for name in unpack.names_of(source.path))
    return {"scores", "model"} <= (source.keys or frozenset())


def read_file(source: Source) -> Found:
    """Read the scores; chance is the lowest score that a task states for its metric."""
    try:
        read = bigbench.read(source.path)
    except (DataError, pl.exceptions.PolarsError) as error:
        raise BadFile(str(error).splitlines()[0]) from error
    kept = ["family", "model", "n_params", "task", "metric", "score", "shots", "higher_is_better"]
    rows = read.scores.select(*kept, is_group="is_aggregate", chance="low_score").to_dicts()
    for row in rows:
        if row["chance"] is not None and not 0 < row["chance"] < 1:
            row["chance"] = None
    return Found(scores=rows, notes=list(read.faults))
