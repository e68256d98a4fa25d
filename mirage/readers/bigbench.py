"""BIG-bench score files in their official format (Srivastava et al. 2022), behind Figure 5.

``<task>/results/scores_<family>_<model>.json``, one per task and model, from a clone of
google/BIG-bench, or from the archive that ``mirage data fetch bigbench`` makes. Know before use:

- ``n_params`` is ``flop_matched_non_embedding_params``, the size of the dense model that costs as
  much; where a file states none, it is the non-embedding or the total number, which
  ``n_params_from`` says;
- ``task`` is ``task:subtask`` for a part of a composite task. A composite task's own rows are
  averages of its parts: ``is_aggregate`` marks them, so that nobody pools the two;
- a file may hold several numbers of shots: a curve has one, so filter or group by ``shots``;
- metrics that are at most 1 (`mirage.metrics.catalogue`) are divided by 100 where a file gives
  them in percent. BLEU, ROUGE, ``sequence_f1`` and ``normalized_aggregate_score`` stay on their
  scale up to 100;
- ``low_score`` and ``high_score`` belong to the preferred metric of their entry alone;
- the number of items is not in the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from mirage.files import DataError
from mirage.metrics import catalogue
from mirage.readers import unpack
from mirage.readers.files import BadFile, ResultFiles, contents, decode, read_each

if TYPE_CHECKING:
    import polars as pl

AGGREGATE = "normalized_aggregate_score"
_NUMBERS = (int, float)  # not bool, which is an int to isinstance
_PERCENT = 1.5  # a fraction is at most 1, and BLEURT little more: above, it is a percentage


class _Score(msgspec.Struct):
    score_dict: dict[str, Any]
    preferred_score: str | None = None
    number_of_shots: int | None = None
    low_score: float | None = None
    high_score: float | None = None
    subtask_description: str | None = None


class _Model(msgspec.Struct):
    model_family: str
    model_name: str
    flop_matched_non_embedding_params: float | None = None
    non_embedding_params: float | None = None
    total_params: float | None = None


class _Task(msgspec.Struct):
    task_name: str | None = None


class _File(msgspec.Struct):
    scores: list[_Score]
    model: _Model
    task: _Task = msgspec.field(default_factory=_Task)


_DECODER = msgspec.json.Decoder(_File)
_FILE_COLUMNS = {
    "family": str,
    "model": str,
    "n_params": int,
    "n_params_from": str,
    "non_embedding_params": float,
    "total_params": float,
    "source": str,
    "parent_task": str,
}
_ENTRY_COLUMNS = {
    "file": int,
    "task": str,
    "shots": int,
    "preferred": str,
    "is_aggregate": bool,
    "low_score": float,
    "high_score": float,
}


class _Parsed(NamedTuple):
    """One file: its own columns, those of its entries, and the scores of each."""

    about: tuple
    entries: list[tuple]
    scores: list[dict[str, float]]
    n_blank: int


def read(source: str | Path, strict: bool = False) -> ResultFiles:
    """Read all score files of a clone, a folder or an archive into one score table.

    Parameters
    ----------
    source : path
        A clone of google/BIG-bench, any folder with ``scores_*.json`` in it, one such file, or the
        zip archive that ``mirage data fetch bigbench`` makes.
    strict : bool
        Make a bad file an error; else it is named in ``faults`` and the rest is read.

    Returns
    -------
    ResultFiles
        ``scores`` has the extra columns ``parent_task, shots, is_preferred, is_aggregate,
        low_score, high_score, higher_is_better, n_params_from, non_embedding_params,
        total_params``.

    Raises
    ------
    DataError
        Where there is no score file that can be read, or with ``strict`` where one cannot.

    Examples
    --------
    >>> import json, tempfile
    >>> entry = {"score_dict": {"exact_str_match": 25.0}, "preferred_score": "exact_str_match",
    ...          "number_of_shots": 2, "low_score": 0, "high_score": 100,
    ...          "subtask_description": "arithmetic:sums"}
    >>> model = {"model_family": "toy", "model_name": "1m", "total_params": 1100000,
    ...          "flop_matched_non_embedding_params": 1000000}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "scores_toy_1m.json")
    ...     n = file.write_text(json.dumps({"scores": [entry], "model": model,
    ...                                     "task": {"task_name": "arithmetic"}}))
    ...     table = read(folder).scores
    >>> table.select("task", "n_params", "score", "shots").row(0)
    ('arithmetic:sums', 1000000, 0.25, 2)
    """
    from mirage import tables

    source = Path(source)
    parsed, faults = read_each(_contents(source), _parse, strict)
    if not any(scores for file in parsed for scores in file.scores):
        raise DataError(
            f"no BIG-bench scores in {source}: "
            + (faults[0] if faults else "expected files <task>/results/scores_*.json")
        )
    table = tables.scores(_join(parsed))
    return ResultFiles(table, faults, len(parsed), sum(file.n_blank for file in parsed))


def _join(parsed: list[_Parsed]) -> pl.DataFrame:
    """Put files, entries and scores together: a row per score."""
    import polars as pl

    from mirage import tables

    files = pl.DataFrame([file.about for file in parsed], schema=_FILE_COLUMNS, orient="row")
    rows = [(i, *entry) for i, file in enumerate(parsed) for entry in file.entries]
    entries = pl.DataFrame(rows, schema=_ENTRY_COLUMNS, orient="row")
    scores = [of_entry for file in parsed for of_entry in file.scores]
    which = np.repeat(np.arange(len(scores)), [len(of_entry) for of_entry in scores])
    values = pl.DataFrame(
        {
            "metric": [metric for of_entry in scores for metric in of_entry],
            "score": np.array([score for of_entry in scores for score in of_entry.values()], float),
        }
    )
    of_file = files[entries["file"][which]]
    table = pl.concat([of_file, entries.drop("file")[which], values], how="horizontal")
    preferred = (pl.col("metric") == pl.col("preferred")).fill_null(False)
    low, high = (pl.when(preferred).then(pl.col(end)) for end in ("low_score", "high_score"))
    table = table.with_columns(
        is_preferred=preferred,
        low_score=low,
        high_score=high,
        higher_is_better=pl.when(low != high).then(high > low),
    )
    return tables.with_direction(table.drop("preferred"))


def _contents(source: Path) -> Iterator[tuple[str, bytes | OSError]]:
    """Give the name and the content of each score file."""
    if source.suffix != ".zip":
        files = find(source) if source.is_dir() else [source]
        for file, (_, content) in zip(files, contents(files), strict=True):
            yield short_name(file), content
        return
    try:
        with unpack.archive_of(source) as archive:
            for name in archive.names:
                try:
                    content = archive.read(name)
                except BadFile as error:
                    content = OSError(str(error))
                yield name, content
    except (OSError, BadFile) as error:
        raise DataError(f"{source} is no readable zip archive: {error}") from error


def _parse(name: str, data: bytes) -> _Parsed:
    """Decode one file, scale its fractions, and count the values that are no finite numbers."""
    file = decode(_DECODER, data)
    parent = file.task.task_name or _task_of(name)
    model = file.model
    sizes = (*_size(model), model.non_embedding_params, model.total_params)
    about = (model.model_family, model.model_name, *sizes, f"google/BIG-bench, {name}", parent)
    tasks = [_task(parent, entry.subtask_description) for entry in file.scores]
    composite = len(set(tasks)) > 1
    in_percent = _in_percent(file.scores)
    entries, scores, seen = [], [], Counter()
    for task, entry in zip(tasks, file.scores, strict=True):
        shots, preferred = entry.number_of_shots, entry.preferred_score
        # Some programmatic tasks score several things under one description: numbered in order.
        seen[task, shots] += 1
        nth = seen[task, shots]
        label = task if nth == 1 else f"{task} #{nth}"
        aggregate = preferred == AGGREGATE or (composite and task == parent)
        ends = (entry.low_score, entry.high_score)
        if preferred in in_percent:
            ends = tuple(None if end is None else end / 100 for end in ends)
        entries.append((label, shots, preferred, aggregate, *ends))
        numbers = {m: v for m, v in entry.score_dict.items() if type(v) in _NUMBERS and isfinite(v)}
        for metric in in_percent & numbers.keys():
            numbers[metric] /= 100
        scores.append(numbers)
    n_all = sum(len(entry.score_dict) for entry in file.scores)
    return _Parsed(about, entries, scores, n_all - sum(map(len, scores)))


def _task_of(name: str) -> str:
    """Return the task that a file's place tells: ``<task>/results/scores_….json``."""
    parts = Path(name).parts
    if len(parts) < 3 or parts[-2] != "results":
        raise BadFile("no task: neither 'task' in the file nor a folder <task>/results around it")
    return parts[-3]


def _task(parent: str, subtask: str | None) -> str:
    if not subtask or subtask == parent:
        return parent
    return subtask if subtask.startswith(f"{parent}:") else f"{parent}:{subtask}"


def _size(model: _Model) -> tuple[int, str]:
    """Return the model's size and which of the three numbers it is."""
    sizes = {
        "flop-matched": model.flop_matched_non_embedding_params,
        "non-embedding": model.non_embedding_params,
        "total": model.total_params,
    }
    for which, size in sizes.items():
        if size and size >= 1:  # models whose size is secret have 0 or null
            return round(size), which
    raise BadFile(f"no size of {model.model_family} {model.model_name} is stated")


def _is_fraction(metric: str) -> bool:
    known = catalogue.find(metric)
    return known is not None and 0 < known.bounds[1] <= _PERCENT


def _in_percent(entries: Sequence[_Score]) -> set[str]:
    """Tell which fractions a file gives in percent.

    The highest possible score decides where it is stated, else whether any value exceeds 1.
    """
    percent, fraction = set(), {}
    for entry in entries:
        for metric in filter(_is_fraction, entry.score_dict):
            value = entry.score_dict[metric]
            top = entry.high_score if metric == entry.preferred_score else None
            if top is not None and top > 0:
                if top > _PERCENT:
                    percent.add(metric)
                else:
                    fraction[metric] = top
            if isinstance(value, (int, float)) and value > _PERCENT:
                percent.add(metric)
    if mixed := sorted(percent & fraction.keys()):
        raise BadFile(
            f"{mixed[0]}: some values are in percent, but the highest score is stated as "
            f"{fraction[mixed[0]]:g}"
        )
    return percent


TASKS = "bigbench/benchmark_tasks/"


def find(folder: Path) -> list[Path]:
    """List the score files below a folder, sorted.

    Parameters
    ----------
    folder : Path
        A clone of google/BIG-bench, or any folder with ``scores_*.json`` in it.

    Returns
    -------
    list of Path
        May be empty.

    Examples
    --------
    >>> find(Path("there-is-no-such-folder"))
    []
    """
    tasks = folder / TASKS
    return sorted((tasks if tasks.is_dir() else folder).rglob("scores_*.json"))


def short_name(file: Path) -> str:
    """Return ``<task>/results/scores_….json``, wherever the clone lies.

    Parameters
    ----------
    file : Path
        A score file.

    Returns
    -------
    str
        The bare name of a file that lies in no folder ``results``.

    Examples
    --------
    >>> short_name(Path("clone/bigbench/benchmark_tasks/snarks/results/scores_PaLM_8b.json"))
    'snarks/results/scores_PaLM_8b.json'
    """
    parts = file.absolute().parts
    return "/".join(parts[-3:]) if parts[-2] == "results" else file.name
