"""Tables of items: csv, tsv, parquet, jsonl, and JSON lists, a row per model and item.

``mirage arithmetic evaluate`` writes such a table. Every column that is a metric of
`mirage.metrics.catalogue` becomes a score, the mean over the items; an item without a number under
a metric was not answered, and does not count.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from mirage import tables
from mirage.metrics import catalogue
from mirage.readers import item_metrics, tabular
from mirage.readers.files import BadFile
from mirage.readers.found import Found, Items, Source, item_number, number
from mirage.readers.model_names import number_of

NAME = "table of items"
EXPECTED = "csv, tsv, parquet or jsonl with columns for model, item and metrics"
OPTIONS = ("outcomes",)
_ITEM = ("item", "item_id", "doc_id", "sample_id", "example_id", "instance_id")
_COMMON = ("model", "family", "n_params", "task", *tables.PROTOCOL, "temperature", "split")


def matches(source: Source) -> bool:
    """Whether this is a table with a model, an item and a metric."""
    try:
        columns = tabular.columns_of(source)
    except (pl.exceptions.PolarsError, BadFile, UnicodeDecodeError):
        return False
    names, _ = tabular.rename(columns or [], {})
    found = set(names.values())
    return bool(
        "model" in found and "score" not in found and _item(columns) and _metrics(columns, names)
    )


def _item(columns: list[str]) -> str | None:
    return next((c for c in columns if tabular.plain_name(c) in _ITEM), None)


def _metrics(columns: list[str], named: dict[str, str]) -> list[str]:
    return [c for c in columns if c not in named and catalogue.find(c)]


def read_file(source: Source, outcomes: bool) -> Found:
    """Read one table."""
    whole = tabular.read_table(source)
    named, guessed = tabular.rename(whole.columns, source.columns)
    metrics = _metrics(whole.columns, named)
    table = _renamed(whole, named, metrics).filter(pl.col("model").is_not_null())
    # A column of messages may have a metric's name ("error").
    metrics = [name for name in metrics if table[name].null_count() < table.height]
    found = Found()
    if guessed:
        found.notes.append("columns: " + ", ".join(f"{a} is {b}" for a, b in guessed.items()))
    keys = [name for name in table.columns if name in _COMMON]
    for _, part in table.group_by(keys, maintain_order=True):
        common = _common(part.row(0, named=True), source)
        items = part.select("item", "seed", "target_length", *metrics)
        if outcomes:
            found.outcomes.append(Items(common, items))
        for (seed,), trial in items.group_by("seed", maintain_order=True):
            averages = item_metrics.Averages()
            averages.add({name: trial[name].fill_null(float("nan")).to_numpy() for name in metrics})
            found.scores += [common | {"seed": seed} | row for row in averages.rows()]
    if not found.scores:
        raise BadFile("found no number in the columns of metrics")
    return found


def _renamed(table: pl.DataFrame, named: dict[str, str], metrics: list[str]) -> pl.DataFrame:
    """Our columns, the items as whole numbers, and the metrics as floating-point numbers."""
    column = {name: column for column, name in named.items()}
    whole = {
        name: pl.col(column[name]).cast(pl.Int64, strict=False)
        if name in column
        else pl.lit(None, pl.Int64)
        for name in ("seed", "target_length")
    }
    names = table[_item(table.columns)].cast(pl.String)
    numbers = [None if name is None else item_number(name) for name in names]
    return table.select(
        *(pl.col(column[name]).alias(name) for name in _COMMON if name in column),
        *(pl.col(name).cast(pl.Float64, strict=False) for name in metrics),
        **whole,
        item=pl.Series(numbers, dtype=pl.Int64),
    ).filter(pl.col("item").is_not_null())


def _common(row: dict[str, Any], source: Source) -> dict[str, Any]:
    """What holds for all items of a model and task."""
    shots = number(row.get("shots"))
    return tabular.settings(row) | {
        "model": str(row["model"]),
        "task": str(row.get("task") or source.path.stem),
        "n_params": number_of(row.get("n_params")),
        "shots": None if shots is None else int(shots),
    }
