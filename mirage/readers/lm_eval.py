"""Result files of lm-evaluation-harness, old format and new, as ``lm_eval --output_path`` writes.

Know before use:

- ``n_params`` is what the file states, else the model's nominal size, read off its name;
- metrics are the harness's: ``acc``, ``acc_norm``, ``ppl``, …; ``higher_is_better`` is what the
  file states, else what `mirage.metrics.catalogue` knows, else null;
- the old format does not state the number of items. It follows from a share a and its standard
  error s, n = a(1 − a)/s² + 1, and is null where a is 0 or 1, or no share.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mirage.files import DataError
from mirage.metrics import catalogue
from mirage.readers.files import BadFile, ResultFiles, contents, decode, read_each
from mirage.readers.model_names import family_of, size_of


class _File(msgspec.Struct):
    results: dict[str, dict[str, Any]]
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    model_name: str | None = None
    n_shot: dict[str, Any] = msgspec.field(default_factory=dict, name="n-shot")
    n_samples: dict[str, Any] = msgspec.field(default_factory=dict, name="n-samples")
    group_subtasks: dict[str, list[str]] = msgspec.field(default_factory=dict)
    higher_is_better: dict[str, dict[str, bool | None]] = msgspec.field(default_factory=dict)


_DECODER = msgspec.json.Decoder(_File)


def read(
    paths: Iterable[str | Path],
    n_params: Mapping[str, int] | None = None,
    strict: bool = False,
) -> ResultFiles:
    """Read result files of lm-evaluation-harness into one score table.

    Parameters
    ----------
    paths : iterable of path
        Files, or folders, in which every ``*.json`` that names ``results`` counts.
    n_params : mapping of str to int, optional
        Parameters by model name, for models whose name and file do not tell.
    strict : bool
        Make a bad file an error.

    Returns
    -------
    ResultFiles
        ``scores`` has the extra columns ``shots``, ``stderr``, ``is_group`` (an average over
        subtasks that are also there) and ``higher_is_better``; a metric under a filter of the new
        format is named ``exact_match (strict-match)``.

    Raises
    ------
    DataError
        Where no file can be read, or with ``strict`` where one cannot.

    Examples
    --------
    >>> import json, tempfile
    >>> old = {"results": {"piqa": {"acc": 0.6, "acc_stderr": 0.0492}},
    ...        "config": {"model_args": "pretrained=EleutherAI/pythia-70m", "num_fewshot": 0}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = Path(folder, "pythia.json").write_text(json.dumps(old))
    ...     table = read([folder]).scores
    >>> table.select("family", "n_params", "score", "n_items").row(0)
    ('Pythia', 70000000, 0.6, 100)
    """
    from mirage import tables

    files = [file for path in paths for file in _files(Path(path))]
    parse = functools.partial(_parse, n_params=n_params or {})
    parsed, faults = read_each(contents(files), parse, strict)
    rows = [row for file_rows, _ in parsed for row in file_rows]
    if not rows:
        raise DataError(
            f"no results of lm-evaluation-harness in {len(files)} files"
            + (f": {faults[0]}" if faults else "; expected JSON files with 'results'")
        )
    return ResultFiles(tables.scores(rows), faults, len(parsed), sum(n for _, n in parsed))


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.json")) if path.is_dir() else [path]


def _parse(name: str, data: bytes, n_params: Mapping[str, int]) -> tuple[list[dict], int]:
    """Turn one file into rows; count the values that are no numbers."""
    file = decode(_DECODER, data)
    model = _model_name(file, name)
    size = n_params.get(model) or _stated_size(file) or size_of(model)
    if not size:
        raise BadFile(f"how many parameters has {model!r}? pass n_params={{{model!r}: …}}")
    constant = {"family": family_of(model), "model": model, "n_params": int(size)}
    constant["source"] = f"lm-evaluation-harness, {Path(name).name}"
    rows, n_blank = [], 0
    for task, values in file.results.items():
        for key, value in values.items():
            metric, _, filter_ = key.partition(",")
            if metric == "alias" or metric.endswith("_stderr"):
                continue
            if not (isinstance(value, (int, float)) and math.isfinite(value)):
                n_blank += 1
                continue
            stderr = values.get(f"{metric}_stderr" + (f",{filter_}" if filter_ else ""))
            stderr = float(stderr) if isinstance(stderr, (int, float)) else None
            rows.append(
                constant
                | {
                    "task": task,
                    "metric": metric + (f" ({filter_})" if filter_ not in ("", "none") else ""),
                    "score": float(value),
                    "n_items": _n_items(file, task, metric, value, stderr),
                    "shots": _shots(file, task),
                    "stderr": stderr,
                    "is_group": bool(file.group_subtasks.get(task)),
                    "higher_is_better": _direction(file, task, metric),
                }
            )
    return rows, n_blank


def _model_name(file: _File, name: str) -> str:
    """Return the model's name without its owner: of ``model_name`` or ``pretrained=…``."""
    arguments = file.config.get("model_args") or ""
    if isinstance(arguments, dict):
        arguments = ",".join(f"{key}={value}" for key, value in arguments.items())
    found = re.search(r"(?:pretrained|model|engine)=([^,]+)", str(arguments))
    model = file.model_name or (found and found[1]) or Path(name).stem
    return model.rstrip("/").rsplit("/", 1)[-1]


def _stated_size(file: _File) -> int | None:
    size = file.config.get("model_num_parameters")
    return size if isinstance(size, int) and size > 0 else None


def _direction(file: _File, task: str, metric: str) -> bool | None:
    """Whether higher is better: as the file states, else as is known of the metric."""
    stated = (file.higher_is_better.get(task) or {}).get(metric)
    return catalogue.higher_is_better(metric) if stated is None else stated


def _n_items(file: _File, task: str, metric: str, value: float, stderr: float | None) -> int | None:
    """Return the stated number of items, or the one that a share's standard error implies."""
    stated = file.n_samples.get(task)
    if isinstance(stated, dict):
        stated = stated.get("effective")
    if isinstance(stated, int) and stated > 0:
        return stated
    known = catalogue.find(metric)
    is_share = known is not None and known.kind == catalogue.SHARE
    if not (stderr and 0 < value < 1 and is_share):
        return None
    n = value * (1 - value) / stderr**2 + 1
    whole = round(n)
    # A share of n items is a multiple of 1/n; the error's rounding leaves less than .01 items.
    fits = abs(n - whole) < 0.5 and abs(value * whole - round(value * whole)) < 0.01
    return whole if fits else None


def _shots(file: _File, task: str) -> int | None:
    shots = file.n_shot.get(task, file.config.get("num_fewshot"))
    return shots if isinstance(shots, int) else None
