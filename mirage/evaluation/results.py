"""Answers of models as the two tables of :mod:`mirage.tables`.

A failed item is blank and left out of the scores, which say how many items they rest on: a server
that broke down tells nothing of a model.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from mirage import tables
from mirage.arithmetic import tasks
from mirage.files import DataError, atomic_write
from mirage.metrics import catalogue
from mirage.metrics.strings import exact_match, token_accuracy, token_edit_distance
from mirage.readers.files import BadFile, read_parquet
from mirage.statistics.intervals import mean_interval, wilson_interval

_CHECKSUM = "mirage: CRC-32 of the values as JSON"
SOURCE = "mirage arithmetic evaluate"
ASKED = ["family", "model", "n_params", "task", "split", "shots", "temperature", "seed"]
# Name in the score table, column of the outcomes.
METRICS = (
    ("exact match", "exact_match"),
    ("token accuracy", "token_accuracy"),
    ("token edit distance", "token_edit_distance"),
    ("target log-likelihood", "log_likelihood"),
)
_TYPES = {"temperature": pl.Float64, "log_likelihood": pl.Float64} | dict.fromkeys(
    ("prompt", "target", "completion", "reason", "error"), pl.String
)


def outcomes(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Score each answer.

    Parameters
    ----------
    rows : iterable of mappings
        ``family, model, n_params, task, item, target_length, seed, split, shots,
        temperature, prompt, target, completion, log_likelihood, reason, error``.

    Returns
    -------
    polars.DataFrame
        The same, and ``prediction``, the answer in the completion
        (:func:`mirage.arithmetic.tasks.parse`); ``exact_match`` (0 or 1, higher is better);
        ``token_accuracy`` (0 to 1, higher is better); ``token_edit_distance`` (characters, lower
        is better). All four are blank where there is no completion.

    Raises
    ------
    ValueError
        As :func:`mirage.tables.outcomes`.

    Examples
    --------
    >>> row = dict(family="a", model="a-1", n_params=10, task="two-digit-multiplication", item=0,
    ...            target_length=4, seed=0, split="all", shots=2,
    ...            temperature=0.0, prompt="…", target="4275", completion=" 4,271",
    ...            log_likelihood=-2.5, reason=None, error=None)
    >>> outcomes([row]).select("prediction", "exact_match", "token_edit_distance").row(0)
    ('4271', 0.0, 1)
    """
    table = pl.DataFrame(list(rows), schema_overrides=_TYPES, infer_schema_length=None)
    answered = table.with_row_index("row").filter(pl.col("completion").is_not_null())
    predictions = [tasks.parse(text) for text in answered["completion"].to_list()]
    targets = answered["target"].to_list()
    scored = {"row": answered["row"], "prediction": pl.Series(predictions, dtype=pl.String)}
    for score in (exact_match, token_accuracy, token_edit_distance):
        name = score.__name__
        kind = pl.Int64 if name == "token_edit_distance" else pl.Float64
        values = score(predictions, targets) if targets else []
        scored[name] = pl.Series(values, dtype=kind)
    table = table.with_row_index("row").join(
        pl.DataFrame(scored), on="row", how="left", maintain_order="left"
    )
    return tables.outcomes(table.drop("row"))


def check_replaceable(path: Path) -> None:
    """Check, before any request, that a file may be replaced: an earlier run wrote it.

    Parameters
    ----------
    path : Path
        Where outcomes or scores are to go; absent is fine.

    Raises
    ------
    DataError
        The name is the journal's, or the file is no parquet table of ours.
    """
    if path.suffix == ".jsonl":
        raise DataError(
            f"{path}: the ending .jsonl is that of the journal of answers, which lies beside the "
            "table; expected another ending, e.g. .parquet"
        )
    if not path.exists():
        return
    found = _read(path).columns
    if missing := [
        name for name in ("family", "model", "task", "temperature") if name not in found
    ]:
        raise _foreign(path, f"it has no column {missing[0]!r}")


def write(table: pl.DataFrame, path: Path) -> None:
    """Write a table as parquet, completely or not at all.

    Raises
    ------
    DiskError
        As :func:`mirage.files.atomic_write`. Polars has an error of its own for a full disk, so
        that it writes to memory here.
    """
    buffer = io.BytesIO()
    table.write_parquet(buffer, metadata={_CHECKSUM: _checksum(table)})
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def _read(path: Path) -> pl.DataFrame:
    """Read a table of ours, whose content is the one that was written."""
    try:
        table = read_parquet(path)
        stated = pl.read_parquet_metadata(path).get(_CHECKSUM)
    except (BadFile, pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        raise _foreign(path, str(error)) from error
    if stated is not None and stated != _checksum(table):  # older versions wrote none
        raise _foreign(path, "it was changed or damaged since")
    return table


def _checksum(table: pl.DataFrame) -> str:
    """Of the values, whatever the version of polars that writes them."""
    return f"{zlib.crc32(msgspec.json.encode(table.to_dict(as_series=False))):08x}"


def _foreign(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} is no table of an earlier run ({' '.join(why.split())[:200]}), and is left alone: "
        "move it, or name another file with --out"
    )


def replaced(path: Path, new: pl.DataFrame) -> pl.DataFrame:
    """Add new outcomes to the table in a file; they replace earlier ones of the same questions.

    Parameters
    ----------
    path : Path
        Parquet, or absent.
    new : polars.DataFrame
        As :func:`outcomes`.

    Returns
    -------
    polars.DataFrame
        Sorted by model, task, temperature and item.

    Raises
    ------
    DataError
        The file is something else.
    """
    same = [name for name in ASKED if name not in ("family", "n_params")]
    if path.exists():
        try:
            old = _read(path).join(new, on=same, how="anti")
            new = pl.concat([old, new])
        except pl.exceptions.PolarsError as error:
            raise _foreign(path, str(error)) from error
    return new.sort(*ASKED, "item")


def scores(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Average the outcomes, over all items and for each target length.

    Parameters
    ----------
    outcomes : polars.DataFrame
        As :func:`outcomes`.

    Returns
    -------
    polars.DataFrame
        A score table with ``target_length`` (blank: all), ``low`` and ``high``: the 95 % interval
        over items, Wilson's for exact match and Student's for the others. An end that nothing
        bounds is blank (one item, or equal values of a metric without a limit).
        A metric without a value on any item has no row.

    Raises
    ------
    DataError
        Every question failed.

    Examples
    --------
    >>> from mirage.evaluation import results
    >>> row = dict.fromkeys(results.ASKED, "a") | dict(n_params=10, seed=0, target_length=1)
    >>> row |= dict(item=0, exact_match=1.0, token_accuracy=1.0, token_edit_distance=0,
    ...             log_likelihood=None)
    >>> results.scores(pl.DataFrame([row])).select("metric", "score", "n_items").rows()[0]
    ('exact match', 1.0, 1)
    """
    every = outcomes.with_columns(target_length=pl.lit(None, dtype=pl.Int64))
    rows = []
    for table in (every, outcomes):
        by = [*ASKED, "target_length"]
        for key, group in table.group_by(by, maintain_order=True):
            common = dict(zip(by, key, strict=True)) | {"source": SOURCE}
            rows += [common | row for row in _averages(group)]
    if not rows:
        wrong = outcomes["error"].drop_nulls().first()
        raise DataError(f"all {outcomes.height} questions failed, the first with: {wrong}")
    return tables.scores(pl.DataFrame(rows, infer_schema_length=None))


def unsampled(outcomes: pl.DataFrame, n_items: int = 20) -> list[str]:
    """List models whose answers at a temperature above 0 equal those at 0 on every item.

    Some servers sample only where the checkpoint's own settings say so, and ignore what was asked
    (transformers 5.23 does). A model that is right on all items may rightly do the same.

    Parameters
    ----------
    outcomes : polars.DataFrame
        As :func:`outcomes`.
    n_items : int
        Fewer items than these say nothing.

    Returns
    -------
    list of str
        Sorted.
    """
    greedy = outcomes.filter(temperature=0.0)
    same = ["model", "task", "split", "shots", "seed", "item"]
    both = outcomes.filter(pl.col("temperature") > 0).join(greedy, on=same)
    found = both.group_by("model", "temperature").agg(
        equal=(pl.col("prediction") == pl.col("prediction_right")).all(),
        imperfect=(pl.col("exact_match") < 1).any(),
        n=pl.len(),
    )
    chosen = found.filter("equal", "imperfect", pl.col("n") >= n_items)
    return sorted(set(chosen["model"]))


def wordy(outcomes: pl.DataFrame) -> dict[str, int]:
    """Count answers that contain the right number among other words: not an exact match.

    Parameters
    ----------
    outcomes : polars.DataFrame
        As :func:`outcomes`.

    Returns
    -------
    dict of str to int
        By model; a model without such answers is left out. ``**42**``, ``The answer is 42.`` and
        full-width digits count.
    """
    wrong = outcomes.filter(pl.col("exact_match") == 0)
    counts: dict[str, int] = {}
    for model, completion, target in wrong.select("model", "completion", "target").iter_rows():
        plain = unicodedata.normalize("NFKC", completion).replace(",", "")
        if re.search(rf"(?<![\d.]){re.escape(target)}(?![\d]|\.\d)", plain):
            counts[model] = counts.get(model, 0) + 1
    return counts


def _averages(group: pl.DataFrame) -> Iterable[dict[str, Any]]:
    for metric, column in METRICS:
        values = group[column].drop_nulls().cast(pl.Float64).to_numpy()
        if not len(values):
            continue
        known = catalogue.get(metric)
        if known.kind == catalogue.SHARE:
            interval = wilson_interval(values.sum(), len(values))
        else:
            interval = mean_interval(values, bounds=known.bounds)
        low, high = (float(end) if np.isfinite(end) else None for end in interval)
        yield {
            "metric": metric,
            "score": float(values.mean()),
            "low": low,
            "high": high,
            "n_items": len(values),
        }
