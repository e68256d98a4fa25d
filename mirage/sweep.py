"""Many configurations → one score table: cached, resumable, parallel.

Each finished configuration is a file named by the hash of everything its numbers depend on: the
configuration, the digest of the data, and the source of the modules that computed it. A killed run
therefore resumes and loses at most the configurations in flight; a damaged file is named and
recomputed; two runs at once write the same bytes under the same name.

Parallelism is joblib's: processes with one thread each, or its Dask or Ray backend for a cluster.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mirage import tables
from mirage.files import MirageError, atomic_write
from mirage.progress import track

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

BACKENDS = ("local", "dask", "ray")

Row = dict[str, Any]


class SweepError(MirageError):
    """Some configurations failed; the finished ones are kept."""


class _Entry(msgspec.Struct):
    digest: str  # of the encoded rows
    rows: msgspec.Raw


def run(
    evaluate: Callable[[Any, Any], Sequence[Mapping[str, Any]]],
    configs: Sequence[Any],
    data: Any,
    family: str,
    *,
    jobs: int | None = None,
    backend: str | None = None,
    cache: Path | None = None,
) -> pl.DataFrame:
    """Evaluate every configuration that is not in the cache, and return all scores.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(config, data)`` returns the configuration's rows of the score table, as mappings
        of strings and numbers. A module-level function of ``mirage``, so that its source can be
        hashed and another process can find it.
    configs : sequence of frozen dataclasses
        What to evaluate.
    data : object with a ``digest``
        Passed through; its digest stands for its content.
    family : str
        Title of the progress bar and folder in the cache.
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
    SweepError
        Some configurations failed. The message names them; the finished ones stay in the cache.
    """
    if not configs:
        raise ValueError("configs is empty: found 0 configurations, expected at least one")
    folder = (cache or _cache_folder()) / _slug(family)
    sources = source_digest(evaluate.__module__)
    paths = [folder / f"{_key(config, data.digest, sources)}.json" for config in configs]
    done = {path: rows for path in paths if (rows := _read(path)) is not None}
    todo = {path: c for path, c in zip(paths, configs, strict=True) if path not in done}
    if done:
        log.info("%s: %d of %d configurations were in the cache", family, len(done), len(configs))
    failures = []
    with track(family, len(todo)) as advance:
        for path, rows, error in _compute(evaluate, todo, data, jobs, backend):
            if error:
                failures.append((todo[path], error))
                log.error("%s: %s failed\n%s", family, todo[path], error)
            else:
                _write(path, rows)
                done[path] = rows
            advance(_describe(rows))
    if failures:
        first, error = failures[0]
        raise SweepError(
            f"{family}: {len(failures)} of {len(configs)} configurations failed, the others are "
            f"kept; the first is {first}: {error.strip().splitlines()[-1]}"
        )
    return tables.scores(row for path in paths for row in done[path])


def source_digest(module: str) -> str:
    """Hash the source of a module of ``mirage`` and of every ``mirage`` module it imports.

    Parameters
    ----------
    module : str
        E.g. ``mirage.vision.lenet``.

    Returns
    -------
    str
        SHA-256, hexadecimal: it changes when any of these files does.
    """
    root, waiting, seen = module.split(".")[0], [module], {}
    while waiting:
        name = waiting.pop()
        if name in seen or name.split(".")[0] != root:
            continue
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            continue  # ``from module import name`` where the name is a function
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            continue
        seen[name] = source = Path(spec.origin).read_bytes()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                waiting += [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
    parts = (name.encode() + b"\0" + source for name, source in sorted(seen.items()))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _cache_folder() -> Path:
    import platformdirs

    named = os.environ.get("MIRAGE_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("mirage"), "sweeps")


def _slug(family: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in family.lower())


def _key(config: Any, data_digest: str, sources: str) -> str:
    content = [type(config).__name__, config, data_digest, sources]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:32]


def _write(path: Path, rows: Sequence[Row]) -> None:
    encoded = msgspec.json.encode(rows)
    entry = _Entry(hashlib.sha256(encoded).hexdigest(), msgspec.Raw(encoded))
    with atomic_write(path) as file:
        file.write(msgspec.json.encode(entry))


def _read(path: Path) -> list[Row] | None:
    """Read a cached result; None where there is none, or where it is damaged (and said so)."""
    try:
        entry = msgspec.json.decode(path.read_bytes(), type=_Entry)
        if hashlib.sha256(entry.rows).hexdigest() == entry.digest:
            return msgspec.json.decode(entry.rows, type=list[Row])
        found = "its checksum does not match"
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        found = str(error)
    log.warning("damaged cache file %s (%s): computing it again", path, found)
    return None


def _describe(rows: Sequence[Row] | None) -> str:
    if not rows:
        return "failed"
    loss = rows[0].get("loss")
    seed = rows[0].get("seed")
    parts = [rows[0]["model"], f"seed {seed}" if seed is not None else ""]
    return ", ".join(filter(None, [*parts, f"loss {loss:.3f}" if loss is not None else ""]))


def _compute(
    evaluate, todo: Mapping[Path, Any], data, jobs, backend
) -> Iterator[tuple[Path, list[Row] | None, str]]:
    """Yield (path, rows, error) as configurations finish, in whatever order they do."""
    if not todo:
        return
    import joblib

    jobs = jobs or int(os.environ.get("MIRAGE_JOBS", 0)) or joblib.cpu_count()
    backend = backend or os.environ.get("MIRAGE_BACKEND", "local")
    with _backend(backend, min(jobs, len(todo))):
        parallel = joblib.Parallel(return_as="generator_unordered", max_nbytes="1M")
        task = joblib.delayed(_evaluate_one)
        yield from parallel(task(evaluate, path, config, data) for path, config in todo.items())


def _evaluate_one(evaluate, path: Path, config, data) -> tuple[Path, list[Row] | None, str]:
    torch = sys.modules.get("torch")  # imported with ``evaluate``, if it needs it
    threads = torch.get_num_threads() if torch else 1
    try:
        if torch:  # so that a result does not depend on how many ran beside it
            torch.set_num_threads(1)
        return path, [dict(row) for row in evaluate(config, data)], ""
    except Exception:
        return path, None, traceback.format_exc()
    finally:
        if torch:
            torch.set_num_threads(threads)


@contextmanager
def _backend(name: str, jobs: int) -> Iterator[None]:
    import joblib

    if name == "local":
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
            yield
    elif name == "dask":
        from distributed import Client

        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        here = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
        with Client(address) if address else Client(**here), joblib.parallel_config("dask"):
            yield
    elif name == "ray":
        from ray.util.joblib import register_ray

        register_ray()
        with joblib.parallel_config("ray", n_jobs=jobs):
            yield
    else:
        raise ValueError(f"backend: found {name!r}, expected one of {', '.join(BACKENDS)}")
