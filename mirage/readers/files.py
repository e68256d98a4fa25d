"""What readers of many result files share: decoding with a schema, and naming the bad ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mirage.files import DataError

if TYPE_CHECKING:
    import msgspec
    import polars as pl

T = TypeVar("T")
CELLS = 1 << 28  # values of a parquet table: 2 GiB as numbers
# Python writes these three, JSON has none of them; a string is matched first and left alone.
_NOT_JSON = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b')


class ResultFiles(NamedTuple):
    """What was read from a set of result files.

    Attributes
    ----------
    scores : polars.DataFrame
        A score table.
    faults : tuple of str
        One line for each file that could not be read: which, and why.
    n_files : int
        How many were read.
    n_blank : int
        Values left out because they are no finite numbers.
    """

    scores: pl.DataFrame
    faults: tuple[str, ...]
    n_files: int
    n_blank: int


class BadFile(DataError):
    """Why one result file cannot be read; its reader names the file."""


def decode(decoder: msgspec.json.Decoder, data: bytes) -> Any:
    """Decode JSON with a schema; Python's ``NaN`` and ``Infinity`` become null.

    Parameters
    ----------
    decoder : msgspec.json.Decoder
        Made with the schema.
    data : bytes
        A JSON document.

    Returns
    -------
    object
        As the schema says.

    Raises
    ------
    BadFile
        Where the document is truncated, damaged, or of another form.

    Examples
    --------
    >>> import msgspec
    >>> decode(msgspec.json.Decoder(dict[str, float | None]), b'{"NaN": NaN, "b": 1}')
    {'NaN': None, 'b': 1.0}
    """
    import msgspec

    try:
        try:
            return decoder.decode(data)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return decoder.decode(_NOT_JSON.sub(_null, data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(str(error)) from error


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a parquet file; a damaged one is an error like any other.

    Parameters
    ----------
    path : Path

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    BadFile
        Polars cannot read it, or panics at it, which no ``except Exception`` catches; or it has
        more than `CELLS` values, which take no room in the file where they are all the same.
    """
    import polars as pl

    try:
        lazy = pl.scan_parquet(path)
        n_rows, n_columns = lazy.select(pl.len()).collect().item(), len(lazy.collect_schema())
        if n_rows * n_columns > CELLS:
            raise BadFile(
                f"found a table of {n_rows:,} rows and {n_columns} columns, expected at most "
                f"{CELLS:,} values; split it by model"
            )
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadFile(f"found a damaged parquet file: {why}") from error


def _null(match: re.Match[bytes]) -> bytes:
    return match[0] if match[0].startswith(b'"') else b"null"


def read_each(
    files: Iterable[tuple[str, bytes | OSError]],
    parse: Callable[[str, bytes], T],
    strict: bool,
) -> tuple[list[T], tuple[str, ...]]:
    """Parse every file; a bad one is named, and the rest stands.

    Parameters
    ----------
    files : iterable of (str, bytes or OSError)
        Name and content of each file, or why it has none.
    parse : callable
        ``parse(name, content)`` raises :class:`BadFile` for a bad one.
    strict : bool
        Make a bad file an error.

    Returns
    -------
    parsed : list
        One result per good file.
    faults : tuple of str
        One line per bad file.

    Raises
    ------
    DataError
        With ``strict``, after all files were looked at: how many are bad, and the first three.

    Examples
    --------
    >>> read_each([("a", b"1"), ("b", OSError("gone"))], lambda name, data: int(data), False)
    ([1], ('b: gone',))
    """
    parsed, faults = [], []
    for name, content in files:
        try:
            if isinstance(content, OSError):
                raise BadFile(content.strerror or str(content))
            parsed.append(parse(name, content))
        except BadFile as error:
            faults.append(f"{name}: {error}")
    if strict and faults:
        shown = "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if faults[3:] else "")
        n_files = len(parsed) + len(faults)
        raise DataError(f"{len(faults)} of {n_files} result files cannot be read: {shown}")
    return parsed, tuple(faults)


def contents(paths: Iterable[Path]) -> Iterator[tuple[str, bytes | OSError]]:
    """Read files one after the other.

    Parameters
    ----------
    paths : iterable of Path
        The files.

    Yields
    ------
    name : str
        The path.
    content : bytes or OSError
        The bytes, or why they cannot be read.

    Examples
    --------
    >>> [(name, type(content).__name__) for name, content in contents([Path("not-there.json")])]
    [('not-there.json', 'FileNotFoundError')]
    """
    for path in paths:
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            yield str(path), error
