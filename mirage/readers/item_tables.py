"""Tables of items: csv, tsv, parquet, jsonl, and JSON lists, a row per model and item.

``mirage arithmetic evaluate`` writes such a table. Every column that is a metric of
`mirage.metrics.catalogue` becomes a score, the mean over the items; an item without a number under
a metric was not answered, and does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from mirage import tables
from mirage.formatting import counted
from mirage.metrics import catalogue
from mirage.readers import cells, item_metrics, number_columns, tabular
from mirage.readers.files import BadFile
from mirage.readers.found import Found, Items, Source, item_number
from mirage.readers.model_names import number_of

NAME = "table of items"
EXPECTED = "csv, tsv, parquet or jsonl with columns for model, item and metrics"
OPTIONS = ("outcomes",)
_ITEM = ("item", "item_id", "doc_id", "question_id", "sample_id", "example_id", "instance_id")
_COMMON = ("model", "family", "n_params", "task", *tables.PROTOCOL, "temperature", "split")


def matches(source: Source) -> bool:
    """Whether this is a table with a model, an item and a metric."""
    try:
        columns = tabular.columns_of(source)
    except (pl.exceptions.PolarsError, BadFile, UnicodeDecodeError):
        return False
    stated = {c: name for c, name in source.columns.items() if c in (columns or ())}
    names, _ = tabular.rename(columns or [], stated)
    found = set(names.values())
    return bool(
        "model" in found
        and "score" not in found
        and _item(columns, stated)
        and _metrics(columns, names)
    )


def _item(columns: list[str], stated: Mapping[str, str]) -> str | None:
    """The column of items: the stated one, else the first of the usual names."""
    plain = {tabular.plain_name(column): column for column in reversed(columns)}
    usual = [plain[name] for name in _ITEM if name in plain]
    return next((c for c in columns if stated.get(c) == "item"), usual[0] if usual else None)


def _metrics(columns: list[str], named: dict[str, str]) -> list[str]:
    return [c for c in columns if c not in named and catalogue.find(c)]


def read_file(source: Source, outcomes: bool) -> Found:
    """Read one table."""
    found = Found()
    whole = tabular.read_table(source, found)
    named, guessed = tabular.rename(whole.columns, source.columns)
    metrics = _metrics(whole.columns, named)
    for name in [name for name in metrics if whole.schema[name].is_nested()]:
        found.notes.append(f"{name}: no number for an item, and left out")
        metrics.remove(name)
    table = _renamed(whole, named, metrics).filter(pl.col("model").is_not_null())
    if left := whole.height - table.height:
        rows = counted(left, "row", "names", "name")
        found.faults.append(f"{rows} no model, or no item: left out")
    # A column of messages may have a metric's name ("error").
    metrics = [name for name in metrics if table[name].null_count() < table.height]
    for name in metrics:
        if bad := _unread(whole[name]):
            found.faults.append(f"{name}: {number_columns.unreadable(bad)}")
    if guessed:
        found.notes.append("columns: " + ", ".join(f"{a} is {b}" for a, b in guessed.items()))
    keys = [name for name in table.columns if name in _COMMON]
    if table.select(*keys, "item", "seed").is_duplicated().any():
        table = _renamed(_copies_dropped(whole, found.notes), named, metrics)
        table = _trials(table.filter(pl.col("model").is_not_null()), keys, found.notes)
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
        name: pl.col(column[name]).map_elements(cells.numbered, return_dtype=pl.Int64)
        if name in column and not table.schema[column[name]].is_integer()
        else pl.col(column[name]).cast(pl.Int64, strict=False)
        if name in column
        else pl.lit(None, pl.Int64)
        for name in ("seed", "target_length")
    }
    names = table[_item(table.columns, named)].cast(pl.String)
    numbers = [None if name is None else item_number(name) for name in names]
    return table.select(
        *(pl.col(column[name]).alias(name) for name in _COMMON if name in column),
        *(_values(table[name]) for name in metrics),
        **whole,
        item=pl.Series(numbers, dtype=pl.Int64),
    ).filter(pl.col("item").is_not_null())


def _values(column: pl.Series) -> pl.Series:
    """Numbers of a metric; where there is none, what "True" and "no" mean."""
    numbers = column.cast(pl.Float64, strict=False)
    if column.dtype != pl.String or numbers.null_count() == column.null_count():
        return numbers
    plain = column.str.strip_chars()
    flags = {text: cells.flag(text) for text in plain.unique().drop_nulls()}
    known = {text: float(value) for text, value in flags.items() if value is not None}
    meant = plain.replace_strict(known, default=None, return_dtype=pl.Float64)
    return plain.cast(pl.Float64, strict=False).fill_null(meant)


def _unread(column: pl.Series) -> set[str]:
    """Cells that hold neither a number nor a blank."""
    if column.dtype != pl.String:
        return set()
    texts = column.filter(_values(column).is_null()).unique()
    return {text for text in texts if not cells.is_blank(text)}


def _trials(table: pl.DataFrame, keys: list[str], notes: list[str]) -> pl.DataFrame:
    """Number the further trials of items that come again, since no column does."""
    trials = table.with_columns(_again=pl.int_range(pl.len()).over([*keys, "item", "seed"]))
    n = int((trials["_again"] > 0).sum())
    if not n:
        return table
    notes.append(
        f"{counted(n, 'row', 'has', 'have')} an item that was there before, taken as further trials"
    )
    seed = pl.struct("seed", "_again").rank("dense").cast(pl.Int64) - 1
    return trials.with_columns(seed=seed).drop("_again")


def _copies_dropped(table: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Leave out rows that are those of others in every column."""
    try:
        once = table.unique(maintain_order=True)
    except pl.exceptions.PolarsError:  # columns of lists and others that cannot be compared
        return table
    if once.height < table.height:
        notes.append(
            f"{counted(table.height - once.height, 'row', 'is a copy', 'are copies')} of others, "
            "and dropped"
        )
    return once


def _common(row: dict[str, Any], source: Source) -> dict[str, Any]:
    """What holds for all items of a model and task."""
    return tabular.settings(row) | {
        "model": str(row["model"]),
        "task": str(row.get("task") or source.path.stem),
        "n_params": number_of(row.get("n_params")),
        "shots": cells.numbered(row.get("shots")),
    }
