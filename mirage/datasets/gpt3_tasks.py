"""The GPT-3 paper's own arithmetic items (Brown et al. 2020): 5 tasks of 2 000 items.

Columns: ``task``, ``item`` (its place in the file), ``context`` (the question, ending in ``A:``),
``completion`` (the answer, after a space), ``target_length`` (digits of the answer).
Know before use: operands are uniform from 0 to the largest of their digits, so "54 times 4" is a
two-digit multiplication, and short answers come from small operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mirage.datasets.remote import Remote, download_pinned
from mirage.datasets.spec import GITHUB, Spec
from mirage.datasets.tables import ItemTable

_RAW = f"{GITHUB}/openai/gpt-3/12766ba31aa6de490226e8517de75329e0d12dd4/data"
# Task: largest operand, SHA-256 of the file.
_TASKS = {
    "two_digit_multiplication": (
        99,
        "5613d1d1cc3b2c03edc1990252247d34c10ec82944b2cdeb19e71b00f237f431",
    ),
    "two_digit_addition": (
        99,
        "75a54b7a3db3b23369df74fe440c23025f3d3c51f664300bd3d56632b2617b3d",
    ),
    "three_digit_addition": (
        999,
        "124865e30efd2abfbc1855dd34c218fc02d32d780ace970ab9b4ea3fa74c798b",
    ),
    "four_digit_addition": (
        9_999,
        "459c6f75baa2e8d7cf50bdd07db6d0ca9133a6b137d95d09267db85b6e07f391",
    ),
    "five_digit_addition": (
        99_999,
        "30ada42efe315b958c6e9649274005d3b720e50298e92c3a2d321f8996e58f54",
    ),
}
_REMOTES = tuple(
    Remote(f"llm/gpt3_tasks/{task}.jsonl", f"{_RAW}/{task}.jsonl", digest)
    for task, (_, digest) in _TASKS.items()
)


class _Item(msgspec.Struct):
    context: str
    completion: str


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the items.

    Parameters
    ----------
    paths : sequence of Path
        A file (JSON lines) per task.

    Returns
    -------
    dict
        ``table``, a row per item.
    """
    items = [
        (path.stem, i, item.context, item.completion)
        for path in paths
        for i, item in enumerate(msgspec.json.Decoder(_Item).decode_lines(path.read_bytes()))
    ]
    return {"table": _table(items)}


def _table(items: list[tuple[str, int, str, str]]) -> Any:
    """Turn items into a table, and count the digits of the answers."""
    import polars as pl

    columns = ["task", "item", "context", "completion"]
    length = pl.col("completion").str.strip_chars().str.len_chars().cast(pl.Int64)
    return pl.DataFrame(items, schema=columns, orient="row").with_columns(target_length=length)


def download(folder: Path) -> None:
    """Download the five files."""
    download_pinned(_REMOTES, folder)


SPEC = Spec(
    name="gpt3_tasks",
    title="GPT-3 arithmetic items",
    licence="none stated",
    citation="Brown et al. (2020)",
    origin="github openai/gpt-3 @ 12766ba3, data/",
    files=tuple(remote.file for remote in _REMOTES),
    n_bytes=733_000,
    caption="arithmetic items of the GPT-3 paper ({tasks} tasks, {rows} items)",
    container=ItemTable,
    read_files=read,
    download=download,
    urls=(_REMOTES[0].url,),
)
