"""Many configurations → one score table: cached, resumable, parallel.

Each finished configuration is a file named by the hash of everything its numbers depend on: the
configuration, the digest of the data, the code that computed it (:mod:`mirage.code_digest`), and
the versions of the numerical packages below it, with torch's device. A killed run therefore resumes
and loses at most the configurations in flight; a damaged file is named and recomputed; two runs at
once write the same bytes under the same name.

Where the configurations are evaluated is said in :mod:`mirage.processes`.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mirage import code_digest, processes, tables
from mirage.files import MirageError, atomic_write
from mirage.progress import track

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

FORMAT = 2  # of what is stored: raised where this module changes the rows of a finished sweep

Row = dict[str, Any]


class SweepError(MirageError):
    """Some configurations failed; the finished ones are kept."""


def run(
    evaluate: Callable[[Any, Any], Sequence[Mapping[str, Any]]],
    configs: Sequence[Any],
    data: Any,
    family: str,
    *,
    prepare: Callable[[Any], Any] | None = None,
    jobs: int | None = None,
    backend: str | None = None,
    cache: Path | None = None,
) -> pl.DataFrame:
    """Evaluate every configuration that is not in the cache, and return all scores.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(config, data)`` returns the configuration's rows of the score table, as mappings
        of strings and numbers. A function of a module, so that its source can be hashed and
        another process can find it.
    configs : sequence of frozen dataclasses
        What to evaluate.
    data : object with a ``digest``
        Passed through; its digest stands for its content.
    family : str
        Title of the progress bar and folder in the cache.
    prepare : callable, optional
        ``prepare(data)`` returns what ``evaluate`` receives in place of the data, where all
        configurations share a costly step. Called once, and only if something is to be computed.
        A function of the module of ``evaluate``, whose source stands for both.
    jobs : int, optional
        Worker processes, one thread each. Default ``$MIRAGE_JOBS``, else the number of cores.
    backend : {"local", "dask", "ray"}, optional
        Default ``$MIRAGE_BACKEND``, else local. Dask connects to ``$DASK_SCHEDULER_ADDRESS`` and
        Ray to ``$RAY_ADDRESS`` where they are set, and start on this machine otherwise.
    cache : Path, optional
        Default ``$MIRAGE_CACHE``, else the platform's cache folder.

    Returns
    -------
    polars.DataFrame
        A score table (:mod:`mirage.tables`), rows in the order of ``configs``.

    Raises
    ------
    ValueError
        No configuration, an unknown backend, or an ``evaluate`` whose source cannot be found.
    SweepError
        Some configurations failed, or a worker process died. The message names the first; the
        finished ones stay in the cache.
    """
    if not configs:
        raise ValueError("configs is empty: found 0 configurations, expected at least one")
    jobs, backend = processes.workers(jobs, backend)
    folder = (cache or _cache_folder()) / _slug(family)
    names = [getattr(f, "__qualname__", "") for f in (evaluate, prepare)]
    function = [*names, fingerprint(evaluate.__module__)]
    paths = [folder / f"{_key(function, config, data.digest)}.rows" for config in configs]
    done = {path: rows for path in paths if (rows := _read(path)) is not None}
    todo = {path: c for path, c in zip(paths, configs, strict=True) if path not in done}
    if done:
        log.info("%s: %d of %d configurations were in the cache", family, len(done), len(configs))
    failures = []
    with _one_thread():
        shared = prepare(data) if prepare and todo else data
    results = _compute(evaluate, todo, shared, jobs, backend)
    try:
        with track(family, len(todo)) as advance, closing(results):
            for path, encoded, error in results:
                if error:
                    failures.append((todo[path], error))
                    log.error("%s: %s failed\n%s", family, todo[path], error)
                else:
                    _write(path, encoded)
                    done[path] = json.loads(encoded)
                advance(_describe(done.get(path)))
    except BrokenExecutor as error:
        raise SweepError(
            f"{family}: a worker process died (killed, or out of memory?); {len(done)} of "
            f"{len(configs)} configurations are kept: run it again, if need be with fewer jobs"
        ) from error
    if failures:
        first, error = failures[0]
        raise SweepError(
            f"{family}: {len(failures)} of {len(configs)} configurations failed, the others are "
            f"kept; the first is {first}: {error.strip().splitlines()[-1]}"
        )
    return tables.scores(row for path in paths for row in done[path])


def fingerprint(module: str) -> dict[str, Any]:
    """Say what the numbers of a module's functions depend on, beside configuration and data.

    Parameters
    ----------
    module : str
        E.g. ``mirage.vision.lenet``.

    Returns
    -------
    dict
        The digest of its code and of all that it imports from its own package, this module apart;
        the versions of the numerical packages among them, and torch's device.

    Raises
    ------
    ValueError
        The module has no source file, or one that it imports cannot be read.
    """
    code = code_digest.of_module(module, without={__name__})
    return {
        "format": FORMAT,
        "code": code_digest.digest(code),
        "runtime": code_digest.runtime(code.packages),
    }


def _cache_folder() -> Path:
    import platformdirs

    named = os.environ.get("MIRAGE_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("mirage"), "sweeps")


def _slug(family: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in family.lower())


def _key(function: Sequence[Any], config: Any, data_digest: str) -> str:
    content = [function, type(config).__name__, config, data_digest]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:32]


def _encode(rows: Iterable[Mapping[str, Any]]) -> bytes:
    # Not msgspec: it writes ∞, a legal score, as null. The check makes NumPy's numbers plain ones.
    return json.dumps(tables.scores(rows).to_dicts()).encode()


def _write(path: Path, encoded: bytes) -> None:
    with atomic_write(path) as file:
        file.write(hashlib.sha256(encoded).hexdigest().encode() + b"\n" + encoded)


def _read(path: Path) -> list[Row] | None:
    """Read a cached result; None where there is none, or where it is damaged (and said so)."""
    try:
        digest, _, encoded = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if hashlib.sha256(encoded).hexdigest().encode() == digest:
        return json.loads(encoded)
    log.warning("damaged cache file %s (wrong checksum): computing it again", path)
    return None


def _describe(rows: Sequence[Row] | None) -> str:
    if not rows:
        return "failed"
    loss = rows[0].get("loss")
    seed = rows[0].get("seed")
    parts = [rows[0]["model"], f"seed {seed}" if seed is not None else ""]
    return ", ".join(filter(None, [*parts, f"loss {loss:.3f}" if loss is not None else ""]))


def _compute(
    evaluate, todo: Mapping[Path, Any], data, jobs: int, backend: str
) -> Iterator[tuple[Path, bytes, str]]:
    """Yield (path, encoded rows, error) as configurations finish, in whatever order they do."""
    if not todo:
        return
    import joblib

    task = joblib.delayed(_evaluate_one)
    tasks = [task(evaluate, path, config, data) for path, config in todo.items()]
    # Closed here: a sweep that a full disk ends leaves results that nobody asks for.
    with closing(processes.unordered(tasks, min(jobs, len(todo)), backend)) as results:
        yield from results


def _evaluate_one(evaluate, path: Path, config, data) -> tuple[Path, bytes, str]:
    _keep_freed_memory()
    try:
        with _one_thread():
            return path, _encode(evaluate(config, data)), ""
    except Exception:
        return path, b"", traceback.format_exc()


@contextmanager
def _one_thread() -> Iterator[None]:
    """So that a result depends neither on the cores of a machine nor on what runs beside it."""
    torch = sys.modules.get("torch")  # imported with ``evaluate``, if it needs it
    threads = torch.get_num_threads() if torch else 1
    try:
        if torch:
            torch.set_num_threads(1)
        yield
    finally:
        if torch:
            torch.set_num_threads(threads)


@functools.cache
def _keep_freed_memory() -> None:
    """Have glibc reuse freed memory: giving it back costs a page fault per 4 KiB at each step."""
    trim_threshold, mmap_threshold = -1, -3  # M_… of malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(trim_threshold, 2**30)
        mallopt(mmap_threshold, 2**25)  # the largest it takes
