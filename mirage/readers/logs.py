"""One door to everybody's logs: each file is recognised by its content, and read as what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mirage.files import DataError
from mirage.formatting import counted
from mirage.readers import assemble, own
from mirage.readers.files import BadFile
from mirage.readers.found import Found, Source
from mirage.readers.model_names import number_of

if TYPE_CHECKING:
    import polars as pl

# In the order in which they are asked: what is general comes last.
FORMATS = (
    "lm_eval_samples",
    "lm_eval",
    "lighteval",
    "inspect_logs",
    "helm",
    "bigbench_files",
    "every_eval_ever",
    "opencompass",
    "item_tables",
    "tabular",
)
SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".eval", ".zip", ".gz")
_SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")  # named among the faults: they may hold the scores
_PACKED = (".xz", ".bz2", ".zst")  # named among the faults, with what unpacks them


class Logs(NamedTuple):
    """What was read from files of any format.

    Attributes
    ----------
    scores : polars.DataFrame
        A score table (`mirage.tables.scores`): one row per family, model, task and metric, under
        one protocol. A score is null where a log holds no number for it, so that the curve can say
        so. Further columns: ``stderr``, ``higher_is_better`` (as stated, else as known, else
        null), ``chance`` (of a uniform guess, where the log states the choices), ``is_group`` (an
        average over other tasks of the table), ``date``, ``file``, ``format``, and those columns
        of `mirage.tables.PROTOCOL` of which anything is known. ``recomputed`` is true for a
        metric that was computed here from saved answers.
    outcomes : polars.DataFrame or None
        An outcome table (`mirage.tables.outcomes`), one row per item that a model answered, where
        the files hold items: ``filter`` and the columns of the protocol, and a column per metric,
        named as in `mirage.metrics.catalogue`.
    faults : tuple of str
        One line for each file, model, row, value or stated column that could not be read: which,
        and why.
    notes : tuple of str
        One line for each decision: columns guessed, copies dropped, an older run replaced, items
        left out, a recomputed score that differs from the logged one.
    files : polars.DataFrame
        ``file, format, n_scores, n_outcomes, fault`` of every file that was looked at.
    """

    scores: pl.DataFrame
    outcomes: pl.DataFrame | None
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    files: pl.DataFrame

    @property
    def n_files(self) -> int:
        """How many files were read."""
        return self.files["fault"].null_count()


class _Read(NamedTuple):
    source: str
    format: str | None
    found: Found
    fault: str | None
    columns: frozenset[str] = frozenset()  # of those that the caller states


def read(
    paths: str | Path | Iterable[str | Path],
    *,
    n_params: Mapping[str, int | str] | str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    formats: Iterable[str] | None = None,
    outcomes: bool = True,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Logs:
    """Read logs of language-model evaluations, whatever tool wrote them.

    Parameters
    ----------
    paths : path or iterable of paths
        Files, and folders, which are searched at every depth.
    n_params : mapping or path, optional
        Parameters by model name, as numbers or as text ("1.4B"), for models whose files and names
        do not tell; or a file of them: JSON, or CSV with the columns ``model`` and ``n_params``.
    columns : mapping of str to str, optional
        Of tables (csv, parquet, jsonl): the name of our column for a column of the file, where
        its name does not tell, such as ``{"acc_pct": "score"}``. One that no file has is a fault.
    formats : iterable of str, optional
        Names of the formats to look for (`FORMATS`); by default all.
    outcomes : bool
        Whether to read the items of logs that have them, too.
    strict : bool
        Make a fault an error.
    progress : callable, optional
        Called as ``progress(n_done, n_files)``.

    Returns
    -------
    Logs
        Tables, faults and notes.

    Raises
    ------
    DataError
        Where nothing can be read: what was looked at, and what would be read; or with ``strict``
        where there is any fault.

    Notes
    -----
    What is compressed is unpacked within the bounds of `mirage.readers.unpack`: a file from which
    too much comes out is a fault, and never fills the memory.

    See Also
    --------
    mirage.emergence.judge.table : Judge every curve of the scores.

    Examples
    --------
    >>> import json, tempfile
    >>> log = {"results": {"sums": {"acc,none": 0.25, "acc_stderr,none": 0.0435}},
    ...        "config": {"limit": None}, "model_name": "acme/quill-70m"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = Path(folder, "results.json").write_text(json.dumps(log))
    ...     logs = read(folder)
    >>> logs.scores.select("family", "model", "n_params", "metric", "score", "n_items").row(0)
    ('quill', 'quill-70m', 70000000, 'acc', 0.25, 100)
    """
    files, ignored, reports = _files([paths] if isinstance(paths, str | Path) else paths)
    readers = [import_module(f"mirage.readers.{name}") for name in formats or FORMATS]
    options = {"columns": columns, "outcomes": outcomes}
    read_files = []
    for n_done, path in enumerate(files, 1):
        read_files.append(_read(path, readers, options))
        if progress:
            progress(n_done, len(files))
    unknown = _unknown_columns(columns or {}, read_files)
    found = _put_together(read_files, ignored, _sizes(n_params), unknown, strict, readers)
    notes = tuple(f"{folder}: an audit's own report, and left out" for folder in reports)
    return found._replace(notes=found.notes + notes)


def _files(paths: Iterable[str | Path]) -> tuple[list[Path], list[Path], list[str]]:
    """Files to read, those in folders whose names end in nothing that we read, and our reports."""
    chosen, ignored, reports = [], [], {}
    for path in map(Path, paths):
        if not path.is_dir():
            chosen.append(path)
            continue
        for file in sorted(_below(path)):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            ours = file.name in own.NAMES and reports.setdefault(
                file.parent, own.is_report(file.parent)
            )
            if file.is_dir() or (_is_log(file) and not hidden and not ours):
                chosen.append(file)
            elif not ours:
                ignored.append(file)
    return (
        list(dict.fromkeys(chosen)),
        ignored,
        [str(folder) for folder in reports if reports[folder]],
    )


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, links to folders included, each folder once.

    A folder that cannot be listed stands for its files, so that it becomes a fault.
    """
    seen, closed = set(), []
    for place, folders, files in os.walk(folder, onerror=closed.append, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (file for name in files if (file := Path(place, name)).is_file())
    yield from (Path(error.filename) for error in closed)


def _is_log(file: Path) -> bool:
    *_, before, last = "", "", *(suffix.lower() for suffix in file.suffixes)
    if file.name.startswith("~$"):  # a lock of Excel's, beside a file that is open
        return False
    return last in (*SUFFIXES, *_SHEETS) or (last in _PACKED and before in SUFFIXES)


def _read(path: Path, readers: list[Any], options: dict[str, Any]) -> _Read:
    """Read one file by the first format whose content it has."""
    from polars.exceptions import PolarsError

    name = source = fault = None
    found = Found()
    try:
        if path.is_dir():
            raise BadFile("the folder cannot be listed; may you read it?")
        source = Source(path, options["columns"])
        reader = next((reader for reader in readers if reader.matches(source)), None)
        if reader is None:
            raise BadFile(_unknown(source, readers) if source.head.strip() else "the file is empty")
        name = reader.NAME
        found = reader.read_file(source, **_accepted(reader, options))
    except BadFile as error:
        fault = str(error)
    except (OSError, EOFError) as error:
        fault = getattr(error, "strerror", None) or str(error)
    except (ArithmeticError, AttributeError, LookupError, PolarsError, TypeError, ValueError) as e:
        # A form that no reader foresaw costs its own file, and not the others.
        why = f"{type(e).__name__}: {e}".splitlines()[0]
        fault = f"found another form of {name} than known ({why})"
    return _Read(str(path), name, found, fault, frozenset(source.present if source else ()))


def _accepted(reader: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key in getattr(reader, "OPTIONS", ())}


def _unknown(source: Source, readers: list[Any]) -> str:
    """Say what a file looks like, and what was expected."""
    import msgspec

    if source.path.suffix.lower() in _SHEETS:
        return "found a spreadsheet, expected text; save the sheet with the scores as csv"
    found = "no JSON, and no table"
    if source.keys:
        found = f"a JSON object with the keys {', '.join(sorted(source.keys)[:6])}"
    elif source.keys is not None:
        found = "a JSON list"
    elif source.head.lstrip()[:1] in (b"{", b"["):
        try:
            msgspec.json.decode(source.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            found = f"JSON that cannot be decoded ({error})"
    expected = "; ".join(f"{reader.NAME}: {reader.EXPECTED}" for reader in readers)
    return f"found {found}, expected one of: {expected}"


def _unknown_columns(columns: Mapping[str, str], read_files: list[_Read]) -> list[str]:
    """A fault for each column that the caller states and no file has."""
    known = frozenset().union(*(one.columns for one in read_files))
    return [
        f"columns: no file has a column {column!r}, stated to be {name}"
        for column, name in columns.items()
        if column not in known
    ]


def _sizes(n_params: Mapping[str, int | str] | str | Path | None) -> dict[str, int]:
    """Parameters by model name, of a mapping or a file."""
    if n_params is None:
        return {}
    if not isinstance(n_params, Mapping):
        n_params = _sizes_in(Path(n_params))
    sizes = {}
    for model, text in n_params.items():
        size = number_of(text)
        if size is None:
            raise DataError(f"n_params: found {text!r} for {model!r}, expected a size such as 1.4B")
        sizes[model] = size
    return sizes


def _sizes_in(path: Path) -> dict[str, Any]:
    """Sizes by model of a file; a model without one is left to its name."""
    import msgspec
    import polars as pl

    from mirage.readers import cells, tabular

    try:
        source = Source(path)
        if source.head.lstrip()[:1] == b"{" and not source.has_lines:
            named = msgspec.json.decode(source.content, type=dict[str, int | float | str | None])
            rows = list(named.items())
        else:
            table = tabular.read_table(source, Found())
            ours, _ = tabular.rename(table.columns, {})
            rows = table.rename(ours).select("model", "n_params").rows()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, BadFile, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path}: expected a JSON object of sizes by model, or CSV with the columns model and "
            f"n_params; {str(error).splitlines()[0]}"
        ) from error
    sizes: dict[str, Any] = {}
    for model, size in ((cells.text_in(model), size) for model, size in rows):
        if model is None or cells.is_blank(size):
            continue
        if sizes.setdefault(model, size) != size:
            raise DataError(f"{path}: {model} has two sizes, {sizes[model]} and {size}")
    return sizes


def _put_together(
    read_files: list[_Read],
    ignored: list[Path],
    sizes: dict[str, int],
    unknown_columns: list[str],
    strict: bool,
    readers: list[Any],
) -> Logs:
    import polars as pl

    faults = [
        f"{one.source}: {fault}"
        for one in read_files
        for fault in (*([one.fault] if one.fault else ()), *one.found.faults)
    ]
    notes = [f"{one.source}: {note}" for one in read_files for note in one.found.notes]
    if ignored:
        names = ", ".join(sorted({file.suffix or file.name for file in ignored})[:5])
        are = "is" if len(ignored) == 1 else "are"
        of_kinds = f"{counted(len(ignored), 'file')} of other kinds {are} left out"
        notes.append(f"{of_kinds} ({names})")
    rows = []
    for one in read_files:
        told = {"file": one.source, "format": one.format, "source": f"{one.format}, {one.source}"}
        for row in one.found.scores:
            row |= told  # in place, see `assemble.identify`
            rows.append(row)
    parts = [
        (part.common | {"file": one.source, "format": one.format, "_table": part.table})
        for one in read_files
        for part in one.found.outcomes
    ]
    rows, unknown, told_apart = assemble.identify([*rows, *parts], sizes)
    assemble.tell_trials(rows)
    parts = [(row, row.pop("_table")) for row in rows if "_table" in row]
    rows = [row for row in rows if "metric" in row]
    assemble.fill_chance(rows, parts)
    rows, repeated = assemble.once(rows)
    notes += told_apart + repeated + assemble.count_items(rows)
    faults += unknown + unknown_columns
    if not rows or (strict and faults):
        raise DataError(_nothing(read_files, faults, readers, bool(rows)))
    files = pl.DataFrame(
        [
            (
                one.source,
                one.format,
                len(one.found.scores),
                sum(part.table.height for part in one.found.outcomes),
                one.fault,
            )
            for one in read_files
        ],
        schema={
            "file": pl.String,
            "format": pl.String,
            "n_scores": pl.Int64,
            "n_outcomes": pl.Int64,
            "fault": pl.String,
        },
        orient="row",
    )
    scores = assemble.score_table(rows)
    outcomes = assemble.outcome_table(parts, notes)
    return Logs(scores, outcomes, tuple(faults), tuple(notes), files)


def _nothing(read_files: list[_Read], faults: list[str], readers: list[Any], some: bool) -> str:
    """Why there is no result: how many files are bad, and the first three."""
    shown = "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if faults[3:] else "")
    if some:
        bad = sum(one.fault is not None for one in read_files)
        read = f"{bad} of {counted(len(read_files), 'result file')} cannot be read"
        return f"{read}: {shown}" if bad else shown
    looked = f"found no results in {counted(len(read_files), 'file')}"
    expected = "; ".join(f"{reader.NAME}: {reader.EXPECTED}" for reader in readers)
    return f"{looked}: {shown}" if faults else f"{looked}, expected one of: {expected}"
