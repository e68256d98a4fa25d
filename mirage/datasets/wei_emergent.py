"""The BIG-bench tasks that J. Wei's blog post calls emergent, by model.

Columns: ``model``, the smallest at which the task is called emergent; ``task``, with underscores
as BIG-bench spells it; ``complete``, whether the model's list is here whole.
Know before use: of PaLM 540B's 25 tasks only 5 are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mirage.datasets.spec import Spec
from mirage.datasets.tables import ItemTable


class _File(msgspec.Struct):
    tasks: dict[str, list[str]]
    complete: dict[str, bool]


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the annotations.

    Parameters
    ----------
    paths : sequence of Path
        The lists (json).

    Returns
    -------
    dict
        ``table``, a row per annotated pair of task and model.
    """
    import polars as pl

    file = msgspec.json.decode(paths[0].read_bytes(), type=_File)
    rows = [
        (model, task.replace(" ", "_"), file.complete[model])
        for model, tasks in file.tasks.items()
        for task in tasks
    ]
    return {"table": pl.DataFrame(rows, schema=["model", "task", "complete"], orient="row")}


SPEC = Spec(
    name="wei_emergent",
    title="tasks annotated as emergent",
    licence="none stated",
    citation="Wei (2022)",
    origin="J. Wei's blog post, '137 emergent abilities of large language models'",
    files=("bigbench/wei_emergent_tasks.json",),
    n_bytes=2_000,
    caption="tasks labelled emergent by Wei (2022) ({rows} of BIG-bench, {models} models)",
    container=ItemTable,
    read_files=read,
)
