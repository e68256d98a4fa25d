"""Tables of scores: csv, tsv, parquet, jsonl, and JSON lists, a row per model, task and metric.

Columns are recognised by their names, whatever their case; which became which is noted, and can be
set. A column that is none of ours is kept if it belongs to the protocol (shots, revision, …).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import polars as pl

from mirage import tables
from mirage.formatting import counted
from mirage.metrics import catalogue
from mirage.readers import cells, number_columns
from mirage.readers.files import BadFile, read_parquet
from mirage.readers.found import Found, Source, number

NAME = "table"
EXPECTED = "csv, tsv, parquet or jsonl with columns for model, task, metric and score"
_NAMES = {
    "model": "model model_name model_id",
    "family": "family model_family series",
    "n_params": "n_params params parameters num_params n_parameters num_parameters model_size size "
    "model_params non_embedding_params",
    "task": "task task_name dataset benchmark eval evaluation subtask",
    "metric": "metric metric_name measure score_type",
    "score": "score value result metric_value mean",
    "stderr": "stderr std_err se standard_error score_stderr sem",
    "n_items": "n_items n num_items n_samples num_samples items samples count n_examples",
    "seed": "seed trial run repeat replicate epoch",
    "compute": "compute flop flops training_flop train_flops training_compute",
    "tokens": "tokens n_tokens training_tokens train_tokens",
    "loss": "loss_of_model validation_loss val_loss train_loss pretraining_loss",
    "higher_is_better": "higher_is_better",
    "chance": "chance chance_level baseline random_baseline guess",
    "revision": "revision checkpoint commit step",
    "shots": "shots n_shots num_shots number_of_shots num_fewshot fewshot k_shot",
    "prompt_template": "prompt_template prompt_type prompt_style prompt_name prompt_id "
    "prompt_format template",
    "quantisation": "quantisation quantization quant",
    "temperature": "temperature temp sampling_temperature",
    "split": "split eval_split data_split",
    "target_length": "target_length",
}
_ALIASES = {alias: name for name, aliases in _NAMES.items() for alias in aliases.split()}
_WANTED = ("model", "score")
_LONGEST = 1 << 16  # bytes of a first line


def matches(source: Source) -> bool:
    """Whether this is a table with, at least, a model and a score."""
    try:
        columns = columns_of(source)
    except (pl.exceptions.PolarsError, BadFile, UnicodeDecodeError):
        return False
    return columns is not None


def read_file(source: Source) -> Found:
    """Read one table."""
    found = Found()
    table = read_table(source, found)
    named, guessed = rename(table.columns, source.columns)
    if "score" not in named.values():
        table, named, metrics = _longer(table, named)
        guessed |= dict.fromkeys(metrics, "a metric")
    stated = next((c for c, name in source.columns.items() if name == "score" and c in named), None)
    if stated and "metric" not in named.values() and catalogue.find(stated):
        # Stated to be the score, a column `acc` still says which metric it is.
        table = table.with_columns(_metric=pl.lit(stated))
        named["_metric"] = "metric"
    if "model" not in named.values() and "n_params" in named.values():
        size = next(column for column, name in named.items() if name == "n_params")
        table = table.with_columns(pl.col(size).cast(pl.String).alias("model"))
        named["model"] = "model"
    missing = [name for name in _WANTED if name not in named.values()]
    if missing:
        raise BadFile(
            f"found the columns {', '.join(table.columns)}, expected one for "
            f"{' and one for '.join(missing)}, and one row per model and task; say which: "
            f"`--columns {missing[0]}=NAME` (in Python `columns={{'NAME': '{missing[0]}'}}`)"
        )
    if guessed:
        found.notes.append("columns: " + ", ".join(f"{a} is {b}" for a, b in guessed.items()))
    rows = [
        {name: cell.strip() if isinstance(cell, str) else cell for name, cell in row.items()}
        for row in table.select(pl.col(a).alias(b) for a, b in named.items()).to_dicts()
    ]
    least = number_columns.least_size(rows, exact=named.get("n_params") == "n_params")
    found.faults += number_columns.unread(rows, least)
    found.notes += number_columns.meant(rows)
    for name in ("model", "task"):
        named_rows = [row for row in rows if name not in row or cells.text_in(row[name])]
        if len(named_rows) < len(rows) and (named_rows or name == "model"):
            left = len(rows) - len(named_rows)
            found.faults.append(f"{counted(left, 'row', 'names', 'name')} no {name}: left out")
            rows = named_rows
    start = source.head.lstrip()[:1]
    is_csv = source.head[:4] != b"PAR1" and start not in (b"{", b"[")
    comma = is_csv and _separator(_first_line(source.head)) != ","
    found.scores += [_row(row, source, comma, least) for row in rows]
    return found


def _longer(
    table: pl.DataFrame, named: dict[str, str]
) -> tuple[pl.DataFrame, dict[str, str], list[str]]:
    """Turn a column per metric into a row per metric; a metric is what the catalogue lists."""
    metrics = [c for c in table.columns if c not in named and catalogue.find(c)]
    if not metrics:
        return table, named, []
    frames = []
    for metric in metrics:
        error = next((c for c in (f"{metric}_stderr", f"{metric}_se") if c in table.columns), None)
        stderr = pl.col(error).cast(pl.String) if error else pl.lit(None, pl.String)
        frames.append(
            table.select(
                *named,
                _metric=pl.lit(metric),
                _score=pl.col(metric).cast(pl.String),
                _stderr=stderr,
            )
        )
    named = {column: name for column, name in named.items() if name not in ("metric", "stderr")}
    named |= {"_metric": "metric", "_score": "score", "_stderr": "stderr"}
    return pl.concat(frames), named, metrics


def _row(row: dict[str, Any], source: Source, comma: bool, least: float) -> dict[str, Any]:
    """One row of ours: numbers as numbers, sizes as people write them."""
    out = {key: value for key, value in row.items() if key in tables.PROTOCOL or key == "family"}
    out |= settings(row)
    out |= {"model": cells.text_in(row["model"])}
    out |= {"task": cells.text_in(row.get("task")) or source.path.stem}
    if row.get("target_length") is not None:  # a part of the task, beside the whole of it
        out["task"] += f", answers of {row['target_length']}"
    out |= {"metric": cells.text_in(row.get("metric")) or "score"}
    out["n_params"] = number_columns.size(row.get("n_params"), least)
    for key in number_columns.FRACTIONS:
        out[key] = cells.fraction(row.get(key), comma)
    out["n_items"] = cells.count(row.get("n_items"))
    for key in ("seed", "shots"):
        out[key] = cells.numbered(row.get(key))
    out["higher_is_better"] = cells.flag(row.get("higher_is_better"))
    return out


def settings(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Return family and protocol of a row as text.

    A temperature is a setting of generation, and a split of the data a version of the task.
    """
    names = [name for name in ("family", *tables.PROTOCOL) if name in row and name != "shots"]
    out = {name: None if row[name] is None else str(row[name]) for name in names}
    if row.get("temperature") is not None:
        known = number(row["temperature"])
        text = f"temperature={row['temperature'] if known is None else f'{known:g}'}"
        out["generation"] = f"{out['generation']}, {text}" if out.get("generation") else text
    if row.get("split") is not None:
        version = out.get("task_version")
        out["task_version"] = f"{version}, {row['split']}" if version else str(row["split"])
    return out


def rename(present: list[str], stated: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Our name of each column that is used, and which of those were guessed."""
    unknown = [name for name in stated if name not in present]
    if unknown and len(unknown) == len(stated):
        raise BadFile(f"found no column {unknown[0]!r} among {', '.join(present)}")
    named = {column: name for column, name in stated.items() if column in present}
    guessed = {}
    for name, aliases in _NAMES.items():
        if name in named.values():
            continue
        plain = {plain_name(column): column for column in reversed(present)}
        found = next((plain[alias] for alias in aliases.split() if alias in plain), None)
        if found and found not in named:
            named[found] = name
            if found != name:
                guessed[found] = name
    for column in present:
        if column in tables.PROTOCOL and column not in named:
            named[column] = column
    return named, guessed


def plain_name(column: str) -> str:
    """A column's name in small letters, with one low line for all else."""
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_")


def columns_of(source: Source) -> list[str] | None:
    """The columns, if this is a table that names a model or a score.

    Those that the caller states are marked as present in the source, whatever it is.
    """
    head = source.head
    if head[:4] == b"PAR1":
        return pl.read_parquet_schema(source.path).names()
    start = head.lstrip()[:1]
    if start == b"{":
        table = _json_columns(source)
        if table is None:
            table = pl.DataFrame([_json_line(head.lstrip().split(b"\n", 1)[0])], strict=False)
        names = table.columns
    elif start == b"[":
        table = _json_list(source)
        names = table.columns
    else:
        first = _first_line(head)
        names = [name.strip('"') for name in first.split(_separator(first))]
        # Polars unpacks what begins like a compressed file, and no header holds such a character.
        if len(names) < 2 or any(c < " " and c != "\t" for c in first):
            return None
    source.present.update(name for name in source.columns if name in names)
    plain = {plain_name(name) for name in names}
    ours = {_ALIASES[name] for name in plain if name in _ALIASES}
    ours |= {source.columns[name] for name in names if name in source.columns}
    if "model" in ours:  # and a column per metric, in a table of nothing else
        ours |= {name for name in names if catalogue.find(name)}
    # A csv of models with other columns is meant for us, and is told what it lacks.
    told = "model" in ours and start not in (b"{", b"[")
    return names if len(ours) >= 2 or told else None


def _separator(line: str) -> str:
    return max("\t;,", key=line.count)


def _first_line(data: bytes) -> str:
    return _csv(data).split(b"\n", 1)[0].decode("utf-8").strip("\r ")


def _csv(data: bytes) -> bytes:
    """Csv from its header on: without blank lines, and Excel's ``sep=;``, before it."""
    if b"\n" not in data[:_LONGEST] and b"\r" in data[:_LONGEST]:  # of an old Macintosh
        data = data.replace(b"\r", b"\n")
    return re.sub(rb"\A(?:[ \r]*\n)*(?:\"?sep=.\"?\r?\n)?", b"", data)


def _json_list(source: Source) -> pl.DataFrame:
    from mirage.readers.files import decode

    rows = decode(msgspec.json.Decoder(list[dict[str, Any]]), source.content)
    if not rows:
        raise BadFile("the list is empty")
    return pl.DataFrame(rows, strict=False, infer_schema_length=None)


def _json_line(line: bytes) -> dict[str, Any]:
    from mirage.readers.files import decode

    return decode(msgspec.json.Decoder(dict[str, Any]), line)


def _json_columns(source: Source) -> pl.DataFrame | None:
    """A table that is one JSON object of columns, as ``to_json`` and ``to_dict`` of pandas write.

    Each column is a list, or an object with the names of the rows; all are as long.
    """
    if not source.keys:
        return None
    columns = _json_line(source.content)
    if not all(isinstance(column, list | dict) for column in columns.values()):
        return None
    rows = {tuple(c) if isinstance(c, dict) else len(c) for c in columns.values()}
    if len(rows) != 1:
        return None
    columns = {n: list(c.values()) if isinstance(c, dict) else c for n, c in columns.items()}
    return pl.DataFrame(columns, strict=False)


def read_table(source: Source, found: Found) -> pl.DataFrame:
    """Everything as text or numbers; a bad cell is null, and not the end of the file.

    What had to be left out is added to the faults and notes of `found`.
    """
    table = _table(source, found)
    source.present.update(name for name in source.columns if name in table.columns)
    return table


def _table(source: Source, found: Found) -> pl.DataFrame:
    try:
        if source.head[:4] == b"PAR1":
            return read_parquet(source.path)
        start = source.head.lstrip()[:1]
        if start == b"{":
            table = _json_columns(source)
            return _json_lines(source, found) if table is None else table
        if start == b"[":
            return _json_list(source)
        content = _csv(source.text.encode())
        read = partial(pl.read_csv, separator=_separator(_first_line(content)), infer_schema=False)
        try:
            return read(io.BytesIO(content))
        except pl.exceptions.ComputeError:
            table = read(io.BytesIO(content), truncate_ragged_lines=True)
        found.notes.append(
            "some lines have more cells than the first, and what is beyond them is left out; "
            "a name with a comma in it needs quotation marks"
        )
        return table
    except pl.exceptions.PolarsError as error:
        raise BadFile(f"found a table that cannot be read: {str(error).splitlines()[0]}") from error


def _json_lines(source: Source, found: Found) -> pl.DataFrame:
    """JSON lines; one that cannot be read, as the last of a run that was stopped, is a fault."""
    try:
        return pl.read_ndjson(io.BytesIO(source.content), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        rows, bad = [], []
    for n, line in source.lines():
        try:
            rows.append(_json_line(line))
        except BadFile:
            bad.append(n)
    if not rows:
        raise BadFile("found no line that can be read")
    if bad:
        shown = ", ".join(map(str, bad[:5]))
        found.faults.append(f"{counted(len(bad), 'line')} cannot be read, left out: {shown}")
    return pl.DataFrame(rows, strict=False, infer_schema_length=None)
