"""The score files of google/BIG-bench as a data set; see :mod:`mirage.readers.bigbench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets import bigbench_download
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


SPEC = Spec(
    name="bigbench",
    title="BIG-bench score files",
    licence="Apache-2.0",
    citation="Srivastava et al. (2022)",
    origin=f"github google/BIG-bench @ {bigbench_download.COMMIT[:8]}, thousands of score files",
    files=(bigbench_download.ARCHIVE,),
    n_bytes=30_000_000,
    caption="BIG-bench score files ({tasks} tasks and subtasks, {models} models, {rows} scores)",
    container=ScoreTable,
    read_files=read_archive,
    download=bigbench_download.download,
    urls=(bigbench_download.PROBE,),
    by_name_only=True,
)
